"""Reads the hand-made tables of verdicts that assurance is expected to give; compares a report with them.

A case has a day or several (`at`); what is expected is one value for all of its days, or a list beside them.
Keys of `expect` are options, `process` (each process of the case, with its first product), `service`,
`product` (the first), or `service/process` by name.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from expected_base import EXPECTATIONS, Baseline, ExpectationError, baseline, refuse_unknown
from expected_facts import KEYS, facts

from trustworks.assurance.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trustworks.assurance.model import (
        Facts,
        OptionVerdict,
        ProcessVerdict,
        Reason,
        Report,
        ServiceVerdict,
    )

RULE_SETS: Final = ("guidance", "current")
ABSENT: Final = "absent"  # the process does not offer this option
HOLDS: Final = "holds"  # strong or argued: where nothing but rules decide, no source says which of the two
_VERDICTS: Final = frozenset({*Verdict, ABSENT, HOLDS})
_HOLDING: Final = frozenset({Verdict.STRONG, Verdict.ARGUED})

# What a case expects beside its verdicts. `missing` and `says`: words that the answer names, in what is
# missing or in its sentences; `unbound`: words in the report's gaps.
_EXPECTED: Final = frozenset(
    {"expect", "missing", "says", "note", "obligation", "stale", "preferred", "unbound"}
)
_WORDS: Final = frozenset({"id", "words", "reference", "open", "at"})
_FILE_KEYS: Final = frozenset({"rule_set", "options", "groups", "sunsets", "case"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One case on one day."""

    id: str
    words: str
    reference: str
    open: str
    at: date
    facts: Facts
    product: str
    paths: tuple[str, ...]
    expect: Mapping[str, str]
    missing: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    note: tuple[str, ...] = ()
    unbound: tuple[str, ...] = ()
    obligation: bool | None = None
    stale: bool | None = None
    preferred: tuple[str, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(
            key for key in self.expect if "/" not in key and key not in {"process", "service", "product"}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One file of expectations: its cases, in its order, and what the file says it covers."""

    rule_set: str
    options: Mapping[str, tuple[str, ...]]  # process -> the options that it offers
    sunsets: tuple[date, ...]  # the first days on which something holds no more, or begins to hold
    cases: tuple[Expected, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RealProduct:
    """What one rule set is expected to answer of a real certificate, by the option that it concerns."""

    kind: str
    number: str
    rule_set: str
    option: str
    verdicts: tuple[tuple[date, Verdict], ...]


def real_products() -> tuple[RealProduct, ...]:
    """`products.toml`: two rows for each certificate."""
    data = tomllib.loads((EXPECTATIONS / "products.toml").read_text(encoding="utf-8"))
    days = data["days"]
    found = []
    for kind, number, *answers in data["certificates"]:
        for rule_set, option, verdicts in zip(RULE_SETS, answers[::2], answers[1::2], strict=True):
            found.append(
                RealProduct(
                    kind=kind,
                    number=number,
                    rule_set=rule_set,
                    option=option,
                    verdicts=tuple(zip(days, (Verdict(one) for one in verdicts), strict=True)),
                )
            )
    return tuple(found)


@cache
def table(name: str) -> Table:
    """`guidance` or `current`."""
    return read((EXPECTATIONS / f"{name}.toml").read_text(encoding="utf-8"), baseline())


def read(text: str, known: Baseline) -> Table:
    """The cases of a file; an ExpectationError names the case that cannot be read."""
    data = tomllib.loads(text)
    refuse_unknown(data, _FILE_KEYS)
    offered = {path: tuple(options) for path, options in data["options"].items()}
    refuse_unknown(offered, known.processes)
    cases: list[Expected] = []
    ids = Counter(given.get("id") for given in data["case"])
    for given in data["case"]:
        name = given.get("id", "without an id")
        if ids[name] > 1:
            raise ExpectationError(f"case {name}: there is another case of this id")
        try:
            cases += _case(given, data.get("groups", {}), offered, known)
        except (ExpectationError, KeyError, TypeError, ValueError) as error:
            raise ExpectationError(f"case {name}: {type(error).__name__}: {error}") from error
    return Table(
        rule_set=data["rule_set"], options=offered, sunsets=tuple(data["sunsets"]), cases=tuple(cases)
    )


def _case(
    given: Mapping[str, Any],
    groups: Mapping[str, Sequence[str]],
    offered: Mapping[str, Sequence[str]],
    known: Baseline,
) -> Iterator[Expected]:
    refuse_unknown(given, _WORDS | _EXPECTED | KEYS)
    paths = [path for one in given["processes"] for path in groups.get(one, (one,))]
    row = {key: value for key, value in given.items() if key in KEYS} | {"processes": paths}
    made = facts(row, known)
    days = given["at"] if isinstance(given["at"], list) else [given["at"]]
    if not all(type(day) is date for day in days) or days != sorted(set(days)):
        raise ExpectationError("`at` is a day, or days in their order")
    bound = {f"{one.service}/{one.process}" for one in made.bindings}
    for number, day in enumerate(days):
        expect = {key: _of_day(value, number, len(days)) for key, value in given["expect"].items()}
        obligation, stale = (
            None if key not in given else bool(_of_day(given[key], number, len(days)))
            for key in ("obligation", "stale")
        )
        found = Expected(
            id=given["id"],
            words=given["words"],
            reference=given["reference"],
            open=given.get("open", ""),
            at=day,
            facts=made,
            product=known.base(given["base"]).product,
            paths=tuple(paths),
            expect=expect,
            missing=tuple(given.get("missing", ())),
            says=tuple(given.get("says", ())),
            note=tuple(given.get("note", ())),
            unbound=tuple(given.get("unbound", ())),
            obligation=obligation,
            stale=stale,
            preferred=tuple(given.get("preferred", ())),
        )
        _check_expected(found, offered, bound)
        yield found


def _of_day(value: Any, number: int, days: int) -> Any:
    if not isinstance(value, list):
        return value
    if len(value) != days:
        raise ExpectationError(f"{len(value)} values for {days} days")
    return value[number]


def _check_expected(found: Expected, offered: Mapping[str, Sequence[str]], bound: set[str]) -> None:
    if not found.expect:
        raise ExpectationError("expects nothing")
    if not found.words.strip() or not found.reference.strip():
        raise ExpectationError("says no words or no reference")
    every = {option for options in offered.values() for option in options}
    for key, value in found.expect.items():
        if value not in _VERDICTS:
            raise ExpectationError(f"{value!r} is no verdict")
        if "/" in key or key in {"process", "service", "product"}:
            if "/" in key and key not in offered and key not in bound:
                raise ExpectationError(f"nothing is called {key!r}")
        elif key not in every:
            raise ExpectationError(f"no option is called {key!r}")
        else:
            offers = [key in offered.get(path, ()) for path in found.paths]
            if any(offers) is (value == ABSENT) or any(offers) is not all(offers):
                raise ExpectationError(f"{key} is not what {', '.join(found.paths)} offer, or do not")


def deviations(case: Expected, report: Report) -> list[str]:
    """Where a report differs from what the case expects: a sentence each."""
    found: list[str] = []
    if report.at != case.at:
        found.append(f"the report is of {report.at}")
    services = {one.service: one for one in report.services}
    processes = [_process(services, path, case.product) for path in case.paths]
    for path, process in zip(case.paths, processes, strict=True):
        if process is None:
            if case.options or "process" in case.expect:
                found.append(f"{path}: no verdict with {case.product}")
            continue
        found += _of_process(case, path, process)
    found += _of_services_and_products(case, services, report)
    if case.stale is not None and bool(report.stale) is not case.stale:
        found.append(f"stale: {', '.join(report.stale) or 'nothing'}")
    found += _unnamed("unbound", case.unbound, report.unbound)
    if not case.options and "process" not in case.expect:
        found += _named_in_any(case, services)
    return found


def _of_services_and_products(
    case: Expected, services: Mapping[str, ServiceVerdict], report: Report
) -> Iterator[str]:
    if "service" in case.expect:
        for name in sorted({path.partition("/")[0] for path in case.paths}):
            service = services.get(name)
            yield from _compared(
                f"service {name}", case.expect["service"], None if service is None else service.verdict
            )
    for key, expected in case.expect.items():
        if "/" in key:
            other = _process(services, key, None)
            yield from _compared(key, expected, None if other is None else other.verdict)
    if "product" in case.expect:
        verdicts = {one.product: one.verdict for one in report.products}
        yield from _compared(f"product {case.product}", case.expect["product"], verdicts.get(case.product))


def _process(services: Mapping[str, ServiceVerdict], path: str, product: str | None) -> ProcessVerdict | None:
    service, _, process = path.partition("/")
    if service not in services:
        return None
    found = [one for one in services[service].processes if one.process == process]
    if product is not None:
        found = [one for one in found if one.product in {product, None}]
    return min(found, key=lambda one: one.verdict.rank, default=None)


def _of_process(case: Expected, path: str, process: ProcessVerdict) -> Iterator[str]:
    options = {one.option: one for one in process.options}
    for option in case.options:
        found = options.get(option)
        yield from _compared(
            f"{path} {option}", case.expect[option], None if found is None else found.verdict
        )
    if "process" in case.expect:
        yield from _compared(path, case.expect["process"], process.verdict)
    if case.obligation is not None and process.obligation is not case.obligation:
        yield f"{path}: obligation is {process.obligation}"
    for option in case.preferred:
        if option not in options or not options[option].preferred:
            yield f"{path} {option}: not preferred"
    yield from _unnamed(f"{path}: note", case.note, (process.note,))
    if case.options or "process" in case.expect:
        asked = [options[one] for one in case.options if one in options]
        yield from _named(path, case, _reasons(process, asked))


def _reasons(process: ProcessVerdict, asked: Sequence[OptionVerdict]) -> list[Reason]:
    """Of the options that the case asks for; of all, and the conditions, where it asks for the process."""
    options = asked or process.options
    return [*(reason for one in options for reason in one.reasons), *process.conditions]


def _named_in_any(case: Expected, services: Mapping[str, ServiceVerdict]) -> Iterator[str]:
    reasons = [
        reason
        for service in services.values()
        for process in service.processes
        for reason in _reasons(process, ())
    ]
    return _named(case.product, case, reasons)


def _named(where: str, case: Expected, reasons: Sequence[Reason]) -> Iterator[str]:
    yield from _unnamed(f"{where}: missing", case.missing, [word for one in reasons for word in one.missing])
    yield from _unnamed(f"{where}: sentences", case.says, [one.sentence for one in reasons])


def _unnamed(where: str, words: Sequence[str], texts: Sequence[str]) -> Iterator[str]:
    plain = [_plain(text) for text in texts]
    for word in words:
        if not any(_plain(word) in text for text in plain):
            yield f"{where} do not name {word!r}: {' | '.join(texts) or 'nothing'}"


def _plain(text: str) -> str:
    return text.casefold().replace("-", " ")


def _compared(where: str, expected: str, found: Verdict | None) -> Iterator[str]:
    if expected == ABSENT:
        right = found is None
    elif expected == HOLDS:
        right = found in _HOLDING
    else:
        right = found == expected
    if not right:
        yield f"{where}: expected {expected}, found {found or 'nothing'}"
