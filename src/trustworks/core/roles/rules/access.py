"""Whether an operator is let in: his state, what locks a credential out, the life of a session."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from trustworks.core.errors import Refused, Rejected
from trustworks.core.roles.model import Factor
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from trustworks.core.roles.model import Credential, Operator, Session

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""How far the clock of an operator's machine may be ahead of ours."""
UNVERIFIED: Final = "roles.user-verification"
COPIED: Final = "roles.passkey-copied"


class Failures(NamedTuple):
    """Failed sign-ins by a credential in a row, and until when it is locked out for them."""

    in_a_row: int
    locked_until: datetime | None


@implements("CENTS419261:IA2.1", disabled=lambda failures, _now, **_: Failures(failures + 1, None))
def after_failure(failures: int, now: datetime, *, limit: int, lock_for: timedelta) -> Failures:
    """The state of a credential after one more failure; at the limit it is locked out."""
    count = failures + 1
    return Failures(count, now + lock_for if count >= limit else None)


@implements("CENTS419261:IA2.1")
def check_not_locked_out(credential: Credential, now: datetime) -> None:
    """Refuse a credential that failed too often, until the time has passed or others approve to unlock it.

    The operator's other credentials count on: who found or stole one keeps its owner out by it alone.
    """
    if credential.locked_until is not None and now < credential.locked_until:
        raise Refused(
            "CENTS419261:IA2.1",
            f"The {credential.kind} {credential.label} of {credential.operator} is locked out until "
            f"{credential.locked_until:%Y-%m-%d %H:%M:%S} UTC after {credential.failures} sign-ins without "
            "its second factor. Wait, use another credential, or let others approve: trustworks roles "
            f"operator unlock {credential.operator}.",
        )


@implements("TRUSTWORKS:ROLES-LOCK-OUT", disabled=False)
def counts(rule: str, *, proven: bool) -> bool:
    """Whether a refused sign-in counts against the credential: it signed, and its user was not verified.

    What no registered key signed proves nothing of the operator it names, and anybody can send it.
    """
    return proven and rule in {UNVERIFIED, COPIED}


@implements("EN319411-1:GEN-6.5.5-04")
def check_verified(credential: Credential, factors: AbstractSet[Factor]) -> None:
    """Refuse a passkey whose authenticator did not verify its user."""
    if credential.kind == "passkey" and Factor.VERIFICATION not in factors:
        raise Rejected(
            UNVERIFIED,
            "The authenticator did not verify its user. Sign in anew with its PIN or gesture.",
        )


@implements("EN319411-1:GEN-6.5.5-04")
def check_not_copied(credential: Credential, sign_count: int) -> None:
    """Refuse a passkey whose counter does not go on: there are two of it. Source: WebAuthn Level 2, 6.1.1."""
    if (sign_count or credential.sign_count) and sign_count <= credential.sign_count:
        raise Rejected(
            COPIED,
            f"The passkey {credential.label} of {credential.operator} counts {sign_count} uses, and "
            f"{credential.sign_count} were seen: it was copied. Have it removed, and use another one.",
        )


@implements("CENTS419261:IA1.1")
def check_active(operator: Operator) -> None:
    """Refuse an operator who was locked by a security officer, or has retired."""
    if operator.state != "active":
        remedy = (
            "a security officer unlocks the account"
            if operator.state == "locked"
            else "who retired is enrolled anew under another name"
        )
        raise Refused(
            "CENTS419261:IA1.1",
            f"The account {operator.name} is {operator.state}, and does nothing; {remedy}.",
        )


@implements("CENTS419261:IA1.2", disabled=True)
def session_lasts(session: Session, now: datetime, *, idle: timedelta) -> bool:
    """Whether a session is still good: neither left alone for `idle`, nor at its end."""
    return now - session.used_at < idle and now < session.ends_at
