"""The joined table as JSON values and as lines for a terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from trustworks.assurance.traceability.join import MEANING, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from trustworks.assurance.traceability.areas import AreaLine
    from trustworks.assurance.traceability.join import Line, Trace

COLOURS: dict[State, str] = {
    State.COVERED: "green",
    State.SHOWN: "cyan",
    State.NOT_RUN: "yellow",
    State.FAILED: "bold red",
    State.GAP: "magenta",
    State.MISSING: "bold red",
    State.OPERATOR: "dim",
}
NO_TESTS = (
    "No results of tests came with this package, for it was not built as a release is: which test shows a "
    "rule, and what last came of it, is told in a checkout of the source."
)
NOT_RUN_HERE = "No test was run in this checkout of the source yet, so nothing is shown; run the tests."


def results_told(found: Trace) -> str:
    """Why no result of a test is known, or where those come from that were not made here; else nothing."""
    if found.released is not None:
        return found.released.sentence
    if found.has_results:
        return ""
    return NOT_RUN_HERE if found.has_tests else NO_TESTS


def as_json(found: Trace) -> dict[str, Any]:
    """All that is known, as JSON values."""
    return {
        "tests_present": found.has_tests,
        "results_known": found.has_results,
        "results_from": None if found.released is None else found.released.as_dict(),
        "about_results": results_told(found),
        "counts": {state.value: found.count(state) for state in State},
        "requirements": [_line_json(line) for line in found.lines],
        "findings": list(found.findings),
    }


def _line_json(line: Line) -> dict[str, Any]:
    requirement = line.requirement
    return {
        "id": requirement.id,
        "standard": requirement.standard,
        "version": requirement.version,
        "words": requirement.words,
        "fulfilled_by": requirement.fulfilled_by,
        "service": requirement.service,
        "source_status": requirement.source_status,
        "state": line.state.value,
        "counted_as_covered": line.state is State.COVERED,
        "rules": [{"place": rule.place, "name": rule.name} for rule in line.rules],
        "tests": [
            {
                "test": test.mark.node,
                "place": test.mark.place,
                "last": test.last,
                "skipped": list(test.skipped),
                "at": test.at,
            }
            for test in line.tests
        ],
        "last": line.last,
        "skipped": list(line.skipped),
        "evidence": requirement.evidence,
        "gap": requirement.gap,
    }


def print_table(console: Console, found: Trace) -> None:
    """One row for each requirement, then the counts."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading, least, share in (
        ("requirement", 16, 3),
        ("in our words", 20, 5),
        ("carried out at", 16, 4),
        ("tested by", 16, 4),
        ("last", 7, 1),
        ("state", 8, 1),
    ):
        table.add_column(heading, min_width=least, ratio=share, overflow="fold")
    for line in found.lines:
        requirement = line.requirement
        words = Text(requirement.words)
        if requirement.gap is not None:
            words.append(f"\ngap: {requirement.gap}", style="magenta")
        state = Text(line.state.value, style=COLOURS[line.state])
        if requirement.source_status != "verified":
            state.append(f"\n({requirement.source_status})", style="dim")
        table.add_row(
            Text(requirement.id),
            words,
            Text("\n".join(_short(rule.place) for rule in line.rules)),
            Text(_tests(line)),
            Text(line.told),
            state,
        )
    console.print(table)
    console.print(Text("\n").join(_summary(found)))


def area_json(lines: Iterable[AreaLine]) -> list[dict[str, Any]]:
    """The numbers of an area as JSON values."""
    return [
        {
            "number": line.numbered.number,
            "about": line.numbered.about,
            "state": line.word,
            "requirements": {one.requirement.id: one.state.value for one in line.lines},
            "unknown": list(line.unknown),
            "gaps": list(line.gaps),
        }
        for line in lines
    ]


def print_area(console: Console, lines: Sequence[AreaLine]) -> None:
    """One row for each number, then the counts."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("", justify="right")
    table.add_column("about", min_width=24, ratio=4, overflow="fold")
    table.add_column("requirements", min_width=24, ratio=6, overflow="fold")
    table.add_column("state", min_width=12, ratio=1)
    for line in lines:
        about = Text(line.numbered.about)
        for gap in line.gaps:
            about.append(f"\n{gap}", style="magenta")
        entries = Text("\n").join(
            Text(f"{one.requirement.id} ").append(one.state.value, style=COLOURS[one.state])
            for one in line.lines
        )
        for identifier in line.unknown:
            entries.append(f"\n{identifier} is not in the register", style=COLOURS[State.MISSING])
        table.add_row(str(line.numbered.number), about, entries, Text(line.word, style=COLOURS[line.state]))
    console.print(table)
    counts = Counter(line.word for line in lines)
    console.print(f"{len(lines)} numbers: " + ", ".join(f"{n} {word}" for word, n in counts.most_common()))


def _short(place: str) -> str:
    return place.removeprefix("src/trustworks/").removeprefix("trustworks/")


def _tests(line: Line) -> str:
    shown = [test.mark.node.removeprefix("tests/") for test in line.tests[:2]]
    if len(line.tests) > len(shown):
        shown.append(f"and {len(line.tests) - len(shown)} more")
    return "\n".join(shown)


def _summary(found: Trace) -> Iterable[Text]:
    yield Text(f"{len(found.lines)} requirements")
    for state in State:
        if found.count(state):
            yield Text(f"{found.count(state):>5}  {state.value:<9} {MEANING[state]}", style=COLOURS[state])
    if told := results_told(found):
        yield Text(told, style="yellow")
