"""Values that come back from mailboxes, from anybody: compared, counted, good once.

Nobody is authenticated here, so that nothing is told: an unknown value, an old one and one of an application
that is decided are answered alike. Who gives one again that he gave before is told so, and nothing changes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.core.audit import Event
from trustworks.core.errors import Rejected
from trustworks.issuance.registration import mailbox_records, records, rules
from trustworks.issuance.registration.rules.mailboxes import MOST_WRONG

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from trustworks.core.audit import JSON, Recorder
    from trustworks.core.audit.model import Outcome
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.registration.model import MailboxValidation

CODE: Final = "registration.mailbox-value"
USED: Final = "registration.mailbox-value-used"
HOLDER: Final = "mailbox-holder"  # who answered by the page: whoever reads the mailbox
_VALUE: Final = re.compile(r"([0-9a-f]{32})\.([A-Za-z0-9_-]{43})")


def parts_of(value: str) -> tuple[str, str]:
    """The number of what was drawn, and the secret. Raises `Rejected` (registration.mailbox-value)."""
    found = _VALUE.fullmatch("".join(value.split()))  # mail programs break lines
    if found is None:
        raise _not_good()
    return found[1], found[2]


class MailboxAnswers:
    """Takes what holders of mailboxes send back by the public page. Threads share it."""

    def __init__(self, *, clock: Clock, recorder: Recorder, database: Database) -> None:
        self._clock = clock
        self._recorder = recorder
        self._database = database

    def take(self, value: str) -> MailboxValidation:
        """Take a value back. Raises `Rejected` (registration.mailbox-value, -value-used), `Unavailable`."""
        number, secret = parts_of(value)
        return answer(
            number,
            secret,
            by=HOLDER,
            application=None,
            clock=self._clock,
            recorder=self._recorder,
            database=self._database,
        )


def answer(
    number: str,
    secret: str,
    *,
    by: str,
    application: str | None,
    clock: Clock,
    recorder: Recorder,
    database: Database,
) -> MailboxValidation:
    """Compare a value with the one that was mailed, and write that it came back.

    `application` is the one that it must be for, where that is known. A wrong value is counted against the
    one that was mailed, with an event; of one that was never drawn nothing is written: anybody may send any.
    Raises `Rejected` (registration.mailbox-value; registration.mailbox-value-used for the right one that came
    back before), and `Unavailable`.
    """
    now = clock.now().utc
    with database.read() as connection:
        drawn = mailbox_records.get(connection, number)
        found = None if drawn is None else records.application(connection, drawn.application)
    if drawn is None or found is None or application not in {None, drawn.application}:
        raise _not_good()
    if drawn.validated_at is not None and rules.is_the_value(drawn, secret):
        raise Rejected(USED, "This value was used, and its mailbox is confirmed; you need do nothing more.")
    if found.state != "received" or not rules.is_answerable(drawn, now):
        raise _not_good()

    def event(what: str, outcome: Outcome) -> Event:
        detail: dict[str, JSON] = {"mailbox": drawn.id}
        return Event(
            type=f"registration.{what}",
            outcome=outcome,
            actor=by,
            subject={"kind": "application", "id": drawn.application},
            detail=detail,
            time=now,
        )

    if not rules.is_the_value(drawn, secret):
        recorder.transact(
            event("mailbox-not-confirmed", "failure"),
            lambda connection: mailbox_records.guessed(connection, drawn.id),
        )
        raise _not_good()

    def action(connection: Connection) -> MailboxValidation:
        records.lock(connection, found)
        current = records.application(connection, drawn.application)
        if current is None or current.state != "received":
            raise _not_good()
        if not mailbox_records.validated(connection, drawn.id, by=by, at=now, most_wrong=MOST_WRONG):
            raise _not_good()
        confirmed = mailbox_records.get(connection, drawn.id)
        assert confirmed is not None  # noqa: S101 - it was just written
        return confirmed

    return recorder.transact(event("mailbox-confirmed", "success"), action)


def _not_good() -> Rejected:
    return Rejected(
        CODE,
        "This value is not good: it is not one that we mailed, it was used, or it is older than 24 hours. "
        "Copy it whole from the newest mail, or have another one mailed.",
    )
