"""Reports as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.assurance.engine.forecast import reasons
from trustworks.assurance.model import standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.assurance.engine import Forecast
    from trustworks.assurance.model import OptionVerdict, ProcessVerdict, Reason, Report, Used, Verdict

NOT_A_DECISION: Final = (
    "This is evidence, and no decision: the conformity assessment body and the supervisory body decide."
)


def report_lines(report: Report, *, whole: bool = False) -> Iterator[str]:
    """A report for people: what holds each verdict where it is; `whole`: every rule of every option."""
    yield f"{report.title}, {report.at}"
    for service in report.services:
        yield ""
        yield f"{service.service}: {standing(service.verdict, service.begins)}"
        for process in service.processes:
            yield from _process(process, whole=whole)
    if not report.services:
        yield "Nothing is bound to a service: `trustworks assurance binding add` binds a product."
    if report.unbound:
        yield ""
        yield from (f"Gap: {one}" for one in report.unbound)
    if report.stale:
        yield ""
        yield from (f"Old source: {one}" for one in report.stale)


def _process(process: ProcessVerdict, *, whole: bool) -> Iterator[str]:
    about = f" ({process.product})" if process.product else ""
    duty = "" if process.obligation else "  [no obligation]"
    yield f"  {process.process}{about}: {standing(process.verdict, process.begins)}{duty}"
    if process.note:
        yield f"    {process.note}"
    for option in process.options:
        yield from _option(option, whole=whole)
    for reason in process.conditions:
        if whole or reason.verdict is not _neutral(reason):
            yield from _reason(reason, "    ", whole=whole)


def _option(option: OptionVerdict, *, whole: bool) -> Iterator[str]:
    by = f", by {option.certificate}" if option.certificate else ""
    yield f"    {option.option}: {standing(option.verdict, option.begins)}{by}  {option.label}"
    for reason in option.reasons if whole else option.deciding:
        yield from _reason(reason, "      ", whole=whole)


def _reason(reason: Reason, indent: str, *, whole: bool) -> Iterator[str]:
    yield f"{indent}{reason.verdict}: {reason.sentence} [{reason.rule}; {reason.reference}]"
    for fact in reason.facts if whole else ():
        yield f"{indent}  {fact_words(fact)}"
    if reason.missing:
        yield f"{indent}  missing: {'; '.join(reason.missing)}"
    if reason.lift:
        yield f"{indent}  {reason.lift}"


def fact_words(fact: Used) -> str:
    """A fact in a line: its value, where it comes from, and how the hash of its file begins."""
    hashed = f", SHA-256 {fact.evidence[:16]}" if fact.evidence else ""
    return f"{fact.what}: {fact.value} ({fact.source}{hashed}{', old' if fact.stale else ''})"


def _neutral(reason: Reason) -> Verdict:
    """What a condition answers that lowers nothing."""
    return type(reason.verdict).STRONG


def forecast_lines(forecast: Forecast) -> Iterator[str]:
    """A forecast for people: the verdicts now, and each change with its reasons."""
    yield f"{forecast.now.title}, from {forecast.first} to {forecast.last}, if nothing but time passes"
    for service in forecast.now.services:
        for process in service.processes:
            about = f" ({process.product})" if process.product else ""
            yield f"  {process.service}/{process.process}{about}: {standing(process.verdict, process.begins)}"
            if process.verdict is not _best(process):
                yield from (f"      {one}" for one in reasons(process)[:3])
    if not forecast.changes:
        yield "No verdict changes."
    for change in forecast.changes:
        about = f" ({change.product})" if change.product else ""
        yield f"{change.day}  {change.service}/{change.process}{about}: {change.before} -> {change.after}"
        yield from (f"      {one}" for one in change.why)


def _best(process: ProcessVerdict) -> Verdict:
    return type(process.verdict).STRONG
