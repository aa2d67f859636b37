"""The register of keys, ceremonies and plans, as operators see them at the console."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from ceremony_plans import changed, filled

from trustworks.core.ceremony.ceremonies import Ceremonies
from trustworks.core.ceremony.transcript import load
from trustworks.core.keys.register import KeyRegister
from trustworks.core.module.states import KeyState
from trustworks.core.roles import Role

if TYPE_CHECKING:
    from console_testbed import Office

    from trustworks.core.module import Key

# The template's people are these operators of the office.
PEOPLE = (("boris", "carl"), ("clara", "otto"), ("wanda", "dora"))


def plan_text() -> str:
    text = filled("root")
    for before, after in PEOPLE:
        text = text.replace(f'"{before}"', f'"{after}"')
    return text


@pytest.mark.req("EN319411-1:GEN-6.5.1-03")
def test_a_key_is_shown_with_its_state_place_certificates_and_history(
    office: Office, authority_keys: tuple[Key, Key]
) -> None:
    dora, key = office.enter("dora"), authority_keys[1]
    assert "has no key yet" in dora.get("/console/keys").text
    now = office.provider.clock.moment
    register = KeyRegister(office.provider.recorder, by="ceremony", now=lambda: now)
    register.enter(key, reason="made for the console")
    register.set_state(key.spki_sha256.hex(), KeyState.SUSPENDED, reason="looked at")
    assert f"issuing {key.uri.token} P-256 suspended none" in dora.get("/console/keys").text
    shown = dora.get(f"/console/keys/{key.spki_sha256.hex()}").text
    authority = office.provider.issuance.authority("issuing")
    for told in ("suspended", "made for the console", "looked at", "There is none", "sub-ca"):
        assert told in shown, told
    assert authority.serial in shown.replace(" ", "")
    assert "trustworks keys states set issuing operational" in shown
    dora.get(f"/console/keys/{'0' * 64}", 404)


@pytest.mark.req("TRUSTWORKS:CEREMONY-APPROVED")
def test_a_plan_is_read_by_who_approves_it_and_says_what_is_missing(office: Office) -> None:
    text, anna, ben = plan_text(), office.enter("anna"), office.enter("ben")
    page, read = "/console/ceremonies", changed(plan_text())
    fields = anna.fields(page, f"{page}/plan")
    shown = anna.send(f"{page}/plan", 200, **fields, plan=text)
    assert read.digest in shown.text.replace(" ", "")
    assert "0 of 2 approvals are there" in shown.text
    for step in read.plan.steps:
        assert step.phase in shown.text
    assert "You have no passkey here" in shown.text
    mine = ben.fields(page, f"{page}/plan")
    assert "does not have you approve it" in ben.send(f"{page}/plan", 200, **mine, plan=text).text
    for name, role in (("anna", Role.SECURITY_OFFICER), ("carl", Role.SYSTEM_ADMINISTRATOR)):
        office.people.approve(name, role, read.digest, "ceremony.root")
    shown = anna.send(f"{page}/plan", 200, **fields, plan=text)
    assert "2 count now: anna, carl" in shown.text
    assert "The plan can be carried out" in shown.text
    assert "You have approved it" in shown.text
    # What speaks against a plan keeps it from being approved here.
    bad = text.replace("approvals = 2", "approvals = 1")
    shown = anna.send(f"{page}/plan", 200, **fields, plan=bad)
    assert "Nobody approves a plan that something speaks against" in shown.text
    open_place = text.replace("Room 7, two locks", "THE ROOM, and how it is kept closed")
    shown = anna.send(f"{page}/plan", 200, **fields, plan=open_place)
    assert "Nobody approves a plan that something speaks against" in shown.text
    assert "as in the template; fill it in" in shown.text
    for wrong in ("", "[[", "version = 1", "a" * 30_000):
        assert "cannot be read" in anna.send(f"{page}/plan", 400, **fields, plan=wrong).text
    anna.send(f"{page}/plan", 413, **fields, plan="é" * 20_000)
    anna.send(f"{page}/plan", 403, plan=text)


def test_a_ceremony_is_shown_as_far_as_it_came_and_its_transcript_is_handed_out(office: Office) -> None:
    dora, read = office.enter("dora"), changed(plan_text())
    assert "No ceremony was begun here" in dora.get("/console/ceremonies").text
    ceremonies = Ceremonies(
        database=office.provider.database,
        recorder=office.provider.recorder,
        clock=office.provider.clock,
        by="ceremony",
    )
    facts: dict[str, Any] = {
        "mode": "run",
        "product": "Trustworks <b>1</b>",
        "account": "tsp",
        "approvals": [],
        "credentials": [],
        "unproven_time": None,
    }
    ceremonies.write(read, ceremonies.found(read), "opened", mode="run", facts=facts)
    ceremonies.write(read, ceremonies.found(read), "begun", mode="run", step=1)
    assert f"{read.plan.name}" in dora.get("/console/ceremonies").text
    page = f"/console/ceremonies/{read.plan.name}"
    shown = dora.get(page).text
    assert "under way" in shown
    assert "step 1 was begun and is not finished" in shown
    alone = dora.get(f"{page}/transcript.html")
    assert b"Trustworks &lt;b&gt;1" in alone.body
    style = alone.body.partition(b"<style>")[2].partition(b"</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in alone.headers["content-security-policy"]
    file = dora.get(f"{page}/transcript.json")
    assert "attachment" in file.headers["content-disposition"]
    assert load(file.body).plan.digest == read.digest
    assert json.loads(file.body)["plan"]["name"] == read.plan.name
    dora.get("/console/ceremonies/none", 404)
    dora.get("/console/ceremonies/none/transcript.json", 404)
