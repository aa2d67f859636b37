"""A version is what its text is: kept, dated, audited, and found to differ when the configuration does."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from trustworks.app.statements import records, rules, service
from trustworks.app.statements.facts import gather
from trustworks.app.statements.model import Document
from trustworks.core.audit.records import events
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.time import LabClock

if TYPE_CHECKING:
    from statements_testbed import Office

    from trustworks.core.time import TrustedTime


class NoClock(LabClock):
    """A clock without trusted time."""

    def now(self) -> TrustedTime:
        raise Unavailable("clock.stale", "There is no lease.")


def published_events(office: Office) -> list[dict[str, object]]:
    with office.database.read() as connection:
        rows = connection.scalars(
            select(events.c.body).where(events.c.type == "statement.published").order_by(events.c.sequence)
        ).all()
    return [json.loads(one) for one in rows]


@pytest.mark.req("TRUSTWORKS:STATEMENTS-IN-FORCE")
def test_what_differs_is_found_and_published_as_another_version(office: Office) -> None:
    assert sum("is not published" in one for one in office.findings()) == len(Document)
    first = office.publish()
    assert [(one.document, one.number) for one in first] == [(one, 1) for one in first_order()]
    assert office.publish() == []
    assert not any("publish" in one for one in office.findings())

    office.change("issuance.ocsp", validity_minutes=17)
    (cps,) = [one for one in office.findings() if one.startswith("cps (en): version 1")]
    assert "says something else now" in cps
    second = office.publish()
    assert {(one.document, one.number) for one in second} == {(Document.CPS, 2), (Document.PDS, 2)}
    with office.database.read() as connection:
        kept = records.version(connection, Document.CPS, "en", 1)
        assert kept is not None
        assert kept == next(one for one in first if one.document is Document.CPS)
        assert records.by_digest(connection, Document.CPS, "en", kept.sha256[:16]) == kept
        assert records.newest(connection, Document.CPS, "en") == next(
            one for one in second if one.document is Document.CPS
        )


def first_order() -> tuple[Document, ...]:
    return (Document.CPS, Document.PDS, Document.TSA, Document.TERMS)


@pytest.mark.req("TRUSTWORKS:STATEMENTS-VERSIONED")
def test_a_version_is_audited_by_the_digests_of_text_and_pdf(office: Office) -> None:
    (version,) = office.publish(Document.PDS)
    (event,) = published_events(office)
    assert event["actor"] == "somebody"
    assert event["subject"] == {"document": "pds", "language": "en", "number": 1}
    detail = event["detail"]
    assert isinstance(detail, dict)
    assert detail["sha256"] == hashlib.sha256(version.text.encode()).hexdigest()
    assert detail["pdf_sha256"] == hashlib.sha256(version.pdf).hexdigest()
    assert "address" in detail["missing"]


def test_without_trusted_time_nothing_is_published(office: Office) -> None:
    office.clock = NoClock()
    with pytest.raises(Unavailable):
        office.publish()
    with office.database.read() as connection:
        assert records.listed(connection) == []
    assert published_events(office) == []


def test_of_two_who_publish_at_once_one_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with office.database.read() as connection:
        before = service.differences(office.config, connection)
    (_,) = office.publish(Document.PDS)
    monkeypatch.setattr(service, "differences", lambda *_: before)
    with pytest.raises(Rejected, match="Somebody else published pds"):
        office.publish(Document.PDS)
    assert len(published_events(office)) == 1


def test_a_text_that_comes_back_is_a_version_of_its_own(office: Office) -> None:
    office.publish(Document.PDS)
    office.change("issuance.ocsp", validity_minutes=17)
    office.publish(Document.PDS)
    office.change("issuance.ocsp", validity_minutes=60)
    (third,) = office.publish(Document.PDS)
    assert third.number == 3
    with office.database.read() as connection:
        assert records.by_digest(connection, Document.PDS, "en", third.sha256[:16]) == third


def test_who_asks_often_gets_what_was_found_a_moment_ago(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PATIENCE", 60)
    differing = service.Differing(office.config, lambda: office.database)
    assert len(differing.get()) == len(Document)
    office.publish()
    assert len(differing.get()) == len(Document)
    monkeypatch.setattr(time, "monotonic", lambda: 1e12)
    assert differing.get() == ()


def test_who_asks_often_does_not_wait_for_thousands_of_authorities(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, ready = service.drafts, threading.Event()

    def slowly(*given: Any) -> Any:
        assert ready.wait(60)
        return drawn(*given)

    monkeypatch.setattr(service, "drafts", slowly)
    monkeypatch.setattr(service, "PATIENCE", 0)
    differing = service.Differing(office.config, lambda: office.database)
    (told,) = differing.get()
    assert "being compared" in told
    ready.set()
    monkeypatch.setattr(service, "PATIENCE", 60)
    assert len(differing.get()) == len(Document)

    def failing() -> Any:
        raise Unavailable("store.stopped", "The server does not answer.")

    with pytest.raises(Unavailable, match="does not answer"):
        service.Differing(office.config, failing).get()


@pytest.mark.req("EN319411-1:DIS-6.1-05")
def test_terms_are_found_from_every_certificate(office: Office) -> None:
    with office.database.read() as connection:
        offers = gather(office.config, connection).offers
    assert rules.not_resolvable(offers, office.config) == ()
    office.change("issuance", cps_url=None)
    (finding,) = rules.not_resolvable(offers, office.config)
    assert "set [issuance] cps-url" in finding
    office.change("issuance", cps_url="http://tsp.example.com:8080/statements/cps-fr.pdf")
    (finding,) = rules.not_resolvable(offers, office.config)
    assert "leads to no statement here" in finding
    office.change("issuance", cps_url="https://elsewhere.example/cps.pdf")
    assert rules.not_resolvable(offers, office.config) == ()


@pytest.mark.req("EN319411-1:CSS-6.3.10-09A", "EN319411-2:CSS-6.3.10-12", "RFC3647:6")
def test_a_template_of_the_providers_own_has_the_outline_and_the_delays(office: Office) -> None:
    assert not any("does not tell" in one or "RFC 3647" in one for one in office.findings())
    (office.paragraphs / "cps.en.md.j2").write_text("# Practice\n\n## 1 Introduction\n", encoding="utf-8")
    found = office.findings()
    assert any("cps-en lacks section(s) 1.1, 1.2" in one for one in found)
    assert any("does not tell the end of the last list" in one for one in found)
    assert any("does not tell the list of Example_TEST *CA*" in one for one in found)


@pytest.mark.req("EN319411-1:DIS-6.1-07A")
def test_the_longest_outage_is_stated_or_missing(office: Office) -> None:
    assert any("longest outage" in one for one in office.findings())
    office.change("statements", max_outage_hours=8.0)
    assert not any("longest outage" in one for one in office.findings())
    assert "at most 8 hours" in office.draft(Document.CPS).text
