"""What was given in place of a time-stamp, as far as its octets show it, and what to do about it."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from trustworks.core.der import tsp


@asn1.sequence
class _AnySignedData:
    version: int
    digest_algorithms: asn1.TLV
    encapsulated: list[asn1.TLV]
    certificates: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    crls: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]
    signer_infos: asn1.SetOf[list[asn1.TLV]]


@asn1.sequence
class _AnySignedDataInfo:
    content_type: ObjectIdentifier
    content: Annotated[_AnySignedData, asn1.Explicit(0)]


_HEAD: Final = 400
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/=\s]{60,}")


def _is_text(octets: bytes) -> bool:
    """Whether they begin as PEM does, or as the base64 of an element that is longer than a line."""
    head = octets.lstrip()[:_HEAD]
    return head.startswith(b"-----BEGIN ") or _BASE64.fullmatch(head) is not None


def no_token(octets: bytes) -> str:
    """What is given in place of a token, and what to do about it."""
    if not octets:
        return "The time-stamp is empty: there are no octets. Get it again from where it came."
    if _is_text(octets):
        return (
            "The time-stamp is text (PEM or base64), and what is read here is DER: take off the lines that "
            "begin with -----, and decode the rest, for example with base64 -d."
        )
    with suppress(ValueError):
        asn1.decode_der(tsp.TimeStampReq, octets)
        return (
            "This is a request for a time-stamp, not a time-stamp: send it to a time-stamping authority, and "
            "give what that answers."
        )
    with suppress(ValueError):
        found = asn1.decode_der(_AnySignedDataInfo, octets).content
        if len(found.encapsulated) < 2:
            return "The token has no TSTInfo in it: what it signs lies elsewhere. Give a time-stamp."
        signers = found.signer_infos.as_list()
        if any(len(one) < 4 or one[3].tag_bytes != b"\xa0" for one in signers):
            return (
                "The token's signer has no signed attributes, which every token has (RFC 3161, 2.4.2). Do "
                "not rely on it; ask its authority for another."
            )
    return (
        "The token is not CMS signed data in DER. If it is in BER, which is allowed, write it in DER first: "
        "openssl ts -reply -token_in -in FILE -token_out -out NEW (for a whole answer without -token_in)."
    )
