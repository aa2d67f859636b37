"""Certificates of orders: their form, their chains, their revocation, their renewal."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from acme_testbed import ORIGIN, Client, csr_for, ec_key
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from issuance_testbed import START

from trustworks.core.errors import Malformed
from trustworks.issuance.enrolment.acme import encoding
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.rules import certificates as rules
from trustworks.issuance.model import RevocationReason, serial_hex

if TYPE_CHECKING:
    from acme_testbed import Acme

ONE = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
REVOKE = f"{ORIGIN}/acme/revoke-cert"


def identifier(der: bytes) -> str:
    certificate = x509.load_der_x509_certificate(der)
    issuer = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert issuer.key_identifier is not None
    serial = certificate.serial_number.to_bytes(20)
    return f"{encoding.encode(issuer.key_identifier)}.{encoding.encode(serial)}"


def revocation(der: bytes, reason: Any = None) -> dict[str, Any]:
    found: dict[str, Any] = {"certificate": encoding.encode(der)}
    return found if reason is None else {**found, "reason": reason}


def serial_of(der: bytes) -> str:
    return serial_hex(x509.load_der_x509_certificate(der).serial_number)


@ONE
def test_a_certificate_says_what_was_validated_and_nothing_else(acme: Acme) -> None:
    der = acme.client().certificate("www.example.com", "example.com", "*.example.com")
    found = x509.load_der_x509_certificate(der)
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == [
        "*.example.com",
        "example.com",
        "www.example.com",
    ]
    assert names.critical
    assert list(found.subject) == []
    policies = found.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert "0.4.0.2042.1.6" in [one.policy_identifier.dotted_string for one in policies]
    usages = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]
    assert (found.not_valid_after_utc - found.not_valid_before_utc).days == 89


def test_a_certificate_comes_with_its_chain_and_with_an_alternate_one(acme: Acme) -> None:
    client = acme.client()
    _, order = client.ready("www.example.com")
    url = client.finalize(order).json["certificate"]
    short = client.post(url)
    assert short.raw.content_type == "application/pem-certificate-chain"
    (alternate,) = short.links("alternate")
    long = client.post(alternate)
    assert long.links("alternate") == [url]
    chain = x509.load_pem_x509_certificates(short.raw.body)
    whole = x509.load_pem_x509_certificates(long.raw.body)
    assert (len(chain), len(whole)) == (2, 3)
    assert whole[:2] == chain
    for lower, upper in zip(whole, [*whole[1:], whole[-1]], strict=True):
        lower.verify_directly_issued_by(upper)
    assert client.post(f"{url}/2").status == 404
    assert client.post(url, {}).type == "malformed"


@ONE
@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-KIND")
def test_a_refused_csr_tells_the_rule_behind_it(acme: Acme) -> None:
    client = acme.client()
    _, order = client.ready("www.example.com")
    weak = csr_for(["www.example.com"], key=ec.generate_private_key(ec.SECP192R1()))
    forged = csr_for(["www.example.com"])
    forged = forged[:-1] + bytes([forged[-1] ^ 1])
    for csr, rule in (
        (weak, "TRUSTWORKS:ISSUANCE-KEY-KIND"),
        (forged, "EN319411-1:REG-6.3.1-01"),
        (csr_for(["other.example.com"]), "RFC8555:7.4-CSR"),
    ):
        told = client.finalize(order, csr)
        assert told.type == "badCSR"
        assert told.json["detail"].endswith(f"({rule})")
    assert client.finalize(order).status == 200


@pytest.mark.req("RFC8555:7.6-WHO")
@pytest.mark.parametrize("who", ["account", "key", "authorized"])
def test_who_may_revoke_revokes_at_once(acme: Acme, who: str) -> None:
    client, key = acme.client(), ec_key()
    _, order = client.ready("www.example.com", "*.example.com")
    pem = client.post(
        client.finalize(order, csr_for(["www.example.com", "*.example.com"], key=key)).json["certificate"]
    ).raw.body
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    stranger, other = Client(acme.wire), acme.client()
    before = acme.state()
    for one in (stranger, other):
        refused = one.post(REVOKE, revocation(der))
        assert (refused.status, refused.type) == (403, "unauthorized")
    assert acme.state() == before
    if who == "authorized":
        other.ready("www.example.com")
        assert other.post(REVOKE, revocation(der)).type == "unauthorized"
        other.ready("*.example.com")
    actor = {"account": client, "key": Client(acme.wire, key=key), "authorized": other}[who]
    done = actor.post(REVOKE, revocation(der, 4))
    assert (done.status, done.raw.body) == (200, b"")
    status = acme.provider.issuance.status(serial_of(der))
    assert status is not None
    assert status.revocation is not None
    assert status.revocation.reason is RevocationReason.superseded
    again = actor.post(REVOKE, revocation(der))
    assert (again.status, again.type) == (400, "alreadyRevoked")


@ONE
@pytest.mark.req("RFC8555:7.6-REASON")
@pytest.mark.parametrize("reason", [2, 6, 7, 8, 10, 11, -1, True])
def test_reasons_that_are_not_a_subscribers_are_refused(acme: Acme, reason: Any) -> None:
    client = acme.client()
    der = client.certificate("www.example.com")
    before = acme.state()
    answer = client.post(REVOKE, revocation(der, reason))
    assert answer.type == ("malformed" if isinstance(reason, bool) else "badRevocationReason")
    assert acme.state() == before
    with pytest.raises(Problem):
        rules.reason_given(reason)
    assert rules.reason_given(None) is RevocationReason.unspecified
    assert rules.reason_given(1) is RevocationReason.keyCompromise


@ONE
def test_certificates_that_are_not_acmes_are_not_revoked_by_it(acme: Acme) -> None:
    provider, key = acme.provider, ec_key()
    request = provider.request("tls-server", csr_for(["tsp.example.com"], key=key))
    other = provider.issuance.issue(request).certificate
    before = acme.state()
    for one in (acme.stranger(), Client(acme.wire, key=key)):
        answer = one.post(REVOKE, revocation(other))
        assert (answer.status, answer.type) == (404, "malformed")
    root = provider.issuance.authority("issuing").certificate
    assert acme.stranger().post(REVOKE, revocation(root)).status == 404
    for octets in (b"", b"no certificate", other[:-1]):
        assert acme.stranger().post(REVOKE, revocation(octets)).type == "malformed"
    assert acme.state() == before


@ONE
def test_a_certificate_with_anothers_serial_number_is_not_taken_for_it(acme: Acme) -> None:
    client = acme.client()
    der = bytearray(client.certificate("www.example.com"))
    der[-1] ^= 1  # another signature over the same content
    assert client.post(REVOKE, revocation(bytes(der))).status == 404


@pytest.mark.req("RFC9773:4.1-ID", "RFC9773:4.2-WINDOW")
def test_renewal_is_suggested_in_the_last_third_and_at_once_after_revocation(acme: Acme) -> None:
    client = acme.client()
    der = client.certificate("www.example.com")
    url = f"{ORIGIN}/acme/renewal-info/{identifier(der)}"
    answer = acme.wire.request("GET", url)
    assert answer.status == 200
    assert answer.header("retry-after") == "21600"
    window = answer.json["suggestedWindow"]
    certificate = x509.load_der_x509_certificate(der)
    start = certificate.not_valid_before_utc + timedelta(days=59)
    assert (
        f"{start:%Y-%m-%d}" <= window["start"] < window["end"] < f"{certificate.not_valid_after_utc:%Y-%m-%d}"
    )
    client.post(REVOKE, revocation(der))
    acme.provider.clock.advance(seconds=1)
    now = f"{acme.provider.clock.moment:%Y-%m-%dT%H:%M:%SZ}"
    window = acme.wire.request("GET", url).json["suggestedWindow"]
    assert window["start"] < window["end"] <= now


@ONE
@pytest.mark.req("RFC9773:4.1-ID")
def test_identifiers_of_no_certificate_have_no_renewal(acme: Acme) -> None:
    client = acme.client()
    der = client.certificate("www.example.com")
    key, _, serial = identifier(der).partition(".")
    infos = f"{ORIGIN}/acme/renewal-info"
    for one in (f"{encoding.encode(b'another')}.{serial}", f"{key}.{encoding.encode(b'AB')}"):
        answer = acme.wire.request("GET", f"{infos}/{one}")
        assert (answer.status, answer.type) == (404, "malformed")
    for one in ("x", f"{key}.", f".{serial}", f"{key}", f"{key}.{serial}=", f"{key}.{'A' * 40}", "a.b.c"):
        answer = acme.wire.request("GET", f"{infos}/{one}")
        assert answer.type == "malformed"
        assert answer.status == 400
    with pytest.raises(Malformed):
        rules.read_certificate_id(f"{key}.{encoding.encode(bytes([0x80] + [1] * 19))}")
    assert rules.read_certificate_id("AA.AIA")[1] == "80".rjust(40, "0")
    assert rules.certificate_id(b"\0", "80".rjust(40, "0")) == "AA.AIA"


@pytest.mark.req("RFC9773:4.2-WINDOW")
def test_the_window_lies_within_the_certificates_life() -> None:
    for days in (1, 6, 90, 398):
        last = START + timedelta(days=days)
        start, end = rules.renewal_window(START, last, None, START)
        assert START + timedelta(days=days) / 2 < start < end < last
    revoked = START + timedelta(days=1)
    start, end = rules.renewal_window(START, START + timedelta(days=90), revoked, START + timedelta(days=2))
    assert start < end <= revoked


@pytest.mark.req("RFC9773:5-REPLACES")
def test_an_order_replaces_a_certificate_once(acme: Acme) -> None:
    acme.configure(orders_per_hour=5, duplicates_per_week=1)
    client, other = acme.client(), acme.client()
    der = client.certificate("www.example.com")
    ari = identifier(der)
    assert client.order("www.example.com").type == "rateLimited"
    stolen = other.order("www.example.com", replaces=ari)
    assert (stolen.status, stolen.type) == (404, "malformed")
    assert client.order("two.example.com", replaces=ari).type == "malformed"
    assert client.order("www.example.com", replaces="AA.AA").status == 404
    assert client.order("www.example.com", replaces="text").type == "malformed"
    renewal = client.order("www.example.com", "two.example.com", replaces=ari)
    assert renewal.status == 201
    # The order says what it replaces, now and later (RFC 9773, 5).
    shown = client.post(renewal.header("location") or "")
    assert renewal.json["replaces"] == shown.json["replaces"] == ari
    key, _, serial = ari.partition(".")
    foreign = client.order("www.example.com", replaces=f"{key[:-4]}AAAA.{serial}")
    assert (foreign.status, foreign.type) == (404, "malformed")  # another issuer's
    second = client.order("www.example.com", replaces=ari)
    assert (second.status, second.type) == (409, "alreadyReplaced")
    acme.failing["two.example.com"] = Problem("dns", "no")
    for one in renewal.json["authorizations"]:
        client.answer(one)
    for _ in range(3):
        acme.validate()
        acme.provider.clock.advance(seconds=20)
    assert client.post(renewal.header("location") or "").json["status"] == "invalid"
    third = client.order("www.example.com", replaces=ari)
    assert third.status == 201
    assert client.finalize(third.json).status == 200
