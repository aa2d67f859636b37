"""What a time-stamp property lists by Include: followed where the version has a list, else prescribed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lxml import etree
from xades_documents import (
    C14N,
    DS,
    XADES,
    XADES_141,
    Making,
    Referring,
    add_property,
    archived,
    b64,
    by_id,
    canonical,
    certificate_values,
    complete_references,
    revocation_list,
    revocation_values,
    sign,
    time_stamp,
    value_of,
)

from trustworks.formats.collector import Collector
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Weight
from trustworks.formats.limits import DEFAULT
from trustworks.formats.xades import read
from trustworks.formats.xades.coverage import follows_list, is_part, is_taken_whole

if TYPE_CHECKING:
    from trustworks.formats.evidence import Evidence

XADES_111 = "http://uri.etsi.org/01903/v1.1.1#"
XADES_122 = "http://uri.etsi.org/01903/v1.2.2#"
OLD = b"What somebody had time-stamped long ago."
NOTHING = (
    '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
    "<ds:XPath>false()</ds:XPath></ds:Transform></ds:Transforms>"
)
DECODED = (
    f'<xades:Include URI="#old"><ds:Transforms><ds:Transform Algorithm="{DS}base64"/></ds:Transforms>'
    "</xades:Include>"
)


def evidence_of(root: etree._Element) -> Evidence:
    collector = Collector()
    read(Octets(etree.tostring(root), name="document.xml"), collector, limits=DEFAULT)
    return collector.evidence()


def with_object(version: str = XADES, content: str = b64(OLD)) -> etree._Element:
    """A signature with a ds:Object `old` that it does not sign."""
    properties = "http://uri.etsi.org/01903#" if version == XADES else version
    root = sign(Making(version=version, properties_type=f"{properties}SignedProperties"))
    hidden = f'<ds:Object xmlns:ds="{DS}" Id="old">{content}</ds:Object>'
    by_id(root, "S1").append(etree.fromstring(hidden))
    return root


@pytest.mark.req("EN319132-1:5.1.4.4")
def test_only_the_first_versions_and_chosen_data_list_whatever_they_like() -> None:
    assert not follows_list(XADES, "SignatureTimeStamp")
    assert not follows_list(XADES_141, "ArchiveTimeStamp")
    assert follows_list(XADES, "IndividualDataObjectsTimeStamp")
    assert follows_list(XADES_111, "SignatureTimeStamp")
    assert follows_list(XADES_122, "ArchiveTimeStamp")


@pytest.mark.req("EN319132-1:5.1.4.4")
@pytest.mark.parametrize("name", ["SignatureTimeStamp", "SigAndRefsTimeStamp"])
def test_what_else_a_property_lists_does_not_change_what_it_is_over(name: str) -> None:
    root = with_object()
    add_property(root, time_stamp(name, OLD, inside=DECODED))
    (stamp,) = evidence_of(root).time_stamps
    assert not stamp.references[0].intact


@pytest.mark.req("EN319132-1:5.1.4.4")
def test_an_archive_time_stamp_lists_nothing_but_properties() -> None:
    root = with_object(content='<ds:SignatureValue Id="V-old">b2xk</ds:SignatureValue>')
    listed = '<xades:Include URI="#V-old"/>'
    over = canonical(by_id(root, "V-old"), C14N)
    add_property(root, time_stamp("ArchiveTimeStamp", over, inside=listed, prefix="xades141"))
    (stamp,) = evidence_of(root).time_stamps
    assert not stamp.references[0].intact
    making = Making()
    root = sign(making)
    over = archived(root, making)
    add_property(root, time_stamp("ArchiveTimeStamp", over, inside=listed, prefix="xades141"))
    (stamp,) = evidence_of(root).time_stamps
    assert stamp.references[0].intact


@pytest.mark.req("EN319132-1:5.1.4.4")
def test_the_own_value_may_be_listed_although_it_is_covered_anyway() -> None:
    root = sign()
    add_property(
        root, time_stamp("SignatureTimeStamp", value_of(root), inside='<xades:Include URI="#V-S1"/>')
    )
    evidence = evidence_of(root)
    assert evidence.time_stamps[0].references[0].intact
    assert evidence.signatures[0].id in evidence.time_stamps[0].covers


def test_time_stamps_over_references_may_list_them() -> None:
    crl = revocation_list()
    root = sign()
    own = value_of(root)
    certificates, lists = (add_property(root, xml) for xml in complete_references(crl))
    lists.set("Id", "refs")
    add_property(root, certificate_values())
    add_property(root, revocation_values(crl))
    over = own + canonical(lists, C14N)
    add_property(root, time_stamp("SigAndRefsTimeStamp", over, inside='<xades:Include URI="#refs"/>'))
    evidence = evidence_of(root)
    (stamp,) = evidence.time_stamps
    assert stamp.references[0].intact
    assert stamp.form == "xades-1.3.2-distributed"
    assert {evidence.signatures[0].id, *evidence.revocation} <= stamp.covers
    assert certificates.get("Id") is None


@pytest.mark.req("EN319132-1:5.1.4.4-WHOLE")
def test_what_is_listed_with_transforms_is_not_covered() -> None:
    assert is_taken_whole(None)
    assert not is_taken_whole(etree.fromstring(f'<w xmlns:ds="{DS}">{NOTHING}</w>')[0])
    for version in (XADES_111, XADES_122):
        root = with_object(version)
        crl = add_property(root, revocation_values(revocation_list()))
        crl.set("Id", "crl")
        empty = "".join(
            f'<xades:Include URI="#{name}">{NOTHING}</xades:Include>' for name in ("V-S1", "K-S1", "crl")
        )
        add_property(root, time_stamp("SignatureTimeStamp", OLD, inside=empty + DECODED))
        (stamp,) = evidence_of(root).time_stamps
        assert stamp.references[0].intact
        assert stamp.covers == frozenset()


@pytest.mark.req("EN319132-1:5.1.4.4-OWN")
def test_a_value_that_is_listed_is_that_of_the_signature_itself() -> None:
    root = with_object(XADES_122, '<ds:SignatureValue Id="V-old">b2xk</ds:SignatureValue>')
    signature, tag = by_id(root, "S1"), f"{{{DS}}}SignatureValue"
    assert is_part(by_id(root, "V-S1"), signature, tag)
    assert not is_part(by_id(root, "V-old"), signature, tag)
    over = canonical(by_id(root, "V-old"), C14N)
    add_property(root, time_stamp("SignatureTimeStamp", over, inside='<xades:Include URI="#V-old"/>'))
    (stamp,) = evidence_of(root).time_stamps
    assert stamp.references[0].intact
    assert stamp.covers == frozenset()


@pytest.mark.req("EN319132-1:5.1.4.4.3")
def test_a_list_of_data_covers_data_and_not_the_signature() -> None:
    objects = '<ds:Object Id="O1">One.</ds:Object><ds:Object Id="O2">Two.</ds:Object>'
    references = [Referring(uri=f"#O{n}", id=f"R{n}", type=f"{DS}Object") for n in (1, 2)]
    plain = sign(Making(objects=objects, references=references))
    listed = '<xades:Include URI="#R2" referencedData="true"/>'
    stamped = time_stamp("IndividualDataObjectsTimeStamp", canonical(by_id(plain, "O2")), inside=listed)
    evidence = evidence_of(sign(Making(objects=objects, references=references, data_properties=stamped)))
    (stamp,) = evidence.time_stamps
    assert stamp.references[0].intact
    assert stamp.covers == evidence.signatures[0].references[1].covers


@pytest.mark.parametrize("name", ["AllDataObjectsTimeStamp", "IndividualDataObjectsTimeStamp"])
def test_a_time_stamp_over_data_that_was_added_to_the_signature_is_none_of_its_content(name: str) -> None:
    root = sign()
    add_property(root, time_stamp(name, canonical(by_id(root, "O1"))))
    evidence = evidence_of(root)
    assert evidence.time_stamps == ()
    codes = {one.code: one.weight for one in evidence.signatures[0].findings}
    assert codes == {"xades.content-time-stamp-unsigned": Weight.SUSPICIOUS}
