"""What was asked for and what evidence shows, as the records keep it: canonical JSON, bound by its digest."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from trustworks.core.audit.canonical import canonical
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Declarations, Limit, PaymentServices
from trustworks.issuance.registration.model import (
    About,
    Fact,
    IdentityEvidence,
    NewApplication,
    SubjectKind,
    Subscriber,
)

if TYPE_CHECKING:
    from trustworks.core.audit import JSON


def asked_text(asked: NewApplication) -> str:
    """What an applicant asked for, as canonical JSON, without the CSR."""
    subscriber = asked.subscriber
    return canonical(
        {
            "profile": asked.profile,
            "kind": asked.kind.value,
            "subject": [[one.type, one.value] for one in asked.subject],
            "alternative_names": list(asked.alternative_names),
            "days": asked.days,
            "semantics": asked.semantics,
            "subscriber": None
            if subscriber is None
            else {"name": subscriber.name, "authorization": subscriber.authorization},
            "consent": asked.consent,
            "contact": asked.contact,
            "terms": asked.terms,
            "renews": asked.renews,
            **_declared(asked.declarations),
        }
    ).decode()


def _declared(declarations: Declarations) -> dict[str, JSON]:
    """What is declared, by its members; nothing where nothing is, as before there was anything to declare."""
    limit, services = declarations.limit, declarations.payment_services
    found: dict[str, JSON] = {}
    if limit is not None:
        found["limit"] = [limit.currency, limit.amount, limit.exponent]
    if services is not None:
        found["payment_services"] = [list(services.roles), services.authority_name, services.authority]
    return found


def _declarations(found: dict[str, Any]) -> Declarations:
    limit, services = found.get("limit"), found.get("payment_services")
    return Declarations(
        limit=None if limit is None else Limit(currency=limit[0], amount=limit[1], exponent=limit[2]),
        payment_services=None
        if services is None
        else PaymentServices(roles=tuple(services[0]), authority_name=services[1], authority=services[2]),
    )


def read_asked(text: str, csr: bytes) -> NewApplication:
    """What was asked for, from its text and its CSR."""
    found: dict[str, Any] = json.loads(text)
    subscriber = found["subscriber"]
    return NewApplication(
        profile=found["profile"],
        kind=SubjectKind(found["kind"]),
        subject=tuple(NameAttribute(*one) for one in found["subject"]),
        csr=csr,
        terms=found["terms"],
        alternative_names=tuple(found["alternative_names"]),
        days=found["days"],
        semantics=found["semantics"],
        subscriber=None if subscriber is None else Subscriber(**subscriber),
        consent=found["consent"],
        contact=found["contact"],
        renews=found["renews"],
        declarations=_declarations(found),
    )


def evidence_text(piece: IdentityEvidence) -> bytes:
    """What a piece of evidence tells of its person."""
    return canonical(
        {
            "source": piece.source,
            "established_on": piece.established_on.isoformat(),
            "ends_on": None if piece.ends_on is None else piece.ends_on.isoformat(),
            "facts": [[fact.type, fact.value] for fact in piece.facts],
        }
    )


def read_evidence(row: Any) -> IdentityEvidence:
    """A piece of evidence, from its row."""
    content: dict[str, Any] = json.loads(row.content)
    return IdentityEvidence(
        id=row.id,
        about=About(row.about),
        method=row.method,
        source=content["source"],
        established_on=date.fromisoformat(content["established_on"]),
        ends_on=None if content["ends_on"] is None else date.fromisoformat(content["ends_on"]),
        facts=tuple(Fact(*one) for one in content["facts"]),
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        origin=row.origin,
    )
