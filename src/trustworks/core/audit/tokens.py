"""What a checkpoint's time-stamp token says, as far as it can be told without trust anchors.

The sequencer asks before it keeps one, and a verification asks of what is there.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat import asn1

from trustworks.core.audit.model import time_text
from trustworks.core.audit.report import Finding
from trustworks.core.der.cms import SIGNED_DATA, SignedDataInfo
from trustworks.core.der.tsp import TST_INFO, read_tst_info
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.audit.checkpoint import Checkpoint

# A token cannot be older than what it is about. But its time may be in whole seconds and a second wrong
# (EN 319 421), and the checkpoint's is of a clock that nobody checks.
EARLY = timedelta(minutes=1)
# It is asked for right after the signature, once: an authority that does not answer then stamps a later
# checkpoint. Until then a module may have been waited for that was busy, and the authority after it.
LATE = timedelta(minutes=5)


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


@implements("TRUSTWORKS:AUDIT-16", disabled=())
def stamp_findings(label: str, one: Checkpoint, stamped: datetime) -> tuple[Finding, ...]:
    """Where a time-stamp's time is not the checkpoint's own, as far as `EARLY` and `LATE` let it differ."""
    if -EARLY <= stamped - one.moment <= LATE:
        return ()
    return (
        Finding(
            kind="time-stamp",
            message=f"The time-stamp of {label} is of {time_text(stamped)}, and the checkpoint says that it "
            f"was signed at {one.time}. Either the clock of the signer or of the authority was wrong, or the "
            "machine stood still between the two, or the checkpoint was not signed when it says, as where "
            "the log was written anew: find out which.",
        ),
    )
