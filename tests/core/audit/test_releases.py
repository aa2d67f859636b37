"""Awaiting the recorder from an event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import IntegrityError

from trustworks.core.audit import Event, Recorder, Releases, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Table


@pytest.mark.req("TRUSTWORKS:AUDIT-03")
def test_each_request_gets_its_own_outcome(
    recorder: Recorder, event: Callable[..., Event], table: Table
) -> None:
    async def main() -> list[Any]:
        releases = Releases(recorder)
        requests = [
            releases.record(event(number), Row(table, {"name": name}))
            for number, name in enumerate(["a", "b", "a"])
        ]
        return await asyncio.gather(*requests, return_exceptions=True)

    outcomes = asyncio.run(main())
    assert [type(one) for one in outcomes] == [type(None), type(None), IntegrityError]


def test_a_batch_wakes_the_loop_once(
    recorder: Recorder, event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    wakes: list[int] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        wake = loop.call_soon_threadsafe

        def counted(callback: Any, *arguments: Any, **options: Any) -> Any:
            if arguments and isinstance(arguments[0], list):  # not those of `asyncio.to_thread`
                wakes.append(len(arguments[0]))
            return wake(callback, *arguments, **options)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        releases = Releases(recorder)

        def submit(_: object) -> None:
            for number in range(100):
                recorder.submit(event(number), released=released[number])

        pairs = [releases.expect() for _ in range(100)]
        released = [pair[1] for pair in pairs]
        futures = [pair[0] for pair in pairs]
        await asyncio.to_thread(recorder.transact, event(), submit)
        await asyncio.gather(*futures)

    asyncio.run(main())
    assert sum(wakes) == 100
    assert len(wakes) <= 2


def test_a_client_that_went_away_is_no_trouble(recorder: Recorder, event: Callable[..., Event]) -> None:
    async def main() -> None:
        releases = Releases(recorder)
        gone = asyncio.ensure_future(releases.record(event(1)))
        await asyncio.sleep(0)
        gone.cancel()
        await releases.record(event(2))
        assert gone.cancelled()

    asyncio.run(main())


def test_a_loop_that_ended_is_no_trouble(recorder: Recorder, event: Callable[..., Event]) -> None:
    async def main() -> Callable[[BaseException | None], None]:
        return Releases(recorder).expect()[1]

    released = asyncio.run(main())
    recorder.submit(event(1), released=released)
    recorder.record(event(2))
    recorder.ping()
