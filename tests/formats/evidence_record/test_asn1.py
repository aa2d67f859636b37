"""Evidence records of RFC 4998: what they are about, through trees and renewals, and what breaks them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from evidence_records import digest, record, sequence, stamp, token_of
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.errors import Malformed
from trustworks.formats.collector import Collector
from trustworks.formats.data import DigestOnly, Octets
from trustworks.formats.evidence import EvidenceRecord, TimeStamp, TimeStampKind
from trustworks.formats.evidence_record import Archived, Named, first_time, read_evidence_record
from trustworks.formats.limits import DEFAULT, Limits

ONE, TWO, OTHER = b"one object", b"a second object", b"what somebody else archived"
LATER, LAST = b"20270504030201Z", b"20280504030201Z"


def archived(content: bytes, name: str = "one", *, required: bool = False) -> Archived:
    return Archived(data=Octets(content, name), name=name, covers=frozenset({f"D-{name}"}), required=required)


def read(
    octets: bytes, *over: Archived, manifest: tuple[Named, ...] | None = None
) -> tuple[EvidenceRecord, tuple[TimeStamp, ...]]:
    collector = Collector()
    found = read_evidence_record(octets, collector, over=over, manifest=manifest, limits=DEFAULT)
    evidence = collector.evidence()
    assert evidence.evidence_records == (found,)
    assert [one.id for one in evidence.time_stamps] == list(found.time_stamps)
    return found, evidence.time_stamps


def holds(found: EvidenceRecord, stamps: tuple[TimeStamp, ...]) -> bool:
    own = all(one.intact for one in found.references if one.mandatory)
    return own and all(one.intact for stamp in stamps for one in stamp.references)


SIMPLE = [[digest(ONE), digest(OTHER)], [digest(b"neighbours")]]


def test_a_record_is_about_the_data_in_the_first_list_of_its_tree() -> None:
    found, stamps = read(record([stamp(SIMPLE)]), archived(ONE))
    assert holds(found, stamps)
    assert [(one.name, one.found, one.mandatory) for one in found.references] == [
        ("one", True, True),
        (None, False, False),
    ]
    assert found.covers == stamps[0].covers == {"D-one"}
    assert (stamps[0].kind, stamps[0].owner) == (TimeStampKind.EVIDENCE_RECORD, found.id)
    assert [one.name for one in found.scopes] == ["one"]


@pytest.mark.parametrize(
    "tree",
    [
        [[digest(ONE)]],
        [[digest(ONE)], [digest(b"left"), digest(b"right")]],
        [[digest(ONE), digest(TWO)], [digest(b"left")], [digest(b"above")]],
    ],
    ids=["alone", "alone in its list", "three lists"],
)
def test_the_root_of_a_tree_is_what_the_time_stamp_is_over(tree: list[list[bytes]]) -> None:
    found, stamps = read(record([stamp(tree)]), archived(ONE))
    assert holds(found, stamps)


def test_without_a_tree_the_time_stamp_is_over_the_data_itself() -> None:
    octets = record([stamp([], over=digest(ONE))])
    assert holds(*read(octets, archived(ONE)))
    _, stamps = read(octets, archived(OTHER))
    assert [(one.found, one.intact) for one in stamps[0].references] == [(True, False)]
    for over in ((), (archived(ONE), archived(TWO, "two"))):
        found, _ = read(octets, *over)
        assert [(one.found, one.mandatory) for one in found.references] == [(False, True)]


def test_the_hash_function_is_that_of_the_token_where_the_record_names_none() -> None:
    octets = record([stamp([[digest(ONE, "sha512")]], name="sha512", named=False)])
    found, stamps = read(octets, archived(ONE))
    assert holds(found, stamps)
    assert found.references[0].digest_algorithm == "sha512"


def test_data_that_was_changed_is_found_and_not_intact() -> None:
    found, _ = read(record([stamp([[digest(ONE)]])]), archived(b"changed"))
    assert [(one.found, one.intact) for one in found.references] == [(True, False)]
    assert found.covers == frozenset()


def test_data_that_is_not_at_hand_is_not_found() -> None:
    found, _ = read(record([stamp(SIMPLE)]), archived(b"changed"))
    mandatory = [one for one in found.references if one.mandatory]
    assert [(one.found, one.intact) for one in mandatory] == [(False, False)]


def test_what_a_record_has_to_be_about_is_missed() -> None:
    found, stamps = read(record([stamp(SIMPLE)]), archived(ONE), archived(TWO, "two", required=True))
    assert not holds(found, stamps)
    assert [(one.name, one.found) for one in found.references if not one.intact and one.mandatory] == [
        ("two", True)
    ]


def test_what_a_record_has_to_be_about_and_is_not_at_hand_is_not_found() -> None:
    absent = Archived(data=DigestOnly((), "two"), name="two", covers=frozenset(), required=True, absent=True)
    found, _ = read(record([stamp(SIMPLE)]), archived(ONE), absent)
    assert [(one.name, one.found) for one in found.references if not one.intact and one.mandatory] == [
        ("two", False)
    ]


def test_the_first_time_of_a_record_is_that_of_its_first_time_stamp() -> None:
    first = stamp(SIMPLE, time=LATER)
    octets = record([first, stamp([[digest(token_of(first))]], time=LAST)])
    assert first_time(octets, DEFAULT) == datetime(2027, 5, 4, 3, 2, 1, tzinfo=UTC)
    with pytest.raises(Malformed):
        first_time(record(), DEFAULT)


def test_a_tree_that_does_not_lead_to_the_time_stamp_is_no_proof() -> None:
    _, stamps = read(record([stamp(SIMPLE, over=digest(b"another root"))]), archived(ONE))
    assert [(one.found, one.intact) for one in stamps[0].references] == [(True, False)]


@pytest.mark.parametrize("with_tree", [True, False])
def test_a_renewed_time_stamp_is_over_the_one_before_it(*, with_tree: bool) -> None:
    first = stamp(SIMPLE)
    link = digest(token_of(first))
    tree = [[link, digest(b"other records")]] if with_tree else []
    octets = record([first, stamp(tree, over=None if with_tree else link, time=LATER)])
    found, stamps = read(octets, archived(ONE))
    assert holds(found, stamps)
    assert stamps[0].id in stamps[1].covers
    assert set(stamps[0].signature.certificates) <= stamps[1].covers
    assert stamps[1].covers > stamps[0].covers


def test_a_renewed_time_stamp_over_something_else_breaks_the_chain() -> None:
    octets = record([stamp(SIMPLE), stamp([[digest(b"another token"), digest(OTHER)]], time=LATER)])
    found, stamps = read(octets, archived(ONE))
    assert not holds(found, stamps)
    assert [one.intact for one in stamps[1].references] == [True, False]


@pytest.mark.parametrize("order", ["as they come", "sorted"])
def test_a_renewed_tree_is_over_the_data_and_all_chains_before(order: str) -> None:
    first = [stamp(SIMPLE)]
    pair = [digest(ONE, "sha512"), digest(sequence(first), "sha512")]
    joined = b"".join(pair if order != "sorted" else sorted(pair))
    renewed = digest(joined, "sha512")
    tree = [[renewed, digest(b"other data", "sha512")]]
    octets = record(first, [stamp(tree, name="sha512", time=LATER)])
    found, stamps = read(octets, archived(ONE))
    assert holds(found, stamps)
    without_tree = record(first, [stamp([], over=renewed, name="sha512", time=LATER)])
    assert holds(*read(without_tree, archived(ONE)))


def test_a_renewed_tree_over_other_data_breaks_the_record() -> None:
    first = [stamp(SIMPLE)]
    forged = digest(digest(TWO, "sha512") + digest(sequence(first), "sha512"), "sha512")
    octets = record(first, [stamp([[forged]], name="sha512", time=LATER)])
    found, stamps = read(octets, archived(ONE))
    assert not holds(found, stamps)


def test_both_kinds_of_renewal_after_each_other() -> None:
    first = stamp(SIMPLE)
    second = stamp([[digest(token_of(first))]], time=LATER)
    both = sequence([first, second])
    renewed = digest(digest(ONE, "sha512") + digest(both, "sha512"), "sha512")
    octets = record([first, second], [stamp([[renewed]], name="sha512", time=LAST)])
    found, stamps = read(octets, archived(ONE))
    assert holds(found, stamps)
    assert found.findings == ()


def test_time_stamps_out_of_order_are_a_finding() -> None:
    first = stamp(SIMPLE, time=LATER)
    octets = record([first, stamp([[digest(token_of(first))]])])
    found, _ = read(octets, archived(ONE))
    assert [one.code for one in found.findings] == ["evidence-record.order"]


def test_a_manifest_says_what_the_record_has_to_be_about() -> None:
    tree = [[digest(ONE), digest(TWO)]]

    def entry(name: str, content: bytes, algorithm: str = "sha256", *, intact: bool = True) -> Named:
        value = digest(content, algorithm)
        return Named(name=name, digest_algorithm=algorithm, digest=value, found=True, intact=intact)

    both = (archived(ONE), archived(TWO, "two"))
    octets = record([stamp(tree)])
    assert holds(*read(octets, *both, manifest=(entry("one", ONE), entry("two", TWO))))
    for wrong in (
        (entry("one", ONE), entry("three", b"a third")),
        (entry("one", ONE, "sha512"), entry("two", TWO)),
        (entry("one", ONE), entry("two", b"changed", intact=False)),
    ):
        assert not holds(*read(octets, *both, manifest=wrong))


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", "octets end"),
        (b"\x04\x01\x00", "begin with a SEQUENCE"),
        (record(), "no archive time-stamp"),
        (record([stamp(SIMPLE)], []), "no archive time-stamp"),
        (record([stamp(SIMPLE)], version=2), "version 2"),
        (record([stamp([[]], over=digest(ONE))]), "is empty"),
        (record([b"\x30\x00"]), "has no time-stamp"),
    ],
    ids=["empty", "no sequence", "no chain", "empty chain", "version", "empty list", "no token"],
)
def test_what_is_no_record_is_malformed(octets: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        read(octets, archived(ONE))


def test_more_time_stamps_than_the_limit_are_refused() -> None:
    with pytest.raises(Malformed, match="more than the 1 time-stamps"):
        read_evidence_record(
            record([stamp(SIMPLE)], [stamp(SIMPLE)]), Collector(), over=(), limits=Limits(time_stamps=1)
        )


VALID = record([stamp(SIMPLE), stamp([[digest(OTHER)]], time=LATER)], [stamp(SIMPLE)])


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
