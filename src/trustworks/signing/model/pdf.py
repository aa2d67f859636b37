"""A signature in a PDF, of plain values: how it looks, what it locks, and what a password opens.

The command line and the messages in JSON ask for it in the same values and by different names; `Names` has
those, so that a refusal says what to change where it was asked for.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final, Literal

from trustworks.core.errors import Malformed
from trustworks.core.values import dataclass
from trustworks.signing.model.request import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.pades.creating import Lock, Shown

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]

MOST_PICTURE: Final = 8 * 1024 * 1024
"""Octets of a picture that is asked for; the writer of PDF has bounds of its own, for pixels too."""
LONGEST_PASSWORD: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """By which names who asks says it: a text, a picture; where; what alone goes with it; a field; locks."""

    look: str
    place: str
    beside: str
    field: str
    locks: str
    password: str


CLI: Final = Names(
    look="--visible-text or --visible-image",
    place="--visible-at LEFT,BOTTOM,WIDTH,HEIGHT",
    beside="--visible-at, --visible-page, --visible-corner and --visible-alternative go",
    field="--field",
    locks="--lock, --lock-except and --lock-all",
    password="--password-file",  # noqa: S106 - the name of an option
)
JSON: Final = Names(
    look="text or image",
    place="pades.visible.rectangle",
    beside="pades.visible: rectangle, page, corner and alternative go",
    field="pades.field",
    locks="include, exclude and all in pades.lock",
    password="password",  # noqa: S106 - the name of a member
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visible:
    """A visible signature that is asked for; `in_field`: the field that is signed, where one is named.

    `rectangle` is in points: how far from the edges of `corner` (None: left and lower), width and height.
    `page` counts from 1, or with -1 from the end. `alternative` is what is read out in its place.
    """

    text: str | None = None
    picture: bytes | None = field(default=None, repr=False)
    rectangle: tuple[float, float, float, float] | None = None
    page: int | None = None
    corner: Corner | None = None
    alternative: str | None = None
    in_field: str | None = None

    def shown(self, names: Names) -> Shown | None:
        """As the writer of PDF has it; None where nothing is to be seen.

        Raises:
            Malformed: the values do not go together.
            Rejected: ``pdf.look``, ``pdf.place``.
        """
        from trustworks.formats.pades.creating import Look, Place, Shown  # noqa: PLC0415 - loads the formats

        chosen = (self.rectangle, self.page, self.corner)
        if self.text is None and self.picture is None:
            if any(one is not None for one in (*chosen, self.alternative)):
                raise Malformed(f"{names.beside} with {names.look}, which says what is shown there.")
            return None
        if self.rectangle is None:
            if self.in_field is None or self.page is not None or self.corner is not None:
                raise Malformed(
                    f"Say where the signature is visible: {names.place}, or {names.field} alone with a field "
                    "that has its place in the PDF."
                )
            place = None
        else:
            page = 1 if self.page is None else self.page
            place = Place(page=page, corner=self.corner or "bottom-left", rectangle=self.rectangle)
        look = Look(text=self.text, picture=self.picture)
        return Shown(look=look, place=place, alternative=self.alternative)


def lock_of(named: Sequence[str], but: Sequence[str], *, everything: bool, names: Names) -> Lock | None:
    """Which fields are locked; None: none. Raises `Malformed` where that is said in two ways."""
    from trustworks.formats.pades.creating import Lock  # noqa: PLC0415 - loads the formats

    if (bool(named), bool(but), everything).count(True) > 1:
        raise Malformed(f"Give one of {names.locks}.")
    if everything:
        return Lock(action="All")
    if named:
        return Lock(action="Include", fields=tuple(named))
    return Lock(action="Exclude", fields=tuple(but)) if but else None


def check_opens(format_: Format, names: Names) -> None:
    """A password opens a PDF that is signed as PAdES, and nothing else. Raises `Malformed`."""
    if format_ is not Format.PADES:
        raise Malformed(f"{names.password} is for a PDF that is signed as PAdES. Leave it out.")
