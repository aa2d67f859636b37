"""IP addresses as identifiers (RFC 8738)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import pytest
from acme_testbed import ORIGIN, csr_for, ec_key
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.rules import orders as order_rules
from trustworks.issuance.enrolment.acme.rules import validation as rules

if TYPE_CHECKING:
    from acme_testbed import Acme

ONE = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
V4 = "9.9.9.9"
V6 = "2620:fe::fe"


def names_in(der: bytes) -> list[Any]:
    found = x509.load_der_x509_certificate(der).extensions
    return list(found.get_extension_for_class(x509.SubjectAlternativeName).value)


@ONE
@pytest.mark.req("RFC8738:3-TEXT")
@pytest.mark.parametrize(
    "value",
    ["9.9.9.09", "9.9.9", "0x9090909", "2620:FE::fe", "2620:fe:0::fe", "::ffff:9.9.9.9", "fe80::1%eth0",
     "9.9.9.9/32", "[2620:fe::fe]", "www.example.com", ""],
)  # fmt: skip
def test_an_address_has_one_form(acme: Acme, value: str) -> None:
    client = acme.client()
    before = acme.state()
    given = {"identifiers": [{"type": "ip", "value": value}]}
    assert client.post(f"{ORIGIN}/acme/new-order", given).type == "malformed"
    assert acme.state() == before
    with pytest.raises(Problem):
        order_rules.address_ordered(value)


@ONE
@pytest.mark.req("TRUSTWORKS:ACME-PUBLIC-ADDRESS")
@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "192.168.1.1", "::1", "fd00::1", "2001:db8::1"])
def test_an_address_that_everybody_has_is_nobodys(acme: Acme, address: str) -> None:
    client = acme.client()
    before = acme.state()
    answer = client.order(address)
    assert answer.type == "rejectedIdentifier"
    assert answer.json["identifier"] == {"type": "ip", "value": address}
    assert acme.state() == before
    rules.check_address(address, private_too=True)
    rules.check_address("www.example.com", private_too=False)


@ONE
@pytest.mark.req("RFC8738:7-NO-DNS")
def test_an_address_is_never_shown_by_dns(acme: Acme) -> None:
    client = acme.client()
    made = client.order(V4, V6, "www.example.com")
    for one in made.json["authorizations"]:
        shown = client.post(one).json
        offered = {challenge["type"] for challenge in shown["challenges"]}
        is_name = shown["identifier"] == {"type": "dns", "value": "www.example.com"}
        assert offered == {"http-01", "tls-alpn-01"} | ({"dns-01"} if is_name else set())
    acme.configure(challenges=["dns-01"])
    client.wire = acme.wire
    before = acme.state()
    assert client.order(V4).type == "rejectedIdentifier"
    assert acme.state() == before


@ONE
def test_a_certificate_has_its_addresses_as_addresses(acme: Acme) -> None:
    client = acme.client()
    names = (V6, V4, "www.example.com")
    _, order = client.ready(*names)
    assert {"type": "ip", "value": V6} in order["identifiers"]
    done = client.finalize(order)
    assert done.status == 200, done.raw
    pem = client.post(done.json["certificate"]).raw.body
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    assert set(names_in(der)) == {
        x509.IPAddress(ipaddress.ip_address(V4)),
        x509.IPAddress(ipaddress.ip_address(V6)),
        x509.DNSName("www.example.com"),
    }


@ONE
@pytest.mark.req("RFC8555:7.4-CSR")
def test_an_address_asked_for_as_a_dns_name_is_refused(acme: Acme) -> None:
    client = acme.client()
    _, order = client.ready(V4)
    before = acme.state()
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    names: list[list[x509.GeneralName]] = [[x509.DNSName(V4)], [x509.DNSName(V4), _ip(V4)], [_ip("8.8.8.8")]]
    for one in names:
        csr = builder.add_extension(x509.SubjectAlternativeName(one), critical=False)
        signed = csr.sign(ec_key(), hashes.SHA256()).public_bytes(Encoding.DER)
        assert client.finalize(order, signed).type == "badCSR"
    assert client.finalize(order, csr_for([], subject="8.8.8.8")).type == "badCSR"
    assert acme.state() == before
    assert client.finalize(order, csr_for([V4], subject=V4)).status == 200


def _ip(address: str) -> x509.IPAddress:
    return x509.IPAddress(ipaddress.ip_address(address))


@ONE
def test_no_domain_is_asked_about_an_address(acme: Acme) -> None:
    acme.configure()
    client = acme.client()
    asked: list[str] = []
    resolver = acme.server.caa_resolver
    assert resolver is not None
    original = resolver.caa

    def caa(name: str) -> Any:
        asked.append(name)
        return original(name)

    resolver.caa = caa  # type: ignore[method-assign]
    client.wire = acme.wire
    assert client.certificate(V4, "a.example.com", "b.example.com")
    # Each domain once, although there are two names beneath it and two origins.
    assert sorted(asked) == ["a.example.com", "b.example.com", "com", "example.com"]
