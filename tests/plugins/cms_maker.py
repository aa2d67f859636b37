"""Makes CMS signed data octet by octet, right and wrong, with throw-away keys and time-stamps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from foreign_tokens import ECDSA, SHA256, ForeignAuthority, attribute, name, reference, tst_info

from trustworks.core.der import cms
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, SET, UTC_TIME, context, integer, oid, tlv

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA: Final = "1.2.840.113549.1.7.1"
CONTENT: Final = b"what is signed"
WHO: Final = ForeignAuthority()
"""Signs; its authority stamps."""
AA: Final = "1.2.840.113549.1.9.16.2"


def digest(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def token(over: bytes, *, time: bytes = b"20260504030201Z", unsigned: bytes = b"") -> bytes:
    """A time-stamp token over some octets; `unsigned` are unsigned attributes of its signer."""
    imprint = tlv(SEQUENCE, SHA256, tlv(OCTET_STRING, digest(over)))
    tst = tst_info(imprint=imprint, time=time)
    signer = WHO.signer(tst)
    if unsigned:
        signer = tlv(SEQUENCE, signer[4:] if signer[1] == 0x82 else signer[3:], context(1, unsigned))
    return WHO.token(tst, signers=[signer])


def signed_attributes(
    content: bytes, *further: bytes, without: Sequence[str] = (), type_: str = DATA
) -> list[bytes]:
    """What a baseline signature signs; `without` are object identifiers that are left out."""
    every = {
        cms.CONTENT_TYPE: attribute(cms.CONTENT_TYPE, oid(type_)),
        cms.SIGNING_TIME: attribute(cms.SIGNING_TIME, tlv(UTC_TIME, b"260504030201Z")),
        cms.MESSAGE_DIGEST: attribute(cms.MESSAGE_DIGEST, tlv(OCTET_STRING, digest(content))),
        cms.SIGNING_CERTIFICATE_V2: reference(WHO.certificate),
    }
    return sorted([*(one for kind, one in every.items() if kind not in without), *further])


def sign(octets: bytes) -> bytes:
    return WHO.key.sign(octets, ec.ECDSA(hashes.SHA256()))


@dataclass(frozen=True, kw_only=True)
class Signer:
    """A SignerInfo in its parts."""

    attributes: bytes
    value: bytes

    @classmethod
    def over(
        cls, content: bytes, *further: bytes, attributes: Sequence[bytes] | None = None, **given: Any
    ) -> Signer:
        listed = signed_attributes(content, *further, **given) if attributes is None else attributes
        octets = b"".join(listed)
        return cls(attributes=octets, value=sign(tlv(SET, octets) if octets else content))

    @property
    def fields(self) -> bytes:
        """All but the unsigned attributes."""
        return b"".join(
            (
                integer(1),
                tlv(SEQUENCE, name(b"CA"), integer(4242)),
                SHA256,
                context(0, self.attributes) if self.attributes else b"",
                ECDSA,
                tlv(OCTET_STRING, self.value),
            )
        )

    def info(self, *unsigned: bytes) -> bytes:
        return tlv(SEQUENCE, self.fields, context(1, *unsigned) if unsigned else b"")


def signed_data(
    *infos: bytes,
    content: bytes | None = CONTENT,
    certificates: Sequence[bytes] = (WHO.certificate, WHO.ca),
    crls: Sequence[bytes] = (),
    type_: str = DATA,
) -> bytes:
    inside = b"" if content is None else context(0, tlv(OCTET_STRING, content))
    parts = (
        integer(1),
        tlv(SET, SHA256),
        tlv(SEQUENCE, oid(type_), inside),
        context(0, *certificates) if certificates else b"",
        context(1, *crls) if crls else b"",
        tlv(SET, *infos),
    )
    return tlv(SEQUENCE, oid(cms.SIGNED_DATA), context(0, tlv(SEQUENCE, *parts)))


def basic(*unsigned: bytes, content: bytes = CONTENT, **given: Any) -> bytes:
    """A signature of the baseline, with these unsigned attributes."""
    return signed_data(Signer.over(content).info(*unsigned), content=content, **given)
