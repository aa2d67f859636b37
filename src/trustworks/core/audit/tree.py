"""The Merkle tree in the database: leaves in `audit_log`, and tiles of 256 hashes above them.

A tile is written when it is full and never changes. What is not yet in a full tile is computed from the
rows below, 255 of them at most on each level, so that a proof in a log of any length reads a few rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from trustworks.core.audit import records
from trustworks.core.audit.merkle import fold, subtree_root
from trustworks.core.audit.reading import MOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from trustworks.core.audit.inserts import Plans

WIDTH = 256
_HEIGHT = 8


def full_tiles(size: int) -> list[int]:
    """How many full tiles a tree of `size` leaves has, on each level from the lowest."""
    found = []
    while size := size >> _HEIGHT:
        found.append(size)
    return found


class Tree:
    """The tree as one transaction sees it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tiles: dict[tuple[int, int], list[bytes]] = {}
        self._size: int | None = None

    def size(self) -> int:
        """How many leaves there are."""
        if self._size is None:
            last = self._connection.execute(select(func.max(records.log.c.position))).scalar_one()
            self._size = 0 if last is None else int(last) + 1
        return self._size

    def root(self, size: int) -> bytes:
        """The root over the first `size` leaves. Raises LookupError where there are not so many."""
        return subtree_root(self.node, 0, size)

    def node(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree. Raises LookupError for one that is not there."""
        height = level % _HEIGHT
        tile, first = divmod(index << height, WIDTH)
        hashes = self.tile(level // _HEIGHT, tile)[first : first + (1 << height)]
        if len(hashes) != 1 << height:
            raise LookupError(f"the log has no node {index} on level {level}")
        return fold(hashes)

    def tile(self, level: int, tile: int) -> list[bytes]:
        """The hashes of a tile, as many as there are yet. Raises LookupError where they are no hashes."""
        known = self._tiles.get((level, tile))
        if known is None:
            known = self._tiles[level, tile] = self._read(level, tile)
        return known

    def _read(self, level: int, tile: int) -> list[bytes]:
        t, log = records.tiles.c, records.log.c
        start, end = tile * WIDTH, (tile + 1) * WIDTH
        below = min(end, self.size() >> _HEIGHT * level)
        # A tile's row is believed when the tile is full: what is there before that nobody has written.
        if below == end:
            full = select(t.hashes).where(t.level == level, t.tile == tile)
            hashes = self._connection.execute(full).scalar_one_or_none()
            if type(hashes) is bytes and len(hashes) == 32 * WIDTH:
                return [hashes[i : i + 32] for i in range(0, len(hashes), 32)]
        query = (
            select(log.hash).where(log.position >= start, log.position < below).order_by(log.position)
            if level == 0
            else select(t.root).where(t.level == level - 1, t.tile >= start, t.tile < below).order_by(t.tile)
        )
        found = list(self._connection.scalars(query))
        if len(found) != max(0, below - start) or not all(
            type(one) is bytes and len(one) == 32 for one in found
        ):
            raise LookupError(f"the log has not all hashes of tile {tile} on level {level}")
        return found

    def append(self, plans: Plans, leaves: Sequence[tuple[str, int, bytes]]) -> int:
        """Add leaves (stream, sequence, hash) in this order; answer the tree's new size.

        Raises LookupError, and SQLAlchemy's IntegrityError, where the tree is not what was written.
        """
        size = self.size()
        if size + len(leaves) > MOST:
            raise LookupError(f"the log has its last leaf at {size - 1}, where nobody has written one")
        plan = plans.of(records.log, ("position", "stream", "sequence", "hash"))
        plan.insert(
            self._connection,
            [[size + n, stream, sequence, leaf] for n, (stream, sequence, leaf) in enumerate(leaves)],
        )
        full: list[list[Any]] = []
        level, begin, hashes = 0, size, [leaf for _, _, leaf in leaves]
        while hashes:
            tile, filled = divmod(begin, WIDTH)
            hashes = (self.tile(level, tile)[:filled] if filled else []) + hashes
            roots = []
            for start in range(0, len(hashes) - WIDTH + 1, WIDTH):
                part = hashes[start : start + WIDTH]
                roots.append(fold(part))
                full.append([level, tile + len(roots) - 1, roots[-1], b"".join(part)])
            level, begin, hashes = level + 1, tile, roots
        plans.of(records.tiles, ("level", "tile", "root", "hashes")).insert(self._connection, full)
        self._tiles.clear()
        self._size = size + len(leaves)
        return self._size
