"""What a checkpoint's time-stamp token says, as far as it can be told without trust anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat import asn1

from trustworks.core.der.cms import SIGNED_DATA, SignedDataInfo
from trustworks.core.der.tsp import TST_INFO, read_tst_info
from trustworks.core.errors import Malformed, Rejected

if TYPE_CHECKING:
    from datetime import datetime


def stamped_time(token: bytes, imprint: bytes) -> datetime:
    """The genTime of a token over `imprint`; the token's signature is not verified.

    Raises `Malformed`, and `Rejected` (audit.imprint) when the token is about something else.
    """
    try:
        signed = asn1.decode_der(SignedDataInfo, token)
        if signed.content_type.dotted_string != SIGNED_DATA:
            raise Malformed("The time-stamp token is no signed data.")
        content = signed.content.encapsulated
        if content.content_type.dotted_string != TST_INFO:
            raise Malformed("The time-stamp token holds no TSTInfo.")
        info = read_tst_info(content.content)
    except ValueError as error:
        raise Malformed(f"The time-stamp token cannot be decoded: {error}.") from error
    if info.message_imprint.hashed_message != imprint:
        raise Rejected("audit.imprint", "The time-stamp token is about something else.")
    return info.gen_time.as_datetime()
