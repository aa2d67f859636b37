"""An office over the authorities of a provider: keys on two tokens, records in both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from console_testbed import Office
from issuance_testbed import open_provider

from trustworks.core.module import KeyAlgorithm, Module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Key, Pkcs11Uri
    from trustworks.core.store import Database


@pytest.fixture(scope="session")
def authority_keys(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[tuple[Key, Key]]:
    with (
        Module.open(make_token(), library=softhsm, read_write=True, lab=True) as root,
        Module.open(make_token(), library=softhsm, read_write=True, lab=True) as issuing,
    ):
        yield (
            root.generate_key_pair(label="root", algorithm=KeyAlgorithm.P384),
            issuing.generate_key_pair(label="issuing", algorithm=KeyAlgorithm.P256),
        )


@pytest.fixture
def office(database: Database, authority_keys: tuple[Key, Key]) -> Iterator[Office]:
    root, issuing = authority_keys
    with open_provider(database, root, issuing) as provider:
        provider.issuance.create_root(root, by="ceremony")
        provider.issuance.create_issuing(issuing, by="ceremony")
        provider.clock.advance(hours=1)
        yield Office(provider)
