"""Orders, authorizations and challenges as their accounts see them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from acme_testbed import ORIGIN, csr_for, ec_key

from trustworks.core.errors import Unavailable
from trustworks.issuance.enrolment.acme import orders
from trustworks.issuance.enrolment.acme.model import MOVES, Problem
from trustworks.issuance.enrolment.acme.rules import orders as rules
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.records import acme as records

if TYPE_CHECKING:
    from acme_testbed import Acme

ONE = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


def test_an_order_goes_from_pending_to_valid(acme: Acme) -> None:
    client = acme.client()
    made = client.order("www.example.com", "EXAMPLE.com", "www.example.com")
    assert made.status == 201
    order = made.json
    assert order["status"] == "pending"
    assert order["identifiers"] == [
        {"type": "dns", "value": "example.com"},
        {"type": "dns", "value": "www.example.com"},
    ]
    assert len(order["authorizations"]) == 2
    assert order["profile"] == "tls-server-dv"
    url = made.header("location")
    assert url is not None
    first = client.post(order["authorizations"][0]).json
    assert (first["status"], first["identifier"]["value"]) == ("pending", "example.com")
    assert {one["type"] for one in first["challenges"]} == {"http-01", "dns-01", "tls-alpn-01"}
    tokens = {one["token"] for one in first["challenges"]}
    assert len(tokens) == 3
    assert all(len(one) >= 22 for one in tokens)
    answered = client.answer(order["authorizations"][0])
    assert (answered.status, answered.json["status"]) == (200, "processing")
    assert answered.links("up") == [order["authorizations"][0]]
    assert answered.header("retry-after")
    acme.validate()
    assert client.post(url).json["status"] == "pending"
    client.answer(order["authorizations"][1])
    acme.validate()
    ready = client.post(url)
    assert ready.json["status"] == "ready"
    valid = client.post(order["authorizations"][0]).json
    assert valid["status"] == "valid"
    assert [one["status"] for one in valid["challenges"]] == ["valid"]
    done = client.finalize(order, csr_for(["www.example.com", "example.com"]))
    assert (done.status, done.json["status"]) == (200, "valid")
    assert client.post(url).json["certificate"] == done.json["certificate"]
    assert [one.thumbprint for one in acme.attempts] == [client.thumbprint] * 2
    expected = [
        "acme.account-created",
        "acme.order-created",
        "acme.challenge-answered",
        "acme.authorization-valid",
        "acme.challenge-answered",
        "acme.authorization-valid",
        "acme.order-finalized",
        "certificate.intended",
        "certificate.issued",
    ]
    assert [one for one in acme.events() if one in set(expected)][-len(expected) :] == expected


@ONE
@pytest.mark.req("RFC8555:7.1.4-IDENTIFIERS")
@pytest.mark.parametrize(
    ("given", "type_"),
    [
        ({"type": "email", "value": "a@example.com"}, "unsupportedIdentifier"),
        ({"type": "dns", "value": "192.0.2.1"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "localhost"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "*"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "*.com"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "www.*.example.com"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "*.*.example.com"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "münchen.example"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "xn--a.example"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "example.com."}, "rejectedIdentifier"),
        ({"type": "dns", "value": "a..example.com"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "exa mple.com"}, "rejectedIdentifier"),
        ({"type": "dns", "value": "a" * 64 + ".example"}, "rejectedIdentifier"),
        ({"type": "dns", "value": ".".join(["a" * 60] * 5)}, "rejectedIdentifier"),
        ({"type": "dns", "value": ""}, "rejectedIdentifier"),
        ({"type": "dns", "value": "e\u0000.com"}, "rejectedIdentifier"),
        ({"type": "dns", "value": 5}, "malformed"),
        ({"type": "dns"}, "malformed"),
        ("text", "malformed"),
    ],
)
def test_what_cannot_be_certified_is_not_ordered(acme: Acme, given: Any, type_: str) -> None:
    client = acme.client()
    before = acme.state()
    answer = client.post(f"{ORIGIN}/acme/new-order", {"identifiers": [given]})
    assert answer.type == type_
    good = {"type": "dns", "value": "www.example.com"}
    other = {"type": "dns", "value": "x"}
    several = client.post(f"{ORIGIN}/acme/new-order", {"identifiers": [good, given, other]})
    assert several.type == "compound"
    assert [one["type"].rpartition(":")[2] for one in several.json["subproblems"]] == [
        type_,
        "rejectedIdentifier",
    ]
    assert several.json["subproblems"][1]["identifier"] == other
    assert acme.state() == before


@ONE
@pytest.mark.req("RFC8555:7.1.4-IDENTIFIERS")
def test_an_order_has_between_one_and_a_hundred_names(acme: Acme) -> None:
    client = acme.client()
    assert client.order().type == "malformed"
    assert client.order(*(f"n{number}.example.com" for number in range(101))).type == "malformed"
    assert client.order("xn--mnchen-3ya.example").status == 201


@ONE
@pytest.mark.req("RFC8555:7.4-DATES")
def test_dates_of_the_clients_choice_are_refused(acme: Acme) -> None:
    client = acme.client()
    before = acme.state()
    for name in ("notBefore", "notAfter"):
        assert client.order("www.example.com", **{name: "2027-01-01T00:00:00Z"}).type == "malformed"
    assert acme.state() == before


@ONE
@pytest.mark.req("ACME-PROFILES:4-PROFILE")
def test_a_profile_is_chosen_of_those_in_the_directory(acme: Acme) -> None:
    client = acme.client()
    told = acme.wire.request("GET", f"{ORIGIN}/acme/directory").json["meta"]["profiles"]
    assert set(told) == {"tls-server-dv", "tls-server-dv-short"}
    assert client.order("www.example.com").json["profile"] == "tls-server-dv"
    for one in ("tls-server", "natural-qcp-n-qscd", ""):
        assert client.order("www.example.com", profile=one).type == "invalidProfile"
    _, order = client.ready("www.example.com", profile="tls-server-dv-short")
    serial = client.finalize(order).json["certificate"].rpartition("/")[2]
    found = acme.provider.issuance.find(serial)
    assert found is not None
    assert found.profile == "tls-server-dv-short"
    assert (found.not_after - found.not_before).days == 5
    acme.configure(profiles=["tls-server-dv-short"])
    client.wire = acme.wire
    assert client.order("two.example.com").json["profile"] == "tls-server-dv-short"
    assert client.order("two.example.com", profile="tls-server-dv").type == "invalidProfile"


@ONE
@pytest.mark.req("RFC8555:8.4-WILDCARD")
def test_a_wildcard_is_shown_by_dns_alone(acme: Acme) -> None:
    client = acme.client()
    order = client.order("*.example.com", "example.com").json
    wild, plain = (client.post(one).json for one in order["authorizations"])
    assert (wild["wildcard"], wild["identifier"]["value"]) == (True, "example.com")
    assert [one["type"] for one in wild["challenges"]] == ["dns-01"]
    assert "wildcard" not in plain
    assert len(plain["challenges"]) == 3
    acme.configure(challenges=["http-01", "tls-alpn-01"])
    client.wire = acme.wire
    assert client.order("*.example.com").type == "rejectedIdentifier"
    assert client.order("example.com").status == 201


@pytest.mark.req("RFC8555:7.1.6-ORDER")
def test_only_an_order_that_is_ready_is_finalized_and_only_once(acme: Acme) -> None:
    client = acme.client()
    pending = client.order("www.example.com").json
    before = acme.state()
    early = client.finalize(pending)
    assert (early.status, early.type) == (403, "orderNotReady")
    assert acme.state() == before
    _, order = client.ready("www.example.com")
    assert client.finalize(order).status == 200
    issued = len(acme.provider.issuance.list())
    again = client.finalize(order)
    assert again.type == "orderNotReady"
    assert len(acme.provider.issuance.list()) == issued


@pytest.mark.req("RFC8555:7.1.6-ORDER")
@pytest.mark.parametrize("status", ["pending", "ready", "processing", "valid", "invalid"])
@pytest.mark.parametrize("event", ["authorized", "failed", "expired", "finalized", "issued", "withdrawn"])
def test_the_table_of_moves_is_the_only_way(status: str, event: str) -> None:
    if (status, event) in MOVES:
        assert rules.moved(status, event) == MOVES[status, event]
    else:
        with pytest.raises(Problem) as refused:
            rules.moved(status, event)
        assert refused.value.code == "orderNotReady"
    assert not any(before in {"valid", "invalid"} for before, _ in MOVES)


@pytest.mark.req("RFC8555:7.4-CSR", "RFC8555:11.1-KEY")
def test_a_csr_for_something_else_changes_nothing(acme: Acme) -> None:
    client = acme.client()
    url, order = client.ready("www.example.com", "example.com")
    before = acme.state()
    both = ["www.example.com", "example.com"]
    for csr in (
        csr_for(["www.example.com"]),
        csr_for([*both, "more.example.com"]),
        csr_for([]),
        csr_for([], subject="www.example.com"),
        csr_for(both, subject="evil.example.com"),
        csr_for(both, key=client.key),
        b"no csr",
        csr_for(both)[:-3] + b"\0\0\0",
    ):
        answer = client.finalize(order, csr)
        if answer.status != 400:
            raise AssertionError(answer.raw)
        assert answer.type == "badCSR"
        if csr[-3:] != b"\0\0\0":
            assert acme.state() == before
    assert client.post(url).json["status"] == "ready"
    assert client.finalize(order, csr_for(both, subject="example.com")).status == 200


@ONE
def test_a_key_that_cannot_be_certified_leaves_the_order_ready(acme: Acme) -> None:
    client = acme.client()
    url, order = client.ready("www.example.com")
    key = ec_key()
    first = client.ready("lost.example.com")[1]
    done = client.finalize(first, csr_for(["lost.example.com"], key=key)).json["certificate"]
    acme.provider.issuance.revoke(done.rpartition("/")[2], RevocationReason.keyCompromise, by="officer")
    answer = client.finalize(order, csr_for(["www.example.com"], key=key))
    assert answer.type == "badCSR"
    assert "compromised" in answer.json["detail"]
    assert client.post(url).json["status"] == "ready"
    assert client.finalize(order).status == 200


def test_what_cannot_be_signed_now_is_signed_later(acme: Acme) -> None:
    client = acme.client()
    url, order = client.ready("www.example.com")
    acme.provider.key.error = Unavailable("module.absent", "the token is away")
    answer = client.finalize(order)
    assert (answer.status, answer.type) == (503, "serverInternal")
    assert client.post(url).json["status"] == "ready"
    assert "acme.order-withdrawn" in acme.events()
    acme.provider.key.error = None
    assert client.finalize(order).status == 200


@pytest.mark.req("RFC8555:7.4-AUTHORIZED")
def test_an_authorization_that_is_gone_does_not_issue(acme: Acme) -> None:
    client = acme.client()
    url, order = client.ready("www.example.com")
    gone = client.post(order["authorizations"][0], {"status": "deactivated"})
    assert gone.json["status"] == "deactivated"
    assert client.post(url).json["status"] == "invalid"
    assert client.finalize(order).type == "orderNotReady"
    assert client.post(order["authorizations"][0], {"status": "deactivated"}).type == "malformed"
    assert client.post(order["authorizations"][0], {"status": "valid"}).type == "malformed"
    assert client.order("www.example.com").json["status"] == "pending"
    assert acme.provider.issuance.list(profile="tls-server-dv") == []


@ONE
@pytest.mark.req("RFC8555:7.4-AUTHORIZED")
def test_authorizations_of_others_and_expired_ones_do_not_count(acme: Acme) -> None:
    client = acme.client()
    url, _ = client.ready("www.example.com")
    with acme.provider.database.read() as connection:
        order = records.order(connection, url.rpartition("/")[2])
        assert order is not None
        needed = records.authorizations_of(connection, order.id)
    now = acme.provider.clock.moment
    rules.check_authorized(order, needed, now)
    for changes in (
        {"account": "another"},
        {"status": "pending"},
        {"expires": now},
        {"name": "example.com"},
        {"wildcard": True},
    ):
        with pytest.raises(Problem) as refused:
            rules.check_authorized(order, [replace(one, **changes) for one in needed], now)
        assert refused.value.code == "unauthorized"


@ONE
def test_a_validated_name_is_used_again_for_some_days_by_its_account_alone(acme: Acme) -> None:
    client, other = acme.client(), acme.client()
    client.ready("www.example.com")
    assert client.order("www.example.com").json["status"] == "ready"
    assert client.order("www.example.com", "two.example.com").json["status"] == "pending"
    assert other.order("www.example.com").json["status"] == "pending"
    assert client.order("*.www.example.com").json["status"] == "pending"
    acme.provider.clock.advance(days=11)
    assert client.order("www.example.com").json["status"] == "pending"
    acme.configure(authorization_reuse_days=0)
    client.wire = acme.wire
    client.ready("www.example.com")
    assert client.order("www.example.com").json["status"] == "pending"


def test_what_was_not_finished_in_time_is_over(acme: Acme) -> None:
    client = acme.client()
    pending = client.order("www.example.com")
    url, ready = client.ready("two.example.com")
    acme.provider.clock.advance(hours=24)
    late = pending.header("location")
    assert late is not None
    for one in (late, url):
        shown = client.post(one).json
        assert shown["status"] == "invalid"
        assert "expired" in shown["error"]["detail"]
    assert client.finalize(ready).type == "orderNotReady"
    shown = client.post(pending.json["authorizations"][0]).json
    assert shown["status"] == "invalid"
    challenge = client.post(client.order("x.example.com").json["authorizations"][0]).json["challenges"][0]
    acme.provider.clock.advance(hours=24)
    assert client.post(challenge["url"], {}).type == "malformed"
    acme.queue.sweep()
    events = acme.events()
    assert events.count("acme.order-expired") == 3
    assert events.count("acme.authorization-expired") == 2
    assert client.post(late).json["status"] == "invalid"
    acme.queue.sweep()
    assert acme.events().count("acme.order-expired") == 3


@pytest.mark.req("TRUSTWORKS:ACME-LIMITS")
def test_orders_are_limited_and_renewals_are_not(acme: Acme) -> None:
    acme.configure(orders_per_hour=3, pending_orders=2, duplicates_per_week=2)
    client = acme.client()
    client.order("a.example.com")
    client.order("b.example.com")
    third = client.order("c.example.com")
    assert (third.status, third.type) == (429, "rateLimited")
    assert "unfinished" in third.json["detail"]
    assert third.header("retry-after") == "600"
    other = acme.client()
    for _ in range(2):
        other.certificate("www.example.com")
    same = other.order("www.example.com")
    assert same.type == "rateLimited"
    assert "a week" in same.json["detail"]
    assert other.order("two.example.com").status == 201
    assert "within an hour" in other.order("three.example.com").json["detail"]
    acme.provider.clock.advance(hours=2)
    assert other.order("three.example.com").status == 201


@ONE
@pytest.mark.req("TRUSTWORKS:ACME-LIMITS")
def test_failed_validations_of_a_name_are_limited(acme: Acme) -> None:
    acme.configure(failed_validations_per_hour=1, validation_attempts=1)
    acme.failing["www.example.com"] = Problem("connection", "no")
    client = acme.client()
    client.ready("www.example.com")
    assert client.order("www.example.com").type == "rateLimited"
    assert client.order("two.example.com").status == 201
    acme.provider.clock.advance(hours=1, seconds=1)
    assert client.order("www.example.com").status == 201


@ONE
def test_an_accounts_orders_are_listed_page_by_page(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "PAGE", 2)
    client = acme.client()
    assert client.kid is not None
    made = {client.order(f"{name}.example.com").header("location") for name in "abcde"}
    found: set[str] = set()
    url = client.post(client.kid).json["orders"]
    pages = 0
    while url:
        answer = client.post(url)
        assert len(answer.json["orders"]) <= 2
        found |= set(answer.json["orders"])
        pages += 1
        url = next(iter(answer.links("next")), None)
    assert (found, pages) == (made, 3)


@ONE
def test_a_challenge_is_answered_once(acme: Acme) -> None:
    client = acme.client()
    authorization = client.order("www.example.com").json["authorizations"][0]
    challenges = client.post(authorization).json["challenges"]
    for _ in range(3):
        assert client.post(challenges[0]["url"], {}).json["status"] == "processing"
    assert acme.events().count("acme.challenge-answered") == 1
    assert client.post(challenges[1]["url"]).json["status"] == "pending"
    acme.validate()
    assert client.post(challenges[0]["url"], {}).json["status"] == "valid"
    assert client.post(challenges[1]["url"], {}).type == "malformed"
    assert len(acme.attempts) == 1
