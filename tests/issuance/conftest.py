"""The authorities of a provider: keys on two tokens of SoftHSM2, records in both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from issuance_testbed import PUBLIC_URL, START, KeyRing, PlacedClock, Provider, SpyKey, settings

from trustworks.core.audit import Recorder
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.issuance.service import Issuance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Key, Pkcs11Uri
    from trustworks.core.store import Database


@pytest.fixture(scope="session")
def root_key(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[Key]:
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        yield module.generate_key_pair(label="root", algorithm=KeyAlgorithm.P384)


@pytest.fixture(scope="session")
def issuing_key(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[Key]:
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        yield module.generate_key_pair(label="issuing", algorithm=KeyAlgorithm.P256)


@pytest.fixture
def provider_without_authorities(database: Database, root_key: Key, issuing_key: Key) -> Iterator[Provider]:
    clock = PlacedClock(START)
    spy = SpyKey(issuing_key)
    keys = KeyRing(root_key, spy)  # type: ignore[arg-type]
    recorder = Recorder.open(database, "issuance", now=lambda: clock.moment)
    issuance = Issuance(
        settings(),
        public_url=PUBLIC_URL,
        keys=keys,
        clock=clock,
        recorder=recorder,
        database=database,
        lab=True,
    )
    yield Provider(issuance=issuance, clock=clock, keys=keys, key=spy, database=database, recorder=recorder)
    recorder.close()


@pytest.fixture
def provider(provider_without_authorities: Provider, root_key: Key, issuing_key: Key) -> Provider:
    """With a root and an issuing authority, an hour old."""
    found = provider_without_authorities
    found.issuance.create_root(root_key, by="ceremony")
    found.issuance.create_issuing(issuing_key, by="ceremony")
    found.clock.advance(hours=1)
    found.keys.asked.clear()
    return found
