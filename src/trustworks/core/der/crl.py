"""Certificate revocation lists: written entry by entry, without an object for each (RFC 5280, 5).

A list of a million entries is some 50 MB. `encode_entries` takes them from an iterator and keeps nothing but
their octets. It insists on ascending serials: an entry out of order or twice is a fault of the caller, and is
found before anything is signed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from trustworks.core.der.encode import (
    BIT_STRING,
    ENUMERATED,
    INTEGER,
    SEQUENCE,
    context,
    extension,
    generalized_time,
    integer,
    length,
    tlv,
    x509_time,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CRL_NUMBER: Final = "2.5.29.20"
REASON: Final = "2.5.29.21"
INVALIDITY_DATE: Final = "2.5.29.24"
AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"
EXPIRED_CERTS_ON_CRL: Final = "2.5.29.60"
ISSUING_DISTRIBUTION_POINT: Final = "2.5.29.28"
DELTA_CRL_INDICATOR: Final = "2.5.29.27"
FRESHEST_CRL: Final = "2.5.29.46"
REMOVE_FROM_CRL: Final = 8

_V2: Final = integer(1)

# The reason as an entry extension; `unspecified` is said by leaving it out (RFC 5280, 5.3.1); 7 is not used.
_REASONS: Final[dict[int, bytes]] = {
    code: b"" if code == 0 else extension(REASON, integer(code, ENUMERATED))
    for code in range(11)
    if code != 7
}
_ONLY_REASON: Final[dict[int, bytes]] = {
    code: tlv(SEQUENCE, reason) if reason else b"" for code, reason in _REASONS.items()
}


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = 86_400
_CLOCK_OCTETS: Final = len(b"HHMMSSZ")
SERIAL_OCTETS: Final = 20  # at most 20 octets, positive (RFC 5280, 4.1.2.2)
_SERIAL_LIMIT: Final = b"\x80" + bytes(SERIAL_OCTETS - 1)


@cache
def _clock() -> tuple[bytes, ...]:
    """The rest of a Time, for each second of a day: hours, minutes, seconds, Z. Made by the first list."""
    return tuple(
        b"%02d%02d%02dZ" % (second // 3600, second // 60 % 60, second % 60) for second in range(_DAY)
    )


class RevokedEntry(NamedTuple):
    """One revoked certificate; times are seconds since 1970-01-01T00:00:00Z.

    `serial` has `SERIAL_OCTETS` octets, the highest first. `reason` is a code of RFC 5280, 5.3.1, 0 where
    none is given. `invalid_since`: when the key may have been lost.
    """

    serial: bytes
    revoked_at: int
    reason: int = 0
    invalid_since: int | None = None


def encode_entries(
    entries: Iterable[tuple[bytes, int, int, int | None]], onto: bytearray | None = None
) -> tuple[bytearray, int]:
    """The elements of revokedCertificates one after the other, and how many (RFC 5280, 5.1.2.6).

    An entry is a `RevokedEntry`, or a tuple of the same: an object for each of a million costs a second. They
    are put behind what `onto` holds. Raises ValueError unless serials ascend, KeyError for a reason that the
    standard does not have.
    """
    octets = bytearray() if onto is None else onto
    last, count = bytes(SERIAL_OCTETS), 0
    parts: list[bytes] = []
    put, head_of, day_of, clock = parts.extend, _HEADS.__getitem__, _date, _clock()
    for serial, revoked_at, reason, invalid_since in entries:
        if not last < serial < _SERIAL_LIMIT or len(serial) != SERIAL_OCTETS:
            raise ValueError(f"the serial {serial.hex()} after {last.hex()}: serials are positive and ascend")
        last = serial
        count += 1
        day = revoked_at // _DAY
        extensions = _ONLY_REASON[reason] if invalid_since is None else _both(reason, invalid_since)
        date = day_of(day)
        number = serial if serial[0] else _shortest(serial)
        # All is below 128 octets, because a serial has at most 20, so every length is one octet.
        head = head_of((len(number), len(date) + len(extensions)))
        put((head, number, date, clock[revoked_at - day * _DAY], extensions))
        if len(parts) >= _MOST_PARTS:
            octets += b"".join(parts)
            parts.clear()
    octets += b"".join(parts)
    return octets, count


class _Heads(dict[tuple[int, int], bytes]):
    """What stands before a serial, by its length and by what date and extensions have together."""

    def __missing__(self, key: tuple[int, int]) -> bytes:
        number, rest = key
        head = self[key] = bytes((SEQUENCE, 9 + number + rest, INTEGER, number))
        return head


_HEADS: Final = _Heads()
_MOST_PARTS: Final = 5_000  # octets are joined when so many are there


def _shortest(serial: bytes) -> bytes:
    """The content of an INTEGER: the least octets, the first bit 0 (X.690, 8.3)."""
    number = serial.lstrip(b"\0")
    return b"\0" + number if number[0] & 0x80 else number


@lru_cache(maxsize=8192)
def _date(day: int) -> bytes:
    """A Time as far as the day, with tag and length: UTCTime until 2049 (RFC 5280, 5.1.2.4)."""
    return x509_time(_EPOCH + timedelta(days=day))[:-_CLOCK_OCTETS]


def _both(reason: int, invalid_since: int) -> bytes:
    """Entry extensions with the reason and the date of invalidity."""
    date = generalized_time(_EPOCH + timedelta(seconds=invalid_since))
    return tlv(SEQUENCE, _REASONS[reason], extension(INVALIDITY_DATE, date))


def encode_tbs(
    *,
    algorithm: bytes,
    issuer: bytes,
    this_update: datetime,
    next_update: datetime,
    entries: bytes | bytearray,
    extensions: Iterable[bytes],
) -> bytes:
    """The TBSCertList, version 2: the octets that are signed.

    `algorithm` is the AlgorithmIdentifier, `issuer` the authority's subject name, octet for octet as in its
    certificate, `entries` comes from `encode_entries`. Without entries the field is absent, as it must be
    (RFC 5280, 5.1.2.6).
    """
    head = b"".join((_V2, algorithm, issuer, x509_time(this_update), x509_time(next_update)))
    if entries:
        head += bytes((SEQUENCE,)) + length(len(entries))
    tail = context(0, tlv(SEQUENCE, *extensions))
    return b"".join((bytes((SEQUENCE,)), length(len(head) + len(entries) + len(tail)), head, entries, tail))


def encode_certificate_list(tbs: bytes, algorithm: bytes, signature: bytes) -> bytes:
    """The signed CertificateList."""
    return tlv(SEQUENCE, tbs, algorithm, tlv(BIT_STRING, b"\0", signature))


def crl_number_extension(number: int) -> bytes:
    """The list's number, which only grows (RFC 5280, 5.2.3)."""
    return extension(CRL_NUMBER, integer(number))


def authority_key_identifier_extension(key_identifier: bytes) -> bytes:
    """Which key of the issuer signed, by the key identifier of its certificate (RFC 5280, 5.2.1)."""
    return extension(AUTHORITY_KEY_IDENTIFIER, tlv(SEQUENCE, context(0, key_identifier, constructed=False)))


def issuing_distribution_point_extension(urls: Sequence[str], *, only_user_certificates: bool) -> bytes:
    """Which part of the issuer's certificates the list is about: critical (RFC 5280, 5.2.5)."""
    only = context(1, b"\xff", constructed=False) if only_user_certificates else b""
    return extension(
        ISSUING_DISTRIBUTION_POINT, tlv(SEQUENCE, context(0, _full_name(urls)), only), critical=True
    )


def delta_crl_indicator_extension(base: int) -> bytes:
    """The number of the complete list that a delta list goes on from: critical (RFC 5280, 5.2.4)."""
    return extension(DELTA_CRL_INDICATOR, integer(base), critical=True)


def freshest_crl_extension(urls: Sequence[str]) -> bytes:
    """Where the delta list to a complete list is (RFC 5280, 5.2.6)."""
    return extension(FRESHEST_CRL, tlv(SEQUENCE, tlv(SEQUENCE, context(0, _full_name(urls)))))


def _full_name(urls: Sequence[str]) -> bytes:
    """The fullName of a DistributionPointName (RFC 5280, 4.2.1.13)."""
    return context(0, *(context(6, url.encode("ascii"), constructed=False) for url in urls))


def expired_certs_on_crl_extension(since: datetime) -> bytes:
    """That revoked certificates stay on the list although they expired, if they did after `since`.

    Source: X.509, 9.5.2.8; EN 319 411-2, 6.3.10.
    """
    return extension(EXPIRED_CERTS_ON_CRL, generalized_time(since))


def tbs_octets(der: bytes) -> slice:
    """Where the signed octets of a CertificateList stand in it; for a list that was parsed before."""
    tbs, _ = _content(der, 0)
    return slice(tbs, sum(_content(der, tbs)))


def issuer_octets(der: bytes) -> bytes:
    """The issuer of a CertificateList of version 2, as it stands there; for a list that was parsed before."""
    tbs, _ = _content(der, 0)
    version, _ = _content(der, tbs)
    algorithm = sum(_content(der, version))
    issuer = sum(_content(der, algorithm))
    return der[issuer : sum(_content(der, issuer))]


def _content(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at an offset begins, and how many octets it has."""
    first = der[at + 1]
    if first < 0x80:
        return at + 2, first
    size = first & 0x7F
    return at + 2 + size, int.from_bytes(der[at + 2 : at + 2 + size], "big")
