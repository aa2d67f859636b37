"""Whether an operator is let in: his state, lock-out after failures, the life of a session."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from trustworks.core.errors import Refused
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.roles.model import Operator, Session

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""How far the clock of an operator's machine may be ahead of ours."""


class Failures(NamedTuple):
    """Failed sign-ins in a row, and until when the operator is locked out for them."""

    in_a_row: int
    locked_until: datetime | None


@implements("CENTS419261:IA2.1", disabled=lambda failures, _now, **_: Failures(failures + 1, None))
def after_failure(failures: int, now: datetime, *, limit: int, lock_for: timedelta) -> Failures:
    """The state of an operator after one more failure; at the limit he is locked out."""
    count = failures + 1
    return Failures(count, now + lock_for if count >= limit else None)


@implements("CENTS419261:IA2.1")
def check_not_locked_out(operator: Operator, now: datetime) -> None:
    """Refuse who failed too often, until the time has passed or a security officer unlocks him."""
    if operator.locked_until is not None and now < operator.locked_until:
        raise Refused(
            "CENTS419261:IA2.1",
            f"{operator.name} is locked out until {operator.locked_until:%Y-%m-%d %H:%M:%S} UTC after "
            f"{operator.failures} failed sign-ins. Wait, or let a security officer unlock the "
            "account.",
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
