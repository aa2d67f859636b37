"""A forecast as bars: pure, from the engine's answer to places in per cent of the width.

Nothing of it is measured in pixels, so that a bar is as wide as its page and its letters stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from trustworks.assurance.engine.forecast import reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trustworks.assurance.engine import Change, Forecast
    from trustworks.assurance.model import ProcessVerdict, Verdict

_ROOM_FOR_A_WORD: Final = 14.0  # per cent of the bar
_ROOM_FOR_A_LETTER: Final = 4.0
_ROOM_FOR_A_DAY: Final = 16.0
_LATE: Final = 84.0  # from here on, what a day says stands to its left


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One verdict for as long as it holds; `left` and `width` in per cent of the bar."""

    verdict: Verdict
    first: date
    left: float
    width: float
    why: tuple[str, ...]

    @property
    def letter(self) -> str:
        """The verdict where there is no room for its word."""
        return "?" if self.verdict.value == "unknown" else self.verdict.value[0].upper()

    @property
    def has_room(self) -> bool:
        """Whether its word fits, on a wide page."""
        return self.width >= _ROOM_FOR_A_WORD

    @property
    def has_little_room(self) -> bool:
        """Whether its letter fits."""
        return self.width >= _ROOM_FOR_A_LETTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A day below the bar; `late` where it stands to the left of its place."""

    day: date
    left: float
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One process with one product."""

    service: str
    process: str
    product: str | None
    label: str
    segments: tuple[Segment, ...]
    marks: tuple[Mark, ...]
    changes: tuple[Change, ...]

    @property
    def told(self) -> str:
        """The bar in words, for who does not see it."""
        first, *later = self.segments
        return f"{first.verdict} on {first.first}" + "".join(
            f", {one.verdict} from {one.first}" for one in later
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The bars of one rule set, and the years of the axis with their places."""

    rule_set: str
    title: str
    bars: tuple[Bar, ...]
    years: tuple[tuple[int, float], ...]


def timeline(forecast: Forecast, labels: dict[tuple[str, str], str]) -> Timeline:
    """The bars of a forecast, in the order of its services; `labels` are the processes' words."""
    changes: dict[tuple[str, str, str | None], list[Change]] = {}
    for one in forecast.changes:
        changes.setdefault((one.service, one.process, one.product), []).append(one)
    processes = [one for service in forecast.now.services for one in service.processes]
    return Timeline(
        rule_set=forecast.rule_set,
        title=forecast.now.title,
        bars=tuple(
            _bar(forecast, one, changes.get((one.service, one.process, one.product), []), labels)
            for one in processes
        ),
        years=tuple(_years(forecast)),
    )


def _bar(
    forecast: Forecast,
    process: ProcessVerdict,
    changes: list[Change],
    labels: dict[tuple[str, str], str],
) -> Bar:
    begun = [(forecast.first, process.verdict, reasons(process))]
    begun += [(one.day, one.after, one.why) for one in changes]
    ends = [*(_place(forecast, day) for day, _, _ in begun[1:]), 100.0]
    segments = tuple(
        Segment(
            verdict=verdict,
            first=day,
            left=_place(forecast, day),
            width=round(end - _place(forecast, day), 3),
            why=why,
        )
        for (day, verdict, why), end in zip(begun, ends, strict=True)
    )
    return Bar(
        service=process.service,
        process=process.process,
        product=process.product,
        label=labels.get((process.service, process.process), process.process),
        segments=segments,
        marks=tuple(_marks(segments[1:])),
        changes=tuple(changes),
    )


def _place(forecast: Forecast, day: date) -> float:
    whole = max(1, (forecast.last - forecast.first).days)
    return round(min(100.0, 100 * (day - forecast.first).days / whole), 3)


def _marks(segments: Iterable[Segment]) -> Iterator[Mark]:
    """The days that can be written without one being on the other; the table has all."""
    free = 0.0
    for one in segments:
        late = one.left > _LATE
        begin = one.left - _ROOM_FOR_A_DAY if late else one.left
        if begin >= free:
            yield Mark(day=one.first, left=one.left, late=late)
            free = begin + _ROOM_FOR_A_DAY


def _years(forecast: Forecast) -> Iterator[tuple[int, float]]:
    for year in range(forecast.first.year + 1, forecast.last.year + 1):
        place = _place(forecast, date(year, 1, 1))
        if place < 97:
            yield year, place
