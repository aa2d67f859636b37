"""The public page for reports of problems: bad input first, then what is recorded, and what is never told."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from console_testbed import Answer, ask, shell_of
from sqlalchemy import select

from trustworks.app.web import report
from trustworks.app.web.client_identity import ClientIdentity
from trustworks.core.audit.records import events
from trustworks.core.errors import Malformed, Rejected
from trustworks.issuance.http.api.bodies import pem
from trustworks.issuance.revocation import ProblemReports
from trustworks.issuance.rules.problem_reports import (
    ProblemReport,
    check_not_too_many,
    check_report,
    check_share,
    network_of,
)

if TYPE_CHECKING:
    from issuance_testbed import Provider

    from trustworks.app.web.http import Shell
    from trustworks.issuance.model import RevocationRequest

WISH = {
    "problem": "key-compromise",
    "details": "The private key lies on a web page.",
    "contact": "a@example.com",
}


@pytest.fixture
def shell(provider: Provider) -> Shell:
    reports = ProblemReports(
        provider.issuance.requests,
        database=provider.database,
        now=lambda: provider.clock.moment,
        per_hour=3,
    )
    return shell_of(report.routes(reports, banners=[("Laboratory", "No effect")], version="1"))


def send(shell: Shell, status: int, **changes: str) -> Answer:
    body = urlencode(WISH | changes).encode()
    answer = ask(shell, "POST", "/report", body, content_type=report.FORM)
    assert answer.status == status, answer.text
    return answer


def send_json(shell: Shell, status: int, value: Any) -> Any:
    answer = ask(shell, "POST", "/report", json.dumps(value).encode(), content_type=report.JSON)
    assert answer.status == status, answer.body
    return json.loads(answer.body)


def recorded(provider: Provider) -> list[RevocationRequest]:
    return provider.issuance.requests.list()


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REPORTS-READ")
def test_what_cannot_be_read_is_told_kept_in_the_form_and_not_recorded(
    shell: Shell, provider: Provider
) -> None:
    for change in (
        {"problem": ""},
        {"problem": "boredom"},
        {"details": "short"},
        {"details": "x" * 1501},
        {"details": "turned \u202e round and round"},
        {"details": "a\x00b and more of it"},
        {"contact": "c" * 201},
        {"certificate": "not a number"},
        {"certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
        {"certificate": "f" * 41},
    ):
        answer = send(shell, 400, **change)
        assert "Not recorded." in answer.text
        assert "a@example.com" in answer.body.decode() or "contact" in change
        send_json(shell, 400, {**WISH, **change})
    key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----"
    for name in ("details", "certificate"):
        assert "Do not send a private key" in send(shell, 400, **{name: key}).text
    odd: list[Any] = [[], {}, {**WISH, "more": "1"}, {**WISH, "details": 1}]
    for value in odd:
        assert send_json(shell, 400, value)["type"] == "urn:trustworks:malformed"
    for body, kind, status in (
        (b"x" * 70_000, report.FORM, 413),
        (b"{}", "text/plain", 415),
        (b"\xff", report.FORM, 400),
        (b"{", report.JSON, 400),
    ):
        assert ask(shell, "POST", "/report", body, content_type=kind).status == status
    assert recorded(provider) == []
    with pytest.raises(Malformed):
        check_report(ProblemReport(problem="other", details="BEGIN EC PRIVATE KEY, and so on"))


@pytest.mark.req("EN319411-1:REV-6.3.9-19")
def test_a_report_is_recorded_with_its_event_and_tells_nothing_of_what_is_known(
    shell: Shell, provider: Provider
) -> None:
    issued = provider.issuance.issue(provider.request("tls-server"))
    page = ask(shell, "GET", "/report")
    assert (page.status, "form-action 'self'" in page.headers["content-security-policy"]) == (200, True)
    assert "set-cookie" not in page.headers
    colons = ":".join(re.findall("..", issued.serial)).upper()
    answers = [send(shell, 202, certificate=one).text for one in (colons, "0" * 39 + "1")]
    found = recorded(provider)
    told = [re.sub(r"[0-9a-f]{32}", "NUMBER", one) for one in answers]
    assert told[0] == told[1]
    by_pem = send_json(shell, 202, {**WISH, "certificate": pem(issued.certificate)})
    assert by_pem.keys() == {"report", "received_at"}
    assert sorted(one.serial or "" for one in recorded(provider)) == ["", issued.serial, issued.serial]
    assert {(one.kind, one.state, one.reason, one.requester) for one in recorded(provider)} == {
        ("problem-report", "pending", None, "public")
    }
    assert found[0].note is not None
    assert "The private key lies on a web page." in found[0].note
    assert "Contact: a@example.com." in found[0].note
    status = provider.issuance.status(issued.serial)
    assert status is not None
    assert status.revocation is None
    with provider.database.read() as connection:
        bodies = (
            connection.execute(
                select(events.c.body)
                .where(events.c.type == "revocation.requested")
                .order_by(events.c.sequence)
            )
            .scalars()
            .all()
        )
    assert len(bodies) == 3
    assert all(b"example.com" not in one for one in bodies)  # who reported stays out of the log


@pytest.mark.req("EN319411-1:REV-6.3.9-19")
def test_another_certificate_with_a_serial_number_of_ours_is_not_taken_for_ours(
    shell: Shell, provider: Provider
) -> None:
    issued = provider.issuance.issue(provider.request("tls-server"))
    other = pem(issued.certificate[:-1] + bytes([issued.certificate[-1] ^ 1]))
    send(shell, 202, certificate=other)
    (found,) = recorded(provider)
    assert found.serial is None
    assert found.note is not None
    assert "a certificate, SHA-256 " in found.note


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REPORTS-LIMITED")
def test_more_reports_than_officers_can_read_are_refused_for_a_while(
    shell: Shell, provider: Provider
) -> None:
    for _ in range(3):
        send(shell, 202)
    answer = send(shell, 429)
    assert "Too many reports" in answer.text
    assert answer.headers["retry-after"] == "3600"
    assert send_json(shell, 429, WISH)["type"] == "urn:trustworks:report.too-many"
    assert len(recorded(provider)) == 3
    provider.clock.advance(hours=1, seconds=1)
    send(shell, 202)
    with pytest.raises(Rejected, match="Too many"):
        check_not_too_many(60, 60)
    check_not_too_many(59, 60)


def page_for(provider: Provider, identity: ClientIdentity | None = None) -> Shell:
    reports = ProblemReports(
        provider.issuance.requests,
        database=provider.database,
        now=lambda: provider.clock.moment,
        per_hour=1000,
        per_address=2,
    )
    return shell_of(report.routes(reports, banners=[], version="1"), identity)


def statuses(shell: Shell, address: str, times: int, **headers: str) -> list[int]:
    body = json.dumps(WISH).encode()
    return [
        ask(shell, "POST", "/report", body, address=address, content_type=report.JSON, **headers).status
        for _ in range(times)
    ]


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REPORTS-SHARED")
def test_who_floods_the_page_shuts_nobody_else_out(provider: Provider) -> None:
    shell = page_for(provider)
    assert statuses(shell, "192.0.2.1", 3000).count(202) == 2
    assert statuses(shell, "192.0.2.2", 3) == [202, 202, 429]
    network = [statuses(shell, f"2001:db8::{one:x}", 1)[0] for one in range(1, 500)]
    assert network.count(202) == 2
    assert statuses(shell, "2001:db8:0:1::1", 1) == [202]
    assert statuses(shell, "::ffff:192.0.2.1", 1) == [429]  # the first one, written otherwise
    assert len(recorded(provider)) == 7
    assert "192.0.2" not in str(recorded(provider))
    provider.clock.advance(hours=1, seconds=1)
    assert statuses(shell, "192.0.2.1", 1) == [202]
    with pytest.raises(Rejected, match="your network"):
        check_share(2, 2)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REPORTS-SHARED")
def test_only_a_trusted_proxy_says_where_a_report_comes_from(provider: Provider) -> None:
    pinned = ClientIdentity(secret_header="x-proxy", secret=b"s" * 40, address_header="x-forwarded-for")
    shell = page_for(provider, pinned)
    for number in range(20):  # a stranger names another address each time
        statuses(shell, "192.0.2.1", 1, x_forwarded_for=f"198.51.100.{number}")
    assert len(recorded(provider)) == 2
    proxy = {"x_proxy": "s" * 40}
    for number in range(20):  # and so does one behind the proxy, which adds the true one
        statuses(shell, "127.0.0.1", 1, x_forwarded_for=f"198.51.100.{number}, 192.0.2.7", **proxy)
    assert len(recorded(provider)) == 4
    assert statuses(shell, "127.0.0.1", 1, x_forwarded_for="192.0.2.8", **proxy) == [202]
    on_socket = page_for(provider, ClientIdentity(unix_socket=True))
    assert statuses(on_socket, "", 4) == [202] * 4  # nobody says from where: all together alone are counted


def test_a_report_that_could_not_be_recorded_does_not_count(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = page_for(provider)

    def fails(*_: object, **__: object) -> None:
        raise Rejected("report.test", "Not now.")

    with monkeypatch.context() as patched:
        patched.setattr(provider.issuance.requests, "receive", fails)
        assert 202 not in statuses(shell, "192.0.2.1", 3)
    assert statuses(shell, "192.0.2.1", 3) == [202, 202, 429]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (None, ""),
        ("", ""),
        ("unix:", ""),
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_who_counts_as_one(address: str | None, network: str) -> None:
    assert network_of(address) == network
