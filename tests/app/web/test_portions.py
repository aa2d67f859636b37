"""Bodies that a handler reads in portions: bounded in size and time, and what becomes of the connection."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.app.web.client_identity import ClientIdentity
from trustworks.app.web.http import Shell
from trustworks.core.errors import Malformed
from trustworks.core.http import BodyRefusedError, RawRequest, RawResponse, Route, never

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trustworks.core.http import Streamed


GONE = {"type": "http.disconnect"}


async def whole(request: RawRequest, portions: AsyncIterator[bytes]) -> RawResponse:
    assert request.body == b""
    return RawResponse(200, "application/octet-stream", b"|".join([one async for one in portions]))


async def unread(request: RawRequest, portions: AsyncIterator[bytes]) -> RawResponse:
    del request, portions
    return RawResponse(202, "text/plain", b"")


async def wrong(request: RawRequest, portions: AsyncIterator[bytes]) -> RawResponse:
    del request
    async for _ in portions:
        raise Malformed("That is wrong.")
    raise AssertionError


async def bug(request: RawRequest, portions: AsyncIterator[bytes]) -> RawResponse:
    async for _ in portions:
        raise ValueError(request.path)
    raise AssertionError


async def told(request: RawRequest, portions: AsyncIterator[bytes]) -> RawResponse:
    try:
        return await whole(request, portions)
    except BodyRefusedError as error:
        return RawResponse(error.status, "text/plain", b"in its own words")


def post(
    handler: Streamed, *parts: bytes | None, length: str = "", seconds: float | None = None
) -> tuple[int, dict[str, str], bytes]:
    """A request with this body; None is a client that has gone, and without a last part it is silent."""
    sent: list[dict[str, Any]] = []
    queue: list[dict[str, Any]] = [
        {"type": "http.disconnect"}
        if one is None
        else {"type": "http.request", "body": one, "more_body": True}
        for one in parts
    ]
    if seconds is None and queue and parts[-1] is not None:
        queue[-1]["more_body"] = False

    async def receive() -> dict[str, Any]:
        if not queue:
            await asyncio.sleep(3600)
        return queue.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    route = Route(method="POST", path="/big", streamed=handler, max_body=10, body_seconds=seconds)
    traffic: Any = SimpleNamespace(count=lambda *_: None)
    shell = Shell([route], pages=None, traffic=traffic, identity=ClientIdentity(), body_timeout=5)
    headers = [(b"content-length", length.encode())] if length else []
    asyncio.run(shell({"type": "http", "method": "POST", "path": "/big", "headers": headers}, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, sent[1]["body"]


def test_portions_come_as_they_were_sent() -> None:
    status, headers, body = post(whole, b"12345", b"", b"67890")
    assert (status, body) == (200, b"12345||67890")
    assert "connection" not in headers


@pytest.mark.parametrize("parts", [(b"12345", b"678901"), (b"12345678901",)])
def test_a_longer_body_is_refused(parts: tuple[bytes, ...]) -> None:
    status, headers, body = post(whole, *parts)
    assert (status, headers["connection"]) == (413, "close")
    assert b"10 bytes" in body


def test_a_body_that_says_it_is_longer_is_not_read() -> None:
    assert post(whole, None, length="11")[0] == 413


def test_a_late_body_is_refused_by_the_routes_own_time() -> None:
    status, headers, _ = post(whole, b"1", seconds=0.01)
    assert (status, headers["connection"]) == (408, "close")


def test_a_client_that_goes_is_refused() -> None:
    assert post(whole, b"1", None)[0] == 400


def test_the_handler_may_say_it_in_its_own_words() -> None:
    status, _, body = post(told, b"12345678901")
    assert (status, body) == (413, b"in its own words")


def test_what_was_not_read_closes_the_connection() -> None:
    assert post(unread, b"1")[1]["connection"] == "close"


def test_errors_of_the_handler_are_answered_as_elsewhere() -> None:
    assert post(wrong, b"1")[::2] == (400, b"That is wrong.\n")
    assert post(bug, b"1")[0] == 500


def test_a_route_that_streams_has_no_other_handler() -> None:
    request = RawRequest(method="POST", path="/big", raw_path=b"/big", headers={}, body=b"")
    with pytest.raises(RuntimeError):
        asyncio.run(never(request))
