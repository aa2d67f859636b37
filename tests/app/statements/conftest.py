"""The configuration of a laboratory, and a database with an authority in it; nothing of it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from statements_testbed import office_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from statements_testbed import Office

    from trustworks.core.store import Database


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Everything that statements are drawn from, and what publishes them."""
    with office_in(tmp_path, database) as made:
        yield made
