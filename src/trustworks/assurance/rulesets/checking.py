"""Whether a rule set is whole: every case decided, and once.

For each table all combinations of answers are gone through; numbers and days by the sections between the
bounds that its cases name, since inside one of them no case can tell two values apart.
"""

from __future__ import annotations

import re
from datetime import date
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Final

from trustworks.assurance.model import Status
from trustworks.assurance.rulesets.domains import DOMAINS, OF_CERTIFICATE, UNKNOWN, Choice, Day, Number
from trustworks.assurance.rulesets.model import Span
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from trustworks.assurance.rulesets.model import Case, Parameter, Process, RuleSet, Table

_FIELD: Final = re.compile(r"\{([^{}]*)\}")
_FIRST_DAY: Final = 1
# Questions that find everything in order where one of these lists is empty.
_LISTS: Final = {
    "assured": ("weak-keys-caveats", "loaded-keys-caveats", "integrity-caveats"),
    "annex-ii": ("annex-ii",),
}
_MOST: Final = 200_000  # combinations of one table; more is a table that nobody can read either


@implements("TRUSTWORKS:ASSURANCE-RULES-WHOLE")
def check(rules: RuleSet) -> tuple[str, ...]:
    """What is wrong with a rule set, in sentences; empty where nothing is."""
    return (
        *(problem for table in rules.tables.values() for problem in _table(table)),
        *_options(rules),
        *_processes(rules),
        *_acts(rules),
        *_parameters(rules),
    )


def _table(table: Table) -> Iterator[str]:
    yield from _fields(table)
    classes = [_classes(table, question) for question in table.asks]
    count = prod(map(len, classes))
    if count > _MOST:
        yield f"Table {table.id} has {count} combinations of answers; split it."
        return
    used: set[int] = set()
    for combination in product(*classes):
        answers = dict(zip(table.asks, combination, strict=True))
        matching = [number for number, case in enumerate(table.cases, 1) if accepts(case, answers)]
        used.update(matching)
        if len(matching) != 1:
            told = ", ".join(f"{name} = {_told(name, value)}" for name, value in answers.items())
            decided = f"decides twice, by its cases {' and '.join(map(str, matching))}"
            yield f"Table {table.id} {decided if matching else 'leaves open'}: {told}."
    for number in sorted(set(range(1, len(table.cases) + 1)) - used):
        yield f"Table {table.id} has a case that never comes up: its case {number}."


def _fields(table: Table) -> Iterator[str]:
    for case in table.cases:
        for name in _FIELD.findall(" ".join((case.says, *case.missing, case.lift))):
            if name not in table.asks:
                yield f"Table {table.id} writes {{{name}}} and does not ask for it."


def accepts(case: Case, answers: dict[str, str | int]) -> bool:
    """Whether the case takes these answers; a day is given by its ordinal."""
    return all(
        any(
            one == given if isinstance(one, str) else isinstance(given, int) and one.holds(given)
            for one in accepted
        )
        for question, accepted in case.accepts.items()
        for given in (answers[question],)
    )


def _classes(table: Table, question: str) -> tuple[str | int, ...]:
    """Answers that stand for all: each word, and one number of each section."""
    domain = DOMAINS[question]
    if isinstance(domain, Choice):
        return domain.answers
    if isinstance(domain, Number):
        return (*range(domain.low, domain.high + 1), UNKNOWN)
    begins = {_FIRST_DAY}
    for case in table.cases:
        for span in case.accepts.get(question, ()):
            if isinstance(span, Span):
                begins.update(
                    {span.low} if span.low is not None else (),
                    {span.high + 1} if span.high is not None else (),
                )
    return tuple(sorted(begins))


def _told(question: str, value: str | int) -> str:
    if isinstance(DOMAINS[question], Day) and isinstance(value, int):
        return date.fromordinal(value).isoformat()
    return str(value)


def _options(rules: RuleSet) -> Iterator[str]:
    ways = [(option, way) for option in rules.options.values() for way in option.ways]
    taken = {rule for _, way in ways for rule in way.rules}
    taken |= {condition for process in rules.processes for condition in process.conditions}
    for unused in sorted(set(rules.tables) - taken):
        yield f"Table {unused} belongs to no option and to no process."
    for option, way in ways:
        if not way.rules:
            yield f"Option {option.id} has a way without rules, which would always hold."
        for rule in way.rules:
            if rule not in rules.tables:
                yield f"Option {option.id} names the table {rule}, which there is not."
            elif not way.certificates and any(one in OF_CERTIFICATE for one in rules.tables[rule].asks):
                yield f"Option {option.id} takes no certificate, and its table {rule} asks of one."


def _processes(rules: RuleSet) -> Iterator[str]:
    named = {(one.service, one.id) for one in rules.processes}
    if len(named) != len(rules.processes):
        yield "Two processes of one service have the same id."
    offered = {option for process in rules.processes for option in process.options}
    for unused in sorted(set(rules.options) - offered):
        yield f"Option {unused} belongs to no process."
    for process in rules.processes:
        yield from _process(rules, process)
    for sunset in rules.sunsets:
        if sunset.status is Status.ACTIVE:
            yield f"The sunset of {sunset.standard} makes certificates active."


def _process(rules: RuleSet, process: Process) -> Iterator[str]:
    where = f"Process {process.service}/{process.id}"
    siblings = {one.id for one in rules.processes if one.service == process.service}
    for option in sorted(set(process.options) - set(rules.options)):
        yield f"{where} names the option {option}, which there is not."
    for condition in process.conditions:
        if condition not in rules.tables:
            yield f"{where} names the table {condition}, which there is not."
        elif any(one in OF_CERTIFICATE for one in rules.tables[condition].asks):
            yield f"{where} has the condition {condition}, which asks of a certificate; only options can."
    for other in sorted(set(process.follows) - siblings):
        yield f"{where} follows {other}, which its service does not have."
    if not process.options and not process.conditions and process.without_option is None:
        yield f"{where} has neither options nor conditions; write `without-option`."
    if process.options and process.without_option is not None:
        yield f"{where} has options, and says what holds without one."


def _acts(rules: RuleSet) -> Iterator[str]:
    """Where a set has acts, each process is asked for by one, so that none answers before its first day."""
    acts = (*(one.act for one in rules.processes), *(one.act for one in rules.options.values()))
    named = {one.id for one in acts if one is not None}
    for unused in sorted(set(rules.acts) - named):
        yield f"No process and no option is by the act {unused}."
    for process in rules.processes if rules.acts else ():
        if process.act is None:
            yield f"Process {process.service}/{process.id} names no act, though the set has acts."


def _parameters(rules: RuleSet) -> Iterator[str]:
    """Parameters without which a question would find everything in order."""
    told = set()
    for process in rules.processes:
        for option in (rules.options[one] for one in process.options if one in rules.options):
            for way in option.ways:
                given = {**rules.parameters, **process.parameters, **way.parameters}
                asked = {
                    question
                    for rule in way.rules
                    if rule in rules.tables
                    for question in rules.tables[rule].asks
                }
                told |= {
                    f"{process.service}/{process.id}, {option.id}: {one}" for one in _lacking(asked, given)
                }
    yield from sorted(told)


def _lacking(asked: AbstractSet[str], given: Mapping[str, Parameter]) -> Iterator[str]:
    def listed(name: str) -> tuple[str, ...]:
        found = given.get(name, ())
        return found if isinstance(found, tuple) else ()

    if "profile" in asked and not listed("profiles"):
        yield "`profile` is asked, and no `profiles` are named."
    areas = (*listed("areas-fips-140-2"), *listed("areas-fips-140-3"))
    if {"uncovered", "areas"} & asked and not (listed("areas-fips-140-2") and listed("areas-fips-140-3")):
        yield "areas are asked for, and `areas-fips-140-2` or `areas-fips-140-3` is empty."
    if "areas" in asked and not listed("areas"):
        yield "`areas` is asked, and none are named that matter."
    for one in listed("areas") if "areas" in asked else ():
        for name in one.split("|"):
            if name.strip() not in areas:
                yield f"the area {name.strip()!a:.60} is in no list of areas."
    yield from (
        f"`{question}` is asked, and `{name}` is empty."
        for question in _LISTS.keys() & asked
        for name in _LISTS[question]
        if not listed(name)
    )
    level = given.get("level")
    if "uncovered" in asked and not (isinstance(level, int) and 1 <= level <= 4):  # levels of FIPS 140
        yield "`uncovered` is asked, and `level` is none from 1 to 4."
