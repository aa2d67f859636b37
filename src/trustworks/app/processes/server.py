"""The HTTP server of one worker: granian, in this process' own event loop.

HTTP/1.1 alone, over TLS too: there a client that is silent is closed after `HEAD_TIMEOUT`; in HTTP/2 it could
keep its connection for ever, and requests of this size gain nothing from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from granian import net
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.server import embed

from trustworks.app.configuration.settings import split_address
from trustworks.app.processes.addresses import BACKLOG, listening
from trustworks.app.processes.listeners import prepare_socket

if TYPE_CHECKING:
    from trustworks.app.configuration.settings import Address, HttpSettings

# granian's types know nothing of sockets that it did not make.
_granian: Any = embed
_net: Any = net
_NO_UNIX_SOCKET: Final = False
HEAD_TIMEOUT: Final = 10_000  # milliseconds within which a request's head must have arrived


class _OnOurSocket(_granian.Server):  # type: ignore[misc]
    """granian on a socket that we made: a name for an address, and a client that never reads, are ours."""

    def __init__(self, app: Any, listen: Address, **settings: Any) -> None:
        host, port = split_address(listen)
        super().__init__(app, address=host, port=port, **settings)
        self._listen = listen

    def _init_shared_socket(self) -> None:
        self._sfd = listening(self._listen).detach()
        self._shd = _net.SocketHolder(self._sfd, _NO_UNIX_SOCKET, BACKLOG)


def server(http: HttpSettings, listener: str, app: Any) -> embed.Server:
    """A server for `listener` (http, tls or proxy), not started yet. Raises `Unavailable` when it is."""
    settings: dict[str, Any] = {
        "interface": Interfaces.ASGINL,
        "websockets": False,
        "log_enabled": False,
        "backlog": BACKLOG,
        "http": HTTPModes.http1,
        "http1_settings": HTTP1Settings(header_read_timeout=HEAD_TIMEOUT),
    }
    match listener:
        case "tls":
            return _OnOurSocket(
                app,
                http.tls_listen or "",
                ssl_cert=http.tls_certificate,
                ssl_key=http.tls_key,
                ssl_protocol_min=SSLProtocols.tls12,
                **settings,
            )
        case "proxy":
            found = embed.Server(app, uds=http.proxy.unix_socket, **settings)
            prepare_socket(found, http.proxy)
            return found
        case _:
            return _OnOurSocket(app, http.listen, **settings)
