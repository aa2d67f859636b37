"""Works off the queue of challenges, and ends what was not finished in time; run by the jobs process.

An attempt is claimed for some time in the database before it is made: so several processes share the queue,
and what a process left when it died is made again by another.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog

from trustworks.core.audit import Event
from trustworks.core.errors import Unavailable
from trustworks.issuance.enrolment.acme.ending import (
    UNFINISHED,
    authorization_ended,
    authorization_validated,
    move_order,
)
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.rules.validation import is_final
from trustworks.issuance.enrolment.acme.validation.attempt import Attempts, Proof
from trustworks.issuance.enrolment.acme.validation.resolver import DnsResolver
from trustworks.issuance.records import acme as records
from trustworks.issuance.release import INTENT_LIFE
from trustworks.issuance.rules.perspectives import NotCorroboratedError, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON, Recorder
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config.acme import AcmeSettings
    from trustworks.issuance.enrolment.dnssec import Demanded
    from trustworks.issuance.enrolment.perspectives.corroboration import Corroboration
    from trustworks.issuance.records.acme import Account, Authorization, Challenge, Order
    from trustworks.issuance.rules.perspectives import Sight

log = structlog.get_logger(__name__)

AT_ONCE: Final = 16
SWEEP_EVERY: Final = 30.0  # seconds
SWEEP_AT_ONCE: Final = 500
FIRST_PAUSE: Final = timedelta(seconds=2)  # before the second attempt; doubled before each further one
ACTOR: Final = "acme-validation"
CLOSING: Final = 3.0  # seconds that attempts under way are waited for at the end


class _NothingToDoError(Exception):
    """Raised inside a transaction, which is undone: somebody else did it, or it is over."""


class ValidationQueue:
    """The queue of one process. `attempt` raises `Problem` when control over a name was not shown."""

    def __init__(
        self,
        settings: AcmeSettings,
        *,
        attempt: Callable[[Proof], None],
        corroboration: Corroboration,
        database: Database,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._attempt = attempt
        self._corroboration = corroboration
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._slots = threading.Semaphore(AT_ONCE)
        self._at_work: set[threading.Thread] = set()
        self._swept = float("-inf")

    def round(self) -> int:
        """Begin the attempts that are due, each in a thread of its own; how many were begun."""
        if time.monotonic() - self._swept > SWEEP_EVERY:
            self.sweep()
            self._swept = time.monotonic()
        with self._database.read() as connection:
            due = records.due_challenges(connection, self._now(), AT_ONCE)
        begun = 0
        for id_ in due:
            if not self._slots.acquire(blocking=False):
                break
            thread = threading.Thread(target=self._work, args=(id_,), name=f"acme-{id_}", daemon=True)
            self._at_work.add(thread)
            thread.start()
            begun += 1
        return begun

    def close(self) -> None:
        """Wait a little for what is under way; the rest is made again when its claim has run out."""
        self.wait(CLOSING)

    def wait(self, seconds: float) -> None:
        """Wait until all attempts that were begun have ended, so long at most."""
        deadline = time.monotonic() + seconds
        for thread in list(self._at_work):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _now(self) -> datetime:
        return self._clock.now().utc

    def _work(self, id_: str) -> None:
        try:
            self.work(id_)
        except Unavailable as error:
            log.warning("acme.validation-unavailable", challenge=id_, code=error.code, reason=str(error))
        except Exception:
            log.exception("acme.validation-bug", challenge=id_)
        finally:
            self._at_work.discard(threading.current_thread())
            self._slots.release()

    def work(self, id_: str) -> None:
        """Claim the next attempt of a challenge, make it, and record what came of it."""
        now = self._now()
        # The primary attempt, then the perspectives; and some for the records.
        most = self._settings.validation_seconds + self._corroboration.seconds
        until = now + timedelta(seconds=most + 10)
        with self._database.begin() as connection:
            if not records.claim_challenge(connection, id_, now, until):
                return
            found = _of_challenge(connection, id_)
        if found is None:
            return
        challenge, authorization, account = found
        proof = Proof(
            type=challenge.type,
            name=authorization.name,
            token=challenge.token,
            thumbprint=account.thumbprint,
        )
        failure: Problem | None = None
        seen: Sequence[Sight] = ()
        self._corroboration.check_ready(now.date())  # before the name's owner is asked in vain
        try:
            self._attempt(proof)
            seen = self._corroboration.control(proof, now.date())
        except NotCorroboratedError as refused:
            seen = refused.seen
            failure = Problem("unauthorized", str(refused))
        except Problem as problem:
            failure = problem
        except Unavailable:
            raise  # of this machine: the attempt is made again when the claim has run out
        except Exception:
            # What a stranger's server made us fail at is a failed attempt, and not one for ever.
            log.exception("acme.validation-bug", challenge=id_)
            failure = Problem("serverInternal", "The validation failed inside of this server.")
        if failure is not None and failure.name is None:
            failure.name = authorization.name
        if failure is None:
            self._succeeded(challenge, seen)
        else:
            self._failed(challenge, failure, seen)

    def _succeeded(self, challenge: Challenge, seen: Sequence[Sight]) -> None:
        now = self._now()

        def change(connection: Connection) -> list[str]:
            authorization, current = _open(connection, challenge)
            records.save_challenge(
                connection,
                replace(
                    current, status="valid", validated_at=now, error=None, due_at=None, claimed_until=None
                ),
            )
            reuse = timedelta(days=self._settings.authorization_reuse_days)
            validated = replace(
                authorization, status="valid", changed_at=now, expires=max(now + reuse, authorization.expires)
            )
            records.save_authorization(connection, validated)
            # One challenge is enough: others of it that were answered too are not tried any more.
            for one in records.challenges_of(connection, authorization.id):
                if one.status == "processing":
                    idle = replace(one, status="pending", due_at=None, claimed_until=None)
                    records.save_challenge(connection, idle)
            return authorization_validated(connection, validated, now)

        self._change("authorization-valid", change, challenge, seen, now, outcome="success")

    def _failed(self, challenge: Challenge, problem: Problem, seen: Sequence[Sight]) -> None:
        now = self._now()
        last = is_final(problem.code, challenge.attempts, self._settings.validation_attempts)

        def change(connection: Connection) -> list[str]:
            authorization, current = _open(connection, challenge)
            told = problem.document()
            if not last:
                pause = FIRST_PAUSE * 2 ** (challenge.attempts - 1)
                again = replace(current, error=told, due_at=now + pause, claimed_until=None)
                records.save_challenge(connection, again)
                return []
            ended = replace(current, status="invalid", error=told, due_at=None, claimed_until=None)
            records.save_challenge(connection, ended)
            authorization_ended(connection, authorization, "invalid", now, told)
            return []

        type_ = "authorization-invalid" if last else "validation-failed"
        detail: dict[str, JSON] = {"problem": problem.code}
        self._change(type_, change, challenge, seen, now, outcome="failure", detail=detail)

    def _change(
        self,
        type_: str,
        change: Callable[[Connection], list[str]],
        challenge: Challenge,
        seen: Sequence[Sight],
        now: datetime,
        *,
        outcome: Any,
        detail: Mapping[str, JSON] | None = None,
    ) -> None:
        def event(ready: list[str]) -> Event:
            told: dict[str, JSON] = {
                "challenge": challenge.id,
                "type": challenge.type,
                "attempts": challenge.attempts,
                "perspectives": recorded(seen),
                **(detail or {}),
            }
            return Event(
                type=f"acme.{type_}",
                outcome=outcome,
                actor=ACTOR,
                subject={"kind": "acme-authorization", "id": challenge.authorization},
                detail={**told, "ready": list(ready)} if ready else told,
                time=now,
            )

        try:
            self._recorder.transact(event, change)
        except _NothingToDoError:
            log.info("acme.validation-overtaken", challenge=challenge.id)

    # What was not finished in time

    def sweep(self) -> None:
        """End orders and authorizations whose time is over, and forget nonces that are too old."""
        now = self._now()
        with self._database.read() as connection:
            late = records.ended_orders(connection, UNFINISHED, now, SWEEP_AT_ONCE)
            stuck = records.stuck_orders(connection, now - INTENT_LIFE, SWEEP_AT_ONCE)
            over = records.ended_authorizations(connection, ("pending", "valid"), now, SWEEP_AT_ONCE)
        for order in late:
            self._end_order(order, "expired", "The order expired before it was finished; make a new one.")
        for order in stuck:
            self._end_order(order, "failed", "The issuance was broken off; make a new order.")
        for authorization in over:
            self._end_authorization(authorization, now)
        with self._database.begin() as connection:
            records.forget_nonces(connection, now)

    def _end_order(self, order: Order, event: str, sentence: str) -> None:
        now = self._now()

        def change(connection: Connection) -> None:
            current = records.order(connection, order.id, lock=True)
            if current is None or current.status != order.status:
                raise _NothingToDoError
            code = "serverInternal" if event == "failed" else "malformed"
            move_order(connection, current, event, now, error=Problem(code, sentence).document())

        self._end(f"order-{event}", {"kind": "acme-order", "id": order.id}, change, now)

    def _end_authorization(self, authorization: Authorization, now: datetime) -> None:
        status = "invalid" if authorization.status == "pending" else "expired"

        def change(connection: Connection) -> None:
            current = records.authorization(connection, authorization.id, lock=True)
            if current is None or current.status != authorization.status:
                raise _NothingToDoError
            late = Problem("malformed", "The authorization expired.", name=authorization.name)
            authorization_ended(connection, current, status, now, late.document())

        subject = {"kind": "acme-authorization", "id": authorization.id}
        self._end("authorization-expired", subject, change, now)

    def _end(
        self,
        type_: str,
        subject: Mapping[str, JSON],
        change: Callable[[Connection], None],
        now: datetime,
    ) -> None:
        event = Event(type=f"acme.{type_}", outcome="success", actor=ACTOR, subject=subject, time=now)
        try:
            self._recorder.transact(event, change)
        except _NothingToDoError:
            return


def _of_challenge(connection: Connection, id_: str) -> tuple[Challenge, Authorization, Account] | None:
    """A challenge, what it is for, and whose."""
    challenge = records.challenge(connection, id_)
    if challenge is None:
        return None
    authorization = records.authorization(connection, challenge.authorization)
    if authorization is None:
        return None
    account = records.account(connection, authorization.account)
    return None if account is None else (challenge, authorization, account)


def _open(connection: Connection, challenge: Challenge) -> tuple[Authorization, Challenge]:
    """Authorization and challenge as they stay until the commit, unless it is over for them."""
    authorization = records.authorization(connection, challenge.authorization, lock=True)
    current = records.challenge(connection, challenge.id, lock=True)
    if authorization is None or current is None:
        raise _NothingToDoError
    if authorization.status != "pending" or current.status != "processing":
        raise _NothingToDoError
    if current.attempts != challenge.attempts:
        raise _NothingToDoError  # our claim ran out, and somebody else has the next attempt
    return authorization, current


def open_queue(
    settings: AcmeSettings,
    *,
    corroboration: Corroboration,
    database: Database,
    recorder: Recorder,
    clock: Clock,
    dnssec: Demanded | None = None,
) -> ValidationQueue:
    """The queue as the settings say, by a resolver that must validate where `dnssec` says so.

    Raises `Unavailable` (acme.resolver) on a system without DNS.
    """
    seconds = settings.validation_seconds
    resolver = DnsResolver(settings.resolver, seconds=seconds, dnssec=dnssec)
    return ValidationQueue(
        settings,
        attempt=Attempts(settings, resolver).attempt,
        corroboration=corroboration,
        database=database,
        recorder=recorder,
        clock=clock,
    )
