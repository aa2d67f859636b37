"""ACME over HTTP: everything beneath ``/acme/`` (RFC 8555, 6.1 and 7.1).

Messages are handled in threads: they wait for the database, and for the module when a certificate is issued.
Every failure is a problem document (6.7), and every answer to a message brings the next nonce (6.5).
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qs

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core import problems
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.http import RawRequest, RawResponse, Route
from trustworks.core.trace import with_rule
from trustworks.core.troubles import Troubles
from trustworks.issuance.enrolment.acme import accounts, certificates, orders, renewal, wire
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.rules import messages as rules
from trustworks.issuance.enrolment.acme.rules.certificates import LOOK_AGAIN
from trustworks.issuance.enrolment.acme.wire import PATH, Urls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.issuance.enrolment.acme.service import AcmeServer, Signed
    from trustworks.issuance.records.acme import Challenge, Order

    Headers = tuple[tuple[str, str], ...]
    Resource = Callable[["Edge", "Signed", str], "Answer"]

log = structlog.get_logger(__name__)

JSON: Final = "application/json"
CHAIN: Final = "application/pem-certificate-chain"
_THREADS: Final = 8
_POLL: Final = 1  # seconds after which a client may look again at what is in progress
_NOT_KEPT: Final = ("cache-control", "no-store")


class Answer(NamedTuple):
    """What a resource answers: HTTP status, body (JSON values, or text as it is), further headers."""

    status: int
    body: Any
    headers: Headers = ()
    content_type: str = JSON


def routes(server: AcmeServer) -> list[Route]:
    """The routes of ACME."""
    edge = Edge(server)
    return [
        Route(method="GET", path=PATH, handler=edge.get, refusal=refusal),
        Route(method="POST", path=PATH, handler=edge.post, max_body=rules.MAX_MESSAGE, refusal=refusal),
    ]


def refusal(status: int, sentence: str) -> RawResponse:
    """A problem document for a request that did not even get here."""
    return problems.response(Problem("malformed", sentence, status=status).document())


class Edge:
    """The handlers, on one event loop."""

    def __init__(self, server: AcmeServer) -> None:
        self._server = server
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="acme")
        self._troubles = Troubles(log, begun="acme.unavailable", over="acme.available-again")

    async def get(self, request: RawRequest) -> RawResponse:
        """What needs no signature: the directory, nonces, renewal information."""
        return await self._in_thread(partial(self._read, request))

    async def post(self, request: RawRequest) -> RawResponse:
        """A signed message."""
        return await self._in_thread(partial(self._signed, request))

    async def _in_thread(self, work: Callable[[], RawResponse]) -> RawResponse:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    # Without a signature

    def _read(self, request: RawRequest) -> RawResponse:
        try:
            urls = self._urls(request)
            answer = self._unsigned(request, urls)
            return _response(answer, (_index(urls),))
        except Exception as error:  # noqa: BLE001 - told and logged in `_failure`
            return self._failure(error, request, ())

    def _unsigned(self, request: RawRequest, urls: Urls) -> Answer:
        server = self._server
        name, _, rest = request.path.removeprefix(PATH).partition("/")
        match name, rest:
            case "directory", "":
                return Answer(200, wire.directory(urls, server.settings, server.profiles, server.caa_domains))
            case "new-nonce", "":
                nonce = ("replay-nonce", server.new_nonce())
                return Answer(200 if request.method == "HEAD" else 204, None, (nonce, _NOT_KEPT))
            case "renewal-info", identifier if identifier:
                told = renewal.renewal_info(server, identifier, server.now())
                later = str(int(LOOK_AGAIN.total_seconds()))
                return Answer(200, told, (("retry-after", later),))
            case _ if name in RESOURCES:
                raise Problem(
                    "malformed",
                    "This resource takes signed messages: POST, or POST-as-GET to read it (RFC 8555, 6.3).",
                    status=405,
                    headers=(("allow", "POST"),),
                )
        raise _nowhere()

    # Signed

    def _signed(self, request: RawRequest) -> RawResponse:
        headers: Headers = ()
        try:
            urls = self._urls(request)
            headers = (_index(urls),)
            rules.check_content_type(request.headers.get("content-type", ""))
            rules.check_size(len(request.body))
            raw = request.raw_path.decode("latin-1")
            name, _, rest = raw.partition("?")[0].removeprefix(PATH).partition("/")
            resource = RESOURCES.get(name)
            if resource is None:
                return self._failure(_nowhere(), request, headers)
            signed = self._server.authentic(request.body, urls.origin + raw, urls)
            query = raw.partition("?")[2]
            answer = resource(self, signed, f"{rest}?{query}" if query else rest)
            answered = _response(answer, (_NOT_KEPT, *headers, self._nonce()))
        except Exception as error:  # noqa: BLE001 - told and logged in `_failure`
            return self._failure(error, request, headers)
        self._troubles.ended("acme")
        return answered

    def _urls(self, request: RawRequest) -> Urls:
        return Urls(rules.origin_asked(request.headers.get("host", ""), self._server.origins))

    def _nonce(self) -> tuple[str, str]:
        return "replay-nonce", self._server.new_nonce()

    def _failure(self, error: Exception, request: RawRequest, headers: Headers) -> RawResponse:
        """The problem document of an error (6.7)."""
        problem = problem_of(error)
        if isinstance(error, Unavailable):
            self._troubles.failed("acme", error.code, code=error.code, reason=str(error))
        elif problem.status == 500:
            log.error("acme.bug", path=request.path, exc_info=error)
        told = (*headers, *problem.headers)
        if request.method == "POST":
            with suppress(Unavailable):  # without time there is no nonce either
                told = (*told, self._nonce())
        return problems.response(problem.document(), *told)

    # Resources (RFC 8555, 7.1)

    def new_account(self, signed: Signed, rest: str) -> Answer:
        """``new-account``."""
        _no_more(rest)
        found, made = accounts.new_account(self._server, signed)
        at = ("location", signed.urls.account(found.id))
        return Answer(201 if made else 200, wire.account(found, signed.urls), (at,))

    def account(self, signed: Signed, rest: str) -> Answer:
        """``account/ID`` and ``account/ID/orders``."""
        path, _, query = rest.partition("?")
        id_, _, part = path.partition("/")
        if part == "orders":
            rules.check_post_as_get(signed.payload)
            return self._orders(signed, id_, query)
        _no_more(part)
        return Answer(200, wire.account(accounts.update_account(self._server, signed, id_), signed.urls))

    def _orders(self, signed: Signed, id_: str, query: str) -> Answer:
        given = parse_qs(query).get("page", ["0"])[-1]
        page = int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 0
        ids, more = orders.orders_of_account(self._server, signed, id_, page)
        following = signed.urls("account", id_, f"orders?page={page + 1}")
        link = (("link", f'<{following}>;rel="next"'),) if more else ()
        return Answer(200, {"orders": [signed.urls("order", one) for one in ids]}, link)

    def key_change(self, signed: Signed, rest: str) -> Answer:
        """``key-change``."""
        _no_more(rest)
        return Answer(200, wire.account(accounts.change_key(self._server, signed), signed.urls))

    def new_order(self, signed: Signed, rest: str) -> Answer:
        """``new-order``."""
        _no_more(rest)
        found, ids = orders.new_order(self._server, signed)
        at = ("location", signed.urls("order", found.id))
        return Answer(201, self._shown(signed, found, ids), (at,))

    def order(self, signed: Signed, rest: str) -> Answer:
        """``order/ID`` and ``order/ID/finalize``."""
        id_, _, part = rest.partition("/")
        if part == "finalize":
            found, ids = certificates.finalize(self._server, signed, id_)
            return self._order(signed, found, ids)
        _no_more(part)
        rules.check_post_as_get(signed.payload)
        found, ids = orders.order_of(self._server, signed, id_)
        return self._order(signed, found, ids)

    def _order(self, signed: Signed, found: Order, ids: Sequence[str]) -> Answer:
        headers: Headers = (("location", signed.urls("order", found.id)),)
        if found.status in {"pending", "processing"}:
            headers = (*headers, ("retry-after", str(_POLL)))
        return Answer(200, self._shown(signed, found, ids), headers)

    def _shown(self, signed: Signed, found: Order, ids: Sequence[str]) -> dict[str, Any]:
        replaced = renewal.identifier_of(self._server, found.replaces)
        return wire.order(found, ids, signed.urls, replaced)

    def authorization(self, signed: Signed, rest: str) -> Answer:
        """``authorization/ID``."""
        found, offered = orders.authorization_of(self._server, signed, rest)
        waits = any(one.status == "processing" for one in offered)
        headers: Headers = (("retry-after", str(_POLL)),) if waits else ()
        return Answer(200, wire.authorization(found, offered, signed.urls), headers)

    def challenge(self, signed: Signed, rest: str) -> Answer:
        """``challenge/ID``."""
        found, authorization = orders.challenge_of(self._server, signed, rest)
        return Answer(200, wire.challenge(found, signed.urls), self._up(signed, found, authorization))

    @staticmethod
    def _up(signed: Signed, found: Challenge, authorization: str) -> Headers:
        up = ("link", f'<{signed.urls("authorization", authorization)}>;rel="up"')
        return (up, ("retry-after", str(_POLL))) if found.status == "processing" else (up,)

    def certificate(self, signed: Signed, rest: str) -> Answer:
        """``certificate/SERIAL`` with the chain below the root, ``certificate/SERIAL/1`` with the root."""
        rules.check_post_as_get(signed.payload)
        serial, _, which = rest.partition("/")
        if which not in {"", "1"}:
            raise _nowhere()
        chains = certificates.certificate_of(self._server, signed, serial)
        pem = b"".join(
            x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM) for der in chains[which == "1"]
        )
        other = signed.urls("certificate", serial) if which else signed.urls("certificate", serial, "1")
        return Answer(200, pem, (("link", f'<{other}>;rel="alternate"'),), CHAIN)

    def revoke_certificate(self, signed: Signed, rest: str) -> Answer:
        """``revoke-cert``."""
        _no_more(rest)
        certificates.revoke(self._server, signed)
        return Answer(200, None)


RESOURCES: Final[dict[str, Resource]] = {
    "new-account": Edge.new_account,
    "account": Edge.account,
    "key-change": Edge.key_change,
    "new-order": Edge.new_order,
    "order": Edge.order,
    "authorization": Edge.authorization,
    "challenge": Edge.challenge,
    "certificate": Edge.certificate,
    "revoke-cert": Edge.revoke_certificate,
}


def problem_of(error: Exception) -> Problem:
    """ACME's problem for an error of any family; one that is none is a fault, whose words stay inside."""
    match error:
        case Problem(code="badCSR"):
            return Problem("badCSR", with_rule(error), status=error.status, headers=error.headers)
        case Problem():
            return error
        case Malformed() | Rejected():
            return Problem("malformed", with_rule(error))
        case Refused():
            return Problem("unauthorized", with_rule(error))
        case Unavailable():
            return Problem(
                "serverInternal",
                "The server cannot do this now; try again later.",
                status=503,
                headers=(("retry-after", "5"),),
            )
        case _:
            return Problem(
                "serverInternal", "The server failed; its operator finds the reason in the log.", status=500
            )


def _response(answer: Answer, headers: Headers) -> RawResponse:
    body = answer.body if isinstance(answer.body, bytes) else _octets(answer.body)
    return RawResponse(answer.status, answer.content_type, body, (*headers, *answer.headers))


def _octets(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body, ensure_ascii=True).encode("ascii")


def _index(urls: Urls) -> tuple[str, str]:
    return "link", f'<{urls("directory")}>;rel="index"'


def _nowhere() -> Problem:
    return Problem("malformed", "There is no such resource; the directory names all.", status=404)


def _no_more(rest: str) -> None:
    if rest:
        raise _nowhere()
