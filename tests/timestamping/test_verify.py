"""Verification of a token: over these data, signed by the certified key, trusted for time-stamping."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from timestamping_testbed import NOW

from trustworks.core.der import cms
from trustworks.core.der.algorithms import SIGNATURES
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.module import KeyAlgorithm
from trustworks.timestamping import client
from trustworks.timestamping.verify import digests_of, verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from timestamping_testbed import Pki

    from trustworks.core.module import Module
    from trustworks.timestamping.service import TimestampingAuthority

DATA = b"a document"


@pytest.fixture
def token(authority: TimestampingAuthority, query: Callable[..., bytes]) -> bytes:
    return client.granted_token(authority.stamp(query(DATA)))


def check(token: bytes, pki: Pki, data: bytes = DATA, **given: Any) -> Any:
    return verify(token, digests_of(data), **({"anchors": [pki.root]} | given))


@pytest.mark.req("RFC3161:2.2-SIGNATURE")
@pytest.mark.parametrize(
    ("algorithm", "scheme"),
    [
        (KeyAlgorithm.P256, None),
        (KeyAlgorithm.P384, None),
        (KeyAlgorithm.P521, None),
        (KeyAlgorithm.RSA_2048, "RSA_PKCS1_SHA256"),
        (KeyAlgorithm.RSA_2048, "RSA_PSS_SHA256"),
        (KeyAlgorithm.RSA_2048, "RSA_PSS_SHA512"),
        (KeyAlgorithm.ED25519, None),
    ],
    ids=lambda value: getattr(value, "value", value),
)
def test_tokens_of_every_algorithm_verify(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    tsu_module: Module,
    pki: Pki,
    algorithm: KeyAlgorithm,
    scheme: str | None,
) -> None:
    label = f"verify-{algorithm.value}"
    keys = tsu_module.keys()
    known = [key for key in keys if key.label == label]
    key = known[0] if known else tsu_module.generate_key_pair(label=label, algorithm=algorithm)
    unit = {"key": label, "certificate": str(pki.certify(key))} | ({"signature": scheme} if scheme else {})
    token = client.granted_token(authority_of(lab=True, unit=unit).stamp(query(DATA)))
    found = check(token, pki)
    assert [one.subject for one in found.path[1:]] == [pki.issuing.subject, pki.root.subject]
    place = token.rindex(found.token.signer.signature)
    forged = token[: place + 8] + bytes((token[place + 8] ^ 1,)) + token[place + 9 :]
    with pytest.raises(Rejected) as caught:
        check(forged, pki)
    assert caught.value.code == "timestamp.signature"


@pytest.mark.req("RFC3161:2.4.2-IMPRINT")
def test_a_token_over_other_data(token: bytes, pki: Pki) -> None:
    with pytest.raises(Rejected, match="other data") as caught:
        check(token, pki, b"another document")
    assert caught.value.code == "timestamp.other-data"


@pytest.mark.req("RFC3161:2.2-SIGNATURE")
@pytest.mark.parametrize("part", ["content", "attributes", "signature"])
def test_no_octet_of_what_is_signed_can_be_changed(token: bytes, pki: Pki, part: str) -> None:
    view = check(token, pki).token
    octets = {
        "content": view.tst_info_der,
        "attributes": asn1.encode_der(view.signer.signed_attributes),
        "signature": view.signer.signature,
    }[part]
    begin = token.rindex(octets)
    for place in range(begin, begin + len(octets)):
        damaged = token[:place] + bytes((token[place] ^ 1 << place % 8,)) + token[place + 1 :]
        with pytest.raises((Malformed, Refused, Rejected)):
            check(damaged, pki)


@pytest.mark.parametrize("token", [b"", b"\x30\x80", b"nonsense", bytes(4000)])
def test_what_is_no_token_is_malformed(token: bytes, pki: Pki) -> None:
    with pytest.raises(Malformed):
        check(token, pki)


def test_a_stranger_s_token_is_not_trusted(token: bytes, tmp_path: Path) -> None:
    from timestamping_testbed import Pki as OtherPki  # noqa: PLC0415

    with pytest.raises(Rejected) as caught:
        check(token, OtherPki(tmp_path))
    assert caught.value.code in {"path.no-anchor", "path.signature"}
    with pytest.raises(Rejected) as caught:
        check(token, OtherPki(tmp_path), anchors=[])
    assert caught.value.code == "path.no-anchor"


def test_a_token_without_certificates_needs_them_from_elsewhere(
    authority: TimestampingAuthority, query: Callable[..., bytes], pki: Pki, certificate: Path
) -> None:
    token = client.granted_token(authority.stamp(query(DATA, cert_req=False)))
    with pytest.raises(Rejected, match="--untrusted") as caught:
        check(token, pki)
    assert caught.value.code == "timestamp.no-certificate"
    own = x509.load_pem_x509_certificate(certificate.read_bytes())
    with pytest.raises(Rejected) as caught:
        check(token, pki, untrusted=[own])
    assert caught.value.code == "path.no-anchor"
    assert check(token, pki, untrusted=[own, pki.issuing]).path[0] == own


def test_the_certificates_must_be_valid_at_the_time_in_question(token: bytes, pki: Pki) -> None:
    assert check(token, pki).gen_time < NOW + timedelta(seconds=1)
    with pytest.raises(Rejected) as caught:
        check(token, pki, at=NOW + timedelta(days=801))
    assert caught.value.code == "path.expired"
    with pytest.raises(Rejected) as caught:
        check(token, pki, at=NOW - timedelta(days=2))
    assert caught.value.code == "path.not-yet-valid"


@pytest.mark.req("RFC3161:2.2-SIGNATURE")
def test_a_signature_by_another_algorithm_than_it_says(token: bytes, pki: Pki) -> None:
    info = asn1.decode_der(cms.SignedDataInfo, token)
    (signer,) = info.content.signer_infos.as_list()
    for name in ("RSA_PKCS1_SHA256", "ECDSA_SHA512", "ED25519"):
        signer.signature_algorithm = cms.any_element(SIGNATURES[name])
        info.content.signer_infos = asn1.SetOf([signer])
        with pytest.raises(Rejected):
            check(asn1.encode_der(info), pki)
