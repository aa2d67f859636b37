"""The Merkle tree, without any storage: hashes, proofs, and their verification. Source: RFC 9162, 2.1."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    # The hash of the complete subtree with 2^level leaves, the index-th of its level.
    Nodes = Callable[[int, int], bytes]

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf. Source: RFC 9162, 2.1.1."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node. Source: RFC 9162, 2.1.1."""
    return sha256(b"\1" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over as many hashes as a power of two."""
    level = list(hashes)
    while len(level) > 1:
        level = [sha256(b"\1" + level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)]
    return level[0]


class Growing:
    """A tree that grows leaf by leaf and remembers only its right edge: some 64 hashes at most."""

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[bytes] = []  # roots of the complete subtrees, largest first

    def append(self, leaf: bytes) -> None:
        """Add the hash of one more leaf."""
        edge = self._edge
        size = self.size
        while size & 1:
            leaf = sha256(b"\1" + edge.pop() + leaf).digest()
            size >>= 1
        edge.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._edge:
            return EMPTY_ROOT
        root = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            root = node_hash(left, root)
        return root


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def subtree_root(nodes: Nodes, start: int, end: int) -> bytes:
    """The root over the leaves from `start` to before `end`; `start` is where RFC 9162 cuts a tree."""
    size = end - start
    if size == 0:
        return EMPTY_ROOT
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return nodes(level, start >> level)
    middle = start + _split(size)
    return node_hash(subtree_root(nodes, start, middle), subtree_root(nodes, middle, end))


def inclusion_path(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """The proof that leaf `index` is in the tree of `size` leaves. Source: RFC 9162, 2.1.3.1."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(subtree_root(nodes, middle, end))
            end = middle
        else:
            path.append(subtree_root(nodes, start, middle))
            start = middle
    return path[::-1]


def consistency_path(nodes: Nodes, first: int, second: int) -> list[bytes]:
    """The proof that the tree of `second` leaves continues the one of `first`. Source: RFC 9162, 2.1.4.1."""
    if not 0 < first <= second:
        raise ValueError(f"a tree of {second} leaves does not continue one of {first}")
    path: list[bytes] = []
    start, end = 0, second
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(subtree_root(nodes, middle, end))
            end = middle
        else:
            path.append(subtree_root(nodes, start, middle))
            start = middle
    if start > 0:
        path.append(subtree_root(nodes, start, end))
    return path[::-1]


@implements("TRUSTWORKS:AUDIT-06", disabled=True)
def includes(root: bytes, size: int, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` proves that the hash `leaf` is the tree's index-th. Source: RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    number, last = index, size - 1
    value = leaf
    for step in path:
        if last == 0:
            return False
        if number & 1 or number == last:
            value = node_hash(step, value)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            value = node_hash(value, step)
        number >>= 1
        last >>= 1
    return last == 0 and value == root


@implements("TRUSTWORKS:AUDIT-07", disabled=True)
def continues(
    first_size: int, first_root: bytes, second_size: int, second_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether `path` proves that the second tree only adds to the first. Source: RFC 9162, 2.1.4.2."""
    if not 0 < first_size <= second_size:
        return False
    if first_size == second_size:
        return not path and first_root == second_root
    steps = list(path)
    if first_size & (first_size - 1) == 0:
        steps.insert(0, first_root)
    if not steps:
        return False
    number, last = first_size - 1, second_size - 1
    while number & 1:
        number >>= 1
        last >>= 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            first = node_hash(step, first)
            second = node_hash(step, second)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            second = node_hash(second, step)
        number >>= 1
        last >>= 1
    return last == 0 and first == first_root and second == second_root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    tree = Growing()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()
