"""Keys of the module in the hands of `cryptography`'s own builders, and what the adapters refuse."""

from __future__ import annotations

import copy
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from trustworks.core.errors import Refused, Rejected
from trustworks.core.module import KeyAlgorithm, Module, SignatureScheme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Key, Pkcs11Uri

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST adapters")])
SHA256 = hashes.SHA256()
PSS = padding.PSS(padding.MGF1(SHA256), padding.PSS.DIGEST_LENGTH)
KINDS = [
    (KeyAlgorithm.P256, SHA256, None),
    (KeyAlgorithm.P384, hashes.SHA384(), None),
    (KeyAlgorithm.P521, hashes.SHA512(), None),
    (KeyAlgorithm.BRAINPOOL_P256, SHA256, None),
    (KeyAlgorithm.RSA_3072, SHA256, None),
    (KeyAlgorithm.RSA_3072, SHA256, PSS),
    (KeyAlgorithm.RSA_3072, hashes.SHA512(), padding.PSS(padding.MGF1(hashes.SHA512()), 64)),
    (KeyAlgorithm.ED25519, None, None),
]
Kind = tuple[KeyAlgorithm, Any, Any]


@pytest.fixture(scope="module")
def keys(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[dict[KeyAlgorithm, Key]]:
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        yield {
            algorithm: module.generate_key_pair(label=algorithm.value, algorithm=algorithm)
            for algorithm in {kind[0] for kind in KINDS} | {KeyAlgorithm.RSA_2048}
        }


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind[0].value} {type(kind[2]).__name__}")
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def certificate(key: Key, algorithm: Any, pad: Any) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key.public_key)
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key.private_key(), algorithm, rsa_padding=pad)
    )


def test_a_certificate(keys: dict[KeyAlgorithm, Key], kind: Kind) -> None:
    key = keys[kind[0]]
    made = certificate(key, *kind[1:])
    made.verify_directly_issued_by(made)
    if kind[2] is not None:
        assert isinstance(made.signature_algorithm_parameters, padding.PSS)


def test_a_certification_request(keys: dict[KeyAlgorithm, Key], kind: Kind) -> None:
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(NAME)
        .sign(keys[kind[0]].private_key(), kind[1], rsa_padding=kind[2])
    )
    assert request.is_signature_valid


def test_a_revocation_list(keys: dict[KeyAlgorithm, Key], kind: Kind) -> None:
    key = keys[kind[0]]
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(NAME)
        .last_update(NOW)
        .next_update(NOW + timedelta(days=1))
        .sign(key.private_key(), kind[1], rsa_padding=kind[2])
    )
    assert crl.is_signature_valid(key.public_key)


def test_an_ocsp_response(keys: dict[KeyAlgorithm, Key], kind: Kind) -> None:
    key = keys[kind[0]]
    issuer = certificate(key, *kind[1:])
    response = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=issuer,
            issuer=issuer,
            algorithm=SHA256,
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=NOW,
            next_update=None,
            revocation_time=None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer)
        .sign(key.private_key(), kind[1])
    )
    public: Any = key.public_key
    signature, signed = response.signature, response.tbs_response_bytes
    match key.algorithm.family:
        case "ec":
            public.verify(signature, signed, ec.ECDSA(kind[1]))
        case "rsa":
            public.verify(signature, signed, padding.PKCS1v15(), kind[1])
        case _:
            public.verify(signature, signed)


def test_signed_data(keys: dict[KeyAlgorithm, Key], kind: Kind, tmp_path: Path) -> None:
    algorithm, digest, pad = kind
    key = keys[algorithm]
    made = certificate(key, digest, pad)
    adapter: Any = key.private_key()
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"content")
    if algorithm is KeyAlgorithm.ED25519:
        with pytest.raises(TypeError):  # the library's own limit, for any Ed25519 key
            builder.add_signer(made, adapter, SHA256)
        return
    der = builder.add_signer(made, adapter, digest, rsa_padding=pad).sign(
        serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary]
    )
    (tmp_path / "signed.der").write_bytes(der)
    judged = subprocess.run(
        [
            "openssl",
            "cms",
            "-verify",
            "-noverify",
            "-binary",
            "-inform",
            "DER",
            "-in",
            tmp_path / "signed.der",
        ],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert judged.returncode == 0, judged.stderr
    assert judged.stdout == b"content"


def test_an_adapter_tells_what_the_public_key_tells(keys: dict[KeyAlgorithm, Key]) -> None:
    curve: Any = keys[KeyAlgorithm.P384].private_key()
    assert isinstance(curve, ec.EllipticCurvePrivateKey)
    assert (curve.curve.name, curve.key_size) == ("secp384r1", 384)
    modulus: Any = keys[KeyAlgorithm.RSA_3072].private_key()
    assert isinstance(modulus, rsa.RSAPrivateKey)
    assert modulus.key_size == 3072
    edwards = keys[KeyAlgorithm.ED25519].private_key()
    assert isinstance(edwards, ed25519.Ed25519PrivateKey)
    for adapter in (curve, modulus, edwards):
        assert copy.copy(adapter) is copy.deepcopy(adapter) is adapter


@pytest.mark.req("TRUSTWORKS:MODULE-KEY-INSIDE")
def test_the_private_part_is_asked_for_in_vain(keys: dict[KeyAlgorithm, Key]) -> None:
    curve: Any = keys[KeyAlgorithm.P256].private_key()
    modulus: Any = keys[KeyAlgorithm.RSA_3072].private_key()
    edwards: Any = keys[KeyAlgorithm.ED25519].private_key()
    encoding = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    attempts: list[Callable[[], object]] = [
        curve.private_numbers,
        modulus.private_numbers,
        edwards.private_bytes_raw,
        lambda: curve.exchange(ec.ECDH(), curve.public_key()),
        lambda: modulus.decrypt(b"x", padding.PKCS1v15()),
        *(lambda key=key: key.private_bytes(*encoding) for key in (curve, modulus, edwards)),
    ]
    for attempt in attempts:
        with pytest.raises(Refused) as caught:
            attempt()
        assert caught.value.requirement == "TRUSTWORKS:MODULE-KEY-INSIDE"


@pytest.mark.parametrize(
    ("pad", "algorithm", "says"),
    [
        (padding.PSS(padding.MGF1(hashes.SHA384()), 32), SHA256, "same one in MGF1"),
        (padding.PSS(padding.MGF1(SHA256), 20), SHA256, "as long as the digest"),
        (padding.PSS(padding.MGF1(SHA256), padding.PSS.MAX_LENGTH), SHA256, "as long as the digest"),
        (padding.PSS(padding.MGF1(hashes.SHA224()), 28), hashes.SHA224(), "hash function"),
        (padding.PKCS1v15(), hashes.SHA224(), "hash function"),
        (padding.PKCS1v15(), utils.Prehashed(SHA256), "hand over the data"),
        (padding.OAEP(padding.MGF1(SHA256), SHA256, None), SHA256, "PSS or PKCS"),
    ],
)
def test_an_rsa_signature_of_another_shape_is_rejected(
    keys: dict[KeyAlgorithm, Key], pad: Any, algorithm: Any, says: str
) -> None:
    adapter: Any = keys[KeyAlgorithm.RSA_2048].private_key()
    with pytest.raises(Rejected, match=says) as caught:
        adapter.sign(b"data", pad, algorithm)
    assert caught.value.code == "module.scheme"


@pytest.mark.parametrize("algorithm", [hashes.SHA512_256(), hashes.SHA224(), hashes.SHA3_256()])
def test_an_ecdsa_signature_over_another_hash_is_rejected(
    keys: dict[KeyAlgorithm, Key], algorithm: hashes.HashAlgorithm
) -> None:
    adapter: Any = keys[KeyAlgorithm.P256].private_key()
    with pytest.raises(Rejected, match="hash function"):
        adapter.sign(b"data", ec.ECDSA(algorithm))


def test_an_adapter_for_one_scheme_signs_by_no_other(keys: dict[KeyAlgorithm, Key]) -> None:
    adapter: Any = keys[KeyAlgorithm.RSA_3072].private_key(SignatureScheme.RSA_PSS_SHA256)
    assert adapter.sign(b"data", PSS, SHA256)
    with pytest.raises(Rejected, match="RSA_PSS_SHA256 only"):
        adapter.sign(b"data", padding.PKCS1v15(), SHA256)


def test_any_buffer_is_signed(keys: dict[KeyAlgorithm, Key]) -> None:
    adapter: Any = keys[KeyAlgorithm.P256].private_key()
    for data in (bytearray(b"data"), memoryview(b"data")):
        adapter.public_key().verify(adapter.sign(data, ec.ECDSA(SHA256)), b"data", ec.ECDSA(SHA256))
