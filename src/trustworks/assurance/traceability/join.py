"""The joined table: requirement, rule, test, last result, gap; and what is wrong with it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from trustworks.assurance.traceability.register import Requirement, load_register
from trustworks.assurance.traceability.released import Released, load_released, shows_these_rules
from trustworks.assurance.traceability.results import Digests, Result, load_results
from trustworks.assurance.traceability.scan import Mark, Scan, scan

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from trustworks.assurance.traceability.places import Places


class State(StrEnum):
    """How far a requirement is shown; only `COVERED` may be counted as covered."""

    COVERED = "covered"
    SHOWN = "shown"
    NOT_RUN = "not run"
    FAILED = "failed"
    GAP = "gap"
    MISSING = "missing"
    OPERATOR = "operator"


MEANING: dict[State, str] = {
    State.COVERED: "Read in the standard's own text; a rule carries it out and its test passed.",
    State.SHOWN: "As covered, but its wording comes second-hand or from memory: not counted as covered.",
    State.NOT_RUN: "Rule and test are there; the test was skipped, did not run, or is newer than its result.",
    State.FAILED: "Its test failed.",
    State.GAP: "Not met or not shown yet, with the reason.",
    State.MISSING: "The product must fulfil it, and nothing carries it out or declares the gap.",
    State.OPERATOR: "For the operator to fulfil.",
}


NAMED = 3  # parameter sets that were skipped, before "and ... more"
WORST_FIRST = ("failed", "older", "not run", "skipped", "passed")


@dataclass(frozen=True, slots=True, kw_only=True)
class TestLine:
    """A test, and what last came of it: passed, failed, skipped, or nothing.

    ``older`` says that the result is of an older version of the test, or of the rules that it shows; a test
    that failed counts as failed until it is run again.
    """

    __test__ = False  # the name is the field's word, not pytest's

    mark: Mark
    last: str | None
    at: str | None
    skipped: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What last came of it, with what it was skipped for."""
        return _told(self.last or "not run", self.skipped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One requirement with all that is known of it."""

    requirement: Requirement
    rules: tuple[Mark, ...]
    tests: tuple[TestLine, ...]
    state: State

    @property
    def last(self) -> str:
        """The worst last result of its tests, in a word."""
        outcomes = {one.last or "not run" for one in self.tests}
        return next((one for one in WORST_FIRST if one in outcomes), "")

    @property
    def skipped(self) -> tuple[str, ...]:
        """The parameter sets that any of its tests was skipped for."""
        return tuple(dict.fromkeys(name for test in self.tests for name in test.skipped))

    @property
    def told(self) -> str:
        """The worst last result, with what was skipped."""
        return _told(self.last, self.skipped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """All lines, and what `--check` objects to.

    `has_tests` is False in an installed package; `released` is what came with it of the tests, if anything.
    """

    lines: tuple[Line, ...]
    findings: tuple[str, ...]
    has_tests: bool
    has_results: bool = False
    released: Released | None = None

    @property
    def not_run(self) -> tuple[str, ...]:
        """Findings about what no test shows at present, although tests were run: rules, or parts of tests."""
        if not self.has_results:
            return ()
        none = [
            f"{line.requirement.id} ({line.requirement.file}): none of its tests passed since they and the "
            f"rule were changed ({line.last}); run them."
            for line in self.lines
            if line.state is State.NOT_RUN and line.tests
        ]
        skipped = [
            f"{line.requirement.id} ({line.requirement.file}): the test {test.mark.node} was skipped for "
            f"{_named(test.skipped)}; run it where that is installed."
            for line in self.lines
            for test in line.tests
            if test.skipped
        ]
        return (*none, *skipped)

    def count(self, state: State) -> int:
        """How many requirements are in `state`."""
        return sum(line.state is state for line in self.lines)


def trace(places: Places) -> Trace:
    """Read register, code, tests and results, and join them by id.

    Raises:
        Malformed: the register or the results cannot be read.
    """
    register = load_register(places.register)
    code = scan(places.code, places.root)
    tests = scan(places.tests, places.root) if places.tests is not None else Scan()
    results = load_results(places.results) if places.results is not None else {}
    rules_of = _by_id(code.rules)
    tests_of = _by_id(tests.tests)
    digests = Digests(places.root, code.rules, tests.tests)
    came = load_released(places.released) if places.released is not None else None
    lines = tuple(
        _line(
            requirement,
            rules_of.get(requirement.id, []),
            [_test_line(mark, results.get(mark.node), digests) for mark in tests_of.get(requirement.id, [])]
            if came is None
            else _released_lines(came, requirement.id, digests),
        )
        for requirement in register.requirements.values()
    )
    findings = [*code.findings, *tests.findings]
    for what, marks in (("rule", code.rules), ("test", tests.tests), ("refusal", code.refusals)):
        findings.extend(
            f"{mark.place}: the {what} {mark.name} carries {identifier}, which is not in the register; "
            "correct the id, or add the entry."
            for mark in marks
            for identifier in mark.ids
            if identifier not in register
        )
    for line in lines:
        findings.extend(_objections(line, has_tests=places.tests is not None))
    return Trace(
        lines=lines,
        findings=tuple(findings),
        has_tests=places.tests is not None,
        has_results=bool(results) or came is not None,
        released=came,
    )


def digests_of(found: Trace, root: Path) -> Digests:
    """The digests of the rules and tests of a table; `root` is what their files are told relative to."""
    rules = [rule for line in found.lines for rule in line.rules]
    return Digests(root, rules, [test.mark for line in found.lines for test in line.tests])


def _told(last: str, skipped: tuple[str, ...]) -> str:
    """Such as ``passed, skipped: postgresql``."""
    if not skipped:
        return last
    return f"{'' if last == 'skipped' else f'{last}, '}skipped: {_named(skipped)}"


def _named(skipped: tuple[str, ...]) -> str:
    more = len(skipped) - NAMED
    return ", ".join(skipped[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _by_id(marks: Iterable[Mark]) -> dict[str, list[Mark]]:
    found: dict[str, list[Mark]] = defaultdict(list)
    for mark in marks:
        for identifier in dict.fromkeys(mark.ids):
            found[identifier].append(mark)
    return found


def _test_line(mark: Mark, result: Result | None, digests: Digests) -> TestLine:
    if result is None:
        return TestLine(mark=mark, last=None, at=None)
    is_known = result.outcome == "failed" or result.digest == digests.of(mark.node)
    return TestLine(
        mark=mark,
        last=result.outcome if is_known else "older",
        at=result.at,
        skipped=result.skipped if is_known else (),
    )


def _released_lines(came: Released, identifier: str, digests: Digests) -> list[TestLine]:
    """What came with the package of one requirement's tests: nothing of it shows rules that are others."""
    same = shows_these_rules(came, identifier, digests.of_rules(identifier))
    return [
        TestLine(
            mark=one.mark,
            last=one.last if same or one.last in {None, "failed"} else "older",
            at=one.at,
            skipped=one.skipped if same else (),
        )
        for one in came.tests.get(identifier, ())
    ]


def _line(requirement: Requirement, rules: list[Mark], tests: list[TestLine]) -> Line:
    return Line(
        requirement=requirement,
        rules=tuple(rules),
        tests=tuple(tests),
        state=_state(requirement, rules, tests),
    )


def _state(requirement: Requirement, rules: list[Mark], tests: list[TestLine]) -> State:
    outcomes = {one.last for one in tests}
    if "failed" in outcomes:
        return State.FAILED
    if requirement.gap is not None:
        return State.GAP
    if not rules:
        return State.MISSING if requirement.binds_product else State.OPERATOR
    if "passed" not in outcomes:
        return State.NOT_RUN
    return State.COVERED if requirement.source_status == "verified" else State.SHOWN


def _objections(line: Line, *, has_tests: bool) -> list[str]:
    """What is wrong with one requirement's line."""
    requirement = line.requirement
    where = f"{requirement.id} ({requirement.file})"
    found = []
    if line.state is State.MISSING:
        found.append(
            f"{where}: the product must fulfil it, no rule carries it out, and no gap is declared; "
            "mark the rule with @implements, or say in `gap` why there is none."
        )
    if has_tests and line.rules and not line.tests:
        found.append(
            f"{where}: the rule at {line.rules[0].place} has no test; mark one with @pytest.mark.req."
        )
    found.extend(
        f"{where}: the test {test.mark.node} failed." for test in line.tests if test.last == "failed"
    )
    return found
