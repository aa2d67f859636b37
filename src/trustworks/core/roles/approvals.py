"""Approvals: signatures of operators over what they approve, which verify years later and without us.

What is signed is the canonical JSON (RFC 8785) of six members: ``what`` (the kind of act), ``sha256`` (of the
subject: a plan, a change), ``operator``, ``role``, ``time`` and ``nonce``. A certificate's key signs it as a
JWS (RFC 7515); a passkey signs an assertion (WebAuthn Level 2) whose challenge is SHA-256 of it. Who has the
approval and the operator's public credential needs nothing else.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from trustworks.core.audit.canonical import canonical
from trustworks.core.audit.model import time_text
from trustworks.core.audit.reading import loads
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.roles import jws, passkeys
from trustworks.core.roles.model import Role, check_digest, check_kind, check_name, role_named

if TYPE_CHECKING:
    from trustworks.core.audit import JSON
    from trustworks.core.roles.jws import Signer
    from trustworks.core.roles.model import Credential

VERSION: Final = 1
JWS_TYPE: Final = "trustworks-approval+jws"
NONCE_OCTETS: Final = 16
MAX_APPROVAL: Final = 64 * 1024
"""Octets of the longest approval that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalContent:
    """What an approval says. `sha256` and `nonce` are lower-case hexadecimal, `time` is the approver's."""

    what: str
    sha256: str
    operator: str
    role: Role
    time: datetime
    nonce: str

    def as_dict(self) -> dict[str, str]:
        """The six members."""
        return {
            "what": self.what,
            "sha256": self.sha256,
            "operator": self.operator,
            "role": self.role.value,
            "time": time_text(self.time),
            "nonce": self.nonce,
        }

    def octets(self) -> bytes:
        """What is signed: the members as canonical JSON."""
        return canonical(self.as_dict())

    def digest(self) -> bytes:
        """SHA-256 of what is signed: a passkey's challenge, and the approval's name."""
        return hashlib.sha256(self.octets()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An operator's signature over what he approves.

    `key_id` names the credential. `jws` is a compact serialisation, or `assertion` a passkey's (see
    `passkeys.Assertion`); exactly one is there.
    """

    content: ApprovalContent
    key_id: str
    jws: str | None = None
    assertion: passkeys.Assertion | None = None

    @property
    def form(self) -> Literal["jws", "webauthn"]:
        """How it is signed."""
        return "jws" if self.assertion is None else "webauthn"

    @property
    def approval_id(self) -> str:
        """SHA-256 of what is signed, in hexadecimal."""
        return self.content.digest().hex()

    def as_dict(self) -> dict[str, JSON]:
        """The approval as JSON values, from which `from_dict` makes it again."""
        signed: dict[str, JSON] = (
            {"jws": self.jws} if self.assertion is None else {"webauthn": self.assertion.as_dict()}
        )
        return {
            "version": VERSION,
            "content": self.content.as_dict(),
            "credential": self.key_id,
            **signed,
        }

    @classmethod
    def from_dict(cls, value: Any) -> Approval:
        """Read what `as_dict` wrote. Raises `Malformed`; the signature is not looked at."""
        members = _members(value, {"version", "content", "credential"}, {"jws", "webauthn"}, "An approval")
        if members["version"] != VERSION or isinstance(members["version"], bool):
            raise Malformed(
                f"This approval is of version {members['version']!r}, and this program reads {VERSION}. "
                "Use a newer version of Trustworks."
            )
        token, assertion = members.get("jws"), members.get("webauthn")
        if (token is None) == (assertion is None):
            raise Malformed("An approval is signed once: it has either jws or webauthn.")
        if token is not None and not isinstance(token, str):
            raise Malformed("An approval's jws is text: a compact serialisation (RFC 7515, 7.1).")
        return cls(
            content=_content(members["content"]),
            key_id=check_digest(_text(members["credential"], "credential")),
            jws=token,
            assertion=None if assertion is None else passkeys.Assertion.from_dict(assertion),
        )

    @classmethod
    def from_json(cls, octets: bytes) -> Approval:
        """Read an approval's file. Raises `Malformed`."""
        if len(octets) > MAX_APPROVAL:
            raise Malformed(f"An approval has at most {MAX_APPROVAL} octets; this is no approval.")
        return cls.from_dict(loads(octets))


def digest_of(about: dict[str, JSON]) -> str:
    """SHA-256, in hexadecimal, of what is approved where it is no file: its canonical JSON (RFC 8785)."""
    return hashlib.sha256(canonical(about)).hexdigest()


def new_content(*, what: str, sha256: str, operator: str, role: Role, time: datetime) -> ApprovalContent:
    """What an operator is about to sign, with a fresh nonce. Raises `Malformed`."""
    return ApprovalContent(
        what=check_kind(what),
        sha256=check_digest(sha256),
        operator=check_name(operator),
        role=role,
        time=time,
        nonce=secrets.token_hex(NONCE_OCTETS),
    )


def sign_approval(content: ApprovalContent, signer: Signer) -> Approval:
    """Sign as a JWS, by the key of an operator's certificate. Raises what the signer raises."""
    token = jws.sign(content.octets(), signer, typ=JWS_TYPE)
    return Approval(content=content, key_id=signer.key_id, jws=token)


def verify_approval(approval: Approval, credential: Credential) -> None:
    """Whether the approval is signed by the credential; offline, from these two alone.

    It says nothing about whether the operator had the role, or whether the credential was his then: that is
    `rules.quorum`'s. Raises `Rejected` (roles.signature).
    """
    if approval.key_id != credential.key_id or approval.content.operator != credential.operator:
        raise Rejected(
            "roles.signature",
            f"The approval is of {approval.content.operator} by the key {approval.key_id}; that credential "
            f"is {credential.operator}'s {credential.key_id}. Name the credential that signed it.",
        )
    if approval.assertion is not None:
        passkeys.verify(approval.assertion, credential, challenge=approval.content.digest())
    elif approval.jws is not None:
        if jws.verify(approval.jws, jws.public_key(credential), typ=JWS_TYPE) != approval.content.octets():
            raise Rejected(
                "roles.signature",
                "The approval's JWS is over another content than the approval shows: it was changed.",
            )
    else:
        raise Rejected("roles.signature", "The approval has no signature: it approves nothing.")


def _content(value: Any) -> ApprovalContent:
    names = {"what", "sha256", "operator", "role", "time", "nonce"}
    members = _members(value, names, set(), "An approval's content")
    texts = {name: _text(members[name], name) for name in names}
    if len(texts["nonce"]) != 2 * NONCE_OCTETS or not set(texts["nonce"]) <= set("0123456789abcdef"):
        raise Malformed(f"An approval's nonce is {NONCE_OCTETS} octets in hexadecimal.")
    content = ApprovalContent(
        what=check_kind(texts["what"]),
        sha256=check_digest(texts["sha256"]),
        operator=check_name(texts["operator"]),
        role=role_named(texts["role"]),
        time=_moment(texts["time"]),
        nonce=texts["nonce"],
    )
    if content.as_dict() != texts:
        raise Malformed("An approval's time is in UTC with microseconds: 2026-01-31T12:00:00.000000Z.")
    return content


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Malformed(f"{text!r} is no time of an approval; it is such as 2026-01-31T12:00:00.000000Z.")
    return found


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f"An approval's {name} is text.")
    return value


def _members(value: Any, needed: set[str], allowed: set[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not needed <= set(value) <= needed | allowed:
        raise Malformed(f"{what} is a JSON object with {', '.join(sorted(needed | allowed))} alone.")
    return value
