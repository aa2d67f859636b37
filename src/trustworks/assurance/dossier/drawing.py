"""The hierarchy of authorities as SVG, for pages and for paper: Annex III (10)(a) of (EU) 2025/2162."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from trustworks.assurance.dossier.model import Rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.assurance.dossier.model import ServiceIdentity

_WIDTH: Final = 760
_ROW: Final = 64
_STEP: Final = 36
_TALL: Final = 48
_LETTERS: Final = 84  # of a line in a box


def hierarchy(identities: Sequence[ServiceIdentity]) -> bytes:
    """Roots, what they certify, and what that issued to services, each with its SKI."""
    rows = _in_order(identities)
    height = max(1, len(rows)) * _ROW + 8
    found = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
            f'height="{height}" font-family="DejaVu Sans Mono, monospace" font-size="11">'
        ),
        "<title>Hierarchy of certification authorities and services</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    place = {one.name: (number, depth) for number, (one, depth) in enumerate(rows)}
    for number, (one, depth) in enumerate(rows):
        left, top = 8 + depth * _STEP, 8 + number * _ROW
        if one.parent in place:
            above, deep = place[one.parent]
            from_x, from_y = 8 + deep * _STEP + 14, 8 + above * _ROW + _TALL
            middle = top + _TALL // 2
            found.append(f'<path d="M{from_x} {from_y}V{middle}H{left}" fill="none" stroke="#444444"/>')
        fill = "#eef3fa" if one.rank is not Rank.END_ENTITY else "#f6f6f2"
        said = escape(f"{one.name}: {one.rank.value}; {one.subject}"[:_LETTERS])
        box = f'x="{left}" y="{top}" width="{_WIDTH - left - 8}" height="{_TALL}"'
        found += [
            f'<rect {box} fill="{fill}" stroke="#444444"/>',
            f'<text x="{left + 8}" y="{top + 20}" fill="#111111">{said}</text>',
            f'<text x="{left + 8}" y="{top + 38}" fill="#444444">SKI {escape(one.key_identifier)}</text>',
        ]
    if not rows:
        found.append('<text x="8" y="24">missing</text>')
    return "\n".join([*found, "</svg>", ""]).encode()


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
