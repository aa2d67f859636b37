"""A PDF file as octets: its sections, its indirect objects, and what a search of the whole file finds."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit
from trustworks.core.values import dataclass
from trustworks.formats.data import stretches
from trustworks.formats.pades.filters import Allowance, unpack
from trustworks.formats.pades.sections import Section, read_stream, read_table, with_hybrid
from trustworks.formats.pades.syntax import WHITE, Name, Ref, Stream, parse, skip_blanks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from trustworks.formats.limits import Limits
    from trustworks.formats.pades.syntax import Object

_OBJECT: Final = re.compile(
    rb"[" + WHITE + rb"]*+(\d{1,10})[" + WHITE + rb"]++(\d{1,10})[" + WHITE + rb"]++obj"
)
_OBJECTS: Final = re.compile(
    rb"(?<![0-9])(\d{1,10})[" + WHITE + rb"]{1,8}(\d{1,5})[" + WHITE + rb"]{1,8}obj(?![A-Za-z])"
)
_STARTXREF: Final = re.compile(rb"startxref[" + WHITE + rb"]*+(\d{1,20})")
_END: Final = re.compile(rb"[" + WHITE + rb"]*+endstream")
_GAP: Final = rb"(?:[" + WHITE + rb"]|%[^\r\n]*[\r\n])++"
_LETTER: Final = re.compile(rb"[" + WHITE + rb"]R(?![A-Za-z0-9])")
_NUMBERS: Final = re.compile(rb"(?<![0-9])(\d{1,10})[" + WHITE + rb"]++\d{1,10}[" + WHITE + rb"]++\Z")
_COMMENTED: Final = re.compile(rb"(?<![0-9])(\d{1,10}+)" + _GAP + rb"\d{1,10}+" + _GAP + rb"R")
_WORDS: Final = re.compile(rb"[^\t\n\x0b\x0c\r ]++")
_LONGEST: Final = 48
"""Octets that a heading of an object, or the letter of a reference, takes at most, with what comes after."""
_NEAR: Final = 48
_FAR: Final = 2048
_OBJECT_STEPS: Final = 200
_FOUND_STEPS: Final = 16
_OCTETS_OF_STEP: Final = 64
"""What it takes to read the shortest object, to find one place by a search or one number in a heading, and to
look through octets, in steps of `Limits.work`: by the time that each was measured to take, as in `syntax`."""


def mentions(octets: bytes, work: Callable[[int], None]) -> list[tuple[int, int]]:
    """Where octets may refer to objects, and the numbers of those: whatever looks like a reference.

    `work` is told the steps that it takes, and raises where they are too many.
    """
    found: list[tuple[int, int]] = []
    work(len(octets) // _OCTETS_OF_STEP)
    for end in _all(_LETTER, octets):
        work(_FOUND_STEPS)
        at = end.start()
        window = octets[max(at - _NEAR, 0) : at + 1]
        if b"%" in window:
            # A comment may stand between the numbers and the letter, however long it is.
            window = octets[max(at - _FAR, 0) : at + 1]
            found += [(at, int(one[1])) for one in _COMMENTED.finditer(window + b"R")]
        elif (one := _NUMBERS.search(window)) is not None:
            found.append((at, int(one[1])))
    return found


def _all(pattern: re.Pattern[bytes], octets: bytes) -> Iterator[re.Match[bytes]]:
    """All matches in a file, which is looked through stretch by stretch; none is longer than `_LONGEST`."""
    for begin, end in stretches(octets):
        for found in pattern.finditer(octets, begin, end + _LONGEST):
            if found.start() < end:
                yield found


@dataclass(frozen=True, slots=True, eq=False)
class Indirect:
    """An indirect object: what it is, and the spans of its entries where it is a dictionary in the file."""

    number: int
    generation: int
    value: Object
    begin: int
    spans: Mapping[str, tuple[int, int]]
    twice: frozenset[str] = frozenset()


class Document:
    """The octets, and what was read of them so far. Objects are read once, whichever revision asks."""

    def __init__(self, octets: bytes, limits: Limits, password: str = "") -> None:
        self.octets = octets
        self.password = password
        self.limits = limits
        self.allowance = Allowance(limits.parsed)
        self.header = max(octets[:1024].find(b"%PDF-"), 0)
        self._work = limits.work
        self._sections: dict[int, Section | None] = {}
        self._objects: dict[int, Indirect | None] = {}
        self._members: dict[int, ObjectStream] = {}
        self._everywhere: list[tuple[int, int, int]] | None = None
        self._mentioned: list[tuple[int, int]] | None = None

    def work(self, steps: int = 1) -> None:
        """Counts steps. Raises `Malformed` when they are more than the limits allow."""
        self._work -= steps
        if self._work < 0:
            raise BeyondLimit(
                f"The objects of the PDF take more than {self.limits.work} steps to follow.", "work"
            )

    def last_start(self, end: int) -> int | None:
        """The offset that the last ``startxref`` before `end` gives."""
        at = self.octets.rfind(b"startxref", 0, end)
        found = _STARTXREF.match(self.octets, at, end) if at >= 0 else None
        return int(found[1]) if found is not None else None

    def section(self, offset: int) -> Section | None:
        """The section at an offset, from the beginning of the file or of its header; None: there is none."""
        if offset not in self._sections:
            self._sections[offset] = self._section(offset)
        return self._sections[offset]

    def _section(self, offset: int) -> Section | None:
        for start in dict.fromkeys((offset, offset + self.header)):
            if not 0 <= start < len(self.octets):
                continue
            at = skip_blanks(self.octets, start)
            if self.octets.startswith(b"xref", at):
                table = read_table(self.octets, start, at + 4, self.limits, self.work)
                if table is None:
                    return None
                hidden = table.trailer.get("XRefStm")
                if isinstance(hidden, int) and (other := self._stream_section(hidden)) is not None:
                    return with_hybrid(table, other)
                return table
            if (found := self._stream_section(start)) is not None:
                return found
        return None

    def _stream_section(self, start: int) -> Section | None:
        found = self.object_at(start)
        if found is None or not isinstance(found.value, Stream):
            return None
        entries = found.value.entries
        if entries.get("Type") != "XRef" and "W" not in entries:
            return None
        raw = self.raw(found.value, entries.get("Length"))
        content = unpack(raw, entries.get("Filter"), entries.get("DecodeParms"), self.allowance)
        return read_stream(start, entries, content, self.octets, self.limits, work=self.work)

    def object_at(self, offset: int) -> Indirect | None:
        """The indirect object that begins at an offset; None where none does."""
        if offset not in self._objects:
            self._objects[offset] = self._object_at(offset)
        return self._objects[offset]

    def _object_at(self, offset: int) -> Indirect | None:
        if not 0 <= offset < len(self.octets):
            return None
        head = _OBJECT.match(self.octets, offset)
        if head is None:
            return None
        self.work(_OBJECT_STEPS)
        parsed = parse(self.octets, head.end(), self.limits, self.work)
        value = parsed.value
        if isinstance(value, dict):
            at = skip_blanks(self.octets, parsed.end)
            if self.octets.startswith(b"stream", at):
                at += 6
                at += {b"\r\n": 2}.get(self.octets[at : at + 2], self.octets[at : at + 1] in {b"\n", b"\r"})
                value = Stream(value, at)
        return Indirect(int(head[1]), int(head[2]), value, offset, parsed.spans, parsed.twice)

    def raw(self, stream: Stream, length: Object) -> bytes:
        """The octets of a stream as they stand. A length that leads not to ``endstream`` is not believed."""
        start = stream.start
        if isinstance(length, int) and 0 <= length <= len(self.octets) - start:
            end = start + length
            if _END.match(self.octets, end) is not None:
                self.work(length // (4 * _OCTETS_OF_STEP))
                return self.octets[start:end]
        end = self.octets.find(b"endstream", start)
        self.work(((end if end >= 0 else len(self.octets)) - start) // _OCTETS_OF_STEP)
        if end < 0:
            return self.octets[start:]
        for mark in (b"\r\n", b"\n", b"\r"):
            if self.octets.endswith(mark, start, end):
                return self.octets[start : end - len(mark)]
        return self.octets[start:end]

    def members(self, at: int, content: bytes, entries: dict[str, Object]) -> ObjectStream:
        """The object stream whose own object is at `at`, of its unpacked octets; read once."""
        if at not in self._members:
            self._members[at] = ObjectStream.of(content, entries, self.limits, self.work)
        return self._members[at]

    def has_members(self, at: int) -> ObjectStream | None:
        """The object stream at `at`, where it was read before."""
        return self._members.get(at)

    def mentioned(self, end: int) -> set[int]:
        """The numbers of all objects that the octets before `end` may refer to; the file is searched once."""
        if self._mentioned is None:
            self._mentioned = mentions(self.octets, self.work)
        self.work(1 + len(self._mentioned) // 8)
        return {number for at, number in self._mentioned if at < end}

    def everywhere(self, end: int) -> dict[int, int]:
        """Of each object number the offset of the last object with it before `end`, by searching the file."""
        if self._everywhere is None:
            self.work(len(self.octets) // _OCTETS_OF_STEP)
            everywhere: list[tuple[int, int, int]] = []
            for found in _all(_OBJECTS, self.octets):
                self.work(_FOUND_STEPS)
                everywhere.append((found.start(), int(found[1]), int(found[2])))
                if len(everywhere) > self.limits.elements:
                    raise BeyondLimit(f"The PDF holds more than {self.limits.elements} objects.", "elements")
            self._everywhere = everywhere
        self.work(len(self._everywhere))
        return {number: offset for offset, number, _ in self._everywhere if offset < end}


@dataclass(frozen=True, slots=True, eq=False)
class ObjectStream:
    """An object stream: the numbers of its objects and where each begins (7.5.7)."""

    content: bytes
    numbers: tuple[int, ...]
    begins: tuple[int, ...]
    places: Mapping[int, int]
    limits: Limits
    work: Callable[[int], None]
    read: dict[int, Object]

    @staticmethod
    def of(
        content: bytes, entries: dict[str, Object], limits: Limits, work: Callable[[int], None]
    ) -> ObjectStream:
        """Reads the heading. What is no number there ends it. `work` is told the steps, as by `parse`."""
        first, count = entries.get("First"), entries.get("N")
        heading = content[: first if isinstance(first, int) and first > 0 else 0]
        wanted = 2 * min(count, limits.elements) if isinstance(count, int) and count > 0 else 0
        figures: list[int] = []
        for word in islice(_WORDS.finditer(heading), wanted):
            work(_FOUND_STEPS)
            if not word[0].isdigit() or len(word[0]) > 10:
                break
            figures.append(int(word[0]))
        start = first if isinstance(first, int) else 0
        numbers = tuple(figures[::2])
        places: dict[int, int] = {}
        for index, number in enumerate(numbers):
            places.setdefault(number, index)
        return ObjectStream(
            content, numbers, tuple(start + begin for begin in figures[1::2]), places, limits, work, {}
        )

    def member(self, number: int, index: int) -> Object:
        """The object of a number; `index` is where the section says that it is."""
        if not (0 <= index < len(self.numbers) and self.numbers[index] == number):
            if number not in self.places:
                return None
            index = self.places[number]
        if index not in self.read:
            begin = self.begins[index] if index < len(self.begins) else len(self.content)
            self.work(_OBJECT_STEPS)
            found = parse(self.content, begin, self.limits, self.work).value
            # A member is never a reference or a stream.
            self.read[index] = None if isinstance(found, Ref) else found
        return self.read[index]


def named(value: Object, *names: str) -> bool:
    """Whether a value is a name object that is one of these."""
    return isinstance(value, Name) and value in names
