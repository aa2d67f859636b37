"""Evidence records in XML (RFC 6283, 2 to 4)."""

from __future__ import annotations

import base64
import binascii
from copy import deepcopy
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.xml.algorithms import DIGESTS
from trustworks.core.xml.canonical import canonicalise
from trustworks.core.xml.document import Document, Work
from trustworks.core.xml.parse import parse
from trustworks.formats.data import Octets, hasher
from trustworks.formats.evidence_record.objects import Archived, ArchiveTimeStamp, Chain
from trustworks.formats.limits import DEFAULT, xml_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml import etree

    from trustworks.formats.data import Data
    from trustworks.formats.limits import Limits

ERS: Final = "{urn:ietf:params:xml:ns:ers}"
INCLUSIVE: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
REFERENCE_TYPES: Final = {"CERT": "certificates", "CRL": "revocation_lists", "OCSP": "ocsp_answers"}


def canonical_form(data: Data, canonicalisation: str, limits: Limits = DEFAULT) -> bytes | None:
    """The canonical form of an XML document (RFC 6283, 3.1.2); None: it is none, or cannot be read.

    Raises `BeyondLimit`.
    """
    return CanonicalForms(Work(xml_bounds(limits)), limits).of(data, canonicalisation)


class CanonicalForms:
    """Canonical forms of the objects that a record may be about; the limits hold for all together."""

    def __init__(self, work: Work, limits: Limits) -> None:
        self._work = work
        self._limits = limits
        self._digests: dict[tuple[int, str, str], bytes | None] = {}
        # By identity; the object is kept, so that no other gets it.
        self._allowed: dict[int, Data] = {}

    def of(self, data: Data, canonicalisation: str) -> bytes | None:
        """See `canonical_form`."""
        if next(data.portions(), b"").lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"<":
            return None
        if data.size > self._limits.parsed:
            raise BeyondLimit(
                f"An object that is XML has more than the {self._limits.parsed} octets that are read.",
                "parsed",
            )
        if id(data) not in self._allowed:
            self._allowed[id(data)] = data
            self._work.allow(data.size)
        try:
            document = Document.of(data.octets(), xml_bounds(self._limits), work=self._work)
            return canonicalise(document.root, canonicalisation, renderings=document.renderings)
        except BeyondLimit:
            raise
        except Malformed:
            return None

    def digest(self, data: Data, canonicalisation: str, digest_algorithm: str) -> bytes | None:
        """The digest of a canonical form; None where there is none."""
        named = (id(data), canonicalisation, digest_algorithm)
        if named not in self._digests:
            found = self.of(data, canonicalisation)
            self._allowed[id(data)] = data
            self._digests[named] = None if found is None else Octets(found).digest(digest_algorithm)
        return self._digests[named]


class XmlChain(Chain):
    """A chain in XML. `preceding` is the canonical form of the sequence of all chains before it."""

    form = "xml"

    def __init__(
        self,
        digest_algorithm: str,
        stamps: Sequence[ArchiveTimeStamp],
        canonicalisation: str,
        preceding: bytes | None,
        forms: CanonicalForms | None = None,
    ) -> None:
        super().__init__(digest_algorithm, stamps)
        self._forms = forms or CanonicalForms(Work(xml_bounds(DEFAULT)), DEFAULT)
        self.canonicalisation = canonicalisation
        self.preceding = preceding

    def digests(self, archived: Archived, digest_algorithm: str) -> list[bytes]:
        """See `Chain`; an object that is XML may have been canonicalised before (RFC 6283, 3.1.2).

        One whose octets the chain names was not: its canonical form is not made. Raises `BeyondLimit`.
        """
        found = super().digests(archived, digest_algorithm)
        tree = self.stamps[0].tree
        if tree and not set(tree[0]).isdisjoint(found):
            return list(dict.fromkeys(found))
        canonical = self._forms.digest(archived.data, self.canonicalisation, digest_algorithm)
        if canonical is not None:
            found.append(canonical)
        return list(dict.fromkeys(found))

    def sequence_digests(self, digest_algorithm: str) -> list[bytes]:
        """See `Chain`."""
        if self.preceding is None:
            return []
        running = hasher(digest_algorithm)
        running.update(self.preceding)
        return [running.digest()]

    def renewed(self, digests: Sequence[bytes], digest_algorithm: str) -> list[list[bytes]]:
        """See `Chain`: the two digests stand beside each other in the first list (RFC 6283, 4.2.2)."""
        return [
            [digest, sequence] for digest in digests for sequence in self.sequence_digests(digest_algorithm)
        ]


def read_chains(octets: bytes, limits: Limits) -> list[XmlChain]:
    """The chains of a record. Raises `Malformed`."""
    sequence = sequence_of(octets, limits)
    found = ordered(sequence, "ArchiveTimeStampChain")
    if sum(len(chain) for chain in found) > limits.time_stamps:
        raise BeyondLimit(
            f"The evidence record has more than the {limits.time_stamps} time-stamps that are read.",
            "time_stamps",
        )
    document = Document(sequence.getroottree().getroot(), xml_bounds(limits), length=len(octets))
    forms = CanonicalForms(Work(xml_bounds(limits)), limits)
    try:
        return [
            _chain(document, sequence, chain, found[:number], forms) for number, chain in enumerate(found)
        ]
    except Rejected as error:  # a canonicalisation that is not known
        raise Malformed(f"The evidence record cannot be read: {error}") from error


def sequence_of(octets: bytes, limits: Limits) -> etree._Element:
    """The element with the chains of a record, in its document. Raises `Malformed`."""
    if len(octets) > limits.parsed:
        raise BeyondLimit(
            f"The evidence record has more than the {limits.parsed} octets that are read.", "parsed"
        )
    root = parse(octets, xml_bounds(limits))
    record = root if root.tag == f"{ERS}EvidenceRecord" else root.find(f".//{ERS}EvidenceRecord")
    if record is None:
        raise Malformed("This is no evidence record: it has no element EvidenceRecord of RFC 6283.")
    sequence = record.find(f"{ERS}ArchiveTimeStampSequence")
    if sequence is None:
        raise Malformed("The evidence record has no ArchiveTimeStampSequence.")
    return sequence


def ordered(parent: etree._Element, name: str) -> list[etree._Element]:
    """Child elements in the order that their attribute Order gives, which counts from 1 (RFC 6283, 2.1)."""
    found = parent.findall(f"{ERS}{name}")
    try:
        numbers = [int(one.get("Order", "")) for one in found]
    except ValueError as error:
        raise Malformed(f"A {name} of the evidence record has no Order that is a number.") from error
    if sorted(numbers) != list(range(1, len(found) + 1)):
        raise Malformed(f"The Order of the elements {name} does not count from 1 without gaps.")
    return [one for _, one in sorted(zip(numbers, found, strict=True), key=lambda pair: pair[0])]


def _chain(
    document: Document,
    sequence: etree._Element,
    chain: etree._Element,
    before: Sequence[etree._Element],
    forms: CanonicalForms,
) -> XmlChain:
    method = algorithm_of(chain, "DigestMethod")
    algorithm = DIGESTS.get(method or "")
    if algorithm is None:
        raise Malformed(f"A chain of the evidence record has the digest method {method}, which is not known.")
    canonicalisation = algorithm_of(chain, "CanonicalizationMethod") or INCLUSIVE
    stamps = [_stamp(document, one, canonicalisation) for one in ordered(chain, "ArchiveTimeStamp")]
    if before:
        document.work.made(document.length)  # what is copied, and written less some of it
    return XmlChain(
        algorithm,
        stamps,
        canonicalisation,
        preceding(sequence, before, canonicalisation) if before else None,
        forms,
    )


def algorithm_of(parent: etree._Element, name: str) -> str | None:
    """The URI of an algorithm that a chain names; None where it names none."""
    element = parent.find(f"{ERS}{name}")
    return None if element is None else element.get("Algorithm")


def preceding(sequence: etree._Element, before: Sequence[etree._Element], canonicalisation: str) -> bytes:
    """The canonical form of the sequence as it was when it had only these chains."""
    numbers = {one.get("Order") for one in before}
    copied = deepcopy(sequence.getroottree())
    again = (
        copied.find(sequence.getroottree().getelementpath(sequence))
        if sequence.getparent() is not None
        else copied.getroot()
    )
    if again is None:
        raise Malformed("The evidence record cannot be read again.")
    for one in again.findall(f"{ERS}ArchiveTimeStampChain"):
        if one.get("Order") not in numbers:
            _remove(again, one)
    return canonicalise(again, canonicalisation)


def _remove(parent: etree._Element, child: etree._Element) -> None:
    """Takes an element out and leaves the text behind it, which is its parent's."""
    if child.tail:
        previous = child.getprevious()
        if previous is None:
            parent.text = (parent.text or "") + child.tail
        else:
            previous.tail = (previous.tail or "") + child.tail
    parent.remove(child)


def _stamp(document: Document, element: etree._Element, canonicalisation: str) -> ArchiveTimeStamp:
    stamp = element.find(f"{ERS}TimeStamp")
    token = None if stamp is None else stamp.find(f"{ERS}TimeStampToken")
    if stamp is None or token is None:
        raise Malformed("An ArchiveTimeStamp of the evidence record has no TimeStampToken.")
    if token.get("Type", "RFC3161") != "RFC3161":
        raise Malformed(f"The time-stamp token is of the type {token.get('Type')}; RFC3161 is read.")
    tree = element.find(f"{ERS}HashTree")
    groups = (
        ()
        if tree is None
        else tuple(
            tuple(_decoded(one) for one in group.findall(f"{ERS}DigestValue"))
            for group in ordered(tree, "Sequence")
        )
    )
    if not all(groups):
        raise Malformed("A Sequence of the HashTree has no DigestValue.")
    kept: dict[str, list[bytes]] = {name: [] for name in REFERENCE_TYPES.values()}
    for one in stamp.iterfind(f"{ERS}CryptographicInformationList/{ERS}CryptographicInformation"):
        name = REFERENCE_TYPES.get(one.get("Type", ""))
        if name is not None:
            kept[name].append(_decoded(one))
    return ArchiveTimeStamp(
        tree=groups,
        token=_decoded(token),
        renewal=(canonicalise(stamp, canonicalisation, renderings=document.renderings),),
        certificates=tuple(kept["certificates"]),
        revocation_lists=tuple(kept["revocation_lists"]),
        ocsp_answers=tuple(kept["ocsp_answers"]),
    )


def _decoded(element: etree._Element) -> bytes:
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"The base64 of an element {element.tag!r} cannot be decoded.") from error
