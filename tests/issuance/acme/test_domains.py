"""A domain that lets others issue, by CAA, gets no certificate (RFC 8659, RFC 8657)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from name_server import name_server

from trustworks.core.errors import Unavailable
from trustworks.issuance.config import CaaSettings
from trustworks.issuance.enrolment.acme.domains import CaaResolver
from trustworks.issuance.enrolment.caa import CaaRecord

if TYPE_CHECKING:
    from acme_testbed import Acme

pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
NAME = "www.example.com"


def issue(value: str, tag: str = "issue") -> list[CaaRecord]:
    return [CaaRecord(0, tag, value)]


def test_a_domain_that_names_another_issuer_gets_no_certificate(acme: Acme) -> None:
    client = acme.client()
    url, order = client.ready(NAME)
    acme.caa["example.com"] = issue("other.example")
    before = acme.state()
    answer = client.finalize(order)
    assert (answer.status, answer.type) == (403, "caa")
    assert answer.json["identifier"]["value"] == NAME
    assert acme.state() == before
    assert client.post(url).json["status"] == "ready"
    acme.caa["example.com"] = issue("ca.example")
    assert client.finalize(order).status == 200


def test_the_account_and_the_way_of_validation_count(acme: Acme) -> None:
    client, other = acme.client(), acme.client()
    assert client.kid is not None
    acme.caa[NAME] = issue(f"ca.example; accounturi={client.kid}; validationmethods=http-01,dns-01")
    _, order = other.ready(NAME)
    assert other.finalize(order).type == "caa"
    _, order = client.ready(NAME)
    assert client.finalize(order).status == 200
    acme.caa[NAME] = issue("ca.example; validationmethods=dns-01")
    _, order = client.ready(NAME)
    assert client.finalize(order).type == "caa"
    # The same account, as another of the server's origins calls it.
    elsewhere = client.kid.replace("acme.example.com", "127.0.0.1:8443")
    acme.caa[NAME] = issue(f"ca.example; accounturi={elsewhere}")
    assert client.finalize(order).status == 200


def test_a_wildcard_has_records_of_its_own(acme: Acme) -> None:
    client = acme.client()
    acme.caa["example.com"] = [*issue("ca.example"), *issue(";", "issuewild")]
    _, order = client.ready("*.example.com", "example.com")
    answer = client.finalize(order)
    assert answer.type == "caa"
    assert answer.json["identifier"]["value"] == "example.com"


def test_what_cannot_be_looked_up_waits(acme: Acme) -> None:
    client = acme.client()
    url, order = client.ready("broken.example.com")
    answer = client.finalize(order)
    assert (answer.status, answer.type) == (503, "serverInternal")
    assert client.post(url).json["status"] == "ready"


def test_without_the_setting_only_a_laboratory_issues(acme: Acme) -> None:
    acme.authority = replace(
        acme.authority, settings=acme.authority.settings.model_copy(update={"caa": None})
    )
    acme.server.authority = acme.authority
    client = acme.client()
    _, order = client.ready(NAME)
    assert client.finalize(order).status == 200
    acme.server.authority = replace(acme.authority, lab=False)
    _, order = client.ready("two.example.com")
    assert client.finalize(order).status == 503


def test_records_are_asked_of_the_resolver_that_is_named(acme: Acme) -> None:
    del acme
    zone = {("example.com", "CAA"): ['0 issue "ca.example"']}
    settings = CaaSettings.model_validate({"domains": ["ca.example"], "seconds": 1.0})
    with name_server(zone) as address:
        host, _, port = address.rpartition(":")
        own = CaaSettings.model_validate(
            {"domains": ["ca.example"], "resolver": host, "port": int(port), "seconds": 1.0}
        )
        for resolver in (CaaResolver(settings, address), CaaResolver(own, "127.0.0.1:9")):
            assert list(resolver.caa("example.com")) == [CaaRecord(0, "issue", "ca.example")]
            assert list(resolver.caa("nowhere.example.com")) == []
            assert list(resolver.caa("a.localhost")) == []
            with pytest.raises(Unavailable):
                resolver.caa("broken.example.com")
