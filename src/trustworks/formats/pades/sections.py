"""Cross-reference sections: tables, streams and hybrids of both (ISO 32000-2, 7.5).

A table of lines of 20 octets, which is how nearly all are, is not read through: a line is read when its
object is asked for.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Final, NamedTuple

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.values import dataclass
from trustworks.formats.pades.syntax import WHITE, parse, skip_blanks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustworks.formats.limits import Limits
    from trustworks.formats.pades.syntax import Object


class Place(NamedTuple):
    """Where an object is: at an offset of the file, or, with `stream`, number `at` of that object stream."""

    at: int
    generation: int = 0
    stream: int | None = None


FREE: Final = Place(-1)
"""Stands for an object that this section declares not to be there."""

_LINE: Final = re.compile(rb"(\d{10}) (\d{5}) ([nf])")
_FIRST_FREE: Final = b"0000000000 65535 f"
_FIRST_LINE: Final = re.compile(
    rb"[" + WHITE + rb"]*+xref[" + WHITE + rb"]++1 \d+[" + WHITE + rb"]++0000000000 65535 f"
)
_LOOSE_LINE: Final = re.compile(
    rb"[" + WHITE + rb"]*+(\d{1,20})[" + WHITE + rb"]++(\d{1,10})[" + WHITE + rb"]++([nf])"
)
_HEADING: Final = re.compile(
    rb"[" + WHITE + rb"]*+(\d{1,10})[" + WHITE + rb"]++(\d{1,10})[" + WHITE + rb"]*+"
)
_WIDEST: Final = 8
_LINE_STEPS: Final = 12
"""What it takes to read a line of a table or stream, in steps of `Limits.work`: as in `syntax`."""
_WORTH: Final = 8
"""Lines of a subsection from which on it is worth not to read them all."""
_SEARCHED: Final = 32
"""Subsections that are searched one after the other; those of further ones are read at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One section. `lines` are subsections read by the line: first number, count, offset of the first.

    `begin` is where it stands in the file; `trailer` its trailer dictionary, or that of its stream.
    """

    begin: int
    trailer: dict[str, Object]
    is_stream: bool
    octets: bytes = field(repr=False)
    lines: tuple[tuple[int, int, int], ...] = ()
    known: dict[int, Place] = field(default_factory=dict, repr=False)

    def find(self, number: int) -> Place | None:
        """What the section says of an object: its place, `FREE`, or None when it says nothing."""
        found = self.known.get(number)
        if found is None:
            for first, count, at in self.lines:
                if first <= number < first + count:
                    found = self.known[number] = self._line(at + 20 * (number - first))
                    break
        return found

    def numbers(self) -> Iterator[int]:
        """The numbers of all objects that the section says something of."""
        yield from [*self.known]
        for first, count, _ in self.lines:
            yield from range(first, first + count)

    def highest(self) -> int:
        """The highest number of an object that the section says something of; -1: it says nothing."""
        return max([*self.known, *(first + count - 1 for first, count, _ in self.lines)], default=-1)

    def _line(self, at: int) -> Place:
        line = _LINE.match(self.octets, at)
        if line is None or line[3] == b"f":
            return FREE
        return Place(int(line[1]), int(line[2]))


def read_table(
    octets: bytes, begin: int, at: int, limits: Limits, work: Callable[[int], None]
) -> Section | None:
    """The table whose keyword ``xref`` ends at `at`, with its trailer; None for what is none.

    `work` is told the steps that it takes, as by `parse`.
    """
    lines: list[tuple[int, int, int]] = []
    known: dict[int, Place] = {}
    left = limits.elements
    while (heading := _HEADING.match(octets, at)) is not None:
        work(_LINE_STEPS)
        first, count = int(heading[1]), int(heading[2])
        left -= count
        if left < 0:
            raise BeyondLimit(
                f"The cross-reference table of the PDF names more than {limits.elements} objects.", "elements"
            )
        at = heading.end()
        if count >= _WORTH and len(lines) < _SEARCHED and _is_regular(octets, at, count):
            lines.append((first, count, at))
            at += 20 * count
            continue
        for number in range(first, first + count):
            line = _LOOSE_LINE.match(octets, at)
            if line is None:
                break
            work(_LINE_STEPS)
            known[number] = FREE if line[3] == b"f" else Place(int(line[1]), int(line[2]))
            at = line.end()
    at = skip_blanks(octets, at)
    if not octets.startswith(b"trailer", at):
        return None
    trailer = parse(octets, at + 7, limits, work).value
    if not isinstance(trailer, dict):
        return None
    # The first object of a table is number 0; programs that count from 1 mean the same.
    if lines and lines[0][0] == 1 and octets[lines[0][2] : lines[0][2] + 18] == _FIRST_FREE:
        lines[0] = (0, *lines[0][1:])
    if known.get(1) is FREE and 0 not in known and _FIRST_LINE.match(octets, begin) is not None:
        known = {number - 1: place for number, place in known.items()}
    return Section(begin, trailer, is_stream=False, octets=octets, lines=tuple(lines), known=known)


def _is_regular(octets: bytes, at: int, count: int) -> bool:
    """Whether lines of 20 octets stand there: looked at in the first, the last and what follows it."""
    if not count:
        return False
    after = at + 20 * count
    return (
        _LINE.match(octets, at) is not None
        and _LINE.match(octets, after - 20) is not None
        and octets[skip_blanks(octets, after) :][:1] in b"t0123456789"
        and octets[after - 20 : after].rstrip()[-1:] in {b"n", b"f"}
    )


def read_stream(
    begin: int,
    trailer: dict[str, Object],
    content: bytes,
    octets: bytes,
    limits: Limits,
    *,
    work: Callable[[int], None],
) -> Section:
    """A cross-reference stream, unpacked. Raises `Malformed` for one with impossible widths (7.5.8).

    `work` is told the steps that it takes, as by `parse`.
    """
    widths = trailer.get("W")
    if not isinstance(widths, list) or len(widths) < 3:
        raise Malformed("A cross-reference stream of the PDF has no widths of its fields (W).")
    sizes = [size for size in widths[:3] if isinstance(size, int) and 0 <= size <= _WIDEST]
    if len(sizes) != 3 or not sum(sizes):
        raise Malformed("A cross-reference stream of the PDF has impossible widths of its fields (W).")
    index = trailer.get("Index")
    size = trailer.get("Size")
    runs = index if isinstance(index, list) else [0, size]
    known: dict[int, Place] = {}
    at = 0
    for first, count in zip(runs[::2], runs[1::2], strict=False):
        if not isinstance(first, int) or not isinstance(count, int) or first < 0:
            break
        for number in range(first, first + min(count, limits.elements)):
            row = content[at : at + sum(sizes)]
            if len(row) < sum(sizes):
                break
            work(_LINE_STEPS)
            known[number] = _place(row, sizes)
            at += sum(sizes)
    return Section(begin, trailer, is_stream=True, octets=octets, known=known)


def _place(row: bytes, sizes: list[int]) -> Place:
    first, second, _ = sizes
    kind = int.from_bytes(row[:first], "big") if first else 1
    middle = int.from_bytes(row[first : first + second], "big")
    last = int.from_bytes(row[first + second :], "big")
    match kind:
        case 1:
            return Place(middle, last)
        case 2:
            return Place(last, 0, middle)
        case _:
            return FREE


def with_hybrid(section: Section, hidden: Section) -> Section:
    """A table with the stream that its trailer names (XRefStm), which tells of hidden objects (7.5.8.4)."""
    known = dict(section.known)
    for number in hidden.numbers():
        place = hidden.find(number)
        if place is not None and place is not FREE and section.find(number) in {None, FREE}:
            known[number] = place
    return Section(
        section.begin,
        section.trailer,
        is_stream=False,
        octets=section.octets,
        lines=section.lines,
        known=known,
    )
