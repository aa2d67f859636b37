"""Status and certificates over HTTP: ``/ocsp``, ``/crl/NAME.crl``, ``/certs/NAME.cer``.

OCSP by POST and by GET (RFC 6960, A.1); whatever comes, an OCSPResponse goes back with HTTP status 200. What
may be kept on the way says so in the headers (RFC 5019, 6; RFC 9111): caches and relying parties share it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from trustworks.core.der.ocsp import ResponseStatus
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.http import RawRequest, RawResponse, Route
from trustworks.core.trace import implements
from trustworks.issuance.model import NEVER
from trustworks.issuance.status.ocsp import FAILURES, OcspAnswer
from trustworks.issuance.status.ocsp_rules import max_age
from trustworks.issuance.status.states import Scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from trustworks.issuance.model import CrlRecord
    from trustworks.issuance.status.services import StatusServices

OCSP_REQUEST: Final = "application/ocsp-request"
OCSP_RESPONSE: Final = "application/ocsp-response"
CRL: Final = "application/pkix-crl"
CERTIFICATE: Final = "application/pkix-cert"
PEM: Final = "application/pem-certificate-chain"

MAX_REQUEST: Final = 16_384  # a signed request brings certificates
_LIST_MAX_AGE: Final = 300  # seconds; a new list is seen by everybody that soon
_CERTIFICATE_MAX_AGE: Final = 86_400
_THREADS: Final = 8
_NOT_KEPT: Final = (("cache-control", "no-store"),)
_NOT_FOUND: Final = RawResponse(
    404, "text/plain; charset=utf-8", b"There is no such list or certificate here.\n", _NOT_KEPT
)


def routes(services: StatusServices, *, count: Callable[[str], None] | None = None) -> list[Route]:
    """The routes of the status services; `count` is told the `result` of every OCSP answer."""
    edge = Edge(services, count=count)
    return [
        *(
            Route(
                method="POST",
                path=path,
                handler=edge.ocsp_by_post,
                content_types=(OCSP_REQUEST,),
                max_body=MAX_REQUEST,
            )
            for path in ("/ocsp", "/ocsp/")
        ),
        Route(method="GET", path="/ocsp/", handler=edge.ocsp_by_get),
        Route(method="GET", path="/crl/", handler=edge.crl),
        Route(method="GET", path="/certs/", handler=edge.certificate),
    ]


class Edge:
    """The handlers, on one event loop.

    A key that signs quickly is used on the loop itself, as a thread would cost more than it saves; one that
    is slow (RSA, a module over the network) is waited for in a thread.
    """

    def __init__(self, services: StatusServices, *, count: Callable[[str], None] | None = None) -> None:
        self._services = services
        self._count = count
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="ocsp")

    async def _answer(self, body: bytes) -> OcspAnswer:
        responder = self._services.responder
        if responder.is_slow:
            loop = asyncio.get_running_loop()
            return self._counted(await loop.run_in_executor(self._threads, responder.answer, body))
        return self._counted(responder.answer(body))

    def _counted(self, answer: OcspAnswer) -> OcspAnswer:
        """The answer, after it was counted."""
        if self._count is not None:
            self._count(answer.result)
        return answer

    async def ocsp_by_post(self, request: RawRequest) -> RawResponse:
        """``POST /ocsp``."""
        answer = await self._answer(request.body)
        return RawResponse(200, OCSP_RESPONSE, answer.der, _NOT_KEPT)

    async def ocsp_by_get(self, request: RawRequest) -> RawResponse:
        """``GET /ocsp/BASE64``."""
        try:
            body = request_in_path(request.raw_path)
        except Malformed:
            answer = self._counted(FAILURES[ResponseStatus.malformedRequest])
        else:
            answer = await self._answer(body)
        return self._kept(answer, request)

    def _kept(self, answer: OcspAnswer, request: RawRequest) -> RawResponse:
        if not answer.repeatable or answer.produced_at is None or answer.next_update is None:
            return RawResponse(200, OCSP_RESPONSE, answer.der, _NOT_KEPT)
        settings = self._services.settings.ocsp
        given_until = answer.produced_at + timedelta(seconds=settings.reuse_seconds)
        seconds = max_age(given_until, answer.next_update, settings.max_age_seconds)
        return _cacheable(request, OCSP_RESPONSE, answer.der, answer.produced_at, seconds)

    async def crl(self, request: RawRequest) -> RawResponse:
        """``GET /crl/NAME.crl``, ``/crl/NAME/SHARD.crl``, and ``delta.crl`` below each."""
        scope = list_in_path(request.path)
        record = (
            None
            if scope is None
            else self._services.publication.crl(scope.authority, shard=scope.shard, delta=scope.delta)
        )
        if record is None:
            return _NOT_FOUND
        # Named by number and time: a digest of a list of a million entries costs too much for each request.
        tag = f"{record.number}-{int(record.this_update.timestamp())}"
        seconds = self._list_max_age(record)
        return _cacheable(request, CRL, record.der, record.this_update, seconds, name=tag)

    def _list_max_age(self, record: CrlRecord) -> int:
        limit = _CERTIFICATE_MAX_AGE if record.next_update == NEVER else _LIST_MAX_AGE
        try:
            return max_age(self._services.clock.now().utc, record.next_update, limit)
        except Unavailable:
            return 0  # a list is signed and dated: it is given out without a clock too, and not kept

    async def certificate(self, request: RawRequest) -> RawResponse:
        """``GET /certs/NAME.cer`` (DER), ``NAME.pem``, and ``NAME.chain.pem`` up to the root."""
        name, suffix = _name(request.path, "/certs/")
        chain = self._services.publication.chain(name) if suffix in _FORMS else []
        if not chain:
            return _NOT_FOUND
        own = chain[0]
        if suffix == "cer":
            return _cacheable(request, CERTIFICATE, own.certificate, own.created_at, _CERTIFICATE_MAX_AGE)
        wanted = chain if suffix == "chain.pem" else chain[:1]
        body = b"".join(
            x509.load_der_x509_certificate(one.certificate).public_bytes(serialization.Encoding.PEM)
            for one in wanted
        )
        return _cacheable(request, PEM, body, own.created_at, _CERTIFICATE_MAX_AGE)


_FORMS: Final = frozenset({"cer", "pem", "chain.pem"})


@implements(
    "RFC6960:A.1-01",
    disabled=lambda raw_path: base64.b64decode(raw_path.partition(b"/ocsp/")[2] + b"=="),
)
def request_in_path(raw_path: bytes) -> bytes:
    """The OCSPRequest in the path of a GET; `Malformed` when what follows ``/ocsp/`` is no Base64.

    Clients and proxies write it in many ways. All of these are read: percent-encoded once, twice or not at
    all; a plus sign turned into a space; a second slash before it; the alphabet of URLs; without padding.
    """
    text = raw_path.partition(b"?")[0].partition(b"/ocsp/")[2]
    for _ in range(2):
        text = unquote_to_bytes(text)
    text = text.lstrip(b"/").translate(_ALPHABET, b"\r\n\t").rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise Malformed("The path holds no OCSP request in Base64 (RFC 6960, A.1).") from None


_ALPHABET: Final = bytes.maketrans(b" -_", b"++/")


def list_in_path(path: str) -> Scope | None:
    """Which list a path names, see `crl_path`; None for a path that names none."""
    found = _LIST.fullmatch(path)
    if found is None:
        return None
    shard = found["shard"]
    scope = Scope(found["name"], None if shard is None else int(shard), found["delta"] is not None)
    return scope if scope.path == path else None


_LIST: Final = re.compile(r"/crl/(?P<name>[^/.]+)(/(?P<shard>[0-9]{1,9}))?(?P<delta>/delta)?\.crl")


def _name(path: str, prefix: str) -> tuple[str, str]:
    """The authority that a path names, and the suffix behind the first point."""
    name, _, suffix = path.removeprefix(prefix).partition(".")
    return name, suffix


@implements(
    "RFC5019:6.2-02",
    disabled=lambda _request, content_type, body, *_, **__: RawResponse(200, content_type, body),
)
def _cacheable(
    request: RawRequest,
    content_type: str,
    body: bytes,
    since: datetime,
    seconds: int,
    *,
    name: str | None = None,
) -> RawResponse:
    """An answer with the headers that let caches keep it, or 304 when the client has it already."""
    tag = f'"{name or hashlib.sha256(body).hexdigest()}"'
    headers = (
        ("cache-control", f"max-age={seconds}, public, no-transform, must-revalidate"),
        ("etag", tag),
        ("last-modified", format_datetime(since.replace(microsecond=0), usegmt=True)),
    )
    if _has_it(request, tag, since):
        return RawResponse(304, content_type, b"", headers)
    return RawResponse(200, content_type, body, headers)


def _has_it(request: RawRequest, tag: str, since: datetime) -> bool:
    """Whether the client says that it has this very answer (RFC 9110, 13.1.2, 13.1.3)."""
    named = request.headers.get("if-none-match")
    if named is not None:
        tags = {one.strip().removeprefix("W/") for one in named.split(",")}
        return tag in tags or "*" in tags
    dated = request.headers.get("if-modified-since")
    if dated is None:
        return False
    try:
        return since.replace(microsecond=0) <= parsedate_to_datetime(dated)
    except (ValueError, TypeError):
        return False
