"""What a verdict stands on, told with where it comes from; only of what is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.assurance.model import (
    Check,
    Confirmation,
    Document,
    Fact,
    Headcount,
    Transfer,
    Used,
    due_of,
    value_text,
)

if TYPE_CHECKING:
    from trustworks.assurance.engine.subject import Basis, Subject


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
        source=f"{source.name}, {source.where}, retrieved {source.retrieved.date()}",
        evidence=source.document,
        stale=source.document in subject.stale,
    )


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
