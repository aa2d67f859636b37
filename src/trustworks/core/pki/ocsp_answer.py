"""An OCSP answer as validation sees it, from any responder (RFC 6960).

`core.der.ocsp_reading` reads back what our own responder says, strictly. Answers that are kept in signatures
come from everywhere, as an OCSPResponse or as the BasicOCSPResponse within it; both are read here.
"""

from __future__ import annotations

import hashlib
from dataclasses import field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from trustworks.core.der.encode import (
    BIT_STRING,
    ENUMERATED,
    GENERALIZED_TIME,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
)
from trustworks.core.der.foreign_algorithms import HASH_NAMES
from trustworks.core.der.ocsp import (
    ARCHIVE_CUTOFF,
    BASIC,
    CERT_HASH,
    EXTENDED_REVOKE,
    INVALIDITY_DATE,
    NOCHECK,
    NONCE,
    ResponseStatus,
    Status,
)
from trustworks.core.der.times import read_time
from trustworks.core.der.values import expect, first, only, read_bits, tagged
from trustworks.core.errors import Malformed
from trustworks.core.pki import extensions as ext
from trustworks.core.pki.certificate import LIMITS, Certificate, Limits, Signed
from trustworks.core.pki.names import DistinguishedName, read_distinguished_name
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from trustworks.core.der.ber import Element

_INTERNED_OCTETS: Final = 32_768
_INTERNED: Final = 1024

PROCESSED: Final = frozenset(
    {NONCE, ARCHIVE_CUTOFF, CERT_HASH, EXTENDED_REVOKE, INVALIDITY_DATE, NOCHECK, "2.5.29.21"}
)
"""Extensions of an answer that are processed, or change nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleAnswer:
    """What the responder says of one certificate (RFC 6960, 4.2.1).

    `hash_name` is None for a hash function that is not known. `cert_hash` is hash function and digest of the
    certificate, where the responder knows it (Common PKI, part 4). `critical` are critical extensions that
    are not processed.
    """

    hash_name: str | None
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial: int
    status: Status
    this_update: datetime
    next_update: datetime | None
    revoked_at: datetime | None = None
    reason: int | None = None
    invalidity_date: datetime | None = None
    archive_cutoff: datetime | None = None
    cert_hash: tuple[str | None, bytes] | None = None
    critical: tuple[str, ...] = ()

    def is_about(
        self, certificate: Certificate, issuer_name: bytes, issuer_key: Callable[[str], bytes]
    ) -> bool:
        """Whether the certificate is meant, by serial number and both hashes (RFC 6960, 4.1.1).

        `issuer_name` is the issuer's name in DER, `issuer_key` gives the hash of its key by hash function.
        """
        if self.serial != certificate.serial or self.hash_name is None:
            return False
        try:
            named = hashlib.new(self.hash_name, issuer_name, usedforsecurity=False).digest()
            return named == self.issuer_name_hash and issuer_key(self.hash_name) == self.issuer_key_hash
        except ValueError:  # a hash function that cannot be computed here
            return False


@dataclass(frozen=True, eq=False)
class OcspAnswer:
    """An answer. Two are equal when their octets are. Get one by `OcspAnswer.read`.

    One that is not ``successful`` has nothing but its status. The responder is named by `responder_name` or
    `responder_key_hash` (SHA-1 of its key). `certificates` are those sent with it that can be read.
    """

    der: bytes = field(repr=False)
    sha256: bytes
    status: ResponseStatus
    signed: Signed | None = field(default=None, repr=False)
    responder_name: DistinguishedName | None = None
    responder_key_hash: bytes | None = None
    produced_at: datetime | None = None
    responses: tuple[SingleAnswer, ...] = ()
    extensions: tuple[tuple[str, bool, bytes], ...] = ()
    certificates: tuple[Certificate, ...] = ()

    @staticmethod
    def read(der: bytes, limits: Limits = LIMITS) -> OcspAnswer:
        """The answer of these octets, an OCSPResponse or a BasicOCSPResponse; a short one is remembered.

        Raises `Malformed`.
        """
        if len(der) <= _INTERNED_OCTETS:
            return _interned(der, limits)
        return _read(der, limits)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, OcspAnswer) and self.sha256 == other.sha256)

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __str__(self) -> str:
        if self.produced_at is None:
            return f"the OCSP answer {self.status.name}"
        who = self.responder_name.text if self.responder_name else (self.responder_key_hash or b"").hex()
        return f"the OCSP answer of {who} of {self.produced_at:%Y-%m-%d %H:%M:%SZ}"

    @cached_property
    def nonce(self) -> bytes | None:
        """The nonce, without its OCTET STRING where it has one (RFC 9654, 2.1)."""
        found = next((content for name, _, content in self.extensions if name == NONCE), None)
        if found is None:
            return None
        try:
            return only(found, OCTET_STRING).value
        except Malformed:
            return found

    @property
    def unknown_critical(self) -> tuple[str, ...]:
        """Critical extensions of the whole answer that are not processed."""
        return tuple(name for name, critical, _ in self.extensions if critical and name not in PROCESSED)


def _read(der: bytes, limits: Limits) -> OcspAnswer:
    if len(der) > limits.answer_octets:
        raise Malformed(
            f"The OCSP answer has {len(der)} octets, more than the {limits.answer_octets} that are read."
        )
    parts = only(der, SEQUENCE).children()
    if parts and parts[0].tag == SEQUENCE:
        return _basic(der, der, parts, limits)
    try:
        status = ResponseStatus(expect(parts[0] if parts else None, ENUMERATED).integer())
    except ValueError as error:
        raise Malformed("The OCSP answer has a status that RFC 6960, 4.2.1 does not have.") from error
    holder = tagged(parts, 0xA0)
    if status is not ResponseStatus.successful:
        return OcspAnswer(der=der, sha256=hashlib.sha256(der).digest(), status=status)
    if holder is None:
        raise Malformed("The OCSP answer says that it is successful, and has no response (RFC 6960, 4.2.1).")
    kind, content = (*expect(first(holder), SEQUENCE).children(), None, None)[:2]
    if expect(kind, OBJECT_IDENTIFIER).oid() != BASIC:
        raise Malformed("The OCSP answer is of another type than the basic one (RFC 6960, 4.2.1).")
    basic = expect(content, OCTET_STRING).value
    return _basic(der, basic, only(basic, SEQUENCE).children(), limits)


_interned: Final = lru_cache(maxsize=_INTERNED)(_read)


def _basic(der: bytes, basic: bytes, parts: list[Element], limits: Limits) -> OcspAnswer:
    if len(parts) < 3:
        raise Malformed("A basic OCSP response has data, algorithm and signature (RFC 6960, 4.2.1).")
    tbs, algorithm, signature = parts[:3]
    fields = [one for one in expect(tbs, SEQUENCE).children() if one.tag != 0xA0]
    if len(fields) < 3:
        raise Malformed("The OCSP response has fewer fields than RFC 6960, 4.2.1 asks for.")
    responder, produced_at, responses = fields[:3]
    singles = expect(responses, SEQUENCE).children()
    if len(singles) > limits.responses:
        raise Malformed(f"An OCSP answer about {len(singles)} certificates is not read.")
    extensions = tagged(fields[3:], 0xA1)
    by_name = expect(responder, 0xA1, 0xA2).tag == 0xA1
    named = first(responder)
    return OcspAnswer(
        der=der,
        sha256=hashlib.sha256(der).digest(),
        status=ResponseStatus.successful,
        signed=Signed(
            octets=memoryview(basic)[tbs.start : tbs.after],
            algorithm=expect(algorithm, SEQUENCE).octets,
            signature=read_bits(expect(signature, BIT_STRING))[0],
        ),
        responder_name=read_distinguished_name(named.octets) if by_name else None,
        responder_key_hash=None if by_name else expect(named, OCTET_STRING).value,
        produced_at=read_time(expect(produced_at, GENERALIZED_TIME)),
        responses=tuple([_single(one) for one in singles]),
        extensions=_extensions(extensions),
        certificates=_certificates(tagged(parts[3:], 0xA0), limits),
    )


def _extensions(holder: Element | None) -> tuple[tuple[str, bool, bytes], ...]:
    return () if holder is None else ext.read_extensions(expect(first(holder), SEQUENCE))


def _certificates(holder: Element | None, limits: Limits) -> tuple[Certificate, ...]:
    if holder is None or holder.content == holder.end:
        return ()
    read: list[Certificate] = []
    for one in expect(first(holder), SEQUENCE).children()[: limits.certificates]:
        try:
            read.append(Certificate.read(one.octets, limits))
        except Malformed:
            continue  # one too many does not spoil an answer; if it was needed, the signer is not found
    return tuple(read)


def _single(found: Element) -> SingleAnswer:
    parts = expect(found, SEQUENCE).children()
    if len(parts) < 3:
        raise Malformed("An answer about a certificate has identifier, status and time (RFC 6960, 4.2.1).")
    cert_id, status, this_update, *rest = parts
    hash_name, name_hash, key_hash, serial = _cert_id(cert_id)
    next_update = tagged(rest, 0xA0)
    word, revoked_at, reason = _status(status)
    moments: dict[str, datetime] = {}
    cert_hash = None
    critical: list[str] = []
    for name, is_critical, content in _extensions(tagged(rest, 0xA1)):
        if name in {ARCHIVE_CUTOFF, INVALIDITY_DATE}:
            moments[name] = read_time(only(content, GENERALIZED_TIME))
        elif name == CERT_HASH:
            cert_hash = _cert_hash(content)
        elif is_critical and name not in PROCESSED:
            critical.append(name)
    return SingleAnswer(
        hash_name=hash_name,
        issuer_name_hash=name_hash,
        issuer_key_hash=key_hash,
        serial=serial,
        status=word,
        this_update=read_time(expect(this_update, GENERALIZED_TIME)),
        next_update=None if next_update is None else read_time(first(next_update)),
        revoked_at=revoked_at,
        reason=reason,
        invalidity_date=moments.get(INVALIDITY_DATE),
        archive_cutoff=moments.get(ARCHIVE_CUTOFF),
        cert_hash=cert_hash,
        critical=tuple(critical),
    )


def _cert_id(found: Element) -> tuple[str | None, bytes, bytes, int]:
    parts = expect(found, SEQUENCE).children()
    if len(parts) != 4:
        raise Malformed("A CertID has four fields (RFC 6960, 4.1.1).")
    algorithm, name_hash, key_hash, serial = parts
    return (
        HASH_NAMES.get(expect(first(expect(algorithm, SEQUENCE)), OBJECT_IDENTIFIER).oid()),
        expect(name_hash, OCTET_STRING).value,
        expect(key_hash, OCTET_STRING).value,
        expect(serial, INTEGER).integer(),
    )


def _status(found: Element) -> tuple[Status, datetime | None, int | None]:
    match found.tag:
        case 0x80 | 0xA0:
            return "good", None, None
        case 0x82 | 0xA2:
            return "unknown", None, None
        case 0xA1:
            at, *rest = found.children() or (None,)
            reason = tagged(rest, 0xA0)
            code = None if reason is None else expect(first(reason), ENUMERATED).integer()
            return "revoked", read_time(expect(at, GENERALIZED_TIME)), code
        case _:
            raise Malformed("The status of a certificate is good, revoked or unknown (RFC 6960, 4.2.1).")


def _cert_hash(der: bytes) -> tuple[str | None, bytes]:
    parts = only(der, SEQUENCE).children()
    if len(parts) != 2:
        raise Malformed("The hash of a certificate is an algorithm and a digest (Common PKI, part 4).")
    algorithm, digest = parts
    name = HASH_NAMES.get(expect(first(expect(algorithm, SEQUENCE)), OBJECT_IDENTIFIER).oid())
    return name, expect(digest, OCTET_STRING).value
