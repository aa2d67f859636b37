"""An EST server over real tokens and both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cmp_testbed import open_server
from est_testbed import Est

from trustworks.core.module import KeyAlgorithm, Module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from issuance_testbed import Provider

    from trustworks.core.module import Key, Pkcs11Uri


@pytest.fixture(scope="module")
def cmp_key(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[Key]:
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        yield module.generate_key_pair(label="cmp", algorithm=KeyAlgorithm.P256)


@pytest.fixture
def est(provider: Provider, cmp_key: Key, tmp_path: Path) -> Est:
    return Est(open_server(provider, cmp_key, tmp_path))
