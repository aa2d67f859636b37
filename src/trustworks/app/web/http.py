"""The HTTP application of one worker: raw protocol routes first, pages and health behind them.

Binary protocols (time-stamps, status, certificates) are answered without a framework: the body is read within
its size and time limits, the media type is checked, the service's handler is called. Everything else goes to
a small Starlette application. See DESIGN "HTTP": async stays here and in the services' ``http.py``.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from trustworks.app.web.portions import Portions
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.http import BodyRefusedError, Headers, RawRequest, RawResponse, Route
from trustworks.core.trace import implements
from trustworks.core.troubles import Troubles

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from trustworks.app.health.metrics import Traffic
    from trustworks.app.web.client_identity import ClientIdentity
    from trustworks.app.web.error_pages import ErrorPages
    from trustworks.core.http import Streamed

log = structlog.get_logger(__name__)

_TEXT = "text/plain; charset=utf-8"


class BodyTooLargeError(Exception):
    """The body is longer than the route allows."""


class Shell:
    """An ASGI application that answers the services' raw routes and hands the rest to `pages`.

    `body_timeout` is in seconds and covers the whole body, so that a client that sends a byte now and then
    cannot hold a connection for ever. `errors` draws for browsers what is said in plain text to others.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        *,
        pages: Any,
        traffic: Traffic,
        identity: ClientIdentity,
        body_timeout: float,
        errors: ErrorPages | None = None,
    ) -> None:
        self.replace(routes)
        self._pages = pages
        self._traffic = traffic
        self._identity = identity
        self._errors = errors
        self._body_timeout = body_timeout
        self._patience = Patience(body_timeout)
        self._troubles = Troubles(log, begun="http.unavailable", over="http.available-again")

    def replace(self, routes: Iterable[Route]) -> None:
        """Answer these routes from now on; requests in flight are finished by the ones they came to."""
        exact: dict[str, dict[str, Route]] = {}
        prefixes: dict[str, dict[str, Route]] = {}
        for route in routes:
            table = prefixes if route.path.endswith("/") else exact
            table.setdefault(route.path, {})[route.method] = route
        self._exact, self._prefixes = exact, prefixes

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer one ASGI connection."""
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        path: str = scope["path"]
        methods = self._exact.get(path)
        if methods is None:
            methods = next(
                (found for prefix, found in self._prefixes.items() if path.startswith(prefix)), None
            )
        if methods is None:
            await self._pages(scope, receive, send)
            return
        started = time.perf_counter()
        route = methods.get(scope["method"]) or (methods.get("GET") if scope["method"] == "HEAD" else None)
        if route is None:
            allowed = ", ".join(sorted(methods))
            answer = RawResponse(
                405,
                _TEXT,
                f"This address answers {allowed}.\n".encode(),
                (("allow", allowed),),
            )
        else:
            answer = await self._answer(route, scope, receive)
        if self._errors is not None and answer.status >= 400:
            answer = self._errors.shown(answer, Headers(scope["headers"]).get("accept", ""))
        await _send(answer, send, head=scope["method"] == "HEAD")
        label = next(iter(methods.values())).path  # never the client's words: they would make endless series
        self._traffic.count(label, answer.status, time.perf_counter() - started)

    async def _answer(  # noqa: C901, PLR0911 - one for each thing that may be wrong
        self, route: Route, scope: MutableMapping[str, Any], receive: Any
    ) -> RawResponse:
        headers = Headers(scope["headers"])
        if len(headers) != len(scope["headers"]) and self._identity.is_ambiguous(scope["headers"]):
            return RawResponse(400, _TEXT, b"A header of the trusted proxy comes more than once.\n")
        if route.streamed is not None:
            return await self._streamed(route, route.streamed, scope, receive)
        if route.content_types:
            given = headers.get("content-type", "").partition(";")[0].strip().lower()
            if given not in route.content_types:
                told = f"The body's Content-Type must be {' or '.join(route.content_types)}."
                return _refused(route, 415, told)
        if route.admit is not None:
            try:
                early = await route.admit(self._request(scope, headers, b""))
            except Malformed as error:  # what a trusted proxy says of the client
                return answer_to(error)
            if early is not None:
                return replace(early, headers=(*early.headers, *_CLOSE))
        try:
            body = await self._body(route, headers, receive)
        except BodyTooLargeError:
            return _refused(route, 413, f"The body must not be longer than {route.max_body} bytes.")
        except TimeoutError:
            return _refused(route, 408, f"The body must arrive within {self._body_timeout:g} seconds.")
        except ConnectionResetError:
            return RawResponse(
                400, _TEXT, b"The connection was closed before the body was complete.\n", _CLOSE
            )
        try:
            answer = await route.handler(self._request(scope, headers, body))
        except Exception as error:  # noqa: BLE001 - the last line of defence; logged in `_failed`
            self._failed(error, route)
            return answer_to(error)
        self._troubles.ended(route.path, path=route.path)
        return answer

    async def _streamed(
        self, route: Route, handler: Streamed, scope: MutableMapping[str, Any], receive: Any
    ) -> RawResponse:
        """The answer of a handler that reads the body itself."""
        headers = Headers(scope["headers"])
        seconds = route.body_seconds or self._body_timeout
        portions = Portions(receive, headers, most=route.max_body, seconds=seconds)
        try:
            answer = await handler(self._request(scope, headers, b""), portions)
        except BodyRefusedError as error:
            answer = _refused(route, error.status, error.sentence)
        except Exception as error:  # noqa: BLE001 - as in `_answer`
            self._failed(error, route)
            answer = answer_to(error)
        else:
            self._troubles.ended(route.path, path=route.path)
        return answer if portions.complete else replace(answer, headers=(*answer.headers, *_CLOSE))

    def _request(self, scope: MutableMapping[str, Any], headers: Headers, body: bytes) -> RawRequest:
        return RawRequest(
            method=scope["method"],
            path=scope["path"],
            raw_path=scope.get("raw_path") or scope["path"].encode(),
            headers=headers,
            body=body,
            client_certificate=self._identity.certificate(headers, scope),
            secure=scope.get("scheme") == "https" or self._identity.vouches(headers),
            query=scope.get("query_string", b"").decode("latin-1"),
            client_address=self._identity.address(headers, scope),
        )

    def _failed(self, error: Exception, route: Route) -> None:
        match error:
            case Malformed() | Rejected() | Refused():
                return
            case Unavailable(code=code):
                self._troubles.failed(route.path, code, code=code, reason=str(error), path=route.path)
            case _:
                log.error("http.bug", path=route.path, exc_info=error)

    async def _body(self, route: Route, headers: Headers, receive: Any) -> bytes:
        declared = headers.get("content-length")
        if declared is not None and declared.isdigit() and int(declared) > route.max_body:
            raise BodyTooLargeError
        with self._patience:
            message = await receive()
            body = _chunk(message)
            if len(body) > route.max_body:
                raise BodyTooLargeError
            if not message.get("more_body", False):
                return body
            parts, length = [body], len(body)
            while message.get("more_body", False):
                message = await receive()
                part = _chunk(message)
                length += len(part)
                if length > route.max_body:
                    raise BodyTooLargeError
                parts.append(part)
            return b"".join(parts)


class Patience:
    """``with patience:`` raises `TimeoutError` in a task that is in there for longer than `seconds`.

    As `asyncio.timeout`, for many tasks with the same time: one timer of the loop serves them all, so that
    the one who is quick pays for two steps in a dictionary. On one event loop only.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: dict[asyncio.Task[Any], float] = {}  # the first to enter is the first to be late
        self._is_set = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        loop = task.get_loop()
        self._ends[task] = loop.time() + self._seconds
        if not self._is_set:
            self._is_set = True
            loop.call_later(self._seconds, self._look, loop)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - as above
        was_late = self._ends.pop(task, None) is None
        if was_late and task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Interrupt who is late, and look again when the next one may be."""
        self._is_set = False
        now = loop.time()
        for task, end in list(self._ends.items()):
            if end > now:
                self._is_set = True
                loop.call_at(end, self._look, loop)
                return
            del self._ends[task]
            task.cancel()


_CLOSE = (("connection", "close"),)
_RETRY = (("retry-after", "5"),)


@implements(
    "TRUSTWORKS:APP-INSIDE-STAYS-INSIDE",
    disabled=lambda error: RawResponse(500, _TEXT, repr(error).encode()),
)
def answer_to(error: Exception) -> RawResponse:
    """What a client is told about an error that no protocol has an answer of its own for."""
    match error:
        case Malformed():
            return RawResponse(400, _TEXT, f"{error}\n".encode())
        case Rejected() | Refused():
            return RawResponse(403, _TEXT, f"{error}\n".encode())
        case Unavailable():
            return RawResponse(503, _TEXT, b"The service cannot answer now. Try again later.\n", _RETRY)
        case _:
            return RawResponse(
                500, _TEXT, b"The service failed to answer; its operator finds the reason in the log.\n"
            )


def _refused(route: Route, status: int, sentence: str) -> RawResponse:
    """The answer to a request whose body was not read to its end, in the protocol's form if it has one."""
    if route.refusal is None:
        return RawResponse(status, _TEXT, f"{sentence}\n".encode(), _CLOSE)
    answer = route.refusal(status, sentence)
    return RawResponse(answer.status, answer.content_type, answer.body, (*answer.headers, *_CLOSE))


def _chunk(message: MutableMapping[str, Any]) -> bytes:
    if message["type"] != "http.request":
        raise ConnectionResetError
    body: bytes = message.get("body", b"")
    return body


async def _send(answer: RawResponse, send: Any, *, head: bool) -> None:
    headers = [
        (b"content-type", answer.content_type.encode("latin-1")),
        (b"x-content-type-options", b"nosniff"),
    ]
    if answer.status != 304:  # there it would tell the length of what is not sent (RFC 9110, 8.6)
        headers.append((b"content-length", str(len(answer.body)).encode()))
    headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
