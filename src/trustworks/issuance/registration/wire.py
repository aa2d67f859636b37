"""Applications, evidence and what is told of them, as JSON: the same for command line, API and pages."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trustworks.core.errors import Malformed
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Declarations, PaymentServices
from trustworks.issuance.registration.devices import NewDevice
from trustworks.issuance.registration.model import (
    About,
    Fact,
    NewApplication,
    SubjectKind,
    Subscriber,
)
from trustworks.issuance.wire import limit_text, read_limit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.issuance.registration.model import (
        Application,
        DeviceEvidence,
        IdentityEvidence,
        Review,
    )

_ABOUT = Literal["subject", "organization", "representative", "association", "subscriber"]


class Body(BaseModel):
    """A JSON object with these members and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SubscriberBody(Body):
    """Who applies for another subject."""

    name: str = Field(min_length=1, max_length=255)
    authorization: str | None = Field(
        default=None, max_length=255, description="Where the subject's agreement is found."
    )


class PaymentServicesBody(Body):
    """What the certificate of a payment service provider is to state of it (TS 119 495)."""

    roles: tuple[str, ...] = Field(
        min_length=1, max_length=8, description="The roles: PSP_AS, PSP_PI, PSP_AI, PSP_IC."
    )
    authority_name: str = Field(
        max_length=256, description="The competent authority's name, in Latin letters."
    )
    authority: str = Field(max_length=16, description="Its identifier, for example XX-NCA.")

    def read(self) -> PaymentServices:
        """The same in the words of the service."""
        return PaymentServices(roles=self.roles, authority_name=self.authority_name, authority=self.authority)


class ApplicationBody(Body):
    """An application for a certificate."""

    profile: str = Field(max_length=64, description="The certificate profile.")
    kind: Literal["natural", "legal"] = Field(
        description="Whether the subject is a person or an organization."
    )
    subject: dict[str, str] = Field(
        description="The subject's name: attributes by their names in X.520, for example commonName."
    )
    csr: str = Field(max_length=24_000, description="The certification request (PKCS#10) in PEM.")
    terms: str = Field(
        max_length=64, description="The version of the terms and conditions that was accepted."
    )
    alternative_names: tuple[str, ...] = Field(
        default=(), max_length=100, description="DNS:name, IP:address."
    )
    days: int | None = Field(default=None, description="Days of validity; the profile's when left out.")
    semantics: bool = Field(
        default=False, description="Whether the subject's identifier follows EN 319 412-1, 5.1."
    )
    subscriber: SubscriberBody | None = Field(
        default=None, description="Who applies, where that is not the subject."
    )
    consent: bool | None = Field(
        default=None, description="Whether the subject agrees to the certificate's publication."
    )
    contact: str | None = Field(default=None, max_length=255, description="An e-mail address for notices.")
    renews: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{40}$",
        description="Serial number of the certificate whose place it takes.",
    )
    limit: str | None = Field(
        default=None,
        max_length=40,
        description="The highest value of a transaction that the certificate is for, for example EUR 5000.",
    )
    payment_services: PaymentServicesBody | None = Field(
        default=None, description="Of a payment service provider: its roles, and who authorised it."
    )

    def read(self) -> NewApplication:
        """The application in the words of the service."""
        return NewApplication(
            profile=self.profile,
            kind=SubjectKind(self.kind),
            subject=tuple(NameAttribute(name, value) for name, value in self.subject.items()),
            csr=self.csr.encode(),
            terms=self.terms,
            alternative_names=self.alternative_names,
            days=self.days,
            semantics=self.semantics,
            subscriber=None
            if self.subscriber is None
            else Subscriber(name=self.subscriber.name, authorization=self.subscriber.authorization),
            consent=self.consent,
            contact=self.contact,
            renews=self.renews,
            declarations=Declarations(
                limit=None if self.limit is None else read_limit(self.limit),
                payment_services=None if self.payment_services is None else self.payment_services.read(),
            ),
        )


class EvidenceBody(Body):
    """What shows who somebody is."""

    about: _ABOUT = Field(description="Whom it is about.")
    method: str = Field(
        max_length=40, description="By which method; the configuration lists those that count."
    )
    source: str = Field(max_length=200, description="What was looked at, for example: passport XX.")
    established_on: date = Field(description="The day of the identification.")
    ends_on: date | None = Field(default=None, description="The last day of the document, if it ends.")
    facts: dict[str, str | tuple[str, ...]] = Field(
        min_length=1,
        max_length=40,
        description="What it shows: attributes as in the subject, dateOfBirth ...; several values in a list.",
    )

    def read(self) -> dict[str, Any]:
        """The arguments of `Registration.add_evidence`."""
        return {
            "about": About(self.about),
            "method": self.method,
            "source": self.source,
            "established_on": self.established_on,
            "ends_on": self.ends_on,
            "facts": tuple(
                Fact(name, value)
                for name, found in self.facts.items()
                for value in ((found,) if isinstance(found, str) else found)
            ),
        }


class DeviceBody(Body):
    """The device that holds the key of an application, and what shows it."""

    product: str = Field(max_length=64, description="The product, as the configuration calls it.")
    way: Literal["attestation", "personalised", "own-module"] = Field(
        description="By what it is known: the maker's attestation, the provider's own handover, or the "
        "register of keys of the provider's own module."
    )
    attestation: str | None = Field(
        default=None,
        max_length=24_000,
        description="With attestation: certificates in PEM, the statement about the key first.",
    )
    key: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="With personalised: SHA-256 of the SubjectPublicKeyInfo of the key made in the device.",
    )
    serial_number: str | None = Field(
        default=None, max_length=200, description="With personalised: the device's serial number."
    )
    source: str | None = Field(
        default=None,
        max_length=200,
        description="With personalised: who personalised it, and what was signed when it was handed over.",
    )
    established_on: date | None = Field(default=None, description="With personalised: the day of handover.")

    def read(self) -> NewDevice:
        """The same in the words of the service. Raises `Malformed` for what does not go with the way."""
        of_handover = (self.key, self.serial_number, self.source, self.established_on)
        if (self.attestation is not None) != (self.way == "attestation"):
            raise Malformed("The member attestation goes with the way attestation, and with no other.")
        if any(one is not None for one in of_handover) and self.way != "personalised":
            raise Malformed(
                "The members key, serial_number, source and established_on go with the way personalised "
                "alone; the other two ways tell them themselves."
            )
        return NewDevice(
            product=self.product,
            way=self.way,
            attestation=(self.attestation or "").encode(),
            key_id=self.key or "",
            serial_number=self.serial_number or "",
            source=self.source or "",
            established_on=self.established_on,
        )


class DecisionBody(Body):
    """Why an application is approved, rejected or withdrawn."""

    reason: str = Field(max_length=1000, description="The reason, kept with the decision.")


def read_json(body: type[Any], text: bytes | str) -> Any:
    """The body in JSON. Raises `Malformed` with every member that is wrong."""
    try:
        return body.model_validate_json(text)
    except ValidationError as error:
        raise Malformed(f"The JSON is not what is expected here: {_wrong(error)}.") from None


def read_values(body: type[Any], values: Mapping[str, str]) -> Any:
    """As `read_json`, of what stands behind the question mark of an address."""
    try:
        return body.model_validate(values)
    except ValidationError as error:
        raise Malformed(f"The query is not what is expected here: {_wrong(error)}.") from None


def _wrong(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'the text'}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors(include_url=False, include_input=False)
    )


def application_json(application: Application) -> dict[str, Any]:
    """An application as JSON tells it."""
    asked = application.asked
    return {
        "id": application.id,
        "state": application.state,
        "profile": asked.profile,
        "kind": asked.kind.value,
        "subject": {one.type: one.value for one in asked.subject},
        "alternative_names": list(asked.alternative_names),
        "subscriber": None
        if asked.subscriber is None
        else {"name": asked.subscriber.name, "authorization": asked.subscriber.authorization},
        "consent": asked.consent,
        "contact": asked.contact,
        "terms": asked.terms,
        "renews": asked.renews,
        **declarations_json(asked.declarations),
        "key": application.key_id,
        "received_at": application.received_at.isoformat(),
        "received_by": application.received_by,
        "evidence": [evidence_json(one) for one in application.evidence],
        "devices": [device_json(one) for one in application.devices],
        "decisions": [
            {"act": one.act, "by": one.by, "at": one.at.isoformat(), "reason": one.reason}
            for one in application.decisions
        ],
        "serial": application.serial,
    }


def declarations_json(declarations: Declarations) -> dict[str, Any]:
    """What is declared beside the name, as JSON tells it."""
    limit, services = declarations.limit, declarations.payment_services
    return {
        "limit": None if limit is None else limit_text(limit),
        "payment_services": None
        if services is None
        else {
            "roles": list(services.roles),
            "authority_name": services.authority_name,
            "authority": services.authority,
        },
    }


def evidence_json(piece: IdentityEvidence) -> dict[str, Any]:
    """A piece of evidence as JSON tells it."""
    facts: dict[str, list[str]] = {}
    for fact in piece.facts:
        facts.setdefault(fact.type, []).append(fact.value)
    return {
        "id": piece.id,
        "about": piece.about.value,
        "method": piece.method,
        "source": piece.source,
        "established_on": piece.established_on.isoformat(),
        "ends_on": None if piece.ends_on is None else piece.ends_on.isoformat(),
        "facts": facts,
        "recorded_at": piece.recorded_at.isoformat(),
        "recorded_by": piece.recorded_by,
        "origin": piece.origin,
    }


def device_json(piece: DeviceEvidence) -> dict[str, Any]:
    """A device as JSON tells it."""
    return {
        "id": piece.id,
        "product": piece.product,
        "way": piece.way,
        "key": piece.key_id,
        "serial_number": piece.serial_number,
        "source": piece.source,
        "established_on": piece.established_on.isoformat(),
        "recorded_at": piece.recorded_at.isoformat(),
        "recorded_by": piece.recorded_by,
    }


def review_json(review: Review) -> dict[str, Any]:
    """A review as JSON tells it."""
    return {
        **application_json(review.application),
        "identification": review.declarations.identification,
        "comparison": [
            {"attribute": one.attribute, "asked": one.asked, "shown": list(one.shown), "agrees": one.agrees}
            for one in review.comparison
        ],
        "objections": [
            {"requirement": one.requirement, "sentence": one.sentence} for one in review.objections
        ],
    }
