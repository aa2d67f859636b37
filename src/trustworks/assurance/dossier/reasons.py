"""Why each verdict is what it is, for people: rule, reference, facts, what is missing, what would lift it.

All options with all rules are in `verdicts.json`; here is the option that carries furthest, with what holds
it where it is, and each other option in a line.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from trustworks.assurance.dossier.layout import Chapter, Part, Table
from trustworks.assurance.model import Verdict, standing
from trustworks.assurance.report import fact_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustworks.assurance.model import OptionVerdict, ProcessVerdict, Reason, Report

_ABOUT: Final = (
    "Of each process with each product: the option that carries furthest, the rules that hold it where it "
    "is, and the conditions that lower it. verdicts.json has every rule of every option."
)
_HEAD: Final = ("Answer and rule", "What was found, and reference", "Facts", "Missing, and what lifts it")


def reasons(report: Report, verdict: Callable[[ProcessVerdict], str]) -> Chapter:
    """All processes of a report, one by one; `verdict` tells one in words."""
    return Chapter(
        title=f"Why: {report.title}, {report.at}",
        paragraphs=(
            _ABOUT,
            *(() if report.services else ("Nothing is bound to a service: missing.",)),
        ),
        parts=tuple(_part(one, verdict(one)) for service in report.services for one in service.processes),
    )


def _part(process: ProcessVerdict, verdict: str) -> Part:
    about = ", ".join(filter(None, (process.service, process.process, process.product)))
    best = process.best
    low = [one for one in process.conditions if one.verdict is not Verdict.STRONG]
    rows = tuple(_row(one) for one in chain(() if best is None else best.deciding, low))
    return Part(
        title=f"{about}: {verdict}",
        paragraphs=tuple(_paragraphs(process)),
        table=Table(head=_HEAD, rows=rows, widths=(3, 6, 6, 6)) if rows else None,
        listed=tuple(_in_short(one) for one in process.options if one is not best),
    )


def _paragraphs(process: ProcessVerdict) -> Iterator[str]:
    if process.act:
        yield f"Asked for by: {process.act}."
    if not process.obligation:
        yield "No obligation: good practice, or the service is not a qualified one."
    if process.note:
        yield process.note
    best = process.best
    if best is not None:
        chosen = "The option that carries furthest" if len(process.options) > 1 else "The option"
        yield f"{chosen}: {_named(best)}."
    kept = [one for one in process.conditions if one.verdict is Verdict.STRONG]
    if best is not None:
        kept += [one for one in best.reasons if one.verdict.rank > best.verdict.rank]
    if kept:
        yield f"Asked, and in the way of nothing: {', '.join(dict.fromkeys(one.rule for one in kept))}."


def _named(option: OptionVerdict) -> str:
    by = f", by {option.certificate}" if option.certificate else ""
    preferred = ", which the source calls the stronger one" if option.preferred else ""
    return f"{option.option}, {option.label}{preferred}{by}: {standing(option.verdict, option.begins)}"


def _in_short(option: OptionVerdict) -> str:
    """Another option in a line; the last of its rules that decide is of the option itself."""
    why = option.deciding[-1] if option.deciding else None
    return f"{_named(option)}." + ("" if why is None else f" {why.sentence} [{why.rule}]")


def _row(reason: Reason) -> tuple[str, ...]:
    reference = f"Reference: {reason.reference}" if reason.reference else ""
    missing = f"Missing: {'; '.join(reason.missing)}." if reason.missing else ""
    return (
        f"{reason.verdict.value}\n[{reason.rule}]",
        "\n".join(filter(None, (reason.sentence, reference))),
        "\n".join(fact_words(one) for one in reason.facts) or "none",
        "\n".join(filter(None, (missing, reason.lift))) or "nothing",
    )
