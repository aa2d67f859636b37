"""Data put together out of parts, as the imprints of time-stamps are over; none is held twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trustworks.formats.data import PORTION, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.formats.data import Data


@dataclass(frozen=True, slots=True)
class Joined:
    """Octets and data objects, one after the other."""

    parts: tuple[bytes | Data, ...] = field(repr=False)
    name: str | None = None
    _digests: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Octets."""
        return sum(len(part) if isinstance(part, bytes) else part.size for part in self.parts)

    def portions(self) -> Iterator[bytes]:
        """The octets in portions. Raises `Rejected` where of a part only digests are known."""
        for part in self.parts:
            if isinstance(part, bytes):
                for place in range(0, len(part), PORTION):
                    yield part[place : place + PORTION]
            else:
                yield from part.portions()

    def octets(self) -> bytes:
        """The octets, all in memory."""
        return b"".join(self.portions())

    def digest(self, hash_name: str) -> bytes:
        """See `Data.digest`."""
        if hash_name not in self._digests:
            self._digests[hash_name] = digest_of(self, hash_name)
        return self._digests[hash_name]
