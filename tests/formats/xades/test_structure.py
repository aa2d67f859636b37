"""Signed parts that were moved, doubled or said to be what they are not: each is found."""

from __future__ import annotations

from copy import deepcopy

import pytest
from lxml import etree
from xades_documents import (
    DS,
    EXCLUSIVE,
    Making,
    Referring,
    add_property,
    archived,
    b64,
    by_id,
    complete,
    find,
    revocation_list,
    revocation_values,
    sign,
    time_stamp,
    value_of,
)

from trustworks.formats.collector import Collector
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Evidence, ReferenceKind, ScopeKind, Weight
from trustworks.formats.limits import DEFAULT
from trustworks.formats.xades import read

COUNTERSIGNED = "http://uri.etsi.org/01903#CountersignedSignature"

XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"


class Partly(Referring):
    """A reference of which an XPath expression leaves nothing; `content` is b"" then."""

    def xml(self) -> str:
        return (
            super()
            .xml()
            .replace(
                f'<ds:Transform Algorithm="{XPATH}"/>',
                f'<ds:Transform Algorithm="{XPATH}"><ds:XPath>false()</ds:XPath></ds:Transform>',
            )
        )


def partly(uri: str, type_: str = "") -> Referring:
    return Partly(uri=uri, id="R1", type=type_, transforms=(XPATH,), content=b"")


def evidence_of(root: etree._Element) -> Evidence:
    collector = Collector()
    read(Octets(etree.tostring(root)), collector, limits=DEFAULT)
    return collector.evidence()


def codes(root: etree._Element, place: int = 0) -> dict[str, Weight]:
    return {one.code: one.weight for one in evidence_of(root).signatures[place].findings}


def states(root: etree._Element, place: int = 0) -> list[tuple[ReferenceKind, bool, bool]]:
    return [(one.kind, one.found, one.intact) for one in evidence_of(root).signatures[place].references]


@pytest.mark.req("EN319132-1:4.3.1")
def test_properties_of_another_signature_are_no_properties() -> None:
    root = etree.Element("both")
    root.extend([sign(Making(target="#O1"))])
    assert codes(root) == {"xades.target": Weight.FATAL}
    assert codes(sign(Making(target="#nothing"))) == {"xades.target": Weight.NOTE}


@pytest.mark.req("EN319132-1:4.4.1")
def test_second_properties_are_found() -> None:
    root = sign()
    root.append(deepcopy(root[-1]))
    root[-1][0][0].set("Id", "another")
    assert codes(root)["xades.qualifying-properties-repeated"] is Weight.FATAL
    twice = sign()
    twice[-1][0].append(deepcopy(twice[-1][0][0]))
    twice[-1][0][-1].set("Id", "another")
    assert codes(twice)["xades.qualifying-properties-repeated"] is Weight.FATAL


@pytest.mark.req("EN319132-1:4.4.2")
def test_signed_properties_that_were_moved_away_are_not_found() -> None:
    root = sign()
    properties = root[-1][0][0]
    changed = deepcopy(properties)
    changed.set("Id", "P-changed")
    root[-1][0].replace(properties, changed)
    document = etree.Element("document")
    document.extend([root, properties])
    assert (ReferenceKind.SIGNED_PROPERTIES, False, False) in states(document)
    assert codes(document) == {"xades.signed-properties-elsewhere": Weight.SUSPICIOUS}


@pytest.mark.req("EN319132-1:4.4.2")
def test_signed_properties_of_which_a_part_is_left_out_are_not_found() -> None:
    making = Making()
    root = etree.fromstring(making.xml())
    xpath = etree.fromstring(
        f'<ds:Transform xmlns:ds="{DS}" Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>'
        "not(ancestor-or-self::*[local-name()='SigningTime'])</ds:XPath></ds:Transform>"
    )
    root[0][-1][0].insert(0, xpath)
    complete(root, making)
    assert states(root)[-2][0] is ReferenceKind.SIGNED_PROPERTIES
    assert states(root)[-2][1] is False


@pytest.mark.req("EN319132-1:4.4.2-reference")
def test_signed_properties_that_are_not_signed_are_missing() -> None:
    root = sign()
    root[0].remove(root[0][-1])
    assert states(root)[-1] == (ReferenceKind.SIGNED_PROPERTIES, False, False)


def test_the_reference_to_the_signed_properties_may_lack_its_type() -> None:
    root = sign(Making(properties_type=""))
    assert states(root)[-1] == (ReferenceKind.SIGNED_PROPERTIES, True, True)
    assert codes(root) == {"xades.signed-properties-untyped": Weight.NOTE}


@pytest.mark.req("EN319132-1:4.4.2-data")
def test_a_signature_over_itself_alone_signs_no_data() -> None:
    root = sign(Making(references=[], objects="", data_properties=""))
    assert states(root) == [
        (ReferenceKind.SIGNED_PROPERTIES, True, True),
        (ReferenceKind.CONTENT, False, False),
    ]
    key_info = sign(Making(references=[Referring(uri="#K-S1", id="R1")], objects="", data_properties=""))
    assert [one[0] for one in states(key_info)] == [
        *(ReferenceKind.KEY_INFO, ReferenceKind.SIGNED_PROPERTIES, ReferenceKind.CONTENT)
    ]


@pytest.mark.req("EN319132-1:5.2")
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_second_part_is_found(place: int) -> None:
    root = sign()
    root.insert(3, deepcopy(root[place]))
    for attribute in ("Id",):
        root[3].attrib.pop(attribute, None)
    assert codes(root)["xades.part-repeated"] is Weight.FATAL


@pytest.mark.req("XMLDSIG:4.4.3.2-unique")
def test_an_identifier_that_two_elements_have_is_of_none() -> None:
    document = etree.Element("document")
    document.append(sign())
    etree.SubElement(document, "fake").set("Id", "O1")
    assert codes(document) == {"xades.duplicate-id": Weight.FATAL}
    assert states(document)[0] == (ReferenceKind.OBJECT, False, False)


@pytest.mark.req("XMLDSIG:4.4.3.1-object")
def test_an_object_that_is_none_of_the_signature_is_not_found() -> None:
    root = sign()
    moved = by_id(root, "O1")
    root.remove(moved)
    document = etree.Element("document")
    document.extend([root, moved])
    assert states(document)[0] == (ReferenceKind.OBJECT, False, False)
    assert codes(document) == {"xades.object-elsewhere": Weight.SUSPICIOUS}


@pytest.mark.req("XMLDSIG:5.1-MANIFEST")
def test_a_manifest_that_is_none_is_not_found() -> None:
    root = sign(Making(references=[Referring(uri="#O1", id="R1", type=f"{DS}Manifest")]))
    assert states(root)[0] == (ReferenceKind.MANIFEST, False, False)
    assert codes(root) == {"xades.manifest-elsewhere": Weight.SUSPICIOUS}


MANIFEST = (
    '<ds:Object><ds:Manifest Id="M1"><ds:Reference URI="#data"><ds:DigestMethod Algorithm='
    '"http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>'
    '</ds:Manifest></ds:Object><ds:Object Id="O1">What is signed.</ds:Object>'
)


@pytest.mark.req("XMLDSIG:4.4.3.1-WHOLE")
@pytest.mark.parametrize(
    ("reference", "kind", "code"),
    [
        (partly("#M1", f"{DS}Manifest"), ReferenceKind.MANIFEST, "xades.manifest-partly"),
        (partly("#K-S1"), ReferenceKind.KEY_INFO, "xades.key-info-partly"),
    ],
)
def test_a_part_of_a_manifest_or_of_key_info_stands_for_none(
    reference: Referring, kind: ReferenceKind, code: str
) -> None:
    whole = Referring(uri="#O1", id="R2", type=f"{DS}Object")
    root = sign(Making(objects=MANIFEST, references=[reference, whole], data_properties=""))
    assert codes(root) == {code: Weight.SUSPICIOUS}
    assert states(root)[0] == (kind, False, False)
    assert [one.kind for one in evidence_of(root).signatures[0].references].count(kind) == 1
    assert ReferenceKind.MANIFEST_ENTRY not in [one[0] for one in states(root)]


@pytest.mark.req("XMLDSIG:4.4.3.1-WHOLE")
def test_a_manifest_of_which_only_the_text_is_decoded_is_not_whole() -> None:
    # Identifiers and algorithms of its entries, which are no text, could be others.
    text = MANIFEST.replace("AAAA", b64(b"any"))
    reference = Referring(uri="#M1", type=f"{DS}Manifest", transforms=(f"{DS}base64",), content=b"any")
    root = sign(Making(objects=text, references=[reference], data_properties=""))
    assert states(root)[0] == (ReferenceKind.MANIFEST, False, False)
    assert codes(root) == {"xades.manifest-partly": Weight.SUSPICIOUS}


@pytest.mark.req("XMLDSIG:4.4.3.1-WHOLE")
def test_a_part_of_an_object_is_data_that_is_shown_as_a_part() -> None:
    root = sign(Making(references=[partly("#O1", f"{DS}Object")]))
    assert states(root)[0] == (ReferenceKind.CONTENT, True, True)
    assert codes(root)["xades.object-partly"] is Weight.SUSPICIOUS
    assert evidence_of(root).signatures[0].scopes[0].kind is ScopeKind.PARTIAL
    packed = f'<ds:Object Id="O1">{b64(b"Packed data")}</ds:Object>'
    decoded = Referring(
        uri="#O1", id="R1", type=f"{DS}Object", transforms=(f"{DS}base64",), content=b"Packed data"
    )
    root = sign(Making(objects=packed, references=[decoded]))
    assert states(root)[0] == (ReferenceKind.OBJECT, True, True)
    assert codes(root) == {}


@pytest.mark.req("XMLDSIG:4.4.3.1-WHOLE")
def test_a_part_of_a_value_is_no_counter_signature() -> None:
    root = countersigned(partly("#V-S1", COUNTERSIGNED))
    assert states(root, 1)[0] == (ReferenceKind.COUNTER_SIGNED, True, False)
    assert codes(root, 1)["xades.counter-signature-partly"] is Weight.SUSPICIOUS
    document = etree.Element("document")
    making = Making(id="C1", objects="", references=[partly("#V-S1", COUNTERSIGNED)], data_properties="")
    document.extend([etree.fromstring(making.xml()), sign()])
    complete(document, making)
    assert states(document)[0] == (ReferenceKind.COUNTER_SIGNED, True, False)
    file = sign(Making(objects="", references=[partly("other.xml", COUNTERSIGNED)], data_properties=""))
    collector = Collector()
    other = Octets(b"<other/>", name="other.xml")
    read(Octets(etree.tostring(file)), collector, detached=[other], limits=DEFAULT)
    first = collector.evidence().signatures[0].references[0]
    assert (first.kind, first.intact) == (ReferenceKind.CONTENT, True)


def test_an_entry_of_a_manifest_that_differs_proves_nothing_of_what_is_there() -> None:
    listed = MANIFEST.replace("#data", "#O1")
    whole = Referring(uri="#M1", id="R1", type=f"{DS}Manifest")
    root = sign(Making(objects=listed, references=[whole], data_properties=""))
    entry = evidence_of(root).signatures[0].references[1]
    assert (entry.kind, entry.found, entry.intact) == (ReferenceKind.MANIFEST_ENTRY, True, False)
    assert entry.covers == frozenset()
    assert [one.kind for one in evidence_of(root).signatures[0].scopes] == [ScopeKind.MANIFEST]


@pytest.mark.parametrize("elsewhere", [True, False])
def test_properties_elsewhere_are_not_covered_with_a_counter_signature(elsewhere: bool) -> None:
    root = countersigned(Referring(uri="#V-S1", type=COUNTERSIGNED))
    add_property(root, revocation_values(revocation_list()), "C1")
    document = etree.Element("document")
    document.append(root)
    if elsewhere:
        qualifying = find(by_id(root, "C1"), "{*}Object/{*}QualifyingProperties")
        qualifying.set("Id", "Q1")
        version = etree.QName(qualifying).namespace
        pointer = etree.fromstring(f'<x:QualifyingPropertiesReference xmlns:x="{version}" URI="#Q1"/>')
        find(by_id(root, "C1"), "{*}Object").replace(qualifying, pointer)
        document.append(qualifying)
    add_property(root, time_stamp("ArchiveTimeStamp", archived(root, Making()), prefix="xades141"))
    evidence = evidence_of(document)
    (stamp,) = evidence.time_stamps
    assert stamp.references[0].intact
    assert evidence.signatures[1].id in stamp.covers
    assert (set(evidence.revocation) <= stamp.covers) is not elsewhere


def countersigned(reference: Referring) -> etree._Element:
    root = sign()
    inner = Making(id="C1", objects="", references=[reference], data_properties="")
    add_property(root, f"<xades:CounterSignature>{inner.xml()}</xades:CounterSignature>")
    complete(root, inner)
    return root


@pytest.mark.req("EN319132-1:5.2.7")
@pytest.mark.parametrize(
    "reference",
    [
        Referring(uri="#O1", type=COUNTERSIGNED),
        Referring(uri="#V-C1", type=COUNTERSIGNED, content=b""),
        Referring(uri="#O1", type=f"{DS}Object"),
        Referring(uri="#O1"),
    ],
)
def test_a_counter_signature_over_something_else_is_found(reference: Referring) -> None:
    found = states(countersigned(reference), 1)
    assert (ReferenceKind.COUNTER_SIGNED, True, False) in found


def test_a_counter_signature_that_was_put_into_another_signature_is_not_its() -> None:
    injected = countersigned(Referring(uri="#V-S1", type=COUNTERSIGNED))
    other = sign(
        Making(
            id="S2",
            objects='<ds:Object Id="O2">Other</ds:Object>',
            references=[Referring(uri="#O2", id="R2", type=f"{DS}Object")],
            data_properties="",
        )
    )
    counter = find(injected, ".//{*}CounterSignature")
    add_property(other, "<xades:CounterSignature/>", "S2").append(counter[0])
    document = etree.Element("document")
    document.extend([other, by_id(injected, "V-S1")])
    parent, inner = evidence_of(document).signatures
    assert inner.parent == parent.id
    first = inner.references[0]
    assert (first.kind, first.found, first.intact) == (ReferenceKind.COUNTER_SIGNED, True, False)


def test_signatures_that_countersign_each_other_come_to_an_end() -> None:
    document = etree.Element("document")
    makings = [
        Making(
            id=own,
            objects="",
            references=[Referring(uri=f"#V-{other}", type=COUNTERSIGNED)],
            data_properties="",
        )
        for own, other in (("S1", "S2"), ("S2", "S1"))
    ]
    for one in makings:
        document.append(etree.fromstring(one.xml()))
    for one in makings:
        complete(document, one)
    assert len(evidence_of(document).signatures) == 2


def test_one_that_stands_for_itself_countersigns_by_its_type() -> None:
    document = etree.Element("document")
    making = Making(id="C1", objects="", references=[Referring(uri="#V-S1", type=COUNTERSIGNED)])
    making.data_properties = ""
    document.extend([etree.fromstring(making.xml()), sign()])
    complete(document, making)
    inner, parent = evidence_of(document).signatures
    assert (inner.name, inner.parent) == ("C1", parent.id)
    assert inner.references[0].intact


def test_qualifying_properties_may_be_elsewhere_in_the_document_and_not_outside() -> None:
    root = sign()
    qualifying = root[-1][0]
    version = etree.QName(qualifying).namespace
    qualifying.set("Id", "Q1")
    pointer = etree.fromstring(f'<x:QualifyingPropertiesReference xmlns:x="{version}" URI="#Q1"/>')
    root[-1].replace(qualifying, pointer)
    document = etree.Element("document")
    document.extend([root, qualifying])
    assert evidence_of(document).signatures[0].level == "XAdES-BASELINE-B"
    pointer.set("URI", "https://elsewhere.example/q.xml")
    assert codes(document)["xades.qualifying-properties-elsewhere"] is Weight.SUSPICIOUS


def test_signatures_of_evidence_records_are_not_the_document_s() -> None:
    root = sign()
    other = sign(Making(id="X", objects='<ds:Object Id="O2"/>', references=[Referring(uri="#O2")]))
    add_property(
        root,
        '<e:SealingEvidenceRecords xmlns:e="http://uri.etsi.org/19132/v1.1.1#"><er>'
        f"{etree.tostring(other).decode()}</er></e:SealingEvidenceRecords>",
    )
    evidence = evidence_of(root)
    assert [one.name for one in evidence.signatures] == ["S1"]
    assert codes(root) == {"xades.evidence-record-unreadable": Weight.NOTE}


def test_a_tampered_value_is_another_signature() -> None:
    assert evidence_of(sign()).signatures[0].id != evidence_of(sign()).signatures[0].id
    assert value_of(sign(), algorithm=EXCLUSIVE).startswith(b"<ds:SignatureValue")
