"""Providers for tests of status."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

import pytest
from status_provider import Provider, TestClock

from trustworks.core.audit import Recorder
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.issuance.config import IssuanceSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.store import Database


@pytest.fixture(scope="session")
def modules(
    softhsm: Path, make_token: Callable[..., Pkcs11Uri]
) -> Iterator[Callable[[KeyAlgorithm], Module]]:
    """A token for each kind of key, whose keys all providers of that kind have."""
    with ExitStack() as opened:

        @cache
        def module(algorithm: KeyAlgorithm) -> Module:
            del algorithm
            return opened.enter_context(Module.open(make_token(), library=softhsm, read_write=True, lab=True))

        yield module


@pytest.fixture
def make_provider(
    modules: Callable[[KeyAlgorithm], Module], database: Database
) -> Iterator[Callable[..., Provider]]:
    """A function that sets a provider up, with keys of the kind that is asked for."""
    clock = TestClock()

    def make(algorithm: KeyAlgorithm = KeyAlgorithm.P256) -> Provider:
        return Provider(
            module=modules(algorithm),
            database=database,
            recorder=recorder,
            clock=clock,
            settings=IssuanceSettings.model_validate({}),
        ).set_up(algorithm)

    with Recorder.open(database, "status", now=lambda: clock.utc) as recorder:
        yield make


@pytest.fixture
def provider(make_provider: Callable[..., Provider]) -> Provider:
    """A provider whose keys are all P-256."""
    return make_provider()
