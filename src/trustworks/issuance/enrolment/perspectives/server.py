"""A remote perspective: looks at challenges and CAA records for the authorities that it knows.

A small HTTPS service for a host elsewhere in the network. TLS asks for the client's certificate before a
request is read, and takes those alone that it was told; only challenges at their own places and CAA records
can be asked, under the same bounds and addresses as the ACME server's own validation.
"""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import structlog

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.issuance.enrolment.acme.domains import ORDER_SECONDS, Asked
from trustworks.issuance.enrolment.acme.validation.attempt import Attempts, Proof
from trustworks.issuance.enrolment.caa import relevant
from trustworks.issuance.enrolment.perspectives import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.issuance.enrolment import caa
    from trustworks.issuance.enrolment.acme.validation.resolver import Resolver
    from trustworks.issuance.rules.caa import CaaRecord

log = structlog.get_logger(__name__)

AT_ONCE: Final = 64
_HANDSHAKE: Final = 10.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far validation goes; the ports differ from 80 and 443 in a laboratory alone."""

    validation_seconds: float = 10.0
    allow_private_addresses: bool = False
    http_port: int = 80
    tls_port: int = 443
    redirects: int = 5


class Looker:
    """What a perspective does for who may ask. Threads share it."""

    def __init__(self, bounds: Bounds, *, names: Resolver, records: caa.Resolver) -> None:
        self._attempts = Attempts(bounds, names)
        self._records = records

    def control(self, question: wire.ControlQuestion) -> wire.ControlAnswer:
        """Look at a challenge."""
        proof = Proof(
            type=question.type, name=question.name, token=question.token, thumbprint=question.thumbprint
        )
        try:
            self._attempts.attempt(proof)
        except Rejected as problem:
            return wire.ControlAnswer(seen=False, objection=str(problem)[:2000])
        return wire.ControlAnswer(seen=True)

    def caa(self, question: wire.CaaQuestion) -> wire.CaaAnswer:
        """Look CAA records up; a domain whose records cannot be found out is not among them."""
        asked: dict[str, Sequence[CaaRecord]] = {}
        resolver = Asked(self._records, ORDER_SECONDS)
        for name in question.names:
            try:
                relevant(name, resolver, asked)
            except Unavailable as error:
                log.warning("perspective.caa-failed", name=name, reason=str(error))
        return wire.CaaAnswer(
            records={
                name: [(one.flags, one.tag, one.value) for one in found] for name, found in asked.items()
            }
        )


class PerspectiveServer(ThreadingHTTPServer):
    """Serves a `Looker` at an address, to the clients of a TLS context that asks for certificates."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], looker: Looker, context: ssl.SSLContext) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.looker = looker
        self._context = context
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread for a connection, unless there are too many."""
        if not self._slots.acquire(blocking=False):
            log.warning("perspective.busy")
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Make TLS of a connection, and answer its request; a stranger gets no further."""
        try:
            request.settimeout(_HANDSHAKE)
            try:
                request = self._context.wrap_socket(request, server_side=True)
            except (OSError, ssl.SSLError) as error:
                log.warning("perspective.stranger", address=client_address[0], reason=str(error))
                self.shutdown_request(request)
                return
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - of the base class
        """Tell the log, and not the terminal."""
        log.exception("perspective.bug", address=client_address[0])  # noqa: LOG004 - called in a handler


class _Handler(BaseHTTPRequestHandler):
    """One question and its answer; the connection ends with it."""

    server: PerspectiveServer
    server_version = "Trustworks-Perspective"
    sys_version = ""

    def do_POST(self) -> None:
        """``/control`` and ``/caa``."""
        looker = self.server.looker
        try:
            match self.path:
                case wire.CONTROL:
                    self._give(200, looker.control(wire.read(wire.ControlQuestion, self._body())))
                case wire.CAA:
                    self._give(200, looker.caa(wire.read(wire.CaaQuestion, self._body())))
                case _:
                    self._give(404, None, "There are /control and /caa here.")
        except Malformed as error:
            self._give(400, None, str(error))
        except Unavailable as error:
            log.warning("perspective.unavailable", code=error.code, reason=str(error))
            self._give(503, None, str(error))

    def _body(self) -> bytes:
        given = self.headers.get("content-length", "")
        if not given.isascii() or not given.isdigit() or len(given) > 9 or int(given) > wire.MAX_MESSAGE:
            raise Malformed(
                f"Send a body of at most {wire.MAX_MESSAGE} octets, and its length in Content-Length."
            )
        return self.rfile.read(int(given))

    def _give(
        self, status: int, answer: wire.ControlAnswer | wire.CaaAnswer | None, sentence: str = ""
    ) -> None:
        body = f"{sentence}\n".encode() if answer is None else answer.model_dump_json().encode()
        self.send_response(status)
        self.send_header(
            "content-type", "text/plain; charset=utf-8" if answer is None else "application/json"
        )
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Tell the log what was asked."""
        log.info("perspective.asked", address=self.client_address[0], line=format % args)
