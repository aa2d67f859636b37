"""pkilint finds nothing at WARNING or above in our lists and answers, and finds what was spoiled."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from pkilint_commands import pkilint
from status_provider import Provider, TestClock

from trustworks.core.audit import Recorder
from trustworks.core.der import encode
from trustworks.core.der.algorithms import SIGNATURES
from trustworks.core.der.crl import encode_certificate_list, encode_entries, encode_tbs
from trustworks.core.module import KeyAlgorithm
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.model import RevocationReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cryptography.x509 import Certificate

    from trustworks.core.module import Module
    from trustworks.core.store import Database

pytestmark = [
    pytest.mark.interop,
    pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True),
]


def lint(program: str, *options: str, der: bytes, folder: Path) -> tuple[int, str]:
    """How many findings pkilint has at WARNING or above, and which."""
    file = folder / "linted.der"
    file.write_bytes(der)
    return pkilint(program, *options, file)


@pytest.fixture
def make_provider(module: Module, database: Database) -> Iterator[Callable[..., Provider]]:
    """A function that sets a provider up, with keys of the kind that is asked for."""
    clock = TestClock()
    with Recorder.open(database, "status") as recorder:
        yield lambda *algorithm: Provider(
            module=module,
            database=database,
            recorder=recorder,
            clock=clock,
            settings=IssuanceSettings.model_validate({}),
        ).set_up(*algorithm)


def asked(provider: Provider, certificate: Certificate, nonce: bytes | None = None) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        certificate,
        provider.certificates["issuing"],
        hashes.SHA1(),  # noqa: S303 - identifies the authority, protects nothing
    )
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.P256, KeyAlgorithm.RSA_3072])
def test_nothing_is_found_in_lists(
    make_provider: Callable[..., Provider], algorithm: KeyAlgorithm, tmp_path: Path
) -> None:
    provider = make_provider(algorithm)
    empty = provider.publisher().publish("issuing", actor="test").der
    for reason in RevocationReason:
        provider.revoke(provider.issue(), reason, provider.clock.utc - timedelta(days=1))
    provider.revoke(provider.certificates["issuing"], RevocationReason.cACompromise)
    issuing = provider.publisher().publish("issuing", actor="test").der
    root = provider.publisher().publish("root", actor="test").der
    for kind, der in (("CRL", empty), ("CRL", issuing), ("ARL", root)):
        found, said = lint("lint_crl", "-t", kind, "-p", "PKIX", der=der, folder=tmp_path)
        assert found == 0, said


@pytest.mark.req("RFC5280:5.2.5-01", "RFC5280:5.2.4-01")
def test_nothing_is_found_in_lists_of_shards_and_delta_lists(
    make_provider: Callable[..., Provider], tmp_path: Path
) -> None:
    provider = make_provider()
    issuing = provider.settings.issuing.model_copy(update={"crl_shards": 2, "crl_delta": True})
    provider.settings = provider.settings.model_copy(update={"issuing": issuing})
    publisher = provider.publisher("issuing")
    complete = publisher.publish_due()
    held = provider.issue()
    provider.revoke(held, RevocationReason.certificateHold)
    provider.clock.utc += timedelta(seconds=1)
    deltas = publisher.publish_due()
    assert [len(complete), len(deltas)] == [3, 3]
    for one in (*complete, *deltas):
        found, said = lint("lint_crl", "-t", "CRL", "-p", "PKIX", der=one.der, folder=tmp_path)
        assert found == 0, said


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.P256, KeyAlgorithm.RSA_3072])
def test_nothing_is_found_in_answers(
    make_provider: Callable[..., Provider], algorithm: KeyAlgorithm, tmp_path: Path
) -> None:
    provider = make_provider(algorithm)
    good, revoked, never = provider.issue(), provider.issue(), provider.unrecorded()
    provider.revoke(revoked, invalidity_date=provider.clock.utc - timedelta(days=1))
    responder = provider.responder()
    for certificate in (good, revoked, never):
        for nonce in (None, b"n" * 32):
            answer = responder.answer(asked(provider, certificate, nonce))
            found, said = lint("lint_ocsp_response", der=answer.der, folder=tmp_path)
            assert found == 0, said


def test_what_was_spoiled_is_found(make_provider: Callable[..., Provider], tmp_path: Path) -> None:
    provider = make_provider()
    now = provider.clock.utc
    entries, _ = encode_entries([])
    algorithm = SIGNATURES["ECDSA_SHA256"]
    bare = encode_tbs(
        algorithm=algorithm,
        issuer=provider.certificates["issuing"].subject.public_bytes(),
        this_update=now,
        next_update=now + timedelta(days=1),
        entries=entries,
        extensions=(encode.extension("2.5.29.60", encode.generalized_time(now)),),
    )
    der = encode_certificate_list(bare, algorithm, b"0")
    found, said = lint("lint_crl", "-t", "CRL", "-p", "PKIX", der=der, folder=tmp_path)
    assert found > 0
    assert "crl_number_missing" in said
    failure = bytes.fromhex("30030a0104")  # the status that the standard does not use
    found, said = lint("lint_ocsp_response", der=failure, folder=tmp_path)
    assert found > 0
