"""The addresses of NTP servers, looked up aside: a name that resolves slowly must hold up no other server."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a datagram goes: the family and the address as the socket takes it."""

    family: int
    place: Any

    @property
    def identity(self) -> tuple[str, int]:
        """Address and port, written alike however the name was written; an IPv4 address as such."""
        host, port = self.place[:2]
        found = ipaddress.ip_address(host.partition("%")[0])
        mapped = getattr(found, "ipv4_mapped", None)
        return str(mapped or found), port


class Resolver:
    """Looks names up in threads of their own, and remembers what each name meant last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], tuple[Address, ...]] = {}
        self._problems: dict[tuple[str, int], str] = {}
        self._under_way: dict[tuple[str, int], threading.Thread] = {}

    def look_up(self, servers: Sequence[tuple[str, int]], patience: float) -> None:
        """Look all servers up at once, and wait `patience` seconds at most; what comes later counts later."""
        for server in servers:
            thread = self._under_way.get(server)
            if thread is None or not thread.is_alive():
                thread = threading.Thread(target=self._find, args=server, name="clock-names", daemon=True)
                self._under_way[server] = thread
                thread.start()
        deadline = time.monotonic() + patience
        for server in servers:
            self._under_way[server].join(max(0.0, deadline - time.monotonic()))

    def _find(self, host: str, port: int) -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            with self._lock:
                # The addresses that the name had before go on to be used: DNS may fail, NTP need not.
                self._problems[host, port] = getattr(error, "strerror", None) or str(error)
            return
        found = tuple(dict.fromkeys(Address(family=one[0], place=one[4]) for one in answers))
        with self._lock:
            self._known[host, port] = found
            self._problems.pop((host, port), None)

    def addresses(self, host: str, port: int) -> tuple[Address, ...]:
        """What the name meant when it was last looked up with success; nothing before that."""
        with self._lock:
            return self._known.get((host, port), ())

    def problem(self, host: str, port: int) -> str:
        """Why there is no address."""
        with self._lock:
            return self._problems.get((host, port), "its name has not been resolved yet")
