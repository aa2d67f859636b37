"""What a rule says of what was found, and what it stands on; only of what is shown."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.model import (
    Check,
    Confirmation,
    Document,
    Fact,
    Headcount,
    Reason,
    Transfer,
    Used,
    due_of,
    value_text,
)
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustworks.assurance.engine.subject import Answer, Basis, Subject
    from trustworks.assurance.model import Provenance
    from trustworks.assurance.rulesets import Case, Table


_FIELD: Final = re.compile(r"\{([^{}]*)\}")


def _bare(rule: Callable[..., Reason], *given: Any) -> Reason:
    return replace(rule(*given), reference="", facts=(), missing=(), lift="")


@implements("TRUSTWORKS:ASSURANCE-REFERENCE-OF-ACT", disabled="")
def _where(table: Table, subject: Subject) -> str:
    """The place of the act that asks for the process, and no other act's."""
    return subject.process.reference_of(table)


@implements("TRUSTWORKS:ASSURANCE-EXPLAINED", disabled=_bare)
def explain(table: Table, case: Case, subject: Subject) -> Reason:
    """What a table says, with all that it stands on."""
    asked = {question: subject.ask(question) for question in table.asks}
    # Told once, though several questions stand on it. By identity: most are not to be hashed.
    bases = {id(basis): basis for one in asked.values() for basis in one.facts}
    return Reason(
        rule=table.id,
        reference=_where(table, subject),
        verdict=case.verdict,
        sentence=_fill(case.says, asked),
        facts=tuple([tell(subject, one) for one in bases.values()]),
        missing=tuple([_fill(one, asked) for one in case.missing]) if case.missing else (),
        lift=_fill(case.lift, asked),
    )


def _fill(text: str, known: Mapping[str, Answer]) -> str:
    if "{" not in text:
        return text
    pieces = _pieces(text)
    return "".join([known[one].words if field else one for field, one in pieces])


@lru_cache(maxsize=4096)  # by the sentences of rule sets, over and over
def _pieces(text: str) -> tuple[tuple[bool, str], ...]:
    """A sentence in pieces, and of each whether it is the name of a question."""
    return tuple((number % 2 == 1, one) for number, one in enumerate(_FIELD.split(text)))


def tell(subject: Subject, basis: Basis) -> Used:
    """What one fact or statement says, by whom or where, and the hash of its file."""
    if isinstance(basis, Used):
        return basis
    told = subject.known.told
    found = told.get(id(basis))
    if found is None:
        found = told[id(basis)] = _told(subject, basis)
    return found


def _told(subject: Subject, basis: Fact | Confirmation | Document | Check | Transfer | Headcount) -> Used:
    if isinstance(basis, Fact):
        return _fact(subject, basis)
    if isinstance(basis, Confirmation):
        return Used(
            what=f"{basis.certificate} {basis.kind}",
            value=", ".join(basis.values) or ("complete" if basis.complete else "incomplete"),
            source=f"{basis.by}, {basis.on}, {basis.page}",
        )
    if isinstance(basis, Document):
        return Used(
            what=f"{basis.product} {basis.kind}",
            value=basis.title,
            source=f"written {basis.written}",
            evidence=basis.sha256,
        )
    if isinstance(basis, Check):
        return _check(basis)
    return _transfer(basis) if isinstance(basis, Transfer) else _headcount(basis)


def _fact(subject: Subject, fact: Fact) -> Used:
    source = fact.provenance
    about = "" if subject.certificate is None else f"{subject.certificate.id} "
    return Used(
        what=f"{about}{fact.name}",
        value=value_text(fact.value),
        source=_source(subject, source),
        evidence=source.document,
        stale=source.document in subject.stale,
    )


def _source(subject: Subject, provenance: Provenance) -> str:
    told = subject.index.told
    found = told.get(id(provenance))
    if found is None:  # all facts of a page have one
        found = told[id(provenance)] = (
            f"{provenance.name}, {provenance.where}, retrieved {provenance.retrieved.date()}"
        )
    return found


def _check(one: Check) -> Used:
    persons = len(set(one.persons))
    told = f"{'passed' if one.passed else 'failed'}{_again(one)}"
    by = f"{persons} person{'' if persons == 1 else 's'}"
    return Used(what=f"{one.product} {one.kind}", value=told, source=f"{by}, {one.on}")


def _again(one: Check) -> str:
    due = due_of(one)
    return "" if due is None else f", due again {due}{'' if one.due else ' (by its kind)'}"


def _transfer(one: Transfer) -> Used:
    told = f"equal protection: {one.equal_protection}, dual control: {one.dual_control}"
    return Used(what=f"{one.source} to {one.target}", value=told, source=f"{one.on}")


def _headcount(one: Headcount) -> Used:
    allowed = "?" if one.allowed is None else one.allowed
    return Used(what=f"{one.product} {one.act}", value=f"{one.persons} of {allowed}", source=f"{one.on}")
