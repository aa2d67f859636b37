"""What octets a signature covers, judged in the raw file (ISO 32000-2, 12.8.1; EN 319 142-1, 5.3 and 6.3).

The range must begin with the file, end with a revision, and leave out exactly the hexadecimal string of
Contents: whatever else it leaves out, or names twice, is what universal signature forgery and signature
wrapping put to use.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.pades.syntax import unhex

if TYPE_CHECKING:
    from trustworks.formats.pades.fields import SignatureDictionary
    from trustworks.formats.pades.view import View

_BLANK: Final = b"\x00\t\n\x0c\r "
_HEX: Final = b"0123456789abcdefABCDEF" + _BLANK
_TAIL: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteRange:
    """A byte range, its numbers clipped to the file: what is digested. `gap` is what it leaves out.

    `end` is the offset after it. `whole` says that nothing but white space follows it in the file.
    `missing` is how many octets it names beyond the end of the file.
    """

    numbers: tuple[int, int, int, int]
    ranges: tuple[tuple[int, int], ...]
    gap: tuple[int, int]
    end: int
    whole: bool
    missing: int = 0
    findings: tuple[Finding, ...] = ()


def read_byte_range(view: View, dictionary: SignatureDictionary) -> ByteRange | None:
    """The byte range of a signature, with what is wrong about it; None: there is none that names octets."""
    numbers = [view.get(one) for one in view.items(dictionary.entries.get("ByteRange"))[:64]]
    figures = [one for one in numbers if isinstance(one, int) and not isinstance(one, bool)]
    if len(figures) < 4 or len(figures) != len(numbers) or len(figures) % 2:
        return None
    octets = view.document.octets
    size = len(octets)
    ranges = tuple(
        (min(max(begin, 0), size), min(max(begin + max(length, 0), 0), size))
        for begin, length in zip(figures[::2], figures[1::2], strict=True)
    )
    first, second, third, fourth = figures[:4]
    gap = (min(max(first + second, 0), size), min(max(third, 0), size))
    end = ranges[-1][1]
    found = ByteRange(
        numbers=(first, second, third, fourth),
        ranges=ranges,
        gap=gap,
        end=end,
        missing=max(
            0, *(begin + length - size for begin, length in zip(figures[::2], figures[1::2], strict=True))
        ),
        whole=not octets[end : end + _TAIL].strip(_BLANK) and not octets[end:].strip(_BLANK),
    )
    findings = (
        *strange_numbers(figures, size),
        *gap_is_contents(octets, found, dictionary),
        *ends_with_revision(octets, found),
    )
    return replace(found, findings=findings) if findings else found


@implements("ISO32000-2:12.8.1-RANGE", disabled=())
def strange_numbers(figures: list[int], size: int) -> tuple[Finding, ...]:
    """Refuses numbers that do not name two ranges of the file, one after the other, from its first octet."""
    first, second, third, fourth = figures[:4]
    if (
        len(figures) == 4
        and first == 0
        and second > 0
        and third > first + second
        and fourth > 0
        and third + fourth <= size
    ):
        return ()
    return (
        Finding(
            code="pades.byte-range",
            text=f"The byte range {figures} is not two ranges of the file's {size} octets that begin with "
            "the first and leave one gap between them: what it covers is not the document.",
            weight=Weight.FATAL,
            requirement="ISO32000-2:12.8.1-RANGE",
        ),
    )


@implements("EN319142-1:5.3-GAP", disabled=())
def gap_is_contents(
    octets: bytes, byte_range: ByteRange, dictionary: SignatureDictionary
) -> tuple[Finding, ...]:
    """Refuses a gap that is anything but the string of the dictionary's Contents, its brackets included."""
    begin, end = byte_range.gap
    gap = octets[begin:end]
    contents = dictionary.entries.get("Contents")
    if (
        gap[:1] == b"<"
        and gap[-1:] == b">"
        and not gap[1:-1].translate(None, _HEX)
        and isinstance(contents, bytes)
        and (dictionary.span == byte_range.gap or unhex(gap[1:-1]) == contents)
    ):
        return ()
    return (
        Finding(
            code="pades.byte-range-gap",
            text=f"The octets {begin} to {end} that the byte range leaves out are not just the Contents of "
            "the signature: something else was kept out of the signature.",
            weight=Weight.FATAL,
            requirement="EN319142-1:5.3-GAP",
        ),
    )


@implements("ISO32000-2:12.8.1-REVISION", disabled=())
def ends_with_revision(octets: bytes, byte_range: ByteRange) -> tuple[Finding, ...]:
    """Objects to a byte range that does not end with a revision of the file, after its end-of-file mark."""
    tail = octets[max(byte_range.end - _TAIL, 0) : byte_range.end].rstrip(_BLANK)
    if byte_range.whole or tail.endswith(b"%%EOF"):
        return ()
    return (
        Finding(
            code="pades.byte-range-end",
            text=f"The byte range ends at octet {byte_range.end}, which is not the end of a revision of the "
            "file: its revision has octets that are not signed.",
            weight=Weight.SUSPICIOUS,
            requirement="ISO32000-2:12.8.1-REVISION",
        ),
    )


@implements("ISO32000-2:12.8.1-APART", disabled=())
def collisions(ranges: list[tuple[str, ByteRange]]) -> tuple[Finding, ...]:
    """Objects to signatures whose gaps are the same or overlap: one stands in the place of the other."""
    found: list[Finding] = []
    ordered = sorted(ranges, key=lambda one: one[1].gap)
    for (one, before), (other, after) in pairwise(ordered):
        if after.gap[0] < before.gap[1]:
            found.append(
                Finding(
                    code="pades.byte-range-collision",
                    text=f"The byte ranges of the signatures {one} and {other} leave out the same octets, "
                    "and only one of them can stand there.",
                    weight=Weight.SUSPICIOUS,
                    requirement="ISO32000-2:12.8.1-APART",
                )
            )
    return tuple(found)
