"""Keeps the last result of every test that carries a requirement, for `trustworks assurance trace`."""

from __future__ import annotations

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


@dataclass(slots=True)
class _Tally:
    """What came of the phases of one test, over all its parameter sets."""

    outcomes: set[Outcome] = field(default_factory=set)
    seconds: float = 0.0

    @property
    def outcome(self) -> Outcome:
        return next((one for one in ("failed", "passed") if one in self.outcomes), "skipped")


class RequirementResults:
    """Collects reports, on the controller when pytest-xdist distributes the tests."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tallies: dict[str, _Tally] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not any(name == PROPERTY for name, _ in report.user_properties):
            return
        # Without parameters, and without the group that pytest-xdist appends.
        node = report.nodeid.partition("[")[0].partition("@")[0]
        tally = self._tallies.setdefault(node, _Tally())
        tally.seconds += report.duration
        if report.when == "call" or report.outcome != "passed":
            tally.outcomes.add(report.outcome)

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
