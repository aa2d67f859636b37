"""The desk of signing in one process, with a page on which people sign, and a server for a browser."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from shown_testbed import static
from signing_house import house

from trustworks.app.web.sign import SignPage
from trustworks.core.http import Headers, RawRequest
from trustworks.signing.agreeing import Agreements
from trustworks.signing.bounded.pool import Question, Reply
from trustworks.signing.bounded.work import answer
from trustworks.signing.config import SigningSettings
from trustworks.signing.create.process import Creation, Terms
from trustworks.signing.desk import Desk, Seal
from trustworks.signing.http import routes
from trustworks.signing.messages import catalogue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from signing_house import Person

    from trustworks.core.audit import Recorder
    from trustworks.core.http import RawResponse
    from trustworks.core.store import Database
    from trustworks.signing.shown.viewer import Viewer

TOKEN, OTHER = "t" * 64, "o" * 64


def settings(**changes: Any) -> SigningSettings:
    def digest(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()

    given: dict[str, Any] = {
        "time-stamp-url": "http://127.0.0.1/tsa",
        "seals": [{"name": "main", "key": "seal", "certificate": "seal.pem"}],
        "clients": [
            {"name": "shop", "token-sha256": digest(TOKEN), "seals": ["main"], "per-day": 2},
            {"name": "reader", "token-sha256": digest(OTHER)},
        ],
    }
    return SigningSettings.model_validate(given | changes)


class Here:
    """What a pool does, in this process."""

    def __init__(self) -> None:
        self.creation = Creation(means=house().means, terms=Terms(lab=True))
        self.asked: list[dict[str, Any]] = []

    def ask(self, question: Question) -> Reply:
        self.asked.append(question.words)
        words, octets = answer(lambda *_: self.creation, question.words, question.octets)
        question.came(words)
        return Reply(words=words, octets=octets)

    def close(self) -> None:
        """Nothing is open."""


def seal_of(person: Person, revoked: str | None = None) -> Seal:
    public = x509.load_der_x509_certificate(person.certificate).public_key()
    return Seal(
        certificates=(person.certificate, *person.chain),
        scheme=person.signer.scheme,
        sign=person.sign,
        spki=public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        qualified=False,
        device=False,
        revoked=lambda: revoked,
    )


def opened(database: Database, recorder: Recorder, **changes: Any) -> Desk:
    given: dict[str, Any] = {
        "settings": settings(),
        "pool": Here(),
        "seals": {"main": seal_of(house().person())},
        "clock": lambda: datetime.now(UTC),
    } | changes
    return Desk(database=database, recorder=recorder, **given)


def post(
    desk: Desk, path: str, body: object, token: str | None = TOKEN, *, secure: bool = True
) -> tuple[int, Any]:
    headers = {} if token is None else {b"authorization": f"Bearer {token}".encode()}
    message = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = RawRequest(
        method="POST",
        path=path,
        raw_path=path.encode(),
        headers=Headers(headers.items()),
        body=message,
        secure=secure,
    )
    route = next(one for one in routes(desk) if one.path == path)

    async def go() -> RawResponse:
        assert route.admit is not None
        return await route.admit(request) or await route.handler(request)

    done = asyncio.run(go())
    return done.status, json.loads(done.body)


def encoded(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


class Clock:
    """The time, and how far it was put on."""

    def __init__(self) -> None:
        self.later = datetime.now(UTC) - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later


class Office:
    """A page on which people sign, with the seals and clients of `settings`."""

    def __init__(self, database: Database, recorder: Recorder, folder: Path, viewer: Viewer) -> None:
        self.clock = Clock()
        self.pool = Here()
        given = settings(**{"time-stamp-url": "http://127.0.0.1/tsa"})
        desk = Desk(
            given,
            self.pool,  # type: ignore[arg-type] # it does what a pool does
            seals={"main": seal_of(house().person())},
            database=database,
            recorder=recorder,
            clock=self.clock.now,
        )
        agreements = Agreements(
            desk,
            viewer,
            key=lambda: b"k" * 32,
            recorder=recorder,
            clock=self.clock.now,
            words=catalogue(),
        )
        self.desk = desk
        self.page = SignPage(agreements, folder=folder, banners=(), version="0")

    def ask(
        self, method: str, path: str, body: bytes = b"", content_type: str = "", *, secure: bool = True
    ) -> RawResponse:
        """What the page answers."""
        headers = Headers([(b"content-type", content_type.encode())])
        request = RawRequest(
            method=method, path=path, raw_path=path.encode(), headers=headers, body=b"", secure=secure
        )
        route = next(one for one in self.page.routes if (one.method, one.path) == (method, path))

        async def portions() -> AsyncIterator[bytes]:
            for at in range(0, len(body), 16 * 1024):
                yield body[at : at + 16 * 1024]

        async def go() -> RawResponse:
            if route.streamed is not None:
                return await route.streamed(request, portions())
            return await route.handler(request)

        return asyncio.run(go())


@contextmanager
def serving(office: Office) -> Iterator[str]:
    """The address of the page on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/static/"):
                kind, octets = static(self.path.removeprefix("/static/"))
                self._send(200, kind, octets, ())
            else:
                self._answer("GET", b"")

        def do_POST(self) -> None:
            self._answer("POST", self.rfile.read(int(self.headers["content-length"])))

        def _answer(self, method: str, body: bytes) -> None:
            if self.path not in {"/sign", "/sign/read", "/sign/agree"}:
                self._send(404, "text/plain", b"nothing", ())
                return
            found = office.ask(method, self.path, body, self.headers.get("content-type", ""))
            self._send(found.status, found.content_type, found.body, found.headers)

        def _send(self, status: int, kind: str, octets: bytes, headers: tuple[tuple[str, str], ...]) -> None:
            self.send_response(status)
            for name, value in (("content-type", kind), ("content-length", str(len(octets))), *headers):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the library's own name
            del format

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
