"""The operations of the API, and its document."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from api_testbed import csr_pem, wanted
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from registration_testbed import ANNA, FACTS, SEEN_ON, seen
from sqlalchemy import text

from trustworks.core.errors import Unavailable
from trustworks.issuance.http.api.openapi import document
from trustworks.issuance.http.api.operations import OPERATIONS, find
from trustworks.issuance.records.notices import EVENTS
from trustworks.issuance.registration.wire import ApplicationBody

if TYPE_CHECKING:
    from collections.abc import Callable

    from api_testbed import Integrator
    from issuance_testbed import Provider


def test_a_certificate_is_issued_found_held_released_and_revoked(
    portal: Integrator, provider: Provider
) -> None:
    made = portal.done("POST", "certificates", wanted(), status=201)
    certificate = x509.load_pem_x509_certificate(made["certificate"].encode())
    issuer = x509.load_pem_x509_certificate(made["chain"][0].encode())
    certificate.verify_directly_issued_by(issuer)
    serial = made["serial"]
    assert f"{certificate.serial_number:040x}" == serial
    found = portal.done("GET", f"certificates/{serial}")
    assert found["certificate"] == made["certificate"]
    assert found["requested_by"] == "api:portal"
    assert portal.done("GET", f"certificates/{serial}/status")["status"] == "valid"
    held = portal.done("POST", f"certificates/{serial}/revoke", {"reason": "certificateHold"})
    assert held["reason"] == "certificateHold"
    assert portal.done("GET", f"certificates/{serial}/status")["status"] == "held"
    assert portal.done("POST", f"certificates/{serial}/release", {})["status"] == "valid"
    portal.done("POST", f"certificates/{serial}/revoke", {"reason": "keyCompromise"})
    status = portal.done("GET", f"certificates/{serial}/status")
    assert (status["status"], status["reason"]) == ("revoked", "keyCompromise")
    assert portal.done("POST", f"certificates/{serial}/release", {}, status=403)["type"].endswith(
        "REV-6.3.9-04"
    )
    listed = portal.done("GET", "certificates", query="profile=tls-server&revoked=true&limit=5")
    assert [one["serial"] for one in listed["certificates"]] == [serial]
    provider.clock.moment = certificate.not_valid_after_utc + timedelta(seconds=1)
    portal.sign_in()
    assert portal.done("GET", f"certificates/{serial}/status")["status"] == "revoked"


@pytest.mark.req("TRUSTWORKS:API-ONCE")
def test_a_request_with_a_key_is_answered_by_one_certificate(portal: Integrator, provider: Provider) -> None:
    body, key = json.dumps(wanted()).encode(), [("idempotency-key", "order-7")]
    first = portal.done("POST", "certificates", body, status=201, headers=key)
    again = portal.done("POST", "certificates", body, status=200, headers=key)
    assert again == first
    other = portal.done("POST", "certificates", wanted(), status=409, headers=key)
    assert other["type"] == "urn:trustworks:api.idempotency-key"
    assert len(provider.issuance.list(profile="tls-server")) == 1


@pytest.mark.req("TRUSTWORKS:API-ONCE")
def test_requests_with_a_key_that_come_at_once_get_one_certificate(
    portal: Integrator, provider: Provider
) -> None:
    body, key = json.dumps(wanted()).encode(), [("idempotency-key", "order-8")]

    async def ask() -> list[Any]:
        one = portal.request("POST", "certificates", body, headers=key)
        return await asyncio.gather(*(portal.edge.handle(one) for _ in range(6)))

    answers = asyncio.run(ask())
    assert {answer.status for answer in answers} <= {200, 201}
    assert len({json.loads(answer.body)["serial"] for answer in answers}) == 1
    assert len(provider.issuance.list(profile="tls-server", state="issued")) == 1


def test_several_requests_do_not_hinder_each_other(portal: Integrator) -> None:
    requests = [wanted(), wanted(csr="no request"), wanted(subject={}), wanted()]
    outcomes = portal.done("POST", "certificates/batch", {"requests": requests})["outcomes"]
    assert ["issued" in one for one in outcomes] == [True, False, False, True]
    assert outcomes[1]["problem"]["status"] == 400
    assert outcomes[2]["problem"]["type"] == "urn:trustworks:issuance.subject-attribute"
    assert outcomes[2]["problem"]["rule"] == "TRUSTWORKS:ISSUANCE-SUBJECT-ATTRIBUTES"
    too_many = portal.done("POST", "certificates/batch", {"requests": [wanted()] * 101}, status=422)
    assert too_many["type"] == "urn:trustworks:api.too-many"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"csr": csr_pem(rsa.generate_private_key(65537, 1024))}, "TRUSTWORKS:ISSUANCE-KEY-KIND"),  # noqa: S505 - it is to be refused
        ({"csr": csr_pem(ec.generate_private_key(ec.SECP192R1()))}, "TRUSTWORKS:ISSUANCE-KEY-KIND"),
        ({"subject": {"commonName": "x" * 300}}, "TRUSTWORKS:ISSUANCE-SUBJECT-ATTRIBUTES"),
        ({"alternative_names": ["email:a@example.com"]}, "TRUSTWORKS:ISSUANCE-ALTERNATIVE-NAMES"),
    ],
)
def test_a_refused_request_tells_the_rule(portal: Integrator, changes: dict[str, Any], rule: str) -> None:
    told = portal.done("POST", "certificates", wanted(**changes), status=422)
    assert told["rule"] == rule


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (b"", 400, "the text"),
        (b"\xff", 400, "the text"),
        ({"profile": "tls-server"}, 400, "csr: Field required"),
        (wanted(days="ten"), 400, "days: "),
        (wanted(more=1), 400, "more: "),
        (wanted(csr="-----BEGIN"), 400, ""),
        (wanted(days=100_000), 422, "allows 1 to"),
        (wanted(subject={"commonName": "x" * 300}), 422, "commonName has 300 characters"),
        (wanted(subject={"serialNumber": "1"}), 422, "serialNumber"),
    ],
)
def test_what_is_wrong_is_told_as_a_problem(portal: Integrator, body: Any, status: int, why: str) -> None:
    answer = portal.send("POST", "certificates", body)
    told = json.loads(answer.body)
    assert (answer.status, answer.content_type) == (status, "application/problem+json")
    assert told["status"] == status
    assert why in told["detail"]


def test_unknown_addresses_methods_and_certificates(portal: Integrator) -> None:
    assert portal.done("GET", "nothing", status=404)["status"] == 404
    answer = portal.send("DELETE", "certificates")
    assert (answer.status, dict(answer.headers)["allow"]) == (405, "GET, POST")
    assert dict(portal.send("GET", "sessions").headers)["allow"] == "DELETE, POST"
    assert portal.send("HEAD", "profiles").status == 200
    assert portal.done("GET", f"certificates/{1:040x}", status=404)["type"].endswith("api.not-found")
    assert portal.done("GET", "certificates/xyz", status=400)["title"] == "The request cannot be read"
    assert portal.done("GET", "applications/none", status=404)["type"].endswith("registration.unknown")
    for key in ("", "x" * 129, "a b", "\xfc"):
        portal.done("POST", "certificates", wanted(), status=400, headers=[("idempotency-key", key)])


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("certificates", "limit=0"),
        ("certificates", "limit=1001"),
        ("certificates", "limit=" + "9" * 5000),
        ("certificates", "limit="),
        ("certificates", "revoked=perhaps"),
        ("certificates", "state=good"),
        ("certificates", "serial=1"),
        ("certificates", "subject="),
        ("applications", "state=open"),
        ("applications", "state=issued,"),
        ("profiles", "name=tls-server"),
    ],
)
def test_a_query_that_is_not_understood_is_not_ignored(portal: Integrator, path: str, query: str) -> None:
    assert portal.done("GET", path, query=query, status=400)["type"] == "urn:trustworks:malformed"


def test_a_key_is_refused_where_it_would_be_ignored(portal: Integrator, provider: Provider) -> None:
    key = [("idempotency-key", "order-9")]
    body = {"requests": [wanted()]}
    told = portal.done("POST", "certificates/batch", body, headers=key, status=400)
    assert "not honoured here" in told["detail"]
    assert provider.issuance.list(profile="tls-server") == []


def test_a_batch_of_requests_is_answered_without_a_thread_each(
    portal: Integrator, provider: Provider
) -> None:
    async def ask() -> list[Any]:
        return await asyncio.gather(
            *(portal.edge.handle(portal.request("POST", "certificates", wanted())) for _ in range(20)),
            portal.edge.handle(portal.request("POST", "certificates", wanted(subject={}))),
        )

    before = {one.name for one in threading.enumerate() if one.name.startswith("api_")}
    answers = asyncio.run(ask())
    after = {one.name for one in threading.enumerate() if one.name.startswith("api_")}
    assert [one.status for one in answers] == [201] * 20 + [422]
    assert len(after - before) <= 1  # who looks the session up
    assert len({json.loads(one.body)["serial"] for one in answers[:20]}) == 20
    assert len(provider.issuance.list(profile="tls-server", state="issued")) == 20


def test_who_went_away_hinders_nobody(portal: Integrator, provider: Provider) -> None:
    async def ask() -> Any:
        gone = asyncio.ensure_future(portal.edge.handle(portal.request("POST", "certificates", wanted())))
        await asyncio.sleep(0)
        gone.cancel()
        return await portal.edge.handle(portal.request("POST", "certificates", wanted()))

    assert asyncio.run(ask()).status == 201
    assert provider.issuance.list(profile="tls-server", state="issued") != []


def test_an_outage_is_a_problem_that_tells_nothing_of_the_inside(
    portal: Integrator, provider: Provider
) -> None:
    provider.key.error = Unavailable("module.gone", "The token is not there.")
    answer = portal.send("POST", "certificates", wanted())
    assert (answer.status, answer.content_type) == (503, "application/problem+json")
    assert b"token" not in answer.body
    assert dict(answer.headers)["retry-after"] == "5"
    provider.key.error = RuntimeError("a fault at 0x7f")
    assert "0x7f" not in str(portal.done("POST", "certificates", wanted(), status=500))
    provider.key.error = Unavailable("module.gone", "The token is not there.")
    outcome = portal.done("POST", "certificates/batch", {"requests": [wanted()]})["outcomes"][0]
    assert outcome["problem"]["status"] == 503
    assert "token" not in outcome["problem"]["detail"]


def registered(portal: Integrator, application: dict[str, Any]) -> str:
    """An application that an officer entered, with what he saw."""
    asked = ApplicationBody.model_validate({**application, "csr": csr_pem()}).read()
    identifier = portal.api.registration.submit(asked, by="ra-desk").id
    seen(portal.api.registration, identifier)
    return identifier


def test_an_application_goes_to_its_certificate(portal: Integrator) -> None:
    application = {
        "profile": "natural-qcp-n",
        "kind": "natural",
        "subject": dict(ANNA),
        "csr": csr_pem(),
        "terms": "1",
    }
    made = portal.done("POST", "applications", application, status=201)
    path = f"applications/{made['id']}"
    assert portal.done("GET", path)["objections"] != []
    refused = portal.done("POST", f"{path}/approve", {"reason": "Seen in person."}, status=403)
    assert refused["type"] == "urn:trustworks:TRUSTWORKS:REGISTRATION-DUAL-CONTROL"
    evidence = {
        "about": "subject",
        "method": "physical-presence",
        "source": "passport XX",
        "established_on": SEEN_ON.isoformat(),
        "facts": dict(FACTS),
    }
    portal.done("POST", f"{path}/evidence", evidence, status=201)
    assert portal.done("GET", path)["objections"] == []
    portal.done("POST", f"{path}/approve", {"reason": "Seen."}, status=403)  # for it registered it
    made = registered(portal, application)
    path = f"applications/{made}"
    done = portal.done("POST", f"{path}/approve", {"reason": "Seen in person."})
    assert done["state"] == "issued"
    assert portal.done("GET", f"certificates/{done['serial']}")["profile"] == "natural-qcp-n"
    assert portal.done("POST", f"{path}/withdraw", {"reason": "Too late."}, status=409)["status"] == 409
    second = portal.done("POST", "applications", {**application, "csr": csr_pem()}, status=201)["id"]
    assert portal.done("POST", f"applications/{second}/reject", {"reason": "Twice."})["state"] == "rejected"
    states = portal.done("GET", "applications", query="state=issued,rejected")["applications"]
    assert sorted(one["state"] for one in states) == ["issued", "rejected"]


def test_the_document_describes_what_there_is(portal: Integrator) -> None:
    told = portal.done("GET", "openapi.json")
    assert told == json.loads(json.dumps(document(portal.api.audience)))
    described = {(method.upper(), path[1:]) for path, found in told["paths"].items() for method in found}
    assert described == {("POST", "sessions"), *((one.method, one.path) for one in OPERATIONS)}
    for one in OPERATIONS:
        assert find(one.path)[0][one.method] is one
    assert told["servers"] == [{"url": "http://tsp.example.com/api/v1"}]
    assert set(told["webhooks"]) == set(EVENTS)
    names = {
        reference.rpartition("/")[2]
        for reference in json.dumps(told).split('"')
        if "#/components" in reference
    }
    assert names <= set(told["components"]["schemas"])


def test_a_client_registers_tests_and_removes_its_webhooks(
    portal: Integrator, enrol: Callable[..., Integrator], provider: Provider
) -> None:
    body = {"url": "https://hooks.example.com/in", "events": ["certificate.issued", "certificate.expiring"]}
    made = portal.done("POST", "webhooks", body, status=201)
    assert made["secret"].startswith("whsec_")
    (listed,) = portal.done("GET", "webhooks")["webhooks"]
    assert listed == {key: value for key, value in made.items() if key != "secret"}
    path = f"webhooks/{made['id']}"
    assert portal.done("POST", f"{path}/rotate", {})["secret"] != made["secret"]
    notice = portal.done("POST", f"{path}/test", {}, status=202)["id"]
    portal.done("POST", "certificates", wanted(), status=201)
    deliveries = portal.done("GET", f"{path}/deliveries", query="state=waiting")["deliveries"]
    assert {one["type"] for one in deliveries} == {"webhook.test", "certificate.issued"}
    retried = portal.done("POST", f"{path}/deliveries/{notice}/retry", {}, status=404)
    assert retried["type"].endswith("webhook.delivery")
    stranger = enrol("stranger")
    stranger.sign_in()
    assert stranger.done("GET", "webhooks")["webhooks"] == []
    for method, below, given in (
        ("DELETE", "", None),
        ("POST", "/rotate", {}),
        ("POST", "/test", {}),
        ("GET", "/deliveries", None),
        ("POST", f"/deliveries/{notice}/retry", {}),
    ):
        told = stranger.done(method, path + below, given, status=404)
        assert told["type"].endswith("webhook.unknown")
    portal.done("DELETE", path)
    assert portal.done("GET", "webhooks")["webhooks"] == []
    assert portal.done("DELETE", path, status=404)["status"] == 404
    with provider.database.read() as connection:
        assert made["secret"] not in str(connection.execute(text("SELECT * FROM webhooks")).all())


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"url": "http://hooks.example.com/"}, 422),
        ({"url": "https://user@hooks.example.com/"}, 422),
        ({"url": "ftp://hooks.example.com/"}, 400),
        ({"events": []}, 400),
        ({"events": ["everything"]}, 400),
        ({"secret": "mine"}, 400),
    ],
)
def test_a_wrong_webhook_is_not_registered(portal: Integrator, changes: dict[str, Any], status: int) -> None:
    portal.api.webhooks._lab = False
    body = {"url": "https://hooks.example.com/in", "events": ["certificate.issued"], **changes}
    portal.done("POST", "webhooks", body, status=status)
    assert portal.done("GET", "webhooks")["webhooks"] == []
