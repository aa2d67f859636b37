"""Trusted lists as immutable data, in the words of TS 119 612: scheme, providers, services, their history.

Nothing here judges. Whatever a list says that could not be read is a `Finding`; it is for the one who
authenticates the list, or who asks about a certificate, to say what follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something in a list that is not as TS 119 612 wants it: a code, where it is, and a sentence."""

    code: str
    place: str
    words: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text, or an address on the web, in one language (5.1.4), which is empty where none is given."""

    language: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalAddress:
    """Where letters go, in one language (5.3.5.1)."""

    language: str
    street: str
    locality: str
    state: str
    postal_code: str
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Postal addresses and electronic ones (5.3.5, 5.4.3)."""

    postal: tuple[PostalAddress, ...] = ()
    electronic: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCertificate:
    """A certificate as it stands in a list, with what makes it a trust anchor (5.5.3).

    `subject` is the DER of its Name and `key` that of its SubjectPublicKeyInfo; both are empty where the
    octets are no certificate. A certificate that a strict parser rejects is here all the same: some 70 of
    those on published lists are.
    """

    der: bytes
    sha256: bytes
    subject: bytes
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitalIdentity:
    """What identifies a service, or who signs a list (5.5.3); all of it represents one public key."""

    certificates: tuple[ListedCertificate, ...] = ()
    subject_names: tuple[str, ...] = ()
    key_identifiers: tuple[bytes, ...] = ()
    key_values: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """Bits that the key usage of a certificate must have, or must not (5.5.9.2.2.1), by their X.509 names."""

    bits: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Policies that a certificate must all name (5.5.9.2.2.2), as dotted identifiers."""

    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExtendedKeyUsage:
    """Purposes that the extended key usage of a certificate must all have (5.5.9.2.2.3)."""

    purposes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubjectAttributes:
    """Attributes that the subject's name must all have (5.5.9.2.2.3), as dotted identifiers."""

    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnknownCriterion:
    """A criterion of a kind that TS 119 612 does not define; whether it is met cannot be said."""

    name: str


@dataclass(frozen=True, slots=True)
class CriteriaList:
    """Criteria and how many of them must be met: ``all``, ``atLeastOne`` or ``none`` (5.5.9.2.2)."""

    assertion: str
    criteria: tuple[
        KeyUsage | PolicySet | ExtendedKeyUsage | SubjectAttributes | UnknownCriterion | CriteriaList, ...
    ]
    description: str = ""


Criterion = KeyUsage | PolicySet | ExtendedKeyUsage | SubjectAttributes | UnknownCriterion | CriteriaList


@dataclass(frozen=True, slots=True)
class QualificationElement:
    """Qualifiers, as addresses, that apply to the certificates which the criteria identify (5.5.9.2.1)."""

    qualifiers: tuple[str, ...]
    criteria: CriteriaList


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualifications:
    """What is true of certificates of a service and does not stand in them (5.5.9.2)."""

    critical: bool
    elements: tuple[QualificationElement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionalServiceInformation:
    """What a service is for, as an address such as ``.../SvcInfoExt/ForeSignatures`` (5.5.9.4)."""

    critical: bool
    uri: str
    information: str = ""
    other: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOverBy:
    """Which provider has taken the service over (5.5.9.3); for people, nothing follows for a validation."""

    critical: bool
    uri: Text
    names: tuple[Text, ...]
    operators: tuple[Text, ...]
    territory: str
    other: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredCertificatesRevocation:
    """Certificates that expired at this time or later are still told of when they are revoked (5.5.9.1)."""

    critical: bool
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownExtension:
    """An extension that TS 119 612 does not define, or that could not be read, by its element's name."""

    critical: bool
    name: str


Extension = (
    Qualifications
    | AdditionalServiceInformation
    | TakenOverBy
    | ExpiredCertificatesRevocation
    | UnknownExtension
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyPoint:
    """Where a service is to be had (5.5.7); version 6 of the format says of which kind it is."""

    uri: str
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """A service from one time on: what clauses 5.5 and 5.6 give for the present and for the past alike.

    `type` and `status` are addresses. A state of the past has a digital identity without certificates as a
    rule (5.6.3), and never supply points.
    """

    type: str
    names: tuple[Text, ...]
    identity: DigitalIdentity
    status: str
    since: datetime
    extensions: tuple[Extension, ...] = ()
    scheme_definition_uris: tuple[Text, ...] = ()
    supply_points: tuple[SupplyPoint, ...] = ()
    provider_definition_uris: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service: its state now, and its states before that in the order of the list (5.5, 5.6)."""

    current: ServiceState
    history: tuple[ServiceState, ...] = ()

    @property
    def states(self) -> tuple[ServiceState, ...]:
        """All states: the present one, then those of the past as the list orders them, latest first."""
        return (self.current, *self.history)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A trust service provider and its services (5.4)."""

    names: tuple[Text, ...]
    trade_names: tuple[Text, ...]
    address: Address
    information_uris: tuple[Text, ...]
    extensions: tuple[UnknownExtension, ...]
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """Where another list is, and whose certificates sign it (5.3.13)."""

    location: str
    identities: tuple[DigitalIdentity, ...]
    type: str = ""
    operators: tuple[Text, ...] = ()
    community_rules: tuple[Text, ...] = ()
    territory: str = ""
    mime_type: str = ""
    other: tuple[str, ...] = ()

    @property
    def certificates(self) -> tuple[ListedCertificate, ...]:
        """All certificates that the pointer gives."""
        return tuple(one for identity in self.identities for one in identity.certificates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """What a list says of itself and its scheme (5.3). `next_update` is None for a list that is closed."""

    version: int
    sequence_number: int
    type: str
    operators: tuple[Text, ...]
    address: Address
    names: tuple[Text, ...]
    information_uris: tuple[Text, ...]
    status_determination: str
    community_rules: tuple[Text, ...]
    territory: str
    policies: tuple[Text, ...]
    legal_notices: tuple[Text, ...]
    historical_period: int
    pointers: tuple[Pointer, ...]
    issued: datetime
    next_update: datetime | None
    distribution_points: tuple[str, ...]
    extensions: tuple[UnknownExtension, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedList:
    """A trusted list, or a list of trusted lists, as read; `sha256` is of all its octets."""

    id: str
    tag: str
    scheme: Scheme
    providers: tuple[Provider, ...]
    findings: tuple[Finding, ...]
    sha256: bytes
    size: int
