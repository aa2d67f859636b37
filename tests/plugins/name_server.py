"""A DNS server on this machine, for tests: it answers what it is told."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Zone = Mapping[tuple[str, str], Sequence[str]] | Callable[[], Mapping[tuple[str, str], Sequence[str]]]


@contextmanager
def name_server(zone: Zone) -> Iterator[str]:
    """A DNS server on this machine that answers from `zone`; SERVFAIL for "broken.", silence for "mute."."""

    def respond(query: dns.message.Message) -> dns.message.Message | None:
        known = zone() if callable(zone) else zone
        question = query.question[0]
        name, kind = question.name.to_text().rstrip("."), dns.rdatatype.to_text(question.rdtype)
        if name.startswith("mute."):
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name.startswith("broken."):
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif found := known.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
        elif not any(one == name for one, _ in known):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer

    with answering(respond) as address:
        yield address


@contextmanager
def answering(
    respond: Callable[[dns.message.Message], dns.message.Message | None],
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[str]:
    """A DNS server on this machine that answers as a function says; None: not at all."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            octets, sock = self.request
            answer = respond(dns.message.from_wire(octets))
            if answer is not None:
                sock.sendto(answer.to_wire(), self.client_address)

    with socketserver.ThreadingUDPServer((host, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"{host}:{server.server_address[1]}"
        server.shutdown()
        thread.join()
