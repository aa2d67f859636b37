"""A transcript is read back as it was written, and whatever is changed in it shows."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from ceremony_plans import UNATTENDED, changed
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.core.ceremony.rendering import as_html
from trustworks.core.ceremony.rules import REPORTED
from trustworks.core.ceremony.transcript import (
    Entry,
    Seal,
    Transcript,
    as_document,
    course_objections,
    following,
    load,
    statement,
)
from trustworks.core.ceremony.verify import verify
from trustworks.core.errors import Malformed
from trustworks.core.module.algorithms import SignatureScheme

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


class SoftKey:
    """A key in memory, in the place of the module's."""

    scheme = SignatureScheme.ECDSA_SHA256

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data, ec.ECDSA(hashes.SHA256()))


def whole() -> Transcript:
    """The transcript of a ceremony without people."""
    plan = changed(UNATTENDED)
    entries: list[Entry] = []
    entries.append(following(plan, entries, "opened", at=NOW, facts={"mode": "unattended"}))
    for number, step in enumerate(plan.plan.steps, 1):
        entries.append(following(plan, entries, "begun", at=NOW, step=number))
        facts = dict.fromkeys(REPORTED.get(step.kind, ()), "x")
        entries.append(following(plan, entries, "done", at=NOW, step=number, facts=facts))
    entries.append(following(plan, entries, "closed", at=NOW))
    key = SoftKey()
    body = statement(plan, entries, key, at=NOW)
    seal = Seal(body=body, signature=key.sign(body), spki=key.spki)
    return Transcript(plan=plan, entries=tuple(entries), seal=seal)


def test_a_document_is_the_transcript_again() -> None:
    found = whole()
    again = load(json.dumps(as_document(found)).encode())
    assert again == found
    verdict = verify(again)
    assert (verdict.ok, verdict.findings, verdict.mode) == (True, (), "unattended")
    assert verdict.as_dict()["ok"] is True
    assert found.seal is not None
    assert verdict.signer == sha256(found.seal.spki).hexdigest()
    assert len(verdict.notices) == 3


def test_what_only_waits_for_signatures_is_not_said_to_be_wrong() -> None:
    found = whole()
    right, wrong = verify(found), verify(replace(found, seal=None))
    told = {**found.entries[0].facts, "product": "1", "account": "tsp", "unproven_time": None}
    shown = replace(found, entries=(replace(found.entries[0], facts=told),))
    waits = replace(right, findings=("Anna has not signed.",), waits_for=("Anna has not signed.",))
    both = replace(wrong, findings=(*wrong.findings, "Anna has not signed."), waits_for=waits.waits_for)
    for verdict, said, bad in (
        (right, "The transcript is whole.", False),
        (waits, "it waits for signatures", False),
        (wrong, "The transcript does not hold.", True),
        (both, "The transcript does not hold.", True),
    ):
        page = as_html(shown, verdict)
        assert said in page
        assert said in verdict.conclusion
        assert ('class="verdict no"' in page) is bad


@pytest.mark.req("TRUSTWORKS:CEREMONY-CHAINED", "TRUSTWORKS:CEREMONY-SEALED")
def test_nothing_is_changed_left_out_or_put_in_without_it_showing() -> None:
    document = as_document(whole())

    def judged(change: Any) -> tuple[str, ...]:
        altered = copy.deepcopy(document)
        change(altered)
        return verify(load(json.dumps(altered).encode())).findings

    another = as_document(whole())["seal"]["public_key"]
    assert judged(lambda _: None) == ()
    for change, said in (
        (lambda one: one["entries"][3]["facts"].update(label="y"), "Entry 4 does not follow"),
        (lambda one: one["entries"][0]["facts"].update(mode="run"), "Entry 1 does not follow"),
        (lambda one: one["entries"].pop(4), "Entry 4 does not follow"),
        (lambda one: one["entries"].pop(), "The ceremony did not come to its end"),
        (lambda one: one["entries"][-1].update(time="2026-11-28T00:00:00Z"), "The seal says of another head"),
        (lambda one: one["plan"].update(purpose="another"), "Entry 0 does not follow"),
        (
            lambda one: one["seal"]["statement"].update(outcome="abandoned"),
            "another outcome",
        ),
        (
            lambda one: one["seal"]["statement"].update(time="2026-11-27T12:00:01Z"),
            "The signature of the seal",
        ),
        (
            lambda one: one["seal"].update(public_key=another),
            "another key",
        ),
        (lambda one: one["seal"].update(signature="AAAA"), "The signature of the seal is not one"),
        (lambda one: one["seal"].update(certificate="AAAA"), "The certificate beside the seal"),
        (lambda one: one["seal"].update(time_stamp="AAAA"), "The time-stamp does not hold"),
        (lambda one: one.update(seal=None), "It is not sealed"),
    ):
        findings = judged(change)
        assert any(said in finding for finding in findings), (said, findings)


def test_the_key_that_seals_is_one_of_those_that_may() -> None:
    found = whole()
    assert found.seal is not None
    own = sha256(found.seal.spki).hexdigest()
    assert verify(found, signers={own}).ok
    assert verify(found, signers={"00" * 32}).findings == (
        "The seal is of another key than the ones that may seal it.",
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"type":"trustworks.ceremony-transcript","version":2}',
        b'{"type":"trustworks.ceremony-transcript","version":1,"entries":[],"signatures":[],"plan":1}',
        b'{"type":"trustworks.ceremony-transcript","version":1,"entries":{},"signatures":[]}',
        b"[" * 10_000,
    ],
)
def test_what_is_no_transcript_is_told_as_that(content: bytes) -> None:
    with pytest.raises(Malformed):
        load(content)


def test_entries_and_seals_that_cannot_be_read_are_malformed() -> None:
    document = as_document(whole())
    for path, value in (
        (("entries", 0, "time"), "yesterday"),
        (("entries", 0, "time"), 7),
        (("entries", 0, "number"), -1),
        (("entries", 0, "step"), "1"),
        (("entries", 0, "event"), "guessed"),
        (("entries", 0, "facts"), []),
        (("entries", 0, "previous"), None),
        (("seal", "signature"), "not base64"),
        (("seal", "public_key"), None),
        (("seal",), []),
        (("signatures",), [1]),
    ):
        altered: Any = copy.deepcopy(document)
        place = altered
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = value
        with pytest.raises(Malformed):
            load(json.dumps(altered).encode())


@pytest.mark.req("TRUSTWORKS:CEREMONY-COURSE")
def test_a_chain_that_is_right_still_tells_a_course_that_the_plan_can_take() -> None:
    """Whoever holds the sealing key could chain and seal anything: that it was no run of the plan shows."""

    def chained(*events: tuple[Any, int | None], mode: str = "unattended") -> str:
        plan = changed(UNATTENDED)
        entries: list[Entry] = []
        for event, step in events:
            facts = {"mode": mode} if event == "opened" else {}
            entries.append(following(plan, entries, event, at=NOW, step=step, facts=facts))
        return " ".join(course_objections(Transcript(plan=plan, entries=tuple(entries))))

    opened, closed = ("opened", None), ("closed", None)
    one, two = (("begun", 1), ("done", 1)), (("begun", 2), ("done", 2))
    assert chained(opened, *one, ("begun", 2), ("failed", 2), ("resumed", None), ("done", 2), closed) == ""
    assert chained(opened, *one, ("begun", 2), ("abandoned", None)) == ""
    assert chained(opened, mode="rehearsal") == ""
    for mode in ("run", "", "approved"):
        assert "its mode is" in chained(opened, *one, closed, mode=mode)
    steps = "each begun and done once in their order"
    assert steps in chained(opened, *two, *one, closed)
    assert steps in chained(opened, ("done", 1), closed)
    assert steps in chained(opened, *one, *one, closed)
    assert "something follows the end" in chained(opened, closed, *one)
    assert "does not begin by its opening" in chained(opened, opened, *one)


def test_the_plan_that_lies_beside_it_is_the_one_that_was_carried_out() -> None:
    found = whole()
    assert verify(found, plan=found.plan.canonical).ok
    wrong = verify(found, plan=found.plan.canonical + b" ").findings
    assert wrong == ("The plan beside it is another than the one that was carried out.",)
