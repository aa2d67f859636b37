"""Text that is on a page and not seen there: drawn invisibly, without contrast, or below annotations."""

from __future__ import annotations

import io
import time
from dataclasses import field
from itertools import chain
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.signing.shown.codes import found
from trustworks.signing.shown.model import Page
from trustworks.signing.shown.paper.drawing import NotDrawn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from PIL.Image import Image

    from trustworks.signing.shown.bounds import Bounds
    from trustworks.signing.shown.model import Finding
    from trustworks.signing.shown.paper.drawing import Box, Document, DrawnPage, Letter

_CONTRAST: Final = 24
"""Of 255: what of red, green or blue must differ within a letter's box for anybody to see a letter there."""
_FEWEST: Final = 3
"""Letters without contrast that are told of: a single one may be a mark of layout."""
_TINY: Final = 4
"""Pixels of `_FINE` that the larger side of a letter or digit has at least, to be read on a page of A4."""
_LETTERS: Final = 20_000
_ANNOTATIONS: Final = 1_000
_COMPARED: Final = 2_000_000
_FINE: Final = 1_240
"""Pixels across a page at which letters are looked at, about 150 to the inch."""
_SAMPLE: Final = 60
_LISTED: Final = 12


def looked_through(document: Document, bounds: Bounds) -> tuple[Finding, ...]:
    """What is not seen on the pages, as many as half of the processor time and the bounds are enough for."""
    seen = _Seen()
    left = bounds.objects
    end = time.process_time() + bounds.cpu_seconds / 2
    last = min(document.count, bounds.pages)
    looked = 0
    while looked < last and left > 0 and time.process_time() < end:
        try:
            with document.page(looked + 1) as page:
                left = _look(page, looked + 1, seen, left, bounds)
        except NotDrawn:
            seen.undrawn.append(looked + 1)
            left -= 1
        looked += left > 0
    return tuple(_told(seen, looked, last))


@dataclass(slots=True)
class _Seen:
    """What the pages have: pages by number, and the beginnings of text that is faint or tiny."""

    invisible: dict[int, int] = field(default_factory=dict)
    covered: list[int] = field(default_factory=list)
    faint: list[str] = field(default_factory=list)
    tiny: list[str] = field(default_factory=list)
    undrawn: list[int] = field(default_factory=list)


def _look(page: DrawnPage, number: int, seen: _Seen, left: int, bounds: Bounds) -> int:
    """Look at a page, and how many objects may be looked at after it."""
    invisible, count = page.invisible(left)
    if invisible:
        seen.invisible[number] = invisible
    if page.has_text:
        picture = page.picture(_FINE, bounds.drawn)
        letters = list(page.letters(*picture.size, _LETTERS))
        seen.faint += without_contrast(picture, letters)
        seen.tiny += too_small(letters)
        if _covers(page.annotations(*picture.size, _ANNOTATIONS), letters):
            seen.covered.append(number)
    return left - count - 1


@implements("TRUSTWORKS:SHOWN-HIDDEN", disabled=())
def _told(seen: _Seen, looked: int, pages: int) -> Iterator[Finding]:
    if seen.invisible:
        count = sum(seen.invisible.values())
        yield found("pdf.text-invisible", count=count, pages=_numbers(list(seen.invisible)))
    if seen.covered:
        yield found("pdf.annotation-over", pages=_numbers(seen.covered))
    if seen.faint:
        yield found("pdf.hidden-text", count=len(seen.faint), words=seen.faint[0])
    if seen.tiny:
        yield found("pdf.text-tiny", count=len(seen.tiny), words=seen.tiny[0])
    if seen.undrawn:
        yield found("pdf.pages-undrawn", pages=_numbers(seen.undrawn))
    if looked < pages:
        yield found("pdf.pages-unlooked", looked=looked, pages=pages)


def _numbers(pages: Sequence[int]) -> str:
    listed = ", ".join(map(str, pages[:_LISTED]))
    return listed if len(pages) <= _LISTED else f"{listed} …"


def _covers(over: Sequence[Box], letters: Sequence[Letter]) -> bool:
    if len(over) * len(letters) > _COMPARED:
        return True  # so many that they do
    return any(one.over(letter.box) for one in over for letter in letters)


@implements("TRUSTWORKS:SHOWN-HIDDEN", disabled=[])
def without_contrast(picture: Image, letters: Iterable[Letter]) -> list[str]:
    """The beginnings of pieces of text of which no letter is seen in the picture, whatever covers them."""
    return _runs((one.text, not _is_seen(picture, one.box)) for one in letters)


@implements("TRUSTWORKS:SHOWN-HIDDEN", disabled=[])
def too_small(letters: Iterable[Letter]) -> list[str]:
    """The beginnings of pieces of text that nobody reads without a lens: of letters below two points."""
    return _runs(
        (one.text, max(one.box.right - one.box.left, one.box.high - one.box.low) < _TINY)
        for one in letters
        if one.text.isalnum()
    )


def _runs(letters: Iterable[tuple[str, bool]]) -> list[str]:
    """The beginnings of pieces of text of which it is true of each letter."""
    runs = []
    run = ""
    for text, counts in chain(letters, (("", False),)):
        if counts:
            run += text
            continue
        if len(run) >= _FEWEST:
            runs.append(run[:_SAMPLE])
        run = ""
    return runs


def _is_seen(picture: Image, box: Box) -> bool:
    """Whether anything differs within the box; what lies outside of the page is not seen."""
    left, low = max(box.left, 0), max(box.low, 0)
    right, high = min(box.right + 1, picture.width), min(box.high + 1, picture.height)
    if right <= left or high <= low:
        return False
    extremes = picture.crop((left, low, right, high)).getextrema()
    return any(isinstance(one, tuple) and one[1] - one[0] >= _CONTRAST for one in extremes)


def drawn_page(document: Document, number: int, width: int, bounds: Bounds) -> Page:
    """The page with what is not seen on it, and whether it is another one on paper. Raises `NotDrawn`."""
    with document.page(number) as page:
        picture = page.picture(width, bounds.drawn)
        fine = page.picture(_FINE, bounds.drawn)
        faint = without_contrast(fine, page.letters(*fine.size, _LETTERS))
        findings = [found("pdf.hidden-text", count=len(faint), words=faint[0])] if faint else []
        if picture.tobytes() != page.picture(width, bounds.drawn, printed=True).tobytes():
            findings.append(found("pdf.print-differs"))
        out = io.BytesIO()
        picture.save(out, "PNG")
        return Page(
            number=number,
            png=out.getvalue(),
            width=picture.width,
            height=picture.height,
            text=page.text()[: bounds.letters],
            findings=tuple(findings),
        )
