"""The protocol over HTTP: every answer a TimeStampResp, durable before it leaves, by loop or thread."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from trustworks.core.errors import Unavailable
from trustworks.core.http import RawRequest
from trustworks.timestamping import http, wire
from trustworks.timestamping.unit import EXPECTED_US

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.audit import Recorder
    from trustworks.core.http import RawResponse, Route
    from trustworks.core.module import Module
    from trustworks.core.store import Database
    from trustworks.timestamping.config import TimestampingSettings
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
    routes = http.routes(http.Edge(authority, recorder))
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
    answers = ask(
        http.routes(http.Edge(authority, recorder)), *(query(nonce=number) for number in range(100))
    )
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
    routes = http.routes(http.Edge(authority, recorder))
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
        assert authority.status()["units"][0]["last_failure"]["code"] == "audit.unwritable"
    assert wire.decode_response(ask(routes, query())[0].body).token is not None
    assert authority.status()["units"][0]["last_failure"] is None


def test_every_answer_is_counted_by_unit_and_result(
    authority_of: Callable[..., TimestampingAuthority],
    recorder: Recorder,
    query: Callable[..., bytes],
    two_units: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[tuple[str, str]] = []
    authority = authority_of(units=two_units)
    edge = http.Edge(authority, recorder, count=lambda unit, result: counted.append((unit, result)))
    routes = http.routes(edge)
    ask(routes, query(), b"nonsense", query(policy="2.999.3161.8"), query(policy="2.999.1"))
    assert sorted(counted) == [
        ("-", "badDataFormat"),
        ("-", "unacceptedPolicy"),
        ("tsu-1", "granted"),
        ("tsu-2", "granted"),
    ]
    counted.clear()
    ask(routes, b"nonsense", query(), path="/tsa/tsu-2")
    assert sorted(counted) == [("tsu-2", "badDataFormat"), ("tsu-2", "granted")]
    counted.clear()

    def full(*_: object, **__: object) -> None:
        raise Unavailable("audit.unwritable", "The disk is full.")

    monkeypatch.setattr(recorder, "submit", full)
    ask(routes, query(), path="/tsa/tsu-1")
    monkeypatch.setattr(authority, "_begin", lambda *_: 1 / 0)
    ask(routes, query(), path="/tsa/tsu-1")
    assert counted == [("tsu-1", "systemFailure")] * 2


@pytest.mark.req("RFC3161:2.4.2-SYSTEM-FAILURE")
def test_a_fault_of_the_program_is_a_system_failure_without_its_story(
    authority: TimestampingAuthority,
    recorder: Recorder,
    query: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finish = authority._finish

    def broken(begun: Any) -> Any:
        if begun.request.nonce == 13:
            raise ZeroDivisionError("a secret of the house")
        return finish(begun)

    monkeypatch.setattr(authority, "_finish", broken)
    bodies = [query(nonce=nonce) for nonce in range(10, 20)]
    answers = ask(http.routes(http.Edge(authority, recorder)), *bodies)
    for nonce, answer in enumerate(answers, 10):
        found = wire.decode_response(answer.body)
        assert b"secret" not in answer.body
        assert found.failures == (("systemFailure",) if nonce == 13 else ())
        if found.token is not None:
            assert wire.read_token(found.token).tst_info.nonce == nonce


def test_a_slow_module_is_waited_for_in_a_thread(
    authority_of: Callable[..., TimestampingAuthority],
    recorder: Recorder,
    query: Callable[..., bytes],
    tsu_module: Module,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = tsu_module.key("tsu-1")
    sign_all, threads = key.sign_all, []

    def noted(items: Any, scheme: Any = None, **_: Any) -> list[bytes]:
        threads.append(threading.current_thread().name)
        time.sleep(0.002)  # as a module over a network does
        return sign_all(items, scheme)

    monkeypatch.setattr(key, "sign_all", noted)
    authority = authority_of(keys=lambda _: key)
    routes = http.routes(http.Edge(authority, recorder))
    for _ in range(19):
        assert wire.decode_response(ask(routes, query())[0].body).token is not None
    assert threads[:2] == [threading.main_thread().name] * 2
    assert all(name.startswith("tsa") for name in threads[2:])


def test_a_module_that_fails_fails_all_that_were_to_be_signed_together(
    authority_of: Callable[..., TimestampingAuthority],
    recorder: Recorder,
    query: Callable[..., bytes],
    tsu_module: Module,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = tsu_module.key("tsu-1")
    authority = authority_of(keys=lambda _: key)
    routes = http.routes(http.Edge(authority, recorder))

    def failing(*_: object, **__: object) -> list[bytes]:
        raise Unavailable("module.device-error", "The module does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(key, "sign_all", failing)
        answers = ask(routes, query(nonce=1), b"nonsense", query(nonce=2))
    failures = [wire.decode_response(answer.body).failures for answer in answers]
    assert failures == [("systemFailure",), ("badDataFormat",), ("systemFailure",)]
    assert wire.decode_response(ask(routes, query())[0].body).token is not None


def test_a_module_in_this_process_is_used_on_the_loop_itself(
    authority: TimestampingAuthority,
    recorder: Recorder,
    query: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.perf_counter_ns", itertools.count(step=10_000).__next__)
    routes = http.routes(http.Edge(authority, recorder))
    for number in range(48):
        ask(routes, query(nonce=number))
    assert not authority.is_slow(query(), None)
    assert not authority.is_slow(b"", "tsu-1")
    assert not authority.is_slow(b"", "nobody")


def test_an_rsa_key_is_slow_from_its_first_signature_on(
    settings_of: Callable[..., TimestampingSettings],
) -> None:
    assert EXPECTED_US["rsa"] > settings_of().inline_below_us > EXPECTED_US["ec"]


def test_a_request_goes_by_the_pace_of_the_unit_that_it_will_get(
    authority_of: Callable[..., TimestampingAuthority],
    two_units: list[dict[str, Any]],
    query: Callable[..., bytes],
) -> None:
    authority = authority_of(units=two_units)
    first, second = authority._units.values()
    second.pace.microseconds = 5000.0
    asked = query(policy=second.terms.policies[0])
    assert authority.is_slow(asked, None)
    assert not authority.is_slow(query(policy=first.terms.policies[0]), None)
    assert not authority.is_slow(query(), None)
    assert not authority.is_slow(b"nonsense", None)
    assert authority.is_slow(query(), second.name)
    first.pace.microseconds = 5000.0
    assert authority.is_slow(query(), None)


@pytest.mark.parametrize(
    ("paces", "most"), [((100.0, 100.0), 16), ((100.0, 400.0), 10), ((100.0, 5000.0), 16), ((0.0, 0.0), 16)]
)
def test_what_is_signed_in_one_turn_keeps_the_loop_for_four_milliseconds_at_most(
    authority_of: Callable[..., TimestampingAuthority],
    two_units: list[dict[str, Any]],
    paces: tuple[float, float],
    most: int,
) -> None:
    authority = authority_of(units=two_units)
    for unit, pace in zip(authority._units.values(), paces, strict=True):
        unit.pace.microseconds = pace
    assert authority.most_together(4000.0, 16) == most
