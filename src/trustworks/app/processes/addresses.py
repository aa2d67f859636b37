"""The addresses that the services listen on: what a name means here, who else is there, and their sockets."""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from trustworks.app.configuration.settings import split_address
from trustworks.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.app.configuration.settings import Address

BACKLOG: Final = 1024
# Milliseconds that octets may wait for a client to take them. One that never reads is closed then; without
# that it would keep its connection for ever, and a thousand of them the listener.
UNREAD_TIMEOUT: Final = 20_000


class _Place(NamedTuple):
    family: int
    address: Any


def _place(address: Address) -> _Place:
    """What the address means on this machine; a name means the first of its addresses."""
    host, port = split_address(address)
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:  # the second: a name with an empty or a long label
        why = getattr(error, "strerror", None) or "it is not a host name"
        raise Unavailable("serve.address", f"{address} is no address here: {why}.") from None
    return _Place(family, where)


def listening(address: Address) -> socket.socket:
    """A socket that listens on the address, on which the workers of a listener listen together."""
    place = _place(address)
    opened = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        _share(opened)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_TIMEOUT)
        opened.bind(place.address)
        opened.listen(BACKLOG)
        opened.settimeout(0)
    except OSError as error:
        opened.close()
        raise Unavailable("serve.address", _why_not(address, error)) from None
    return opened


@contextlib.contextmanager
def reserved(address: Address) -> Iterator[None]:
    """Hold an address for the workers, who listen on it together.

    A first socket without SO_REUSEPORT finds out whether somebody else listens there, also another
    Trustworks; a second one with it, that never listens, keeps the address while no worker is up. Raises
    `Unavailable`.
    """
    place = _place(address)
    kind = socket.SOCK_STREAM
    with socket.socket(place.family, kind) as first, socket.socket(place.family, kind) as second:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _share(second)
        try:
            first.bind(place.address)
            first.listen(1)
            first.close()
            second.bind(place.address)
        except OSError as error:
            raise Unavailable("serve.address", _why_not(address, error)) from None
        yield


def _share(opened: socket.socket) -> None:
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def _why_not(address: Address, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Another program listens on {address} already. Stop it, or choose another address."
        case errno.EACCES:
            return (
                f"This user may not listen on {address}. Choose a port above 1023, or put a proxy before it."
            )
        case errno.EADDRNOTAVAIL:
            return f"{address} is no address of this machine."
        case _:
            return f"{address} cannot be listened on: {error.strerror}."
