"""What registration speaks of: applications, the evidence of an identity, decisions.

An *application* asks for one certificate. *Evidence* is what shows who the subject is; its *facts* are what
it shows, attribute by attribute. The *subscriber* is who asks, where that is not the subject.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from trustworks.core.roles import model as roles
from trustworks.issuance.model.requests import NO_DECLARATIONS, Declarations

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from pathlib import Path

    from trustworks.issuance.model import NameAttribute

# received: waits for evidence and an officer. approved: decided, the certificate is still to be made.
# The other four are ends; a refused one was approved, and a rule or a lint stood against its certificate.
State = Literal["received", "approved", "issued", "rejected", "withdrawn", "refused"]
Act = Literal["approve", "reject", "withdraw", "issue", "refuse"]

# From which state an act leads to which; whatever is not here is not done.
TRANSITIONS: Final[dict[tuple[State, Act], State]] = {
    ("received", "approve"): "approved",
    ("received", "reject"): "rejected",
    ("received", "withdraw"): "withdrawn",
    ("approved", "withdraw"): "withdrawn",
    ("approved", "issue"): "issued",
    ("approved", "refuse"): "refused",
}

# As what an officer, or a client of the API, does it, wherever it is done; taking an application back for the
# applicant decides nothing.
PERFORMED: Final[dict[Act, roles.Act]] = {
    "approve": roles.Act.DECIDE,
    "reject": roles.Act.DECIDE,
    "withdraw": roles.Act.REGISTER,
}

# What evidence may show of a person beside the attributes of a name. Anything else is not needed to tell one
# person from another, and is not taken.
IDENTITY_FACTS: Final = (
    "dateOfBirth",
    "placeOfBirth",
    "nationality",
    "documentNumber",
    "emailAddress",
    "dNSName",  # a domain, and below an address, that is the subject's: for certificates with such names
    "iPAddress",
    "legalForm",
    "registeredAddress",
    "authority",  # by what a representative may act: office, power of attorney
)

# What the register of the competent authority shows of a payment service provider, and is taken for its
# certificates alone (TS 119 495): the authority by name and identifier, the number, and each role.
PAYMENT_FACTS: Final = (
    "competentAuthorityName",
    "competentAuthorityIdentifier",
    "authorizationNumber",
    "paymentServiceRole",
)


class SubjectKind(enum.Enum):
    """Who the subject is."""

    NATURAL = "natural"
    LEGAL = "legal"


class About(enum.Enum):
    """Whom a piece of evidence is about.

    An association ties a natural person to an organization and shows that both agree to be named together.
    """

    SUBJECT = "subject"
    ORGANIZATION = "organization"
    REPRESENTATIVE = "representative"
    ASSOCIATION = "association"
    SUBSCRIBER = "subscriber"


class Fact(NamedTuple):
    """One thing that evidence shows: an attribute by the name of X.520, or one of `IDENTITY_FACTS`."""

    type: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityEvidence:
    """What shows an identity: the method, what was seen, on which day, and by whom.

    `source` says what was looked at and who made it (``passport XX``, ``commercial register XX``). A document
    that ends has `ends_on`. `origin` is the id of the evidence that this one was taken over from, for
    evidence that serves a second application.
    """

    id: str
    about: About
    method: str
    source: str
    established_on: date
    facts: tuple[Fact, ...]
    recorded_at: datetime
    recorded_by: str
    ends_on: date | None = None
    origin: str | None = None

    def shows(self, kind: str) -> frozenset[str]:
        """The values that it shows of one attribute."""
        return frozenset(fact.value for fact in self.facts if fact.type == kind)


# How it is known that a key is in a device: the device's maker says so by certificates; the provider made the
# key in the device, or was there, before it was handed over; the key is in the provider's own module.
DeviceWay = Literal["attestation", "personalised", "own-module"]
DeviceKind = Literal["qscd", "secure-device"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEvidence:
    """What shows that a key is in a device: of which product, by which way, and which key (its SHA-256).

    `serial_number` is the device's, of an own module the tokens that hold the key. `source` says what was
    looked at, and who handed the device over. `attestation` are its certificates in DER.
    """

    id: str
    product: str
    way: DeviceWay
    key_id: str
    serial_number: str
    source: str
    established_on: date
    recorded_at: datetime
    recorded_by: str
    attestation: tuple[bytes, ...] = ()


DeviceMark = Literal["fips", "cspn"]
FormFactor = Literal[
    "usb-a-keychain",
    "usb-a-nano",
    "usb-c-keychain",
    "usb-c-nano",
    "usb-c-lightning",
    "usb-a-bio",
    "usb-c-bio",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProduct:
    """A product that the provider accepts: what it is certified as, until when, where that is found.

    Of an attested device `firmware`, `marked` and `form_factors` tell the certified ones from others of the
    same maker. `lost_on` is the day on which it lost that before its time.
    """

    name: str
    kind: DeviceKind
    certified_until: date
    reference: str
    ways: frozenset[DeviceWay]
    firmware: frozenset[str] = frozenset()
    marked: DeviceMark | None = None
    form_factors: frozenset[FormFactor] = frozenset()
    tokens: frozenset[str] = frozenset()
    attestation_roots: Path | None = None
    lost_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """Who applies for another subject, by name, and what the subject's consent to that is (its reference)."""

    name: str
    authorization: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who decided what, when, in which words."""

    act: Act
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApplication:
    """What an applicant hands in.

    `renews` is the serial of the certificate whose place the new one takes (EN 319 411-1, 6.3.6 and 6.3.7).
    `terms` is the version of terms and conditions that was accepted; `consent` is the subject's to have the
    certificate published (None: not asked). `declarations` is what the certificate is to state beside the
    name; how the subject was identified is never asked for: it follows from the evidence.
    """

    profile: str
    kind: SubjectKind
    subject: tuple[NameAttribute, ...]
    csr: bytes
    terms: str
    alternative_names: tuple[str, ...] = ()
    days: int | None = None
    semantics: bool = False
    subscriber: Subscriber | None = None
    consent: bool | None = None
    contact: str | None = None
    renews: str | None = None
    declarations: Declarations = NO_DECLARATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application as the records have it.

    `serial` is the certificate's once there is one. `key_id` is SHA-256 of the SubjectPublicKeyInfo. After
    its retention ended (`erased`), subject, evidence and contact are gone; `digest` is what is left of them.
    """

    id: str
    state: State
    asked: NewApplication
    key_id: str
    received_at: datetime
    received_by: str
    evidence: tuple[IdentityEvidence, ...]
    decisions: tuple[Decision, ...]
    serial: str | None
    digest: str
    erased: bool = False
    devices: tuple[DeviceEvidence, ...] = ()

    @property
    def device(self) -> DeviceEvidence | None:
        """What shows that the key is in a device: what was recorded last."""
        return self.devices[-1] if self.devices else None

    @property
    def subject(self) -> tuple[NameAttribute, ...]:
        """The name that is asked for."""
        return self.asked.subject

    def about(self, *kinds: About) -> tuple[IdentityEvidence, ...]:
        """The evidence about one of these."""
        return tuple(one for one in self.evidence if one.about in kinds)


DomainMethod = Literal["dns", "http"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainValidation:
    """What was drawn for a name of a web site, and, once control over it was seen, how, when and by whom.

    `name` is a DNS name (of a wildcard: without ``*.``) or an address. `token` names the file, `value` is
    what nobody knows to whom it was not told.
    """

    id: str
    application: str
    name: str
    token: str
    value: str
    drawn_at: datetime
    drawn_by: str
    method: DomainMethod | None = None
    validated_at: datetime | None = None
    validated_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxValidation:
    """A value that was mailed to a mailbox, by its SHA-256, and when it came back.

    `mailed_at` is when the mail server took it (None: it did not). `wrong` is how often another value was
    given for it.
    """

    id: str
    application: str
    address: str
    digest: str
    drawn_at: datetime
    drawn_by: str
    mailed_at: datetime | None = None
    wrong: int = 0
    validated_at: datetime | None = None
    validated_by: str | None = None


class Objection(NamedTuple):
    """Why an application cannot be approved as it is: the requirement, and what to do."""

    requirement: str
    sentence: str


class Comparison(NamedTuple):
    """One attribute of the name asked for beside what the evidence shows of it."""

    attribute: str
    asked: str
    shown: tuple[str, ...]
    agrees: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What an officer sees before deciding: attribute by attribute, and every objection.

    `declarations` is what the certificate will state: what is asked for, and how the subject was identified.
    """

    application: Application
    comparison: tuple[Comparison, ...]
    objections: tuple[Objection, ...]
    declarations: Declarations = NO_DECLARATIONS

    @property
    def may_be_approved(self) -> bool:
        """Whether nothing stands against it."""
        return not self.objections


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodTerms:
    """Under which terms a method of identification counts: for whom, when, how old it may be, how often.

    `uses` is how many certificates one act of identification may serve. `stated_as` is how a qualified
    certificate states it (EN 319 412-5, 4.3.5; ``eIDAS2-acd``), None for what is no method of Article 24.
    """

    name: str
    about: frozenset[About]
    qualified: bool
    max_age_days: int
    uses: int
    until: date | None = None
    stated_as: str | None = None


def shown(evidence: Iterable[IdentityEvidence], kind: str) -> tuple[str, ...]:
    """All values that evidence shows of one attribute, each once."""
    return tuple(sorted(frozenset[str]().union(*(one.shows(kind) for one in evidence))))
