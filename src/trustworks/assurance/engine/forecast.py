"""When verdicts change by themselves: on the days that certificates, rules and duties name.

Between two such days nothing that the engine is given changes, so that only they are evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from trustworks.assurance.engine.evaluation import evaluate
from trustworks.assurance.engine.of_keys import ends_of
from trustworks.assurance.engine.subject import Index
from trustworks.assurance.model import FactName, Verdict, due_of, live_until
from trustworks.assurance.rulesets.model import Span
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.assurance.model import Facts, ProcessVerdict, Report
    from trustworks.assurance.rulesets import RuleSet

_DAY: Final = timedelta(days=1)
HORIZON: Final = timedelta(days=3653)  # ten years


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """On `day` the verdict about a process with a product becomes another, and why."""

    day: date
    service: str
    process: str
    product: str | None
    before: Verdict
    after: Verdict
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The verdicts on the first day, and every change until the last."""

    rule_set: str
    first: date
    last: date
    now: Report
    changes: tuple[Change, ...]


def forecast(facts: Facts, rules: RuleSet, at: date, until: date | None = None) -> Forecast:
    """How verdicts go on from a day, if nothing but time passes."""
    last = until or at + HORIZON
    facts = _concerned(facts)
    index = Index(facts)
    now = evaluate(index, rules, at)
    before, changes = _by_process(now), []
    for day in sorted({one for one in _days(facts, rules) if at < one <= last}):
        after = _by_process(evaluate(index, rules, day))
        for place in dict.fromkeys((*before, *after)):
            old, new = before.get(place), after.get(place)
            was = Verdict.UNKNOWN if old is None else old.verdict
            becomes = Verdict.UNKNOWN if new is None else new.verdict
            if was is not becomes:
                changes.append(
                    Change(
                        day=day,
                        service=place[0],
                        process=place[1],
                        product=place[2],
                        before=was,
                        after=becomes,
                        why=() if new is None else _why(old, new),
                    )
                )
        before = after
    return Forecast(rule_set=rules.id, first=at, last=last, now=now, changes=tuple(changes))


def _concerned(facts: Facts) -> Facts:
    """What is about products that are bound, as nothing else changes a verdict."""
    bound = {one.product for one in facts.bindings}
    products = tuple(one for one in facts.products if one.id in bound)
    held = {certificate for one in products for certificate in one.certificates}
    return replace(
        facts,
        products=products,
        certificates=tuple(one for one in facts.certificates if one.id in held),
        confirmations=tuple(one for one in facts.confirmations if one.product in bound),
        documents=tuple(one for one in facts.documents if one.product in bound),
        checks=tuple(one for one in facts.checks if one.product in bound),
    )


def _why(old: ProcessVerdict | None, new: ProcessVerdict) -> tuple[str, ...]:
    """What holds it where it is now: by the option that carried furthest before, else by what is best now."""
    before = None if old is None or old.best is None else old.best.option
    options = tuple(one for one in new.options if one.option == before)
    return reasons(replace(new, options=options)) if options else reasons(new)


def reasons(process: ProcessVerdict) -> tuple[str, ...]:
    """The sentences of what holds a process where it is: rules of its best option, or conditions."""
    best = process.best
    rules = (*(() if best is None else best.reasons), *process.conditions)
    found = tuple(one.sentence for one in rules if one.verdict is process.verdict)
    return found or tuple(one for one in (process.note,) if one)


def _by_process(report: Report) -> dict[tuple[str, str, str | None], ProcessVerdict]:
    return {
        (one.service, one.process, one.product): one
        for service in report.services
        for one in service.processes
    }


@implements("TRUSTWORKS:ASSURANCE-FORECAST", disabled=())
def _days(facts: Facts, rules: RuleSet) -> Iterator[date]:
    """All days on which something that the engine reads begins or ends."""
    yield from _days_of_certificates(facts)
    yield from (one.since for one in facts.bindings if one.since is not None)
    yield from (one.until + _DAY for one in facts.bindings if one.until is not None)
    yield from (one.written for one in facts.documents)
    yield from (one.on for one in facts.checks)
    yield from (one.on for one in facts.confirmations)
    yield from (one.on for one in facts.transfers)
    yield from (one.on for one in facts.headcounts)
    yield from (one.reviewed_until + _DAY for one in facts.documents if one.reviewed_until is not None)
    yield from (one.seen.at.date() for one in (*facts.unregistered, *facts.used))
    yield from _days_of_ages(facts)
    yield from (one.begins for one in rules.sunsets)
    yield from (one.applies for one in rules.acts.values())
    yield from _days_of_rules(rules)


def _days_of_ages(facts: Facts) -> Iterator[date]:
    """Where a check is due again, a look at a module is too old, a mechanism ends."""
    yield from (due + _DAY for due in map(due_of, facts.checks) if due is not None)
    for seen in (one.observed.at for one in facts.products if one.observed is not None):
        yield from (live_until(seen, what) + _DAY for what in ("identity", "health"))
    for looked in (one.installed.at for one in facts.products if one.installed is not None):
        yield live_until(looked, "installation") + _DAY
    for one in facts.bindings:
        yield from ends_of(one.algorithms)


def _days_of_certificates(facts: Facts) -> Iterator[date]:
    for certificate in facts.certificates:
        for name, after in ((FactName.ISSUED, timedelta()), (FactName.ENDS, _DAY)):
            yield from (one.value + after for one in certificate.told(name) if isinstance(one.value, date))


def _days_of_rules(rules: RuleSet) -> Iterator[date]:
    """Where a span of days in a table begins, or has ended."""
    cases = (case for table in rules.tables.values() for case in table.cases)
    for span in (span for case in cases for span in case.accepts.get("day", ())):
        if isinstance(span, Span):
            yield from (date.fromordinal(span.low),) if span.low is not None else ()
            yield from (date.fromordinal(span.high) + _DAY,) if span.high is not None else ()
