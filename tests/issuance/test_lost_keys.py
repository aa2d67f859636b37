"""Keys that got into other hands: what shows it, what is refused, and that nothing of them stays good."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from issuance_testbed import make_csr
from sqlalchemy import select

from trustworks.core.audit.records import events
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.issuance import records
from trustworks.issuance.model import LostKey, RevocationReason
from trustworks.issuance.wire import KEY_LOST_NAME, read_lost_key, read_spki_sha256

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from issuance_testbed import Provider

    from trustworks.core.module import Key


@pytest.fixture
def key() -> EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def digest(key: EllipticCurvePrivateKey) -> bytes:
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()


def request_named(key: EllipticCurvePrivateKey, *names: str) -> bytes:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def reasons(provider: Provider, *serials: str) -> list[str]:
    found = []
    for serial in serials:
        status = provider.issuance.status(serial)
        assert status is not None
        found.append("good" if status.revocation is None else status.revocation.reason.name)
    return found


# What shows nothing


@pytest.mark.parametrize(
    "data", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"]
)
def test_what_is_no_key_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_lost_key(data)


def test_a_request_shows_nothing_unless_its_name_says_so(key: EllipticCurvePrivateKey) -> None:
    # Requests are sent about in the open: one that somebody kept is no sign that he has the key.
    for names in ((), ("www.example.com",), (KEY_LOST_NAME, "www.example.com")):
        with pytest.raises(Malformed, match="does not show"):
            read_lost_key(request_named(key, *names))
    signed = x509.load_pem_x509_csr(request_named(key, KEY_LOST_NAME)).public_bytes(Encoding.DER)
    damaged = x509.load_der_x509_csr(signed[:-1] + bytes([signed[-1] ^ 1])).public_bytes(Encoding.PEM)
    with pytest.raises(Malformed, match="does not show"):
        read_lost_key(damaged)


@pytest.mark.req("EN319411-1:REV-6.2.4-09")
def test_a_statement_needs_words(provider: Provider, key: EllipticCurvePrivateKey) -> None:
    with pytest.raises(Refused, match="authenticated"):
        provider.issuance.lost_keys.block(read_spki_sha256(digest(key).hex()), by="officer")
    assert provider.issuance.issue(provider.request("tsu", make_csr(key))).serial


def test_an_authority_s_key_is_not_blocked_here(provider: Provider, issuing_key: Key) -> None:
    lost = LostKey(spki_sha256=issuing_key.spki_sha256, shown_by="statement")
    with pytest.raises(Rejected, match="cACompromise"):
        provider.issuance.lost_keys.block(lost, by="officer", note="seen")


# What it does


@pytest.mark.req("EN319411-1:SDP-6.5.1-21", "TRUSTWORKS:ISSUANCE-KEY-LOST")
def test_whoever_has_the_private_key_has_all_its_certificates_revoked(
    provider: Provider, key: EllipticCurvePrivateKey
) -> None:
    first, second, revoked = (
        provider.issuance.issue(provider.request("tsu", make_csr(key))).serial for _ in range(3)
    )
    other = provider.issuance.issue(provider.request("tsu")).serial
    provider.issuance.revoke(revoked, RevocationReason.superseded, by="officer")
    lost = read_lost_key(pem(key))
    assert lost == LostKey(spki_sha256=digest(key), shown_by="private-key")
    done = provider.issuance.lost_keys.block(lost, by="officer")
    assert set(done.revoked) == {first, second, revoked}
    assert reasons(provider, first, second, revoked, other) == ["keyCompromise"] * 3 + ["good"]
    again = provider.issuance.lost_keys.block(lost, by="officer")
    assert (again.before, again.revoked) == (True, ())
    with provider.database.read() as connection:
        kinds = select(events.c.body).where(events.c.type == "key.blocked")
        told = [json.loads(body) for body in connection.execute(kinds).scalars()]
    assert [one["detail"]["shown_by"] for one in told] == ["private-key"] * 2
    assert pem(key).split(b"\n")[1] not in b"".join(json.dumps(one).encode() for one in told)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-BLOCKED")
def test_a_blocked_key_gets_no_certificate_although_it_never_had_one(
    provider: Provider, key: EllipticCurvePrivateKey
) -> None:
    lost = read_lost_key(request_named(key, KEY_LOST_NAME))
    assert lost.shown_by == "signature"
    done = provider.issuance.lost_keys.block(lost, by="officer")
    assert done.revoked == ()
    with pytest.raises(Refused, match="known to others"):
        provider.issuance.issue(provider.request("tsu", make_csr(key)))
    assert provider.issuance.issue(provider.request("tsu")).serial


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-BLOCKED")
def test_a_key_that_is_blocked_while_its_certificate_is_made_is_refused(
    provider: Provider, key: EllipticCurvePrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = provider.key.sign

    def sign(data: bytes) -> bytes:
        provider.issuance.lost_keys.block(read_lost_key(pem(key)), by="officer")
        return signed(data)

    monkeypatch.setattr(provider.key, "sign", sign)
    with pytest.raises(Refused, match="known to others"):
        provider.issuance.issue(provider.request("tsu", make_csr(key)))
    assert provider.issuance.counts()["abandoned"] == 1


@pytest.mark.req("TRUSTWORKS:ISSUANCE-BLOCKED-REVOKED")
def test_what_a_crash_left_is_revoked_by_the_clock(provider: Provider, key: EllipticCurvePrivateKey) -> None:
    serial = provider.issuance.issue(provider.request("tsu", make_csr(key))).serial
    with provider.database.begin() as connection:  # all that the process did before it was killed
        at = provider.clock.moment
        records.block_key(connection, digest(key), shown_by="statement", note="seen", at=at, by="officer")
    assert provider.issuance.lost_keys.finish() == (serial,)
    assert provider.issuance.lost_keys.finish() == ()
    assert reasons(provider, serial) == ["keyCompromise"]
