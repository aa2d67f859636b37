"""The library of Standard Webhooks as a client's server: whether it takes what we send for ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from trustworks.issuance.notices.signature import body_of, headers_of, new_secret
from trustworks.issuance.records.notices import Notice

pytestmark = [pytest.mark.interop, pytest.mark.req("TRUSTWORKS:WEBHOOK-SIGNED")]


@pytest.fixture
def moment() -> datetime:
    """The machine's time: the library compares with it and cannot be given another."""
    return datetime.now(UTC)


@pytest.fixture
def notice(moment: datetime) -> Notice:
    return Notice(
        id="5f" * 16,
        recipient="0a" * 16,
        event="certificate.revoked",
        serial="1c" * 20,
        application=None,
        profile="tls-server",
        reason="keyCompromise",
        at=moment,
        due_at=moment,
        tries=0,
        sent_at=None,
        given_up_at=None,
        problem=None,
    )


def test_the_library_verifies_what_is_sent(notice: Notice, moment: datetime) -> None:
    secret, body = new_secret(), body_of(notice)
    told = Webhook(secret).verify(body, headers_of(notice, [secret], moment=moment, body=body))
    assert told == json.loads(body)
    assert (told["type"], told["data"]["serial"]) == ("certificate.revoked", notice.serial)


def test_while_a_secret_is_replaced_either_verifies(notice: Notice, moment: datetime) -> None:
    earlier, later, body = new_secret(), new_secret(), body_of(notice)
    headers = headers_of(notice, [later, earlier], moment=moment, body=body)
    for secret in (earlier, later):
        assert Webhook(secret).verify(body, headers) == json.loads(body)


def test_the_library_refuses_what_was_changed_on_the_way(notice: Notice, moment: datetime) -> None:
    secret, body = new_secret(), body_of(notice)
    headers = headers_of(notice, [secret], moment=moment, body=body)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(new_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(secret).verify(body.replace(b"keyCompromise", b"superseded"), headers)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(secret).verify(body, {**headers, "webhook-id": "60" * 16})


def test_the_library_refuses_an_attempt_of_long_ago(notice: Notice, moment: datetime) -> None:
    secret, body = new_secret(), body_of(notice)
    headers = headers_of(notice, [secret], moment=moment - timedelta(minutes=6), body=body)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(body, headers)
