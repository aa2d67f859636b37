"""CAA: who may issue for a domain, by its records, by those above it, and when nobody answers."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from trustworks.core.errors import Refused, Unavailable
from trustworks.issuance.enrolment.caa import CaaRecord, DnsResolver, check, check_mailboxes
from trustworks.issuance.rules.caa import Authorisation, domains_to_ask, parameters_hold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OURS = ["ca.example"]
ACCOUNT = "https://ca.example/1"
Records = list[tuple[int, str, str]]


class Zone:
    """Records by name, and what was asked."""

    def __init__(self, records: dict[str, Records] | None = None) -> None:
        self.records = records or {}
        self.asked: list[str] = []

    def caa(self, name: str) -> Sequence[CaaRecord]:
        self.asked.append(name)
        return [CaaRecord(*one) for one in self.records.get(name, ())]


def issue(*values: str) -> Records:
    return [(0, "issue", value) for value in values]


@pytest.mark.req("RFC8659:4.2")
@pytest.mark.parametrize(
    ("records", "name"),
    [
        ({}, "a.test"),
        ({"a.test": issue("ca.example")}, "a.test"),
        ({"a.test": issue("CA.Example")}, "a.test"),
        ({"a.test": issue(" ca.example ; policy=ev ")}, "a.test"),
        ({"a.test": issue("other.example", "ca.example")}, "www.a.test"),
        ({"test": issue(";"), "a.test": issue("ca.example")}, "www.a.test"),
        ({"a.test": [(0, "iodef", "mailto:x@a.test")]}, "a.test"),
        ({"a.test": [(128, "issue", "ca.example")]}, "a.test"),
        ({"a.test": [(0, "issuewild", ";")]}, "a.test"),
        ({"a.test": [(0, "issue", ";"), (0, "issuewild", "ca.example")]}, "*.a.test"),
        ({"a.test": issue("ca.example")}, "*.a.test"),
        ({"a.test": [(0, "issuemail", ";")]}, "a.test"),
        ({"a.test": [(0, "unknown", "x")]}, "a.test"),
    ],
)
def test_it_is_issued_where_nothing_speaks_against_it(records: dict[str, Records], name: str) -> None:
    check([name], OURS, Zone(records))


@pytest.mark.req("RFC8659:4.2")
@pytest.mark.parametrize(
    ("records", "name"),
    [
        ({"a.test": issue(";")}, "a.test"),
        ({"a.test": issue("")}, "a.test"),
        ({"a.test": issue("other.example")}, "a.test"),
        ({"a.test": issue("other.example")}, "www.sub.a.test"),
        ({"test": issue("other.example")}, "www.a.test"),
        ({"a.test": issue("ca.example %%%%%")}, "a.test"),
        ({"a.test": issue("ca.example; no-equals")}, "a.test"),
        ({"a.test": issue("ca.example; x=" + "a" * 5000)}, "a.test"),
        ({"a.test": issue("xca.example", "ca.example.org")}, "a.test"),
        ({"a.test": [(0, "issue", "ca.example"), (0, "issuewild", ";")]}, "*.a.test"),
        ({"a.test": issue(";")}, "*.a.test"),
    ],
)
def test_it_is_refused_where_others_are_named(records: dict[str, Records], name: str) -> None:
    with pytest.raises(Refused, match="must add") as found:
        check(["fine.test", name], OURS, Zone({"fine.test": issue("ca.example"), **records}))
    assert found.value.requirement == "RFC8659:4.2"


@pytest.mark.req("RFC8659:4.1")
def test_a_critical_record_that_is_not_understood_stops_it() -> None:
    zone = Zone({"a.test": [*issue("ca.example"), (128, "tbs", "x")]})
    with pytest.raises(Refused) as found:
        check(["a.test"], OURS, zone)
    assert found.value.requirement == "RFC8659:4.1"


@pytest.mark.req("RFC8657:3")
@pytest.mark.parametrize(
    ("parameters", "method", "account", "holds"),
    [
        ("", None, None, True),
        ("validationmethods=dns-01", "dns-01", None, True),
        ("validationmethods=http-01,dns-01", "dns-01", None, True),
        ("validationmethods=dns-01", "http-01", None, False),
        ("validationmethods=dns-01", None, None, False),
        ("validationmethods=dns-01;validationmethods=http-01", "dns-01", None, False),
        (f"accounturi={ACCOUNT}", "dns-01", ACCOUNT, True),
        (f"accounturi={ACCOUNT}", "dns-01", f"{ACCOUNT}2", False),
        (f"accounturi={ACCOUNT}", None, None, False),
        (f"accounturi={ACCOUNT}; accounturi={ACCOUNT}", "dns-01", ACCOUNT, False),
        (f"AccountURI={ACCOUNT}; validationMethods=dns-01", "dns-01", ACCOUNT, True),
        ("policy=ev", None, None, True),
    ],
)
def test_limits_to_accounts_and_methods_hold(
    parameters: str, method: str | None, account: str | None, *, holds: bool
) -> None:
    assert parameters_hold(parameters, Authorisation(frozenset(OURS), method, account)) is holds
    zone = Zone({"a.test": issue(f"ca.example; {parameters}")})
    if holds:
        check(["a.test"], OURS, zone, method=method, account=account)
    else:
        with pytest.raises(Refused, match="must add"):
            check(["a.test"], OURS, zone, method=method, account=account)


@pytest.mark.req("RFC8659:4.2")
def test_mail_has_a_tag_of_its_own() -> None:
    zone = Zone({"a.test": [(0, "issue", ";"), (0, "issuemail", "ca.example")], "b.test": issue(";")})
    check_mailboxes(["x@a.test", "x@b.test"], OURS, zone)
    with pytest.raises(Refused, match="issuemail"):
        check_mailboxes(["x@mail.a.test"], ["other.example"], zone)


def test_the_domains_above_are_asked_once_for_all_names() -> None:
    assert domains_to_ask("*.A.b.test.") == ("a.b.test", "b.test", "test")
    zone = Zone()
    check(["a.b.test", "*.b.test", "c.b.test", "a.b.test"], OURS, zone)
    assert zone.asked == ["a.b.test", "b.test", "test", "c.b.test"]


@pytest.fixture
def dns_server() -> Iterator[tuple[int, dict[str, str]]]:
    """A name server on this machine; a name answers with a record, with none, or with failure."""
    answers: dict[str, str] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                data, client = server.recvfrom(4096)
                if data == b"stop":
                    return
                query = dns.message.from_wire(data)
                name = query.question[0].name
                found = answers.get(name.to_text(omit_final_dot=True))
                response = dns.message.make_response(query)
                response.flags |= dns.flags.RA
                if found is None:
                    response.set_rcode(dns.rcode.NXDOMAIN)
                elif found == "SERVFAIL":
                    response.set_rcode(dns.rcode.SERVFAIL)
                elif found:
                    response.answer.append(dns.rrset.from_text(name, 60, "IN", "CAA", found))
                server.sendto(response.to_wire(), client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], answers
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"stop", server.getsockname())
        thread.join()


@pytest.mark.req("RFC8659:4.2")
def test_records_are_asked_for_over_the_network(dns_server: tuple[int, dict[str, str]]) -> None:
    port, answers = dns_server
    answers |= {"a.test": '0 issue "other.example"', "www.b.test": "", "b.test": '0 Issue "ca.example; x=y"'}
    resolver = DnsResolver("127.0.0.1", port=port, seconds=30)
    assert resolver.caa("b.test") == (CaaRecord(0, "issue", "ca.example; x=y"),)
    assert resolver.caa("www.b.test") == resolver.caa("nothing.test") == ()
    check(["www.b.test"], OURS, resolver)
    with pytest.raises(Refused):
        check(["www.a.test"], OURS, resolver)


def test_what_cannot_be_found_out_is_not_issued(dns_server: tuple[int, dict[str, str]]) -> None:
    port, answers = dns_server
    answers["a.test"] = "SERVFAIL"
    resolver = DnsResolver("127.0.0.1", port=port, seconds=1)
    with pytest.raises(Unavailable, match=r"\[issuance.caa\] resolver") as found:
        check(["a.test"], OURS, resolver)
    assert found.value.code == "caa.lookup"
