"""A PDF as it was after one of its updates: the file cut off, read from its last ``startxref``."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.pades.filters import unpack
from trustworks.formats.pades.sections import FREE, Place, Section
from trustworks.formats.pades.syntax import Ref, Stream, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustworks.formats.pades.document import Document, Indirect
    from trustworks.formats.pades.syntax import Object

_FEW: Final = 12
"""Sections that are looked through for each object; of more, all places are put together once."""
_CHAIN: Final = 32
"""References that lead to references, followed at most so far."""


class View:
    """The objects of the file's first `end` octets. `rebuilt`: its sections were damaged, it was searched."""

    def __init__(self, document: Document, end: int, sections: tuple[Section, ...] | None = None) -> None:
        self.document = document
        self.end = end
        self.rebuilt = False
        self.misplaced: set[int] = set()
        self._reading: set[int] = set()
        chain, whole = self._chain() if sections is None else (sections, True)
        if not whole or not any("Root" in section.trailer for section in chain):
            # What a broken chain has lost is looked for in the file, and counts after what it still says.
            self.rebuilt = True
            chain = (*chain, _searched(document, end))
            if not any("Root" in section.trailer for section in chain):
                raise Malformed(
                    "The PDF cannot be read: its cross-reference sections are damaged and no catalogue was "
                    "found in it. Ask for the file again."
                )
        self.sections: tuple[Section, ...] = chain

    def _chain(self) -> tuple[tuple[Section, ...], bool]:
        """Sections from the newest to the oldest by Prev, each once; whether none is missing."""
        found: dict[int, Section] = {}
        start = self.document.last_start(self.end)
        while start is not None and start not in found:
            section = self.document.section(start)
            if section is None or section.begin >= self.end:
                return tuple(found.values()), False
            found[start] = section
            if len(found) > self.document.limits.members:
                raise BeyondLimit(
                    f"The PDF has more than {self.document.limits.members} cross-reference sections.",
                    "members",
                )
            before = section.trailer.get("Prev")
            if before is None:
                return tuple(found.values()), True
            start = int(before) if isinstance(before, int | float) and 0 < before < self.end else None
        return tuple(found.values()), False

    def earlier(self, held: Callable[[View], set[int]]) -> Iterator[View]:
        """The document before each update that replaced what `held` names, the newest first.

        `held` names the objects of a view that are looked at. At most as many views come as there may be
        signatures.
        """
        if self.rebuilt:
            return
        numbers = held(self)
        left = self.document.limits.signatures
        for first in range(1, len(self.sections)):
            if not any(self.sections[first - 1].find(number) is not None for number in numbers):
                continue
            older = self.sections[first:]
            self.document.work(len(older))
            if left == 0 or not any("Root" in section.trailer for section in older):
                return
            left -= 1
            view = type(self)(self.document, self.end, older)
            numbers |= held(view)
            yield view

    @cached_property
    def trailer(self) -> dict[str, Object]:
        """The newest trailer that names a Root."""
        for section in self.sections:
            if "Root" in section.trailer:
                return section.trailer
        return {}

    @cached_property
    def root(self) -> dict[str, Object]:
        """The catalogue, empty where there is none."""
        found = self.get(self.trailer.get("Root"))
        return found if isinstance(found, dict) else {}

    def place(self, number: int) -> Place | None:
        """Where an object is by the newest section that says something of it; None: not there, or free."""
        if len(self.sections) > _FEW:
            return self._places.get(number)
        for section in self.sections:
            found = section.find(number)
            if found is not None:
                return None if found == FREE else found
        return None

    @cached_property
    def _places(self) -> dict[int, Place]:
        """The places of all objects, for documents with many updates."""
        places: dict[int, Place] = {}
        for section in reversed(self.sections):
            for number in section.numbers():
                self.document.work()
                found = section.find(number)
                if found is not None:
                    places[number] = found
        return {number: place for number, place in places.items() if place != FREE}

    def get(self, value: Object) -> Object:
        """What a value is, references followed. What is not there is null."""
        for _ in range(_CHAIN):
            if not isinstance(value, Ref):
                return value
            value = self.load(value.number)
        return None

    def entries(self, value: Object) -> dict[str, Object]:
        """The dictionary that a value is, or that of a stream; empty for anything else."""
        found = self.get(value)
        if isinstance(found, Stream):
            return found.entries
        return found if isinstance(found, dict) else {}

    def items(self, value: Object) -> list[Object]:
        """The array that a value is; empty for anything else."""
        found = self.get(value)
        return found if isinstance(found, list) else []

    def load(self, number: int) -> Object:
        """The indirect object of a number."""
        place = self.place(number)
        if place is None:
            return None
        if place.stream is None:
            found = self.indirect(number)
            return None if found is None else found.value
        return self._member(number, place)

    def indirect(self, number: int) -> Indirect | None:
        """The object of a number where it stands in the file by itself, and not in an object stream."""
        place = self.place(number)
        if place is None or place.stream is not None:
            return None
        header = self.document.header
        for offset in (place.at, place.at + header) if header else (place.at,):
            if offset < self.end:
                found = self.document.object_at(offset)
                if found is not None and found.number == number:
                    return found
        # The section points elsewhere: the object is looked for, as other readers do, and that is told.
        self.misplaced.add(number)
        elsewhere = self.document.everywhere(self.end).get(number)
        return None if elsewhere is None else self.document.object_at(elsewhere)

    def _member(self, number: int, place: Place) -> Object:
        assert place.stream is not None  # noqa: S101 - by the caller
        if place.stream in self._reading:
            return None
        holder = self.indirect(place.stream)
        if holder is None or not isinstance(holder.value, Stream):
            return None
        members = self.document.has_members(holder.begin)
        if members is None:
            self._reading.add(place.stream)
            try:
                content = self.stream(holder.value)
                members = self.document.members(holder.begin, content, holder.value.entries)
            finally:
                self._reading.discard(place.stream)
        self.document.work()
        return members.member(number, place.at)

    def stream(self, stream: Stream) -> bytes:
        """The unpacked octets of a stream. Raises `Malformed`: see `filters.unpack`."""
        entries = stream.entries
        return unpack(
            self.raw(stream),
            self._direct(entries.get("Filter")),
            self._direct(entries.get("DecodeParms")),
            self.document.allowance,
        )

    def plain(self, stream: Stream) -> bytes:
        """The unpacked octets of a stream, or those of the file where they cannot be unpacked."""
        try:
            return self.stream(stream)
        except BeyondLimit:
            raise
        except Malformed:
            return self.raw(stream)

    def raw(self, stream: Stream) -> bytes:
        """The octets of a stream as they stand in the file."""
        return self.document.raw(stream, self.get(stream.entries.get("Length")))

    def member_streams(self) -> Iterator[bytes]:
        """The unpacked octets of every object stream that holds an object of this revision."""
        holders: dict[int, int] = {}
        for number in self.numbers():
            place = self.place(number)
            if place is not None and place.stream is not None:
                holders.setdefault(place.stream, number)
        for holder, number in holders.items():
            self.load(number)
            found = self.indirect(holder)
            members = None if found is None else self.document.has_members(found.begin)
            if members is not None:
                yield members.content

    def _direct(self, value: Object, depth: int = 0) -> Object:
        """A value with the references in it followed, two levels deep: that is all that filters need."""
        found = self.get(value)
        if depth < 2 and isinstance(found, list):
            return [self._direct(one, depth + 1) for one in found[:16]]
        if depth < 2 and isinstance(found, dict):
            return {key: self._direct(one, depth + 1) for key, one in found.items()}
        return found

    def numbers(self) -> Iterator[int]:
        """The numbers of all objects that any section names."""
        seen: set[int] = set()
        for section in self.sections:
            for number in section.numbers():
                if number not in seen:
                    seen.add(number)
                    yield number


def _searched(document: Document, end: int) -> Section:
    """A section made from all objects that a search finds; the last of each number counts."""
    places: dict[int, Place] = {}
    trailer: dict[str, Object] = {}
    for number, offset in sorted(document.everywhere(end).items(), key=lambda one: one[1]):
        places[number] = Place(offset)
        found = document.object_at(offset)
        match None if found is None else found.value:
            case Stream() as stream:
                if stream.entries.get("Type") == "ObjStm":
                    _add_members(document, number, offset, stream, places)
                if stream.entries.get("Type") == "XRef" and "Root" in stream.entries:
                    trailer.update(stream.entries)
            case {"Type": "Catalog"}:
                trailer["Root"] = Ref(number, 0)
    at = document.octets.rfind(b"trailer", 0, end)
    while at >= 0:
        last = parse(document.octets, at + 7, document.limits, document.work).value
        if isinstance(last, dict) and "Root" in last:
            trailer |= last
            break
        at = document.octets.rfind(b"trailer", 0, at)
    return Section(-1, trailer, is_stream=False, octets=b"", known=places)


def _add_members(
    document: Document, number: int, offset: int, stream: Stream, places: dict[int, Place]
) -> None:
    """The places of what an object stream holds; one that cannot be unpacked holds nothing."""
    try:
        raw = document.raw(stream, stream.entries.get("Length"))
        content = unpack(
            raw, stream.entries.get("Filter"), stream.entries.get("DecodeParms"), document.allowance
        )
    except BeyondLimit:
        raise
    except Malformed:
        return
    members = document.members(offset, content, stream.entries)
    for index, one in enumerate(members.numbers):
        places[one] = Place(index, 0, number)
