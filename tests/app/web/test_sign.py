"""The page on which a person reads, agrees and has a document signed: its steps, and what goes wrong."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from signing_desk import OTHER, TOKEN, Office
from signing_house import TEXT, XML, pdf
from signing_page import BIDI, FORM, agree, body, chosen, links, look, said, unsigned
from sqlalchemy import select

from trustworks.core.audit.records import events
from trustworks.formats.data import Octets
from trustworks.formats.read import read
from trustworks.signing import records
from trustworks.signing.agreement import FRESH, verify

if TYPE_CHECKING:
    from trustworks.core.store import Database


def in_der(value: bytes) -> bytes:
    """An ECDSA value as the key gave it; XML and JSON have its two numbers side by side."""
    if len(value) != 64:
        return value
    return encode_dss_signature(int.from_bytes(value[:32]), int.from_bytes(value[32:]))


def test_the_form_is_there_under_a_policy_of_its_own(office: Office) -> None:
    page = office.ask("GET", "/sign")
    assert page.status == 200
    policy = dict(page.headers)["content-security-policy"]
    assert "img-src 'self' data:;" in policy
    assert "script-src 'self';" in policy
    assert b'type="password"' in page.body


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-BOUND")
@pytest.mark.parametrize(
    ("name", "octets", "level"),
    [
        ("a.pdf", pdf().octets(), "PAdES-BASELINE-B"),
        ("a.xml", XML, "XAdES-BASELINE-B"),
        ("größe.txt", TEXT, "XAdES-BASELINE-B"),
    ],
)
def test_what_was_read_and_agreed_is_signed_and_recorded(
    office: Office, database: Database, name: str, octets: bytes, level: str
) -> None:
    page = look(office, name, octets)
    assert hashlib.sha256(octets).hexdigest() in page.body.decode().replace(" ", "")
    assert b"TEST signer" in page.body
    done = agree(office, chosen(page), name, octets)
    found = links(done)
    (signature,) = read(Octets(found["signed"])).signatures
    assert signature.level == level
    agreement = verify(found["agreement"], found["proof"], Octets(found["signed"]))
    assert agreement.ticket.documents[0].name == name
    assert agreement.chosen.attributes == {"city": "Lisboa", "role": "director"}
    assert agreement.ticked == ("sign.tick",)
    with database.read() as connection:
        (row,) = connection.execute(select(records.agreements))
    assert (row.client, row.seal, row.dtbs) == ("shop", "main", agreement.dtbs)
    assert row.digest == hashlib.sha256(found["agreement"]).hexdigest()
    assert row.value == hashlib.sha256(in_der(signature.value)).hexdigest()
    assert (row.agreement, row.proof) == (found["agreement"], found["proof"])


def test_the_log_is_told_nothing_of_the_document(office: Office, database: Database) -> None:
    agree(office, chosen(look(office, "secret-name.txt", TEXT)), "secret-name.txt", TEXT)
    with database.read() as connection:
        told = str([tuple(row) for row in connection.execute(select(events))])
    assert "signing.agreed" in told
    assert "signing.sealed" in told
    for word in ("secret-name", hashlib.sha256(TEXT).hexdigest(), "Lisboa"):
        assert word not in told


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-FIRST", "EN419111:2-AGREEMENT", "ART24-2-E:D-1-b")
def test_without_the_tick_nothing_is_signed(office: Office, database: Database) -> None:
    fields = chosen(look(office, "a.txt", TEXT), tick=None)
    assert "tick that you have read" in unsigned(office, database, agree(office, fields, "a.txt", TEXT), 403)


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-OBJECTIONS")
def test_an_objection_needs_its_own_tick(office: Office, database: Database) -> None:
    page = look(office, "a.txt", BIDI)
    fields = chosen(page)
    assert "finding.text.bidi-override" in fields.values()
    less = {name: value for name, value in fields.items() if name != "tick-1"}
    assert "tick each warning" in unsigned(office, database, agree(office, less, "a.txt", BIDI), 403)
    assert links(agree(office, fields, "a.txt", BIDI))


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-DOCUMENT", "TS119101:SCP-13")
def test_another_document_than_the_one_shown_is_not_signed(office: Office, database: Database) -> None:
    fields = chosen(look(office, "a.txt", TEXT))
    other = agree(office, fields, "a.txt", TEXT + b"!")
    assert "another document" in unsigned(office, database, other, 403)


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-FRESH")
def test_what_was_shown_long_ago_is_not_signed(office: Office, database: Database) -> None:
    fields = chosen(look(office, "a.txt", TEXT))
    office.clock.later = FRESH + timedelta(seconds=5)
    assert "30 minutes" in unsigned(office, database, agree(office, fields, "a.txt", TEXT), 403)


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-SHOWN")
def test_a_ticket_of_somebody_else_signs_nothing(office: Office, database: Database) -> None:
    fields = chosen(look(office, "a.txt", TEXT))
    forged = fields | {"ticket": fields["ticket"][:-4] + "0000"}
    assert "shown again" in unsigned(office, database, agree(office, forged, "a.txt", TEXT), 403)


@pytest.mark.req("TRUSTWORKS:SIGNING-AGREEMENT-ONCE")
def test_one_agreement_makes_one_signature(office: Office, database: Database) -> None:
    fields = chosen(look(office, "a.txt", TEXT))
    assert links(agree(office, fields, "a.txt", TEXT))
    again = agree(office, fields, "a.txt", TEXT)
    assert again.status == 403
    assert "was used" in said(again)
    with database.read() as connection:
        states = [row.state for row in connection.execute(select(records.seals))]
    assert sorted(states) == ["failed", "given"]


@pytest.mark.req("TRUSTWORKS:SIGNING-CLIENT")
def test_nobody_knows_the_token(office: Office) -> None:
    page = look(office, "a.txt", TEXT, token="wrong")
    assert page.status == 401
    assert "Nobody knows this token" in said(page)
    assert look(office, "a.txt", b"x" * 1_000_000, token="wrong").status == 401


@pytest.mark.req("TRUSTWORKS:SIGNING-PRIVATE")
def test_a_token_that_others_could_read_is_refused(office: Office) -> None:
    octets = body({"token": TOKEN}, ("a.txt", TEXT))
    page = office.ask("POST", "/sign/read", octets, FORM, secure=False)
    assert page.status == 403
    assert "Speak HTTPS" in said(page)


def test_a_client_without_seals_is_told(office: Office, database: Database) -> None:
    page = look(office, "a.txt", TEXT, token=OTHER)
    assert b"has no seal in this service" in page.body
    assert "has no documents sealed" in unsigned(
        office, database, agree(office, chosen(page), "a.txt", TEXT), 403
    )


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"format": "docx"}, 400, "no format"),
        ({"format": ""}, 400, "no format"),
        ({"format": "pades"}, 400, "PDF"),
        ({"level": "B-X"}, 400, "level"),
        ({"seal": "other"}, 403, "has no documents sealed by 'other'"),
        ({"role": "x" * 201}, 400, "one line"),
        ({"city": "a\u202eb"}, 400, "one line"),
        ({"ticket": None}, 400, "has to say ticket"),
        ({"ticket": "x"}, 400, "shown again"),
    ],
)
def test_what_cannot_be_signed_so_is_told(
    office: Office, database: Database, changes: dict[str, Any], status: int, words: str
) -> None:
    fields = chosen(look(office, "a.txt", TEXT), **changes)
    assert words in unsigned(office, database, agree(office, fields, "a.txt", TEXT), status)


@pytest.mark.parametrize(
    ("octets", "content_type", "status", "words"),
    [
        (b"", FORM, 400, "form"),
        (b"{}", "application/json", 415, "multipart"),
        (body({}, ("a", b"x")), FORM, 400, "has to say token"),
        (body({"token": TOKEN}), FORM, 400, "Choose one"),
        (body({}, ("a", b"x" * 200_000)), FORM, 400, "has to say token"),
    ],
)
def test_a_form_that_cannot_be_read_is_told(
    office: Office, octets: bytes, content_type: str, status: int, words: str
) -> None:
    page = office.ask("POST", "/sign/read", octets, content_type)
    assert page.status == status
    assert words in said(page)


def test_a_full_service_says_so(office: Office) -> None:
    limits = office.desk.settings.limits
    office.page._begun = limits.at_once + limits.waiting
    page = look(office, "a.txt", TEXT)
    assert (page.status, dict(page.headers)["retry-after"]) == (503, "30")


def test_pages_that_are_not_drawn_are_an_objection(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustworks.signing.looking.MOST_PAGES", 0)
    fields = chosen(look(office, "a.pdf", pdf().octets()))
    assert "finding.cut" in fields.values()
