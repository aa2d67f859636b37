"""Whether revocation data for a signature's certificates came with it: what the levels LT and LTA ask for.

Read just far enough to tell for whom it is; whether it is good, validation says.
Source: EN 319 142-1, 6.3 and annex A.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.errors import Malformed
from trustworks.formats.verification import candidates_among

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trustworks.core.der.ber import Element
    from trustworks.formats.evidence import Signature, Token

_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0


@dataclass(frozen=True, slots=True)
class _Names:
    issuer: bytes
    subject: bytes
    serial: int


@dataclass(slots=True)
class RevocationData:
    """For whom the revocation data of a file is: issuers that have a list, numbers that have an answer."""

    issuers: set[bytes] = field(default_factory=set)
    serials: set[int] = field(default_factory=set)

    @staticmethod
    def of(tokens: Mapping[str, bytes]) -> RevocationData:
        """Of revocation lists and OCSP answers by their ids; what cannot be read is for nobody."""
        found = RevocationData()
        for named, octets in tokens.items():
            try:
                if named.startswith("R"):
                    found.issuers.add(_list_issuer(octets))
                else:
                    found.serials.update(_answered(octets))
            except (Malformed, IndexError):
                continue
        return found


def signer_of(signature: Signature, certificates: Mapping[str, Token]) -> str | None:
    """The certificate that a signature names as its own or is the only one beside it; no key is tried."""
    found = candidates_among(signature, certificates)
    for one in found:
        if (one.reference is not None and one.reference.digest) or one.identified:
            return one.id
    return None


def has_revocation_data(
    signers: Sequence[str], certificates: Mapping[str, Token], revocation: RevocationData
) -> bool:
    """Whether for each of these certificates its issuer is at hand, and revocation data.

    That is how far it can be told without knowing whom to trust: certificates of authorities above may be
    trust anchors, which need none, and one that names itself as its issuer needs none either.
    """
    names = {
        named: found for named, token in certificates.items() if (found := _names(token.der)) is not None
    }
    subjects = {one.subject for one in names.values()}
    for signer in signers:
        one = names.get(signer)
        if one is None or one.issuer == one.subject:
            continue
        answered = one.serial in revocation.serials or one.issuer in revocation.issuers
        if not answered or one.issuer not in subjects:
            return False
    return True


def _names(der: bytes) -> _Names | None:
    try:
        fields = ber.read(der).children()[0].children()
        place = 1 if fields[0].tag == _VERSION else 0
        return _Names(fields[place + 2].octets, fields[place + 4].octets, fields[place].integer())
    except (Malformed, IndexError):
        return None


def _list_issuer(der: bytes) -> bytes:
    """The issuer of a revocation list (RFC 5280, 5.1): after the algorithm, which is the first SEQUENCE."""
    fields = ber.read(der).children()[0].children()
    first = next(place for place, one in enumerate(fields) if one.tag == _SEQUENCE)
    return fields[first + 1].octets


def _answered(der: bytes) -> set[int]:
    """The numbers of the certificates that an OCSP answer is about (RFC 6960, 4.2.1)."""
    basic = ber.read(der)
    parts = basic.children()
    if parts[0].tag != _SEQUENCE:
        # The whole response: its basic one is in an OCTET STRING.
        basic = ber.read(parts[1].children()[0].children()[1].string())
        parts = basic.children()
    fields: list[Element] = parts[0].children()
    if fields[0].tag == _VERSION:
        fields = fields[1:]
    return {single.children()[0].children()[3].integer() for single in fields[2].children()}
