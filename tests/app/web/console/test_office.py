"""The officers' pages: what they show, who may decide, and that nothing else is done."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from console_testbed import ask as request
from cryptography import x509
from registration_testbed import CARD, FACTS, SEEN_ON, ask, seen

from trustworks.core.errors import Unavailable
from trustworks.core.roles.model import Person
from trustworks.core.roles.rules.separation import as_compared
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.records.waiting import Conversation
from trustworks.issuance.registration.model import Fact
from trustworks.issuance.revocation import Reception

if TYPE_CHECKING:
    from console_testbed import Office

QUEUE = "/console/queue"


def applied(office: Office) -> str:
    """The id of an application with the evidence that it needs."""
    made = office.registration.submit(ask(), by="ra-desk")
    seen(office.registration, made.id)
    return made.id


def issued(office: Office) -> str:
    """The serial of a certificate that came from an application."""
    done = office.registration.approve(applied(office), by="ben", reason="as seen")
    assert done.serial is not None
    return done.serial


def revoked_for(office: Office, serial: str) -> str | None:
    """The reason for which a certificate is revoked, or None."""
    status = office.provider.issuance.status(serial)
    assert status is not None
    return None if status.revocation is None else status.revocation.reason.name


@pytest.mark.req("EN319411-1:REG-6.3.2-00B", "CENTS419261:SA1.1")
def test_an_officer_finds_compares_and_approves_and_another_revokes(office: Office) -> None:
    identifier = applied(office)
    page, ben = f"/console/applications/{identifier}", office.enter("ben")
    assert request(office.shell, "GET", QUEUE).headers["location"] == "/console/login"
    assert "Anna Muster TEST" in ben.get(QUEUE).text
    shown = ben.get(page).text
    assert "givenName Anna Maria Anna Maria ✓ equal" in shown
    assert "no rule stands against an approval" in shown
    answer = ben.submit(page, f"{page}/approve", reason="Passport seen")
    assert answer.headers["location"] == page
    done = office.registration.application(identifier)
    assert (done.state, done.decisions[-1].by, done.decisions[-1].reason) == (
        "issued",
        "ben",
        "Passport seen",
    )
    assert done.serial is not None
    assert done.serial in ben.get(page).body.decode()
    assert "No application waits" in ben.get(QUEUE).text

    rita, certificate = office.enter("rita"), f"/console/certificates/{done.serial}"
    for name, start in (("certificate.pem", b"-----BEGIN CERT"), ("certificate.cer", b"\x30\x82")):
        assert rita.get(f"{certificate}/{name}").body.startswith(start)
    chain = x509.load_pem_x509_certificates(rita.get(f"{certificate}/chain.pem").body)
    assert chain[0].issuer == chain[1].subject
    rita.get(f"{certificate}/other", 404)
    wish = {"reason": "superseded", "kind": "subject", "how": "called back", "requester": "the subject"}
    rita.submit(certificate, f"{certificate}/revoke", **wish)
    assert revoked_for(office, done.serial) == "superseded"
    (asked,) = office.provider.issuance.requests.list()
    assert (asked.state, asked.confirmed_how, asked.requester) == ("done", "called back", "the subject")
    told = rita.get(certificate).text
    for happened in (
        "Application received",
        "Application approved",
        "Issued",
        "Request carried out",
        "Revoked",
    ):
        assert happened in told
    wish["reason"] = "cessationOfOperation"
    refused = rita.send(
        f"{certificate}/revoke", 403, **wish, **rita.fields(certificate, f"{certificate}/revoke")
    )
    assert "EN319411-1:REV-6.3.9-04" in refused.text


@pytest.mark.req("CENTS419261:SA1.1", "CENTS419261:M1.5")
def test_who_lacks_the_role_may_look_and_decides_nothing(office: Office) -> None:
    identifier, serial = applied(office), issued(office)
    waits = office.provider.issuance.requests.receive(
        Reception(kind="subject", requester="the subject"), serial, RevocationReason.superseded, by="rita"
    )
    held = office.provider.issuance.issue(office.provider.request("tls-server")).serial
    office.provider.issuance.revoke(held, RevocationReason.certificateHold, by="rita")
    acts = {
        f"/console/applications/{identifier}": ("approve", "reject", "withdraw", "finish", "device"),
        f"/console/certificates/{serial}": ("revoke", "release"),
        f"/console/certificates/{held}": ("release",),
        f"/console/requests/{waits.id}": ("confirm", "delay", "refuse"),
    }
    before = office.provider.issuance.counts(), office.registration.counts()
    for name, may in (
        ("dora", ()),
        ("otto", ()),
        ("ben", ("applications",)),
        ("rita", ("certificates", "requests")),
    ):
        visitor = office.enter(name)
        for page, names in acts.items():
            body = visitor.get(page).body.decode()
            for act in names:
                allowed = page.split("/")[2] in may
                if allowed:
                    continue
                assert f'{page}/{act}"' not in body, (name, act)
                token = visitor.fields(page, "/console/logout")["csrf"]
                refused = visitor.send(
                    f"{page}/{act}",
                    403,
                    csrf=token,
                    reason="superseded",
                    how="x",
                    why="because",
                    kind="subject",
                )
                assert "CENTS419261:SA1.1" in refused.text
                assert "Let somebody with that role do it." in refused.text
    assert (office.provider.issuance.counts(), office.registration.counts()) == before
    told = [one for one in office.people.events("roles.refused") if one["actor"] == "dora"]
    assert {one["detail"]["rule"] for one in told} == {"CENTS419261:SA1.1"}
    assert len(told) == 11


@pytest.mark.req("EN319411-1:REG-6.2.2-26")
def test_an_officer_decides_nothing_about_himself(office: Office) -> None:
    from trustworks.core.roles import records as roles  # noqa: PLC0415

    serial, identifier = issued(office), applied(office)
    waits = office.provider.issuance.requests.receive(
        Reception(kind="subject", requester="the subject"), serial, RevocationReason.superseded, by="otto"
    )
    with office.provider.database.begin() as connection:
        for name in ("ben", "rita"):
            roles.set_person(connection, name, Person(names=frozenset({as_compared("Anna Muster TEST")})))
    ben, rita = office.enter("ben"), office.enter("rita")
    page = f"/console/applications/{identifier}"
    body = ben.get(page)
    assert "Not yours to decide" in body.text
    assert f"{page}/approve" not in body.body.decode()
    from trustworks.app.web.console.applications import seen as as_seen  # noqa: PLC0415

    fields = {"reason": "my own", "seen": as_seen(office.registration.application(identifier))}
    for act in ("approve", "reject"):
        token = ben.fields(page, "/console/logout")["csrf"]
        assert "REG-6.2.2-26" in ben.send(f"{page}/{act}", 403, csrf=token, **fields).text
    assert office.registration.application(identifier).state == "received"
    for page, act in (
        (f"/console/certificates/{serial}", "revoke"),
        (f"/console/requests/{waits.id}", "confirm"),
        (f"/console/requests/{waits.id}", "refuse"),
    ):
        assert "Not yours to decide" in rita.get(page).text
        token = rita.fields(page, "/console/logout")["csrf"]
        wish = {"csrf": token, "reason": "superseded", "how": "x", "kind": "subject", "why": "because"}
        assert "REG-6.2.2-26" in rita.send(f"{page}/{act}", 403, **wish).text
    assert revoked_for(office, serial) is None


def test_forms_of_others_stale_pages_and_bad_fields_change_nothing(office: Office) -> None:
    identifier = applied(office)
    page, ben = f"/console/applications/{identifier}", office.enter("ben")
    fields = ben.fields(page, f"{page}/approve")
    ben.send(f"{page}/approve", 403, reason="no token", seen=fields["seen"])
    ben.origin = "https://evil.example"
    ben.send(f"{page}/approve", 403, reason="of another site", **fields)
    ben.origin = "https://ra.tsp.example"
    for reason in ("", "no", "x" * 1001):
        assert "Say why" in ben.send(f"{page}/approve", 403, **fields, reason=reason).text
    # Evidence came in after the page was drawn: the officer has not seen it.
    seen(office.registration, identifier, source="another passport")
    assert (
        "was changed since this page was drawn"
        in ben.send(f"{page}/approve", 409, **fields, reason="as seen").text
    )
    assert office.registration.application(identifier).state == "received"
    for path in (
        "/console/applications/x",
        "/console/applications/%00",
        f"{page}/approve",
        f"/console/certificates/{'0' * 40}",
        "/console/requests/" + "0" * 32,
        "/console/applications/" + "a" * 200,
    ):
        ben.get(path, 404)
    for query in ("after=x", "after=2026-01-01T00:00:00~1", "since=9999-12-32", "until=9999-12-31", "what=x",
                  "state=x", "profile=x", "q=" + "%00"):  # fmt: skip
        assert ben.get(f"/console/search?{query}", 200 if query == "q=%00" else 400)


@pytest.mark.req("EN319411-1:REG-6.2.2-02AC")
def test_what_differs_is_told_in_words_and_cannot_be_approved(office: Office) -> None:
    made = office.registration.submit(ask(), by="ra-desk")
    likes = tuple(
        Fact(one.type, "\u039custer") if one.type == "surname" else one for one in FACTS
    )  # a Greek capital
    seen(office.registration, made.id, facts=likes)
    page, ben = f"/console/applications/{made.id}", office.enter("ben")
    shown = ben.get(page)
    assert "surname Muster \u039custer ✗ differs" in shown.text
    assert (
        "asked “M” (U+004D, latin capital letter m), shown “\u039c” (U+039C, greek capital letter mu)"
        in shown.text
    )
    assert "serialNumber TEST-1 nothing ✓ assigned" in shown.text
    assert f'action="{page}/approve"' not in shown.body.decode()
    fields = ben.fields(page, f"{page}/reject")
    assert "REG-6.2.2-02AC" in ben.send(f"{page}/approve", 403, **fields, reason="all the same").text
    ben.send(f"{page}/reject", **fields, reason="Not the same name")
    assert office.registration.application(made.id).state == "rejected"
    assert "Nothing more is done" in ben.get(page).text


@pytest.mark.req("EN319411-2:SDP-6.5.1-QSCD", "TRUSTWORKS:REGISTRATION-DUAL-CONTROL")
def test_an_officer_records_the_device_and_another_decides(office: Office) -> None:
    made = office.registration.submit(ask(profile="natural-qcp-n-qscd"), by="ra-desk")
    seen(office.registration, made.id)
    page, ben = f"/console/applications/{made.id}", office.enter("ben")
    assert "nothing shows that" in ben.get(page).text
    given = {
        "product": CARD,
        "way": "personalised",
        "key": made.key_id,
        "serial_number": "CARD-1",
        "source": "receipt 17",
        "established_on": SEEN_ON.isoformat(),
    }
    for status, wrong in (
        (400, {"way": "hearsay"}),
        (400, {"established_on": "soon"}),
        (403, {"product": "other"}),
        (403, {"key": "1"}),
        (403, {"key": "11" * 32}),
    ):
        ben.submit(page, f"{page}/device", status, **{**given, **wrong})
    assert office.registration.application(made.id).devices == ()
    ben.submit(page, f"{page}/device", **given)
    shown = ben.get(page).text
    assert "CARD-1" in shown
    assert "✓ the request's" in shown
    assert "no rule stands against an approval" in shown
    refused = ben.submit(page, f"{page}/approve", 403, reason="as seen")
    assert "TRUSTWORKS:REGISTRATION-DUAL-CONTROL" in refused.text
    assert office.registration.approve(made.id, by="olga", reason="as seen").state == "issued"


def test_without_the_token_the_approval_stands_and_the_page_says_what_comes_next(office: Office) -> None:
    identifier = applied(office)
    page, ben = f"/console/applications/{identifier}", office.enter("ben")
    key = office.provider.keys.keys["issuing"]
    office.provider.keys.keys["issuing"] = Unavailable("module.absent", "The token is away.")
    answer = ben.submit(page, f"{page}/approve", 503, reason="as seen")
    assert "Not now" in answer.text
    assert "the certificate is not made yet" in ben.get(page).text
    assert "still to be made" in ben.get(QUEUE).text
    office.provider.keys.keys["issuing"] = key
    ben.submit(page, f"{page}/finish")
    assert office.registration.application(identifier).state == "issued"


def test_requests_and_reports_are_confirmed_delayed_and_closed(office: Office) -> None:
    serials = [issued(office) for _ in range(2)]
    requests = office.provider.issuance.requests
    asked = requests.receive(
        Reception(kind="subject", requester="the subject"), serials[0], RevocationReason.superseded, by="otto"
    )
    report = requests.receive(
        Reception(kind="problem-report", requester="public"), serials[1], None, by="otto"
    )
    vague = requests.receive(
        Reception(kind="problem-report", requester="public", note="a key on a web page"),
        None,
        None,
        by="otto",
    )
    rita = office.enter("rita")
    assert "no certificate named" in rita.get(QUEUE).text
    office.provider.clock.advance(hours=25)
    rita = office.enter("rita")
    assert rita.get(QUEUE).text.count("overdue") == 3
    page = f"/console/requests/{vague.id}"
    rita.submit(page, f"{page}/delay", why="The page is being looked for")
    assert "overdue" not in rita.get(page).text
    rita.submit(page, f"{page}/refuse", why="No such key was found")
    page = f"/console/requests/{asked.id}"
    fields = rita.fields(page, f"{page}/confirm")
    assert "REV-6.2.4-09" in rita.send(f"{page}/confirm", 403, **fields, how=" ").text
    rita.send(f"{page}/confirm", **fields, how="called back")
    page = f"/console/requests/{report.id}"
    rita.send(f"{page}/confirm", 400, **fields, how="a signature by the key was shown")
    rita.submit(page, f"{page}/confirm", reason="keyCompromise", how="a signature by the key was shown")
    found = {one.id: one for one in requests.list()}
    assert [found[one.id].state for one in (asked, report, vague)] == ["done", "done", "refused"]
    assert found[report.id].reason is None  # as it came; why it was revoked, the certificate tells
    for serial, why in zip(serials, ("superseded", "keyCompromise"), strict=True):
        assert revoked_for(office, serial) == why
    assert "already" in rita.send(f"{page}/refuse", 409, **fields, why="too late").text


def test_a_hold_is_released_by_a_revocation_officer(office: Office) -> None:
    serial = issued(office)
    page, rita = f"/console/certificates/{serial}", office.enter("rita")
    wish = {"reason": "certificateHold", "kind": "provider", "how": "seen by myself"}
    rita.submit(page, f"{page}/revoke", **wish)
    assert "held" in rita.get(page).text
    rita.submit(page, f"{page}/release")
    told = rita.get(page).text
    assert "good" in told
    assert "Released from its hold" in told
    for change in ({"reason": "x"}, {"invalid": "x"}, {"requester": "x" * 201}, {"how": "\x07"}):
        answer = rita.send(f"{page}/revoke", 400, **rita.fields(page, f"{page}/revoke"), **(wish | change))
        assert "cannot be read" in answer.text
    for change in ({"how": ""}, {"kind": "king"}, {"kind": "nca"}):
        rita.send(f"{page}/revoke", 403, **rita.fields(page, f"{page}/revoke"), **(wish | change))
    assert revoked_for(office, serial) is None


@pytest.mark.req("TRUSTWORKS:ENROLMENT-OFFICER-DECIDES")
def test_requests_of_clients_are_decided_by_a_registration_officer(office: Office) -> None:
    from trustworks.core.roles import records as roles  # noqa: PLC0415

    credential: Any = SimpleNamespace(reference="R", uses=5, used=0)
    found = []
    for _ in range(2):
        wish = office.provider.request("tls-server")
        talk = Conversation(body="p10cr", content=b"0")
        found.append(
            office.waiting.admit("est", "est:web", credential, wish, talk, issuance=office.provider.issuance)
        )
    ben, dora = office.enter("ben"), office.enter("dora")
    assert "CN=TEST server" in ben.get(QUEUE).text
    first, second = (f"/console/enrolments/{one.id}" for one in found)
    assert "you may look" in dora.get(first).text
    token = dora.fields(first, "/console/logout")["csrf"]
    for act in ("approve", "refuse"):
        assert "SA1.1" in dora.send(f"{first}/{act}", 403, csrf=token, reason="because").text
    with office.provider.database.begin() as connection:
        roles.set_person(connection, "ben", Person(names=frozenset({as_compared("TEST server")})))
    assert "Not yours to decide" in ben.get(first).text
    assert (
        "REG-6.2.2-26"
        in ben.send(
            f"{first}/approve", 403, csrf=ben.fields(first, "/console/logout")["csrf"], reason="mine"
        ).text
    )
    with office.provider.database.begin() as connection:
        roles.set_person(connection, "ben", Person(names=frozenset({"ben beispiel"})))
    ben.submit(first, f"{first}/approve", 403)  # without a reason
    ben.submit(first, f"{first}/approve", reason="The server is ours")
    ben.submit(second, f"{second}/refuse", reason="Of nobody here")
    assert [office.waiting.find(one.id).state for one in found] == ["approved", "refused"]
    assert "gets its certificate when it asks again" in ben.get(first).text
    token = ben.fields(first, "/console/logout")["csrf"]
    assert ben.send(f"{first}/refuse", 409, csrf=token, reason="too late")
    ben.get("/console/enrolments/none", 404)


def test_the_newest_certificates_are_found_without_looking_at_all(office: Office) -> None:
    from sqlalchemy import event  # noqa: PLC0415

    from trustworks.issuance import records  # noqa: PLC0415

    database, asked = office.provider.database, []
    with database.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
        records.search_certificates(connection, now=office.provider.clock.moment)
        if database.dialect != "sqlite":  # PostgreSQL looks at all rows while there are few
            return
        ((statement, values),) = asked
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    assert "certificates_requested" in str(plan)


def test_search_finds_by_what_one_has_and_turns_pages(office: Office) -> None:
    issuance, dora = office.provider.issuance, office.enter("dora")
    serial, identifier = issued(office), applied(office)
    key = office.registration.application(identifier).key_id
    many = issuance.issue_all([office.provider.request("tls-server") for _ in range(27)])
    assert all(not isinstance(one, Exception) for one in many)
    root = "/console/search"

    def rows(query: str) -> int:
        return dora.get(f"{root}?{query}").body.count(b'<th scope="row">')

    colons = ":".join(serial[at : at + 2] for at in range(0, 40, 2)).upper()
    assert [rows(f"q={one}") for one in (serial, colons, "0x" + serial, "Anna", "nobody", "f" * 39)] == [
        1, 1, 1, 1, 0, 0,
    ]  # fmt: skip
    assert rows("") == rows("state=good") == 25
    first = dora.get(f"{root}?profile=tls-server")
    following = first.body.decode().partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    second = dora.get(following.replace("&amp;", "&"))
    links = [one.body.decode().split("/console/certificates/")[1:] for one in (first, second)]
    assert len({one[:40] for part in links for one in part}) == 27
    assert "First page" in second.text
    assert rows(f"what=applications&q={identifier}") == rows(f"what=applications&q={key}") == 1
    assert rows("what=applications&state=issued") == rows("what=applications&state=received") == 1
    day = f"{office.provider.clock.moment:%Y-%m-%d}"
    assert rows(f"what=applications&since={day}&until={day}") == 2
    assert rows("what=applications&until=2020-01-01") == 0
    assert rows("state=revoked") == 0
    issuance.revoke(serial, RevocationReason.superseded, by="rita")
    assert rows("state=revoked") == 1
    assert "Nothing fits" in dora.get(f"{root}?q=nobody").text
