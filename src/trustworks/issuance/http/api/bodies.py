"""The JSON of the API on certificates and applications, as the OpenAPI document describes it."""

from __future__ import annotations

from base64 import b64encode
from datetime import date, datetime  # noqa: TC003 - Pydantic reads it at run time
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import Field

from trustworks.issuance.model import NameAttribute, RevocationReason
from trustworks.issuance.model.requests import Door, Request
from trustworks.issuance.registration.model import State
from trustworks.issuance.registration.wire import Body

if TYPE_CHECKING:
    from trustworks.issuance.model import CertificateRecord, Issued

SERIAL = r"^[0-9a-f]{40}$"


_STATES = "|".join(get_args(State))


class Nothing(Body):
    """An empty object."""


class CertificatesQuery(Body):
    """Which certificates are looked for."""

    state: Literal["issuing", "issued", "abandoned"] | None = Field(
        default=None, description="Whether it was issued, is being issued, or was not released."
    )
    profile: str | None = Field(default=None, max_length=64, description="The certificate profile.")
    revoked: bool | None = Field(default=None, description="Whether it is revoked or held.")
    subject: str | None = Field(
        default=None, min_length=1, max_length=200, description="A part of the subject's name."
    )
    limit: int = Field(default=100, ge=1, le=1000, description="How many at most.")


class ApplicationsQuery(Body):
    """Which applications are looked for."""

    state: str | None = Field(
        default=None,
        pattern=f"^({_STATES})(,({_STATES}))*$",
        description="The states, with commas between them.",
    )
    profile: str | None = Field(default=None, max_length=64, description="The certificate profile.")
    subject: str | None = Field(
        default=None, min_length=1, max_length=200, description="A part of the subject's name."
    )
    limit: int = Field(default=100, ge=1, le=1000, description="How many at most.")


class SignInBody(Body):
    """A sign-in."""

    jws: str = Field(
        max_length=4096,
        description="Compact JWS (typ trustworks-api-sign-in+jws) by the client's key over client, secret, "
        "aud, time and nonce.",
    )


class SessionAnswer(Body):
    """A session: send the token as `Authorization: Bearer`."""

    token: str
    ends_at: datetime
    acts: tuple[str, ...]
    profiles: tuple[str, ...]


class CertificateBody(Body):
    """A request for a certificate."""

    profile: str = Field(max_length=64, description="The certificate profile.")
    csr: str = Field(max_length=24_000, description="The certification request (PKCS#10) in PEM.")
    subject: dict[str, str] = Field(
        default_factory=dict, description="The subject's name: attributes by their names in X.520."
    )
    alternative_names: tuple[str, ...] = Field(
        default=(), max_length=100, description="DNS:name, IP:address."
    )
    days: int | None = Field(default=None, description="Days of validity; the profile's when left out.")
    semantics: bool = Field(
        default=False, description="Whether the subject's identifier follows EN 319 412-1, 5.1."
    )

    def read(self, by: str) -> Request:
        """The request in the words of the service."""
        return Request(
            profile=self.profile,
            csr=self.csr.encode(),
            subject=tuple(NameAttribute(name, value) for name, value in self.subject.items()),
            requested_by=by,
            door=Door.API,
            alternative_names=self.alternative_names,
            days=self.days,
            semantics=self.semantics,
        )


class CertificatesBody(Body):
    """Several requests, each issued or refused by itself."""

    requests: tuple[CertificateBody, ...] = Field(min_length=1, max_length=1000)


class IssuedAnswer(Body):
    """A certificate, and those above it without the root, in PEM."""

    serial: str = Field(pattern=SERIAL)
    profile: str
    certificate: str
    chain: tuple[str, ...]
    lacks_evidence: bool = Field(
        description="Whether nobody looked at what it says of its subject. That is in a laboratory alone, "
        "whose certificates say TEST; elsewhere hand in an application."
    )


class Problem(Body):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="urn:trustworks: and the code or the requirement's id.")
    title: str
    status: int
    detail: str
    rule: str | None = Field(default=None, description="The requirement behind it, where there is one.")


class Outcome(Body):
    """What became of one of several requests: one of the two."""

    issued: IssuedAnswer | None = None
    problem: Problem | None = None


class CertificatesAnswer(Body):
    """The outcomes, in the order of the requests."""

    outcomes: tuple[Outcome, ...]


class StatusAnswer(Body):
    """The status of a certificate; `reason` and `revoked_at` while it is revoked or held."""

    serial: str = Field(pattern=SERIAL)
    status: str = Field(description="valid, held, revoked or expired; issuing and abandoned: never released.")
    not_after: datetime
    reason: str | None = None
    revoked_at: datetime | None = None


class CertificateAnswer(StatusAnswer):
    """A certificate as the records have it."""

    authority: str
    profile: str
    subject: str
    not_before: datetime
    requested_by: str
    requested_at: datetime
    certificate: str | None


class FoundAnswer(Body):
    """The newest certificates that fit, newest first."""

    certificates: tuple[CertificateAnswer, ...]


class RevocationBody(Body):
    """Why a certificate is revoked (RFC 5280, 5.3.1), or held (certificateHold)."""

    reason: str = Field(
        pattern=f"^({'|'.join(one.name for one in RevocationReason)})$",
        description="The reason, as the certificate's status will tell it.",
    )
    invalidity_date: datetime | None = Field(
        default=None, description="Since when the key is thought lost, if before now."
    )


class RevocationAnswer(Body):
    """A revocation that every status service sees by now, and the certificates revoked with it."""

    serial: str = Field(pattern=SERIAL)
    reason: str
    revoked_at: datetime
    also: tuple[str, ...]


class ProfileAnswer(Body):
    """A certificate profile, as far as an applicant needs it."""

    name: str
    title: str
    attributes: tuple[str, ...]
    required: tuple[str, ...]
    days: int
    max_days: int


class ProfilesAnswer(Body):
    """The profiles by which this client may have certificates issued."""

    profiles: tuple[ProfileAnswer, ...]


class SubscriberAnswer(Body):
    """Who applied for another subject."""

    name: str
    authorization: str | None


class EvidenceAnswer(Body):
    """A piece of evidence as it was recorded."""

    id: str
    about: str
    method: str
    source: str
    established_on: date
    ends_on: date | None
    facts: dict[str, tuple[str, ...]]
    recorded_at: datetime
    recorded_by: str
    origin: str | None = Field(description="The evidence of an earlier application that it was taken from.")


class DeviceAnswer(Body):
    """The device that holds the key, as it was recorded; the last one counts."""

    id: str
    product: str
    way: str
    key: str
    serial_number: str
    source: str
    established_on: date
    recorded_at: datetime
    recorded_by: str


class DecisionAnswer(Body):
    """What was decided on an application, by whom and why."""

    act: str
    by: str
    at: datetime
    reason: str | None


class PaymentServicesAnswer(Body):
    """What the certificate of a payment service provider states of it."""

    roles: tuple[str, ...]
    authority_name: str
    authority: str


class ApplicationAnswer(Body):
    """An application, its evidence and what was decided; `serial` is the certificate's."""

    id: str
    state: str
    profile: str
    kind: Literal["natural", "legal"]
    subject: dict[str, str]
    alternative_names: tuple[str, ...]
    subscriber: SubscriberAnswer | None
    consent: bool | None
    contact: str | None
    terms: str
    renews: str | None
    limit: str | None
    payment_services: PaymentServicesAnswer | None
    key: str
    received_at: datetime
    received_by: str
    evidence: tuple[EvidenceAnswer, ...]
    devices: tuple[DeviceAnswer, ...]
    decisions: tuple[DecisionAnswer, ...]
    serial: str | None


class ComparisonAnswer(Body):
    """An attribute as it is asked for, beside what the evidence shows."""

    attribute: str
    asked: str
    shown: tuple[str, ...]
    agrees: bool


class ObjectionAnswer(Body):
    """What stands against an application."""

    requirement: str
    sentence: str


class ReviewAnswer(ApplicationAnswer):
    """An application beside its evidence, with every objection to it.

    `identification` is how the certificate will state that its subject was identified.
    """

    identification: str | None

    comparison: tuple[ComparisonAnswer, ...]
    objections: tuple[ObjectionAnswer, ...]


class ApplicationsAnswer(Body):
    """The applications that fit, who waits longest first."""

    applications: tuple[ApplicationAnswer, ...]


def pem(der: bytes) -> str:
    """A certificate in PEM."""
    text = b64encode(der).decode("ascii")
    lines = "\n".join([text[at : at + 64] for at in range(0, len(text), 64)])
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def issued_json(issued: Issued) -> dict[str, Any]:
    """An issued certificate as `IssuedAnswer` describes it."""
    return {
        "serial": issued.serial,
        "profile": issued.profile,
        "certificate": pem(issued.certificate),
        "chain": [pem(one) for one in issued.chain],
        "lacks_evidence": issued.lacks_evidence,
    }


def status_json(record: CertificateRecord, now: datetime) -> dict[str, Any]:
    """A certificate's status as `StatusAnswer` describes it."""
    revocation = record.revocation
    if revocation is not None:
        status = "held" if revocation.reason.name == "certificateHold" else "revoked"
    elif record.state != "issued":
        status = record.state
    else:
        status = "expired" if record.not_after < now else "valid"
    found: dict[str, Any] = {
        "serial": record.serial,
        "status": status,
        "not_after": record.not_after.isoformat(),
    }
    if revocation is not None:
        found["reason"] = revocation.reason.name
        found["revoked_at"] = revocation.revoked_at.isoformat()
    return found


def certificate_json(record: CertificateRecord, now: datetime) -> dict[str, Any]:
    """A certificate as `CertificateAnswer` describes it."""
    return {
        **status_json(record, now),
        "authority": record.authority,
        "profile": record.profile,
        "subject": record.subject,
        "not_before": record.not_before.isoformat(),
        "requested_by": record.requested_by,
        "requested_at": record.requested_at.isoformat(),
        "certificate": None if record.der is None else pem(record.der),
    }
