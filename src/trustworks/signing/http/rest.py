"""`POST /signing/prepare`, `/signing/complete`, `/augmentation` and `/seals`: JSON in, JSON out.

What is answered: 200 what was asked for; 400 the message, or a document in it, cannot be read; 401 nobody
knows the client; 403 it may not, or the token came unencrypted; 413 too much; 415 no JSON; 422 it cannot be
signed so; 429 the client had what it may have on a day; 503 not now.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core import problems
from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError, Unavailable
from trustworks.core.http import RawResponse, Route
from trustworks.signing.bounded.pool import TOO_MUCH
from trustworks.signing.http import openapi
from trustworks.signing.rules.clients import QUOTAS, check_private

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trustworks.core.http import RawRequest
    from trustworks.signing.config import ClientSettings
    from trustworks.signing.desk import Desk

    Do = Callable[[ClientSettings, bytes], Awaitable[bytes]]

JSON: Final = "application/json"
PATHS: Final = ("/signing/prepare", "/signing/complete", "/augmentation", "/seals")
_CLIENT: Final = "TRUSTWORKS:SIGNING-CLIENT"
_NOT_KEPT: Final = (("cache-control", "no-store"),)
_TITLES: Final = {
    400: "The message cannot be read",
    401: "The client is not known",
    403: "The client may not do that",
    413: "That is too much for one request",
    422: "That cannot be signed so",
    429: "The client has had what it may have on a day",
    503: "Not now",
}


def routes(desk: Desk) -> list[Route]:
    """The routes of the service."""
    edge = Edge(desk)
    todo = (desk.prepare, desk.complete, desk.augment, desk.seal)
    described = Route(method="GET", path=openapi.PATH, handler=describe)
    return [described] + [
        Route(
            method="POST",
            path=path,
            handler=partial(edge.handle, do),
            content_types=(JSON,),
            max_body=desk.settings.limits.message,
            admit=edge.admit,
            refusal=refusal,
        )
        for path, do in zip(PATHS, todo, strict=True)
    ]


async def describe(request: RawRequest) -> RawResponse:
    """The OpenAPI document, for whoever asks."""
    del request
    return RawResponse(200, JSON, json.dumps(openapi.document()).encode())


def refusal(status: int, sentence: str) -> RawResponse:
    """What a request is told that reaches no handler."""
    return _problem(status, "request", sentence)


class Edge:
    """The handlers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def admit(self, request: RawRequest) -> RawResponse | None:
        """Refuse whom nobody knows before anything of his message is read."""
        try:
            self._client(request)
        except Refused as error:
            return told(error)
        return None

    async def handle(self, do: Do, request: RawRequest) -> RawResponse:
        """Do what was asked."""
        try:
            answer = await do(self._client(request), request.body)
        except TrustworksError as error:
            return told(error, self._desk.until_tomorrow)
        return RawResponse(200, JSON, answer, _NOT_KEPT)

    def _client(self, request: RawRequest) -> ClientSettings:
        check_private(secure=request.secure, lab=self._desk.lab)
        return self._desk.client(bearer(request))


def bearer(request: RawRequest) -> str | None:
    """The token of RFC 6750, 2.1; None where there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _at_some_time() -> int:
    return 30


def told(error: TrustworksError, tomorrow: Callable[[], int] = _at_some_time) -> RawResponse:
    """An error as a problem document, by its family; `tomorrow`: in how many seconds quotas begin anew."""
    match error:
        case Malformed():
            return _problem(400, "malformed", str(error))
        case Rejected(code=code):
            return _problem(413 if code == TOO_MUCH else 422, code, str(error))
        case Refused(requirement=requirement) if requirement in QUOTAS:
            return _problem(429, requirement, str(error), again=tomorrow())
        case Refused(requirement=requirement):
            status = 401 if requirement == _CLIENT else 403
            return _problem(
                status if requirement.startswith("TRUSTWORKS:SIGNING-") else 422, requirement, str(error)
            )
        case Unavailable(code=code):
            return _problem(503, code, str(error))
        case _:
            raise error


def _problem(status: int, code: str, sentence: str, *, again: int = 30) -> RawResponse:
    document = problems.document(
        f"urn:trustworks:signing:{code}", status=status, title=_TITLES.get(status), detail=sentence
    )
    later = (("retry-after", str(again)),)
    headers = {401: (("www-authenticate", "Bearer"),), 429: later, 503: later}.get(status, ())
    return problems.response(document, *headers)
