"""The octets that the imprint of a time-stamp is over, by its property and its version.

Two mechanisms: implicit, where the property says what is covered; explicit, where Include (or, in the first
version, HashDataInfo) elements list it. An element is canonicalised as it stands in the document. Whoever
adds an unsigned property writes its list as well, so that a list is followed only where the version has one
for that property, and what it leads to proves something of the signature only as its own part, taken whole.

Sources: EN 319 132-1, 4.5, 5.1.4, 5.2.8, 5.3 and 5.5.2, A.1.5; TS 101 903 V1.1.1 and V1.2.2, 7.1.4;
V1.3.2 and V1.4.2, 7.5, 7.7 and 8.2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol, TypedDict

from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.core.xml.algorithms import EXCLUSIVE
from trustworks.core.xml.canonical import ALGORITHMS
from trustworks.formats.data import DigestOnly, Joined, Octets
from trustworks.formats.evidence import TimeStampKind
from trustworks.formats.xades import names, values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml import etree

    from trustworks.formats.data import Data

_KINDS: Final = {
    "AllDataObjectsTimeStamp": TimeStampKind.CONTENT,
    "IndividualDataObjectsTimeStamp": TimeStampKind.CONTENT,
    "SignatureTimeStamp": TimeStampKind.SIGNATURE,
    "RefsOnlyTimeStamp": TimeStampKind.REFERENCES,
    "RefsOnlyTimeStampV2": TimeStampKind.REFERENCES,
    "SigAndRefsTimeStamp": TimeStampKind.SIGNATURE_AND_REFERENCES,
    "SigAndRefsTimeStampV2": TimeStampKind.SIGNATURE_AND_REFERENCES,
    "ArchiveTimeStamp": TimeStampKind.ARCHIVE,
}
_REFERENCES_V1: Final = frozenset(
    {
        "CompleteCertificateRefs",
        "CompleteRevocationRefs",
        "AttributeCertificateRefs",
        "AttributeRevocationRefs",
    }
)
_REFERENCES_V2: Final = frozenset(
    {
        "CompleteCertificateRefsV2",
        "CompleteRevocationRefs",
        "AttributeCertificateRefsV2",
        "AttributeRevocationRefs",
    }
)
_DISTRIBUTED: Final = frozenset(
    {TimeStampKind.REFERENCES, TimeStampKind.SIGNATURE_AND_REFERENCES, TimeStampKind.ARCHIVE}
)
"""What may list the unsigned properties that it covers, where they are not all in one place."""
_PREFIXES: Final = f"{{{EXCLUSIVE}}}InclusiveNamespaces"


def kind_of(local: str) -> TimeStampKind | None:
    """What a property of that local name is a time-stamp for; None: it is no time-stamp."""
    return _KINDS.get(local)


class Processed(Protocol):
    """A ds:Reference of the signature, as time-stamps look at it."""

    @property
    def id(self) -> str | None:
        """Its Id."""

    @property
    def uri(self) -> str | None:
        """Its URI."""

    @property
    def is_signed_properties(self) -> bool:
        """Whether it is the reference to the signed properties."""

    def stamped(self, algorithm: str, prefixes: Sequence[str]) -> Data | None:
        """What its transforms give; nodes canonicalised by `algorithm`. None: not at hand."""


class Source(Protocol):
    """What coverage needs of a signature's document."""

    @property
    def element(self) -> etree._Element:
        """The ds:Signature."""

    @property
    def references(self) -> Sequence[Processed]:
        """The references of SignedInfo, in order."""

    @property
    def unsigned(self) -> Sequence[etree._Element]:
        """The unsigned signature properties, in order."""

    def by_id(self, identifier: str) -> etree._Element | None:
        """The one element that has an Id; None where none has it, or several."""

    def canonical(self, element: etree._Element, algorithm: str, prefixes: Sequence[str]) -> bytes:
        """An element of the document, canonicalised where it stands."""

    def transformed(self, element: etree._Element, transforms: etree._Element) -> bytes | None:
        """An element after ds:Transforms; None where they cannot be carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What a time-stamp is over. `data` None: it could not be brought together, and `why` says why.

    Of it `made` octets are in memory; what lies in files stays there.
    `properties` are the covered ones among the unsigned properties, `references` the numbers of covered
    references of SignedInfo (of which the data is covered too), the rest tells of the parts of the signature.
    """

    data: Data | None
    made: int = 0
    why: str | None = None
    properties: tuple[etree._Element, ...] = ()
    references: frozenset[int] = frozenset()
    signature: bool = False
    key_info: bool = False
    form: str = "implicit"


class _Missing(Exception):  # noqa: N818 - ends in what is missing
    """A part is not at hand; the text says which."""


def covered_by(time_stamp: etree._Element, source: Source) -> Covered:
    """What the tokens in a time-stamp property are over."""
    namespace, local = names.split(str(time_stamp.tag))
    try:
        algorithm, prefixes = _canonicalisation(time_stamp)
        return _covered(time_stamp, namespace, local, source, algorithm, prefixes)
    except _Missing as missing:
        return Covered(data=None, why=str(missing))
    except BeyondLimit:
        raise
    except (Malformed, Rejected) as error:
        return Covered(data=None, why=str(error))


def _canonicalisation(time_stamp: etree._Element) -> tuple[str, tuple[str, ...]]:
    """Algorithm and prefixes (EN 319 132-1, 4.5). An empty Algorithm is none, as the field takes it."""
    method = time_stamp.find(names.CANONICALIZATION)
    if method is None or not (algorithm := (method.get("Algorithm") or "").strip()):
        return names.CANONICAL_XML, ()
    if algorithm not in ALGORITHMS:
        raise _Missing(f"It is canonicalised by {algorithm[:120]!r}, which is no algorithm that is known.")
    listed = method.find(_PREFIXES)
    return algorithm, tuple((listed.get("PrefixList") or "").split()) if listed is not None else ()


def _covered(  # noqa: PLR0917 - what `covered_by` found out, in its order
    time_stamp: etree._Element,
    namespace: str,
    local: str,
    source: Source,
    algorithm: str,
    prefixes: tuple[str, ...],
) -> Covered:
    listed = [one for _, name, one in values.children(time_stamp) if name in {"Include", "HashDataInfo"}]
    if listed and follows_list(namespace, local):
        return _explicit(listed, source, algorithm, prefixes)
    before = tuple(_before(time_stamp, source))
    form = "implicit"
    if listed and kind_of(local) in _DISTRIBUTED and all(_lists_property(one, source) for one in listed):
        before = tuple(found for one in listed if (found := _listed(one, source)) is not None)
        form = "distributed"
    if local == "AllDataObjectsTimeStamp":
        return _all_data(source, algorithm, prefixes)
    if local == "IndividualDataObjectsTimeStamp":
        raise _Missing("It lists no Include elements, so that it is over nothing.")
    if local == "ArchiveTimeStamp":
        return replace(_archive(namespace, before, source, algorithm, prefixes), form=form)
    parts: list[bytes | Data] = []
    signature = local not in {"RefsOnlyTimeStamp", "RefsOnlyTimeStampV2"}
    if signature:
        parts.append(_part(source, names.SIGNATURE_VALUE, algorithm, prefixes))
    if local == "SignatureTimeStamp":
        return Covered(**_together(parts), signature=True)
    properties = stamped_references(local, before)
    parts += (source.canonical(one, algorithm, prefixes) for one in properties)
    return Covered(**_together(parts), properties=properties, signature=signature, form=form)


@implements("EN319132-1:5.1.4.4", disabled=lambda _namespace, _local: True)
def follows_list(namespace: str, local: str) -> bool:
    """Whether a time-stamp is over what it lists, whatever that is; else what it is over is prescribed.

    The first two versions list for every property; those after them only for chosen data objects.
    """
    return namespace in {names.XADES_111, names.XADES_122} or local == "IndividualDataObjectsTimeStamp"


class _Together(TypedDict):
    """Parts one after the other, as `Covered` has them."""

    data: Data
    made: int


def _together(parts: Sequence[bytes | Data]) -> _Together:
    pieces = [Octets(one) if isinstance(one, bytes) else one for one in parts]
    made = sum(one.size for one in pieces if isinstance(one, Octets))
    if all(isinstance(one, Octets) for one in pieces):
        return {"data": Octets(b"".join(one.octets() for one in pieces)), "made": made}
    return {"data": Joined(tuple(pieces)), "made": made}


def _before(time_stamp: etree._Element, source: Source) -> Iterator[etree._Element]:
    for one in source.unsigned:
        if one is time_stamp:
            return
        yield one


@implements("EN319132-1:A.1.5", disabled=lambda _local, before: before)
def stamped_references(local: str, before: tuple[etree._Element, ...]) -> tuple[etree._Element, ...]:
    """Which properties before it a time-stamp over references covers, in their order in the document."""
    wanted = _REFERENCES_V2 if local.endswith("V2") else _REFERENCES_V1
    if local.startswith("SigAndRefs"):
        wanted |= {"SignatureTimeStamp"}
    return tuple(one for one in before if names.split(str(one.tag))[1] in wanted)


def _part(source: Source, tag: str, algorithm: str, prefixes: Sequence[str]) -> bytes:
    found = source.element.find(tag)
    if found is None:
        raise _Missing(f"The signature has no {names.split(tag)[1]}.")
    return source.canonical(found, algorithm, prefixes)


def _all_data(source: Source, algorithm: str, prefixes: Sequence[str]) -> Covered:
    parts: list[bytes | Data] = []
    numbers = set()
    for number, reference in enumerate(source.references):
        if is_stamped_data(reference):
            parts.append(_referenced(reference, algorithm, prefixes))
            numbers.add(number)
    return Covered(**_together(parts), references=frozenset(numbers))


@implements("EN319132-1:5.2.8.1", disabled=lambda _reference: True)
def is_stamped_data(reference: Processed) -> bool:
    """All references but that to the signed properties, which hold this time-stamp."""
    return not reference.is_signed_properties


def _referenced(reference: Processed, algorithm: str, prefixes: Sequence[str]) -> Data:
    found = reference.stamped(algorithm, prefixes)
    if found is None:
        raise _Missing(f"The data of the reference {reference.id or reference.uri or ''} is not at hand.")
    if isinstance(found, DigestOnly):
        raise _Missing(
            f"Of the data of the reference {reference.id or reference.uri or ''} only a digest is at hand."
        )
    return found


def _archive(
    namespace: str,
    before: tuple[etree._Element, ...],
    source: Source,
    algorithm: str,
    prefixes: Sequence[str],
) -> Covered:
    parts: list[bytes | Data] = [_referenced(one, algorithm, prefixes) for one in source.references]
    parts += (_part(source, tag, algorithm, prefixes) for tag in (names.SIGNED_INFO, names.SIGNATURE_VALUE))
    key_info = source.element.find(names.KEY_INFO)
    if key_info is not None:
        parts.append(source.canonical(key_info, algorithm, prefixes))
    parts += (source.canonical(one, algorithm, prefixes) for one in before)
    referenced = {(one.uri or "").removeprefix("#") for one in source.references}
    parts += (
        source.canonical(one, algorithm, prefixes)
        for one in source.element.iterchildren(names.OBJECT)
        if is_archived_object(namespace, one, referenced)
    )
    return Covered(
        **_together(parts),
        properties=before,
        references=frozenset(range(len(source.references))),
        signature=True,
        key_info=key_info is not None,
    )


@implements("EN319132-1:5.5.2.2", disabled=lambda _namespace, _element, _referenced: True)
def is_archived_object(namespace: str, element: etree._Element, referenced: set[str]) -> bool:
    """Every ds:Object but that of the qualifying properties; before 1.4.1, no signed one again."""
    if values.child(element, "QualifyingProperties") is not None:
        return False
    if namespace == names.XADES_141:
        return True
    identifier = element.get("Id") or element.get("ID") or element.get("id")
    return not identifier or identifier not in referenced


def _listed(include: etree._Element, source: Source) -> etree._Element | None:
    uri = include.get("URI") or include.get("uri") or ""
    return source.by_id(uri[1:]) if uri.startswith("#") else None


def _lists_property(include: etree._Element, source: Source) -> bool:
    """Whether an Include is of an unsigned property: then only those are listed (EN 319 132-1, 5.5.2.3)."""
    found = _listed(include, source)
    parent = None if found is None else found.getparent()
    return parent is not None and names.split(str(parent.tag))[1] == "UnsignedSignatureProperties"


def _explicit(
    listed: list[etree._Element], source: Source, algorithm: str, prefixes: Sequence[str]
) -> Covered:
    """Each listed element in turn (EN 319 132-1, 5.1.4.4.3; TS 101 903 V1.1.1, 7.1.4)."""
    parts: list[bytes | Data] = []
    properties: list[etree._Element] = []
    numbers: set[int] = set()
    signature = key_info = False
    for one in listed:
        uri = one.get("URI") or one.get("uri") or ""
        element = _listed(one, source)
        if element is None:
            raise _Missing(f"It includes {uri[:120]!r}, which is not (or not just once) in the document.")
        number = _number_of(element, source)
        if number is not None and takes_data(one):
            parts.append(_referenced(source.references[number], algorithm, prefixes))
            numbers.add(number)
            continue
        transforms = values.child(one, "Transforms")
        octets = None
        if transforms is not None and len(transforms):
            octets = source.transformed(element, transforms)
            if octets is None:
                raise _Missing(f"The transforms of {uri[:120]!r} cannot be carried out.")
        parts.append(source.canonical(element, algorithm, prefixes) if octets is None else octets)
        if not is_taken_whole(transforms):
            continue
        if element in source.unsigned:
            properties.append(element)
        signature = signature or is_part(element, source.element, names.SIGNATURE_VALUE)
        key_info = key_info or is_part(element, source.element, names.KEY_INFO)
    return Covered(
        **_together(parts),
        properties=tuple(properties),
        references=frozenset(numbers),
        signature=signature,
        key_info=key_info,
        form="explicit",
    )


@implements("EN319132-1:5.1.4.4-WHOLE", disabled=lambda _transforms: True)
def is_taken_whole(transforms: etree._Element | None) -> bool:
    """Whether an element is listed without transforms, any of which may leave nothing of it."""
    return transforms is None or len(transforms) == 0


@implements("EN319132-1:5.1.4.4-OWN", disabled=lambda element, _signature, tag: element.tag == tag)
def is_part(element: etree._Element, signature: etree._Element, tag: str) -> bool:
    """Whether an element is the part with that tag of the signature itself, and of no other."""
    return element is signature.find(tag)


def _number_of(element: etree._Element, source: Source) -> int | None:
    if element.tag != names.REFERENCE:
        return None
    for number, one in enumerate(source.references):
        if one.id is not None and one.id == element.get("Id"):
            return number
    return None


@implements("EN319132-1:5.1.4.4.3", disabled=lambda _include: False)
def takes_data(include: etree._Element) -> bool:
    """Whether an Include of a ds:Reference means the data: it says so by referencedData."""
    return (include.get("referencedData") or "").strip() in {"true", "1"}
