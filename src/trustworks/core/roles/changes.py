"""Changes of roles that several must approve: what they are, and their octets, whose hash is approved."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from trustworks.core.audit.canonical import canonical
from trustworks.core.audit.reading import loads
from trustworks.core.errors import Malformed
from trustworks.core.roles import jws
from trustworks.core.roles.model import Credential, Role, check_name, role_named

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

    from trustworks.core.audit import JSON
    from trustworks.core.roles.passkeys import Registered

WHAT: Final = "roles.change"
"""The kind of act that approvals of a change name."""

Kind = Literal["enrol", "grant", "add-credential", "unlock"]
LONGEST_LABEL: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """A credential that is to be registered. The members are those of `model.Credential`."""

    kind: Literal["certificate", "passkey"]
    key_id: str
    label: str
    public: bytes
    handle: bytes | None = None
    rp_id: str | None = None
    origin: str | None = None
    sign_count: int = 0

    @classmethod
    def of_certificate(cls, certificate: x509.Certificate, label: str) -> NewCredential:
        """A certificate as a credential. Raises `Malformed` or `Rejected` for a key that cannot sign here."""
        from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - where one is made

        key = jws.read_certificate_key(certificate)
        return cls(
            kind="certificate",
            key_id=jws.key_id_of(key),
            label=check_label(label),
            public=certificate.public_bytes(Encoding.DER),
        )

    @classmethod
    def of_passkey(cls, made: Registered, label: str, *, rp_id: str, origin: str) -> NewCredential:
        """A passkey that was registered just now."""
        return cls(
            kind="passkey",
            key_id=made.key_id,
            label=check_label(label),
            public=made.public,
            handle=made.handle,
            rp_id=rp_id,
            origin=origin,
            sign_count=made.sign_count,
        )

    def as_dict(self) -> dict[str, JSON]:
        """As JSON values; octets in Base64."""
        octets = {"public": self.public, "handle": self.handle}
        plain = ("kind", "key_id", "label", "rp_id", "origin", "sign_count")
        return {
            **{name: getattr(self, name) for name in plain},
            **{
                name: None if value is None else base64.b64encode(value).decode("ascii")
                for name, value in octets.items()
            },
        }

    @classmethod
    def from_dict(cls, value: Any) -> NewCredential:
        """Read what `as_dict` wrote into the database."""
        octets = {
            name: None if value[name] is None else base64.b64decode(value[name])
            for name in ("public", "handle")
        }
        return cls(**(value | octets))

    def registered(self, operator: str, *, by: str, at: datetime) -> Credential:
        """The credential as it is recorded."""
        return Credential(
            key_id=self.key_id,
            operator=operator,
            kind=self.kind,
            label=self.label,
            public=self.public,
            added_at=at,
            added_by=by,
            handle=self.handle,
            rp_id=self.rp_id,
            origin=self.origin,
            sign_count=self.sign_count,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that gives power: an operator enrolled, a role, a credential, an account unlocked.

    `nonce` makes each request one of its own: approvals of an earlier one do not count for it.
    """

    kind: Kind
    operator: str
    roles: frozenset[Role] = frozenset()
    credentials: tuple[NewCredential, ...] = ()
    nonce: str

    def octets(self) -> bytes:
        """What is approved: canonical JSON (RFC 8785)."""
        return canonical(
            {
                "change": self.kind,
                "operator": self.operator,
                "roles": sorted(role.value for role in self.roles),
                "credentials": [one.as_dict() for one in self.credentials],
                "nonce": self.nonce,
            }
        )

    @property
    def sha256(self) -> str:
        """The hash that approvals name, in hexadecimal."""
        return hashlib.sha256(self.octets()).hexdigest()

    @classmethod
    def from_octets(cls, octets: bytes) -> Change:
        """Read what `octets` wrote into the database. Raises `Malformed` where it is damaged."""
        value = loads(octets)
        try:
            found = cls(
                kind=value["change"],
                operator=value["operator"],
                roles=frozenset(map(role_named, value["roles"])),
                credentials=tuple(map(NewCredential.from_dict, value["credentials"])),
                nonce=value["nonce"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed(f"This change of roles cannot be read: {error!r}.") from None
        if found.kind not in get_args(Kind) or found.octets() != octets:
            raise Malformed("This change of roles cannot be read: it is none that this program wrote.")
        return found

    def summary(self) -> str:
        """The change in one line for those who approve it."""
        roles = ", ".join(sorted(role.value for role in self.roles))
        keys = ", ".join(
            f"{one.kind if one.label == one.kind else f'{one.kind} {one.label}'} with the key {one.key_id}"
            for one in self.credentials
        )
        match self.kind:
            case "enrol":
                return f"enrol {self.operator} as {roles}, known by {keys}"
            case "grant":
                return f"make {self.operator} {roles}"
            case "add-credential":
                return f"let {self.operator} be known by {keys}"
            case _:
                return f"unlock {self.operator}"


def new_change(
    kind: Kind,
    operator: str,
    *,
    roles: frozenset[Role] = frozenset(),
    credentials: tuple[NewCredential, ...] = (),
) -> Change:
    """A change that is asked for now. Raises `Malformed` for a name that is none."""
    return Change(
        kind=kind,
        operator=check_name(operator),
        roles=roles,
        credentials=credentials,
        nonce=secrets.token_hex(16),
    )


def check_label(label: str) -> str:
    """What a credential is called. Raises `Malformed`."""
    if not 0 < len(label) <= LONGEST_LABEL or not label.isprintable():
        raise Malformed(f"A credential's label has 1 to {LONGEST_LABEL} characters that can be shown.")
    return label
