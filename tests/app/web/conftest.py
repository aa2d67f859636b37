"""A provider whose authorities have keys on two tokens and records in both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from issuance_testbed import open_provider
from signing_desk import Office

from trustworks.core.audit import Recorder
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.signing.shown.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from issuance_testbed import Provider

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
def provider(database: Database, authority_keys: tuple[Key, Key]) -> Iterator[Provider]:
    root, issuing = authority_keys
    with open_provider(database, root, issuing) as found:
        found.issuance.create_root(root, by="ceremony")
        found.issuance.create_issuing(issuing, by="ceremony")
        found.clock.advance(hours=1)
        yield found


@pytest.fixture(scope="package")
def viewer() -> Iterator[Viewer]:
    with Viewer() as made:
        yield made


@pytest.fixture
def office(database: Database, tmp_path: Path, viewer: Viewer) -> Iterator[Office]:
    recorder = Recorder.open(database, "test")
    made = Office(database, recorder, tmp_path / "uploads", viewer)
    yield made
    made.desk.close()
    recorder.close()
