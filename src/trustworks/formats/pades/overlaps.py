"""Annotations that came after a signature and lie over others: what they cover is not seen any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from trustworks.core.trace import implements
from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.pades.syntax import Ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.formats.pades.syntax import Object
    from trustworks.formats.pades.view import View

Box: TypeAlias = tuple[float, float, float, float]
_MOST = 2_000


def pages_with_overlaps(old: View, new: View) -> list[int]:
    """The numbers of pages, from 1, on which an annotation that `old` has not lies over another."""
    found: list[int] = []
    for number, page in enumerate(pages_of(new), 1):
        boxes: list[tuple[bool, Box]] = []
        for one in new.items(page.get("Annots"))[:_MOST]:
            box = box_of(new, one)
            if box is not None:
                boxes.append((not _was_there(old, one), box))
        new.document.work(len(boxes) * sum(fresh for fresh, _ in boxes))
        if any(
            fresh and are_over(box, other)
            for place, (fresh, box) in enumerate(boxes)
            for at, (_, other) in enumerate(boxes)
            if at != place
        ):
            found.append(number)
    return found


def pages_of(view: View) -> Iterator[dict[str, Object]]:
    """The pages of a document in their order, each once (ISO 32000-2, 7.7.3)."""
    waiting: list[Object] = [view.root.get("Pages")]
    seen: set[int] = set()
    while waiting:
        here = waiting.pop()
        if isinstance(here, Ref):
            if here.number in seen:
                continue
            seen.add(here.number)
        view.document.work()
        entries = view.entries(here)
        if "Kids" in entries:
            waiting += reversed(view.items(entries["Kids"]))
        else:
            yield entries


def _was_there(old: View, annotation: Object) -> bool:
    return isinstance(annotation, Ref) and old.place(annotation.number) is not None


def box_of(view: View, annotation: Object) -> Box | None:
    """The rectangle of an annotation that has an area (ISO 32000-2, 7.9.5)."""
    sides = [view.get(one) for one in view.items(view.entries(annotation).get("Rect"))[:4]]
    figures = [float(one) for one in sides if isinstance(one, int | float)]
    if len(figures) != 4:
        return None
    left, right = sorted(figures[::2])
    low, high = sorted(figures[1::2])
    return (left, low, right, high) if right > left and high > low else None


def are_over(one: Box, other: Box) -> bool:
    """Whether two rectangles have an area in common; a border is none."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@implements("ISO32000-2:12.5.2-APART", disabled=())
def annotations_apart(pages: Sequence[int]) -> tuple[Finding, ...]:
    """Objects to annotations, also of new signatures, that lie over what was signed."""
    if not pages:
        return ()
    return (
        Finding(
            code="pades.annotation-overlap",
            text="After the signature an annotation was put over another one, on page "
            f"{', '.join(str(one) for one in pages[:10])}: what lies below is not seen. Compare the signed "
            "revision with the file.",
            weight=Weight.SUSPICIOUS,
            requirement="ISO32000-2:12.5.2-APART",
        ),
    )
