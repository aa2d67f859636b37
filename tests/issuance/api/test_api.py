"""The operations of the API, and its document."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from api_testbed import csr_pem, wanted
from cryptography import x509
from registration_testbed import ANNA, FACTS, SEEN_ON

from trustworks.core.errors import Unavailable
from trustworks.issuance.http import api as edge
from trustworks.issuance.http.openapi import OPERATIONS, document

if TYPE_CHECKING:
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
    answers: list[Any] = []

    def one() -> None:
        answers.append(portal.send("POST", "certificates", body, headers=key))

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} <= {200, 201}
    assert len({json.loads(answer.body)["serial"] for answer in answers}) == 1
    assert len(provider.issuance.list(profile="tls-server", state="issued")) == 1


def test_several_requests_do_not_hinder_each_other(portal: Integrator) -> None:
    requests = [wanted(), wanted(csr="no request"), wanted(subject={}), wanted()]
    outcomes = portal.done("POST", "certificates/batch", {"requests": requests})["outcomes"]
    assert ["issued" in one for one in outcomes] == [True, False, False, True]
    assert outcomes[1]["problem"]["status"] == 400
    assert outcomes[2]["problem"]["type"] == "urn:trustworks:issuance.subject-attribute"
    too_many = portal.done("POST", "certificates/batch", {"requests": [wanted()] * 101}, status=422)
    assert too_many["type"] == "urn:trustworks:api.too-many"


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
    assert "POST" in portal.done("DELETE", "certificates", status=405)["detail"]
    assert portal.done("GET", f"certificates/{1:040x}", status=404)["type"].endswith("api.not-found")
    assert portal.done("GET", "certificates/xyz", status=400)["title"] == "The request cannot be read"
    assert portal.done("GET", "certificates", query="limit=0", status=400)["detail"].startswith("limit is")
    assert portal.done("GET", "applications/none", status=404)["type"].endswith("registration.unknown")
    for key in ("", "x" * 129):
        portal.done("POST", "certificates", wanted(), status=400, headers=[("idempotency-key", key)])


def test_an_outage_is_for_the_edge_to_tell(portal: Integrator, provider: Provider) -> None:
    provider.key.error = Unavailable("module.gone", "The token is not there.")
    with pytest.raises(Unavailable):
        portal.send("POST", "certificates", wanted())
    outcome = portal.done("POST", "certificates/batch", {"requests": [wanted()]})["outcomes"][0]
    assert outcome["problem"]["status"] == 503
    assert "token" not in outcome["problem"]["detail"]


def test_an_application_goes_to_its_certificate(portal: Integrator) -> None:
    application = {
        "profile": "natural-qcp-n-qscd",
        "kind": "natural",
        "subject": dict(ANNA),
        "csr": csr_pem(),
        "terms": "1",
    }
    made = portal.done("POST", "applications", application, status=201)
    path = f"applications/{made['id']}"
    assert portal.done("GET", path)["objections"] != []
    refused = portal.done("POST", f"{path}/approve", {"reason": "Seen in person."}, status=403)
    assert refused["type"].startswith("urn:trustworks:EN319411-1:")
    evidence = {
        "about": "subject",
        "method": "physical-presence",
        "source": "passport XX",
        "established_on": SEEN_ON.isoformat(),
        "facts": dict(FACTS),
    }
    portal.done("POST", f"{path}/evidence", evidence, status=201)
    assert portal.done("GET", path)["objections"] == []
    done = portal.done("POST", f"{path}/approve", {"reason": "Seen in person."})
    assert done["state"] == "issued"
    assert portal.done("GET", f"certificates/{done['serial']}")["profile"] == "natural-qcp-n-qscd"
    assert portal.done("POST", f"{path}/withdraw", {"reason": "Too late."}, status=409)["status"] == 409
    second = portal.done("POST", "applications", {**application, "csr": csr_pem()}, status=201)["id"]
    assert portal.done("POST", f"applications/{second}/reject", {"reason": "Twice."})["state"] == "rejected"
    states = portal.done("GET", "applications", query="state=issued,rejected")["applications"]
    assert sorted(one["state"] for one in states) == ["issued", "rejected"]


def test_the_document_describes_what_there_is(portal: Integrator) -> None:
    told = portal.done("GET", "openapi.json")
    assert told == json.loads(json.dumps(document(portal.api.audience)))
    described = set(OPERATIONS) - {("POST", "sessions")}
    assert described == set(edge.OPERATIONS)
    assert told["servers"] == [{"url": "http://tsp.example.com/api/v1"}]
    names = {
        reference.rpartition("/")[2]
        for reference in json.dumps(told).split('"')
        if "#/components" in reference
    }
    assert names <= set(told["components"]["schemas"])
