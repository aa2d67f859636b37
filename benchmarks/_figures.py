"""Figures of a machine that does other things too: processor time, several rounds, best and median."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

missed: list[str] = []


@runtime_checkable
class Elsewhere(Protocol):
    """What is done in another process, which tells the processor time that it had for it."""

    def seconds(self) -> float:
        """Do all of it once more."""


def told(what: str, rounds: Sequence[float], limit: float, unit: str, *, least: bool = False) -> None:
    """Print the best and the median of the rounds beside a target; `least`: it is to be no lower."""
    best, median = max(rounds) if least else min(rounds), statistics.median(rounds)
    kept, usually = (one >= limit if least else one <= limit for one in (best, median))
    if not kept:
        missed.append(what)
    word = "kept" if usually else "kept by the best round alone" if kept else "MISSED"
    print(f"  {what:<52} {best:10.2f} {unit:<5} median {median:.2f}; target {limit:g}: {word}")


def rates(
    actions: dict[str, tuple[Callable[[bytes], object] | Elsewhere, Sequence[bytes]]], rounds: int
) -> dict[str, list[float]]:
    """What is given, for a second of processor time, each action in turn; prints best, median and lowest."""
    seen: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds + 1):
        for name, (action, files) in actions.items():
            if isinstance(action, Elsewhere):
                seen[name].append(len(files) / action.seconds())
                continue
            began = time.process_time()
            for octets in files:
                action(octets)
            seen[name].append(len(files) / (time.process_time() - began))
    for name, values in seen.items():
        warm = sorted(values[1:])
        print(
            f"  {name:<52} {warm[-1]:10.1f} /s    median {statistics.median(warm):.1f}, "
            f"lowest {warm[0]:.1f}, first round {values[0]:.1f}"
        )
    return {name: values[1:] for name, values in seen.items()}
