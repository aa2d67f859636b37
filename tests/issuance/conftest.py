"""The authorities of a provider: keys on two tokens of SoftHSM2, records in both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from issuance_testbed import open_provider

from trustworks.core.module import KeyAlgorithm, Module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from issuance_testbed import Provider

    from trustworks.core.module import Key, Pkcs11Uri
    from trustworks.core.store import Database


@pytest.fixture(scope="module")
def root_key(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[Key]:
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        yield module.generate_key_pair(label="root", algorithm=KeyAlgorithm.P384)


@pytest.fixture(scope="module")
def issuing_key(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[Key]:
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        yield module.generate_key_pair(label="issuing", algorithm=KeyAlgorithm.P256)


@pytest.fixture
def provider_without_authorities(database: Database, root_key: Key, issuing_key: Key) -> Iterator[Provider]:
    with open_provider(database, root_key, issuing_key) as found:
        yield found


@pytest.fixture
def provider(provider_without_authorities: Provider, root_key: Key, issuing_key: Key) -> Provider:
    """With a root and an issuing authority, an hour old."""
    found = provider_without_authorities
    found.issuance.create_root(root_key, by="ceremony")
    found.issuance.create_issuing(issuing_key, by="ceremony")
    found.clock.advance(hours=1)
    found.keys.asked.clear()
    return found
