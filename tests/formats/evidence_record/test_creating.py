"""Evidence records made and renewed, read back by our own reader; and the hash trees behind them."""

from __future__ import annotations

import hashlib
from typing import Any, get_args

import pytest
from evidence_records import AUTHORITY, XmlRecord, digest, record, stamp, token_over
from evidence_records import root as root_again
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.errors import Malformed, Rejected
from trustworks.formats.collector import Collector
from trustworks.formats.data import Octets
from trustworks.formats.evidence_record import Archived, read_chains, read_evidence_record
from trustworks.formats.evidence_record.creating import (
    Form,
    Prepared,
    prepare_first,
    prepare_hash_tree_renewal,
    prepare_time_stamp_renewal,
)
from trustworks.formats.evidence_record.hash_tree import HashTree, node, reduced, root_of
from trustworks.formats.limits import DEFAULT

FORMS = get_args(Form)
ONE, TWO = b"one object", b"a second object"
TIMES = (b"20260504030201Z", b"20270504030201Z", b"20280504030201Z", b"20290504030201Z")


def token_for(tree: HashTree, time: bytes = TIMES[0]) -> bytes:
    return token_over(tree.root, tree.hash_name, time)


def stamped(prepared: Prepared, time: bytes = TIMES[0], others: int = 0) -> bytes:
    """A record completed in a tree with other leaves."""
    more = [digest(b"%d" % one, prepared.hash_name) for one in range(others)]
    tree = HashTree.over([prepared.leaf, *more], prepared.hash_name)
    return Prepared.decode(prepared.encode()).complete(tree.siblings(0), token_for(tree, time))


def is_whole(octets: bytes, *objects: bytes) -> bool:
    """Whether our reader finds the record to be about all objects, every link and every time-stamp intact."""
    collector = Collector()
    over = [
        Archived(data=Octets(one), name=str(number), covers=frozenset({str(number)}), required=True)
        for number, one in enumerate(objects)
    ]
    found = read_evidence_record(octets, collector, over=over, limits=DEFAULT)
    stamps = collector.evidence().time_stamps
    references = [*found.references, *(one for each in stamps for one in each.references)]
    return (
        all(one.intact for one in references)
        and not found.findings
        and found.covers == {str(number) for number in range(len(objects))}
    )


def digests_of(objects: tuple[bytes, ...], name: str = "sha256") -> list[bytes]:
    return [digest(one, name) for one in objects]


# --- trees --------------------------------------------------------------------------------------------------

leaves = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


@given(leaves, st.data())
@pytest.mark.req("RFC4998:4.2-ORDER")
def test_every_leaf_leads_to_the_root(given_leaves: list[bytes], data: Any) -> None:
    tree = HashTree.over(given_leaves, "sha256")
    index = data.draw(st.integers(0, len(given_leaves) - 1))
    lists = [[given_leaves[index]], *([one] for one in tree.siblings(index))]
    assert len(tree) == len(given_leaves)
    assert root_of(lists, "sha256") == tree.root
    assert root_again(lists) == tree.root
    assert len(tree.siblings(index)) <= max(len(given_leaves) - 1, 0).bit_length()
    others = [one for one in given_leaves if one != given_leaves[index]]
    for other in others[:1]:
        assert root_of([[other], *lists[1:]], "sha256") != tree.root or other in tree.siblings(index)


@pytest.mark.req("RFC4998:4.2-ORDER")
def test_a_node_is_over_its_digests_in_ascending_order() -> None:
    low, high = b"\x01" * 32, b"\xfe" * 32
    assert node([high, low], "sha256") == hashlib.sha256(low + high).digest()
    assert node([high], "sha256") == high
    assert HashTree.over([high, low], "sha256").root == HashTree.over([low, high], "sha256").root


def test_a_tree_of_known_shape() -> None:
    """Five leaves: the last one goes up alone, and is a neighbour at the top."""
    a, b, c, d, e = (digest(b"%d" % one) for one in range(5))
    tree = HashTree.over([a, b, c, d, e], "sha256")
    first, second = node([a, b], "sha256"), node([c, d], "sha256")
    both = node([first, second], "sha256")
    assert tree.root == node([both, e], "sha256")
    assert tree.siblings(2) == (d, first, e)
    assert tree.siblings(4) == (both,)
    assert reduced([c], tree.siblings(2)) == ((c,), (d,), (first,), (e,))


def test_what_is_no_tree() -> None:
    with pytest.raises(Rejected, match="at least one"):
        HashTree.over([], "sha256")
    with pytest.raises(Rejected, match="cannot be computed"):
        HashTree.over([b"1"], "crc32")
    tree = HashTree.over([digest(ONE)], "sha256")
    for index in (-1, 1):
        with pytest.raises(IndexError):
            tree.siblings(index)


@pytest.mark.req("RFC4998:4.2-SAME-HASH")
def test_digests_of_another_hash_function_are_refused() -> None:
    other = digest(ONE, "sha512")
    for attempt in (
        lambda: HashTree.over([digest(ONE), other], "sha256"),
        lambda: prepare_first("asn1", [other], "sha256"),
        lambda: prepare_first("asn1", [digest(ONE)], "sha256").complete([other], b""),
        lambda: prepare_hash_tree_renewal(
            stamped(prepare_first("xml", [digest(ONE)], "sha256")), [digest(ONE)], "sha512"
        ),
    ):
        with pytest.raises(Rejected, match="one hash function") as caught:
            attempt()
        assert caught.value.code == "evidence-record.digest"


# --- records ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("others", [0, 1, 2, 6])
@pytest.mark.parametrize("objects", [(ONE,), (TWO, ONE), (ONE, ONE, TWO)])
def test_a_first_record(form: Form, others: int, objects: tuple[bytes, ...]) -> None:
    octets = stamped(prepare_first(form, digests_of(objects), "sha256"), others=others)
    distinct = tuple(dict.fromkeys(objects))
    assert is_whole(octets, *distinct)
    assert not is_whole(octets, *distinct, b"another")
    assert not is_whole(octets, *distinct[:-1], b"changed")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("objects", [(ONE,), (TWO, ONE)])
@pytest.mark.parametrize("others", [0, 3])
def test_renewals_in_turn(form: Form, objects: tuple[bytes, ...], others: int) -> None:
    """A time-stamp renewal, a hash-tree renewal, one of its time-stamp, and another of the hash tree."""
    octets = stamped(prepare_first(form, digests_of(objects), "sha256"), TIMES[0], others)
    octets = stamped(prepare_time_stamp_renewal(octets), TIMES[1], others)
    assert is_whole(octets, *objects)
    renewed = prepare_hash_tree_renewal(octets, digests_of(objects, "sha512"), "sha512")
    octets = stamped(renewed, TIMES[2], others)
    assert is_whole(octets, *objects)
    octets = stamped(prepare_time_stamp_renewal(octets), TIMES[2], others)
    renewed = prepare_hash_tree_renewal(octets, digests_of(objects, "sha3_256"), "sha3_256")
    octets = stamped(renewed, TIMES[3], others)
    assert is_whole(octets, *objects)
    assert [len(chain.stamps) for chain in read_chains(octets, DEFAULT)] == [2, 2, 1]
    assert not is_whole(octets, *objects[:-1], b"changed")


def test_renewals_of_many_records_by_one_time_stamp() -> None:
    objects = [b"%d" % one for one in range(9)]
    first = [
        prepare_first("xml" if one % 2 else "asn1", [digest(objects[one])], "sha256") for one in range(9)
    ]
    tree = HashTree.over((one.leaf for one in first), "sha256")
    token = token_for(tree)
    records = [one.complete(tree.siblings(at), token) for at, one in enumerate(first)]
    renewals = [prepare_time_stamp_renewal(one) for one in records]
    tree = HashTree.over((one.leaf for one in renewals), "sha256")
    token = token_for(tree, TIMES[1])
    for at, one in enumerate(renewals):
        assert is_whole(one.complete(tree.siblings(at), token), objects[at])


@pytest.mark.parametrize("foreign", ["asn1", "xml"])
def test_records_of_others_are_renewed_and_keep_their_octets(foreign: str) -> None:
    if foreign == "asn1":
        before = record([stamp([[digest(ONE)], [digest(b"x")]])])
    else:
        made = XmlRecord()
        made.chain()
        made.stamp([[digest(ONE)], [digest(b"x")]])
        before = made.octets.replace(b"><", b">\n  <")
    octets = stamped(prepare_time_stamp_renewal(before), TIMES[1], 2)
    assert is_whole(octets, ONE)
    octets = stamped(prepare_hash_tree_renewal(octets, [digest(ONE, "sha512")], "sha512"), TIMES[2])
    assert is_whole(octets, ONE)
    first = read_chains(before, DEFAULT)[0].stamps[0]
    assert read_chains(octets, DEFAULT)[0].stamps[0] == first


def test_validation_data_stands_beside_the_token_in_xml() -> None:
    prepared = prepare_first("xml", [digest(ONE)], "sha256")
    token = token_over(digest(ONE))
    octets = prepared.complete(
        (), token, certificates=[AUTHORITY.ca], revocation_lists=[b"\x30\x00"], ocsp_answers=[b"\x30\x01\x00"]
    )
    found = read_chains(octets, DEFAULT)[0].stamps[0]
    assert (found.certificates, found.revocation_lists, found.ocsp_answers) == (
        (AUTHORITY.ca,),
        (b"\x30\x00",),
        (b"\x30\x01\x00",),
    )
    assert is_whole(stamped(prepare_time_stamp_renewal(octets), TIMES[1]), ONE)
    with pytest.raises(Rejected, match="no place"):
        prepare_first("asn1", [digest(ONE)], "sha256").complete((), token, certificates=[AUTHORITY.ca])


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.req("RFC4998:4.3-ROOT")
def test_a_time_stamp_over_something_else_is_refused(form: Form) -> None:
    prepared = prepare_first(form, [digest(ONE)], "sha256")
    for token in (token_over(digest(TWO)), token_over(digest(ONE, "sha512"), "sha512")):
        with pytest.raises(Rejected, match="not over the sha256 root") as caught:
            prepared.complete((), token)
        assert caught.value.code == "evidence-record.imprint"
    with pytest.raises(Rejected, match="not over the sha256 root"):
        prepared.complete([digest(TWO)], token_over(digest(ONE)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.req("RFC4998:5.3-ORDER")
def test_a_renewal_that_is_older_is_refused(form: Form) -> None:
    octets = stamped(prepare_first(form, [digest(ONE)], "sha256"), TIMES[1])
    with pytest.raises(Rejected, match="is older than") as caught:
        stamped(prepare_time_stamp_renewal(octets), TIMES[0])
    assert caught.value.code == "evidence-record.order"


def test_a_token_that_is_none_is_malformed() -> None:
    with pytest.raises(Malformed):
        prepare_first("asn1", [digest(ONE)], "sha256").complete((), b"\x30\x00")


@pytest.mark.parametrize("octets", [b"", b"\x30\x00", b"<a/>", b"text"])
def test_what_is_no_record_is_not_renewed(octets: bytes) -> None:
    with pytest.raises(Malformed):
        prepare_time_stamp_renewal(octets)
    with pytest.raises(Malformed):
        prepare_hash_tree_renewal(octets, [digest(ONE)], "sha256")


def test_weak_and_missing_digests_are_refused() -> None:
    with pytest.raises(Rejected, match="Renew the hash tree"):
        prepare_first("asn1", [hashlib.sha1(ONE, usedforsecurity=False).digest()], "sha1")
    with pytest.raises(Rejected, match="at least one data object"):
        prepare_first("asn1", [], "sha256")
    octets = stamped(prepare_first("asn1", [digest(ONE)], "sha256"))
    for digests in ([], digests_of((ONE, TWO), "sha512")):
        with pytest.raises(Rejected, match="about 1 data objects") as caught:
            prepare_hash_tree_renewal(octets, digests, "sha512")
        assert caught.value.code == "evidence-record.objects"


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"asn1"', b'"jpeg"'), (b'"first"', b'"last"'), (b'"group":[', b'"group":[1,'), (b"{", b"[")],
)
def test_what_was_not_prepared_is_not_completed(old: bytes, new: bytes) -> None:
    octets = prepare_first("asn1", [digest(ONE)], "sha256").encode()
    assert old in octets
    with pytest.raises(Malformed):
        Prepared.decode(octets.replace(old, new, 1))
