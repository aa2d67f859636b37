"""Lists fetched from the web, within bounds."""

from __future__ import annotations

import httpx
import pytest

from trustworks.core.errors import Unavailable
from trustworks.core.pki.trusted_lists.fetch import Web


def answer(request: httpx.Request) -> httpx.Response:
    path = request.url.path
    if path == "/list.xml":
        return httpx.Response(200, content=b"list")
    if path == "/moved":
        return httpx.Response(302, headers={"location": "/list.xml"})
    if path == "/round":
        return httpx.Response(302, headers={"location": "/round"})
    if path == "/long":
        return httpx.Response(200, content=b"x" * 2000)
    if path == "/away":
        return httpx.Response(302, headers={"location": "file:///etc/passwd"})
    return httpx.Response(404)


def test_a_list_is_fetched_and_redirects_are_followed() -> None:
    web = Web(most=1000, allow_private_addresses=True, transport=httpx.MockTransport(answer))
    assert web("https://lists.example/list.xml") == b"list"
    assert web("https://lists.example/moved") == b"list"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("https://lists.example/none", "answered 404"),
        ("https://lists.example/round", "from one address to the next"),
        ("https://lists.example/long", "more than 1000 octets"),
        ("https://lists.example/away", "no address of the web"),
        ("ftp://lists.example/x", "no address of the web"),
        ("https://", "no address of the web"),
        ("https://[x", "cannot be had"),
    ],
)
def test_what_cannot_be_had_is_told(address: str, says: str) -> None:
    web = Web(most=1000, allow_private_addresses=True, transport=httpx.MockTransport(answer))
    with pytest.raises(Unavailable, match=says):
        web(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "10.1.2.3", "169.254.169.254", "localhost"])
def test_private_networks_are_not_asked(host: str) -> None:
    web = Web(most=1000, transport=httpx.MockTransport(answer))
    with pytest.raises(Unavailable, match="private network"):
        web(f"http://{host}/list.xml")
