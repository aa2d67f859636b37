"""The order of effects: the refused reaches no key, the failed is not released, the released is recorded."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, PublicKeyAlgorithmOID, SignatureAlgorithmOID
from issuance_testbed import START, SUBJECTS, SpyKey, make_csr, settings
from sqlalchemy import func, select

from trustworks.core.audit import records as audit_records
from trustworks.core.der.encode import BIT_STRING, SEQUENCE, integer, oid, tlv
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.issuance import orders as orders_module
from trustworks.issuance import records
from trustworks.issuance.enrolment.csr import request_of
from trustworks.issuance.model import AuthorityRecord, NameAttribute, RevocationReason
from trustworks.issuance.model.requests import Door
from trustworks.issuance.orders import new_serial
from trustworks.issuance.service import Issuance
from trustworks.issuance.status import CrlPublisher
from trustworks.issuance.wire import read_subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from issuance_testbed import Provider

    from trustworks.core.module import Key

LEAVES = list(SUBJECTS)


def events(provider: Provider, prefix: str = "certificate.") -> list[dict[str, Any]]:
    with provider.database.read() as connection:
        bodies = connection.execute(
            select(audit_records.events.c.body)
            .where(audit_records.events.c.type.startswith(prefix))
            .order_by(audit_records.events.c.sequence)
        ).scalars()
        return [json.loads(bytes(body)) for body in bodies]


def states(provider: Provider) -> dict[str, int]:
    return provider.issuance.counts()


# What is issued


@pytest.mark.parametrize("profile", LEAVES)
def test_a_certificate_of_every_profile_is_issued_and_verifies(provider: Provider, profile: str) -> None:
    issued = provider.issuance.issue(provider.request(profile))
    certificate = x509.load_der_x509_certificate(issued.certificate)
    issuing = x509.load_der_x509_certificate(provider.issuance.authority("issuing").certificate)
    root = x509.load_der_x509_certificate(provider.issuance.authority("root").certificate)
    certificate.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    assert issued.chain == (issuing.public_bytes(Encoding.DER),)
    assert certificate.serial_number == int(issued.serial, 16)
    assert certificate.not_valid_before_utc == provider.clock.moment.replace(microsecond=0)
    found = provider.issuance.find(issued.serial)
    assert found is not None
    assert (found.state, found.der, found.profile) == ("issued", issued.certificate, profile)


@pytest.mark.parametrize(
    "algorithm",
    [KeyAlgorithm.RSA_3072, KeyAlgorithm.P521, KeyAlgorithm.BRAINPOOL_P256, KeyAlgorithm.ED25519],
)
def test_authorities_with_other_keys_issue_too(
    provider_without_authorities: Provider, module: Module, algorithm: KeyAlgorithm
) -> None:
    provider = provider_without_authorities
    key = module.generate_key_pair(label="k", algorithm=algorithm)
    provider.keys.keys["root"] = key
    provider.issuance.create_root(key, by="ceremony")
    other = module.generate_key_pair(label="i", algorithm=algorithm)
    provider.keys.keys["issuing"] = other
    provider.issuance.create_issuing(other, by="ceremony")
    issued = provider.issuance.issue(provider.request("tsu"))
    root, issuing = (
        x509.load_der_x509_certificate(provider.issuance.authority(name).certificate)
        for name in ("root", "issuing")
    )
    certificate = x509.load_der_x509_certificate(issued.certificate)
    assert issuing.public_key() == other.public_key
    for subject, issuer in ((certificate, issuing), (issuing, root), (root, root)):
        verify(subject, issuer, algorithm)


SIGNATURES: dict[KeyAlgorithm, tuple[x509.ObjectIdentifier, hashes.HashAlgorithm | None]] = {
    KeyAlgorithm.RSA_3072: (SignatureAlgorithmOID.RSASSA_PSS, hashes.SHA256()),
    KeyAlgorithm.P521: (SignatureAlgorithmOID.ECDSA_WITH_SHA512, hashes.SHA512()),
    KeyAlgorithm.BRAINPOOL_P256: (SignatureAlgorithmOID.ECDSA_WITH_SHA256, hashes.SHA256()),
    KeyAlgorithm.ED25519: (SignatureAlgorithmOID.ED25519, None),
}


def verify(subject: x509.Certificate, issuer: x509.Certificate, algorithm: KeyAlgorithm) -> None:
    """The signature by `cryptography`, its identifier, and for RSA the parameters of PSS."""
    oid, digest = SIGNATURES[algorithm]
    assert subject.signature_algorithm_oid == oid
    assert type(subject.signature_hash_algorithm) is type(digest)
    subject.verify_directly_issued_by(issuer)
    key, how = issuer.public_key(), subject.signature_algorithm_parameters
    if isinstance(key, rsa.RSAPublicKey):
        assert isinstance(how, padding.PSS)
        assert digest is not None
        assert (how._salt_length, type(how.mgf._algorithm)) == (32, hashes.SHA256)
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        key.verify(subject.signature, subject.tbs_certificate_bytes, pss, digest)


def bare_csr(key: bytes, algorithm: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """A request with the public key `key` marked by `algorithm`, as `cryptography` does not write it."""
    marked = tlv(SEQUENCE, tlv(SEQUENCE, algorithm), tlv(BIT_STRING, b"\0", key))
    asked = tlv(SEQUENCE, integer(0), tlv(SEQUENCE), marked, tlv(0xA0))
    how = algorithm if algorithm == oid("1.3.101.112") else oid("1.2.840.113549.1.1.11") + b"\5\0"
    return tlv(SEQUENCE, asked, tlv(SEQUENCE, how), tlv(BIT_STRING, b"\0", sign(asked)))


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-ED25519-ORDER")
def test_possession_of_a_key_without_a_private_key_is_not_believed(provider: Provider) -> None:
    """The Ed25519 key is the neutral point: R the neutral point and S = 0 verify for any octets."""
    neutral = b"\1" + bytes(31)
    csr = bare_csr(neutral, oid("1.3.101.112"), lambda _: neutral + bytes(32))
    assert x509.load_der_x509_csr(csr).is_signature_valid
    with pytest.raises(Refused, match="small order"):
        provider.issuance.issue(provider.request("tsu", csr))
    assert provider.key.signed == []


def test_a_key_for_pss_alone_is_not_certified_as_another(provider: Provider) -> None:
    """`cryptography` reads the key without its identifier, so the certificate would say rsaEncryption."""
    key = rsa.generate_private_key(65537, 3072)
    csr = bare_csr(
        key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1),
        oid("1.2.840.113549.1.1.10"),
        lambda asked: key.sign(asked, padding.PKCS1v15(), hashes.SHA256()),
    )
    assert x509.load_der_x509_csr(csr).is_signature_valid
    with pytest.raises(Rejected, match="RSASSA-PSS alone"):
        provider.issuance.issue(provider.request("audit-signer", csr))
    assert provider.key.signed == []


def test_what_a_request_asks_for_is_ignored_unless_the_profile_honours_it(provider: Provider) -> None:
    mail = x509.SubjectAlternativeName([x509.RFC822Name("anna@example.com")])
    junk = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), b"junk")
    for asked in (mail, junk):
        certificate = provider.issuance.issue(
            provider.request("natural-qcp-n-qscd", make_csr(None, None, asked))
        ).certificate
        found = {one.oid for one in x509.load_der_x509_certificate(certificate).extensions}
        assert x509.SubjectAlternativeName.oid not in found
        csr = make_csr(None, None, asked)
        provider.issuance.issue(provider.request("tls-server", csr))  # the command's names count
        with pytest.raises(Malformed, match="--alternative-name"):
            provider.issuance.issue(provider.request("tls-server", csr, alternative_names=()))


@pytest.mark.req("TRUSTWORKS:ISSUANCE-TSU-KEY-PERIOD")
def test_who_asks_a_unit_for_too_few_days_is_told_which_would_do(provider: Provider) -> None:
    with pytest.raises(Refused, match="ask for 730 to 3651 days"):  # the authority is an hour older
        provider.issuance.issue(provider.request("tsu", days=729))
    provider.issuance.issue(provider.request("tsu", days=730))
    provider.clock.advance(days=3652 - 800)
    with pytest.raises(Refused, match="ask for 730 to 799 days"):
        provider.issuance.issue(provider.request("tsu", days=400))
    provider.issuance.issue(provider.request("tsu"))  # the profile's days, cut to the authority's end
    provider.clock.advance(days=100)
    with pytest.raises(Refused, match=r"needs 730 days, .* in 699 days\. Renew the authority"):
        provider.issuance.issue(provider.request("tsu"))


def test_services_enrol_with_keys_of_the_module(provider: Provider, module: Module) -> None:
    key = module.generate_key_pair(label="tsu-1", algorithm=KeyAlgorithm.P256)
    issued = provider.issuance.issue(provider.request("tsu", request_of(key)))
    certificate = x509.load_der_x509_certificate(issued.certificate)
    assert certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == key.spki


def test_an_rsa_key_of_the_module_enrols_with_pss(provider: Provider, module: Module) -> None:
    key = module.generate_key_pair(label="tsu-1", algorithm=KeyAlgorithm.RSA_3072)
    csr = x509.load_der_x509_csr(request_of(key))
    assert csr.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS
    assert csr.is_signature_valid
    issued = provider.issuance.issue(
        provider.request("audit-signer", csr.public_bytes(Encoding.DER))
    ).certificate
    certificate = x509.load_der_x509_certificate(issued)
    assert certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == key.spki
    assert certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSAES_PKCS1_v1_5
    issuing = x509.load_der_x509_certificate(provider.issuance.authority("issuing").certificate)
    certificate.verify_directly_issued_by(issuing)


def test_the_root_and_the_issuing_authority_are_on_separate_keys(provider: Provider) -> None:
    root, issuing = provider.issuance.authority("root"), provider.issuance.authority("issuing")
    assert root.spki_sha256 != issuing.spki_sha256
    assert (root.token, issuing.token) == ("root", "issuing")
    assert (root.parent, issuing.parent) == (None, "root")
    assert [one.name for one in provider.issuance.authorities()] == ["issuing", "root"]


def test_issuing_opens_the_issuing_key_alone(provider: Provider) -> None:
    provider.issuance.issue(provider.request("tsu"))
    assert provider.keys.asked == ["issuing"]


def test_an_authority_is_made_once(provider: Provider, root_key: Key, issuing_key: Key) -> None:
    with pytest.raises(Rejected, match="exists already"):
        provider.issuance.create_root(root_key, by="ceremony")
    with pytest.raises(Rejected, match="exists already"):
        provider.issuance.create_issuing(issuing_key, by="ceremony")


class OvertakenKey(SpyKey):
    """A key that signs when somebody else was quicker."""

    def __init__(self, key: Key, other: Callable[[], object]) -> None:
        super().__init__(key)
        self.others = [other]

    def sign(self, data: bytes) -> bytes:
        while self.others:
            self.others.pop()()
        return super().sign(data)


@pytest.mark.parametrize("name", ["root", "issuing"])
def test_of_two_ceremonies_at_once_one_is_told_that_the_authority_exists(
    provider_without_authorities: Provider, root_key: Key, issuing_key: Key, name: str
) -> None:
    provider = provider_without_authorities
    issuance = provider.issuance
    create, key = issuance.create_root, root_key
    if name == "issuing":
        issuance.create_root(root_key, by="ceremony")
        create, key = issuance.create_issuing, issuing_key
    signing: Any = OvertakenKey(root_key, lambda: create(key, by="quicker"))
    provider.keys.keys["root"] = signing
    with pytest.raises(Rejected, match=r"exists already; the certificate .* is not released") as refused:
        create(signing if name == "root" else key, by="ceremony")
    assert refused.value.code == "issuance.authority-exists"
    assert states(provider)["abandoned"] == 1
    (made,) = (one for one in issuance.authorities() if one.name == name)
    found = issuance.find(made.serial)
    assert found is not None
    assert (found.state, found.requested_by) == ("issued", "quicker")


def test_of_two_authorities_that_take_one_key_at_once_one_is_told_of_the_key(
    provider_without_authorities: Provider, root_key: Key
) -> None:
    provider = provider_without_authorities
    other = AuthorityRecord(
        name="other",
        certificate=b"",
        serial="02",
        spki_sha256=hashlib.sha256(
            root_key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).digest(),
        token="other",
        key_label="other",
        parent=None,
        created_at=provider.clock.moment,
    )

    def add() -> None:
        with provider.database.begin() as connection:
            records.add_authority(connection, other)

    signing: Any = OvertakenKey(root_key, add)
    with pytest.raises(Rejected, match=r"key .* already; .* not released. Make a new key") as refused:
        provider.issuance.create_root(signing, by="ceremony")
    assert refused.value.code == "issuance.authority-key"
    assert states(provider)["abandoned"] == 1


def test_the_subject_comes_from_the_order_and_not_from_the_csr(provider: Provider) -> None:
    issued = provider.issuance.issue(provider.request("natural-qcp-n-qscd"))
    assert "ignored" not in x509.load_der_x509_certificate(issued.certificate).subject.rfc4514_string()


def test_what_a_csr_asks_for_beyond_its_profile_is_not_in_the_certificate(provider: Provider) -> None:
    asked = (
        x509.BasicConstraints(ca=True, path_length=None),
        x509.SubjectAlternativeName([x509.DNSName("evil.example.com")]),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
    )
    issued = provider.issuance.issue(provider.request("natural-qcp-n-qscd", make_csr(None, None, *asked)))
    certificate = x509.load_der_x509_certificate(issued.certificate)
    for extension in asked:
        with pytest.raises(x509.ExtensionNotFound):
            certificate.extensions.get_extension_for_oid(extension.oid)


def test_the_names_of_a_server_may_come_from_the_csr(provider: Provider) -> None:
    csr = make_csr(None, None, x509.SubjectAlternativeName([x509.DNSName("www.example.com")]))
    issued = provider.issuance.issue(provider.request("tls-server", csr, alternative_names=()))
    found = x509.load_der_x509_certificate(issued.certificate).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert found.value.get_values_for_type(x509.DNSName) == ["www.example.com"]


# Serial numbers


@pytest.mark.req("EN319412-2:GEN-4.2.6-01")
def test_a_serial_number_is_not_used_twice_by_any_authority(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = int(provider.issuance.authority("issuing").serial, 16)  # a certificate of the root
    monkeypatch.setattr(orders_module, "new_serial", lambda: used)
    with pytest.raises(Unavailable, match="in use already"):
        provider.issuance.issue(provider.request("tsu"))
    assert provider.key.signed == []
    monkeypatch.undo()
    provider.issuance.issue(provider.request("tsu"))


def test_serial_numbers_have_159_bits_and_do_not_repeat() -> None:
    drawn = [new_serial() for _ in range(2000)]
    assert {serial.bit_length() for serial in drawn} == {159}
    assert len(set(drawn)) == len(drawn)
    ones = sum(f"{serial:b}".count("1") for serial in drawn) / len(drawn)
    assert 76 < ones < 83


def test_many_threads_issue_without_a_clash(provider: Provider) -> None:
    serials: list[str] = []

    def work() -> None:
        serials.extend(provider.issuance.issue(provider.request("audit-signer")).serial for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(serials)) == 20
    assert states(provider)["issued"] == 22


# The order of effects


@pytest.mark.req("TRUSTWORKS:ISSUANCE-INTENT")
def test_the_intent_is_durable_before_the_key_signs(provider: Provider) -> None:
    seen: list[dict[str, int]] = []
    before = provider.key.sign

    def sign(data: bytes) -> bytes:
        seen.append(provider.issuance.counts())
        return before(data)

    provider.key.sign = sign  # type: ignore[method-assign]
    provider.issuance.issue(provider.request("tsu"))
    assert seen == [{"issued": 2, "issuing": 1, "revoked": 0}]
    assert states(provider) == {"issued": 3, "revoked": 0}
    assert [event["type"] for event in events(provider)][-2:] == [
        "certificate.intended",
        "certificate.issued",
    ]


def test_the_key_signs_once_and_exactly_what_was_prepared(provider: Provider) -> None:
    issued = provider.issuance.issue(provider.request("natural-qcp-n-qscd"))
    certificate = x509.load_der_x509_certificate(issued.certificate)
    assert provider.key.signed == [certificate.tbs_certificate_bytes]


def test_a_certificate_that_a_lint_objects_to_reaches_no_key(provider: Provider) -> None:
    subject = (
        *provider.request("natural-qcp-n-qscd").subject[:-1],
        NameAttribute("commonName", "Anna Muster"),
    )
    with pytest.raises(Refused, match="TEST") as caught:
        provider.issuance.issue(provider.request("natural-qcp-n-qscd", subject=subject))
    assert caught.value.requirement == "TRUSTWORKS:ISSUANCE-LAB-NAMES"
    assert provider.key.signed == []
    assert states(provider) == {"issued": 2, "revoked": 0}
    assert events(provider)[-1]["type"] == "certificate.refused"
    assert events(provider)[-1]["detail"] == {"rule": "TRUSTWORKS:ISSUANCE-LAB-NAMES"}


@pytest.mark.parametrize("profile", ["natural-qcp-n-qscd", "legal-qcp-l-qscd"])
def test_without_a_disclosure_statement_nothing_qualified_is_issued(provider: Provider, profile: str) -> None:
    bare = Issuance(
        settings(pds=[]),
        public_url="http://tsp.example.com",
        keys=provider.keys,
        clock=provider.clock,
        recorder=provider.recorder,
        database=provider.database,
        lab=True,
    )
    with pytest.raises(Refused, match=r"issuance\.pds") as caught:
        bare.issue(provider.request(profile))
    assert caught.value.requirement == "EN319412-5:QCS-4.3.4-01"
    bare.issue(provider.request("tsu"))


def test_a_signature_that_does_not_verify_is_thrown_away(provider: Provider) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    provider.key.signature = other.sign(b"other", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(Unavailable, match="does not verify") as caught:
        provider.issuance.issue(provider.request("tsu"))
    assert caught.value.code == "issuance.bad-signature"
    assert states(provider) == {"issued": 2, "abandoned": 1, "revoked": 0}


def test_a_module_that_fails_leaves_an_abandoned_intent(provider: Provider) -> None:
    provider.key.error = Unavailable("module.device-error", "The device failed.")
    with pytest.raises(Unavailable, match="device failed"):
        provider.issuance.issue(provider.request("tsu"))
    (row,) = provider.issuance.list(state="abandoned")
    assert row.der is None
    assert events(provider)[-1]["type"] == "certificate.abandoned"
    assert events(provider)[-1]["detail"] == {"reason": "module.device-error"}
    provider.key.error = None
    provider.issuance.issue(provider.request("tsu"))


def test_a_token_that_is_absent_is_said_before_an_intent_is_written(provider: Provider) -> None:
    provider.keys.keys["issuing"] = Unavailable("module.token-absent", "There is no such token.")
    with pytest.raises(Unavailable, match="no such token"):
        provider.issuance.issue(provider.request("tsu"))
    assert states(provider) == {"issued": 2, "revoked": 0}


def test_a_key_that_is_not_the_authoritys_signs_nothing(provider: Provider, root_key: Key) -> None:
    provider.keys.keys["issuing"] = root_key
    with pytest.raises(Unavailable, match="not the key of the authority") as caught:
        provider.issuance.issue(provider.request("tsu"))
    assert caught.value.code == "issuance.key-differs"


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REVOKED-WITHOUT-CLOCK")
def test_without_trusted_time_nothing_is_issued_and_no_hold_is_lifted(provider: Provider) -> None:
    serial = provider.issuance.issue(provider.request("tsu")).serial
    provider.issuance.revoke(serial, RevocationReason.certificateHold, by="revocation-officer")
    provider.key.signed.clear()
    provider.clock.refusal = Unavailable("clock.unsynchronised", "The clock is not synchronised.")
    with pytest.raises(Unavailable, match="not synchronised"):
        provider.issuance.issue(provider.request("tsu"))
    with pytest.raises(Unavailable, match="not synchronised"):
        provider.issuance.release(serial, by="revocation-officer")
    assert provider.key.signed == []
    assert events(provider)[-1]["type"] == "certificate.revoked"


def test_without_an_audit_log_nothing_is_issued(provider: Provider) -> None:
    provider.recorder._refusal = Unavailable("audit.unwritable", "The audit log cannot be written.")
    with pytest.raises(Unavailable, match="cannot be written"):
        provider.issuance.issue(provider.request("tsu"))
    assert provider.key.signed == []
    provider.recorder._refusal = None


def test_a_record_that_cannot_be_written_releases_nothing(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bool:
        raise Unavailable("store.full", "The disk is full.")

    monkeypatch.setattr(records, "mark_issued", full)
    with pytest.raises(Unavailable, match="disk is full"):
        provider.issuance.issue(provider.request("tsu"))
    assert states(provider).get("issued") == 2


def test_before_its_ceremony_an_authority_issues_nothing(provider_without_authorities: Provider) -> None:
    provider = provider_without_authorities
    with pytest.raises(Unavailable, match="ceremony") as caught:
        provider.issuance.issue(provider.request("tsu"))
    assert caught.value.code == "issuance.authority-absent"


@pytest.mark.parametrize("profile", ["root", "sub-ca"])
def test_authorities_are_not_issued_on_request(provider: Provider, profile: str) -> None:
    request = replace(provider.request("tsu"), profile=profile)
    with pytest.raises(Rejected, match="ceremony"):
        provider.issuance.issue(request)


# Intents that a crash left


def open_intent(provider: Provider) -> str:
    """An intent as a process that died between signing and recording leaves it."""

    class Died(BaseException):
        pass

    provider.key.error = Died()  # type: ignore[assignment]
    with pytest.raises(Died):
        provider.issuance.issue(provider.request("tsu"))
    provider.key.error = None
    (row,) = provider.issuance.list(state="issuing")
    return row.serial


def test_an_open_intent_is_closed_and_its_serial_stays_used(provider: Provider) -> None:
    serial = open_intent(provider)
    assert provider.issuance.settle(by="start") == []  # it may still be under way
    provider.clock.advance(minutes=6)
    assert provider.issuance.settle(by="start") == [serial]
    assert provider.issuance.settle(by="start") == []
    found = provider.issuance.find(serial)
    assert found is not None
    assert (found.state, found.der) == ("abandoned", None)
    assert events(provider)[-1]["detail"] == {"reason": "crash"}


def test_what_might_have_been_signed_stays_on_record(provider: Provider) -> None:
    serial = open_intent(provider)
    with provider.database.read() as connection:
        tbs = connection.execute(
            select(records.certificates.c.tbs).where(records.certificates.c.serial == serial)
        ).scalar_one()
    assert provider.key.signed[-1] == tbs


def test_an_issuance_that_was_overtaken_by_settlement_releases_nothing(provider: Provider) -> None:
    before = provider.key.sign

    def sign(data: bytes) -> bytes:
        provider.clock.advance(seconds=1)
        assert len(provider.issuance.settle(by="start", older_than=timedelta(0))) == 1
        return before(data)

    provider.key.sign = sign  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="closed meanwhile") as caught:
        provider.issuance.issue(provider.request("tsu"))
    assert caught.value.code == "issuance.intent-closed"
    assert states(provider) == {"issued": 2, "abandoned": 1, "revoked": 0}


# Requests that are refused


def refused(provider: Provider, csr: bytes, profile: str = "audit-signer") -> str:
    with pytest.raises(Refused) as caught:
        provider.issuance.issue(provider.request(profile, csr))
    assert provider.key.signed == []
    return caught.value.requirement


def test_a_request_signed_by_another_key_is_refused(provider: Provider) -> None:
    good = bytearray(make_csr())
    good[-1] ^= 1
    assert refused(provider, bytes(good)) == "EN319411-1:REG-6.3.1-01"


def test_the_key_of_an_authority_is_refused(provider: Provider, root_key: Key, issuing_key: Key) -> None:
    for key in (root_key, issuing_key):
        assert refused(provider, request_of(key)) == "TRUSTWORKS:ISSUANCE-KEY-SEPARATE"


def test_a_key_that_was_lost_is_refused_and_one_that_was_replaced_is_not(provider: Provider) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    first = provider.issuance.issue(provider.request("tsu", make_csr(key)))
    provider.issuance.revoke(first.serial, RevocationReason.superseded, by="revocation-officer")
    second = provider.issuance.issue(provider.request("tsu", make_csr(key)))
    provider.issuance.revoke(second.serial, RevocationReason.keyCompromise, by="revocation-officer")
    provider.key.signed.clear()
    assert refused(provider, make_csr(key)) == "TRUSTWORKS:ISSUANCE-KEY-COMPROMISED"


def test_outside_the_lab_the_agreed_mechanisms_are_law(provider: Provider) -> None:
    strict = Issuance(
        settings(),
        public_url="http://tsp.example.com",
        keys=provider.keys,
        clock=provider.clock,
        recorder=provider.recorder,
        database=provider.database,
        lab=False,
    )
    csr = make_csr(rsa.generate_private_key(65537, 2048))
    with pytest.raises(Refused) as caught:
        strict.issue(provider.request("audit-signer", csr))
    assert caught.value.requirement == "EN319412-2:GEN-4.2.5-2"
    provider.issuance.issue(provider.request("audit-signer", csr))  # the lab lets it through


@pytest.mark.req("TRUSTWORKS:DEVICE-SHOWN")
def test_outside_the_lab_real_countries_and_names_are_certified(provider: Provider) -> None:
    strict = Issuance(
        settings(),
        public_url="http://tsp.example.com",
        keys=provider.keys,
        clock=provider.clock,
        recorder=provider.recorder,
        database=provider.database,
        lab=False,
    )
    subject = read_subject("C=DE, GN=Anna, SN=Muster, serialNumber=PNODE-1, CN=Anna Muster")
    request = provider.request("natural-qcp-n-qscd", subject=subject, semantics=True)
    with pytest.raises(Refused, match="Register an application"):
        strict.issue(request)
    decided = replace(request, door=Door.APPLICATION, requested_by="application:1")
    assert strict.issue(decided).serial
    # A seal of the provider says that its key is in a device, and this one is none of its register of keys.
    seal = replace(request, profile="seal-preservation", semantics=False)
    with pytest.raises(Refused) as caught:
        strict.issue(seal)
    assert caught.value.requirement == "TRUSTWORKS:DEVICE-SHOWN"
    with pytest.raises(Refused) as caught:
        provider.issuance.issue(request)
    assert caught.value.requirement == "TRUSTWORKS:ISSUANCE-LAB-NAMES"


def test_a_key_that_is_no_request_is_malformed(provider: Provider) -> None:
    with pytest.raises(Malformed):
        provider.issuance.issue(provider.request("tsu", b"no request"))


def test_days_beyond_the_profile_or_the_authority_are_not_given(provider: Provider) -> None:
    with pytest.raises(Rejected, match="allows 1 to"):
        provider.issuance.issue(provider.request("tsu", days=100_000))
    provider.clock.advance(days=365 * 9)
    with pytest.raises(Refused) as caught:
        provider.issuance.issue(provider.request("tsu", days=1000))
    assert caught.value.requirement == "TRUSTWORKS:ISSUANCE-VALIDITY-WITHIN"
    issuing = provider.issuance.authority("issuing")
    end = x509.load_der_x509_certificate(issuing.certificate).not_valid_after_utc
    issued = provider.issuance.issue(provider.request("natural-qcp-n-qscd"))
    assert x509.load_der_x509_certificate(issued.certificate).not_valid_after_utc == end


def test_an_authority_that_has_ended_issues_nothing(provider: Provider) -> None:
    provider.clock.moment = START + timedelta(days=3653)
    with pytest.raises(Refused, match="renew"):
        provider.issuance.issue(provider.request("tsu"))


# What changes while a certificate is made


@pytest.mark.req("TRUSTWORKS:ISSUANCE-AUTHORITY-USABLE")
@pytest.mark.parametrize("name", ["issuing", "root"])
def test_a_revoked_authority_issues_nothing_and_a_held_one_waits(provider: Provider, name: str) -> None:
    serial = provider.issuance.authority(name).serial
    provider.issuance.revoke(serial, RevocationReason.certificateHold, by="revocation-officer")
    assert refused(provider, make_csr()) == "TRUSTWORKS:ISSUANCE-AUTHORITY-USABLE"
    assert states(provider) == {"issued": 2, "revoked": 1}
    assert events(provider)[-1]["detail"] == {"rule": "TRUSTWORKS:ISSUANCE-AUTHORITY-USABLE"}
    provider.issuance.release(serial, by="revocation-officer")
    provider.issuance.issue(provider.request("tsu"))
    provider.key.signed.clear()
    provider.issuance.revoke(serial, RevocationReason.cACompromise, by="revocation-officer")
    assert refused(provider, make_csr()) == "TRUSTWORKS:ISSUANCE-AUTHORITY-USABLE"


def while_signing(provider: Provider, happens: Callable[[], object]) -> str:
    """Issue, let something happen while the key signs, and answer the rule that refuses."""
    before = provider.key.sign

    def sign(data: bytes) -> bytes:
        happens()
        return before(data)

    provider.key.sign = sign  # type: ignore[method-assign]
    with pytest.raises(Refused) as caught:
        provider.issuance.issue(provider.request("tsu"))
    assert states(provider)["abandoned"] == 1
    assert events(provider)[-1]["type"] == "certificate.refused"
    return caught.value.requirement


@pytest.mark.req("TRUSTWORKS:ISSUANCE-AUTHORITY-USABLE")
def test_an_authority_that_is_revoked_meanwhile_releases_nothing(provider: Provider) -> None:
    serial = provider.issuance.authority("issuing").serial

    def revoke() -> None:
        provider.issuance.revoke(serial, RevocationReason.cACompromise, by="revocation-officer")

    assert while_signing(provider, revoke) == "TRUSTWORKS:ISSUANCE-AUTHORITY-USABLE"


@pytest.mark.req("TRUSTWORKS:ISSUANCE-LIST-GOES-ON")
def test_nothing_is_issued_after_the_last_list(provider: Provider, issuing_key: Key) -> None:
    publisher = CrlPublisher(
        settings(),
        public_url="http://lab.example",
        database=provider.database,
        recorder=provider.recorder,
        clock=provider.clock,
        keys={"issuing": issuing_key},
    )

    def end() -> None:
        publisher.publish("issuing", actor="ceremony", final=True)

    assert while_signing(provider, end) == "TRUSTWORKS:ISSUANCE-LIST-GOES-ON"
    provider.key.signed.clear()
    assert refused(provider, make_csr()) == "TRUSTWORKS:ISSUANCE-LIST-GOES-ON"


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-ONE-USE")
def test_a_key_is_certified_again_for_the_same_subject_and_profile_alone(provider: Provider) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    for _ in range(2):
        provider.issuance.issue(provider.request("tsu", make_csr(key)))
    other = read_subject("CN=TEST TSU 2")
    for request in (
        provider.request("audit-signer", make_csr(key)),
        provider.request("tsu", make_csr(key), subject=other),
    ):
        with pytest.raises(Refused) as caught:
            provider.issuance.issue(request)
        assert caught.value.requirement == "TRUSTWORKS:ISSUANCE-KEY-ONE-USE"
    assert states(provider) == {"issued": 4, "revoked": 0}


# Revocation


def test_a_revocation_is_seen_at_once_and_is_for_good(provider: Provider) -> None:
    serial = provider.issuance.issue(provider.request("tsu")).serial
    provider.clock.advance(minutes=5)
    done = provider.issuance.revoke(
        serial,
        RevocationReason.keyCompromise,
        by="revocation-officer",
        invalidity_date=START + timedelta(hours=1),
    )
    status = provider.issuance.status(serial)
    assert status is not None
    assert status.revocation == done
    assert done.revoked_at == provider.clock.moment
    with pytest.raises(Refused) as caught:
        provider.issuance.revoke(serial, RevocationReason.superseded, by="revocation-officer")
    assert caught.value.requirement == "EN319411-1:REV-6.3.9-04"
    with pytest.raises(Refused):
        provider.issuance.release(serial, by="revocation-officer")
    assert provider.issuance.status(serial) == status
    assert [event["type"] for event in events(provider)][-3:] == [
        "certificate.revoked",
        "certificate.revocation-refused",
        "certificate.revocation-refused",
    ]


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-LOST")
def test_a_lost_key_is_lost_for_all_its_certificates(provider: Provider) -> None:
    csr = make_csr()
    first, second, old = (provider.issuance.issue(provider.request("tsu", csr)).serial for _ in range(3))
    other = provider.issuance.issue(provider.request("tsu")).serial
    before = provider.issuance.revoke(old, RevocationReason.superseded, by="revocation-officer")
    provider.clock.advance(hours=1)
    done = provider.issuance.revoke(first, RevocationReason.keyCompromise, by="revocation-officer")
    assert set(done.also) == {second, old}
    detail = events(provider)[-1]["detail"]
    assert (detail["reason"], detail["also"]) == ("keyCompromise", list(done.also))
    assert set(detail["rows"]) == {first, second, old}
    found = [provider.issuance.status(serial) for serial in (first, second, old, other)]
    told = [one.revocation for one in found if one is not None]
    assert [one and (one.reason.name, one.revoked_at) for one in told] == [
        ("keyCompromise", provider.clock.moment),
        ("keyCompromise", provider.clock.moment),
        ("keyCompromise", before.revoked_at),
        None,
    ]


def test_a_hold_can_be_lifted_or_become_a_revocation_from_its_own_date(provider: Provider) -> None:
    serial = provider.issuance.issue(provider.request("tsu")).serial
    held = provider.issuance.revoke(serial, RevocationReason.certificateHold, by="revocation-officer")
    provider.issuance.release(serial, by="revocation-officer")
    status = provider.issuance.status(serial)
    assert status is not None
    assert status.revocation is None
    provider.clock.advance(days=1)
    held = provider.issuance.revoke(serial, RevocationReason.certificateHold, by="revocation-officer")
    provider.clock.advance(days=1)
    final = provider.issuance.revoke(serial, RevocationReason.keyCompromise, by="revocation-officer")
    assert final.revoked_at == held.revoked_at
    assert final.recorded_at == provider.clock.moment


def no_time(provider: Provider) -> None:
    provider.clock.refusal = Unavailable("clock.jump", "The clock is stopped: it jumped.")


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REVOKED-WITHOUT-CLOCK")
@pytest.mark.parametrize("reason", [RevocationReason.keyCompromise, RevocationReason.certificateHold])
def test_a_revocation_does_not_wait_for_trusted_time(provider: Provider, reason: RevocationReason) -> None:
    serial = provider.issuance.issue(provider.request("tsu")).serial
    no_time(provider)
    provider.system.advance(hours=1)
    done = provider.issuance.revoke(serial, reason, by="revocation-officer")
    assert (done.revoked_at, done.unproven) == (START + timedelta(hours=1), "clock.jump")
    status = provider.issuance.status(serial)
    assert status is not None
    assert status.revocation == done
    told = events(provider)[-1]
    assert (told["type"], told["detail"]["unproven_time"]) == ("certificate.revoked", "clock.jump")
    with pytest.raises(Rejected):
        provider.issuance.revoke("0" * 40, reason, by="revocation-officer")
    told = events(provider)[-1]
    assert (told["type"], told["detail"]["unproven_time"]) == (
        "certificate.revocation-refused",
        "clock.jump",
    )


def test_with_trusted_time_nothing_is_marked(provider: Provider) -> None:
    serial = provider.issuance.issue(provider.request("tsu")).serial
    provider.system.advance(days=400)
    done = provider.issuance.revoke(serial, RevocationReason.superseded, by="revocation-officer")
    assert (done.revoked_at, done.unproven) == (provider.clock.moment, None)
    assert "unproven_time" not in events(provider)[-1]["detail"]


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REVOKED-WITHOUT-CLOCK")
def test_a_system_clock_that_was_set_back_refuses_no_revocation(
    provider: Provider, root_key: Key, issuing_key: Key
) -> None:
    serial, held = (provider.issuance.issue(provider.request("tsu")).serial for _ in range(2))
    hold = provider.issuance.revoke(held, RevocationReason.certificateHold, by="revocation-officer")
    provider.clock.advance(hours=3)
    publisher = publisher_of(provider, root_key, issuing_key)
    known = publisher.publish("issuing", actor="jobs").this_update
    provider.system.advance(days=-400)
    no_time(provider)
    done = provider.issuance.revoke(serial, RevocationReason.keyCompromise, by="revocation-officer")
    assert done.revoked_at == known
    done = provider.issuance.revoke(held, RevocationReason.keyCompromise, by="revocation-officer")
    assert done.revoked_at == hold.revoked_at
    provider.clock.refusal = None
    provider.clock.advance(seconds=5)
    assert [one.authority for one in publisher.publish_due()] == ["issuing", "root"]


@pytest.mark.req("TRUSTWORKS:STATUS-REVOKED-BY-NOW")
def test_a_system_clock_that_was_ahead_dates_no_revocation_into_the_future(
    provider: Provider, root_key: Key, issuing_key: Key
) -> None:
    serial, held = (provider.issuance.issue(provider.request("tsu")).serial for _ in range(2))
    publisher = publisher_of(provider, root_key, issuing_key)
    publisher.publish_due()
    no_time(provider)
    provider.system.advance(days=400)
    provider.issuance.revoke(serial, RevocationReason.keyCompromise, by="revocation-officer")
    provider.issuance.revoke(held, RevocationReason.certificateHold, by="revocation-officer")
    provider.clock.refusal = None
    provider.clock.advance(minutes=1)
    (published,) = publisher.publish_due()
    listed = x509.load_der_x509_crl(published.der)
    entry = listed.get_revoked_certificate_by_serial_number(int(serial, 16))
    assert entry is not None
    assert entry.revocation_date_utc == listed.last_update_utc
    provider.clock.advance(minutes=1)
    assert publisher.publish_due() == []  # and not once more every few seconds, until that day
    done = provider.issuance.revoke(held, RevocationReason.keyCompromise, by="revocation-officer")
    assert done.revoked_at == provider.clock.moment
    assert len(publisher.publish_due()) == 1


def publisher_of(provider: Provider, root_key: Key, issuing_key: Key) -> CrlPublisher:
    return CrlPublisher(
        provider.issuance.settings,
        public_url="http://lab.example",
        database=provider.database,
        recorder=provider.recorder,
        clock=provider.clock,
        keys={"root": root_key, "issuing": issuing_key},
    )


def test_what_was_not_issued_cannot_be_revoked(provider: Provider) -> None:
    abandoned = open_intent(provider)
    for serial in ("0" * 40, abandoned):
        with pytest.raises(Rejected, match="No certificate"):
            provider.issuance.revoke(serial, RevocationReason.superseded, by="revocation-officer")


def test_two_officers_cannot_cross_each_other(provider: Provider) -> None:
    serial = provider.issuance.issue(provider.request("tsu")).serial
    outcomes: list[str] = []

    def work(reason: RevocationReason) -> None:
        try:
            provider.issuance.revoke(serial, reason, by="revocation-officer")
        except Refused as error:
            outcomes.append(error.requirement)
        else:
            outcomes.append("done")

    # None of these may follow another; a lost key may follow any, once.
    reasons = [RevocationReason.superseded, RevocationReason.cessationOfOperation] * 2
    threads = [threading.Thread(target=work, args=(reason,)) for reason in reasons]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["EN319411-1:REV-6.3.9-04"] * 3 + ["done"]


# The log holds no names


def test_the_audit_log_names_no_person(provider: Provider) -> None:
    provider.issuance.issue(provider.request("natural-qcp-n-qscd"))
    with pytest.raises(Refused):
        provider.issuance.issue(
            provider.request(
                "natural-qcp-n-qscd",
                subject=(
                    *provider.request("natural-qcp-n-qscd").subject[:-1],
                    NameAttribute("commonName", "Anna Muster"),
                ),
            )
        )
    with provider.database.read() as connection:
        bodies = connection.execute(select(audit_records.events.c.body)).scalars().all()
        count = connection.execute(select(func.count()).select_from(audit_records.events)).scalar_one()
    assert count == len(bodies) > 3
    assert not any(word in bytes(body) for body in bodies for word in (b"Anna", b"Muster"))
