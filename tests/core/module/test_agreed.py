"""The agreed mechanisms as dated data, obeyed by key generation and by every signature."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Refused
from trustworks.core.module import KeyAlgorithm, Module, SignatureScheme, agreed_until
from trustworks.core.module.agreed import catalogue, check_key_algorithm, check_signature

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri

LAST = date(2025, 12, 31)
AFTER = date(2026, 1, 1)


def test_every_kind_of_key_and_every_scheme_is_judged() -> None:
    assert set(catalogue().keys) == set(KeyAlgorithm)
    assert set(catalogue().schemes) == set(SignatureScheme)


def test_no_entry_claims_a_source_that_was_not_read() -> None:
    entries = [*catalogue().keys.values(), *catalogue().schemes.values()]
    assert {entry.source_status for entry in entries} <= {"verified", "second-hand", "from-memory"}
    assert "verified" not in {entry.source_status for entry in entries}


@pytest.mark.req("ECCG-ACM:KEYS")
@pytest.mark.parametrize("algorithm", [KeyAlgorithm.RSA_2048, KeyAlgorithm.ED25519])
def test_a_key_that_is_not_agreed_is_refused_outside_the_lab(algorithm: KeyAlgorithm) -> None:
    with pytest.raises(Refused, match=algorithm.value) as caught:
        check_key_algorithm(algorithm, AFTER, lab=False)
    assert caught.value.requirement == "ECCG-ACM:KEYS"
    check_key_algorithm(algorithm, AFTER, lab=True)


@pytest.mark.req("ECCG-ACM:KEYS")
def test_a_legacy_key_is_agreed_to_the_end_of_its_last_day() -> None:
    check_key_algorithm(KeyAlgorithm.RSA_2048, LAST, lab=False)
    with pytest.raises(Refused, match="until 2025-12-31"):
        check_key_algorithm(KeyAlgorithm.RSA_2048, AFTER, lab=False)


@pytest.mark.req("ECCG-ACM:KEYS")
@pytest.mark.parametrize(
    "algorithm", sorted(set(KeyAlgorithm) - {KeyAlgorithm.RSA_2048, KeyAlgorithm.ED25519}, key=str)
)
def test_the_agreed_keys_pass(algorithm: KeyAlgorithm) -> None:
    check_key_algorithm(algorithm, AFTER, lab=False)


@pytest.mark.req("ECCG-ACM:SIGNATURES")
@pytest.mark.parametrize(
    ("algorithm", "scheme"),
    [
        (KeyAlgorithm.ED25519, SignatureScheme.ED25519),
        (KeyAlgorithm.RSA_2048, SignatureScheme.RSA_PSS_SHA256),
        (KeyAlgorithm.RSA_2048, SignatureScheme.RSA_PKCS1_SHA512),
    ],
)
def test_a_signature_that_is_not_agreed_is_refused(algorithm: KeyAlgorithm, scheme: SignatureScheme) -> None:
    with pytest.raises(Refused) as caught:
        check_signature(algorithm, scheme, AFTER, lab=False)
    assert caught.value.requirement == "ECCG-ACM:SIGNATURES"
    check_signature(algorithm, scheme, AFTER, lab=True)


def test_the_last_day_is_told_to_those_who_set_the_end_of_keys() -> None:
    assert agreed_until(KeyAlgorithm.P256, SignatureScheme.ECDSA_SHA256) is None
    assert agreed_until(KeyAlgorithm.RSA_2048, SignatureScheme.RSA_PSS_SHA256) == LAST
    assert agreed_until(KeyAlgorithm.ED25519, SignatureScheme.ED25519) == date.min


class Today:
    day = LAST

    def __call__(self) -> date:
        return self.day


@pytest.mark.req("ECCG-ACM:KEYS", "ECCG-ACM:SIGNATURES")
def test_a_running_module_obeys_the_day(softhsm: Path, token: Pkcs11Uri) -> None:
    today = Today()
    with Module.open(token, library=softhsm, read_write=True, today=today) as module:
        key = module.generate_key_pair(label="old", algorithm=KeyAlgorithm.RSA_2048)
        assert key.sign(b"in time")
        today.day = AFTER  # midnight passes while the service runs
        with pytest.raises(Refused, match="until 2025-12-31") as caught:
            key.sign(b"too late")
        assert caught.value.requirement == "ECCG-ACM:SIGNATURES"
        with pytest.raises(Refused) as caught:
            module.generate_key_pair(label="new", algorithm=KeyAlgorithm.RSA_2048)
        assert caught.value.requirement == "ECCG-ACM:KEYS"
        assert [found.label for found in module.keys()] == ["old"]  # noqa: SIM118 - no dictionary
