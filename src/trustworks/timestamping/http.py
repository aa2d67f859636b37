"""The time-stamp protocol over HTTP: ``POST /tsa``, and ``POST /tsa/NAME`` for each unit (RFC 3161, 3.4).

Every answer of the protocol, refusals too, is a TimeStampResp with HTTP status 200.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import structlog

from trustworks.core.audit import Releases
from trustworks.core.http import Handler, RawRequest, RawResponse, Route
from trustworks.core.trace import implements
from trustworks.timestamping import wire
from trustworks.timestamping.model import PkiFailureInfo
from trustworks.timestamping.service import NO_SERVICE

if TYPE_CHECKING:
    from trustworks.core.audit import Recorder
    from trustworks.timestamping.service import Outcome, TimestampingAuthority

log = structlog.get_logger(__name__)

QUERY: Final = "application/timestamp-query"
REPLY: Final = "application/timestamp-reply"


@implements("RFC3161:3.4-HTTP", "EN319422:7-HTTPS")
def routes(service: TimestampingAuthority, recorder: Recorder) -> list[Route]:
    """The routes of the authority; `recorder` is the one that `service` was made with."""
    edge = Edge(service, recorder)
    paths: list[tuple[str, str | None]] = [("/tsa", None)]
    paths += [(f"/tsa/{name}", name) for name in service.unit_names]
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
    """Answers requests on one event loop.

    A key that signs quickly is used on the loop itself, as a thread would cost more than it saves; one that
    is slow (a module over the network) is waited for in a thread.
    """

    def __init__(self, service: TimestampingAuthority, recorder: Recorder) -> None:
        self._service = service
        self._recorder = recorder
        self._loop: asyncio.AbstractEventLoop | None = None
        self._releases: Releases
        self._threads = ThreadPoolExecutor(service.settings.threads, thread_name_prefix="tsa")

    def handler(self, unit: str | None) -> Handler:
        """The handler of one address."""

        async def handle(request: RawRequest) -> RawResponse:
            return RawResponse(200, REPLY, await self.answer(request.body, unit))

        return handle

    @implements("TRUSTWORKS:TSA-RECORD-FIRST")
    async def answer(self, body: bytes, unit: str | None) -> bytes:
        """The TimeStampResp for a body; the record of a token is durable before this returns."""
        try:
            outcome = await self._issue(body, unit)
        except Exception:
            log.exception("timestamping.bug")
            return wire.encode_failure(PkiFailureInfo.SYSTEM_FAILURE, NO_SERVICE)
        if outcome.event is None or outcome.row is None:
            return outcome.answer
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._releases = loop, Releases(self._recorder, loop)
        try:
            await self._releases.record(outcome.event, outcome.row)
        except Exception as error:  # noqa: BLE001 - whatever stands against the record stands against the token
            return self._service.unrecorded(outcome, error)
        return outcome.answer

    async def _issue(self, body: bytes, unit: str | None) -> Outcome:
        if self._service.is_slow(unit):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._service.issue, body, unit)
        return self._service.issue(body, unit)
