"""Several signatures at once: each verified, and none answered when one is bad."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from trustworks.core.errors import Unavailable
from trustworks.core.module import KeyAlgorithm

if TYPE_CHECKING:
    from trustworks.core.module import Module


@pytest.mark.req("TRUSTWORKS:MODULE-SIGNATURE-VERIFIED")
def test_all_are_signed_in_their_order(module: Module) -> None:
    key = module.generate_key_pair(label="several", algorithm=KeyAlgorithm.P256)
    items = [bytes((number,)) * 100 for number in range(20)]
    assert isinstance(key.public_key, ec.EllipticCurvePublicKey)
    for data, signature in zip(items, key.sign_all(items), strict=True):
        key.public_key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    assert key.sign_all([]) == []


@pytest.mark.req("TRUSTWORKS:MODULE-SIGNATURE-VERIFIED")
def test_one_bad_signature_fails_all(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    key = module.generate_key_pair(label="several", algorithm=KeyAlgorithm.P256)
    sign, made = key._connection.sign, []

    def third_is_bad(*given: Any) -> bytes:
        answer = sign(*given)
        made.append(answer)
        return answer if len(made) != 3 else answer[:-1] + bytes((answer[-1] ^ 1,))

    monkeypatch.setattr(key._connection, "sign", third_is_bad)
    with pytest.raises(Unavailable) as caught:
        key.sign_all([b"one", b"two", b"three", b"four"])
    assert caught.value.code == "module.bad-signature"


def test_none_is_begun_after_its_time_but_the_first(module: Module) -> None:
    key = module.generate_key_pair(label="several", algorithm=KeyAlgorithm.P256)
    assert len(key.sign_all([b"one", b"two"], until=0)) == 1
    assert len(key.sign_all([b"one", b"two"], until=time.perf_counter_ns() + 60_000_000_000)) == 2
