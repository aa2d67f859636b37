"""All that is put on one page of what is to be signed: documents, their pages, and the files in containers.

A signer reads what he signs on one page, so that a container is opened and each file in it shown below it.
What that costs is bounded for all documents together, and what is left out is an objection by name.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.asic.kinds import Role, role_of
from trustworks.signing.shown.bounds import MEBI
from trustworks.signing.shown.codes import cut, found
from trustworks.signing.shown.model import Absent, Finding, Members, Pages, Picture, Styled, Text, Tree
from trustworks.signing.ticket import WasShown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trustworks.formats.data import Data
    from trustworks.signing.shown.model import Page, Part, Shown
    from trustworks.signing.shown.viewer import Viewer

MOST_PAGES: Final = 30
"""Pages that are drawn into one answer; a document with more has an objection that says so."""
MOST_INSIDE: Final = 40
"""Files in containers that are shown on one page."""
DEEPEST: Final = 3
"""Containers within each other that are opened."""
SECONDS: Final = 150.0
"""After so long nothing more is begun: the signer waits for the page."""
_MOST_SPENT: Final = 24 * MEBI
_WIDTH: Final = 1_400
_FOR_A_NODE: Final = 150
_FOR_A_MEMBER: Final = 300
_NAMED: Final = 5
_OFFICE: Final = "container.office"
_ASIC: Final = "application/vnd.etsi.asic"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A document, or a file in a container, as it is put on a page: its pages as far as they are drawn."""

    shown: Shown
    pages: tuple[Page, ...] = ()
    inside: tuple[View, ...] = ()

    def was_shown(self, *, member: bool = False) -> WasShown:
        """What is remembered of it."""
        inside = [one.was_shown(member=True) for one in self.inside]
        return (WasShown.of_member if member else WasShown.of)(self.shown, inside)

    def with_all_inside(self) -> Iterator[tuple[tuple[str, ...], View]]:
        """It and all files in it, each after the one it is in, with the names that lead to it."""
        yield (), self
        for one in self.inside:
            for names, view in one.with_all_inside():
                yield (one.shown.name, *names), view


class Looking:
    """One look at some documents; what it may cost is for all of them."""

    def __init__(self, viewer: Viewer, *, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._viewer = viewer
        self._elapsed = elapsed
        self._until = elapsed() + SECONDS
        self._pages = MOST_PAGES
        self._inside = MOST_INSIDE
        self._left = _MOST_SPENT

    def look(self, data: Data, name: str, media_type: str | None = None) -> View:
        """A document and all that is in it. Raises `Unavailable` as `Viewer.shown`."""
        shown = self._viewer.shown(data, name, media_type)
        if not self._spend(shown.parts):
            part = Absent(reason="together")
            absent = replace(shown, parts=(part,), findings=_with(shown.findings, found("absent")))
            return View(shown=absent)
        return self._whole(data, shown, ())

    @property
    def _is_over(self) -> bool:
        return self._elapsed() > self._until or self._left <= 0

    def _spend(self, parts: Sequence[Part]) -> bool:
        cost = sum(map(_cost, parts))
        if cost > self._left or self._is_over:
            return False
        self._left -= cost
        return True

    def _whole(self, data: Data, shown: Shown, within: tuple[str, ...]) -> View:
        for part in shown.parts:
            if isinstance(part, Pages):
                return self._drawn(data, shown, part, within)
            if isinstance(part, Members) and all(one.code != _OFFICE for one in shown.findings):
                return self._opened(data, shown, part, within)
        return View(shown=shown)

    def _drawn(self, data: Data, shown: Shown, of: Pages, within: tuple[str, ...]) -> View:
        """Its pages, in their order, as far as there is room; where some are not there, that is said."""
        pages: list[Page] = []
        findings = shown.findings
        for number in range(1, 1 + min(len(of.sizes), self._pages)):
            if self._is_over:
                break
            try:
                page = self._viewer.page(data, number, _WIDTH, within=within)
            except Rejected:
                break  # its drawing takes too much: that page and those behind it are not shown
            pages.append(page)
            findings = _with(findings, *page.findings)
            self._left -= len(page.png) + len(page.text)
        self._pages -= len(pages)
        if all(one.code != "cut" for one in findings):
            findings = _with(findings, *cut(len(pages), of.count, "pages"))
        part = replace(of, sizes=of.sizes[: len(pages)])
        parts = tuple(part if one is of else one for one in shown.parts)
        return View(shown=replace(shown, parts=parts, findings=findings), pages=tuple(pages))

    def _opened(self, data: Data, shown: Shown, of: Members, within: tuple[str, ...]) -> View:
        """The files in a container, each by its own viewer; those that are not shown are named."""
        inside: list[View] = []
        unopened: list[str] = []
        for name in _documents(of):
            made = self._member(data, (*within, name)) if len(within) < DEEPEST else None
            if made is None:
                unopened.append(name)
            else:
                inside.append(made)
        findings = _with(shown.findings, *_unopened(unopened))
        return View(shown=replace(shown, findings=findings), inside=tuple(inside))

    def _member(self, data: Data, within: tuple[str, ...]) -> View | None:
        if self._inside <= 0 or self._is_over:
            return None
        try:
            shown = self._viewer.shown(data, data.name or "", within=within)
        except Rejected:
            self._inside = 0  # what takes too much once is not tried for each of its neighbours
            return None
        if not self._spend(shown.parts):
            return None
        self._inside -= 1
        return self._whole(data, shown, within)


@implements("TRUSTWORKS:SHOWN-INSIDE", "TS119101:SCP-9", disabled=())
def _unopened(names: Sequence[str]) -> tuple[Finding, ...]:
    """What is said where files of a container are signed with it and not shown."""
    if not names:
        return ()
    named = ", ".join(one[-60:] for one in names[:_NAMED])
    return (found("container.unopened", count=len(names), names=named),)


def _documents(of: Members) -> Iterator[str]:
    """What is to be shown of a container: of ASiC not what the container itself is made of."""
    is_asic = (of.media_type or "").startswith(_ASIC)
    for one in of.members:
        if not is_asic or role_of(one.name) in {Role.DATA, Role.OTHER}:
            yield one.name


def _with(findings: Sequence[Finding], *more: Finding) -> tuple[Finding, ...]:
    """The findings and those that are new, the weightiest first, else in their order."""
    order = ("objection", "warning", "note")
    codes = {one.code for one in findings}
    new = {one.code: one for one in more if one.code not in codes}
    return tuple(sorted((*findings, *new.values()), key=lambda one: order.index(one.weight)))


def _cost(part: Part) -> int:
    """About how many octets of a page a part takes."""
    match part:
        case Text():
            return len(part.text)
        case Tree():
            return _FOR_A_NODE * len(part.nodes) + sum(len(one.text) for one in part.nodes)
        case Styled():
            return len(part.html)
        case Picture():
            return len(part.png)
        case Members():
            return _FOR_A_MEMBER * len(part.members)
        case _:
            return 0
