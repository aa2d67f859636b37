"""How a certificate stands on a day, by itself: what lists of certificates show beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.assurance.engine.known import Known
from trustworks.assurance.engine.of_certificates import QUESTIONS
from trustworks.assurance.engine.subject import Index, Subject
from trustworks.assurance.model import Binding, Facts, Product, ProductKind
from trustworks.assurance.model.age import stale

if TYPE_CHECKING:
    from datetime import date

    from trustworks.assurance.model import Certificate
    from trustworks.assurance.rulesets import RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands, in the words of the rules (active, historical, expired, unknown, ...), why, and by what.

    `oldest` is the day of the oldest source that says it where that is older than it may be.
    """

    value: str
    told: str
    oldest: date | None


def standing_of(certificate: Certificate, rules: RuleSet, at: date) -> Standing:
    """The standing of a certificate on a day, as the rules about its product would take it."""
    known = Known(QUESTIONS)
    # The question is about the certificate alone: nobody looks at the product or its process.
    subject = Subject(
        index=Index(Facts()),
        rules=rules,
        at=at,
        product=Product(id="any", kind=ProductKind.MODULE, name="any"),
        binding=Binding(product="any", service="any", process="any"),
        process=rules.processes[0],
        certificate=certificate,
        parameters={},
        stale=frozenset(),
        known=known,
        certified=known.of_certificate(certificate.id),
    )
    found = subject.ask("status")
    old = [one.provenance for one in certificate.facts if stale(one.provenance, at)]
    return Standing(
        value=str(found.value),
        told=found.words.removeprefix("it is "),
        oldest=min((one.retrieved.date() for one in old), default=None),
    )
