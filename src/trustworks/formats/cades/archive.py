"""What archive time-stamps of CAdES are over, octet for octet.

Source: EN 319 122-1, 5.5.2 and 5.5.3 (ats-hash-index-v3, archive-time-stamp-v3); TS 101 733 V2.2.1, 6.4.1 and
annex K (archive-time-stamp-v2, ats-hash-index); RFC 5126, 6.4.1; RFC 3126, 5.3.1 (the first one).
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.values import dataclass
from trustworks.formats.cades import identifiers as ids
from trustworks.formats.cms.algorithms import hash_name
from trustworks.formats.cms.stored import whole_region
from trustworks.formats.data import HASHES, Joined, Octets, hasher
from trustworks.formats.evidence import Reference, ReferenceKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from trustworks.formats.cms.structure import CmsAttribute, SignedData, SignerInfo
    from trustworks.formats.data import Data

_CONTEXT_1: Final = 0xA1
_LARGEST_ENCODED: Final = 8 * 1024 * 1024
"""Octets of an element that is encoded once more."""
# In the order in which the first archive time-stamp takes them (RFC 3126, 5.3.1).
_FIRST: Final = (
    ids.SIGNATURE_TIME_STAMP,
    ids.COMPLETE_CERTIFICATE_REFERENCES,
    ids.COMPLETE_REVOCATION_REFERENCES,
    ids.CERTIFICATE_VALUES,
    ids.REVOCATION_VALUES,
    ids.ESC_TIME_STAMP,
    ids.CERTS_CRLS_TIME_STAMP,
)


@dataclass(slots=True)
class Budget:
    """Octets that may still be digested for the archive time-stamps of one file."""

    left: int

    def pay(self, octets: int) -> None:
        """Count so many more that are digested. Raises `BeyondLimit`."""
        self.left -= octets
        if self.left < 0:
            raise BeyondLimit(
                "Archive time-stamps are over more octets altogether than are digested for one file.",
                "digested",
            )


@dataclass(slots=True, kw_only=True)
class Archived:
    """What an archive time-stamp takes: the structure, the signer in it, and the content that was signed."""

    data: SignedData
    signer: SignerInfo
    content: Data | None
    path: Path | None = None
    """The file in which the structure lies; None: it is in memory."""
    budget: Budget
    _in_der: dict[int, bytes] = field(default_factory=dict)

    def der(self, element: ber.Element) -> bytes:
        """The element in DER; what is large, and encoded otherwise, is left as it is."""
        found = self._in_der.get(element.start)
        if found is None:
            large = element.after - element.start > _LARGEST_ENCODED
            found = element.octets if large or ber.is_der(element) else ber.der(element)
            self._in_der[element.start] = found
        return found

    def encapsulated(self, encoded: Callable[[ber.Element], bytes]) -> Data:
        """The element with the content, which stays in its file where it lies in one."""
        if self.path is not None and self.content is not None and self.data.content is not None:
            return whole_region(self.path, self.data.encapsulated)
        return Octets(encoded(self.data.encapsulated))

    def matching(self, candidates: Iterable[Data], hash_name_: str, digest: bytes) -> Data | None:
        """That candidate which the imprint is the digest of; the first, where none is; None: there is none.

        Encodings of one structure are candidates: standards of different years, and signers, disagree. Raises
        `BeyondLimit` where more is to be digested than may be.
        """
        first: Data | None = None
        for one in candidates:
            first = first or one
            self.budget.pay(one.size)
            try:
                if one.digest(hash_name_) == digest:
                    return one
            except Rejected:
                break
        return first


def esc_candidates(signer: SignerInfo, *, alone: bool) -> Iterable[Data]:
    """What a CAdES-C time-stamp is over: value, time-stamps, references (EN 319 122-1, A.1.5.2).

    `alone`: the references alone are what it is over (A.1.5.1). Attributes count without the SEQUENCE around
    them, as they are encoded or in DER.
    """
    kinds = (ids.COMPLETE_CERTIFICATE_REFERENCES, ids.COMPLETE_REVOCATION_REFERENCES)
    for encoded in (_as_is, ber.der):
        octets = b"" if alone else signer.signature.string()
        for kind in kinds if alone else (ids.SIGNATURE_TIME_STAMP, *kinds):
            for attribute in signer.unsigned_attributes:
                if attribute.type == kind:
                    octets += b"".join(encoded(part) for part in attribute.element.children())
        yield Octets(octets, "references to validation data")


def matching(candidates: Iterable[Data], hash_name_: str, digest: bytes) -> Data | None:
    """As `Archived.matching`, of what is small."""
    first: Data | None = None
    for one in candidates:
        first = first or one
        try:
            if one.digest(hash_name_) == digest:
                return one
        except Rejected:
            break
    return first


def v2_candidates(archived: Archived, kept: Sequence[CmsAttribute]) -> Iterable[Data]:
    """What an archive-time-stamp-v2 may be over: as encoded, then in DER. `kept` are earlier attributes.

    The SET of unsigned attributes counts with its tag and length, and in an older version without them
    (TS 101 733 V2.2.1, annex K, note 3).
    """
    data, signer = archived.data, archived.signer
    if archived.content is None:
        return
    outside: tuple[Data, ...] = () if data.content is not None else (archived.content,)
    indefinite = signer.unsigned is not None and signer.unsigned.after != signer.unsigned.end
    for encoded in (_as_is, archived.der):
        sets = b"".join(encoded(one) for one in data.sets)
        before = b"".join(encoded(part) for part in _fields(signer))
        attributes = [encoded(one.element) for one in kept]
        for ordered in (attributes, sorted(attributes)):
            inside = b"".join(ordered)
            wrapped = [ber.tagged(_CONTEXT_1, inside), inside]
            if indefinite:
                wrapped.append(b"\xa1\x80" + inside + b"\0\0")
            for last in wrapped:
                first, rest = archived.encapsulated(encoded), Octets(sets + before + last)
                yield Joined((first, *outside, rest), "archive-time-stamp-v2")


def _fields(signer: SignerInfo) -> list[ber.Element]:
    """All of a signer but its unsigned attributes."""
    unsigned = signer.unsigned
    return [one for one in signer.element.children() if unsigned is None or one.start != unsigned.start]


def _as_is(element: ber.Element) -> bytes:
    return element.octets


def v1_attributes(signer: SignerInfo, earlier: Sequence[CmsAttribute]) -> list[CmsAttribute]:
    """The unsigned attributes that the first archive time-stamp takes, in its order."""
    known = [one for kind in _FIRST for one in signer.unsigned_attributes if one.type == kind]
    return [*known, *earlier]


def v1_candidates(archived: Archived, earlier: Sequence[CmsAttribute]) -> Iterable[Data]:
    """What the first archive time-stamp may be over: contents alone, without types and lengths."""
    signer = archived.signer
    if archived.content is None:
        return
    signed = b"" if signer.signed is None else signer.signed.value
    attributes = v1_attributes(signer, earlier)
    for values in (_value_octets, _value_contents):
        inside = b"".join(values(one) for one in attributes)
        rest = Octets(signed + signer.signature.string() + inside)
        yield Joined((archived.content, rest), "archive-time-stamp")


def _value_octets(attribute: CmsAttribute) -> bytes:
    return b"".join(value.octets for value in attribute.values)


def _value_contents(attribute: CmsAttribute) -> bytes:
    return b"".join(value.value for value in attribute.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class HashIndex:
    """An ats-hash-index of any version: digests of certificates, revocation data and unsigned attributes."""

    form: str
    element: ber.Element
    algorithm: str
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    attributes: tuple[bytes, ...]


def hash_index(token: SignerInfo) -> HashIndex | None:
    """The index in the attributes of a time-stamp's signer; None: there is none. Raises `Malformed`."""
    for kind in ids.HASH_INDEXES:
        for attribute in token.unsigned_attributes:
            if attribute.type == kind and attribute.values:
                return read_hash_index(kind, attribute.values[0])
    return None


def read_hash_index(kind: str, element: ber.Element) -> HashIndex:
    """An index out of its element; `kind` says of which version. Raises `Malformed`."""
    parts = element.children()
    algorithm = "sha256"
    if len(parts) > 3:
        algorithm = hash_name(parts.pop(0))
    if len(parts) < 3 or algorithm not in HASHES:
        raise Malformed(
            f"The ats-hash-index has {len(parts)} lists of digests by {algorithm}: it cannot be read."
        )
    lists = [tuple(one.string() for one in part.children()) for part in parts[:3]]
    return HashIndex(
        form=kind,
        element=element,
        algorithm=algorithm,
        certificates=lists[0],
        crls=lists[1],
        attributes=lists[2],
    )


def v3_candidates(archived: Archived, index: HashIndex, imprint_algorithm: str) -> Iterable[Data]:
    """What an archive-time-stamp-v3 may be over (EN 319 122-1, 5.5.3): as it is encoded, then in DER.

    The type of the content, its digest by the imprint's algorithm, the fields of the signer up to its value,
    and the index.
    """
    if archived.content is None:
        return
    try:
        digest = archived.content.digest(imprint_algorithm)
    except Rejected:
        return
    kind = archived.data.encapsulated.children()[0].octets
    fields = _fields(archived.signer)
    for encoded in (_as_is, archived.der):
        signer = b"".join(encoded(one) for one in fields)
        yield Octets(kind + digest + signer + encoded(index.element), "archive-time-stamp-v3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """One object that an index may have an entry for: its octets, and the ids of what it is or holds."""

    name: str
    octets: tuple[bytes, ...]
    """Encodings whose digest may be in the index."""
    covers: frozenset[str]
    places: frozenset[int] = frozenset()
    """Where the attribute is that it is of."""


def attribute_octets(
    archived: Archived, attribute: CmsAttribute, form: str
) -> list[tuple[CmsAttribute, tuple[bytes, ...]]]:
    """The encodings of an unsigned attribute, one tuple for each entry that it has in an index.

    Each with the attribute as far as the entry is of it: another of its values may have been added later. An
    index of version 3 digests the type together with each value; older ones digest the attribute whole
    (EN 319 122-1, 5.5.2; TS 101 733 V2.2.1, 6.4.2).
    """
    if form != ids.ATS_HASH_INDEX_V3:
        return [(attribute, _encodings(b"", archived.der(attribute.element), attribute.element.octets))]
    kind = attribute.element.children()[0].octets
    return [
        (replace(attribute, values=(value,)), _encodings(kind, archived.der(value), value.octets))
        for value in attribute.values
    ]


def _encodings(before: bytes, der: bytes, as_is: bytes) -> tuple[bytes, ...]:
    return (before + der,) if der == as_is else (before + der, before + as_is)


def entries(
    expected: Sequence[bytes], objects: Sequence[Indexed], algorithm: str, what: str
) -> tuple[list[Reference], list[Indexed]]:
    """The entries of an index as references, and the objects that it has none for."""
    by_digest: dict[bytes, Indexed] = {}
    for one in objects:
        for octets in one.octets:
            running = hasher(algorithm)
            running.update(octets)
            by_digest.setdefault(running.digest(), one)
    found = [_entry(digest, by_digest.get(digest), algorithm, what) for digest in expected]
    covered = {id(by_digest[digest]) for digest in expected if digest in by_digest}
    return found, [one for one in objects if id(one) not in covered]


def _entry(digest: bytes, found: Indexed | None, algorithm: str, what: str) -> Reference:
    return Reference(
        kind=ReferenceKind.ARCHIVE_OBJECT,
        name=what if found is None else found.name,
        digest_algorithm=algorithm,
        expected=digest,
        actual=None if found is None else digest,
        found=found is not None,
        intact=found is not None,
        covers=frozenset() if found is None else found.covers,
        why=f"The index of the archive time-stamp has a digest of {what} that is not in the file."
        if found is None
        else None,
    )
