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
from trustworks.core.http import RawResponse, Route
from trustworks.validation.bounded.pool import TOO_MUCH
from trustworks.validation.http import dssx
from trustworks.validation.offer import UNKNOWN

if TYPE_CHECKING:
    from trustworks.core.http import RawRequest
    from trustworks.validation.bounded.asked import Asked
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
            handler=Edge(desk).take,
            content_types=(JSON,),
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

    async def take(self, request: RawRequest) -> RawResponse:
        """Answer a VerifyRequest."""
        try:
            # In a thread: a message may be long.
            wanted = await asyncio.to_thread(dssx.read_request, request.body)
        except Malformed as error:
            return _message(400, None, dssx.result(dssx.REQUESTER_ERROR, dssx.GENERAL_ERROR, str(error)))
        try:
            dssx.check_supported(wanted)
            asked = await asyncio.to_thread(dssx.asked_of, wanted)
            return await self._validated(wanted, asked)
        except Malformed as error:
            told = dssx.result(dssx.REQUESTER_ERROR, dssx.GENERAL_ERROR, str(error))
            return _message(200, wanted, told)
        except Rejected as error:
            minor = dssx.NOT_SUPPORTED if error.code in {UNKNOWN, dssx.NOT_SUPPORTED} else dssx.GENERAL_ERROR
            status = 413 if error.code == TOO_MUCH else 200
            return _message(status, wanted, dssx.result(dssx.REQUESTER_ERROR, minor, str(error)))
        except Unavailable as error:
            sentence = str(error) if error.code.startswith("validation.") else "Try again later."
            told = dssx.result(dssx.RESPONDER_ERROR, dssx.GENERAL_ERROR, sentence)
            return _message(503, wanted, told, _RETRY)

    async def _validated(self, wanted: VerifyRequest, asked: Asked) -> RawResponse:
        answered = await self._desk.validate(asked, through="ts119442")
        outputs = dssx.outputs_of(wanted, answered)
        return _message(200, wanted, dssx.result_of(answered), outputs=outputs)


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
