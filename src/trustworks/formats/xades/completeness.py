"""Whether a signature carries what its validation needs: what tells level LT from level T.

Whether the data is good is for validation to say. Source: EN 319 132-1, 6.3, requirements for LT.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.der.encode import oid
from trustworks.core.der.times import read_time
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_ENUMERATED: Final = 0x0A
_VERSION: Final = 0xA0
_EXTENSIONS: Final = 0xA3
_NO_CHECK: Final = oid("1.3.6.1.5.5.7.48.1.5")


@dataclass(frozen=True, slots=True)
class _Certificate:
    serial: int
    issuer: bytes
    subject: bytes
    not_after: datetime
    no_check: bool


def is_self_issued(certificate: bytes) -> bool:
    """Whether issuer and subject are the same name; False for what cannot be read."""
    read = _certificate(certificate)
    return read is not None and read.issuer == read.subject


def not_after(certificate: bytes) -> datetime | None:
    """The end of validity; None for what cannot be read."""
    read = _certificate(certificate)
    return None if read is None else read.not_after


def has_revocation_data(certificate: bytes, lists: Sequence[bytes], answers: Sequence[bytes]) -> bool:
    """Whether there is a list of a certificate's issuer, or an answer about it, or none is needed."""
    read = _certificate(certificate)
    if read is None:
        return False
    return (
        read.no_check
        or any(read.serial in _serials(one) for one in answers)
        or any(read.issuer == _issuer_of_list(one) for one in lists)
    )


@lru_cache(maxsize=1024)
def _certificate(der: bytes) -> _Certificate | None:
    try:
        fields = ber.read(der).children()[0].children()
        place = 1 if fields[0].tag == _VERSION else 0
        return _Certificate(
            serial=fields[place].integer(),
            issuer=fields[place + 2].octets,
            subject=fields[place + 4].octets,
            not_after=read_time(fields[place + 3].children()[1]),
            no_check=any(one.tag == _EXTENSIONS and _is_no_check(one) for one in fields[place + 6 :]),
        )
    except (Malformed, IndexError):
        return None


def _is_no_check(extensions: ber.Element) -> bool:
    """Whether an OCSP signer's certificate says that nobody needs to ask about it (RFC 6960, 4.2.2.2.1)."""
    return any(one.children()[0].octets == _NO_CHECK for one in extensions.children()[0].children())


@lru_cache(maxsize=64)
def _issuer_of_list(der: bytes) -> bytes | None:
    """The issuer of a revocation list (RFC 5280, 5.1)."""
    try:
        fields = ber.read(der).children()[0].children()
        return fields[2 if fields[0].tag == 0x02 else 1].octets
    except (Malformed, IndexError):
        return None


@lru_cache(maxsize=256)
def _serials(der: bytes) -> frozenset[int]:
    """The serial numbers that an OCSP answer is about, whole or without its envelope (RFC 6960, 4.2.1)."""
    try:
        parts = ber.read(der).children()
        if parts[0].tag == _ENUMERATED:
            parts = ber.read(parts[1].children()[0].children()[1].string()).children()
        responses = next(one for one in parts[0].children() if one.tag == 0x30)
        return frozenset(one.children()[0].children()[3].integer() for one in responses.children())
    except (Malformed, IndexError, StopIteration):
        return frozenset()
