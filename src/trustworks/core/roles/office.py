"""What the parts of the service share: the records, the log, the time, and how a refusal is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from trustworks.core.audit import Event
from trustworks.core.errors import Refused, Rejected, TrustworksError
from trustworks.core.roles import records
from trustworks.core.time import any_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509
    from sqlalchemy import Connection

    from trustworks.core.audit import JSON, Recorder
    from trustworks.core.roles.config import RolesSettings
    from trustworks.core.roles.model import Operator
    from trustworks.core.store import Database
    from trustworks.core.time import Clock

T = TypeVar("T")


class Moment(NamedTuple):
    """Now, and what the log says about how it is known."""

    utc: datetime
    mark: dict[str, JSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The records of trusted roles, with the log and the clock.

    `revoked` answers why an operator's certificate is revoked, where the provider knows that; None where it
    is not. `system` stands for the system's clock, which dates what is done while `clock` gives no time.
    `challenge_secret` is the file with the secret of all processes' challenges; None: each has its own.
    """

    database: Database
    recorder: Recorder
    clock: Clock
    settings: RolesSettings
    lab: bool = False
    revoked: Callable[[x509.Certificate], str | None] = lambda _: None
    system: Clock | None = None
    challenge_secret: Path | None = None

    def now(self) -> Moment:
        """Trusted time, else the system's: who may act does not wait for it, and the log says which."""
        found = any_time(self.clock, self.system)
        return Moment(found.utc, {} if found.unproven is None else {"unproven_time": found.unproven})

    def operators(self) -> list[Operator]:
        """All operators, by name."""
        with self.database.read() as connection:
            return records.list_operators(connection)

    def act(
        self,
        kind: str,
        action: Callable[[Connection], T],
        *,
        actor: str,
        subject: dict[str, JSON],
        now: Moment,
        detail: Callable[[T], dict[str, JSON]] | dict[str, JSON] | None = None,
    ) -> T:
        """Do `action` and write the event about it in one transaction; a refusal is written by itself."""

        def event(done: T) -> Event:
            more = detail(done) if callable(detail) else (detail or {})
            return Event(
                type=kind,
                outcome="success",
                actor=actor,
                subject=subject,
                detail=more | now.mark,
                time=now.utc,
            )

        try:
            return self.recorder.transact(event, action)
        except (Refused, Rejected) as error:
            self.tell_refused(kind, error, actor=actor, subject=subject, now=now)
            raise

    def tell_refused(
        self,
        what: str,
        error: TrustworksError,
        *,
        actor: str,
        subject: dict[str, JSON],
        now: Moment,
        **more: Any,
    ) -> None:
        """Write down that `what` was refused, and by which rule."""
        self.recorder.record(
            Event(
                type="roles.refused",
                outcome="refused",
                actor=actor,
                subject=subject,
                detail={"what": what, "rule": rule_of(error), **more, **now.mark},
                time=now.utc,
            )
        )


def rule_of(error: TrustworksError) -> str:
    """The rule that an error carries: a requirement's id, or a code."""
    if isinstance(error, Refused):
        return error.requirement
    code: str = getattr(error, "code", "malformed")
    return code
