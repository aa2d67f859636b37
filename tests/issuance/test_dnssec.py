"""Domains are looked at through a resolver that validates DNSSEC: over zones that are signed here."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dns.dnssec
import dns.dnssectypes
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from name_server import answering

from trustworks.core.errors import Unavailable
from trustworks.issuance.config import CaaSettings, IssuanceSettings
from trustworks.issuance.enrolment import caa, dnssec
from trustworks.issuance.enrolment.acme.domains import CaaResolver
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.validation.resolver import DnsResolver
from trustworks.issuance.rules.dnssec import check_channel, check_validates, check_withheld

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = dns.name.root
SOA = "a.root. nobody.root. 1 1800 900 604800 86400"


class Resolver:
    """A resolver that validates by one key that signs all of its names, or that does not look."""

    def __init__(self, *, validates: bool = True) -> None:
        self.validates = validates
        self.permissive = False  # sets AD where it validates, and lets the rest through
        self.queries: list[dns.message.Message] = []
        self._private = ed25519.Ed25519PrivateKey.generate()
        self._key = dns.dnssec.make_dnskey(self._private.public_key(), dns.dnssectypes.Algorithm.ED25519)
        self._keys: Any = {ROOT: dns.rrset.from_rdata(ROOT, 60, self._key)}
        self.signed: dict[tuple[str, str], tuple[dns.rrset.RRset, dns.rrset.RRset]] = {}
        self.unsigned: dict[tuple[str, str], dns.rrset.RRset] = {}
        self.sign(".", "SOA", SOA)

    def sign(self, name: str, kind: str, *values: str) -> None:
        records = dns.rrset.from_text(name, 60, "IN", kind, *values)
        signature = dns.dnssec.sign(records, self._private, ROOT, self._key, lifetime=3600)
        self.signed[name, kind] = records, dns.rrset.from_rdata(name, 60, signature)

    def forge(self, name: str, kind: str, *values: str) -> None:
        """Put other values under the signature of the good ones."""
        _, signature = self.signed[name, kind]
        self.signed[name, kind] = dns.rrset.from_text(name, 60, "IN", kind, *values), signature

    def respond(self, query: dns.message.Message) -> dns.message.Message:
        self.queries.append(query)
        question = query.question[0]
        asked = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if asked in self.signed:
            records, signature = self.signed[asked]
            try:
                dns.dnssec.validate(records, signature, self._keys)
                authentic = True
            except dns.exception.ValidationFailure:
                authentic = False
            if self.validates and not self.permissive and not authentic and not query.flags & dns.flags.CD:
                answer.set_rcode(dns.rcode.SERVFAIL)
                return answer
            answer.answer.append(records)
            if self.validates and authentic and query.flags & dns.flags.AD:
                answer.flags |= dns.flags.AD
        elif asked in self.unsigned:
            answer.answer.append(self.unsigned[asked])
        return answer


@contextmanager
def both(resolver: Resolver) -> Iterator[tuple[caa.DnsResolver, DnsResolver]]:
    """What asks for CAA and what asks for the rest, through a resolver."""
    with answering(resolver.respond) as address:
        host, _, port = address.rpartition(":")
        yield (
            caa.DnsResolver(host, port=int(port), seconds=2, dnssec=dnssec.Demanded()),
            DnsResolver(address, seconds=2, dnssec=dnssec.Demanded()),
        )


@pytest.mark.req("CABF-BR:4.2.2.2-BOGUS")
def test_what_does_not_validate_permits_nothing() -> None:
    resolver = Resolver()
    resolver.sign("good.example.", "CAA", '0 issue "ca.example"')
    resolver.sign("good.example.", "TXT", '"value"')
    resolver.sign("forged.example.", "CAA", '0 issue "other.example"')
    resolver.forge("forged.example.", "CAA", '0 issue "ca.example"')
    resolver.sign("forged.example.", "TXT", '"nothing"')
    resolver.forge("forged.example.", "TXT", '"value"')
    resolver.unsigned["plain.example.", "TXT"] = dns.rrset.from_text(
        "plain.example.", 60, "IN", "TXT", '"value"'
    )
    with both(resolver) as (records, names):
        assert [one.value for one in records.caa("good.example")] == ["ca.example"]
        assert names.texts("good.example") == [b"value"]
        assert names.texts("plain.example") == [b"value"]  # a domain that is not signed may be asked
        with pytest.raises(Unavailable, match="nothing is issued for it"):
            records.caa("forged.example")
        with pytest.raises(Problem, match=r"does not answer for forged\.example"):
            names.texts("forged.example")
    assert all(one.flags & dns.flags.AD and not one.flags & dns.flags.CD for one in resolver.queries)


@pytest.mark.req("CABF-BR:4.2.2.2")
def test_a_resolver_that_does_not_validate_is_asked_for_nothing() -> None:
    resolver = Resolver(validates=False)
    resolver.sign("good.example.", "CAA", '0 issue "ca.example"')
    with both(resolver) as (records, names):
        for ask in (records.caa, names.texts, names.addresses):
            with pytest.raises(Unavailable, match="does not show that it validates DNSSEC"):
                ask("good.example")
    assert {one.question[0].name for one in resolver.queries} == {ROOT}
    with pytest.raises(Unavailable, match="no AD"):
        check_validates(authentic=False, resolvers=["127.0.0.1"])
    check_validates(authentic=True, resolvers=["127.0.0.1"])


@pytest.mark.req("CABF-BR:4.2.2.2-CHANNEL")
def test_who_is_elsewhere_is_not_believed() -> None:
    for far in (["192.0.2.1"], ["127.0.0.1", "10.0.0.1"], ["fe80::1%eth0"], ["dns.example"], []):
        with pytest.raises(Unavailable, match="is not at this machine"):
            check_channel(far)
    check_channel(["127.0.0.53", "::1"])
    with pytest.raises(Unavailable, match="is not at this machine"):
        DnsResolver("192.0.2.1:53", seconds=1, dnssec=dnssec.Demanded()).texts("good.example")


@pytest.mark.req("CABF-BR:4.2.2.2")
def test_who_answers_a_name_that_does_not_validate_is_asked_for_nothing_else() -> None:
    resolver = Resolver()
    resolver.sign("good.example.", "TXT", '"value"')
    resolver.sign("bogus.example.", "A", "192.0.2.1")
    resolver.forge("bogus.example.", "A", "192.0.2.2")
    with answering(resolver.respond) as address:
        demanded = dnssec.Demanded(bogus_name="bogus.example")
        assert DnsResolver(address, seconds=2, dnssec=demanded).texts("good.example") == [b"value"]
        resolver.permissive = True  # AD is on the root's records all the same
        with pytest.raises(Unavailable, match=r"answers bogus\.example") as refused:
            DnsResolver(address, seconds=2, dnssec=demanded).texts("good.example")
        assert refused.value.code == "dnssec.resolver"
        assert DnsResolver(address, seconds=2, dnssec=dnssec.Demanded()).texts("good.example") == [b"value"]
        demanded = dnssec.Demanded(bogus_name="absent.example")  # nothing is an answer too
        with pytest.raises(Unavailable, match=r"answers absent\.example"):
            DnsResolver(address, seconds=2, dnssec=demanded).texts("good.example")
    with pytest.raises(Unavailable, match="val-permissive-mode"):
        check_withheld("bogus.example", answered=True, resolver="127.0.0.1")


@pytest.mark.req("CABF-BR:4.2.2.2")
def test_each_server_is_asked_whether_it_validates() -> None:
    good, bad = Resolver(), Resolver(validates=False)
    bad.sign("good.example.", "TXT", '"value"')
    with (
        answering(good.respond) as one,
        answering(bad.respond, "127.0.0.2", int(one.rpartition(":")[2])),
    ):
        names = DnsResolver(one, seconds=2, dnssec=dnssec.Demanded())
        names.dns.nameservers = ["127.0.0.1", "127.0.0.2"]
        with pytest.raises(Unavailable, match="does not show that it validates DNSSEC"):
            names.texts("good.example")
    assert [len(asked.queries) for asked in (good, bad)] == [1, 1]


def test_the_resolver_is_asked_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver()
    resolver.sign("good.example.", "TXT", '"value"')
    now = 1000.0
    monkeypatch.setattr("trustworks.issuance.enrolment.dnssec.time.monotonic", lambda: now)
    with answering(resolver.respond) as address:
        names = DnsResolver(address, seconds=2, dnssec=dnssec.Demanded())
        names._validating.check()  # type: ignore[union-attr]
        names._validating.check()  # type: ignore[union-attr]
        assert len(resolver.queries) == 1
        now += dnssec.BELIEVED
        resolver.validates = False
        with pytest.raises(Unavailable, match="does not show"):
            names._validating.check()  # type: ignore[union-attr]
    with pytest.raises(Unavailable, match="has no answer for the root"):
        DnsResolver(address, seconds=0.2, dnssec=dnssec.Demanded()).texts("good.example")


def test_only_a_laboratory_goes_without() -> None:
    usual = IssuanceSettings()
    assert dnssec.demanded(usual, lab=False) == dnssec.Demanded()
    assert dnssec.demanded(usual, lab=True) is None
    for value, wanted in (("validating-resolver", True), ("none", False)):
        said = IssuanceSettings.model_validate({"dnssec": value})
        for lab in (True, False):
            assert (dnssec.demanded(said, lab=lab) is not None) is wanted
    named = IssuanceSettings.model_validate({"dnssec-bogus-name": "bogus.example"})
    assert dnssec.demanded(named, lab=False) == dnssec.Demanded(bogus_name="bogus.example")
    ours = CaaSettings(domains=("ca.example",))
    with pytest.raises(Unavailable, match="is not at this machine"):
        CaaResolver(ours, "192.0.2.1:53", dnssec=dnssec.Demanded()).caa("good.example")
    ask = caa.asker(CaaSettings(domains=("ca.example",), resolver="192.0.2.1"), dnssec=dnssec.Demanded())
    with pytest.raises(Unavailable, match="is not at this machine"):
        ask(["DNS:good.example"])
