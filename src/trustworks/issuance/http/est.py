"""Enrolment over secure transport over HTTP: ``/.well-known/est/[PROFILE/]OPERATION`` (RFC 7030, 3.2.2)."""

from __future__ import annotations

import asyncio
import base64
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.http import RawRequest, RawResponse, Route
from trustworks.core.trace import with_rule
from trustworks.issuance.enrolment.est import MAX_BODY, EstServer, check_secure, is_profile
from trustworks.issuance.enrolment.refusals import NOT_AUTHORISED, Refusals
from trustworks.issuance.enrolment.waiting import SENTENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.issuance.config import EstSettings
    from trustworks.issuance.enrolment.key_generation import Delivery
    from trustworks.issuance.enrolment.ra import RegistrationAuthority

log = structlog.get_logger(__name__)

T = TypeVar("T")

PREFIX: Final = "/.well-known/est/"
PKCS10: Final = "application/pkcs10"
CERTS_ONLY: Final = "application/pkcs7-mime; smime-type=certs-only"
CSR_ATTRIBUTES: Final = "application/csrattrs"
_TEXT: Final = "text/plain; charset=utf-8"
_TAKE_REQUESTS: Final = frozenset({"simpleenroll", "simplereenroll", "serverkeygen"})
_THREADS: Final = 8
_BASE64: Final = ("content-transfer-encoding", "base64")
_NOT_KEPT: Final = ("cache-control", "no-store")
_RETRY: Final = ("retry-after", "5")
_CHALLENGE: Final = ("www-authenticate", 'Basic realm="EST", charset="UTF-8"')


def routes(authority: RegistrationAuthority, settings: EstSettings) -> list[Route]:
    """The routes of the EST server."""
    refusals = Refusals("est", recorder=authority.recorder, clock=authority.clock)
    edge = Edge(EstServer(authority, settings), refusals, retry_after=settings.retry_after_seconds)
    return [
        Route(method="GET", path=PREFIX, handler=edge.get),
        # The media type is looked at where there is such an operation: any other is not found.
        Route(method="POST", path=PREFIX, handler=edge.post, max_body=MAX_BODY),
    ]


class Edge:
    """The handlers. An issuance waits for signatures and commits, so it is done in a thread."""

    def __init__(self, server: EstServer, refusals: Refusals, *, retry_after: int) -> None:
        self._server = server
        self._refusals = refusals
        self._retry_after = retry_after
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="est")

    async def get(self, request: RawRequest) -> RawResponse:
        """``cacerts`` and ``csrattrs``; nobody has to say who they are."""
        label, operation = place(request.path)
        match operation:
            case "cacerts":
                return await self._answer(request, self._server.ca_certificates, CERTS_ONLY)
            case "csrattrs":
                work = partial(self._server.csr_attributes, label)
                return await self._answer(request, work, CSR_ATTRIBUTES)
            case "simpleenroll" | "simplereenroll":
                return _text(405, "This operation takes a POST.", ("allow", "POST"))
            case "serverkeygen" if self._server.generates:
                return _text(405, "This operation takes a POST.", ("allow", "POST"))
            case _:
                return _unknown()

    async def post(self, request: RawRequest) -> RawResponse:
        """``simpleenroll`` and ``simplereenroll``."""
        label, operation = place(request.path)
        certificate = request.client_certificate
        given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        known = operation in _TAKE_REQUESTS and (operation != "serverkeygen" or self._server.generates)
        if known and given != PKCS10:
            return _text(415, f"The body's Content-Type must be {PKCS10}.")
        match operation:
            case "simpleenroll":
                work = partial(
                    self._server.enrol,
                    request.body,
                    label=label,
                    authorization=request.headers.get("authorization"),
                    certificate=certificate,
                )
            case "simplereenroll":
                work = partial(self._server.reenrol, request.body, label=label, certificate=certificate)
            case "serverkeygen" if self._server.generates:
                generate = partial(
                    self._server.generate_key,
                    request.body,
                    label=label,
                    authorization=request.headers.get("authorization"),
                    certificate=certificate,
                )
                return await self._deliver(request, generate)
            case "cacerts" | "csrattrs":
                return _text(405, "This operation takes a GET.", ("allow", "GET"))
            case _:
                return _unknown()
        return await self._answer(request, work, CERTS_ONLY)

    async def _deliver(self, request: RawRequest, work: Callable[[], tuple[Delivery, bytes]]) -> RawResponse:
        """A key and its certificate in one body of two parts (RFC 7030, 4.4.2)."""
        told = partial(self._done, request, work)
        try:
            delivery, certificate = await asyncio.get_running_loop().run_in_executor(self._threads, told)
        except (Malformed, Rejected, Refused, Unavailable) as error:
            return failure(error)
        boundary = secrets.token_hex(16)
        body = multipart(
            boundary,
            (delivery.media_type, base64.encodebytes(delivery.content)),
            (CERTS_ONLY, certificate),
        )
        return RawResponse(200, f"multipart/mixed; boundary={boundary}", body, (_NOT_KEPT,))

    async def _answer(
        self, request: RawRequest, work: Callable[[], bytes | None], content_type: str
    ) -> RawResponse:
        told = partial(self._done, request, work)
        try:
            body = await asyncio.get_running_loop().run_in_executor(self._threads, told)
        except (Malformed, Rejected, Refused, Unavailable) as error:
            return failure(error)
        if body is None and request.method == "POST":
            return _text(202, SENTENCE, ("retry-after", str(self._retry_after)))
        if body is None:
            return RawResponse(204, _TEXT, b"", (_NOT_KEPT,))
        return RawResponse(200, content_type, body, (_BASE64, _NOT_KEPT))

    def _done(self, request: RawRequest, work: Callable[[], T]) -> T:
        """Do the work; who is refused is told of, unless he only asks by what he is to say who he is."""
        try:
            check_secure(secure=request.secure)
            return work()
        except (Rejected, Refused) as error:
            if "authorization" in request.headers or request.client_certificate is not None:
                self._refusals.tell(error)
            raise


def multipart(boundary: str, *parts: tuple[str, bytes]) -> bytes:
    """A multipart/mixed body (RFC 2046, 5.1) of parts in Base64, each with its media type."""
    lines = [
        f"--{boundary}\r\nContent-Type: {media_type}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode()
        + content.replace(b"\n", b"\r\n")
        for media_type, content in parts
    ]
    return b"".join(lines) + f"--{boundary}--\r\n".encode()


def place(path: str) -> tuple[str | None, str]:
    """Of a path the label, which is a profile's name, and the operation; ("", "") for another path."""
    parts = path.removeprefix(PREFIX).split("/")
    if len(parts) == 1:
        return None, parts[0]
    if len(parts) == 2 and is_profile(parts[0]):
        return parts[0], parts[1]
    return None, ""


def failure(error: Malformed | Rejected | Refused | Unavailable) -> RawResponse:
    """The answer for an error (RFC 7030, 4.2.3): a 4xx with a sentence, or 503 with Retry-After."""
    match error:
        case Unavailable():
            log.warning("est.unavailable", code=error.code, reason=str(error))
            return _text(503, "The service cannot answer now. Try again later.", _RETRY)
        case Rejected(code="unauthenticated"):
            return _text(401, str(error), _CHALLENGE)  # in the same words, whatever is wrong
        case Rejected(code="notAuthorized" | "certRevoked" | "signerNotTrusted"):
            return _text(403, with_rule(error))
        case Refused(requirement=rule) if rule in NOT_AUTHORISED:
            return _text(403, with_rule(error))
        case _:
            return _text(400, with_rule(error))


def _text(status: int, sentence: str, *headers: tuple[str, str]) -> RawResponse:
    return RawResponse(status, _TEXT, f"{sentence}\n".encode(), (*headers, _NOT_KEPT))


def _unknown() -> RawResponse:
    return _text(
        404,
        "There are cacerts, csrattrs, simpleenroll and simplereenroll here, of the profiles that there are.",
    )
