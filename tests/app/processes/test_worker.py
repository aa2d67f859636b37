"""The worker's own watch over itself."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from trustworks.app.processes import worker


def test_a_worker_whose_audit_writer_died_ends_so_that_another_is_started() -> None:
    async def run() -> bool:
        stop = asyncio.Event()
        opened = SimpleNamespace(recorder=SimpleNamespace(died=True))
        services: Any = SimpleNamespace(log=SimpleNamespace(is_open=True, get=lambda: opened))
        await asyncio.wait_for(worker._keep_beating(services, stop), 10)
        return stop.is_set()

    assert asyncio.run(run())
