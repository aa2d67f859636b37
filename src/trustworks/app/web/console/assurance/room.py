"""What all pages of assurance do alike: read the register, take a day from the address, tell the log."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from trustworks.app.web.console.edge import Page
from trustworks.assurance.registered import facts_of
from trustworks.assurance.report import NOT_A_DECISION
from trustworks.assurance.rulesets import SHIPPED, load
from trustworks.assurance.service import Register
from trustworks.core.audit import Event
from trustworks.core.errors import Malformed
from trustworks.core.roles.model import Act, Role
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from trustworks.app.web.console.edge import Edge, Visit
    from trustworks.assurance.model import Facts
    from trustworks.assurance.rulesets import RuleSet
    from trustworks.core.http import RawResponse

ROOT: Final = "/console/assurance"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST: Final = date(2000, 1, 1)
_LAST: Final = date(2100, 1, 1)  # a forecast looks ten years on
_LONGEST: Final = 200  # characters of an address in the audit log


@implements("TRUSTWORKS:ASSURANCE-VIEWS-LOGGED", disabled=False)
def is_logged(roles: Container[Role]) -> bool:
    """Whether it is written down that somebody with these roles looked: an auditor is watched, too."""
    return Role.AUDITOR in roles


class Room:
    """What a group of pages stands on."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._office = edge.roles.office

    @property
    def _today(self) -> date:
        return self._office.now().utc.date()

    def _page(self, path: str, answer: Callable[[Visit], RawResponse]) -> Page:
        """A page to look at. It is answered once the log has it, where the log is to have it."""

        def told(visit: Visit) -> RawResponse:
            shown = answer(visit)
            if is_logged(visit.actor.operator.roles):
                self._tell(visit)
            return shown

        return Page(path=path, act=Act.READ_RECORDS, answer=told)

    def _tell(self, visit: Visit) -> None:
        now = self._office.now()
        asked = {name[:_LONGEST]: value[:_LONGEST] for name, value in visit.query.items()}
        self._office.recorder.record(
            Event(
                type="assurance.viewed",
                outcome="success",
                actor=visit.actor.name,
                subject={"page": visit.request.path[:_LONGEST]},
                detail={"asked": asked, **now.mark},
                time=now.utc,
            )
        )

    def _facts(self) -> Facts:
        with self._office.database.read() as connection:
            return facts_of(connection)

    @staticmethod
    def _rule_sets() -> tuple[RuleSet, ...]:
        """The rule sets in the order in which they are shown: today's law first."""
        return tuple(load(name) for name in SHIPPED)

    def _register(self, visit: Visit) -> Register:
        """The register, in which this operator writes."""
        return Register(
            self._office.recorder, by=visit.actor.name, now=lambda: self._edge.roles.office.now().utc
        )

    def _drawn(self, template: str, visit: Visit, **values: Any) -> RawResponse:
        return self._edge.page(
            f"assurance/{template}", visit=visit, statement=NOT_A_DECISION, today=self._today, **values
        )

    def _day(self, visit: Visit, name: str = "at") -> date:
        """The day that the address names; today where it names none. Raises `Malformed`."""
        given = visit.query.get(name)
        return self._today if given is None else read_day(given)

    def _span(self, visit: Visit) -> tuple[date, date | None]:
        """The first and the last day that the address names. Raises `Malformed`."""
        first = self._day(visit)
        last = self._day(visit, "until") if "until" in visit.query else None
        if last is not None and last <= first:
            raise Malformed(f"The last day, {last}, is not after the first, {first}. Choose a later one.")
        return first, last


def read_day(text: str) -> date:
    """A day as forms send it. Raises `Malformed`."""
    try:
        found = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not _FIRST <= found <= _LAST:
        raise Malformed(
            f"{text!a:.40} is no day between {_FIRST} and {_LAST}. Write it as 2026-11-30: year, month, day."
        )
    return found
