"""What issuance speaks of: authorities, certificates, their states, profiles; in the words of RFC 5280."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal, NamedTuple

# issuing: the intent is recorded, the key may have signed. issued: signed, checked, recorded.
# abandoned: an intent never finished; its certificate was not released and its serial is not used again.
State = Literal["issuing", "issued", "abandoned"]

# The nextUpdate of a list after which none follows (EN 319 411-1, CSS-6.3.9-06; RFC 5280, 4.1.2.5).
NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

SERIAL_OCTETS = 20  # RFC 5280, 4.1.2.2: at most 20 octets, positive


def serial_hex(serial: int) -> str:
    """A serial number as the tables hold it: 40 lower-case hexadecimal digits."""
    return f"{serial:040x}"


def crl_shard(serial: int, shards: int) -> int | None:
    """Which of an authority's lists a new certificate belongs to: 1 to `shards`; None where one is all.

    By the serial, whose bits are random; fixed when the certificate is issued, as the certificate names the
    list.
    """
    return None if shards == 1 else serial % shards + 1


def crl_path(authority: str, shard: int | None = None, *, delta: bool = False) -> str:
    """Where a list is published, behind the provider's address."""
    name = f"/crl/{authority}" if shard is None else f"/crl/{authority}/{shard}"
    return f"{name}/delta.crl" if delta else f"{name}.crl"


class RevocationReason(enum.Enum):
    """CRLReason; the value is the code of RFC 5280, 5.3.1, the member's name the word that people type."""

    unspecified = 0
    keyCompromise = 1  # noqa: N815 - the names are the standard's
    cACompromise = 2  # noqa: N815
    affiliationChanged = 3  # noqa: N815
    superseded = 4
    cessationOfOperation = 5  # noqa: N815
    certificateHold = 6  # noqa: N815
    privilegeWithdrawn = 9  # noqa: N815
    aACompromise = 10  # noqa: N815


# Whoever lost the key lost it for all certificates of it.
LOST = (RevocationReason.keyCompromise, RevocationReason.cACompromise)


class NameAttribute(NamedTuple):
    """One attribute of a distinguished name; `type` is the name of X.520 (``commonName``)."""

    type: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """That a certificate is revoked (or held), since when, why, and when that was recorded.

    `also` are the serials of the other certificates of a lost key that were revoked in the same act.
    `unproven` is why there was no trusted time in that act, as the clock's code; the moments are the system
    clock's then. Both are told by the act and by its event in the audit log, not by the record.
    """

    revoked_at: datetime
    reason: RevocationReason
    recorded_at: datetime
    invalidity_date: datetime | None = None
    also: tuple[str, ...] = field(default=(), compare=False)
    unproven: str | None = field(default=None, compare=False)


RequestState = Literal["pending", "done", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationRequest:
    """That somebody asked for a revocation, or reported a problem, and what became of it.

    `kind` is in which capacity (`rules.revocation_requests.KINDS`), `requester` a role, an authority or a
    pseudonym. The clock of 24 hours starts at `received_at`, or at `effective_at` where the requester named a
    moment to come. `confirmed_how` says how the requester was authenticated and authorised; `delayed_why` why
    that could not be done in time. A report without a serial names no certificate yet.
    """

    id: str
    kind: str
    requester: str
    received_at: datetime
    recorded_at: datetime
    recorded_by: str
    serial: str | None = None
    reason: RevocationReason | None = None
    invalidity_date: datetime | None = None
    note: str | None = None
    effective_at: datetime | None = None
    state: RequestState = "pending"
    confirmed_by: str | None = None
    confirmed_how: str | None = None
    delayed_why: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    decided_why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRecord:
    """A certificate as the database knows it; `der` is None until it is issued."""

    serial: str
    authority: str
    profile: str
    subject: str
    state: State
    not_before: datetime
    not_after: datetime
    spki_sha256: bytes
    requested_at: datetime
    requested_by: str
    issued_at: datetime | None
    der: bytes | None
    revocation: Revocation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateStatus:
    """What status services need of a certificate: its state, its end, its revocation."""

    serial: str
    authority: str
    state: State
    not_after: datetime
    revocation: Revocation | None


class KeyUse(NamedTuple):
    """A certificate of some public key: what it is for, and whose it is."""

    serial: str
    profile: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityRecord:
    """A certification authority: its name, certificate and where its key is. A root has no parent.

    The hours are those of its revocation list, where they are its own; None: the configuration's.
    """

    name: str
    certificate: bytes
    serial: str
    spki_sha256: bytes
    token: str
    key_label: str
    parent: str | None
    created_at: datetime
    crl_validity_hours: int | None = None
    crl_every_hours: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAuthority:
    """An authority to be made over a key of `token`: a root, or one that `parent` certifies.

    `path_length` is how many authorities may follow below it; None: as its profile says.
    """

    name: str
    common_name: str
    years: int
    token: str
    parent: str | None = None
    path_length: int | None = None
    crl_validity_hours: int | None = None
    crl_every_hours: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlRecord:
    """A published certificate revocation list.

    `changes` is up to which of the authority's changes of status it goes, see `records.changes`. `shard` is
    the part of the authority's certificates that it is about, None for all of them; `base` the number of the
    complete list that a delta list goes on from, None for a complete list.
    """

    authority: str
    number: int
    this_update: datetime
    next_update: datetime
    entries: int
    der: bytes
    recorded_at: datetime
    changes: int
    shard: int | None = None
    base: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlHead:
    """What is known of a published list without reading it."""

    authority: str
    number: int
    this_update: datetime
    next_update: datetime
    entries: int
    changes: int
    shard: int | None = None
    base: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What an issuance answers: the certificate, and the chain above it, nearest first, without the root.

    `lacks_evidence` says that nobody looked at what it says of its subject, as in a laboratory.
    """

    serial: str
    profile: str
    certificate: bytes
    chain: tuple[bytes, ...]
    lacks_evidence: bool = False


Kind = Literal[
    "root",
    "sub-ca",
    "tsu",
    "ocsp-signer",
    "audit-signer",
    "cmp-server",
    "list-signer",
    "tls-server",
    "device",
    "natural",
    "legal",
    "web",  # web sites whose subject is as the CA/Browser Forum has it; QNCP-w-gen is natural or legal
    "smime",
]

SERVER_AUTH = "1.3.6.1.5.5.7.3.1"  # id-kp-serverAuth (RFC 5280, 4.2.1.12)

# Who the subject of a certificate is; by which ways it may be asked for hangs on that (`rules.doors`).
SubjectIs = Literal[
    "applicant",  # a person or an organisation, identified when it applied
    "device",  # a device or a service, which somebody who is known answers for
    "provider",  # a service of the provider itself
    "names",  # whoever controls the alternative names
]

# The attributes that subjects may have, from the broad to the narrow.
NAME_ORDER = (
    "countryName",
    "stateOrProvinceName",
    "localityName",
    "postalCode",
    "streetAddress",
    "organizationName",
    "organizationIdentifier",
    "organizationalUnitName",
    "title",
    "givenName",
    "surname",
    "pseudonym",
    "businessCategory",
    "jurisdictionCountryName",
    "jurisdictionStateOrProvinceName",
    "jurisdictionLocalityName",
    "serialNumber",
    "commonName",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a certificate of one kind looks like: data that `profiles.tbs` follows and the lints check again.

    `since` and `until` are the first and last day on which certificates of this version are issued; several
    versions may be live. `qcs` is the edition of EN 319 412-5 whose statements it makes.

    Subject attributes go by the names of X.520, extended key usages and `policies` by their dotted
    identifiers. `from_provider` are attributes that the configuration gives when the request does not;
    `one_of` are groups of which exactly one must be there, as a whole or in part. `own_policy` is a number
    under the provider's policy arc; `reserved_policy` is the CA/Browser Forum's, which stands first.
    `private_key_days` is how long the private key may sign (privateKeyUsagePeriod). `hours` is the validity
    of what lives shorter than a day. `honours` are the extensions of a CSR that count; all others are
    ignored, and so is the CSR's subject. `name_kinds` are the kinds of alternative names. `web` is the kind
    of web site certificate, `short_term` a certificate whose status nobody need ask for, `suspension` whether
    it may be held, `no_authority` whether basic constraints say that its subject is none, `caa` and `ct`
    whether CAA records and logs are asked before it is issued.
    """

    name: str
    version: int
    title: str
    kind: Kind
    subject_is: SubjectIs
    authority: str
    days: int
    max_days: int
    key_usage: tuple[str, ...]
    required: tuple[str, ...]
    since: date = date(2026, 1, 1)
    until: date | None = None
    optional: tuple[str, ...] = ()
    from_provider: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    order: tuple[str, ...] = NAME_ORDER
    ca: bool = False
    path_length: int | None = None
    extended_key_usage: tuple[str, ...] = ()
    extended_key_usage_critical: bool = False
    own_policy: int | None = None
    reserved_policy: str | None = None
    policies: tuple[str, ...] = ()
    qcs: Literal["V2.5.1", "V2.6.1"] | None = None
    qc_type: str | None = None
    qc_sscd: bool = False
    semantics: str | None = None
    psd2: bool = False
    web: Literal["gen", "binding", "iv", "ov", "ev"] | None = None
    hours: int | None = None
    short_term: bool = False
    suspension: bool = True
    caa: bool = False
    ct: bool = False
    private_key_days: int | None = None
    cps_link: bool = True
    key_identifier: bool = True
    crl_link: bool = True
    ocsp_link: bool = True
    issuer_link: bool = True
    no_check: bool = False
    no_authority: bool = False
    alternative_names: Literal["absent", "required"] = "absent"
    name_kinds: tuple[str, ...] = ("DNS", "IP")
    honours: tuple[str, ...] = ()
    # All attributes that the subject may have, in the order of the name; made of the fields above.
    attributes: tuple[str, ...] = field(init=False, repr=False, compare=False, default=())

    def __hash__(self) -> int:
        """Of name and version, which tell profiles apart well enough: asked for each certificate."""
        return hash((self.name, self.version))

    def __post_init__(self) -> None:
        """Find the attributes, once for all certificates."""
        allowed = {*self.required, *self.optional, *self.from_provider, *(a for g in self.one_of for a in g)}
        object.__setattr__(self, "attributes", tuple(name for name in self.order if name in allowed))

    def policy_identifiers(self, arc: str) -> tuple[str, ...]:
        """The certificate policies, in order; `arc` is the provider's."""
        reserved = () if self.reserved_policy is None else (self.reserved_policy,)
        own = () if self.own_policy is None else (f"{arc}.{self.own_policy}",)
        return reserved + own + self.policies


@dataclass(frozen=True, slots=True, kw_only=True)
class LostKey:
    """A public key whose private key is said to be known to others, and what shows that.

    `spki_sha256` is SHA-256 of its SubjectPublicKeyInfo. `shown_by`: the private key itself, a signature
    that the key's owner has no reason to make, or somebody's statement.
    """

    spki_sha256: bytes
    shown_by: Literal["private-key", "signature", "statement"]
