"""Agreement among time servers by the intersection of their intervals (Marzullo; RFC 5905, 11.2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The interval that enough servers share, who they are, and who stands outside."""

    low: int
    high: int
    members: tuple[str, ...]
    outsiders: tuple[str, ...]


@implements("EN319421:TIS-7.7.2-05", disabled=True)
def is_quorum(agreeing: int, configured: int, quorum: int) -> bool:
    """Whether `agreeing` servers suffice: the quorum, and more than half of all that are configured.

    Counting against the configured ones, not those that answered, keeps an attacker who silences the honest
    servers from forming a majority.
    """
    return agreeing >= quorum and 2 * agreeing > configured


def agree(intervals: Mapping[str, tuple[int, int]], configured: int, quorum: int) -> Agreement | None:
    """The widest interval whose ends are covered by a quorum of `intervals`, or None without a quorum.

    While no more servers lie than the quorum leaves outside, the truth is inside: all honest intervals
    contain it. Times are integers of any one unit.
    """
    edges = sorted(
        [(low, 0) for low, _ in intervals.values()] + [(high, 1) for _, high in intervals.values()]
    )
    # At one place the beginnings sort before the ends: intervals that touch do intersect.
    covering = 0
    lows: list[int] = []
    highs: list[int] = []
    for place, is_end in edges:
        if is_end:
            if is_quorum(covering, configured, quorum):
                highs.append(place)
            covering -= 1
        else:
            covering += 1
            if is_quorum(covering, configured, quorum):
                lows.append(place)
    if not lows or not highs:
        return None
    low, high = min(lows), max(highs)
    members = tuple(sorted(name for name, (start, end) in intervals.items() if start <= high and end >= low))
    return Agreement(
        low=low, high=high, members=members, outsiders=tuple(sorted(set(intervals) - set(members)))
    )
