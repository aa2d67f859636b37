"""Qualified certificates by the API: only by an application, and two persons take part in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from api_testbed import csr_pem
from registration_testbed import ANNA, FACTS, SEEN_ON

from trustworks.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from api_testbed import Integrator
    from issuance_testbed import Provider

PROFILE = "natural-qcp-n-qscd"
DECIDED = "urn:trustworks:TRUSTWORKS:ISSUANCE-QUALIFIED-DECIDED"
DUAL = "urn:trustworks:TRUSTWORKS:REGISTRATION-DUAL-CONTROL"
YES = {"reason": "Seen in person."}


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


@pytest.mark.req("TRUSTWORKS:ISSUANCE-QUALIFIED-DECIDED")
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


@pytest.mark.req("TRUSTWORKS:ISSUANCE-QUALIFIED-DECIDED")
@pytest.mark.parametrize("actor", ["api:portal", "acme/1/2", "cmp:reference", "est:reference"])
def test_no_protocol_has_a_qualified_certificate_issued(provider: Provider, actor: str) -> None:
    request = replace(provider.request(PROFILE), requested_by=actor)
    with pytest.raises(Refused, match="Register an application"):
        provider.issuance.issue(request)
    outcome = provider.issuance.issue_all([request])[0]
    assert isinstance(outcome, Refused)
    assert provider.issuance.list(profile=PROFILE) == []
    assert provider.issuance.check(request)  # an application for it may be handed in
