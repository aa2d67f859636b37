"""Evidence records of RFC 6283: the same proofs as in ASN.1, over canonical XML."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from evidence_records import XmlRecord, digest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.xml.document import Work
from trustworks.formats.collector import Collector
from trustworks.formats.data import Octets
from trustworks.formats.evidence_record import Archived, read_evidence_record
from trustworks.formats.evidence_record.xml import CanonicalForms
from trustworks.formats.limits import DEFAULT, xml_bounds

if TYPE_CHECKING:
    from trustworks.formats.evidence import EvidenceRecord, TimeStamp

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
OF_XML = {"attributes_of_all": "elements", "octets": "parsed"}
ONE, TWO, OTHER = b"one object", b"a second object", b"what somebody else archived"
LATER, LAST = b"20270504030201Z", b"20280504030201Z"


def archived(content: bytes, name: str = "one") -> Archived:
    return Archived(data=Octets(content, name), name=name, covers=frozenset({f"D-{name}"}))


def read(octets: bytes, *over: Archived) -> tuple[EvidenceRecord, tuple[TimeStamp, ...]]:
    collector = Collector()
    found = read_evidence_record(octets, collector, over=over, limits=DEFAULT)
    return found, collector.time_stamps


def holds(found: EvidenceRecord, stamps: tuple[TimeStamp, ...]) -> bool:
    own = all(one.intact for one in found.references if one.mandatory)
    return own and all(one.intact for stamp in stamps for one in stamp.references)


def simple() -> XmlRecord:
    made = XmlRecord()
    made.chain()
    made.stamp([[digest(ONE), digest(OTHER)], [digest(b"neighbours")]])
    return made


def test_a_record_is_about_the_data_in_its_first_sequence() -> None:
    found, stamps = read(simple().octets, archived(ONE))
    assert holds(found, stamps)
    assert found.form == "xml"
    assert found.covers == stamps[0].covers == {"D-one"}
    assert found.octets == simple().octets or found.octets.startswith(b"<EvidenceRecord")


def test_data_that_is_xml_may_have_been_canonicalised_before() -> None:
    document = b"<?xml version='1.0'?>\n<a  b = 'c'><d/></a>"
    made = XmlRecord()
    made.chain()
    made.stamp([[digest(b'<a b="c"><d></d></a>')]])
    assert holds(*read(made.octets, archived(document)))
    assert not holds(*read(made.octets, archived(document.replace(b"'c'", b"'e'"))))
    assert not holds(*read(made.octets, archived(b"<a")))


def about(digest_value: bytes) -> bytes:
    made = XmlRecord()
    made.chain()
    made.stamp([[digest_value]])
    return made.octets


def test_data_whose_canonical_form_is_beyond_a_limit_is_not_taken_for_other_data() -> None:
    deep = b"<a>" * 257 + b"</a>" * 257
    with pytest.raises(BeyondLimit):
        read(about(digest(b"another")), archived(deep))
    assert holds(*read(about(digest(deep)), archived(deep)))  # whose octets are named, needs none


@pytest.mark.parametrize(("limit", "value"), [("depth", 20), ("elements", 40), ("parsed", 100_000)])
def test_the_limits_on_xml_are_those_that_the_record_is_read_with(limit: str, value: int) -> None:
    document = b"<a >" * 25 + b"<b/>" * 50 + b"x" * 100_000 + b"</a>" * 25
    canonical = b"<a>" * 25 + b"<b></b>" * 50 + b"x" * 100_000 + b"</a>" * 25
    octets = about(digest(canonical))
    assert holds(*read(octets, archived(document)))
    with pytest.raises(BeyondLimit) as refused:
        read_evidence_record(
            octets, Collector(), over=[archived(document)], limits=replace(DEFAULT, **{limit: value})
        )
    assert OF_XML.get(refused.value.limit or "", refused.value.limit) == limit


def test_canonical_forms_of_all_objects_together_are_bounded() -> None:
    """Each may have some times its own octets, and all together the limit beside."""
    names = "".join(f' xmlns:p{one}="urn:{one}"' for one in range(40))
    large = f"<a{names}>{''.join(f'<p{one}:b/>' for one in range(40))}</a>".encode()
    forms = CanonicalForms(Work(xml_bounds(replace(DEFAULT, canonical=0))), DEFAULT)
    one = Octets(large)
    for _ in range(9):  # the same digest again costs nothing
        assert forms.digest(one, EXCLUSIVE, "sha256") is not None
    with pytest.raises(BeyondLimit):
        [forms.of(one, EXCLUSIVE) for _ in range(9)]
    for _ in range(9):
        assert forms.of(Octets(large), EXCLUSIVE) is not None


@pytest.mark.parametrize("with_tree", [True, False])
def test_a_renewed_time_stamp_is_over_the_one_before_it(*, with_tree: bool) -> None:
    made = simple()
    link = digest(made.last_time_stamp())
    tree = [[link, digest(b"other records")]] if with_tree else []
    made.stamp(tree, over=None if with_tree else link, time=LATER)
    found, stamps = read(made.octets, archived(ONE))
    assert holds(found, stamps)
    assert stamps[0].id in stamps[1].covers


def test_a_renewed_tree_holds_the_digests_of_data_and_of_all_chains_before() -> None:
    made = simple()
    before = digest(made.whole_sequence(), "sha512")
    made.chain("sha512")
    made.stamp([[digest(ONE, "sha512"), before], [digest(b"n", "sha512")]], name="sha512", time=LATER)
    assert holds(*read(made.octets, archived(ONE)))
    before = digest(made.whole_sequence())
    made.chain()
    made.stamp([[digest(ONE), before]], time=LAST)
    assert holds(*read(made.octets, archived(ONE)))


def test_a_renewed_tree_without_the_data_or_the_chains_breaks_the_record() -> None:
    for group in ([digest(TWO, "sha512")], [digest(ONE, "sha512"), digest(b"other chains", "sha512")]):
        made = simple()
        if len(group) == 1:
            group.append(digest(made.whole_sequence(), "sha512"))
        made.chain("sha512")
        made.stamp([group], name="sha512", time=LATER)
        assert not holds(*read(made.octets, archived(ONE)))


def test_elements_are_taken_in_the_order_that_they_name() -> None:
    made = simple()
    link = digest(made.last_time_stamp())
    made.stamp([[link]], time=LATER)
    chain = made.sequence[0]
    chain.append(chain[2])  # the first time-stamp behind the second
    assert [one.get("Order") for one in chain[2:]] == ["2", "1"]
    assert holds(*read(made.octets, archived(ONE)))


@pytest.mark.parametrize(
    ("pattern", "instead", "said"),
    [
        (rb"EvidenceRecord", b"Evidence", "no element EvidenceRecord"),
        (rb"ArchiveTimeStampSequence", b"Sequence", "no ArchiveTimeStampSequence"),
        (rb'ArchiveTimeStamp Order="1"', b'ArchiveTimeStamp Order="2"', "count from 1"),
        (rb'ArchiveTimeStamp Order="1"', b'ArchiveTimeStamp Order="x"', "no Order that is a number"),
        (rb"xmlenc#sha256", b"xmlenc#none", "is not known"),
        (rb"<(/?)TimeStampToken", rb"<\1Token", "no TimeStampToken"),
        (rb'Type="RFC3161"', b'Type="XMLENTRUST"', "type XMLENTRUST"),
        (rb"<DigestValue>..", b"<DigestValue>!!", "base64"),
        (rb"<DigestValue>[^<]*</DigestValue>", b"", "no DigestValue"),
        (rb"<ArchiveTimeStampChain.*</ArchiveTimeStampChain>", b"", "no archive time-stamp"),
        (rb"xml:ns:ers", b"xml:ns:other", "no element EvidenceRecord"),
    ],
)
def test_what_is_no_record_is_malformed(pattern: bytes, instead: bytes, said: str) -> None:
    octets = re.sub(pattern, instead, simple().octets)
    assert octets != simple().octets
    with pytest.raises(Malformed, match=said):
        read(octets, archived(ONE))


VALID = simple().octets


@given(st.integers(0, len(VALID) - 1), st.integers(0, 255), st.integers(0, len(VALID)))
def test_a_changed_record_is_read_or_malformed(place: int, octet: int, cut: int) -> None:
    changed = bytearray(VALID)
    changed[place] = octet
    for octets in (bytes(changed), VALID[:cut]):
        try:
            found, stamps = read(octets, archived(ONE))
        except Malformed:
            continue
        assert len(found.time_stamps) == len(stamps)
