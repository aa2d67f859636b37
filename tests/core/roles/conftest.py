"""The service of trusted roles over both databases, with a clock that stands where it is put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from operators_testbed import NOW, Authenticator, PlacedClock, RolesProvider

from trustworks.core.audit import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.store import Database


@pytest.fixture
def clock() -> PlacedClock:
    return PlacedClock(NOW)


@pytest.fixture
def provider(database: Database, clock: PlacedClock) -> Iterator[RolesProvider]:
    with Recorder.open(database, "test", now=lambda: clock.moment) as recorder:
        yield RolesProvider(database, recorder, clock)


@pytest.fixture
def founded(provider: RolesProvider) -> RolesProvider:
    """Three first operators: anna and ben are security officers, carl is system administrator."""
    provider.bootstrap()
    return provider


@pytest.fixture
def authenticator() -> Any:
    return Authenticator()
