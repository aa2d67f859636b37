"""Services of trusted lists as trust anchors: from when, and until when, each may be one.

A service that was withdrawn at some time is an anchor for what was signed before that time alone: its sunset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.core.pki.trusted_lists.uris import APPROVED
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.core.pki.trusted_lists.model import ListedCertificate, Service, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From a time on, until another (which is no longer part of it); None for one that has no end yet."""

    since: datetime
    until: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether a time is in the period."""
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAnchor:
    """A certificate of a service as a trust anchor for one period: its subject and its key are what counts.

    `type` is the service's, `label` names territory, provider and service; `place` is the number of the
    provider on its list, and of the service among the provider's.
    """

    certificate: ListedCertificate
    type: str
    territory: str
    provider: str
    service: str
    period: Period
    place: tuple[int, int]

    @property
    def label(self) -> str:
        """For people: whose service it is."""
        return f"{self.territory}: {self.provider}: {self.service}"


def _always(service: Service) -> tuple[Period, ...]:
    return (Period(since=min(state.since for state in service.states), until=None),)


@implements("TS119612:5.5.4", disabled=_always)
def approved_periods(service: Service) -> tuple[Period, ...]:
    """The times in which a service was approved, latest first; states that follow one another make one.

    The states of the past are ordered here by their times: a list that has them in disorder is still not
    trusted longer than it says.
    """
    states = sorted(service.states, key=lambda state: state.since)
    ends = [*(state.since for state in states[1:]), None]
    found: list[Period] = []
    for state, until in zip(states, ends, strict=True):
        if state.status not in APPROVED or state.since == until:
            continue
        if found and found[-1].until == state.since:
            found[-1] = Period(since=found[-1].since, until=until)
        else:
            found.append(Period(since=state.since, until=until))
    return tuple(reversed(found))


def english(texts: Sequence[Text]) -> str:
    """The first text in English, else the first; empty where there is none."""
    found = [one.value for one in texts if one.language.lower().startswith("en")] or [
        one.value for one in texts
    ]
    return found[0] if found else ""
