"""The time-stamp protocol over HTTP: ``POST /tsa``, and ``POST /tsa/NAME`` for each unit (RFC 3161, 3.4).

Every answer of the protocol, refusals too, is a TimeStampResp with HTTP status 200.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

import structlog

from trustworks.core.audit import Releases
from trustworks.core.http import Handler, RawRequest, RawResponse, Route
from trustworks.core.trace import implements
from trustworks.timestamping import wire
from trustworks.timestamping.model import PkiFailureInfo
from trustworks.timestamping.service import NO_SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.audit import Recorder
    from trustworks.timestamping.service import Outcome, TimestampingAuthority

log = structlog.get_logger(__name__)

QUERY: Final = "application/timestamp-query"
MOST_TOGETHER: Final = 16
"""Requests answered together: more would make the first of them wait, and save no more."""
BUDGET_US: Final = 4000.0
"""So long may the signatures of one turn keep the event loop from everything else."""
LOOK_PATIENCE: Final = 5.0
"""Seconds that a request waits until database and module have said whether the units may issue."""

REPLY: Final = "application/timestamp-reply"
GRANTED: Final = "granted"
UNNAMED: Final = "-"  # no unit has this name


@implements(
    "RFC3161:3.4-HTTP",
    "EN319422:7-HTTPS",
    disabled=lambda rule, *given, **named: [replace(one, content_types=()) for one in rule(*given, **named)],
)
def routes(edge: Edge) -> list[Route]:
    """The routes of the authority that `edge` answers for."""
    paths: list[tuple[str, str | None]] = [("/tsa", None)]
    paths += [(f"/tsa/{name}", name) for name in edge.service.unit_names]
    return [
        Route(
            method="POST",
            path=path,
            handler=edge.handler(unit),
            content_types=(QUERY,),
            max_body=wire.MAX_REQUEST,
        )
        for path, unit in paths
    ]


class Edge:
    """Answers requests on one event loop: one for an authority, and to be closed, for it has threads.

    Requests that are there at the same time are answered together, see `TimestampingAuthority.issue_all`. A
    quick key is used on the loop itself, as a thread would cost more than it saves; one that takes long (RSA
    in software, a module over the network) would keep the loop from all others: a thread waits for it.
    """

    def __init__(
        self,
        service: TimestampingAuthority,
        recorder: Recorder,
        *,
        count: Callable[[str, str], None] | None = None,
    ) -> None:
        """`recorder` is the one that `service` was made with.

        `count` is told of every answer: the unit (`UNNAMED` for a refusal that no one unit gave), and what
        came of the request: `GRANTED` or the name of the PKIFailureInfo.
        """
        self.service = service
        self._recorder = recorder
        self._count = count
        names = service.unit_names
        self._unnamed = names[0] if len(names) == 1 else UNNAMED
        self._loop: asyncio.AbstractEventLoop | None = None
        self._releases: Releases
        self._waiting: list[tuple[bytes, str | None, asyncio.Future[Outcome | None]]] = []
        self._threads = ThreadPoolExecutor(service.settings.threads, thread_name_prefix="tsa")
        # Two: units that are tried again may keep one for long, and the other looks.
        self._lookers = ThreadPoolExecutor(2, thread_name_prefix="tsa-look")
        self._looking: asyncio.Future[None] | None = None

    def close(self) -> None:
        """Let go of the threads, without waiting for what they wait for."""
        for threads in (self._threads, self._lookers):
            threads.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def handler(self, unit: str | None) -> Handler:
        """The handler of one address."""

        async def handle(request: RawRequest) -> RawResponse:
            return RawResponse(200, REPLY, await self.answer(request.body, unit))

        return handle

    @implements(
        "TRUSTWORKS:TSA-RECORD-FIRST",
        disabled=lambda self, body, unit: asyncio.sleep(
            0, (self.service.look(), self.service.issue(body, unit).answer)[1]
        ),
    )
    async def answer(self, body: bytes, unit: str | None) -> bytes:
        """The TimeStampResp for a body; the record of a token is durable before this returns."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._releases, self._waiting = loop, Releases(self._recorder, loop), []
            self._looking = None
        try:
            if self.service.is_due and not await self._look(loop):
                failure = PkiFailureInfo.SYSTEM_FAILURE
                return self._counted(wire.encode_failure(failure, NO_SERVICE), unit, failure)
            slow = self.service.is_slow(body, unit)
            outcome = None if slow else await self._together(body, unit, loop)
            if outcome is None:
                outcome = await loop.run_in_executor(self._threads, self.service.issue, body, unit)
        except Exception:  # the client sees the protocol's answer, the log sees all
            log.exception("timestamping.bug")
            failure = PkiFailureInfo.SYSTEM_FAILURE
            return self._counted(wire.encode_failure(failure, NO_SERVICE), unit, failure)
        if outcome.event is None or outcome.row is None:
            return self._counted(outcome.answer, unit, outcome.failure)
        unit = str(outcome.event.subject["unit"])
        try:
            await self._releases.record(outcome.event, outcome.row)
        except Exception as error:  # noqa: BLE001 - whatever stands against the record stands against the token
            return self._counted(self.service.unrecorded(outcome, error), unit, PkiFailureInfo.SYSTEM_FAILURE)
        self.service.recorded(outcome)
        return self._counted(outcome.answer, unit, None)

    async def _look(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Wait until the units were looked at, once for all requests; whether that was in time.

        Database and module may take long or not answer: a thread waits for them, and no request for longer
        than `LOOK_PATIENCE`.
        """
        looking = self._looking
        if looking is None:
            looking = self._looking = loop.run_in_executor(self._lookers, self.service.look)
            looking.add_done_callback(self._looked)
        done, _ = await asyncio.wait((looking,), timeout=LOOK_PATIENCE)
        return bool(done) and looking.exception() is None

    def _looked(self, looking: asyncio.Future[None]) -> None:
        self._looking = None
        if not looking.cancelled() and looking.exception() is not None:
            log.error("timestamping.bug", exc_info=looking.exception())
        self._lookers.submit(self._attempt)

    def _attempt(self) -> None:
        try:
            self.service.attempt()
        except Exception:  # nobody waits for this thread
            log.exception("timestamping.bug")

    def _counted(self, answer: bytes, unit: str | None, failure: PkiFailureInfo | None) -> bytes:
        """The answer, after it was counted."""
        if self._count is not None:
            self._count(unit or self._unnamed, GRANTED if failure is None else failure.code)
        return answer

    def _together(
        self, body: bytes, unit: str | None, loop: asyncio.AbstractEventLoop
    ) -> asyncio.Future[Outcome | None]:
        future: asyncio.Future[Outcome | None] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._issue, loop)
        self._waiting.append((body, unit, future))
        return future

    def _issue(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer what has come since the loop's last turn, not too many at a time."""
        most = self.service.most_together(BUDGET_US, MOST_TOGETHER)
        now, self._waiting = self._waiting[:most], self._waiting[most:]
        if self._waiting:
            loop.call_soon(self._issue, loop)
        slow = self.service.slow_units()
        try:
            outcomes = self.service.issue_all([(body, unit) for body, unit, _ in now])
        except Exception:
            log.exception("timestamping.bug")
            for body, unit, future in now:  # each by itself: no request may spoil the answers to others
                self._issue_one(body, unit, future)
            return
        for (_, _, future), outcome in zip(now, outcomes, strict=True):
            if not future.done():  # the client may be gone
                future.set_result(outcome)
        if self._waiting and self.service.slow_units() != slow:
            self._leave_to_threads()

    def _leave_to_threads(self) -> None:
        """A key turned slow: whoever waits for it waits no longer on the loop."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            body, unit, future = one
            if not self.service.is_slow(body, unit):
                self._waiting.append(one)
            elif not future.done():
                future.set_result(None)

    def _issue_one(self, body: bytes, unit: str | None, future: asyncio.Future[Outcome | None]) -> None:
        try:
            outcome = self.service.issue(body, unit)
        except Exception as error:  # noqa: BLE001 - told to the one who waits, and logged there
            if not future.done():
                future.set_exception(error)
        else:
            if not future.done():
                future.set_result(outcome)
