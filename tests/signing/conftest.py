"""The service over HTTP, in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from signing_desk import opened

from trustworks.core.audit import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.store import Database
    from trustworks.signing.desk import Desk


@pytest.fixture
def recorder(database: Database) -> Iterator[Recorder]:
    """Who tells the audit log."""
    made = Recorder.open(database, "test")
    yield made
    made.close()


@pytest.fixture
def desk(database: Database, recorder: Recorder) -> Iterator[Desk]:
    """A desk with the seals and clients of `signing_desk.settings`."""
    with opened(database, recorder) as made:
        yield made
