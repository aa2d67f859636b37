"""Tells subjects of changes of status: hands the notices of the outbox to the operator's command, one by one.

A notice is written in the transaction that changes the status, so that none is lost; it is handed over at
least once. Where the subject can be reached is not known here: the command finds that by the serial number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.handover import hand_over
from trustworks.core.trace import implements
from trustworks.issuance import records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from trustworks.core.store import Database
    from trustworks.issuance.model import Notice


class Notifier:
    """Hands waiting notices to `command` (a program and its arguments), as a line of JSON on its input."""

    def __init__(self, command: Sequence[str], *, database: Database, now: Callable[[], datetime]) -> None:
        self._command = tuple(command)
        self._database = database
        self._now = now

    @implements("EN319411-1:REV-6.3.9-03", disabled=lambda _: (0, None))
    def send(self) -> tuple[int, str | None]:
        """Hand over what waits; answers how many were taken, and the first problem.

        A notice that the command does not take (another exit code than 0) waits, and is tried again later.
        """
        with self._database.read() as connection:
            waiting = records.waiting_notices(connection)
        sent, first = 0, None
        for notice in waiting:
            problem = self._hand_over(notice)
            with self._database.begin() as connection:
                moment = self._now() if problem is None else None
                records.note_notice(connection, notice, sent_at=moment, problem=problem)
            sent += problem is None
            first = first or problem
        return sent, first

    def _hand_over(self, notice: Notice) -> str | None:
        """Run the command for a notice; why it was not taken, or None."""
        told = {
            "id": notice.id,
            "serial": notice.serial,
            "kind": notice.kind,
            "reason": None if notice.reason is None else notice.reason.name,
            "at": notice.at.isoformat(),
        }
        return hand_over(self._command, told)
