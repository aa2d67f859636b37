from __future__ import annotations

import pytest

from trustworks.core.module import KeyAlgorithm, Module


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_each_kind_of_key_signs(module: Module, algorithm: KeyAlgorithm) -> None:
    key = module.generate_key_pair(label="k", algorithm=algorithm)
    assert key.algorithm is algorithm
    assert key.sign(b"data")
    print(key.attributes())
    assert module.key(label="k").spki_sha256 == key.spki_sha256
