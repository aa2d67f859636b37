"""Whether a signature brings what its validation needs long after: certificates, and their status.

Levels of signatures say that such data is there, not that it is good: nothing is verified here, and paths are
followed by names alone. Source: EN 319 122-1, 6.3 (and the like for the other formats), level LT.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.der.encode import INTEGER, SEQUENCE, oid
from trustworks.core.der.times import read_time
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

# Who has one of these extensions has no status to be asked for: id-pkix-ocsp-nocheck (RFC 6960, 4.2.2.2.1),
# noRevAvail (RFC 9608), validity assured for a short term (EN 319 412-1, 5.2).
_NO_STATUS: Final = frozenset({oid("1.3.6.1.5.5.7.48.1.5"), oid("2.5.29.56"), oid("0.4.0.194121.2.1")})
_LONGEST_PATH: Final = 32
_EXPLICIT_0: Final = 0xA0
_EXTENSIONS: Final = 0xA3
_BY_NAME: Final = frozenset({0xA1, 0xA2})


@dataclass(frozen=True, slots=True)
class _Certificate:
    serial: int
    issuer: bytes
    subject: bytes
    end: datetime | None
    no_status: bool


@lru_cache(maxsize=512)
def _certificate(der: bytes) -> _Certificate | None:
    try:
        fields = ber.read(der).children()[0].children()
        place = 1 if fields[0].tag == _EXPLICIT_0 else 0
        extensions = [
            one.children()[0].octets
            for field in fields[place + 6 :]
            if field.tag == _EXTENSIONS
            for one in field.children()[0].children()
        ]
        return _Certificate(
            serial=fields[place].integer(),
            issuer=fields[place + 2].octets,
            subject=fields[place + 4].octets,
            end=_end(fields[place + 3]),
            no_status=not _NO_STATUS.isdisjoint(extensions),
        )
    except (Malformed, IndexError):
        return None


def _end(validity: ber.Element) -> datetime | None:
    try:
        return read_time(validity.children()[1])
    except (Malformed, IndexError):
        return None


def certificate_end(der: bytes) -> datetime | None:
    """The end of a certificate's validity; None where it cannot be read."""
    one = _certificate(der)
    return None if one is None else one.end


@lru_cache(maxsize=512)
def _list_issuer(der: bytes) -> bytes | None:
    """The issuer of a revocation list (RFC 5280, 5.1.2.3)."""
    try:
        fields = ber.read(der).children()[0].children()
        return fields[2 if fields[0].tag == INTEGER else 1].octets
    except (Malformed, IndexError):
        return None


@lru_cache(maxsize=512)
def _answered(der: bytes) -> frozenset[int]:
    """The serial numbers that an OCSP answer, whole or basic, speaks of (RFC 6960, 4.2.1)."""
    try:
        parts = ber.read(der).children()
        if parts[0].tag != SEQUENCE:
            parts = ber.read(parts[1].children()[0].children()[1].string()).children()
        fields = parts[0].children()
        responses = next(one for one in fields[1:] if one.tag == SEQUENCE)
        return frozenset(one.children()[0].children()[3].integer() for one in responses.children())
    except (Malformed, IndexError, StopIteration):
        return frozenset()


def has_validation_data(
    signers: Iterable[bytes], certificates: Iterable[bytes], revocation: Mapping[str, bytes]
) -> bool:
    """Whether there is a list or an OCSP answer for every certificate on the paths from `signers`.

    `certificates` are those at hand; `revocation` is the data at hand by its ids. A certificate that issued
    itself needs no status; nor does one that says so. False where none of them needs any and none is there.
    """
    if not revocation:
        return False
    issuers = {_list_issuer(der) for named, der in revocation.items() if named[0] == "R"}
    serials = {serial for named, der in revocation.items() if named[0] == "O" for serial in _answered(der)}
    by_subject: dict[bytes, _Certificate] = {}
    for der in certificates:
        one = _certificate(der)
        if one is not None:
            by_subject.setdefault(one.subject, one)
    for der in signers:
        one = _certificate(der)
        for _ in range(_LONGEST_PATH):
            if one is None or one.issuer == one.subject:
                break
            if not one.no_status and one.issuer not in issuers and one.serial not in serials:
                return False
            one = by_subject.get(one.issuer)
    return True
