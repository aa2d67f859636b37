"""A house whose services are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from trusted_list_house import open_house

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trusted_list_house import House

    from trustworks.core.module import Key
    from trustworks.core.store import Database


@pytest.fixture
def house(database: Database, root_key: Key, issuing_key: Key, tmp_path: Path) -> Iterator[House]:
    with open_house(database, root_key, issuing_key, tmp_path) as found:
        yield found
