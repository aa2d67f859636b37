"""A server is asked at an address that was looked at, and by the name that it has."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from urllib.parse import urlsplit

import httpx
import pytest

from trustworks.core.addresses import reachable
from trustworks.core.pinned import Names, request


@pytest.mark.parametrize(
    ("url", "address", "asked", "host"),
    [
        ("http://ca.example/a?b=1", "192.0.2.7", "http://192.0.2.7/a?b=1", "ca.example"),
        ("https://ca.example", "192.0.2.7", "https://192.0.2.7/", "ca.example"),
        ("https://ca.example:8443/", "2001:db8::7", "https://[2001:db8::7]:8443/", "ca.example:8443"),
        ("http://user:secret@ca.example/", "192.0.2.7", "http://192.0.2.7/", "ca.example"),
        ("http://[2001:db8::7]/", "2001:db8::7", "http://[2001:db8::7]/", "[2001:db8::7]"),
        ("http://ca.example/#part", "192.0.2.7", "http://192.0.2.7/", "ca.example"),
    ],
)
def test_the_address_is_asked_and_the_name_is_told(url: str, address: str, asked: str, host: str) -> None:
    parts = urlsplit(url)
    found = request(httpx.AsyncClient(), "GET", parts, address, agent="a", headers={"accept": "x"})
    assert (str(found.url), found.headers["host"]) == (asked, host)
    assert found.extensions["sni_hostname"] == parts.hostname
    assert (found.headers["accept"], found.headers["user-agent"]) == ("x", "a")
    assert found.headers["accept-encoding"] == "identity"
    assert "authorization" not in found.headers
    assert found.content == b""


def test_a_message_and_another_name_for_tls() -> None:
    parts = urlsplit("https://192.0.2.7/")
    client = httpx.AsyncClient()
    found = request(client, "POST", parts, "192.0.2.7", agent="a", content=b"x", server_name="7.2.0.192.x")
    assert (found.method, found.content) == ("POST", b"x")
    assert found.extensions["sni_hostname"] == "7.2.0.192.x"


def test_public_addresses_and_those_of_allowed_networks_are_reachable() -> None:
    found = ("10.0.0.1", "93.184.216.34", "127.0.0.1", "::1", "2606:2800:220:1::1", "fd00::1")
    assert reachable(found) == ("93.184.216.34", "2606:2800:220:1::1")
    networks = (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert reachable(found, networks) == ("10.0.0.1", "93.184.216.34", "::1", "2606:2800:220:1::1")


def test_a_resolver_that_hangs_does_not_keep_the_loop() -> None:
    free = threading.Event()

    def hangs(_host: str, _port: int) -> list[str]:
        free.wait(60)
        return []

    with ThreadPoolExecutor(1) as threads:
        names = Names(threads, hangs)

        async def ask() -> None:
            async with asyncio.timeout(0.05):
                await names.addresses("ca.example", 80)

        with pytest.raises(TimeoutError):
            asyncio.run(ask())
        free.set()
