"""The pages of assurance at the console: who looks, what is shown, what an auditor's look leaves behind."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

import pytest
from assurance_testbed import LONG, fill
from sqlalchemy import select

from trustworks.app.dossier.orders import KEPT, Orders, listed
from trustworks.assurance.dossier.model import Profile
from trustworks.core.audit import Event
from trustworks.core.audit.records import events

if TYPE_CHECKING:
    from console_testbed import Office

    from trustworks.assurance.service import Register

ROOT = "/console/assurance"
WHY = "FIPS 140-3 counted until 2030-12-31"
PAGES = (
    ROOT,
    f"{ROOT}/verdicts",
    f"{ROOT}/forecast",
    f"{ROOT}/rules",
    f"{ROOT}/dossier",
    f"{ROOT}/products/box-2",
    f"{ROOT}/products/soft",
)


@pytest.fixture
def register(office: Office) -> Register:
    return fill(office.provider.recorder, office.provider.clock.moment)


def told(office: Office, kind: str) -> list[Any]:
    """The audit events of a type."""
    with office.provider.database.read() as connection:
        bodies = connection.execute(select(events.c.body).order_by(events.c.sequence)).scalars()
        found = [json.loads(body) for body in bodies]
    return [one for one in found if one["type"] == kind]


def test_without_a_register_the_pages_say_how_to_begin(office: Office) -> None:
    dora = office.enter("dora")
    assert "No product is registered" in dora.get(ROOT).text
    assert "Nothing is bound to a service" in dora.get(f"{ROOT}/verdicts").text
    assert "Nothing is bound to a service" in dora.get(f"{ROOT}/forecast").text
    dora.get(f"{ROOT}/products/none", 404)


@pytest.mark.usefixtures("register")
def test_the_list_names_both_rule_sets_todays_law_first_and_the_test_module(office: Office) -> None:
    shown = office.enter("dora").get(ROOT)
    first, second = (shown.text.index(one) for one in ("Implementing acts of 2025", "Guidance"))
    assert first < second
    assert "A test module is in the register: soft" in shown.text
    assert "&lt;b&gt;Mark&amp;up&lt;/b&gt;" in shown.body.decode()
    assert "This is evidence, and no decision" in shown.text


@pytest.mark.usefixtures("register")
def test_a_product_is_shown_with_what_it_says_itself_and_what_sources_say(office: Office) -> None:
    dora = office.enter("dora")
    shown = dora.get(f"{ROOT}/products/box-2").text
    assert html.escape(LONG) in dora.get(f"{ROOT}/products/box-2").body.decode()
    for words in (
        "Serial number 0001 0002 differs",
        "Model K9 K9 same",
        "fips:9001 sources differ old source",
        "overall level 3 sources differ 1, certificate 9001",
        "overall level 2 sources differ 2, the record, certificate 9001",
        "standard FIPS 140-3 1, certificate 9001; 2, the record",
        "old, retrieve it again",
        "timestamps/tsu_key_generation sign P-384 qualified",
        "storage failed",
        "overdue",
        "A seal was broken.",
        "recovery of keys 3 2",
        "Place: Room 8 → Room 9",
    ):
        assert words in shown, words
    assert "A test module." in dora.get(f"{ROOT}/products/soft").text


@pytest.mark.usefixtures("register")
def test_verdicts_are_those_of_the_day_that_is_asked_for(office: Office) -> None:
    dora = office.enter("dora")
    now = dora.get(f"{ROOT}/verdicts").text
    assert "CUR-FIPS140-3-L3" in now
    assert "What would raise it:" in now
    assert "strong" in now
    later = dora.get(f"{ROOT}/verdicts?at=2031-01-01").text
    assert "2031-01-01, not today" in later
    assert "is of FIPS 140-3, level 3" in now
    assert "that counts until 2030-12-31" not in later
    early = dora.get(f"{ROOT}/verdicts?at=2025-10-19").text
    assert "not in force yet" not in now
    assert "Not in force yet: (EU) 2025/1929 applies from 2025-10-20 on" in early
    assert "timestamps not in force yet" in early
    alone = dora.get(f"{ROOT}/verdicts?service=timestamps").text
    assert "ca_key_use" not in alone
    for wrong in ("2026-13-01", "tomorrow", "1999-12-31", "9999-12-31", "2026-1-1", "%FF"):
        assert "cannot be read" in dora.get(f"{ROOT}/verdicts?at={wrong}", 400).text


@pytest.mark.usefixtures("register")
def test_the_forecast_draws_when_a_verdict_falls_and_says_why(office: Office) -> None:
    dora = office.enter("dora")
    shown = dora.get(f"{ROOT}/forecast")
    body = shown.body.decode()
    assert '<svg width="100%"' in body
    assert "strong on 2026-11-24, " in body
    assert "insufficient from 2031-01-01" in body
    assert "2031-01-01 generation of the keys" in shown.text
    assert WHY in shown.text
    alone = dora.get(f"{ROOT}/forecast?product=soft").text
    assert "No verdict changes in this time." in alone
    assert "box-2</a>" not in alone
    for wrong in ("until=2026-01-01", "until=x", "at=2200-01-01"):
        dora.get(f"{ROOT}/forecast?{wrong}", 400)


def test_rule_sets_are_shown_with_their_errata(office: Office) -> None:
    shown = office.enter("dora").get(f"{ROOT}/rules").text
    for words in ("GEN-6.5.2-02", "What the source says, and what it means", "SHA-256", "CUR-4"):
        assert words in shown


def test_dossiers_are_told_as_the_log_has_them(office: Office) -> None:
    dora, now = office.enter("dora"), office.provider.clock.moment
    assert "None was made yet" in dora.get(f"{ROOT}/dossier").text
    for number, kind in enumerate(("assurance.dossier-exported", "assurance.dossier-exported-not")):
        office.provider.recorder.record(
            Event(
                type=kind,
                outcome="success",
                actor="dora",
                subject={"manifest": f"{number}a" * 32},
                detail={"files": 41, "profile": "pseudonyms", "seal": "<s>", "container": True},
                time=now,
            )
        )
    shown = dora.get(f"{ROOT}/dossier").text
    assert "dora 41 one container pseudonyms &lt;s> 0a0a0a0a" in shown
    assert "1a1a1a1a" not in shown
    assert "trustworks assurance dossier --out" in shown


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-ORDERED")
def test_an_auditor_orders_a_dossier_waits_and_downloads_it_and_the_log_has_each_step(office: Office) -> None:
    dora, otto, page = office.enter("dora"), office.enter("otto"), f"{ROOT}/dossier"
    assert "None was ordered yet" in dora.get(page).text
    dora.send(page, 403, profile="pseudonyms")  # not by our own form
    assert "Choose one of" in dora.submit(page, page, 400, profile="all").text
    dora.submit(page, page, profile="pseudonyms")
    assert told(office, "assurance.dossier-ordered")[0]["actor"] == "dora"

    shown = otto.get(page).text
    assert "Dossier 1, ordered by dora: It waits for the jobs." in shown
    assert "<form" not in otto.get(page).body.decode().partition('id="make"')[2].partition("</section>")[0]
    fields = {"csrf": dora.fields(page, "/console/logout")["csrf"]}
    assert "Wait for it" in dora.send(page, 403, profile="full", **fields).text

    orders = Orders(office.provider.database, office.provider.recorder, lambda: office.provider.clock.moment)
    order = orders.take()
    assert order is not None
    orders.tell(order.number, "The files are made & sealed.")
    state = json.loads(otto.get(f"{ROOT}/dossiers/1/state").body)
    assert state == {"open": True, "state": "under way", "told": "The files are made & sealed."}
    orders.finish(order.number, manifest="ab" * 32, content=b"PK dossier")
    assert json.loads(otto.get(f"{ROOT}/dossiers/1/state").body)["open"] is False

    found = otto.get(f"{ROOT}/dossiers/1/file")
    assert (found.body, found.headers["content-type"]) == (b"PK dossier", "application/vnd.etsi.asic-e+zip")
    assert found.headers["content-disposition"].endswith('-1.asice"')
    (event,) = told(office, "assurance.dossier-downloaded")
    assert (event["actor"], event["detail"]["manifest"]) == ("otto", "ab" * 32)
    assert "Download dossier-" in dora.get(page).text
    for absent in ("2", "x", "1%2F"):
        dora.get(f"{ROOT}/dossiers/{absent}/file", 403 if absent != "1%2F" else 404)


def test_a_dossier_that_failed_says_why_and_the_newest_files_are_kept(office: Office) -> None:
    dora, page = office.enter("dora"), f"{ROOT}/dossier"
    orders = Orders(office.provider.database, office.provider.recorder, lambda: office.provider.clock.moment)
    orders.ask(by="dora", profile=Profile.FULL)
    assert orders.take() is not None
    assert orders.take() is None
    orders.give_up("The process ended.")
    assert "failed The process ended." in dora.get(page).text
    dora.get(f"{ROOT}/dossiers/1/file", 403)
    for number in range(2, KEPT + 3):
        assert orders.ask(by="dora", profile=Profile.FULL) == number
        orders.take()
        orders.finish(number, manifest="cd" * 32, content=bytes([number]))
    with office.provider.database.read() as connection:
        kept = {one.number for one in listed(connection) if one.has_file}
    assert kept == set(range(3, KEPT + 3))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-VIEWS-LOGGED")
@pytest.mark.usefixtures("register")
def test_what_an_auditor_looks_at_is_in_the_log_and_what_others_look_at_is_not(office: Office) -> None:
    dora, carl = office.enter("dora"), office.enter("carl")
    for page in PAGES:
        carl.get(page)
    assert told(office, "assurance.viewed") == []
    for page in PAGES:
        dora.get(page)
    dora.get(f"{ROOT}/verdicts?at=2030-01-01")
    found = told(office, "assurance.viewed")
    assert [one["subject"]["page"] for one in found] == [*PAGES, f"{ROOT}/verdicts"]
    assert {one["actor"] for one in found} == {"dora"}
    assert found[-1]["detail"]["asked"] == {"at": "2030-01-01"}


@pytest.mark.req("TRUSTWORKS:ASSURANCE-VIEWS-LOGGED")
def test_an_auditor_sees_nothing_that_the_log_does_not_take(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    dora = office.enter("dora")

    def full(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(type(office.provider.recorder), "record", full)
    dora.get(ROOT, 500)
    assert office.enter("carl").get(ROOT)
