"""Requests that wait for a registration officer, where a credential says that each of its requests does.

1. The request is authorised and fit: what would be refused anyway is refused at once, and waits for nobody.
2. It is recorded with what the officer decides on: profile, names, key. 3. The officer approves or refuses.
4. The client asks again, in CMP by pollReq, in EST by the same request: for an approved one the certificate
is issued then, in one transaction with the end of the waiting. Source: RFC 4210, 5.3.22; RFC 7030, 4.2.3.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from trustworks.core.audit import Event
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.issuance.enrolment.officers import concerned_by
from trustworks.issuance.profiles.tbs import readable_name
from trustworks.issuance.records import waiting as records
from trustworks.issuance.rules.requests import check_actor
from trustworks.issuance.wire import read_subject

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON, Recorder
    from trustworks.core.roles.model import Person
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.model.requests import Request
    from trustworks.issuance.records.cmp import Credential
    from trustworks.issuance.records.waiting import Conversation, Protocol, WaitingRequest
    from trustworks.issuance.service import Issuance

SENTENCE = "The request waits for a registration officer; ask again later."


class WaitingRoom:
    """The requests that wait. Every change is audited with its record, in one transaction."""

    def __init__(self, *, database: Database, recorder: Recorder, clock: Clock) -> None:
        self._database = database
        self._recorder = recorder
        self._clock = clock

    def admit(
        self,
        protocol: Protocol,
        client: str,
        credential: Credential,
        request: Request,
        conversation: Conversation,
        *,
        issuance: Issuance,
    ) -> WaitingRequest:
        """The request as it stands: it waits from now on, or already did, or was decided on.

        A client is known by `client`. Raises what `Issuance.check` raises, and `Rejected` (notAuthorized).
        """
        key = issuance.check(request)
        mark = fingerprint(client, request, key)
        with self._database.read() as connection:
            found = records.newest(connection, mark)
        if found is not None and found.state in records.OPEN:
            return self._again(found, conversation)
        if found is not None and found.state == "refused" and found.credential == credential.reference:
            return found  # who was refused is not asked about twice; another credential is another matter
        now = self._clock.now().utc
        new = records.WaitingRequest(
            id=secrets.token_hex(12),
            protocol=protocol,
            client=client,
            credential=credential.reference,
            fingerprint=mark,
            profile=request.profile,
            subject=readable_name(request.subject),
            alternative_names=request.alternative_names,
            key_sha256=key,
            asked_at=now,
            conversation=conversation,
        )

        def action(connection: Connection) -> None:
            check_room(records.count_open(connection, credential.reference), credential)
            if not records.add(connection, new):
                raise Rejected(
                    "transactionIdInUse", "The same request was made at the same moment; ask again later."
                )

        self._recorder.transact(self._event("waits", new, request.requested_by, now), action)
        return new

    def _again(self, found: WaitingRequest, conversation: Conversation) -> WaitingRequest:
        """A client that begins anew, because it was switched off meanwhile, takes its place again."""
        if conversation.transaction_id is not None:
            with self._database.begin() as connection:
                records.go_on(connection, found.id, conversation)
        return found

    def of_transaction(self, transaction_id: bytes) -> WaitingRequest | None:
        """The request that is asked for in a transaction of CMP, or None."""
        with self._database.read() as connection:
            return records.of_transaction(connection, transaction_id)

    def go_on(self, found: WaitingRequest, conversation: Conversation) -> None:
        """Note by what message the client asked now."""
        with self._database.begin() as connection:
            records.go_on(connection, found.id, conversation)

    def decide(self, id_: str, *, approve: bool, by: str, why: str) -> WaitingRequest:
        """Approve or refuse a request. Raises `Rejected` (enrolment.request) when none waits with this id."""
        check_actor(by)
        if not 0 < len(why) <= 2000 or not why.isprintable():
            raise Rejected("enrolment.reason", "Give the reason of the decision, in up to 2000 characters.")
        found, now = self.find(id_), self._clock.now().utc
        state: records.State = "approved" if approve else "refused"

        def action(connection: Connection) -> WaitingRequest:
            if not records.decide(connection, id_, state, at=now, by=by, why=why):
                raise _nothing(id_)
            decided = records.get(connection, id_)
            assert decided is not None  # noqa: S101 - it was just written
            return decided

        return self._recorder.transact(self._event(state, found, by, now), action)

    def find(self, id_: str) -> WaitingRequest:
        """The request with this id. Raises `Rejected` (enrolment.request) when there is none."""
        with self._database.read() as connection:
            found = records.get(connection, id_)
        if found is None:
            raise _nothing(id_)
        return found

    def list(self, *, all_states: bool, limit: int) -> list[WaitingRequest]:
        """Requests, the oldest first: those that wait, or all."""
        states = ("waiting", "approved", "refused", "issued") if all_states else ("waiting",)
        with self._database.read() as connection:
            return records.listed(connection, states=states, limit=limit)

    @staticmethod
    def _event(what: str, about: WaitingRequest, by: str, now: datetime) -> Event:
        detail: dict[str, JSON] = {
            "protocol": about.protocol,
            "credential": about.credential,
            "profile": about.profile,
            "key": about.key_sha256,
        }
        return Event(
            type=f"enrolment.request-{what}",
            outcome="success",
            actor=by,
            subject={"kind": "enrolment-request", "id": about.id},
            detail=detail,
            time=now,
        )


def fingerprint(client: str, request: Request, key_sha256: str) -> bytes:
    """One value for who asks and for all that an officer decides on."""
    parts = (client, request.profile, readable_name(request.subject), key_sha256)
    names = sorted(request.alternative_names)
    return hashlib.sha256("\0".join((*parts, *names)).encode()).digest()


@implements("TRUSTWORKS:ENROLMENT-WAITING-ROOM")
def check_room(waiting: int, credential: Credential) -> None:
    """`Rejected` (notAuthorized) when as many requests wait as a credential has certificates left."""
    if waiting >= credential.uses - credential.used:
        raise Rejected(
            "notAuthorized",
            f"As many requests wait for an officer as the credential {credential.reference} is good for.",
        )


@implements("TRUSTWORKS:ENROLMENT-OFFICER-DECIDES", disabled=False)
def waits(found: WaitingRequest) -> bool:
    """Whether a request waits still; `Rejected` (notAuthorized) for one that was refused."""
    if found.state == "refused":
        raise Rejected("notAuthorized", f"The registration officer refused the request: {found.decided_why}")
    return found.state == "waiting"


def finish(connection: Connection, found: WaitingRequest, serial: str) -> None:
    """End the waiting, in the transaction that records the certificate. Raises `Rejected`."""
    if not records.issued(connection, found.id, serial):
        raise Rejected("notAuthorized", "The request was answered already; nothing was issued again.")


def _nothing(id_: str) -> Rejected:
    return Rejected(
        "enrolment.request",
        f"No request {id_!r} waits for a decision. `trustworks cmp request list` shows those that do.",
    )


def subjects_of(found: WaitingRequest) -> list[Person]:
    """Whom a request is about, with the key that it brings: an officer decides nothing about himself."""
    try:
        named = read_subject(found.subject)
    except Malformed:  # whoever it is then, the key tells; the name is looked at before it is issued
        named = ()
    return concerned_by(named, found.alternative_names, key_ids=[found.key_sha256])
