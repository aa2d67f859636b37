"""Signed data in large files: the structure is looked at where it lies, and the content is never held.

Beside `formats.data`, as only CMS holds gigabytes of content inside what must be parsed.
"""

from __future__ import annotations

import os
from array import array
from dataclasses import field
from typing import TYPE_CHECKING, Final, overload

from trustworks.core.der import ber
from trustworks.core.der.encode import OBJECT_IDENTIFIER, OCTET_STRING
from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.values import dataclass
from trustworks.formats.cms.splicing import Replacement, around, spliced
from trustworks.formats.cms.structure import read_signed_data
from trustworks.formats.data import PORTION, Joined, Octets, Stored, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.formats.cms.structure import SignedData
    from trustworks.formats.data import Data
    from trustworks.formats.limits import Limits

LARGE: Final = 8 * 1024 * 1024
"""Octets beyond which a file is looked at where it lies."""
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


@dataclass(frozen=True, slots=True)
class Apart:
    """Large signed data in a file, without its content, which stays in the file.

    `structure` is the same structure as if the content were elsewhere; `content` what is signed; `held` the
    element that holds it, and `rest` what the file has after the structure.
    """

    structure: bytes = field(repr=False)
    content: Data
    held: Region
    rest: Region

    def filled(self, structure: bytes, name: str | None) -> Data:
        """A structure that was made of `structure`, with the content in it. Never held in memory."""
        data = read_signed_data(structure)
        nested = [data.content_info, data.encapsulated]
        if (parts := data.content_info.children())[0].tag == OBJECT_IDENTIFIER:
            nested[1:1] = [parts[1], parts[1].children()[0]]
        before, behind = around(nested, self.held.size)
        return Joined((Octets(before), self.held, Octets(behind), self.rest), name)


def apart(data: Data, limits: Limits) -> Apart | None:
    """Large signed data without its content; None: the content is elsewhere, or it is no large file.

    Raises `Malformed`.
    """
    if not isinstance(data, Stored) or data.size <= LARGE or next(data.portions())[:1] != b"0":
        return None
    window = Window(data.path)
    signed = read_signed_data(window, limits)
    if signed.content is None:
        return None
    held = signed.encapsulated.children()[1]
    size = len(window) - (held.after - held.start)
    if size > limits.parsed:
        raise BeyondLimit(
            f"{data.name or 'The file'} has {size} octets beside its content; {limits.parsed} are read at "
            "most.",
            "parsed",
        )
    return Apart(
        structure=spliced(signed.content_info, [Replacement(held, b"")]),
        content=content_of(signed, data.path),
        held=whole_region(data.path, held),
        rest=Region(data.path, array("Q", (signed.content_info.after, len(window)))),
    )


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
