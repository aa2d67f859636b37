"""The JSON of the API on webhooks: what is sent and answered, and what a webhook is told."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - Pydantic reads it at run time
from typing import Literal

from pydantic import Field

from trustworks.issuance.http.api.bodies import SERIAL
from trustworks.issuance.records.notices import EVENTS
from trustworks.issuance.registration.wire import Body


class WebhookBody(Body):
    """An address that the client wants to be told at, and what of."""

    url: str = Field(
        max_length=2000, pattern="^https?://", description="An https URL at a public address, as a rule."
    )
    events: tuple[Literal[*EVENTS], ...] = Field(  # type: ignore[valid-type]  # the names are in one place
        min_length=1, max_length=len(EVENTS), description="What it is told of."
    )


class WebhookAnswer(Body):
    """A webhook."""

    id: str
    url: str
    events: tuple[str, ...]
    added_at: datetime
    added_by: str


class NewWebhookAnswer(WebhookAnswer):
    """A new webhook with its secret, which is shown this once."""

    secret: str = Field(description="`whsec_` and Base64; libraries for Standard Webhooks take it so.")


class WebhooksAnswer(Body):
    """The client's webhooks, the oldest first."""

    webhooks: tuple[WebhookAnswer, ...]


class SecretAnswer(Body):
    """A webhook's new secret; the last one signs beside it for a while."""

    id: str
    secret: str


class NoticesQuery(Body):
    """Which deliveries are looked for."""

    state: Literal["waiting", "sent", "undelivered"] | None = Field(
        default=None, description="How far they got; undelivered ones are tried no more."
    )
    limit: int = Field(default=100, ge=1, le=1000, description="How many at most.")


class NoticeAnswer(Body):
    """A delivery: what the webhook is told, and how far that got."""

    id: str = Field(description="As in the header webhook-id.")
    type: str
    serial: str | None
    application: str | None
    at: datetime
    state: Literal["waiting", "sent", "undelivered"]
    tries: int
    next_at: datetime | None
    sent_at: datetime | None
    problem: str | None


class NoticesAnswer(Body):
    """A webhook's deliveries, the newest first."""

    deliveries: tuple[NoticeAnswer, ...]


class BegunAnswer(Body):
    """What will be sent."""

    id: str = Field(description="As in the header webhook-id.")


class EventData(Body):
    """What an event is about: no personal data; ask the API for more."""

    serial: str | None = Field(default=None, pattern=SERIAL)
    application: str | None = None
    profile: str | None = None
    reason: str | None = Field(
        default=None, description="Of a revocation: as in its status. Of an application: what was decided."
    )


class EventMessage(Body):
    """What a webhook is sent."""

    type: str
    timestamp: datetime = Field(description="When it happened; an older event may come after a newer one.")
    data: EventData
