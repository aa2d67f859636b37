"""The pages of a PDF, as they are shown: cut, turned and scaled as each says of itself (ISO 32000-2, 7.7.3).

A place on a page is measured as a person measures it, on what is shown, and told in the page's own units.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final, Literal, cast

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.pades.syntax import Ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.formats.pades.creating.look import Place
    from trustworks.formats.pades.syntax import Object
    from trustworks.formats.pades.view import View

Box = tuple[float, float, float, float]
Quarter = Literal[0, 90, 180, 270]

_INHERITED: Final = ("MediaBox", "CropBox", "Rotate")
_SLACK: Final = 0.01
"""Points that a rectangle may be beyond the edge, as rounding makes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page: its reference, and its entries with what it inherits."""

    reference: Ref
    entries: dict[str, Object]


def pages(view: View, *, backwards: bool = False) -> Iterator[Page]:
    """All pages in their order, or from the last to the first; what is no page is passed over."""
    seen: set[int] = set()
    waiting: list[tuple[Object, dict[str, Object]]] = [(view.root.get("Pages"), {})]
    while waiting:
        here, above = waiting.pop()
        view.document.work()
        if not isinstance(here, Ref) or here.number in seen:
            continue
        seen.add(here.number)
        entries = view.entries(here)
        own: dict[str, Object] = dict(above)
        own.update((key, entries[key]) for key in _INHERITED if key in entries)
        if "Kids" in entries:
            kids = view.items(entries["Kids"])
            waiting += [(kid, own) for kid in (kids if backwards else reversed(kids))]
        elif entries:
            yield Page(reference=here, entries={**own, **entries})


def page_at(view: View, number: int) -> Page:
    """A page by its number, from 1, or from -1 for the last.

    Raises `Rejected` (``pdf.page``): there is none.
    """
    for count, page in enumerate(pages(view, backwards=number < 0), 1):
        if count == abs(number):
            return page
    raise Rejected("pdf.page", f"The PDF has no page {number} that a signature can be shown on.")


def page_with(view: View, widget: Ref, said: Object) -> Page:
    """The page that a widget is on: the one that names it, `said` (its P) first of all.

    Raises `Rejected` (``pdf.widget``): it is on none.
    """
    found = None
    for page in pages(view):
        if widget in view.items(page.entries.get("Annots")):
            if page.reference == said:
                return page
            found = found or page
    if found is None:
        raise Rejected("pdf.widget", "The field to be signed is on no page. Give a place and no field.")
    return found


def _box(view: View, value: Object) -> Box | None:
    """A rectangle, its corners in order; None for what is none."""
    figures = [view.get(one) for one in view.items(value)]
    if len(figures) != 4:
        return None
    numbers = [float(one) for one in figures if isinstance(one, int | float) and isfinite(one)]
    if len(numbers) != 4:
        return None
    (left, right), (bottom, top) = sorted(numbers[::2]), sorted(numbers[1::2])
    return left, bottom, right, top


def quarter(view: View, page: Page) -> Quarter:
    """The degrees, clockwise, by which a page is turned when it is shown."""
    turned = view.get(page.entries.get("Rotate"))
    return cast("Quarter", turned % 360) if isinstance(turned, int) and turned % 90 == 0 else 0


def _unit(view: View, page: Page) -> float:
    """Points that a unit of the page has."""
    unit = view.get(page.entries.get("UserUnit"))
    return float(unit) if isinstance(unit, int | float) and isfinite(unit) and unit > 0 else 1.0


def seen_box(view: View, page: Page) -> Box:
    """What is seen of a page, in its own units. Raises `Malformed` for a page of no size."""
    media = _box(view, page.entries.get("MediaBox"))
    if media is None:
        raise Malformed("The page to be signed on does not say how large it is (MediaBox).")
    crop = _box(view, page.entries.get("CropBox")) or media
    left, bottom = max(media[0], crop[0]), max(media[1], crop[1])
    right, top = min(media[2], crop[2]), min(media[3], crop[3])
    if right <= left or top <= bottom:
        raise Malformed("The page to be signed on has a CropBox beside its MediaBox: nothing of it is shown.")
    return left, bottom, right, top


def located(view: View, page: Page, place: Place) -> Box:
    """The rectangle of a place in the units of its page.

    Raises:
        Malformed: the page has no size.
        Rejected: ``pdf.place``: it is not all on what is shown of the page.
    """
    left, bottom, right, top = seen_box(view, page)
    unit, turned = _unit(view, page), quarter(view, page)
    across, up = (right - left) * unit, (top - bottom) * unit
    if turned in {90, 270}:
        across, up = up, across
    far, away, width, height = place.rectangle
    is_on_page(place, across, up)
    begin = across - far - width if place.corner.endswith("right") else far
    foot = up - away - height if place.corner.startswith("top") else away
    u, v, du, dv = (one / unit for one in (begin, foot, width, height))
    match turned:
        case 90:
            box = (right - v - dv, bottom + u, right - v, bottom + u + du)
        case 180:
            box = (right - u - du, top - v - dv, right - u, top - v)
        case 270:
            box = (left + v, top - u - du, left + v + dv, top - u)
        case _:
            box = (left + u, bottom + v, left + u + du, bottom + v + dv)
    return box


@implements("ISO32000-2:14.11.2-SHOWN")
def is_on_page(place: Place, across: float, up: float) -> None:
    """Refuses a place that is not all on what is shown of its page, so many points across and up."""
    far, away, width, height = place.rectangle
    if far + width > across + _SLACK or away + height > up + _SLACK:
        raise Rejected(
            "pdf.place",
            f"The rectangle does not fit on page {place.page}, which shows {across:g} by {up:g} points. "
            "Give one that is all on the page.",
        )


def shown_size(view: View, page: Page, rectangle: Object) -> tuple[float, float]:
    """Width and height in points, as it is shown, of a rectangle in the units of its page.

    Raises `Rejected` (``pdf.place``): it has none, as that of an invisible field.
    """
    box = _box(view, rectangle)
    unit = _unit(view, page)
    width, height = ((box[2] - box[0]) * unit, (box[3] - box[1]) * unit) if box is not None else (0.0, 0.0)
    if width < 1 or height < 1:
        raise Rejected(
            "pdf.place", "The field to be signed is invisible: it has no rectangle. Sign it without a look."
        )
    return (height, width) if quarter(view, page) in {90, 270} else (width, height)
