"""Asks a server of HTTP at an address that was looked at, and by the name that it has.

Where somebody else names the host, a name is resolved once and its addresses are looked at (`addresses`).
A client that then resolved the name by itself could get another answer, which leads to the provider's
network: so the connection goes to the address, while the server is told, and TLS asked for, the name.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import ThreadPoolExecutor
    from urllib.parse import SplitResult

    import httpx

    Resolve = Callable[[str, int], Sequence[str]]

PORTS: Final = {"http": 80, "https": 443}


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, each once, by the system's resolver. Raises OSError, UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class Names:
    """Resolves names in threads that are given to it.

    An event loop waits at its end for those of its own, and so for a resolver that hangs.
    """

    def __init__(self, threads: ThreadPoolExecutor, resolve: Resolve = resolve) -> None:
        self._threads = threads
        self._resolve = resolve

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host. Raises OSError, UnicodeError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._resolve, host, port)


def request(
    client: httpx.AsyncClient,
    method: str,
    parts: SplitResult,
    address: str,
    *,
    agent: str,
    content: bytes = b"",
    headers: Mapping[str, str] | None = None,
    server_name: str | None = None,
) -> httpx.Request:
    """The request for a URL (in its `parts`) that goes to one address of its host.

    `server_name` is what TLS is asked for, where that is not the host. A user in the URL is told to nobody.

    Raises:
        httpx.InvalidURL, UnicodeError: the URL is none after all.
    """
    host = f"[{address}]" if ":" in address else address
    port = parts.port or PORTS[parts.scheme]
    target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    return client.build_request(
        method,
        f"{parts.scheme}://{host}:{port}{target}",
        content=content or None,
        headers={
            **(headers or {}),
            "host": parts.netloc.rpartition("@")[2],
            "user-agent": agent,
            # What is packed would be unpacked before its size is seen.
            "accept-encoding": "identity",
        },
        extensions={"sni_hostname": server_name or parts.hostname or ""},
    )
