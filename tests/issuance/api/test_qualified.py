"""Qualified certificates by the API: only by an application, and two persons take part in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from api_testbed import csr_pem
from api_testbed import wanted as for_a_server
from operators_testbed import operator_of
from registration_testbed import ANNA, CARD, FACTS, SEEN_ON, ask, seen

from trustworks.core.errors import Refused
from trustworks.core.roles.model import Person, Role
from trustworks.core.roles.records import add_operator
from trustworks.issuance.model.requests import Door

if TYPE_CHECKING:
    from collections.abc import Callable

    from api_testbed import Integrator
    from issuance_testbed import Provider

PROFILE = "natural-qcp-n"
DECIDED = "urn:trustworks:TRUSTWORKS:ISSUANCE-APPLICANT-DECIDED"
DUAL = "urn:trustworks:TRUSTWORKS:REGISTRATION-DUAL-CONTROL"
YES = {"reason": "Seen in person."}


def enrol_officer(provider: Provider, name: str) -> None:
    """An officer who is told from others."""
    made = operator_of(name, Role.REGISTRATION_OFFICER)
    with provider.database.begin() as connection:
        add_operator(connection, made, Person(names=frozenset({f"{name} beispiel"})))


def qualified() -> dict[str, Any]:
    return {"profile": PROFILE, "csr": csr_pem(), "subject": dict(ANNA)}


def evidence() -> dict[str, Any]:
    return {
        "about": "subject",
        "method": "physical-presence",
        "source": "passport XX",
        "established_on": SEEN_ON.isoformat(),
        "facts": dict(FACTS),
    }


@pytest.mark.req("TRUSTWORKS:ISSUANCE-APPLICANT-DECIDED")
def test_a_client_has_no_qualified_certificate_issued_without_an_application(
    portal: Integrator, provider: Provider
) -> None:
    told = portal.done("POST", "certificates", qualified(), status=403)
    assert told["type"] == DECIDED
    assert "Register an application" in told["detail"]
    key = [("idempotency-key", "order-1")]
    assert portal.done("POST", "certificates", qualified(), status=403, headers=key)["type"] == DECIDED
    several = portal.done("POST", "certificates/batch", {"requests": [qualified()]})["outcomes"]
    assert several[0]["problem"]["type"] == DECIDED
    assert provider.issuance.list(profile=PROFILE) == []


@pytest.mark.req("TRUSTWORKS:ISSUANCE-APPLICANT-DECIDED")
@pytest.mark.parametrize(
    ("door", "actor"),
    [
        (Door.API, "api:portal"),
        (Door.ACME, "acme/1/2"),
        (Door.CMP, "cmp:reference"),
        (Door.EST, "est:reference"),
    ],
)
def test_no_protocol_has_a_qualified_certificate_issued(provider: Provider, door: Door, actor: str) -> None:
    asked = provider.request("natural-qcp-n-qscd")
    request = replace(asked, profile=PROFILE, door=door, requested_by=actor)
    with pytest.raises(Refused, match="Register an application"):
        provider.issuance.issue(request)
    outcome = provider.issuance.issue_all([request])[0]
    assert isinstance(outcome, Refused)
    assert provider.issuance.list(profile=PROFILE) == []
    assert provider.issuance.check(request)  # an application for it may be handed in


@pytest.mark.req("TRUSTWORKS:ISSUANCE-APPLICANT-DECIDED")
@pytest.mark.parametrize("lab", [True, False], ids=["lab", "provider"])
def test_a_client_has_an_applicants_certificate_without_an_application_in_a_laboratory_alone(
    enrol: Callable[..., Integrator], provider: Provider, monkeypatch: pytest.MonkeyPatch, lab: bool
) -> None:
    monkeypatch.setattr(provider.issuance._orders, "_lab", lab)
    portal = enrol(profiles=["natural-ncp", "tls-server"])
    portal.sign_in()
    wanted = {**qualified(), "profile": "natural-ncp"}
    key = [("idempotency-key", "order-1")]
    if lab:
        told = portal.done("POST", "certificates", wanted, status=201, headers=key)
        assert told["lacks_evidence"]  # and says TEST
        assert portal.done("POST", "certificates", wanted, status=200, headers=key)["lacks_evidence"]
        assert not portal.done("POST", "certificates", for_a_server(), status=201)["lacks_evidence"]
        return
    assert portal.done("POST", "certificates", wanted, status=403)["type"] == DECIDED
    assert portal.done("POST", "certificates", wanted, status=403, headers=key)["type"] == DECIDED
    several = portal.done("POST", "certificates/batch", {"requests": [wanted]})["outcomes"]
    assert several[0]["problem"]["type"] == DECIDED
    assert provider.issuance.list(profile="natural-ncp") == []


def refused(portal: Integrator, identifier: str) -> None:
    told = portal.done("POST", f"applications/{identifier}/approve", YES, status=403)
    assert told["type"] == DUAL
    assert portal.api.registration.application(identifier).state == "received"


@pytest.mark.req("TRUSTWORKS:REGISTRATION-DUAL-CONTROL")
def test_a_client_does_not_decide_on_what_a_system_registered(
    portal: Integrator, enrol: Callable[..., Integrator]
) -> None:
    handed_in = {**qualified(), "kind": "natural", "terms": "1", "limit": "EUR 5000"}
    identifier = portal.done("POST", "applications", handed_in, status=201)["id"]
    several = {**evidence(), "facts": {**evidence()["facts"], "nationality": ["XX", "AT"]}}
    portal.done("POST", f"applications/{identifier}/evidence", several, status=201)
    told = portal.done("GET", f"applications/{identifier}")
    assert (told["limit"], told["payment_services"]) == ("EUR 5000", None)
    assert (told["identification"], told["evidence"][0]["facts"]["nationality"]) == (
        "eIDAS2-acd",
        ["XX", "AT"],
    )
    refused(portal, identifier)
    other = enrol("second")
    other.sign_in()
    refused(other, identifier)  # two systems may be one person's
    desk = portal.api.registration
    only_handed_in = portal.done("POST", "applications", handed_in | {"csr": csr_pem()}, status=201)["id"]
    seen(desk, only_handed_in)
    refused(portal, only_handed_in)
    entered = desk.submit(ask(), by="ra-desk").id
    seen(desk, entered)
    done = portal.done("POST", f"applications/{entered}/approve", YES)
    assert done["state"] == "issued"


@pytest.mark.req("EN319411-2:SDP-6.5.1-QSCD", "TRUSTWORKS:DEVICE-KEY")
def test_a_client_records_the_device(portal: Integrator) -> None:
    asked = {**qualified(), "profile": "natural-qcp-n-qscd", "kind": "natural", "terms": "1"}
    made = portal.done("POST", "applications", asked, status=201)
    given = {
        "product": CARD,
        "way": "personalised",
        "key": made["key"],
        "serial_number": "CARD-1",
        "source": "receipt 17",
        "established_on": SEEN_ON.isoformat(),
    }
    path = f"applications/{made['id']}/device"
    told = portal.done("POST", path, {**given, "key": "11" * 32}, status=403)
    assert told["type"] == "urn:trustworks:TRUSTWORKS:DEVICE-KEY"
    portal.done("POST", path, {**given, "way": "own-module"}, status=400)
    assert portal.done("POST", path, given, status=201)["key"] == made["key"]
    found = portal.done("GET", f"applications/{made['id']}")
    assert [one["product"] for one in found["devices"]] == [CARD]
    assert not any("device" in one["sentence"] for one in found["objections"])


@pytest.mark.req("TRUSTWORKS:REGISTRATION-DUAL-CONTROL")
def test_a_client_counts_as_the_operator_who_added_it(portal: Integrator, provider: Provider) -> None:
    desk = portal.api.registration
    identifier = desk.submit(ask(), by="ra-desk").id
    seen(desk, identifier, by="officer")  # who added the client
    refused(portal, identifier)
    enrol_officer(provider, "officer")
    by_system = desk.submit(ask(), by="ra-desk").id
    seen(desk, by_system, by="api:portal")
    with pytest.raises(Refused, match="belong together"):
        desk.approve(by_system, by="officer", reason="Seen in person.")
    enrol_officer(provider, "another")
    assert desk.approve(by_system, by="another", reason="Seen in person.").state == "issued"
