"""How acts and changes of roles stand: what their recorded approvals come to at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.core.roles import changes, records
from trustworks.core.roles.changes import Change
from trustworks.core.roles.rules import founding
from trustworks.core.roles.rules.quorum import not_used, quorum

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.roles.config import RolesSettings
    from trustworks.core.roles.rules.quorum import QuorumVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A change of roles that was asked for, what its approvals come to, and whether it was done."""

    change: Change
    verdict: QuorumVerdict
    state: records.ChangeState

    @property
    def applied(self) -> bool:
        """Whether it was done."""
        return self.state == "applied"


def needs_operator(connection: Connection, settings: RolesSettings, *, lab: bool) -> bool:
    """Whether acts need an operator here (`founding.are_needed`)."""
    enrolled = records.count_operators(connection) > 0
    return founding.are_needed(lab=lab, required=settings.required, enrolled=enrolled)


def quorum_of(
    connection: Connection,
    settings: RolesSettings,
    what: str,
    sha256: str,
    at: datetime,
    *,
    only: Collection[str] | None = None,
) -> QuorumVerdict:
    """What the recorded approvals of an act come to, by the configured policy; one that served is spent.

    With `only`: what those of these ids come to, without others that were given.
    """
    given = not_used(
        records.approvals_for(connection, what, sha256), records.used_approvals(connection, what, sha256)
    )
    return quorum(
        settings.quorum_for(what),
        given if only is None else [one for one in given if one.approval_id in only],
        records.list_operators(connection),
        what=what,
        sha256=sha256,
        at=at,
    )


def standing_of(connection: Connection, settings: RolesSettings, sha256: str, at: datetime) -> Standing:
    """How a change of roles stands. Raises `Rejected` (roles.change) where there is none of that hash."""
    record = records.change(connection, sha256)
    if record is None:
        raise Rejected(
            "roles.change",
            f"No change of roles has the hash {sha256}: see `trustworks roles change list --all`.",
        )
    change = Change.from_octets(record.body)
    verdict = quorum(
        settings.quorum_for(changes.WHAT),
        records.approvals_for(connection, changes.WHAT, sha256),
        records.list_operators(connection),
        what=changes.WHAT,
        sha256=sha256,
        at=at,
        concerned=(change.operator,),
    )
    return Standing(change=change, verdict=verdict, state=record.state)
