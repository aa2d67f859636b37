"""Trusted roles, who holds them, by what they are known, and what they approve."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
KIND: Final = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)*")
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
MAX_KIND: Final = 64


class Role(enum.Enum):
    """The trusted roles; the value is the name that people type.

    Source: CEN/TS 419261 (five of them), and (EU) 2025/1943, which adds the revocation officer.
    """

    SECURITY_OFFICER = "security-officer"
    REGISTRATION_OFFICER = "registration-officer"
    REVOCATION_OFFICER = "revocation-officer"
    SYSTEM_ADMINISTRATOR = "system-administrator"
    OPERATOR = "operator"
    AUDITOR = "auditor"


class Act(enum.Enum):
    """What is done in a role; the value goes into the audit log."""

    REGISTER = "registration.enter"
    DECIDE = "registration.decide"
    ISSUE = "certificate.issue"
    REVOKE = "certificate.revoke"
    RELEASE = "certificate.release"
    AUTHORISE = "enrolment.authorise"
    PUBLISH = "status.publish"
    APPROVE = "approval.give"
    RUN_CEREMONY = "ceremony.run"
    ACTIVATE_KEY = "key.activate"
    APPROVE_MODULE = "module.approve"
    CHANGE_ROLES = "roles.change"
    LOCK_OPERATOR = "roles.lock"
    CONFIGURE = "system.configure"
    OPERATE = "system.operate"
    READ_RECORDS = "records.read"
    READ_LOG = "log.read"
    EXPORT_LOG = "log.export"


class Factor(enum.Enum):
    """How somebody was known: by what he has, or by what he knows or is."""

    POSSESSION = "possession"
    VERIFICATION = "verification"


OperatorState = Literal["active", "locked", "retired"]
CredentialKind = Literal["certificate", "passkey"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """By what an operator is known: the public half of a key, as a certificate or as a passkey.

    `key_id` is SHA-256 of the SubjectPublicKeyInfo in hexadecimal; a key is registered once, for one
    operator, for good. `public` is the certificate in DER, or the passkey's public key as COSE_Key (WebAuthn,
    6.5.1.1), of which `handle` is the credential id, `rp_id` and `origin` where it was made. `sign_count` is
    the passkey's counter when it was used last. `failures` are the sign-ins in a row in which the key
    signed and the second factor was missing; `locked_until` is set by them, and passes by itself.
    """

    key_id: str
    operator: str
    kind: CredentialKind
    label: str
    public: bytes
    added_at: datetime
    added_by: str
    removed_at: datetime | None = None
    handle: bytes | None = None
    rp_id: str | None = None
    origin: str | None = None
    sign_count: int = 0
    failures: int = 0
    locked_until: datetime | None = None

    @property
    def is_usable(self) -> bool:
        """Whether it was not removed."""
        return self.removed_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Somebody with trusted roles, under the pseudonym `name`, which is in the audit log for good.

    `credentials` are all that were ever registered; `granted` says since when each of the roles is held,
    where that is known. The state ``locked`` is a security officer's act; failed
    sign-ins lock a credential.
    """

    name: str
    state: OperatorState
    roles: frozenset[Role]
    credentials: tuple[Credential, ...]
    enrolled_at: datetime
    enrolled_by: str
    granted: tuple[tuple[Role, datetime], ...] = ()

    def credential(self, key_id: str) -> Credential | None:
        """The credential with that key, removed or not."""
        return next((one for one in self.credentials if one.key_id == key_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What tells a person from others, where the provider knows it: for "never his own request".

    `identifiers` are such as serial numbers, e-mail addresses; `key_ids` of keys that the person has.
    """

    names: frozenset[str] = frozenset()
    identifiers: frozenset[str] = frozenset()
    key_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A sign-in that lasts: who, by which credential and factors, until when."""

    operator: str
    key_id: str
    factors: frozenset[Factor]
    opened_at: datetime
    used_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """An operator who was authenticated just now, and how."""

    operator: Operator
    key_id: str
    factors: frozenset[Factor]

    @property
    def name(self) -> str:
        """The pseudonym, as it goes into the audit log."""
        return self.operator.name


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumPolicy:
    """How many approvals an act of one kind needs, and of whom.

    `roles` may approve; empty: every role but the auditor. Each of `among` must be held by one of those who
    approve. With `distinct_roles` no two approvals count for the same role. An approval counts for `lasts`.
    """

    kind: str
    approvals: int
    roles: frozenset[Role] = frozenset()
    among: frozenset[Role] = frozenset()
    distinct_roles: bool = False
    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """The approvals of an act, by their ids. `use` writes into the act's own transaction that they served it.

    It judges them anew, as roles and credentials may have gone meanwhile. Raises `Refused`
    (TRUSTWORKS:ROLES-QUORUM).
    """

    ids: tuple[str, ...] = ()
    use: Callable[[Connection], None] = lambda _: None


NOT_NEEDED: Final = Approved()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Approvals that are held for an act that is being done. `hold_id` is 20 octets in hexadecimal."""

    hold_id: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHold:
    """A hold that did not end, and the act that it is for: that is being done, or its process ended."""

    hold: Hold
    what: str
    sha256: str
    held_at: datetime
    held_by: str


def check_name(name: str) -> str:
    """The name of an operator. Raises `Malformed`: it must not need any escaping in logs and commands."""
    if not NAME.fullmatch(name):
        raise Malformed(
            f"{name!r} is no name of an operator. Use up to 64 lower-case letters, digits and . _ - : a "
            "pseudonym, for it stays in the audit log for good."
        )
    return name


def check_kind(kind: str) -> str:
    """The kind of an act that is approved. Raises `Malformed`."""
    if len(kind) > MAX_KIND or not KIND.fullmatch(kind):
        raise Malformed(
            f"{kind!r} is no kind of act. Write lower-case words with dots, such as ceremony.root."
        )
    return kind


def check_digest(digest: str) -> str:
    """A SHA-256 in hexadecimal. Raises `Malformed`."""
    if not DIGEST.fullmatch(digest):
        raise Malformed(
            f"{digest!r} is no SHA-256. Write its 64 hexadecimal digits in lower case, or name the file."
        )
    return digest


@implements("CENTS419261:M1.4", "EN319411-1:OVR-6.4.4-04", disabled=Role.OPERATOR)
def role_named(text: str) -> Role:
    """The role of that name. Raises `Malformed` with all that there are."""
    try:
        return Role(text)
    except ValueError:
        names = ", ".join(one.value for one in Role)
        raise Malformed(f"{text!r} is no trusted role; use one of {names}.") from None
