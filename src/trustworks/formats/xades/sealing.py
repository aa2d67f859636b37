"""Sealing evidence records: evidence records among the unsigned properties, and what they are about.

A record is about one group of data objects: what the references give, SignedInfo, SignatureValue, KeyInfo,
the unsigned properties before its own, every ds:Object but that of the properties, and the entries of signed
manifests. Their digests, sorted and put together, are digested once more (RFC 6283, 3.2.1; RFC 4998, 4.2).

Source: TS 119 132-3, 5 (as EU DSS carries it out).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.values import dataclass
from trustworks.formats.data import Octets, hasher
from trustworks.formats.evidence import Finding, ReferenceKind, Weight
from trustworks.formats.evidence_record import Archived, read_evidence_record
from trustworks.formats.xades import names, values
from trustworks.formats.xades.coverage import is_archived_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.formats.data import Data
    from trustworks.formats.xades.reader import Reader
    from trustworks.formats.xades.referring import Referred
    from trustworks.formats.xades.source import DocumentSource


@dataclass(frozen=True, slots=True)
class Group:
    """Several data objects that have one digest: that of their sorted digests, one behind the other."""

    members: tuple[Data, ...]
    name: str | None = None

    @property
    def size(self) -> int:
        """Octets of all members."""
        return sum(one.size for one in self.members)

    def portions(self) -> Iterator[bytes]:
        """The octets of one member after the other."""
        for one in self.members:
            yield from one.portions()

    def octets(self) -> bytes:
        """The octets of all members."""
        return b"".join(one.octets() for one in self.members)

    def digest(self, hash_name: str) -> bytes:
        """The digest of the group; see `Data.digest` for its error."""
        digests = sorted(one.digest(hash_name) for one in self.members)
        if len(digests) == 1:
            return digests[0]
        running = hasher(hash_name)
        for one in digests:
            running.update(one)
        return running.digest()


def read_records(
    sealing: etree._Element,
    before: Sequence[etree._Element],
    source: DocumentSource,
    referred: Sequence[Referred],
    reader: Reader,
    *,
    covers: frozenset[str],
    owner: str,
    findings: list[Finding],
) -> tuple[str, ...]:
    """Reads the records of one property into the reader's collector; answers their ids.

    `before` are the unsigned properties that the records are about, `covers` the ids of all of it.
    """
    over: list[Archived] = []
    try:
        members = tuple(_members(before, source, referred))
    except BeyondLimit:
        raise
    except (Malformed, Rejected):
        members = ()
    if members:
        name = "the signature before the evidence record"
        over.append(Archived(data=Group(members, name), name=name, covers=covers, required=True))
    over += (
        Archived(data=one.data, name=one.data.name, covers=one.evidence.covers)
        for one in referred
        if one.data is not None and one.data.name is not None
    )
    found = []
    for _, local, one in values.children(sealing):
        octets = values.octets(one) if len(one) == 0 else etree.tostring(one, with_tail=False)
        try:
            record = read_evidence_record(
                octets or b"",
                reader.collector,
                over=over,
                limits=reader.limits,
                owner=owner,
                file=reader.file,
            )
        except BeyondLimit:
            raise
        except (Malformed, IndexError) as error:
            findings.append(
                Finding(
                    code="xades.evidence-record-unreadable",
                    text=f"{local} holds no evidence record: {error}",
                    weight=Weight.NOTE,
                )
            )
            continue
        found.append(record.id)
    return tuple(found)


def _members(
    before: Sequence[etree._Element], source: DocumentSource, referred: Sequence[Referred]
) -> Iterator[Data]:
    """The data objects of the group. Raises `Malformed` where one of them is not at hand."""
    method = source.element.find(f"{names.SIGNED_INFO}/{names.CANONICALIZATION}")
    algorithm = names.CANONICAL_XML if method is None else method.get("Algorithm") or names.CANONICAL_XML
    for one, processed in zip(referred, source.references, strict=True):
        if one.is_node_set:
            octets = processed.octets(algorithm, ())
            yield Octets(_at_hand(octets))
        elif one.data is not None:
            yield one.data
        else:
            _at_hand(None)
    elements = [
        source.element.find(tag) for tag in (names.SIGNED_INFO, names.SIGNATURE_VALUE, names.KEY_INFO)
    ]
    elements += before
    elements += (
        one
        for one in source.element.iterchildren(names.OBJECT)
        if is_archived_object(names.XADES_141, one, set())
    )
    for element in elements:
        if element is not None:
            yield Octets(source.canonical(element, algorithm, ()))
    for one in referred:
        if one.kind is ReferenceKind.MANIFEST:
            for entry in one.entries:
                yield entry if entry is not None else Octets(_at_hand(None))


def _at_hand(octets: bytes | None) -> bytes:
    if octets is None:
        raise Malformed("What the evidence record is about is not at hand.")
    return octets
