"""The hierarchy of authorities as SVG, for pages and for paper: Annex III (10)(a) of (EU) 2025/2162."""

from __future__ import annotations

import textwrap
from itertools import accumulate
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from trustworks.assurance.dossier.model import Rank

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.assurance.dossier.model import ServiceIdentity

_WIDTH: Final = 760
_MARGIN: Final = 8
_STEP: Final = 36
_DEEPEST: Final = 10  # what is below is drawn no farther to the right
_GAP: Final = 16  # between two boxes
_LINE: Final = 18
_LETTER: Final = 6.7  # of the fonts, at their size


def hierarchy(identities: Sequence[ServiceIdentity]) -> bytes:
    """Roots, what they certify, and what that issued to services, each with its kind, whole name and SKI."""
    rows = [(one, _MARGIN + min(depth, _DEEPEST) * _STEP) for one, depth in _in_order(identities)]
    told = [list(_lines(one, left)) for one, left in rows]
    tops = list(accumulate((_tall(lines) + _GAP for lines in told), initial=_MARGIN))
    height = max(tops[-1] - _GAP, _LINE * 2) + _MARGIN
    found = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
            f'height="{height}" font-family="DejaVu Sans Mono, monospace" font-size="11">'
        ),
        "<title>Hierarchy of certification authorities and services</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    places = {one.name: number for number, (one, _) in enumerate(rows)}
    for (one, left), lines, top in zip(rows, told, tops, strict=False):
        tall = _tall(lines)
        above = places.get(one.parent or "")
        if above is not None and one.parent != one.name:
            from_x, from_y = rows[above][1] + 14, tops[above] + _tall(told[above])
            path = f"M{from_x} {from_y}V{top + tall // 2}H{left}"
            found.append(f'<path d="{path}" fill="none" stroke="#444444"/>')
        fill = "#eef3fa" if one.rank is not Rank.END_ENTITY else "#f6f6f2"
        box = f'x="{left}" y="{top}" width="{_WIDTH - left - _MARGIN}" height="{tall}"'
        found.append(f'<rect {box} fill="{fill}" stroke="#444444"/>')
        for number, line in enumerate(lines):
            ink = "#444444" if number else "#111111"
            at = f'x="{left + 8}" y="{top + 18 + number * _LINE}"'
            found.append(f'<text {at} fill="{ink}">{escape(line)}</text>')
    if not rows:
        found.append(f'<text x="{_MARGIN}" y="24">missing</text>')
    return "\n".join([*found, "</svg>", ""]).encode()


def _tall(lines: Sequence[str]) -> int:
    return len(lines) * _LINE + 10


def _lines(one: ServiceIdentity, left: int) -> Iterator[str]:
    """What is in a box: as many lines as the words need, none of them cut."""
    letters = int((_WIDTH - left - _MARGIN - 16) / _LETTER)
    for text in (f"{one.name}: {kind_of(one)}", one.subject, f"SKI {one.key_identifier}"):
        yield from textwrap.wrap(text, letters, break_on_hyphens=False) or [""]


def kind_of(one: ServiceIdentity) -> str:
    """What an identity is, in words: an authority by its rank, all else by what it is for."""
    return one.rank.value if one.rank is not Rank.END_ENTITY else one.use


def _in_order(identities: Sequence[ServiceIdentity]) -> list[tuple[ServiceIdentity, int]]:
    names = {one.name for one in identities}
    found: list[tuple[ServiceIdentity, int]] = []

    def below(parent: str | None, depth: int) -> None:
        for one in identities:
            above = one.parent if one.parent in names and one.parent != one.name else None
            if above == parent and all(one is not other for other, _ in found):
                found.append((one, depth))
                below(one.name, depth + 1)

    below(None, 0)
    return found
