"""The webhooks of the API's clients: registered, tested, given a new secret, removed; what became of notices.

A secret signs what is sent, so it is kept encrypted, bound to its webhook; the key is in a file of its own,
which a backup of the database does not have. It is shown once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from trustworks.core.audit import Event
from trustworks.core.errors import Rejected
from trustworks.issuance.notices.signature import new_secret
from trustworks.issuance.records import api_client
from trustworks.issuance.records import notices as records
from trustworks.issuance.records.notices import EVENTS, STATES, TEST, News, Webhook
from trustworks.issuance.rules import webhooks as rules
from trustworks.issuance.rules.requests import check_actor

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config.api import WebhookSettings
    from trustworks.issuance.enrolment.secret_key import SecretKey
    from trustworks.issuance.records.notices import Notice


class Webhooks:
    """The webhooks over one database. Threads share it.

    `client` in a method names whose webhooks it may reach; None: anybody's, for an operator.
    """

    def __init__(
        self,
        settings: WebhookSettings,
        *,
        clock: Clock,
        recorder: Recorder,
        database: Database,
        key: SecretKey,
        lab: bool,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._recorder = recorder
        self._database = database
        self._key = key
        self._lab = lab

    def create(self, client: str, *, url: str, events: Iterable[str], by: str) -> tuple[Webhook, str]:
        """A new webhook, and its secret. Raises `Rejected` (webhook.*, api.client)."""
        check_actor(by)
        rules.check_url(url, lab=self._lab)
        wanted = frozenset(events)
        if not wanted or not wanted <= set(EVENTS):
            raise Rejected("webhook.events", f"A webhook is told of {', '.join(EVENTS)}; name some of these.")
        identifier, secret, now = records.new_id(), new_secret(), self._clock.now().utc
        self._key.make()
        made = Webhook(
            id=identifier,
            client=client,
            url=url,
            events=wanted,
            secret=self._key.seal(_bound(identifier), secret.encode("ascii")),
            earlier_secret=None,
            earlier_until=None,
            added_at=now,
            added_by=by,
            removed_at=None,
        )

        def action(connection: Connection) -> None:
            found = api_client(connection, client)
            if found is None or found.removed_at is not None:
                raise Rejected(
                    "api.client", f"There is no client {client!r}; `trustworks api client list` lists them."
                )
            if len(records.list_webhooks(connection, client)) >= self._settings.most:
                raise Rejected(
                    "webhook.too-many", f"A client has {self._settings.most} webhooks at most; remove one."
                )
            records.add_webhook(connection, made)

        detail = {"client": client, "events": sorted(wanted)}
        self._recorder.transact(_event("added", identifier, by, now, **detail), action)
        return made, secret

    def all(self, client: str | None = None) -> list[Webhook]:
        """The webhooks that there are, the oldest first."""
        with self._database.read() as connection:
            return records.list_webhooks(connection, client)

    def rotate(self, identifier: str, *, by: str, client: str | None = None) -> str:
        """A new secret; the last one signs beside it for a while. Raises `Rejected` (webhook.unknown)."""
        check_actor(by)
        with self._database.read() as connection:
            self._existing(connection, identifier, client)  # nothing is sealed for what there is not
        secret, now = new_secret(), self._clock.now().utc
        sealed = self._key.seal(_bound(identifier), secret.encode("ascii"))
        until = now + timedelta(hours=self._settings.overlap_hours)

        def action(connection: Connection) -> None:
            self._existing(connection, identifier, client)
            records.rotate_webhook(connection, identifier, sealed, earlier_until=until)

        self._recorder.transact(_event("rotated", identifier, by, now), action)
        return secret

    def remove(self, identifier: str, *, by: str, client: str | None = None) -> None:
        """Tell a webhook nothing more, not even what waits. Raises `Rejected` (webhook.unknown)."""
        check_actor(by)
        now = self._clock.now().utc

        def action(connection: Connection) -> None:
            self._existing(connection, identifier, client)
            records.remove_webhook(connection, identifier, at=now)

        self._recorder.transact(_event("removed", identifier, by, now), action)

    def test(self, identifier: str, *, by: str, client: str | None = None) -> str:
        """Have something sent that says nothing; answers the notice's id."""
        check_actor(by)
        now = self._clock.now().utc

        def action(connection: Connection) -> str:
            self._existing(connection, identifier, client)
            return records.tell_one(connection, identifier, News(TEST, None), now)

        return self._recorder.transact(_event("tested", identifier, by, now), action)

    def notices(
        self, identifier: str, *, client: str | None = None, state: str | None = None, limit: int = 100
    ) -> list[Notice]:
        """What a webhook was told or is to be told, the newest first; `state` as `Notice.state`.

        Raises `Rejected` (webhook.unknown, webhook.delivery-state).
        """
        if state is not None and state not in STATES:
            raise Rejected("webhook.delivery-state", f"A delivery is {', '.join(STATES)}.")
        with self._database.read() as connection:
            self._existing(connection, identifier, client)
            return records.list_notices(connection, identifier, state=state, limit=limit)

    def try_again(
        self, identifier: str, notice: str | None = None, *, by: str, client: str | None = None
    ) -> int:
        """Let what was given up be tried anew, one notice or all; answers how many.

        Raises `Rejected` (webhook.unknown, webhook.delivery).
        """
        check_actor(by)
        now = self._clock.now().utc

        def action(connection: Connection) -> int:
            self._existing(connection, identifier, client)
            found = records.try_again(connection, identifier, notice, at=now)
            if notice is not None and not found:
                raise Rejected(
                    "webhook.delivery", f"No delivery {notice!r} of this webhook was given up; see its list."
                )
            return found

        return self._recorder.transact(_event("retried", identifier, by, now, notice=notice or "all"), action)

    def secrets_of(self, webhook: Webhook, now: datetime) -> list[str]:
        """The secrets that sign what a webhook gets. Raises `Unavailable` (enrolment.secret-key)."""
        sealed = [webhook.secret]
        if (
            webhook.earlier_secret is not None
            and webhook.earlier_until is not None
            and now < webhook.earlier_until
        ):
            sealed.append(webhook.earlier_secret)
        return [self._key.open(_bound(webhook.id), one).decode("ascii") for one in sealed]

    @staticmethod
    def _existing(connection: Connection, identifier: str, client: str | None) -> Webhook:
        found = records.webhook(connection, identifier)
        if found is None or found.removed_at is not None or client not in (None, found.client):
            raise Rejected(
                "webhook.unknown",
                f"There is no webhook {identifier!r}; `trustworks api webhook list` lists them.",
            )
        return found


def notice_json(notice: Notice) -> dict[str, Any]:
    """A delivery as JSON tells it, here and on the command line."""
    return {
        "id": notice.id,
        "type": notice.event,
        "serial": notice.serial,
        "application": notice.application,
        "at": notice.at.isoformat(),
        "state": notice.state,
        "tries": notice.tries,
        "next_at": None if notice.due_at is None else notice.due_at.isoformat(),
        "sent_at": None if notice.sent_at is None else notice.sent_at.isoformat(),
        "problem": notice.problem,
    }


def _bound(identifier: str) -> str:
    """What a secret is encrypted for: this webhook, and nothing else that the key protects."""
    return f"webhook:{identifier}"


def _event(what: str, identifier: str, by: str, now: datetime, **detail: Any) -> Event:
    return Event(
        type=f"api.webhook-{what}",
        outcome="success",
        actor=by,
        subject={"kind": "webhook", "id": identifier},
        detail=detail,
        time=now,
    )
