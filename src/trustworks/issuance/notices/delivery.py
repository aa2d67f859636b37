"""Hands over what waits in the outbox: to each recipient at his own pace, none held up by another.

A notice is claimed for a while before it is handed over, and noted afterwards: a crash in between has it
handed over again, so that it comes at least once. One that fails is tried again after a pause that grows; a
webhook's is given up in the end, and audited, while a subject's is not: the provider owes it.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from trustworks.core.audit import Event
from trustworks.core.errors import Unavailable
from trustworks.core.trace import implements
from trustworks.issuance.notices.sending import NotTakenError
from trustworks.issuance.notices.signature import body_of, headers_of
from trustworks.issuance.records import notices as records
from trustworks.issuance.rules import webhooks as rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database
    from trustworks.issuance.notices.command import Command
    from trustworks.issuance.notices.endpoints import Webhooks
    from trustworks.issuance.notices.sending import Sender
    from trustworks.issuance.records.notices import Notice, Webhook

log = structlog.get_logger(__name__)

_PROMPT: Final = 8  # threads for webhooks whose servers answered soon last time
_TRIAL: Final = (
    32  # for those of which that is not known, or not so; who hangs there keeps these waiting alone
)
_AT_ONCE: Final = 50  # notices of a recipient in one go
_LEASE: Final = timedelta(minutes=3)  # longer than any attempt takes
_LONGEST_PAUSE: Final = timedelta(hours=1)  # of a subject's notice
_LONGEST_REST: Final = timedelta(minutes=5)  # of a webhook, whatever waits for it
_TURN: Final = 20.0  # seconds after which a webhook's turn ends; what is left comes with the next
_SOON: Final = 2.0  # seconds for an answer of a server that is prompt


class Delivery:
    """Hands over what waits. `now` is the system's time: what is told does not wait for the trusted one.

    `problem` is why a subject's notice was not taken, until one is.
    """

    def __init__(
        self,
        *,
        database: Database,
        recorder: Recorder,
        now: Callable[[], datetime],
        command: Command | None = None,
        webhooks: Webhooks | None = None,
        sender: Sender | None = None,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._now = now
        self._command = command
        self._webhooks = webhooks
        self._sender = sender
        self._spread = spread
        # Subjects have a thread of their own: the provider owes it to them, whatever clients' servers do.
        self._subjects = ThreadPoolExecutor(1, thread_name_prefix="notices-subjects")
        self._prompt_ones = ThreadPoolExecutor(_PROMPT, thread_name_prefix="notices")
        self._others = ThreadPoolExecutor(_TRIAL, thread_name_prefix="notices-trial")
        self._prompt: set[str] = set()
        self._failures: Counter[str] = Counter()  # in a row
        self._rests_until: dict[str, datetime] = {}
        self._busy: dict[str, Future[None]] = {}
        self.problem: str | None = None
        self._closed = False

    def round(self) -> int:
        """Begin with all for whom something is due and who are not being told already; answers how many."""
        for name in [name for name, future in self._busy.items() if future.done()]:
            failed = self._busy.pop(name).exception()
            if failed is not None:
                log.error("notices.failed", recipient=name, exc_info=failed)
        now = self._now()
        with self._database.read() as connection:
            due = records.due_recipients(connection, now)
        self._rests_until = {one: until for one, until in self._rests_until.items() if until > now}
        able = [
            one for one in due if self._able(one) and one not in self._busy and one not in self._rests_until
        ]
        for one in able:
            self._busy[one] = self._threads_for(one).submit(self._tell, one)
        return len(able)

    def _threads_for(self, recipient: str) -> ThreadPoolExecutor:
        if recipient == records.SUBJECT:
            return self._subjects
        return self._prompt_ones if recipient in self._prompt else self._others

    def finish(self) -> None:
        """Wait until all that was begun is done."""
        wait(list(self._busy.values()))

    def close(self) -> None:
        """Begin nothing more, and wait for the attempts that are under way."""
        self._closed = True
        for one in (self._subjects, self._prompt_ones, self._others):
            one.shutdown(wait=False, cancel_futures=True)
        for one in (self._subjects, self._prompt_ones, self._others):
            one.shutdown(wait=True)

    def _able(self, recipient: str) -> bool:
        return self._command is not None if recipient == records.SUBJECT else self._sender is not None

    @implements("EN319411-1:REV-6.3.9-03", "TRUSTWORKS:WEBHOOK-TOLD", disabled=None)
    def _tell(self, recipient: str) -> None:
        """Hand over what is due for one recipient, until all is, one is not taken, or its turn is over."""
        began = time.monotonic()
        with self._database.read() as connection:
            due = records.due_notices(connection, recipient, self._now(), limit=_AT_ONCE)
            webhook = None if recipient == records.SUBJECT else records.webhook(connection, recipient)
        for notice in due:
            if self._closed or (webhook is not None and time.monotonic() - began > _TURN):
                return
            asked = time.monotonic()
            with self._database.begin() as connection:
                if not records.claim(connection, notice, until=self._now() + _LEASE):
                    continue
            try:
                self._hand_over(notice, webhook)
            except NotTakenError as error:
                self._not_taken(notice, webhook, error)
                self._let_rest(recipient)
                return  # what comes behind it fares no better now
            with self._database.begin() as connection:
                records.note_sent(connection, notice, self._now())
            self._failures.pop(recipient, None)
            if recipient == records.SUBJECT:
                self.problem = None
            elif time.monotonic() - asked <= _SOON:
                self._prompt.add(recipient)
            else:
                self._prompt.discard(recipient)

    def _let_rest(self, recipient: str) -> None:
        """Ask a webhook's server nothing for a while, for none of its notices: longer each time it fails."""
        if recipient == records.SUBJECT:  # a notice of one subject tells nothing of another's
            return
        self._prompt.discard(recipient)
        self._failures[recipient] += 1
        pause = rules.PAUSES[min(self._failures[recipient], len(rules.PAUSES)) - 1]
        self._rests_until[recipient] = self._now() + min(pause, _LONGEST_REST)

    def _hand_over(self, notice: Notice, webhook: Webhook | None) -> None:
        if notice.recipient == records.SUBJECT:
            assert self._command is not None  # noqa: S101 - `_able` saw to it
            self._command.hand_over(notice)
            return
        if (
            webhook is None
            or webhook.removed_at is not None
            or self._sender is None
            or self._webhooks is None
        ):
            raise NotTakenError("The webhook or its client was removed", gone=True)
        body, now = body_of(notice), self._now()
        try:
            secrets = self._webhooks.secrets_of(webhook, now)
        except Unavailable as error:
            raise NotTakenError(str(error)) from None
        self._sender.send(webhook.url, body, headers_of(notice, secrets, moment=now, body=body))

    def _not_taken(self, notice: Notice, webhook: Webhook | None, error: NotTakenError) -> None:
        now, problem = self._now(), str(error)
        tries = notice.tries + 1
        if notice.recipient == records.SUBJECT:
            self.problem = problem
            pause = min(rules.PAUSES[min(tries, len(rules.PAUSES)) - 1], _LONGEST_PAUSE)
            with self._database.begin() as connection:
                records.note_failed(connection, notice, problem, again_at=now + pause)
            return
        if error.gone and webhook is not None and webhook.removed_at is None and self._webhooks is not None:
            self._webhooks.remove(webhook.id, by="webhook")  # its server says that there will be none again
            return
        again = None if error.gone else rules.next_try(tries, now, spread=self._spread())
        if again is not None:
            with self._database.begin() as connection:
                records.note_failed(connection, notice, problem, again_at=again)
            return

        def action(connection: Connection) -> None:
            records.give_up(connection, notice, problem, at=now)

        event = Event(
            type="api.webhook-undelivered",
            outcome="failure",
            actor="jobs",
            subject={"kind": "webhook", "id": notice.recipient},
            detail={"notice": notice.id, "event": notice.event, "tries": tries},
            time=now,
        )
        self._recorder.transact(event, action)
