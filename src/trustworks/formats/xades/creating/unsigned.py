"""Unsigned properties, added to a signature of ours or of others: time-stamps and validation data.

What a time-stamp is over is what the reader says that it has to be over (`coverage`): the property is put in
its place without a token, and its octets are computed there. Whatever held in the document before, has to
hold when something was added. Sources: EN 319 132-1, 5.3, 5.4 and 5.5.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.ports import NOTHING, ValidationData
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.core.xml.algorithms import BASE64, ENVELOPED, EXCLUSIVE
from trustworks.core.xml.canonical import ALGORITHMS
from trustworks.core.xml.document import Document
from trustworks.core.xml.dsig import read_signature
from trustworks.core.xml.parse import parse
from trustworks.formats.adding import Begun, Most, Reading, State, check_added
from trustworks.formats.collector import Collector
from trustworks.formats.limits import DEFAULT
from trustworks.formats.xades import coverage, names, structure
from trustworks.formats.xades.creating.elements import base64_of, child, identifier
from trustworks.formats.xades.creating.signature import (
    begun,
    serialised,
    serialised_around,
    signature_in,
    unsigned_properties,
)
from trustworks.formats.xades.detached import Detached
from trustworks.formats.xades.reader import Reader
from trustworks.formats.xades.referring import Referring
from trustworks.formats.xades.source import DocumentSource

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from lxml import etree

    from trustworks.formats.claims import Claims
    from trustworks.formats.data import Data
    from trustworks.formats.xades.creating.packaging import Packaged
    from trustworks.formats.xades.creating.properties import ContentTimeStamp
    from trustworks.formats.xades.creating.signature import Options
    from trustworks.formats.xades.referring import Referred

_IN_141: Final = frozenset({"ArchiveTimeStamp", "SigAndRefsTimeStampV2", "RefsOnlyTimeStampV2"})
_STAMPS: Final = _IN_141 | {"SignatureTimeStamp", "SigAndRefsTimeStamp", "RefsOnlyTimeStamp"}
_ONCE: Final = frozenset({"CertificateValues", "RevocationValues"})
_TOKENS: Final = ("{*}EncapsulatedTimeStamp", "{*}XMLTimeStamp")
_PLAIN: Final = ALGORITHMS | {ENVELOPED, BASE64}
"""Transforms that look at nothing but what they are given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A document with a signature that something is added to. `beside` is the detached data, by its names."""

    document: bytes
    signature: str | int
    """The Id of the ds:Signature, or its number among those of the document (from 0): not all have an Id."""
    beside: Sequence[Data] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A time-stamp property: SignatureTimeStamp, ArchiveTimeStamp and so on, by its local name."""

    name: str
    canonicalisation: str = EXCLUSIVE

    def __post_init__(self) -> None:
        """Raises `Rejected` (xades.time-stamp) for another property."""
        if self.name not in _STAMPS:
            raise Rejected(
                "xades.time-stamp",
                f"{self.name[:80]!r} is no time-stamp that is added. Use one of "
                f"{', '.join(sorted(_STAMPS))}.",
            )


SIGNATURE_TIME_STAMP: Final = Stamp(name="SignatureTimeStamp")
ARCHIVE_TIME_STAMP: Final = Stamp(name="ArchiveTimeStamp")


def octets_to_stamp(target: Target, stamp: Stamp = SIGNATURE_TIME_STAMP) -> bytes:
    """As `data_to_stamp`, all in memory."""
    return data_to_stamp(target, stamp).octets()


def data_to_stamp(target: Target, stamp: Stamp = SIGNATURE_TIME_STAMP) -> Data:
    """What the token of a time-stamp that is added now has to be over. Data in files is not read for it.

    Raises:
        Malformed: the document is no XML.
        Rejected: there is no such signature, or something that the time-stamp covers is not at hand.
    """
    return begin_time_stamp(target, stamp).over


def begin_time_stamp(target: Target, stamp: Stamp = SIGNATURE_TIME_STAMP) -> Begun:
    """The time-stamp in its place, which waits for its token.

    Raises:
        Malformed: the document is no XML.
        Rejected: as `data_to_stamp`; of `Begun.complete` and `check_place` where something would be lost, or
            the token is none over what it has to be over.
    """
    document = Document.of(target.document)
    root = document.root
    most, stamped = _most_of(root, stamps=True), next(root.iter(*_TOKENS), None) is not None
    element = _stamp(unsigned_properties(root, target.signature), stamp, target, root)
    # Of the older versions, a value may have got an Id.
    document = Document(root, without=document.without, declarations=document.declarations)
    over = covered(element, source_of(document, target.signature, target.beside))
    token = child(element, "EncapsulatedTimeStamp", namespace=_version(element))
    before, behind = serialised_around(token)

    def check_place() -> None:
        if stamped or most.records or not _is_aside(element, document):
            for one in element.iterchildren(str(token.tag)):
                element.remove(one)  # it was written already
            _check(target, serialised(root), replace(most, time_stamps=most.time_stamps - 1), stamps=False)

    def complete(octets: bytes, reading: Reading | None = None) -> bytes:
        made = before + base64_of(octets).encode() + behind
        return _check(target, made, most, stamps=True, reading=reading)

    return Begun(over=over, check_place=check_place, complete=complete)


def _is_aside(element: etree._Element, document: Document) -> bool:
    """Whether no reference of the document is to something that the element is in.

    Else it has to be found out by reading what comes of it: what a transform takes, it may tell by all else
    that is in the document.
    """
    above = {*element.iterancestors()}
    for reference in document.root.iter(names.REFERENCE):
        uri = reference.get("URI")
        if uri is None or (uri and not uri.startswith("#")):
            continue  # data beside the document
        transforms = [one.get("Algorithm") for one in reference.iter(names.TRANSFORM)]
        if not _PLAIN.issuperset(transforms):
            return False
        if uri:
            found = document.ids.get(uri[1:])
            if found is None or found in above:
                return False
        elif ENVELOPED not in transforms or next(reference.iterancestors(names.SIGNATURE), None) not in above:
            return False
    return True


def octets_of_data(
    packaged: Packaged,
    certificates: Sequence[bytes],
    claims: Claims,
    options: Options,
    stamp: ContentTimeStamp,
) -> bytes:
    """What the tokens of a content time-stamp have to be over (EN 319 132-1, 5.2.8), before `prepare`.

    All else has to be given to `prepare` as it is given here. Raises as `prepare`, and `Rejected` where data
    that is time-stamped is not at hand.
    """
    options = replace(options, time_stamps=[*options.time_stamps, replace(stamp, tokens=())])
    element = begun(packaged, options.properties(certificates, claims), options)
    root = element.getroottree().getroot()
    kind = "IndividualDataObjectsTimeStamp" if stamp.of else "AllDataObjectsTimeStamp"
    *_, written = element.iter(f"{{{names.XADES_132}}}{kind}")
    source = source_of(Document(root), str(element.get("Id")), tuple(packaged.beside.values()))
    return covered(written, source).octets()


def with_time_stamp(target: Target, token: bytes, stamp: Stamp = SIGNATURE_TIME_STAMP) -> bytes:
    """The document with that time-stamp, whose token is over `octets_to_stamp`.

    Raises:
        Malformed: the document is no XML.
        Rejected: as `octets_to_stamp`, and where the token is none over what it has to be over.
    """
    return begin_time_stamp(target, stamp).complete(token, None)


def with_values(target: Target, data: ValidationData) -> bytes:
    """The document with CertificateValues and RevocationValues (level LT), as far as there are such.

    Raises:
        Malformed: the document is no XML.
        Rejected: there is no such signature, or it has such values already, or nothing is given.
    """

    def put(root: etree._Element) -> None:
        holder = unsigned_properties(root, target.signature)
        there = {names.split(str(one.tag))[1] for one in holder.iterchildren("*")}
        _values(holder, data)
        for one in _ONCE & there:
            if sum(names.split(str(found.tag))[1] == one for found in holder.iterchildren("*")) > 1:
                raise Rejected(
                    "xades.values",
                    f"The signature has {one} already, which the baseline allows once. What was found later "
                    "is added as validation data of time-stamps.",
                )

    return added(target, put)


def with_more_values(target: Target, data: ValidationData) -> bytes:
    """The document with validation data where there is a place for it.

    CertificateValues and RevocationValues stand once (6.3): what comes when they are there is validation data
    of time-stamps; in a signature without time-stamps AnyValidationData.

    Raises:
        Malformed: the document is no XML.
        Rejected: there is no such signature, or it is of an older version and has its values already, or
            nothing is given.
    """

    def put(root: etree._Element) -> None:
        holder = unsigned_properties(root, target.signature)
        there = {names.split(str(one.tag))[1] for one in holder.iterchildren("*")}
        first, later = _by_place(data, there)
        if first or not later:
            _values(holder, first)
        if later:
            stamped = any(coverage.kind_of(one) is not None for one in there)
            name = "TimeStampValidationData" if stamped else "AnyValidationData"
            check_version(holder, name)
            _values(child(holder, name, namespace=names.XADES_141), later, version=names.XADES_132)

    return added(target, put)


@implements("EN319132-1:6.3-GEN-ONCE", disabled=lambda data, _there: (data, NOTHING))
def _by_place(data: ValidationData, there: Collection[str]) -> tuple[ValidationData, ValidationData]:
    """What goes into the values of the signature, and what is too late for them."""
    certificates = ValidationData(certificates=data.certificates)
    status = ValidationData(lists=data.lists, answers=data.answers)
    if not _ONCE & set(there):
        return data, NOTHING
    if "CertificateValues" not in there:
        return certificates, status
    return (NOTHING, data) if "RevocationValues" in there else (status, certificates)


def with_time_stamp_validation_data(
    target: Target, data: ValidationData, *, name: str = "TimeStampValidationData"
) -> bytes:
    """The document with TimeStampValidationData, or AnyValidationData, of version 1.4.1.

    Raises:
        Malformed: the document is no XML.
        Rejected: there is no such signature, or it is of an older version, or nothing is given.
    """

    def put(root: etree._Element) -> None:
        holder = unsigned_properties(root, target.signature)
        check_version(holder, name)
        _values(child(holder, name, namespace=names.XADES_141), data, version=names.XADES_132)

    return added(target, put)


def with_policy_store(target: Target, document: bytes, specification: str) -> bytes:
    """The document with SignaturePolicyStore: that of the policy, and by what it is specified (5.2.10).

    Raises:
        Malformed: the document is no XML.
        Rejected: there is no such signature, or it is of an older version.
    """

    def put(root: etree._Element) -> None:
        holder = unsigned_properties(root, target.signature)
        check_version(holder, "SignaturePolicyStore")
        store = child(holder, "SignaturePolicyStore", namespace=names.XADES_141)
        identifier(store, "SPDocSpecification", specification, inside=names.XADES_132)
        child(store, "SignaturePolicyDocument", base64_of(document))

    return added(target, put)


def covered(element: etree._Element, source: DocumentSource) -> Data:
    """What a time-stamp property in its place is over. Raises `Rejected` (xades.time-stamp)."""
    found = coverage.covered_by(element, source)
    if found.data is None:
        raise Rejected(
            "xades.time-stamp", f"What the time-stamp has to be over cannot be brought together. {found.why}"
        )
    if not found.data.size:
        raise Rejected(
            "xades.time-stamp",
            "There is nothing that the time-stamp would be over: references come before a time-stamp over "
            "references, those of V2 before one of V2.",
        )
    return found.data


def source_of(document: Document, signature: str | int, beside: Sequence[Data]) -> DocumentSource:
    """The signature in its document, as coverage looks at it; the document is not changed any more."""
    detached = Detached(beside)
    reader = Reader(document, Collector(), detached=detached, limits=DEFAULT, file=None)
    element = signature_in(document.root, signature)
    parts = structure.parts_of(element, reader.by_id)

    def referred() -> Sequence[Referred]:
        core = read_signature(element, document)
        return Referring(reader, parts, None).all(core.signed_info.references)

    return DocumentSource(document, detached, parts, referred)


def _stamp(holder: etree._Element, stamp: Stamp, target: Target, root: etree._Element) -> etree._Element:
    """The property without its token. The older versions list what it is over."""
    version = names.split(str(holder.tag))[0]
    if version == names.XADES_132:
        space = names.XADES_141 if stamp.name in _IN_141 else version
        element = child(holder, stamp.name, namespace=space)
        child(element, "CanonicalizationMethod", namespace=names.DS, Algorithm=stamp.canonicalisation)
        return element
    if stamp.name != "SignatureTimeStamp":
        raise Rejected(
            "xades.version",
            f"{stamp.name} is added to signatures of version 1.3.2 alone; this one is of {version}.",
        )
    named = _value_named(root, target.signature)
    element = child(holder, stamp.name)
    if version == names.XADES_111:
        child(element, "HashDataInfo", uri=f"#{named}")
    else:
        child(element, "Include", URI=f"#{named}")
        child(element, "CanonicalizationMethod", namespace=names.DS, Algorithm=stamp.canonicalisation)
    return element


def _value_named(root: etree._Element, signature: str | int) -> str:
    """The Id of the SignatureValue, by which time-stamps of the older versions list it.

    Where it has none it is given one, which its own signature is not over; where others are over it,
    `check_unbroken` finds that.
    """
    value = signature_in(root, signature).find(names.SIGNATURE_VALUE)
    if value is None:
        raise Rejected("xades.signature", "The signature has no value that a time-stamp could be over.")
    found = value.get("Id")
    if found is None:
        ids = Document(root).ids
        candidates = (f"signature-value-{number}" for number in count(1))
        found = next(one for one in candidates if ids.get(one) is None and one not in ids.duplicates)
        value.set("Id", found)
    return found


def _version(element: etree._Element) -> str:
    """The namespace of what is inside a property: version 1.4.1 takes it from 1.3.2."""
    space = names.split(str(element.tag))[0]
    return names.XADES_132 if space == names.XADES_141 else space


@implements("EN319132-1:6.3-GEN-VALUES")
def _values(holder: etree._Element, data: ValidationData, *, version: str | None = None) -> None:
    if not data:
        raise Rejected("xades.values", "No validation data is given.")
    space = version or names.split(str(holder.tag))[0]
    if data.certificates:
        values = child(holder, "CertificateValues", namespace=space)
        for one in data.certificates:
            child(values, "EncapsulatedX509Certificate", base64_of(one))
    if data.lists or data.answers:
        values = child(holder, "RevocationValues", namespace=space)
        for group, single, tokens in (
            ("CRLValues", "EncapsulatedCRLValue", data.lists),
            ("OCSPValues", "EncapsulatedOCSPValue", data.answers),
        ):
            if tokens:
                listed = child(values, group)
                for one in tokens:
                    child(listed, single, base64_of(one))


def check_version(holder: etree._Element, name: str) -> None:
    """Raises `Rejected` (xades.version) for a signature of an older version than 1.3.2."""
    version = names.split(str(holder.tag))[0]
    if version != names.XADES_132:
        raise Rejected(
            "xades.version",
            f"{name} is added to signatures of version 1.3.2 alone; this one is of {version}.",
        )


def added(target: Target, put: Callable[[etree._Element], None]) -> bytes:
    """The document with what `put` adds, once it is sure that nothing was lost by it."""
    root = parse(target.document)
    most = _most_of(root)
    put(root)
    return _check(target, serialised(root), most, stamps=False)


def _most_of(root: etree._Element, *, stamps: bool = False) -> Most:
    return Most(
        signatures=sum(1 for _ in root.iter(names.SIGNATURE)),
        time_stamps=sum(1 for _ in root.iter(_TOKENS[0])) + stamps,
        records=next(root.iter("{*}SealingEvidenceRecords"), None) is not None,
    )


def _check(target: Target, made: bytes, most: Most, *, stamps: bool, reading: Reading | None = None) -> bytes:
    """The document that came of it. Raises as `check_added`."""
    if reading is None:
        reading = Reading(
            before=lambda: _state(target.document, target.beside),
            after=lambda octets: _state(octets, target.beside),
        )
    check_added(reading.before, reading.after(made), most, stamp=stamps)
    return made


def _state(document: bytes, beside: Sequence[Data]) -> State:
    collector = Collector()
    reader = Reader(
        Document.of(document),
        collector,
        detached=Detached(beside),
        limits=DEFAULT,
        file=None,
    )
    reader.read_all()
    return State.of(collector)
