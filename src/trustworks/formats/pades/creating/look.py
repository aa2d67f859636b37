"""What a visible signature looks like and where it stands, said as a person would say it."""

from __future__ import annotations

import re
from dataclasses import field
from datetime import UTC
from math import isfinite
from typing import TYPE_CHECKING, Final, Literal, get_args

from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from trustworks.formats.pades.creating.wanted import Wanted

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]
Beside = Literal["left", "right", "above", "below", "behind"]

LEAST_SIZE: Final = 4.0
"""Points of the smallest letters that a text is set in to fit."""
_MOST_SIZE: Final = 144.0
_MOST_TEXT: Final = 2_000
_MOST_BORDER: Final = 20.0
_FARTHEST: Final = 14_400.0
"""Points of a side, or a distance: what pages have at most in user space units (ISO 32000-1, annex C)."""
_COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}\Z")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is shown: a text, a picture (PNG or JPEG), or both, on a background and in a border.

    Lines of `text` are broken where they are too long, in letters of `size` points or as much smaller as the
    place asks for. Colours are ``#rrggbb``; `background` None lets the page be seen through.
    `picture_at` says where the picture is as seen from the text.

    Raises:
        Rejected: ``pdf.look``: there is nothing to be shown, or a colour or size is none.
    """

    text: str | None = None
    picture: bytes | None = field(default=None, repr=False)
    picture_at: Beside = "left"
    size: float = 10.0
    colour: str = "#000000"
    background: str | None = None
    border: str | None = None
    border_width: float = 1.0

    def __post_init__(self) -> None:
        text = self.text or ""
        if not text.strip() and self.picture is None:
            raise Rejected("pdf.look", "A visible signature shows a text, a picture or both. Give one.")
        if len(text) > _MOST_TEXT or _CONTROL.search(text):
            raise Rejected(
                "pdf.look",
                f"The text of a visible signature has at most {_MOST_TEXT} characters, and none that "
                "controls but the end of a line. Give less, or another text.",
            )
        for colour in (self.colour, self.background, self.border):
            if colour is not None and not _COLOUR.match(colour):
                raise Rejected("pdf.look", f"{colour!r:.40} is no colour. Write it as #rrggbb.")
        if not LEAST_SIZE <= self.size <= _MOST_SIZE:
            raise Rejected("pdf.look", f"Letters have {LEAST_SIZE:g} to {_MOST_SIZE:g} points.")
        if not 0 < self.border_width <= _MOST_BORDER:
            raise Rejected("pdf.look", f"A border is more than 0 and at most {_MOST_BORDER:g} points wide.")
        if self.picture_at not in get_args(Beside):
            raise Rejected("pdf.look", f"A picture is {', '.join(get_args(Beside))} the text.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A rectangle on a page, as the page is shown: turned and cut as it says of itself.

    `page` counts from 1, or from the end with -1 for the last. `rectangle` is in points: how far its side is
    from the left or right edge and from the upper or lower edge that `corner` names, its width, its height.

    Raises:
        Rejected: ``pdf.place``: there is no such place on any page.
    """

    page: int = 1
    corner: Corner = "bottom-left"
    rectangle: tuple[float, float, float, float]

    def __post_init__(self) -> None:
        if self.page == 0:
            raise Rejected(
                "pdf.place", "Pages are counted from 1, or from the end with -1. There is no page 0."
            )
        if self.corner not in get_args(Corner):
            raise Rejected("pdf.place", f"A corner is one of {', '.join(get_args(Corner))}.")
        across, up, width, height = self.rectangle
        sound = all(isfinite(one) and 0 <= one <= _FARTHEST for one in self.rectangle)
        if not sound or width < 1 or height < 1:
            raise Rejected(
                "pdf.place",
                f"A rectangle of {width:g} by {height:g} points, {across:g} and {up:g} from a corner, is no "
                f"place for a signature: sides have 1 to {_FARTHEST:g} points, distances 0 and more.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A visible signature. `place` None: the rectangle of the existing field that is signed.

    `alternative` is what is read out in its place (TU); None: the text of the look, or that this is a
    signature.
    """

    look: Look
    place: Place | None = None
    alternative: str | None = None

    @property
    def read_out(self) -> str:
        """What is read out in its place."""
        lines = [one.strip() for one in (self.look.text or "").splitlines()]
        return self.alternative or ", ".join(filter(None, lines)) or SIGNATURE


SIGNATURE: Final = "Digital signature"
TIME_STAMP: Final = "Document time-stamp"
"""What is read out where nobody said anything else."""

LINES: Final = {
    "name": "Signed by {}",
    "time": "{:%Y-%m-%d %H:%M:%S} UTC",
    "reason": "Reason: {}",
    "location": "Place: {}",
}
"""The lines of the text that says what a signature claims."""


def claims_text(wanted: Wanted) -> str:
    """What a signature says of itself, a line each: who, when, why and where, as far as it says so."""
    said = {
        "name": wanted.name,
        "time": wanted.time.astimezone(UTC),
        "reason": wanted.reason,
        "location": wanted.location,
    }
    return "\n".join(LINES[key].format(value) for key, value in said.items() if value)
