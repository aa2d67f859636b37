"""A natural person who applies for a certificate, and what was seen of her."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from issuance_testbed import START, make_csr

from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Declarations, PaymentServices
from trustworks.issuance.registration.devices import NewDevice
from trustworks.issuance.registration.model import (
    About,
    Application,
    Fact,
    IdentityEvidence,
    NewApplication,
    SubjectKind,
)

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.errors import Unavailable
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
# A payment service provider, as its register tells of it, and who acts for it.
PAYER = (
    NameAttribute("countryName", "XX"),
    NameAttribute("organizationName", "Payer TEST Ltd"),
    NameAttribute("organizationIdentifier", "PSDXX-NCA-1234"),
    NameAttribute("commonName", "Payer TEST Seal"),
)
PAYMENTS = PaymentServices(roles=("PSP_AS", "PSP_PI"), authority_name="Supervisor TEST", authority="XX-NCA")
AUTHORIZED = (
    Fact("countryName", "XX"),
    Fact("organizationName", "Payer TEST Ltd"),
    Fact("organizationName", "Payer TEST Seal"),
    Fact("organizationIdentifier", "PSDXX-NCA-1234"),
    Fact("competentAuthorityName", "Supervisor TEST"),
    Fact("competentAuthorityIdentifier", "XX-NCA"),
    Fact("authorizationNumber", "1234"),
    Fact("paymentServiceRole", "PSP_AS"),
    Fact("paymentServiceRole", "PSP_PI"),
    Fact("paymentServiceRole", "PSP_AI"),
)
DIRECTOR = (
    Fact("givenName", "Otto"),
    Fact("surname", "Normal"),
    Fact("dateOfBirth", "1980-01-01"),
    Fact("authority", "director"),
)
SEEN_ON: date = START.date() - timedelta(days=1)
CARD = "TEST card"
DEVICES: tuple[dict[str, Any], ...] = (
    {
        "product": CARD,
        "kind": "qscd",
        "certified-until": START.date() + timedelta(days=30),
        "reference": "TEST-CC-1, list of Article 31",
        "shown-by": ["personalised"],
    },
    {
        "product": "TEST stick",
        "kind": "secure-device",
        "certified-until": date(2099, 12, 31),
        "reference": "TEST-FIPS-1",
        "shown-by": ["personalised"],
    },
)


def received(asked: NewApplication, *, at: datetime, **changes: Any) -> Application:
    """An application as the records have it that was just handed in."""
    given: dict[str, Any] = {"evidence": (), **changes}
    return Application(
        id="a1",
        state="received",
        asked=asked,
        key_id="00" * 32,
        received_at=at,
        received_by="ra",
        decisions=(),
        serial=None,
        digest="",
        **given,
    )


def handed_over(application: Application, **changes: Any) -> NewDevice:
    """A card that the provider made the application's key in."""
    given: dict[str, Any] = {
        "product": CARD,
        "way": "personalised",
        "key_id": application.key_id,
        "serial_number": "CARD-1",
        "source": "personalised by the desk; receipt 17 signed by the subject",
        "established_on": SEEN_ON,
    }
    return NewDevice(**{**given, **changes})


def ask(**changes: Any) -> NewApplication:
    given: dict[str, Any] = {
        "profile": "natural-qcp-n",
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


def ask_for_mail(*addresses: str, **changes: Any) -> NewApplication:
    """A natural person's application for a certificate for electronic mail."""
    given: dict[str, Any] = {
        "profile": "smime-individual",
        "subject": (
            NameAttribute("givenName", "Anna"),
            NameAttribute("surname", "Muster"),
            NameAttribute("commonName", "Anna Muster TEST"),
        ),
        "contact": None,
        "alternative_names": tuple(f"email:{one}" for one in addresses),
    }
    return ask(**{**given, **changes})


def seen_for_mail(desk: Registration, identifier: str, *addresses: str) -> None:
    """The evidence for `ask_for_mail`."""
    facts = (
        Fact("givenName", "Anna"),
        Fact("surname", "Muster"),
        Fact("dateOfBirth", "1990-01-01"),
        *(Fact("emailAddress", one) for one in addresses),
    )
    seen(desk, identifier, facts=facts)


class Letters:
    """A mailer that keeps what it is given, or whose server is away."""

    def __init__(self) -> None:
        self.values: list[tuple[str, str]] = []
        self.away: Unavailable | None = None

    def send(self, address: str, value: str, *, application: str, until: datetime) -> None:
        assert application
        assert until.tzinfo is not None
        if self.away is not None:
            raise self.away
        self.values.append((address, value))


def ask_payments(services: PaymentServices = PAYMENTS, **changes: Any) -> NewApplication:
    """A payment service provider asks for a seal."""
    given: dict[str, Any] = {
        "profile": "psd2-qseal",
        "kind": SubjectKind.LEGAL,
        "subject": PAYER,
        "declarations": Declarations(payment_services=services),
    }
    return ask(**{**given, **changes})


def seen_payments(desk: Registration, identifier: str, facts: tuple[Fact, ...] = AUTHORIZED) -> None:
    """What was seen of it: its register, and its director in person."""
    seen(
        desk,
        identifier,
        about=About.ORGANIZATION,
        method="official-register",
        source="register of payment institutions XX",
        facts=facts,
    )
    seen(desk, identifier, about=About.REPRESENTATIVE, facts=DIRECTOR)
    desk.record_device(identifier, handed_over(desk.application(identifier)), by="ra-desk")


def applied(asked: NewApplication, *evidence: IdentityEvidence, **changes: Any) -> Application:
    """An application as the rules see it, of no desk."""
    given: dict[str, Any] = {
        "id": "a1",
        "state": "received",
        "asked": asked,
        "key_id": "00" * 32,
        "received_at": START,
        "received_by": "ra-desk",
        "evidence": evidence,
        "decisions": (),
        "serial": None,
        "digest": "",
    }
    return Application(**{**given, **changes})


def piece(about: About = About.SUBJECT, facts: tuple[Fact, ...] = FACTS, **changes: Any) -> IdentityEvidence:
    """A piece of evidence as the rules see it."""
    given: dict[str, Any] = {
        "id": "e1",
        "about": about,
        "method": "physical-presence",
        "source": "passport XX",
        "established_on": SEEN_ON,
        "facts": facts,
        "recorded_at": START,
        "recorded_by": "ra-desk",
    }
    return IdentityEvidence(**{**given, **changes})
