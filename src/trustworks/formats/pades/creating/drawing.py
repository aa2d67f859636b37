"""A visible signature drawn: typeset as a page of its own, whose content and resources the widget takes over.

The typesetter embeds the fonts it uses, cut down to what is shown and with their way back to characters
(ToUnicode), and says what its colours mean, so that a PDF/A stays one.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Rejected
from trustworks.formats.limits import DEFAULT
from trustworks.formats.pades.creating.look import LEAST_SIZE
from trustworks.formats.pades.creating.picture import picture_of
from trustworks.formats.pades.creating.wanted import Appearance
from trustworks.formats.pades.creating.written import NewObject, NewStream
from trustworks.formats.pades.document import Document
from trustworks.formats.pades.syntax import Ref, Stream
from trustworks.formats.pades.view import View

if TYPE_CHECKING:
    from typst import PDFStandard

    from trustworks.formats.pades.creating.archival import Archival
    from trustworks.formats.pades.creating.look import Look
    from trustworks.formats.pades.creating.pages import Quarter
    from trustworks.formats.pades.syntax import Object

FONTS: Final = ("Libertinus Serif", "New Computer Modern", "DejaVu Sans Mono")
"""Free fonts that the typesetter brings along; the next is asked for what the one before lacks."""
_USUAL: Final = "a-2b"
_STANDARDS: Final[dict[int, PDFStandard]] = {1: "a-1b", 4: "a-4"}
"""What is typeset for which part of PDF/A; anything else takes what part 2 does."""
_LACKING: Final = re.compile(r'the text `"(.+?)"` could not be displayed')
_STEPS: Final = 24
_ONCE: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""The time of the typeset page, of which nothing is taken over."""


@lru_cache(maxsize=2)
def drawn(look: Look, size: tuple[float, float], archival: Archival, turned: Quarter) -> Appearance:
    """The appearance of a look in a rectangle of width and height in points, on a page `turned` clockwise.

    The last ones are kept: a seal that is put on many files is drawn once.

    Raises:
        Rejected: ``pdf.letters``: the fonts lack a character; ``pdf.look-room``: the text does not fit;
            ``pdf.picture``: see `picture_of`.
    """
    width, height = size
    lines = look.text.splitlines() if look.text else []
    picture = None
    if look.picture is not None:
        picture = picture_of(
            look.picture, opaque=not archival.transparent, background=look.background or "#ffffff"
        )
    given = {
        **{key: value for key, value in asdict(look).items() if key not in {"text", "picture"}},
        "width": width,
        "height": height,
        "lines": lines,
        "sizes": _sizes(look.size),
        "fonts": FONTS,
        "picture": None if picture is None else f"/picture.{picture.kind}",
    }
    pictures = {} if picture is None else {f"picture.{picture.kind}": picture.octets}
    standard = _STANDARDS.get(archival.part or 0, _USUAL)
    if standard == "a-1b" and lines:
        # For part 1 the typesetter lets characters pass that its fonts lack.
        _typeset(given, pictures, _USUAL)
    view = _opened(_typeset(given, pictures, standard))
    page = view.entries(view.items(view.entries(view.root.get("Pages")).get("Kids"))[0])
    content = view.get(page.get("Contents"))
    taken: dict[int, NewStream | NewObject] = {}
    found = {key: _taken(view, value, taken) for key, value in view.entries(page.get("Resources")).items()}
    return Appearance(
        content=view.stream(content) if isinstance(content, Stream) else b"",
        box=(0, 0, width, height),
        resources=found,
        turned=turned,
    )


def _sizes(largest: float) -> list[float]:
    """Sizes of letters to be tried, from the largest to the smallest."""
    ratio = (LEAST_SIZE / largest) ** (1 / _STEPS)
    return list(dict.fromkeys(round(largest * ratio**step, 2) for step in range(_STEPS + 1)))


def _typeset(given: dict[str, object], pictures: dict[str, bytes], standard: PDFStandard) -> bytes:
    from trustworks.core.pages.typesetting import typeset  # noqa: PLC0415 - loaded for visible signatures only

    template = resources.files(__package__).joinpath("templates", "look.typ").read_bytes()
    try:
        return typeset(template, given, _ONCE, standards=[standard], pictures=pictures)
    except Malformed as error:
        said = str(getattr(error.__cause__, "diagnostic", error))
        lacking = dict.fromkeys(_LACKING.findall(said))
        if lacking:
            raise Rejected(
                "pdf.letters",
                f"The fonts for visible signatures lack {', '.join(lacking)}. They have Latin, Greek and "
                "Cyrillic letters: write it in those, or give it as a picture.",
            ) from error
        if "no room" in said:
            raise Rejected(
                "pdf.look-room",
                f"The text does not fit into {given['width']:g} by {given['height']:g} points, not even in "
                f"letters of {LEAST_SIZE:g} points. Give a larger rectangle, or less text.",
            ) from error
        raise


def _opened(octets: bytes) -> View:
    return View(Document(octets, DEFAULT), len(octets))


def _taken(view: View, value: Object, taken: dict[int, NewStream | NewObject]) -> object:
    """A value of the typeset page as one to be written: its indirect objects new ones, each once."""
    match value:
        case Ref(number, _):
            if number not in taken:
                found = view.load(number)
                if isinstance(found, Stream):
                    entries = {
                        key: _taken(view, one, taken) for key, one in found.entries.items() if key != "Length"
                    }
                    taken[number] = NewStream(entries, view.raw(found))
                else:
                    taken[number] = NewObject(_taken(view, found, taken))
            return taken[number]
        case dict():
            return {key: _taken(view, one, taken) for key, one in value.items()}
        case list():
            return [_taken(view, one, taken) for one in value]
        case _:
            return value
