"""The protocol over HTTP: every answer a TimeStampResp, durable before it leaves, by loop or thread."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from trustworks.core.errors import Unavailable
from trustworks.core.http import RawRequest
from trustworks.timestamping import http, wire
from trustworks.timestamping.unit import WINDOW, Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.audit import Recorder
    from trustworks.core.http import RawResponse, Route
    from trustworks.core.module import Module
    from trustworks.core.store import Database
    from trustworks.timestamping.service import TimestampingAuthority


def post(route: Route, body: bytes) -> RawRequest:
    return RawRequest(
        method="POST",
        path=route.path,
        raw_path=route.path.encode(),
        headers={"content-type": http.QUERY},
        body=body,
    )


def ask(routes: list[Route], *bodies: bytes, path: str = "/tsa") -> list[RawResponse]:
    """The answers to bodies that arrive at the same time."""
    (route,) = [one for one in routes if one.path == path]

    async def all_of_them() -> list[RawResponse]:
        return await asyncio.gather(*(route.handler(post(route, body)) for body in bodies))

    return asyncio.run(all_of_them())


@pytest.mark.req("RFC3161:3.4-HTTP", "EN319422:7-HTTPS")
def test_requests_and_refusals_are_answered_with_200(
    authority: TimestampingAuthority, recorder: Recorder, query: Callable[..., bytes]
) -> None:
    routes = http.routes(authority, recorder)
    assert [(one.method, one.path) for one in routes] == [("POST", "/tsa"), ("POST", "/tsa/tsu-1")]
    for route in routes:
        assert route.content_types == ("application/timestamp-query",)
        assert route.max_body == 16 * 1024
        granted, refused = ask(routes, query(), b"nonsense", path=route.path)
        for answer in (granted, refused):
            assert answer.status == 200
            assert answer.content_type == "application/timestamp-reply"
        assert wire.decode_response(granted.body).token is not None
        assert wire.decode_response(refused.body).failures == ("badDataFormat",)


@pytest.mark.req("TRUSTWORKS:TSA-RECORD-FIRST")
def test_many_at_once_each_get_a_token_of_their_own_with_its_record(
    authority: TimestampingAuthority, recorder: Recorder, query: Callable[..., bytes], sqlite: Database
) -> None:
    answers = ask(http.routes(authority, recorder), *(query(nonce=number) for number in range(100)))
    serials = set()
    for number, answer in enumerate(answers):
        token = wire.decode_response(answer.body).token
        assert token is not None
        found = wire.read_token(token).tst_info
        assert found.nonce == number
        serials.add(f"{found.serial_number:x}")
    with sqlite.read() as connection:
        recorded = set(connection.execute(text("SELECT serial FROM timestamp_tokens")).scalars())
    assert len(serials) == 100
    assert serials == recorded


@pytest.mark.req("TRUSTWORKS:TSA-RECORD-FIRST", "RFC3161:2.4.2-SYSTEM-FAILURE")
def test_a_log_that_cannot_be_written_is_a_system_failure(
    authority: TimestampingAuthority,
    recorder: Recorder,
    query: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    routes = http.routes(authority, recorder)
    refusal = Unavailable("audit.unwritable", "The disk is full.")

    def at_once(*_: object, **__: object) -> None:
        raise refusal

    def later(*_: object, released: Callable[[BaseException], None], **__: object) -> None:
        released(refusal)
        for listener in recorder._listeners:
            listener()

    for submit in (at_once, later):
        with monkeypatch.context() as patched:
            patched.setattr(recorder, "submit", submit)
            (answer,) = ask(routes, query())
        assert answer.status == 200
        found = wire.decode_response(answer.body)
        assert found.failures == ("systemFailure",)
        assert found.token is None
        assert not authority.status()["ok"]
    assert wire.decode_response(ask(routes, query())[0].body).token is not None
    assert authority.status()["ok"]


@pytest.mark.req("RFC3161:2.4.2-SYSTEM-FAILURE")
def test_a_fault_of_the_program_is_a_system_failure_without_its_story(
    authority: TimestampingAuthority,
    recorder: Recorder,
    query: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret of the house")

    monkeypatch.setattr(authority, "issue", broken)
    (answer,) = ask(http.routes(authority, recorder), query())
    assert wire.decode_response(answer.body).failures == ("systemFailure",)
    assert b"secret" not in answer.body


def test_a_slow_module_is_waited_for_in_a_thread(
    authority_of: Callable[..., TimestampingAuthority],
    recorder: Recorder,
    query: Callable[..., bytes],
    tsu_module: Module,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = tsu_module.key("tsu-1")
    sign, threads = key.sign, []

    def noted(data: bytes, scheme: object = None) -> bytes:
        threads.append(threading.current_thread().name)
        time.sleep(0.002)  # as a module over a network does
        return sign(data, scheme)  # type: ignore[arg-type]

    monkeypatch.setattr(key, "sign", noted)
    authority = authority_of(keys=lambda _: key)
    routes = http.routes(authority, recorder)
    for _ in range(3):
        assert wire.decode_response(ask(routes, query())[0].body).token is not None
    assert threads[0] == threading.main_thread().name
    assert all(name.startswith("tsa") for name in threads[1:])


def test_a_module_in_this_process_is_used_on_the_loop_itself(
    authority: TimestampingAuthority, recorder: Recorder, query: Callable[..., bytes]
) -> None:
    ask(http.routes(authority, recorder), *(query(nonce=number) for number in range(2 * WINDOW)))
    assert not authority.is_slow(None)
    assert not authority.is_slow("tsu-1")
    assert not authority.is_slow("nobody")


def test_the_pace_is_the_least_wait_of_a_window() -> None:
    pace = Pace()
    pace.took(1_000_000, 100_000)
    assert pace.microseconds == 900
    for _ in range(WINDOW - 2):
        pace.took(5_000_000, 0)
    pace.took(300_000, 200_000)
    assert pace.microseconds == 100
    for _ in range(WINDOW):
        pace.took(700_000, 800_000)
    assert pace.microseconds == 0
