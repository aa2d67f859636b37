"""What a certificate is asked for, and what is made of it: requests, what they declare, templates."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.issuance.model import NameAttribute, Profile


class Door(enum.Enum):
    """By which way a request came; what is had at each is in `rules.doors`."""

    APPLICATION = "application"  # an officer decided on it at the registration desk
    OFFICER = "officer"  # trustworks certificate issue
    PROVIDER = "provider"  # a process of the provider itself: a ceremony, a rollover, a laboratory's start
    API = "API"
    ACME = "ACME"
    CMP = "CMP"
    EST = "EST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The value of transactions that a certificate may be used for: amount * 10^exponent in a currency."""

    currency: str
    amount: int
    exponent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentServices:
    """What TS 119 495 wants to be stated of a payment service provider: its roles, and who authorised it.

    Roles by their names (``PSP_AS``); the competent authority by its name and identifier (``XX-NCA``).
    """

    roles: tuple[str, ...]
    authority_name: str
    authority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declarations:
    """What a qualified certificate states of its subject beside the name; not every profile knows each.

    `identification` is the method of Article 24 by which the subject was identified, as EN 319 412-5 calls it
    (``eIDAS2-acd``).
    """

    limit: Limit | None = None
    payment_services: PaymentServices | None = None
    identification: str | None = None


NO_DECLARATIONS = Declarations()


class KeyProof(Protocol):
    """A public key, and what shows that the requester has the private one; read, not judged yet.

    A CSR as `wire` reads it, or a CRMF's proof (RFC 4211, 4). The signature is looked at when it is asked
    for, and that is after the key was found to be a fit one: under others anybody makes signatures.
    """

    @property
    def key_algorithm(self) -> str:
        """What the public key is marked by: the object identifier in its SubjectPublicKeyInfo."""

    @property
    def signature_hash(self) -> str | None:
        """The hash function of the signature, as `cryptography` calls it; None where it has none."""

    @property
    def is_signature_valid(self) -> bool:
        """Whether the signature is by the private key that belongs to the public one."""

    def public_key(self) -> object:
        """The public key, of whatever kind."""

    def alternative_names(self) -> tuple[str, ...]:
        """The names asked for, as ``DNS:name`` and ``IP:address``. Raises `Malformed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a certificate is asked for: a key with the proof of its possession, and a name.

    `profile` is a name, or name/version. `csr` is a PKCS#10 in DER or PEM, or what a protocol of another
    format read. `alternative_names` are written ``DNS:name``, ``IP:address`` or ``email:address``.
    `semantics` says that the subject's identifier follows EN 319 412-1, 5.1. `requested_by` is a role, a
    process or a pseudonym: it goes into the audit log. `door` is the way by which it came: who makes the
    request knows that, and no text says it. `authority` is who is to issue it; None: the authority that the
    profile names.
    """

    profile: str
    csr: bytes | KeyProof
    subject: tuple[NameAttribute, ...]
    requested_by: str
    door: Door
    alternative_names: tuple[str, ...] = ()
    days: int | None = None
    semantics: bool = False
    declarations: Declarations = NO_DECLARATIONS
    authority: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Everything that goes into a TBSCertificate; made by the service, encoded by `profiles.tbs`."""

    profile: Profile
    subject: tuple[NameAttribute, ...]
    alternative_names: tuple[str, ...]
    spki: bytes
    serial: int
    not_before: datetime
    not_after: datetime
    semantics: bool
    issuer_certificate: bytes | None
    authority: str
    path_length: int | None
    declarations: Declarations = NO_DECLARATIONS
    crl_shard: int | None = None
