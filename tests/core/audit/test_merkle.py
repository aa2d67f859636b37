"""The Merkle tree against RFC 9162's own recursive definitions."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.audit.merkle import (
    EMPTY_ROOT,
    Growing,
    consistency_path,
    continues,
    includes,
    inclusion_path,
    leaf_hash,
    root_of,
    subtree_root,
)

if TYPE_CHECKING:
    from trustworks.core.audit.merkle import Nodes


def largest_power(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(data: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1."""
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\0" + data[0]).digest()
    k = largest_power(len(data))
    return sha256(b"\1" + mth(data[:k]) + mth(data[k:])).digest()


def path(m: int, data: list[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1."""
    if len(data) == 1:
        return []
    k = largest_power(len(data))
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: list[bytes], *, known: bool) -> list[bytes]:
    """RFC 9162, 2.1.4.1."""
    if m == len(data):
        return [] if known else [mth(data)]
    k = largest_power(len(data))
    if m <= k:
        return [*subproof(m, data[:k], known=known), mth(data[k:])]
    return [*subproof(m - k, data[k:], known=False), mth(data[:k])]


def nodes_of(data: list[bytes]) -> Nodes:
    return lambda level, index: mth(data[index << level : (index + 1) << level])


leaves = st.integers(1, 70).map(lambda n: [bytes([i]) for i in range(n)])


def test_the_empty_tree() -> None:
    assert root_of([]) == EMPTY_ROOT == mth([])
    assert subtree_root(nodes_of([]), 0, 0) == EMPTY_ROOT


@given(leaves)
def test_roots(data: list[bytes]) -> None:
    assert root_of(map(leaf_hash, data)) == mth(data) == subtree_root(nodes_of(data), 0, len(data))


def test_a_growing_tree_has_every_root() -> None:
    tree = Growing()
    for size in range(300):
        assert tree.size == size
        assert tree.root() == mth([bytes([i % 256]) for i in range(size)])
        tree.append(leaf_hash(bytes([size % 256])))


@pytest.mark.req("TRUSTWORKS:AUDIT-06")
@given(leaves, st.data())
def test_inclusion(data: list[bytes], draw: st.DataObject) -> None:
    index = draw.draw(st.integers(0, len(data) - 1))
    proof = inclusion_path(nodes_of(data), index, len(data))
    assert proof == path(index, data)
    root, leaf = mth(data), leaf_hash(data[index])
    assert includes(root, len(data), index, leaf, proof)
    # Nothing else is proven by it.
    other = draw.draw(st.integers(-2, len(data) + 2))
    assert includes(root, len(data), other, leaf, proof) == (other == index)
    assert not includes(root, len(data), index, leaf_hash(b"other"), proof)
    assert not includes(leaf_hash(b""), len(data), index, leaf, proof)
    assert not includes(root, len(data), index, leaf, [*proof, root])
    for cut in range(len(proof)):
        assert not includes(root, len(data), index, leaf, proof[:cut])
        changed = [*proof[:cut], leaf_hash(b"other"), *proof[cut + 1 :]]
        assert not includes(root, len(data), index, leaf, changed)


@pytest.mark.req("TRUSTWORKS:AUDIT-07")
@given(leaves, st.data())
def test_consistency(data: list[bytes], draw: st.DataObject) -> None:
    size = len(data)
    first = draw.draw(st.integers(1, size))
    proof = consistency_path(nodes_of(data), first, size)
    assert proof == subproof(first, data, known=True)
    before, after = mth(data[:first]), mth(data)
    assert continues(first, before, size, after, proof)
    other = leaf_hash(b"other")
    assert not continues(first, other, size, after, proof)
    assert not continues(first, before, size, other, proof)
    assert not continues(first, before, size, after, [*proof, other])
    assert not continues(size + 1, before, size, after, proof)
    assert not continues(0, before, size, after, proof)
    for cut in range(len(proof)):
        assert not continues(first, before, size, after, proof[:cut])
        assert not continues(first, before, size, after, [*proof[:cut], other, *proof[cut + 1 :]])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_path(nodes_of([b""] * size), index, size)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3)])
def test_no_consistency_with_what_does_not_come_before(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="does not continue"):
        consistency_path(nodes_of([b""] * second), first, second)
