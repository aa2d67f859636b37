"""Certificate revocation lists: written entry by entry, without an object for each (RFC 5280, 5).

A list of a million entries is some 50 MB. `encode_entries` takes them from an iterator and keeps nothing but
their octets. It insists on ascending serials: an entry out of order or twice is a fault of the caller, and is
found before anything is signed.
"""

from __future__ import annotations

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
    from collections.abc import Iterable
    from datetime import datetime

CRL_NUMBER: Final = "2.5.29.20"
REASON: Final = "2.5.29.21"
INVALIDITY_DATE: Final = "2.5.29.24"
AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"
EXPIRED_CERTS_ON_CRL: Final = "2.5.29.60"

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


class RevokedEntry(NamedTuple):
    """One revoked certificate; `reason` is a code of RFC 5280, 5.3.1, 0 where none is given."""

    serial: int
    revoked_at: datetime
    reason: int = 0
    invalidity_date: datetime | None = None


def encode_entry(entry: RevokedEntry) -> bytes:
    """One element of revokedCertificates (RFC 5280, 5.1.2.6)."""
    serial, moment, reason, invalidity_date = entry
    octets = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    year = moment.year
    if 1950 <= year < 2050:
        time = b"\x17\r%02d%02d%02d%02d%02d%02dZ" % (
            year % 100,
            moment.month,
            moment.day,
            moment.hour,
            moment.minute,
            moment.second,
        )
    else:
        time = x509_time(moment)
    if invalidity_date is None:
        extensions = _ONLY_REASON[reason]
    else:
        invalidity = extension(INVALIDITY_DATE, generalized_time(invalidity_date))
        extensions = tlv(SEQUENCE, _REASONS[reason], invalidity)
    # The content is below 128 octets, because a serial has at most 20, so every length is one octet.
    size = 2 + len(octets) + len(time) + len(extensions)
    return b"%c%c%c%c%b%b%b" % (SEQUENCE, size, INTEGER, len(octets), octets, time, extensions)


def encode_entries(entries: Iterable[RevokedEntry]) -> tuple[bytearray, int]:
    """The entries' octets one after the other, and how many there are; ValueError unless serials ascend."""
    octets = bytearray()
    count = 0
    last = 0
    for entry in entries:
        if not last < entry[0] < 1 << 159:
            raise ValueError(f"the serial {entry[0]:x} after {last:x}: serials are positive and ascend")
        last = entry[0]
        octets += encode_entry(entry)
        count += 1
    return octets, count


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


def expired_certs_on_crl_extension(since: datetime) -> bytes:
    """That revoked certificates stay on the list although they expired, if they did after `since`.

    Source: X.509, 9.5.2.8; EN 319 411-2, 6.3.10.
    """
    return extension(EXPIRED_CERTS_ON_CRL, generalized_time(since))


def issuer_octets(tbs: bytes) -> bytes:
    """The issuer of a TBSCertList of version 2, as it stands there; for a list that was parsed before."""
    version, _ = _content(tbs, 0)
    algorithm = sum(_content(tbs, version))
    issuer = sum(_content(tbs, algorithm))
    return tbs[issuer : sum(_content(tbs, issuer))]


def _content(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at an offset begins, and how many octets it has."""
    first = der[at + 1]
    if first < 0x80:
        return at + 2, first
    size = first & 0x7F
    return at + 2 + size, int.from_bytes(der[at + 2 : at + 2 + size], "big")
