"""`POST /validation/ts119442`: the validation protocol of TS 119 442 in its JSON binding.

HTTP says 200 wherever there is a response message of the protocol, whatever it says; 400 where the request
cannot be read, 413 and 415 before there is one, 503 not now: a message too, for who reads nothing else.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.http import BodyRefusedError, RawResponse, Route
from trustworks.validation.bounded.pool import TOO_MUCH
from trustworks.validation.http import dssx
from trustworks.validation.offer import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trustworks.core.http import RawRequest
    from trustworks.validation.desk import Desk
    from trustworks.validation.http.dssx import VerifyRequest

PATH: Final = "/validation/ts119442"
JSON: Final = "application/json"
_NOT_KEPT: Final = ("cache-control", "no-store")
_RETRY: Final = ("retry-after", "30")


def routes(desk: Desk) -> list[Route]:
    """The routes."""
    return [
        Route(
            method="POST",
            path=PATH,
            streamed=Edge(desk).take,
            max_body=desk.settings.limits.message,
            refusal=refused,
        )
    ]


def refused(status: int, sentence: str) -> RawResponse:
    """A request that does not reach the protocol, in its own form."""
    return _message(status, None, dssx.result(dssx.REQUESTER_ERROR, None, sentence))


class Edge:
    """The handlers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._reading = asyncio.Lock()

    async def take(self, request: RawRequest, portions: AsyncIterator[bytes]) -> RawResponse:
        """Answer a VerifyRequest, whose place is taken before anything of it is read."""
        given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given != JSON:
            raise BodyRefusedError(415, f"The body's Content-Type must be {JSON}.")
        try:
            with self._desk.messages.place(portions) as counted:
                return await self._answered(counted)
        except Unavailable as error:
            return _not_now(None, error)

    async def _answered(self, portions: AsyncIterator[bytes]) -> RawResponse:
        files = self._desk.settings.limits.files
        body, marks = bytearray(), dssx.Marks(files)
        async for portion in portions:
            marks.count(portion)
            body += portion
        # One at a time: while a message is read it takes some times its octets.
        async with self._reading:
            try:
                # In a thread: a message may be long.
                wanted = await asyncio.to_thread(dssx.read_request, body)
            except Malformed as error:
                told = dssx.result(dssx.REQUESTER_ERROR, dssx.GENERAL_ERROR, str(error))
                return _message(400, None, told)
            body.clear()
            try:
                dssx.check_supported(wanted, seals=self._desk.sealer is not None)
                dssx.check_number(wanted, files)
                asked = await asyncio.to_thread(dssx.asked_of, wanted)
            except (Malformed, Rejected) as error:
                return _refusal(wanted, error)
            wanted = dssx.without_documents(wanted)
        try:
            answered = await self._desk.validate(asked, through="ts119442")
        except (Malformed, Rejected) as error:
            return _refusal(wanted, error)
        except Unavailable as error:
            return _not_now(wanted, error)
        outputs = dssx.outputs_of(wanted, answered)
        return _message(200, wanted, dssx.result_of(answered), outputs=outputs)


def _refusal(request: VerifyRequest, error: Malformed | Rejected) -> RawResponse:
    minor, status = dssx.GENERAL_ERROR, 200
    if isinstance(error, Rejected):
        minor = dssx.NOT_SUPPORTED if error.code in {UNKNOWN, dssx.NOT_SUPPORTED} else minor
        status = 413 if error.code == TOO_MUCH else status
    return _message(status, request, dssx.result(dssx.REQUESTER_ERROR, minor, str(error)))


def _not_now(request: VerifyRequest | None, error: Unavailable) -> RawResponse:
    sentence = str(error) if error.code.startswith("validation.") else "Try again later."
    told = dssx.result(dssx.RESPONDER_ERROR, dssx.GENERAL_ERROR, sentence)
    return _message(503, request, told, _RETRY)


def _message(
    status: int,
    request: VerifyRequest | None,
    result: dict[str, Any],
    *headers: tuple[str, str],
    outputs: dict[str, Any] | None = None,
) -> RawResponse:
    document = dssx.response(request, result, str(uuid.uuid4()), outputs)
    body = json.dumps(document, ensure_ascii=False).encode()
    return RawResponse(status, JSON, body, (_NOT_KEPT, *headers))
