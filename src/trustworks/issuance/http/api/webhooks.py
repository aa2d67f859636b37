"""Operations on webhooks: a client reaches its own, and no others'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustworks.issuance.http.api.service import Answer
from trustworks.issuance.notices.endpoints import notice_json

if TYPE_CHECKING:
    from trustworks.issuance.http.api.service import Api, Call
    from trustworks.issuance.http.api.webhook_bodies import NoticesQuery, WebhookBody
    from trustworks.issuance.records.notices import Webhook


def create(api: Api, call: Call) -> Answer:
    """A new webhook; its secret is shown this once."""
    body: WebhookBody = call.given
    made, secret = api.webhooks.create(call.client.name, url=body.url, events=body.events, by=call.by)
    return Answer(status=201, value={**_webhook(made), "secret": secret})


def search(api: Api, call: Call) -> Answer:
    """The client's webhooks."""
    return Answer(value={"webhooks": [_webhook(one) for one in api.webhooks.all(call.client.name)]})


def remove(api: Api, call: Call) -> Answer:
    """The end of a webhook, and of what waits for it."""
    api.webhooks.remove(call.parts[0], by=call.by, client=call.client.name)
    return Answer(value={})


def rotate(api: Api, call: Call) -> Answer:
    """A new secret; the last one signs beside it for a while."""
    secret = api.webhooks.rotate(call.parts[0], by=call.by, client=call.client.name)
    return Answer(value={"id": call.parts[0], "secret": secret})


def test(api: Api, call: Call) -> Answer:
    """Something that says nothing, sent as everything else is."""
    notice = api.webhooks.test(call.parts[0], by=call.by, client=call.client.name)
    return Answer(status=202, value={"id": notice})


def deliveries(api: Api, call: Call) -> Answer:
    """What a webhook was told, is to be told, or could not be told."""
    query: NoticesQuery = call.query
    found = api.webhooks.notices(call.parts[0], client=call.client.name, state=query.state, limit=query.limit)
    return Answer(value={"deliveries": [notice_json(one) for one in found]})


def retry(api: Api, call: Call) -> Answer:
    """Another round of attempts for what was given up."""
    api.webhooks.try_again(call.parts[0], call.parts[1], by=call.by, client=call.client.name)
    return Answer(status=202, value={"id": call.parts[1]})


def _webhook(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": sorted(webhook.events),
        "added_at": webhook.added_at.isoformat(),
        "added_by": webhook.added_by,
    }
