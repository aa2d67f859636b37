"""The certificate management protocol over HTTP: ``/cmp``, ``/.well-known/cmp`` (RFC 9811; RFC 9483, 6.1)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from trustworks.core.http import RawRequest, RawResponse, Route
from trustworks.issuance.enrolment.cmp.exchange import MAX_MESSAGE, Exchange
from trustworks.issuance.enrolment.secrets import open_credentials

if TYPE_CHECKING:
    from trustworks.issuance.config import CmpSettings
    from trustworks.issuance.enrolment.ra import RegistrationAuthority

PKIXCMP: Final = "application/pkixcmp"
# What is asked for is in the message; a label of RFC 9483, 6.1 behind the path changes nothing.
PATHS: Final = ("/cmp", "/cmp/", "/.well-known/cmp", "/.well-known/cmp/")
_THREADS: Final = 8
_NOT_KEPT: Final = (("cache-control", "no-store"),)


def routes(authority: RegistrationAuthority, settings: CmpSettings) -> list[Route]:
    """The routes of the CMP server."""
    edge = Edge(Exchange(authority, settings, open_credentials(authority)))
    return [
        Route(method="POST", path=path, handler=edge.post, content_types=(PKIXCMP,), max_body=MAX_MESSAGE)
        for path in PATHS
    ]


class Edge:
    """The handler. An issuance waits for signatures and commits, so it is done in a thread."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="cmp")

    async def post(self, request: RawRequest) -> RawResponse:
        """``POST /cmp``: a message for a message; the status is 200, an error is in the message."""
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._threads, self._exchange.answer, request.body)
        return RawResponse(200, PKIXCMP, answer, _NOT_KEPT)
