"""Hash trees: one time-stamp over many data objects, and what proves of each that it is among them.

Pure: digests in, digests out. A tree is binary, which makes the shortest proofs; the value of a node is the
digest of the two below it in ascending order of their octets, one behind the other, and a node without a
neighbour goes up as it is. Source: RFC 4998, 4.2 and 4.3; RFC 6283, 3.2.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.data import hasher

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Reduced = "tuple[tuple[bytes, ...], ...]"
"""A reduced hash tree: the lists of digests from a data object up to the root."""


def root_of(tree: Sequence[Sequence[bytes]], hash_name: str) -> bytes:
    """The root of a reduced hash tree: each list with the value of the one before it, sorted and digested.

    A list that has one digest, with that value, is that digest itself.
    """
    value = b""
    for number, group in enumerate(tree):
        value = node([*group, value] if number else group, hash_name)
    return value


def _joined(members: Iterable[bytes], hash_name: str) -> bytes:
    running = hasher(hash_name)
    running.update(b"".join(members))
    return running.digest()


@implements("RFC4998:4.2-ORDER", disabled=_joined)
def node(members: Sequence[bytes], hash_name: str) -> bytes:
    """The value over some digests: of several the digest of all in ascending order, of one that one."""
    return members[0] if len(members) == 1 else _joined(sorted(members), hash_name)


@implements("RFC4998:4.2-SAME-HASH")
def one_hash(digests: Iterable[bytes], hash_name: str) -> None:
    """Refuses a digest that has not the length of the tree's hash function: it is of another one."""
    size = hasher(hash_name).digest_size
    for digest in digests:
        if len(digest) != size:
            raise Rejected(
                "evidence-record.digest",
                f"A digest of {len(digest)} octets is none by {hash_name}, which has {size}. All digests of "
                "a hash tree are by one hash function.",
            )


@dataclass(frozen=True, slots=True)
class HashTree:
    """A tree over leaves, which are digests of data objects or values of data groups (see `node`).

    `levels` are its values from the leaves up to the root, each level one run of octets: about two digests
    for each leaf are kept, and nothing else.
    """

    hash_name: str
    size: int
    levels: tuple[bytes, ...] = field(repr=False)

    @staticmethod
    def over(leaves: Iterable[bytes], hash_name: str) -> HashTree:
        """A tree over leaves in their order, which is that of `siblings`. Equal leaves are no error.

        Raises:
            Rejected: ``evidence-record.digest``: a leaf is no digest by that hash function;
                ``evidence-record.empty``: there is none; ``digest.unknown``.
        """
        size = hasher(hash_name).digest_size
        level = bytearray()
        for leaf in leaves:
            if len(leaf) != size:
                one_hash([leaf], hash_name)
            level += leaf
        if not level:
            raise Rejected("evidence-record.empty", "A hash tree needs at least one data object.")
        levels = [bytes(level)]
        while len(levels[-1]) > size:
            levels.append(_above(levels[-1], size, hash_name))
        return HashTree(hash_name, size, tuple(levels))

    def __len__(self) -> int:
        """Leaves."""
        return len(self.levels[0]) // self.size

    @property
    def root(self) -> bytes:
        """What is time-stamped."""
        return self.levels[-1]

    def siblings(self, index: int) -> tuple[bytes, ...]:
        """The neighbours of a leaf and of the nodes above it, from below: what leads from it to the root.

        Raises:
            IndexError: there is no such leaf.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"The tree has {len(self)} leaves, and none with the index {index}.")
        found = []
        for level in self.levels[:-1]:
            begin = (index ^ 1) * self.size
            if begin < len(level):
                found.append(level[begin : begin + self.size])
            index >>= 1
        return tuple(found)


def _above(level: bytes, size: int, hash_name: str) -> bytes:
    """The level above one: a value for each two, and the last one as it is where it is alone."""
    above = bytearray()
    for begin in range(0, len(level), 2 * size):
        pair = [level[begin : begin + size], level[begin + size : begin + 2 * size]]
        above += node(pair if pair[1] else pair[:1], hash_name)
    return bytes(above)


def reduced(group: Sequence[bytes], siblings: Sequence[bytes]) -> tuple[tuple[bytes, ...], ...]:
    """The reduced hash tree of a data object or group: its digests alone in the first list.

    Empty where the time-stamp is over one digest, which is then not written (RFC 4998, 4.1).
    """
    if len(group) == 1 and not siblings:
        return ()
    return (tuple(sorted(group)), *((one,) for one in siblings))
