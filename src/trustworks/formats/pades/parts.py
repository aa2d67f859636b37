"""Parts of a file as data objects: what a byte range names, and the file as it was at a revision."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from trustworks.core.values import dataclass
from trustworks.formats.data import PORTION, Mapped, digest_of, give_back, hasher

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Ranges of a file's octets (begin and end of each) one after the other, as one data object.

    `missing` octets that the last range names are not in the file: zeros stand for them, so that a digest
    over them is never that of the octets that are there.
    """

    content: bytes | Mapped = field(repr=False)
    ranges: tuple[tuple[int, int], ...]
    name: str | None = None
    missing: int = 0
    _digests: dict[str, bytes] = field(default_factory=dict, init=False, repr=False)

    @property
    def _filled(self) -> int:
        """Zeros at the end; more than a portion of them tells nothing more."""
        return min(self.missing, PORTION)

    @property
    def size(self) -> int:
        """Octets."""
        return sum(end - begin for begin, end in self.ranges) + self._filled

    def portions(self) -> Iterator[bytes]:
        """The octets in portions."""
        for begin, end in self.ranges:
            for start in range(begin, end, PORTION):
                yield self.content[start : min(start + PORTION, end)]
                give_back(self.content, start, min(start + PORTION, end))
        if self.missing:
            yield bytes(self._filled)

    def octets(self) -> bytes:
        """The octets."""
        return b"".join(self.portions())

    def digest(self, hash_name: str) -> bytes:
        """See `Data.digest`."""
        if hash_name not in self._digests:
            self._digests[hash_name] = self._digest(hash_name)
        return self._digests[hash_name]

    def _digest(self, hash_name: str) -> bytes:
        if isinstance(self.content, Mapped):
            return digest_of(self, hash_name)
        running: hashlib._Hash = hasher(hash_name)
        whole = memoryview(self.content)
        for begin, end in self.ranges:
            running.update(whole[begin:end])
        running.update(bytes(self._filled))
        return running.digest()
