"""Signed data in large files: the structure is looked at where it lies, and the content is never held.

Beside `formats.data`, as only CMS holds gigabytes of content inside what must be parsed.
"""

from __future__ import annotations

import os
from array import array
from dataclasses import field
from typing import TYPE_CHECKING, Final, overload

from trustworks.core.der import ber
from trustworks.core.der.encode import OCTET_STRING
from trustworks.core.errors import Malformed
from trustworks.core.values import dataclass
from trustworks.formats.data import PORTION, Octets, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.formats.cms.structure import SignedData
    from trustworks.formats.data import Data

_BLOCK: Final = 64 * 1024
_CONSTRUCTED: Final = 0x20


class Window:
    """The octets of a file by their places, read in blocks as they are asked for; for `ber.Source`."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)
        self._size = os.fstat(self._descriptor).st_size
        self._begin = 0
        self._block = b""

    def __del__(self) -> None:
        os.close(self._descriptor)

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, key: int) -> int: ...

    @overload
    def __getitem__(self, key: slice) -> bytes: ...

    def __getitem__(self, key: int | slice) -> int | bytes:
        if isinstance(key, slice):
            begin, end, _ = key.indices(self._size)
            return self._octets(begin, end)
        place = key - self._begin
        if not 0 <= place < len(self._block):
            self._begin, self._block = key, os.pread(self._descriptor, _BLOCK, key)
            place = 0
        return self._block[place]

    def _octets(self, begin: int, end: int) -> bytes:
        place = begin - self._begin
        if place >= 0 and end - self._begin <= len(self._block):
            return self._block[place : end - self._begin]
        parts = []
        while begin < end and (part := os.pread(self._descriptor, min(end - begin, PORTION), begin)):
            parts.append(part)
            begin += len(part)
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Region:
    """Data in a file, in one piece or in many: `places` are begin and end of each, one after the other."""

    path: Path
    places: array[int] = field(repr=False)
    name: str | None = None
    _digests: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Octets."""
        return sum(self.places[1::2]) - sum(self.places[::2])

    def portions(self) -> Iterator[bytes]:
        """The octets in portions."""
        places = self.places
        at, block = 0, b""
        with self.path.open("rb", buffering=0) as stream:
            for number in range(0, len(places), 2):
                begin, end = places[number], places[number + 1]
                while begin < end:
                    if not at <= begin < at + len(block):
                        stream.seek(begin)
                        at, block = begin, stream.read(PORTION)
                        if not block:
                            return
                    portion = block[begin - at : end - at]
                    begin += len(portion)
                    yield portion

    def octets(self) -> bytes:
        """The octets, all in memory."""
        return b"".join(self.portions())

    def digest(self, hash_name: str) -> bytes:
        """See `Data.digest`."""
        if hash_name not in self._digests:
            self._digests[hash_name] = digest_of(self, hash_name)
        return self._digests[hash_name]


def content_of(data: SignedData, path: Path | None) -> Data:
    """The content that a structure holds; where it is large and lies in a file, it stays there.

    Raises `Malformed`.
    """
    content = data.content
    if content is None:
        raise Malformed("The structure holds no content.")
    if path is None or content.after - content.start <= _BLOCK:
        return Octets(data.content_octets() or b"")
    if content.tag & ~_CONSTRUCTED == OCTET_STRING:
        return string_region(path, content)
    return Region(path, array("Q", (content.content, content.end)))


def string_region(path: Path, element: ber.Element, name: str | None = None) -> Region:
    """The octets of a string that may be in parts, where they lie in a file. Raises `Malformed`."""
    places = array("Q")
    for begin, end in ber.leaves(element):
        places.append(begin)
        places.append(end)
    return Region(path, places, name)


def whole_region(path: Path, element: ber.Element, name: str | None = None) -> Region:
    """An element with its tag and length, where it lies in a file."""
    return Region(path, array("Q", (element.start, element.after)), name)
