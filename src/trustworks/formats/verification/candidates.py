"""Which certificate a signature says it is of, and whether what it says is true.

Source: EN 319 102-1, 5.2.3 (identification of the signing certificate).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.der.encode import oid
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.remembered import remembered
from trustworks.core.values import dataclass
from trustworks.formats.data import hasher
from trustworks.formats.verification.value import is_value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trustworks.formats.evidence import CertificateReference, Evidence, Signature, Token


MOST_TRIED: Final = 32
"""Certificates whose keys are tried for one signature; the likeliest come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceMatch:
    """How the first signed reference fits a certificate (EN 319 102-1, 5.2.3.4).

    `digest`: the digest of the certificate is the reference's; None where it cannot be computed here.
    `issuer_serial`: so are its issuer and its number; None where the reference has none. `unique`: there is
    only one reference in the attribute.
    """

    digest: bool | None
    issuer_serial: bool | None
    unique: bool

    @property
    def holds(self) -> bool:
        """Whether the reference is one to this certificate."""
        return self.digest is True and self.issuer_serial is not False


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A certificate that may be the signer's.

    `reference` is None where no reference is signed; `identified` is None where the signature has no
    unprotected identifier; `verifies` is None where nobody has tried.
    """

    id: str
    reference: ReferenceMatch | None
    identified: bool | None
    beside: bool
    """Whether it came beside the value (`Signature.key_info`)."""
    verifies: bool | None = None


def candidates(
    signature: Signature, evidence: Evidence, further: Sequence[Token] = ()
) -> tuple[Candidate, ...]:
    """The certificates that a signature may be of, the likeliest first: no key is tried.

    In this order: the signed reference fits by digest (with issuer and serial before without); the
    unprotected identifier fits; it came beside the value; it is known otherwise and fits the reference by
    issuer and serial alone. Others are none. `further` are certificates that are not in the evidence.
    """
    return candidates_among(signature, {**evidence.certificates, **{one.id: one for one in further}})


def candidates_among(signature: Signature, certificates: Mapping[str, Token]) -> tuple[Candidate, ...]:
    """As `candidates`, of certificates by their ids, before there is an `Evidence`."""
    beside = {named: place for place, named in enumerate(signature.key_info)}
    reference = signature.signing_certificate[0] if signature.signing_certificate else None
    ranked: list[tuple[int, int, Candidate]] = []
    for token in certificates.values():
        facts = _facts(token.der)
        match = _match(reference, token.der, facts, unique=len(signature.signing_certificate) == 1)
        identified = _is_identified(signature, facts)
        one = Candidate(id=token.id, reference=match, identified=identified, beside=token.id in beside)
        rank = _rank(one)
        if rank is not None:
            ranked.append((rank, beside.get(token.id, len(beside)), one))
    ranked.sort(key=lambda entry: entry[:2])
    return tuple(one for _, _, one in ranked)


def _rank(one: Candidate) -> int | None:
    if one.reference is not None and one.reference.digest:
        return 0 if one.reference.issuer_serial is not False else 1
    if one.identified:
        return 2
    if one.beside:
        return 3
    return 4 if one.reference is not None and one.reference.issuer_serial else None


def signing_certificate(
    signature: Signature, evidence: Evidence, further: Sequence[Token] = ()
) -> Candidate | None:
    """The certificate that a signature is of: the first candidate whose key verifies the value.

    Where none does, the first that the signature itself names (by reference, else by identifier), and where
    it names none, the only one beside the value: that is whose value it claims to be. None: nothing says
    whose it is.
    """
    return _chosen(signature, {**evidence.certificates, **{one.id: one for one in further}})


def is_of_any(signature: Signature, certificates: Mapping[str, Token]) -> bool:
    """Whether the value verifies with the key of one of these certificates that it may be of."""
    found = candidates_among(signature, certificates)[:MOST_TRIED]
    return any(is_value_of(signature, certificates[one.id].der) for one in found)


def _chosen(signature: Signature, certificates: Mapping[str, Token]) -> Candidate | None:
    found = candidates_among(signature, certificates)
    for one in found[:MOST_TRIED]:
        if is_value_of(signature, certificates[one.id].der):
            return _tried(one, verifies=True)
    named = next(_named(found), None)
    if named is None and len(found) == 1 and signature.identifier is None:
        named = found[0]
    return None if named is None else _tried(named, verifies=False)


def _tried(one: Candidate, *, verifies: bool) -> Candidate:
    return Candidate(
        id=one.id, reference=one.reference, identified=one.identified, beside=one.beside, verifies=verifies
    )


def _named(found: Sequence[Candidate]) -> Iterator[Candidate]:
    yield from (one for one in found if one.reference is not None and one.reference.digest)
    yield from (one for one in found if one.identified)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a certificate is found by; read leniently, and None where it cannot be read."""

    issuer: bytes | None
    serial: int | None
    spki: bytes | None
    key_identifier: bytes | None


@remembered(512)
def _facts(der: bytes) -> _Facts:
    try:
        fields = ber.read(der).children()[0].children()
        place = 1 if fields[0].tag == 0xA0 else 0
        issuer, serial = fields[place + 2].octets, fields[place].integer()
        spki = fields[place + 5].octets
        identifier = _subject_key_identifier(fields[place + 6 :])
    except (Malformed, IndexError):
        return _Facts(None, None, None, None)
    return _Facts(issuer, serial, spki, identifier)


_SUBJECT_KEY_IDENTIFIER: Final = oid("2.5.29.14")


def _subject_key_identifier(fields: Sequence[ber.Element]) -> bytes | None:
    for field in fields:
        if field.tag == 0xA3:
            for extension in field.children()[0].children():
                parts = extension.children()
                if parts[0].octets == _SUBJECT_KEY_IDENTIFIER:
                    return ber.read(parts[-1].string()).string()
    return None


def _is_identified(signature: Signature, facts: _Facts) -> bool | None:
    claimed = signature.identifier
    if claimed is None:
        return None
    if claimed.public_key is not None:
        return claimed.public_key == facts.spki
    if claimed.key_identifier is not None:
        return claimed.key_identifier in {facts.key_identifier, _key_digest(facts.spki)}
    return _same_issuer_serial(claimed.issuer, claimed.serial, facts)


def _key_digest(spki: bytes | None) -> bytes | None:
    """The key identifier of a certificate that has none of its own (RFC 5280, 4.2.1.2, (1))."""
    if spki is None:
        return None
    try:
        return hashlib.sha1(ber.read(spki).children()[1].bits(), usedforsecurity=False).digest()
    except (Malformed, IndexError):
        return None


def _match(
    reference: CertificateReference | None, der: bytes, facts: _Facts, *, unique: bool
) -> ReferenceMatch | None:
    if reference is None:
        return None
    digest: bool | None = None
    if reference.digest is not None and reference.digest_algorithm is not None:
        try:
            digest = _digest(reference.digest_algorithm, der) == reference.digest
        except Rejected:
            digest = None
    return ReferenceMatch(
        digest=digest,
        issuer_serial=_same_issuer_serial(reference.issuer, reference.serial, facts),
        unique=unique,
    )


@remembered(512)
def _digest(hash_name: str, der: bytes) -> bytes:
    """Of a certificate: the same ones come with one signature after another. Raises `Rejected`."""
    running = hasher(hash_name)
    running.update(der)
    return running.digest()


def _same_issuer_serial(issuer: bytes | None, serial: int | None, facts: _Facts) -> bool | None:
    if issuer is None and serial is None:
        return None
    if serial is not None and serial != facts.serial:
        return False
    if issuer is None:
        return True
    return facts.issuer is not None and same_name(issuer, facts.issuer)


def same_name(one: bytes, other: bytes) -> bool:
    """Whether two Names are the same, whatever kinds of string, letter case and spaces (RFC 5280, 7.1)."""
    return one == other or _comparable(one) == _comparable(other)


_ENCODINGS: Final[Mapping[int, str]] = {0x0C: "utf-8", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}


@remembered(512)
def _comparable(name: bytes) -> object:
    try:
        return tuple(
            frozenset(_attribute(attribute) for attribute in relative.children())
            for relative in ber.read(name).children()
        )
    except (Malformed, IndexError):
        return name


def _attribute(attribute: ber.Element) -> tuple[str, str]:
    parts = attribute.children()
    kind, value = parts[0], parts[1]
    text = value.string().decode(_ENCODINGS.get(value.tag, "latin-1"), "replace")
    return kind.oid(), " ".join(text.casefold().split())
