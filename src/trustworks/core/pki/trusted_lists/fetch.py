"""Where lists come from: the web, or a directory of files that were fetched before."""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

_REDIRECTS: Final = 5
_CONNECT: Final = 10.0
_WHOLE: Final = 60.0


class Web:
    """Gets octets by HTTP, within bounds of size and time; from no private address unless allowed."""

    def __init__(
        self,
        *,
        most: int,
        allow_private_addresses: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._most = most
        self._private = allow_private_addresses
        self._transport = transport

    def __call__(self, address: str) -> bytes:
        """The octets at an address. Raises `Unavailable`."""
        import httpx  # noqa: PLC0415 - a store that is only read needs no client

        ends = time.monotonic() + _WHOLE
        try:
            with httpx.Client(
                timeout=httpx.Timeout(_CONNECT), transport=self._transport, follow_redirects=False
            ) as client:
                return self._get(client, address, ends)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise _unavailable(address, str(error) or type(error).__name__) from error

    def _get(self, client: httpx.Client, address: str, ends: float) -> bytes:
        for _ in range(_REDIRECTS + 1):
            self._check(address)
            with client.stream("GET", address) as answer:
                if answer.next_request is not None:
                    address = str(answer.next_request.url)
                    continue
                if answer.status_code != 200:
                    raise _unavailable(address, f"the server answered {answer.status_code}")
                octets = bytearray()
                for part in answer.iter_bytes():
                    octets += part
                    if len(octets) > self._most:
                        raise _unavailable(address, f"there are more than {self._most} octets")
                    if time.monotonic() > ends:
                        raise _unavailable(address, f"it took more than {_WHOLE:.0f} seconds")
                return bytes(octets)
        raise _unavailable(address, "it leads from one address to the next")

    def _check(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise _unavailable(address, "it is no address of the web")
        if self._private:
            return
        try:
            found = {one[4][0] for one in socket.getaddrinfo(parts.hostname, parts.port or parts.scheme)}
        except (OSError, UnicodeError) as error:
            raise _unavailable(address, "its host has no address") from error
        if any(not ipaddress.ip_address(str(one).partition("%")[0]).is_global for one in found):
            raise _unavailable(address, "its host is in a private network")


class Folder:
    """Gets octets from a directory: files by the last part of an address, or by all of it.

    In the second kind of name every character that is no letter, digit or underscore became an underscore, as
    other programs name what they fetched.
    """

    def __init__(self, directory: Path, *, most: int) -> None:
        self._directory = directory
        self._most = most

    def __call__(self, address: str) -> bytes:
        """The octets that were fetched from an address. Raises `Unavailable`."""
        names = (re.sub(r"[^A-Za-z0-9_]", "_", address), unquote(urlsplit(address).path).rpartition("/")[2])
        for name in names:
            file = self._directory / name
            if name not in {"", ".", ".."} and "/" not in name and file.is_file():
                try:
                    octets = read_at_most(file, self._most)
                except OSError as error:
                    raise _unavailable(address, f"{file} cannot be read: {error.strerror}") from error
                if len(octets) > self._most:
                    raise Malformed(f"{file} has more than {self._most} octets.")
                return octets
        raise _unavailable(address, f"{self._directory} has no file of that name")


def _unavailable(address: str, why: str) -> Unavailable:
    return Unavailable("trust.list", f"{address} cannot be had: {why}.")
