"""Providers for tests of status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from status_provider import Provider, TestClock

from trustworks.core.audit import Recorder
from trustworks.issuance.config import IssuanceSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustworks.core.module import Module
    from trustworks.core.store import Database


@pytest.fixture
def make_provider(module: Module, database: Database) -> Iterator[Callable[..., Provider]]:
    """A function that sets a provider up, with keys of the kind that is asked for."""
    clock = TestClock()
    with Recorder.open(database, "status", now=lambda: clock.utc) as recorder:
        yield lambda *algorithm: Provider(
            module=module,
            database=database,
            recorder=recorder,
            clock=clock,
            settings=IssuanceSettings.model_validate({}),
        ).set_up(*algorithm)


@pytest.fixture
def provider(make_provider: Callable[..., Provider]) -> Provider:
    """A provider whose keys are all P-256."""
    return make_provider()
