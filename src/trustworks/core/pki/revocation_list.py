"""A certificate revocation list as validation sees it, of whatever length: entries are read when asked for.

A list of a million entries is some 40 MB, and all that is asked of it is whether one certificate is there.
Its octets are searched for the serial number; only where that is found, the places of the entries before are
walked, so that octets which merely look like an entry are not taken for one.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from cryptography import x509

from trustworks.core.der.ber import Source
from trustworks.core.der.crl import (
    AUTHORITY_KEY_IDENTIFIER,
    CRL_NUMBER,
    DELTA_CRL_INDICATOR,
    EXPIRED_CERTS_ON_CRL,
    INVALIDITY_DATE,
    ISSUING_DISTRIBUTION_POINT,
    REASON,
)
from trustworks.core.der.encode import ENUMERATED, GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME, integer, oid
from trustworks.core.der.times import read_time
from trustworks.core.der.values import expect, first, only, tagged
from trustworks.core.errors import Malformed
from trustworks.core.pki import extensions as ext
from trustworks.core.pki.certificate import LIMITS, Limits, Signed, read_signed
from trustworks.core.pki.certificates import FAILURES
from trustworks.core.pki.names import DistinguishedName, read_distinguished_name
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from trustworks.core.der.ber import Element

CERTIFICATE_ISSUER: Final = "2.5.29.29"
_CERTIFICATE_ISSUER: Final = oid(CERTIFICATE_ISSUER)
_TRUE: Final = b"\x01\x01\xff"

MOST_HITS: Final = 10_000
"""Entries with the same serial number, of several issuers, that are looked at."""

_MOST_ELEMENTS: Final = 1000

ENTRY_EXTENSIONS: Final = frozenset({REASON, INVALIDITY_DATE, CERTIFICATE_ISSUER})
"""The extensions of an entry that are processed (RFC 5280, 5.3)."""

_INTERNED_OCTETS: Final = 1 << 20
_INTERNED: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedCertificate:
    """An entry of a list.

    `reason` is a code of RFC 5280, 5.3.1, None where none is given; `issuer` who issued the certificate;
    `critical` the critical extensions that are not processed.
    """

    serial: int
    revoked_at: datetime
    reason: int | None
    invalidity_date: datetime | None
    issuer: DistinguishedName
    critical: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class RevocationList:
    """A CertificateList (RFC 5280, 5). Two are equal when their octets are. Get one by `RevocationList.read`.

    `next_update` is None where the list has none. `_entries` is where revokedCertificates stands.
    """

    der: bytes = field(repr=False)
    sha256: bytes
    version: int
    issuer: DistinguishedName
    this_update: datetime
    next_update: datetime | None
    extensions: tuple[tuple[str, bool, bytes], ...]
    signed: Signed = field(repr=False)
    _entries: tuple[int, int] = field(repr=False)

    @staticmethod
    def read(der: bytes, limits: Limits = LIMITS) -> RevocationList:
        """The list of these octets; a short one is remembered. Raises `Malformed`."""
        if len(der) <= _INTERNED_OCTETS:
            return _interned(der, limits)
        return _read(der, limits)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, RevocationList) and self.sha256 == other.sha256)

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __str__(self) -> str:
        return f"the revocation list of {self.issuer.text} of {self.this_update:%Y-%m-%d %H:%M:%SZ}"

    # Extensions of the list

    def value(self, oid: str) -> bytes | None:
        """The value of an extension; None where there is none."""
        return next((content for one, _, content in self.extensions if one == oid), None)

    @cached_property
    def faults(self) -> dict[str, str]:
        """Extensions that cannot be read as what they should be, and why."""
        found: dict[str, str] = {}
        for name, reader in _READERS.items():
            content = self.value(name)
            if content is not None:
                try:
                    reader(content)
                except Malformed as error:
                    found[name] = str(error)
        return found

    @cached_property
    def number(self) -> int | None:
        """The list's number (RFC 5280, 5.2.3)."""
        content = None if CRL_NUMBER in self.faults else self.value(CRL_NUMBER)
        return None if content is None else ext.read_integer_value(content)

    @cached_property
    def base_number(self) -> int | None:
        """The number of the complete list that a delta list goes on from (RFC 5280, 5.2.4)."""
        content = None if DELTA_CRL_INDICATOR in self.faults else self.value(DELTA_CRL_INDICATOR)
        return None if content is None else ext.read_integer_value(content)

    @property
    def is_delta(self) -> bool:
        """Whether the list has the changes to another alone."""
        return self.value(DELTA_CRL_INDICATOR) is not None

    @cached_property
    def issuing_distribution_point(self) -> ext.IssuingDistributionPoint | None:
        """What the list is about (RFC 5280, 5.2.5)."""
        name = ISSUING_DISTRIBUTION_POINT
        content = None if name in self.faults else self.value(name)
        return None if content is None else ext.read_issuing_distribution_point(content)

    @cached_property
    def authority_key_identifier(self) -> ext.AuthorityKeyIdentifier | None:
        """Which key signed (RFC 5280, 5.2.1)."""
        name = AUTHORITY_KEY_IDENTIFIER
        content = None if name in self.faults else self.value(name)
        return None if content is None else ext.read_authority_key_identifier(content)

    @cached_property
    def keeps_expired_since(self) -> datetime | None:
        """Certificates that expired since then are still listed (X.509, 9.5.2.8)."""
        content = None if EXPIRED_CERTS_ON_CRL in self.faults else self.value(EXPIRED_CERTS_ON_CRL)
        return None if content is None else _read_moment(content)

    # Entries

    @cached_property
    def is_strict(self) -> bool:
        """Whether every octet of the list is DER, as a strict reader has it."""
        try:
            return len(x509.load_der_x509_crl(self.der).signature) > 0
        except FAILURES:
            return False

    def find(self, serial: int, issuer: DistinguishedName | None = None) -> RevokedCertificate | None:
        """The entry of a certificate; of the list's own issuer, if no issuer is given.

        Raises `Malformed`, when the entries cannot be read as far as that.
        """
        return self._find(serial, self.issuer if issuer is None else issuer)

    @cached_property
    def _found(self) -> dict[tuple[int, DistinguishedName], RevokedCertificate | None]:
        return {}

    def _find(self, serial: int, issuer: DistinguishedName) -> RevokedCertificate | None:
        key = serial, issuer
        if key not in self._found:
            if len(self._found) >= 1024:
                self._found.clear()
            places = self._places(serial)
            last = None
            for number, entry in enumerate(places):
                if self.is_strict and number >= MOST_HITS:
                    raise Malformed(f"The list has more than {MOST_HITS} entries with the number {serial:x}.")
                read = self._entry(entry)
                # A certificate may be listed again; what is listed later is newer.
                last = read if read.serial == serial and read.issuer == issuer else last
            self._found[key] = last
        return self._found[key]

    def _places(self, serial: int) -> Iterator[Element]:
        """Entries that may have a serial number: by search in DER, one by one in what is no DER."""
        if not self.is_strict:
            yield from self.entries()
            return
        needle, (place, end) = integer(serial), self._entries
        hit = self.der.find(needle, place, end)
        while hit >= 0:
            place = self._entry_before(place, hit)
            found = self._at(place)
            if found.content == hit:
                yield found
            hit = self.der.find(needle, hit + 1, end)

    def _entry_before(self, place: int, target: int) -> int:
        """Where the entry starts in which `target` is; `place` is where one before it does."""
        der = self.der
        while place < target:
            length = der[place + 1]
            after = place + 2 + length if length < 0x80 else self._at(place).after
            if after > target:
                break
            place = after
        return place

    def _at(self, place: int) -> Element:
        """The entry at a place, in which so many elements are read at the most."""
        return Source(self.der, elements=_MOST_ELEMENTS).element(place, self._entries[1])

    def entries(self) -> Iterator[Element]:
        """Where the entries stand, one after the other. Raises `Malformed`."""
        place, end = self._entries
        while place < end:
            found = self._at(place)
            yield found
            place = found.after

    def revoked(self) -> Iterator[RevokedCertificate]:
        """All entries, read one by one. Raises `Malformed`."""
        return (self._entry(found) for found in self.entries())

    def _entry(self, found: Element) -> RevokedCertificate:
        parts = expect(found, SEQUENCE).children()
        if len(parts) < 2:
            raise Malformed("An entry of a revocation list has a serial number and a time (RFC 5280, 5.1).")
        reason: int | None = None
        invalid: datetime | None = None
        critical: list[str] = []
        for name, is_critical, content in self._entry_extensions(parts):
            if name == REASON:
                reason = _read_reason(content)
            elif name == INVALIDITY_DATE:
                invalid = _read_moment(content)
            elif is_critical and name not in ENTRY_EXTENSIONS:
                critical.append(name)
        return RevokedCertificate(
            serial=expect(parts[0], INTEGER).integer(),
            revoked_at=read_time(parts[1]),
            reason=reason,
            invalidity_date=invalid,
            issuer=self._issuer_at(found.start),
            critical=tuple(critical),
        )

    def _entry_extensions(self, parts: list[Element]) -> tuple[tuple[str, bool, bytes], ...]:
        return ext.read_extensions(expect(parts[2], SEQUENCE)) if len(parts) > 2 else ()

    def _issuer_at(self, place: int) -> DistinguishedName:
        """Who issued the certificate of an entry: who the last entry until there names (RFC 5280, 5.3.3)."""
        before = bisect_right(self._issuers, place, key=lambda one: one[0])
        return self._issuers[before - 1][1] if before else self.issuer

    @cached_property
    def _issuers(self) -> list[tuple[int, DistinguishedName]]:
        """Where entries start from which on the issuer is another, and which."""
        changes: list[tuple[int, DistinguishedName]] = []
        for found in self._with(_CERTIFICATE_ISSUER):
            for name, _, content in self._entry_extensions(found.children()):
                if name == CERTIFICATE_ISSUER:
                    names = [one.value for one in ext.read_alt_names(content) if one.form == "directory"]
                    if len(names) != 1 or not isinstance(names[0], DistinguishedName):
                        raise Malformed("The certificateIssuer of an entry is one name (RFC 5280, 5.3.3).")
                    if not changes or changes[-1][1] != names[0]:
                        changes.append((found.start, names[0]))
        return changes

    @cached_property
    def unknown_critical(self) -> tuple[str, ...]:
        """Critical extensions of the list or of any entry that are not processed (RFC 5280, 5.2 and 5.3)."""
        found = {name for name, critical, _ in self.extensions if critical and name not in _PROCESSED}
        for entry in self._with(_TRUE):
            extensions = self._entry_extensions(entry.children())
            found |= {name for name, critical, _ in extensions if critical and name not in ENTRY_EXTENSIONS}
        return tuple(sorted(found))

    def _with(self, octets: bytes) -> Iterator[Element]:
        """The entries in which some octets are, wherever."""
        place, end = self._entries
        hit = self.der.find(octets, place, end)
        while hit >= 0:
            place = self._entry_before(place, hit)
            found = self._at(place)
            yield found
            place = found.after
            hit = self.der.find(octets, max(place, hit + 1), end)


def _read_moment(der: bytes) -> datetime:
    return read_time(only(der, GENERALIZED_TIME))


def _read_reason(der: bytes) -> int:
    return only(der, ENUMERATED).integer()


_READERS: Final = {
    CRL_NUMBER: ext.read_integer_value,
    DELTA_CRL_INDICATOR: ext.read_integer_value,
    ISSUING_DISTRIBUTION_POINT: ext.read_issuing_distribution_point,
    AUTHORITY_KEY_IDENTIFIER: ext.read_authority_key_identifier,
    EXPIRED_CERTS_ON_CRL: _read_moment,
}
_PROCESSED: Final = frozenset(_READERS) | {ext.FRESHEST_CRL, ext.ISSUER_ALT_NAME}


def _read(der: bytes, limits: Limits) -> RevocationList:
    if len(der) > limits.list_octets:
        raise Malformed(
            f"The revocation list has {len(der)} octets, more than the {limits.list_octets} that are read."
        )
    signed, tbs = read_signed(der)
    parts = tbs.children()
    version = 1
    if parts and parts[0].tag == INTEGER:
        version = parts[0].integer() + 1
        parts = parts[1:]
    if len(parts) < 3:
        raise Malformed("The revocation list has fewer fields than RFC 5280, 5.1 asks for.")
    _, issuer, this_update, *rest = parts
    next_update = rest.pop(0) if rest and rest[0].tag in {UTC_TIME, GENERALIZED_TIME} else None
    entries = rest[0] if rest and rest[0].tag == SEQUENCE else None
    holder = tagged(rest, 0xA0)
    extensions: tuple[tuple[str, bool, bytes], ...] = ()
    if holder is not None:
        extensions = ext.read_extensions(expect(first(holder), SEQUENCE))
        if len(extensions) > limits.extensions:
            raise Malformed(f"A revocation list with {len(extensions)} extensions is not read.")
    return RevocationList(
        der=der,
        sha256=hashlib.sha256(der).digest(),
        version=version,
        issuer=read_distinguished_name(expect(issuer, SEQUENCE).octets),
        this_update=read_time(this_update),
        next_update=None if next_update is None else read_time(next_update),
        extensions=extensions,
        signed=signed,
        _entries=(tbs.after, tbs.after) if entries is None else (entries.content, entries.end),
    )


_interned: Final = lru_cache(maxsize=_INTERNED)(_read)
