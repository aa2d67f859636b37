"""A natural person who applies for a certificate, and what was seen of her."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from issuance_testbed import START, make_csr

from trustworks.issuance.model import NameAttribute
from trustworks.issuance.registration.model import About, Fact, NewApplication, SubjectKind

if TYPE_CHECKING:
    from trustworks.issuance.registration.model import IdentityEvidence
    from trustworks.issuance.registration.service import Registration

ANNA = (
    NameAttribute("countryName", "XX"),
    NameAttribute("givenName", "Anna Maria"),
    NameAttribute("surname", "Muster"),
    NameAttribute("serialNumber", "TEST-1"),
    NameAttribute("commonName", "Anna Muster TEST"),
)
FACTS = (
    Fact("countryName", "XX"),
    Fact("givenName", "Anna Maria"),
    Fact("surname", "Muster"),
    Fact("dateOfBirth", "1990-01-01"),
)
SEEN_ON: date = START.date() - timedelta(days=1)


def ask(**changes: Any) -> NewApplication:
    given: dict[str, Any] = {
        "profile": "natural-qcp-n-qscd",
        "kind": SubjectKind.NATURAL,
        "subject": ANNA,
        "csr": make_csr(),
        "terms": "1",
        "contact": "anna@example.com",
    }
    return NewApplication(**{**given, **changes})


def seen(desk: Registration, identifier: str, **changes: Any) -> IdentityEvidence:
    given: dict[str, Any] = {
        "about": About.SUBJECT,
        "method": "physical-presence",
        "source": "passport XX",
        "established_on": SEEN_ON,
        "facts": FACTS,
        "by": "ra-desk",
    }
    return desk.add_evidence(identifier, **{**given, **changes})
