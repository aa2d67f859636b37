"""Domains are asked before a web site's certificate is issued; nothing is issued without an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from certificate_bench import SUBJECTS
from issuance_testbed import open_provider
from sqlalchemy import select

from trustworks.core.audit import records as audit_records
from trustworks.core.errors import Refused, Unavailable
from trustworks.issuance.config import CaaSettings
from trustworks.issuance.enrolment.caa import CaaRecord, asker
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Door

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from issuance_testbed import Provider

    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.issuance.rules.perspectives import Sight

OURS = CaaSettings(domains=("ca.example",))
SITE = "www.muster.example.com"


class Zone:
    """What the DNS answers, or that it does not."""

    def __init__(self, **records: str) -> None:
        self.records = {name.replace("_", "."): [CaaRecord(0, "issue", one)] for name, one in records.items()}
        self.error: Exception | None = None

    def caa(self, name: str) -> Sequence[CaaRecord]:
        if self.error is not None:
            raise self.error
        return self.records.get(name, [])


def ask(provider: Provider) -> bytes:
    subject = {**SUBJECTS["qncp-w-gen-legal"], "commonName": SITE}
    request = provider.request(
        "qncp-w-gen-legal",
        subject=tuple(NameAttribute(*item) for item in subject.items()),
        alternative_names=(f"DNS:{SITE}", "IP:192.0.2.1"),
    )
    return provider.issuance.issue(request).certificate


def ask_for_server(provider: Provider, door: Door, by: str) -> bytes:
    request = provider.request(
        "tls-server-dv", subject=(), alternative_names=(f"DNS:{SITE}",), door=door, requested_by=by
    )
    return provider.issuance.issue(request).certificate


def told(provider: Provider) -> list[tuple[str, dict[str, Any]]]:
    """The events about certificates, with their details."""
    with provider.database.read() as connection:
        bodies = connection.execute(
            select(audit_records.events.c.body)
            .where(audit_records.events.c.type.startswith("certificate."))
            .order_by(audit_records.events.c.sequence)
        ).scalars()
        events = [json.loads(body) for body in bodies]
    return [(event["type"], event["detail"]) for event in events]


def prepared(provider: Provider, root_key: Key, issuing_key: Key) -> Provider:
    provider.issuance.create_root(root_key, by="ceremony")
    provider.issuance.create_issuing(issuing_key, by="ceremony")
    return provider


@pytest.mark.req("RFC8659:4.2")
def test_a_domain_that_lets_us_gets_its_certificate(
    database: Database, root_key: Key, issuing_key: Key
) -> None:
    caa = asker(OURS, Zone(example_com="ca.example"))
    with open_provider(database, root_key, issuing_key, caa=caa) as provider:
        assert ask(prepared(provider, root_key, issuing_key))
        assert ("certificate.caa", {"names": 2, "asked": True}) in told(provider)


@pytest.mark.req("RFC8659:4.2")
def test_a_domain_that_lets_others_gets_none(database: Database, root_key: Key, issuing_key: Key) -> None:
    caa = asker(OURS, Zone(example_com="other.example"))
    with open_provider(database, root_key, issuing_key, caa=caa) as provider:
        prepared(provider, root_key, issuing_key)
        signed = len(provider.key.signed)
        with pytest.raises(Refused, match="must add"):
            ask(provider)
        assert told(provider)[-1] == ("certificate.refused", {"rule": "RFC8659:4.2"})
        assert len(provider.key.signed) == signed
        assert provider.issuance.list(profile="qncp-w-gen-legal") == []


def test_nobody_answers_and_nothing_is_issued(database: Database, root_key: Key, issuing_key: Key) -> None:
    zone = Zone()
    zone.error = Unavailable("caa.lookup", "No answer.")
    with open_provider(database, root_key, issuing_key, caa=asker(OURS, zone)) as provider:
        prepared(provider, root_key, issuing_key)
        with pytest.raises(Unavailable):
            ask(provider)
        assert provider.issuance.list(profile="qncp-w-gen-legal") == []


def test_who_cannot_ask_issues_in_a_laboratory_alone(
    database: Database, root_key: Key, issuing_key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_provider(database, root_key, issuing_key) as provider:
        assert ask(prepared(provider, root_key, issuing_key))
        assert ("certificate.caa", {"names": 2, "asked": False}) in told(provider)
        monkeypatch.setattr(provider.issuance._domains, "_lab", False)
        with pytest.raises(Unavailable, match=r"\[issuance.caa\] domains"):
            ask(provider)


@pytest.mark.req("RFC8659:4.2")
def test_the_domain_of_a_server_is_asked_at_every_door_and_once(
    database: Database, root_key: Key, issuing_key: Key
) -> None:
    zone, elsewhere = Zone(example_com="other.example"), []

    def from_elsewhere(names: Sequence[str], _day: date) -> Sequence[Sight]:
        elsewhere.append(tuple(names))
        return ()

    with open_provider(
        database, root_key, issuing_key, caa=asker(OURS, zone), caa_elsewhere=from_elsewhere
    ) as provider:
        prepared(provider, root_key, issuing_key)
        doors = ((Door.OFFICER, "registration-officer"), (Door.APPLICATION, "application:1"))
        for door, by in doors:
            with pytest.raises(Refused, match="must add"):
                ask_for_server(provider, door, by)
        assert provider.issuance.list(profile="tls-server-dv") == []
        zone.records = {}
        for door, by in doors:
            assert ask_for_server(provider, door, by)
        assert elsewhere == [(f"DNS:{SITE}",)] * 2
        zone.error = Unavailable("caa.lookup", "No answer.")
        # ACME asked before it came here, by account and way of validation, and is not asked for again.
        assert ask_for_server(provider, Door.ACME, "acme/1/2")
        assert [what for what, _ in told(provider)].count("certificate.caa") == 2


@pytest.mark.req("TRUSTWORKS:ISSUANCE-SERVER-NAMES")
@pytest.mark.req("TRUSTWORKS:ISSUANCE-SERVER-CAA")
def test_outside_a_laboratory_an_officer_certifies_servers_of_the_provider_alone(
    database: Database, root_key: Key, issuing_key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = Zone(example_com="other.example")
    with open_provider(database, root_key, issuing_key, caa=asker(OURS, zone)) as provider:
        prepared(provider, root_key, issuing_key)
        for part in (provider.issuance._orders, provider.issuance._domains):
            monkeypatch.setattr(part, "_lab", False)

        def server(name: str, **more: Any) -> bytes:
            subject = (NameAttribute("commonName", name),)
            given = {"subject": subject, "alternative_names": (f"DNS:{name}",), **more}
            return provider.issuance.issue(provider.request("tls-server", **given)).certificate

        api: dict[str, Any] = {"door": Door.API, "requested_by": "api:portal"}
        tsp = "tsp.example.com"
        cases: tuple[tuple[str, dict[str, Any], str], ...] = (
            ("bank.example", {}, "TRUSTWORKS:ISSUANCE-SERVER-NAMES"),
            (tsp, api, "TRUSTWORKS:ISSUANCE-SERVER-DOOR"),
            (tsp, {"alternative_names": (f"DNS:x.{tsp}",)}, "TRUSTWORKS:ISSUANCE-SERVER-COMMON-NAME"),
            (tsp, {}, "RFC8659:4.2"),
        )
        for name, more, rule in cases:
            with pytest.raises(Refused) as refused:
                server(name, **more)
            assert refused.value.requirement == rule
        assert provider.issuance.list(profile="tls-server") == []
        zone.records = {}
        monkeypatch.setattr(provider.issuance._release, "_lab", False)
        assert server(tsp)
        assert ("certificate.caa", {"names": 1, "asked": True}) in told(provider)
