"""Keys that are not certified: unproven, of another kind, an authority's, lost."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from dsa_keys import dsa_2048
from issuance_testbed import make_csr

from trustworks.core.errors import Refused, Rejected
from trustworks.core.trace import rule_of
from trustworks.issuance.model import KeyUse
from trustworks.issuance.rules.keys import (
    check_agreed_key,
    check_agreed_signature,
    check_key_has_one_use,
    check_key_identifier,
    check_key_is_separate,
    check_key_not_compromised,
    check_possession,
    key_of_known_kind,
)
from trustworks.issuance.wire import read_csr


@pytest.mark.req("EN319411-1:REG-6.3.1-01", "CENTS419261:CERTIFICATE-GENERATION")
def test_possession_is_shown_by_a_signature_with_the_same_key() -> None:
    check_possession(read_csr(make_csr()))
    broken = bytearray(make_csr())
    broken[-1] ^= 1
    with pytest.raises(Refused, match="does not verify"):
        check_possession(read_csr(bytes(broken)))


@pytest.mark.req("EN319411-1:REG-6.3.1-01", "CENTS419261:CERTIFICATE-GENERATION")
def test_possession_is_not_shown_by_a_weak_hash() -> None:
    with pytest.raises(Refused, match="sha224"):
        check_possession(read_csr(make_csr(digest=hashes.SHA224())))


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-KIND")
def test_keys_of_other_kinds_are_not_certified() -> None:
    weak = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 - it is to be refused
    for unfit, name in (
        (weak, "RSA-1024"),
        (ec.generate_private_key(ec.SECP192R1()).public_key(), "secp192r1"),
    ):
        with pytest.raises(Rejected) as caught:
            key_of_known_kind(unfit)
        assert str(caught.value) == f"{name} keys are not certified; use P-256, P-384 or RSA-3072."
        assert rule_of(caught.value) == "TRUSTWORKS:ISSUANCE-KEY-KIND"
    for key in (dsa_2048().public_key(), ed448.Ed448PrivateKey.generate().public_key()):
        with pytest.raises(Rejected, match="neither"):
            key_of_known_kind(key)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-KIND")
def test_a_key_that_its_identifier_binds_to_pss_is_not_certified() -> None:
    check_key_identifier("1.2.840.113549.1.1.1")
    with pytest.raises(Rejected, match="RSASSA-PSS alone"):
        check_key_identifier("1.2.840.113549.1.1.10")


@pytest.mark.req("EN319412-2:GEN-4.2.5-2")
def test_a_key_that_is_not_agreed_is_refused() -> None:
    check_agreed_key(None)
    with pytest.raises(Refused, match="RSA-2048"):
        check_agreed_key("RSA-2048 was agreed until 2025-12-31.")


@pytest.mark.req("EN319412-2:GEN-4.2.2-2")
def test_a_signature_that_is_not_agreed_is_refused() -> None:
    check_agreed_signature(None)
    with pytest.raises(Refused, match="ED25519"):
        check_agreed_signature("ED25519 is not agreed.")


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-SEPARATE", "CENTS419261:KM1.1", "EN319411-1:GEN-6.5.3-03")
def test_an_authoritys_key_is_nobody_elses() -> None:
    check_key_is_separate(b"a" * 32, {b"b" * 32})
    with pytest.raises(Refused, match="of its own"):
        check_key_is_separate(b"a" * 32, {b"a" * 32, b"b" * 32})


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-COMPROMISED")
def test_a_lost_key_stays_lost() -> None:
    check_key_not_compromised(None)
    with pytest.raises(Refused, match="compromised"):
        check_key_not_compromised("00" * 20)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-ONE-USE")
def test_a_key_is_certified_for_one_subject_and_purpose() -> None:
    use = KeyUse("0a", "tsu", "CN=TEST TSU 1")
    check_key_has_one_use("tsu", "CN=TEST TSU 1", [])
    check_key_has_one_use("tsu", "CN=TEST TSU 1", [use, use])
    for profile, subject in (("ocsp-signer", "CN=TEST TSU 1"), ("tsu", "CN=TEST TSU 2")):
        with pytest.raises(Refused, match=r"0a \(tsu\) has this key already"):
            check_key_has_one_use(profile, subject, [use])
