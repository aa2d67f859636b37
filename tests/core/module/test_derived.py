"""Secrets that come of a key in the module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Rejected
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.module.derived import algorithm_objection, secret_of

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri


@pytest.mark.req("TRUSTWORKS:SECRETS-FROM-MODULE")
@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_only_keys_whose_signatures_stay_the_same_make_secrets(algorithm: KeyAlgorithm) -> None:
    objection = algorithm_objection(algorithm)
    assert (objection is None) == (algorithm in {KeyAlgorithm.RSA_3072, KeyAlgorithm.RSA_4096})
    assert objection is None or objection.startswith(f"is {algorithm.value}, and ")


@pytest.mark.req("TRUSTWORKS:SECRETS-FROM-MODULE")
def test_a_key_makes_the_same_secret_whoever_opens_the_module(
    softhsm: Path, module: Module, token: Pkcs11Uri
) -> None:
    key = module.generate_key_pair(label="registration", algorithm=KeyAlgorithm.RSA_3072)
    secret = secret_of(key)
    assert len(secret) == 32
    with Module.open(token, library=softhsm, lab=True) as again:
        assert secret_of(again.key("registration")) == secret
    other = module.generate_key_pair(label="other", algorithm=KeyAlgorithm.RSA_3072)
    assert secret_of(other) != secret


@pytest.mark.req("TRUSTWORKS:SECRETS-FROM-MODULE")
def test_a_curve_makes_none(module: Module) -> None:
    key = module.generate_key_pair(label="curve", algorithm=KeyAlgorithm.P256)
    with pytest.raises(Rejected, match="The key curve is P-256, and secrets come of RSA keys"):
        secret_of(key)
