"""Who fails to sign in again and again is slowed down, and locks nobody else out by it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import text

from trustworks.core.errors import Rejected
from trustworks.issuance.enrolment.attempts import Attempts, check_not_locked_out
from trustworks.issuance.records.clients import forget_requests

if TYPE_CHECKING:
    from api_testbed import Integrator
    from issuance_testbed import Provider

LOCKED = "urn:trustworks:api.too-many-failures"


def tried(client: Integrator, **changes: Any) -> int:
    return client.send("POST", "sessions", {"jws": client.jws(**changes)}).status


@pytest.mark.req("TRUSTWORKS:API-LOCK-OUT")
def test_the_tenth_failure_locks_out_until_the_time_is_over() -> None:
    now = [1000.0]
    attempts = Attempts(most=10, minutes=5, monotonic=lambda: now[0])
    for _ in range(9):
        attempts.failed("client:a")
    attempts.check("client:a")
    attempts.failed("client:a")
    with pytest.raises(Rejected, match="5 minutes"):
        attempts.check("client:a")
    attempts.check("client:b")
    attempts.check(None)
    now[0] += 300
    attempts.check("client:a")
    attempts.failed("client:a")
    attempts.succeeded("client:a")
    attempts.check("client:a")
    with pytest.raises(Rejected):
        check_not_locked_out(3, most=3, minutes=1)


@pytest.mark.req("TRUSTWORKS:API-LOCK-OUT")
def test_a_client_whose_key_signs_wrong_secrets_is_locked_out(portal: Integrator, provider: Provider) -> None:
    for _ in range(10):
        assert tried(portal, secret="guessed") == 403
    told = portal.done("POST", "sessions", {"jws": portal.jws()}, status=429)
    assert told["type"] == LOCKED
    with provider.database.read() as connection:
        count = text("SELECT count(*) FROM audit_events WHERE type = 'api.client-refused'")
        assert connection.execute(count).scalar_one() == 10
    assert portal.done("GET", "profiles")["profiles"]  # whoever is signed in stays so


@pytest.mark.req("TRUSTWORKS:API-LOCK-OUT", "TRUSTWORKS:STRANGERS-CONDENSED")
def test_a_stranger_locks_no_client_out(portal: Integrator, provider: Provider) -> None:
    own = portal.key
    portal.key = ec.generate_private_key(ec.SECP256R1())
    clients = portal.api.clients

    def refused(jws: str) -> str:
        with pytest.raises(Rejected) as caught:
            clients.sign_in(jws, audience=portal.api.audience, address="192.0.2.7")
        return caught.value.code

    for _ in range(10):
        assert refused(portal.jws()) == "roles.signature"
    assert refused(portal.jws()) == "api.too-many-failures"
    old = (provider.clock.moment - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    portal.key = own
    assert refused(portal.jws(secret="heard", time=old)) == "api.too-many-failures"
    session, _ = clients.sign_in(portal.jws(), audience=portal.api.audience, address="192.0.2.7")
    assert session.client.name == "portal"  # from the same address
    with provider.database.read() as connection:
        count = text("SELECT count(*) FROM audit_events WHERE type = 'api.client-refused'")
        assert connection.execute(count).scalar_one() == 1  # the ten of one network and minute


def test_what_an_idempotency_key_was_answered_with_is_forgotten_in_time(
    portal: Integrator, provider: Provider
) -> None:
    from api_testbed import wanted  # noqa: PLC0415

    portal.done("POST", "certificates", wanted(), status=201, headers=[("idempotency-key", "order-7")])
    now = provider.clock.moment
    with provider.database.begin() as connection:
        assert forget_requests(connection, now - timedelta(hours=1)) == 0
        assert forget_requests(connection, now + timedelta(seconds=1)) == 1


def test_an_unknown_webhook_is_not_found_before_a_secret_is_made(
    portal: Integrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed: list[str] = []
    monkeypatch.setattr(portal.api.webhooks._key, "seal", lambda name, _: sealed.append(name))
    portal.done("POST", f"webhooks/{'0' * 32}/rotate", {}, status=404)
    assert sealed == []
