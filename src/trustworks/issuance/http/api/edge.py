"""The edge of the API: from an HTTP request to an operation, and from its answer or error to a response.

What issues a certificate is handed over to the batch, and answered when that is done; every other operation
runs in a thread.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qsl

import structlog

from trustworks.core.errors import Malformed, TrustworksError, Unavailable
from trustworks.core.http import RawRequest, RawResponse, Route, is_private
from trustworks.core.problems import response
from trustworks.core.troubles import Troubles
from trustworks.issuance.enrolment.clients import check_may, check_private
from trustworks.issuance.http.api import sessions
from trustworks.issuance.http.api.bodies import SignInBody, issued_json
from trustworks.issuance.http.api.operations import DOCUMENT_PATH, SIGN_IN_PATH, find
from trustworks.issuance.http.api.problems import problem, problem_of
from trustworks.issuance.http.api.service import ROOT, Answer, Api, Call
from trustworks.issuance.registration import looking
from trustworks.issuance.registration.wire import read_json, read_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustworks.issuance.config.api import ApiSettings
    from trustworks.issuance.enrolment.ra import RegistrationAuthority
    from trustworks.issuance.http.api.service import Operation
    from trustworks.issuance.model import Issued
    from trustworks.issuance.records.clients import ApiSession

T = TypeVar("T")
log = structlog.get_logger(__name__)

JSON: Final = "application/json"
_MAX_BODY: Final = 4 << 20
_MAX_SIGN_IN: Final = 16 << 10  # of who is not known yet
_THREADS: Final = 32
_NOT_KEPT: Final = (("cache-control", "no-store"),)
_MAX_KEY: Final = 128
_CHALLENGE: Final = ("www-authenticate", 'Bearer realm="trustworks"')
_RETRY: Final = ("retry-after", "5")


class Edge:
    """The handlers, on one event loop."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="api")
        self._looks = looking.threads()
        self._troubles = Troubles(log, begun="api.unavailable", over="api.available-again")
        self._landing = Landing()
        self._looking: dict[str, asyncio.Task[ApiSession | None]] = {}

    async def handle(self, request: RawRequest) -> RawResponse:
        """One request."""
        try:
            answer = await self._answer(request)
        except Exception as error:  # noqa: BLE001 - told and logged in `_failure`
            return self._failure(error, request)
        self._troubles.ended("api")
        return answer

    async def _answer(self, request: RawRequest) -> RawResponse:
        path = request.path.removeprefix(ROOT)
        method = "GET" if request.method == "HEAD" else request.method
        if (method, path) == ("POST", SIGN_IN_PATH):
            check_private(secure=request.secure, lab=self._api.lab)
            return _done(await self._in_thread(self._sign_in, request.body, request.client_address))
        if (method, path) == ("GET", DOCUMENT_PATH):
            from trustworks.issuance.http.api.openapi import document  # noqa: PLC0415 - few ask for it

            return _done(Answer(value=await self._in_thread(document, self._api.audience)))
        methods, parts = find(path)
        operation = methods.get(method)
        if operation is None:
            return _nowhere(path, methods)
        token = _token(request)
        session = None if token is None else await self._session(token)
        if session is None or token is None:
            return _not_signed_in()
        if not is_private(secure=request.secure, lab=self._api.lab):  # who listened has the token by now
            await self._in_thread(self._api.clients.sign_out, token)
            check_private(secure=False, lab=False)
        if operation.act is not None:
            check_may(session.client, operation.act)
        call = _call(operation, request, session, token, parts)
        return _done(await self._run(operation, call))

    async def _run(self, operation: Operation, call: Call) -> Answer:
        if operation.begin is not None:
            future: asyncio.Future[Issued] = asyncio.get_running_loop().create_future()
            if operation.begin(self._api, call, self._landing.for_(future)):
                return Answer(status=operation.status, value=issued_json(await future))
        if operation.looks:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._looks, operation.run, self._api, call)
        return await self._in_thread(operation.run, self._api, call)

    async def _session(self, token: str) -> ApiSession | None:
        """The session of a token; looked up unless that was done just now, once for all who wait for it."""
        kept = self._api.clients.session_kept(token)
        if kept is not None:
            return kept
        task = self._looking.get(token)
        if task is None:
            task = asyncio.ensure_future(self._in_thread(self._api.clients.session, token))
            self._looking[token] = task
            task.add_done_callback(lambda _: self._looking.pop(token, None))
        return await asyncio.shield(task)

    def _sign_in(self, body: bytes, address: str | None) -> Answer:
        return sessions.sign_in(self._api, read_json(SignInBody, body), address)

    async def admit(self, request: RawRequest) -> RawResponse | None:
        """What is answered before the body is read: only of who is signed in a long one is taken."""
        try:
            token = _token(request)
            session = None if token is None else await self._session(token)
        except Exception as error:  # noqa: BLE001 - as in `handle`
            return self._failure(error, request)
        return _not_signed_in() if session is None else None

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)

    def _failure(self, error: Exception, request: RawRequest) -> RawResponse:
        if isinstance(error, Unavailable):
            self._troubles.failed("api", error.code, code=error.code, reason=str(error))
            return _problem(problem_of(error), _RETRY)
        if not isinstance(error, TrustworksError):
            log.error("api.bug", path=request.path, exc_info=error)
        return _problem(problem_of(error))


class Landing:
    """Brings answers from the batch's thread to futures of the loop: the loop is woken once for many."""

    def __init__(self) -> None:
        self._landed: deque[tuple[asyncio.Future[Issued], Issued | Exception]] = deque()
        self._called = False

    def for_(self, future: asyncio.Future[Issued]) -> Callable[[Issued | Exception], None]:
        """What is called with the answer, on whatever thread."""
        loop = future.get_loop()

        def answered(outcome: Issued | Exception) -> None:
            self._landed.append((future, outcome))
            if not self._called:
                self._called = True
                loop.call_soon_threadsafe(self._hand_out)

        return answered

    def _hand_out(self) -> None:
        self._called = False  # first: what lands from now on calls again
        while self._landed:
            future, outcome = self._landed.popleft()
            if future.done():  # its client is gone
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


def _token(request: RawRequest) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _call(
    operation: Operation, request: RawRequest, session: ApiSession, token: str, parts: tuple[str, ...]
) -> Call:
    """The request as its operation wants it. Raises `Malformed`."""
    key = request.headers.get("idempotency-key")
    if key is not None:
        if operation.again is None:
            raise Malformed(
                "Idempotency-Key is not honoured here: leave it out, and look what was done before you send "
                "this again."
            )
        if not 1 <= len(key) <= _MAX_KEY or not key.isascii() or not key.isprintable() or " " in key:
            raise Malformed(f"Idempotency-Key has 1 to {_MAX_KEY} characters of ASCII without spaces.")
    query: Any = None
    if operation.query is not None or request.query:
        given = dict(parse_qsl(request.query, keep_blank_values=True))
        if operation.query is None:
            raise Malformed("This address takes nothing behind a question mark.")
        query = read_values(operation.query, given)
    return Call(
        client=session.client,
        token=token,
        given=None if operation.body is None else read_json(operation.body, request.body),
        text=request.body,
        parts=parts,
        query=query,
        key=key,
    )


def _nowhere(path: str, methods: Mapping[str, object]) -> RawResponse:
    known = sorted({*methods, *(("POST",) if path == SIGN_IN_PATH else ())})
    if not known and path == DOCUMENT_PATH:
        known = ["GET"]
    if not known:
        return refusal(404, "There is no such address. See openapi.json.")
    allowed = ", ".join(known)
    told = problem(405, "request", f"This address answers {allowed}. See openapi.json.")
    return _problem(told, ("allow", allowed))


def refusal(status: int, sentence: str) -> RawResponse:
    """The problem of a request that does not reach its operation."""
    return _problem(problem(status, "request", sentence))


def _not_signed_in() -> RawResponse:
    told = "Sign in (POST sessions), and send the token as Bearer."
    return _problem(problem(401, "not-signed-in", told), _CHALLENGE)


def _problem(value: dict[str, Any], *headers: tuple[str, str]) -> RawResponse:
    return response(value, *headers)


def _done(answer: Answer) -> RawResponse:
    return RawResponse(answer.status, JSON, _octets(answer.value), _NOT_KEPT)


def _octets(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def routes(authority: RegistrationAuthority, settings: ApiSettings) -> list[Route]:
    """The routes of the API."""
    edge = Edge(Api(authority, settings))
    sign_in = ROOT + SIGN_IN_PATH
    return [
        Route(method="GET", path=sign_in, handler=edge.handle, refusal=refusal),
        Route(method="DELETE", path=sign_in, handler=edge.handle, refusal=refusal),
        Route(
            method="POST",
            path=sign_in,
            handler=edge.handle,
            content_types=(JSON,),
            max_body=_MAX_SIGN_IN,
            refusal=refusal,
        ),
        Route(method="GET", path=ROOT, handler=edge.handle, refusal=refusal),
        Route(method="DELETE", path=ROOT, handler=edge.handle, refusal=refusal),
        Route(
            method="POST",
            path=ROOT,
            handler=edge.handle,
            content_types=(JSON,),
            max_body=_MAX_BODY,
            admit=edge.admit,
            refusal=refusal,
        ),
    ]
