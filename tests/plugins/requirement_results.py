"""Keeps the last result of every test that carries a requirement, for `trustworks assurance trace`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trustworks.assurance.traceability.places import RESULTS, find_places
from trustworks.assurance.traceability.results import Digests, Result, merge_results
from trustworks.assurance.traceability.scan import scan

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from trustworks.assurance.traceability.results import Outcome

PROPERTY = "requirements"
NO_SET = "NOTSET"  # pytest's name where a list of parameter sets is empty


@dataclass(slots=True)
class _Tally:
    """What came of the phases of one test, for each of its parameter sets."""

    outcomes: dict[str, set[Outcome]] = field(default_factory=lambda: defaultdict(set))
    seconds: float = 0.0

    @property
    def outcome(self) -> Outcome:
        return _worst(set().union(*self.outcomes.values()))

    @property
    def skipped(self) -> tuple[str, ...]:
        """The parameter sets that were skipped; a test without parameters, or without any set, has none."""
        return tuple(
            sorted(
                name
                for name, found in self.outcomes.items()
                if name not in {"", NO_SET} and _worst(found) == "skipped"
            )
        )


def _worst(outcomes: set[Outcome]) -> Outcome:
    return next((one for one in ("failed", "passed") if one in outcomes), "skipped")


class RequirementResults:
    """Collects reports, on the controller when pytest-xdist distributes the tests."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tallies: dict[str, _Tally] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not any(name == PROPERTY for name, _ in report.user_properties):
            return
        # Without parameters, and without the group that pytest-xdist appends.
        node, _, parameters = report.nodeid.partition("[")
        node = node.partition("@")[0]
        tally = self._tallies.setdefault(node, _Tally())
        tally.seconds += report.duration
        if report.when == "call" or report.outcome != "passed":
            tally.outcomes[parameters.rpartition("]")[0]].add(report.outcome)

    def pytest_sessionfinish(self) -> None:
        if not self._tallies:
            return
        places = find_places(self._root / "src" / "trustworks")
        digests = Digests(
            places.root,
            scan(places.code, places.root).rules,
            [] if places.tests is None else scan(places.tests, places.root).tests,
        )
        now = datetime.now(UTC).isoformat(timespec="seconds")
        merge_results(
            self._root / RESULTS,
            {
                node: Result(
                    outcome=tally.outcome,
                    at=now,
                    seconds=round(tally.seconds, 3),
                    digest=digests.of(node),
                    skipped=tally.skipped,
                )
                for node, tally in self._tallies.items()
            },
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell each test's requirements in its reports, which also reach the controller."""
    for item in items:
        ids = [identifier for mark in item.iter_markers("req") for identifier in mark.args]
        if ids:
            item.user_properties.append((PROPERTY, ids))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(RequirementResults(config.rootpath), "requirement-results")
