"""The one-time token: linted before, the same octets, checked after, redeemed once."""

from __future__ import annotations

import pytest
from certificate_bench import Benches
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from trustworks.core.der.algorithms import SIGNATURES
from trustworks.core.errors import Refused, Unavailable
from trustworks.issuance.lints import Finding, all_lints
from trustworks.issuance.preparation import PLACEHOLDER, check_findings, check_same, prepare

ECDSA = SIGNATURES["ECDSA_SHA256"]


@pytest.fixture(scope="module")
def benches() -> Benches:
    return Benches()


def test_a_prepared_certificate_is_signed_once_over_the_linted_octets(benches: Benches) -> None:
    bench = benches["tsu"]
    prepared = prepare(bench.tbs(), ECDSA, bench.around)
    signed: list[bytes] = []

    def sign(data: bytes) -> bytes:
        signed.append(data)
        return bench.key.sign(data, ec.ECDSA(hashes.SHA256()))

    certificate = x509.load_der_x509_certificate(prepared.redeem(sign))
    assert signed == [prepared.tbs] == [certificate.tbs_certificate_bytes]
    with pytest.raises(RuntimeError, match="once"):
        prepared.redeem(sign)
    assert len(signed) == 1


@pytest.mark.req("TRUSTWORKS:ISSUANCE-LINTED")
def test_what_a_lint_objects_to_is_not_prepared(benches: Benches) -> None:
    bench = benches["tsu"].without(x509.ExtendedKeyUsage)
    with pytest.raises(Refused, match="timeStamping alone") as caught:
        prepare(bench.tbs(), ECDSA, bench.around)
    assert caught.value.requirement == "TRUSTWORKS:ISSUANCE-EXTENSIONS"
    assert "TRUSTWORKS:ISSUANCE-EXTENSIONS" not in str(caught.value)  # it is told with the refusal
    assert "TRUSTWORKS:ISSUANCE-USAGES" in str(caught.value)  # all findings are told, not the first alone


@pytest.mark.req("TRUSTWORKS:ISSUANCE-LINTED")
def test_findings_refuse_under_the_first_ones_id() -> None:
    first, second, *_ = all_lints()
    check_findings([])
    with pytest.raises(Refused) as caught:
        check_findings([Finding(first, "One."), Finding(second, "Two.")])
    assert caught.value.requirement == first.id
    assert str(caught.value) == f"One. Two. ({second.id})"


@pytest.mark.req("TRUSTWORKS:ISSUANCE-SAME-OCTETS")
def test_other_octets_than_the_prepared_are_refused() -> None:
    check_same(b"same", b"same")
    with pytest.raises(Refused, match="thrown away"):
        check_same(b"same", b"other")


@pytest.mark.parametrize("signature", [PLACEHOLDER, b"", None])
def test_what_the_authority_did_not_sign_is_never_released(benches: Benches, signature: bytes | None) -> None:
    """The placeholder that the lints saw, nothing, another key's signature."""
    bench = benches["tsu"]
    prepared = prepare(bench.tbs(), ECDSA, bench.around)
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(Unavailable, match="does not verify"):
        prepared.redeem(
            lambda data: other.sign(data, ec.ECDSA(hashes.SHA256())) if signature is None else signature
        )


@pytest.mark.parametrize("pss", [True, False])
def test_rsa_authorities_are_prepared_for_with_their_own_scheme(pss: bool) -> None:
    bench = Benches()["root"]
    key = rsa.generate_private_key(65537, 3072)
    ski = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    aki = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski)
    spoiled = bench.rebuilt(public_key=key.public_key()).put(ski).put(aki)
    digest = hashes.SHA256()
    used = padding.PSS(padding.MGF1(digest), digest.digest_size) if pss else padding.PKCS1v15()
    built = spoiled.builder.sign(key, digest, rsa_padding=used)
    algorithm = SIGNATURES["RSA_PSS_SHA256" if pss else "RSA_PKCS1_SHA256"]
    prepared = prepare(built.tbs_certificate_bytes, algorithm, spoiled.around)
    der = prepared.redeem(lambda data: key.sign(data, used, digest))
    certificate = x509.load_der_x509_certificate(der)
    certificate.verify_directly_issued_by(certificate)
    with pytest.raises(Refused, match="differs from the one outside"):
        prepare(built.tbs_certificate_bytes, ECDSA, spoiled.around)
