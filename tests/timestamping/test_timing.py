"""When a unit issues: with a time that can be believed, in order, quickly enough."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from timestamping_testbed import NOW

from trustworks.core.errors import Refused, Unavailable
from trustworks.timestamping import wire
from trustworks.timestamping.rules import timing

if TYPE_CHECKING:
    from collections.abc import Callable

    from timestamping_testbed import SteeredClock

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key, Module
    from trustworks.core.store import Database
    from trustworks.timestamping.service import TimestampingAuthority

MILLISECOND = timedelta(milliseconds=1)


def failures(response: bytes) -> tuple[str, ...]:
    answer = wire.decode_response(response)
    assert (answer.token is None) == bool(answer.failures)
    return answer.failures


def events(database: Database, kind: str) -> list[str]:
    query = text("SELECT body FROM audit_events WHERE type = :kind ORDER BY sequence")
    with database.read() as connection:
        return [bytes(body).decode() for body in connection.execute(query, {"kind": kind}).scalars()]


@pytest.mark.req("RFC3161:2.4.2-TIME-NOT-AVAILABLE", "EN319421:TIS-7.7.1-07", "EN319421:TIS-7.7.2-06")
@pytest.mark.parametrize(
    "code", ["clock.no-lease", "clock.unsynchronised", "clock.jump", "clock.leap-window"]
)
def test_without_trusted_time_there_is_no_token(
    authority: TimestampingAuthority,
    query: Callable[..., bytes],
    clock: SteeredClock,
    sqlite: Database,
    recorder: Recorder,
    code: str,
) -> None:
    clock.refuses = code
    for _ in range(3):
        assert failures(authority.stamp(query())) == ("timeNotAvailable",)
    with pytest.raises(Unavailable) as caught:
        authority.ping()
    assert caught.value.code == code
    assert authority.status()["clock"] == code
    clock.refuses = None
    assert failures(authority.stamp(query())) == ()
    authority.ping()
    recorder.close()
    (stopped,) = events(sqlite, "timestamp.stopped")
    assert f'"code":"{code}"' in stopped
    (resumed,) = events(sqlite, "timestamp.resumed")
    assert f'"code":"{code}"' in resumed


@pytest.mark.req("TRUSTWORKS:TSA-TIME-ORDER")
def test_time_does_not_go_back(
    authority: TimestampingAuthority, query: Callable[..., bytes], clock: SteeredClock
) -> None:
    assert failures(authority.stamp(query())) == ()
    clock.utc -= timedelta(seconds=1)
    assert failures(authority.stamp(query())) == ("timeNotAvailable",)
    clock.utc += timedelta(seconds=2)
    assert failures(authority.stamp(query())) == ()
    assert timing.is_in_order(5, 5)
    assert not timing.is_in_order(4, 5)


@pytest.mark.req("TRUSTWORKS:TSA-SIGNING-LIMIT")
@pytest.mark.parametrize(
    ("delay", "expected"),
    [
        (timedelta(milliseconds=500), ()),
        (timedelta(milliseconds=501), ("timeNotAvailable",)),
        (timedelta(seconds=60), ("timeNotAvailable",)),
        (timedelta(microseconds=-1), ("timeNotAvailable",)),
    ],
)
def test_a_token_that_took_too_long_to_sign_is_thrown_away(
    authority: TimestampingAuthority,
    query: Callable[..., bytes],
    clock: SteeredClock,
    sqlite: Database,
    delay: timedelta,
    expected: tuple[str, ...],
) -> None:
    authority.look()
    clock.moments = [NOW, NOW + delay]
    assert failures(authority.stamp(query())) == expected
    with sqlite.read() as connection:
        count = connection.execute(text("SELECT count(*) FROM timestamp_tokens")).scalar()
    assert count == (0 if expected else 1)


@pytest.mark.req("EN319421:TIS-7.7.1-06")
def test_a_token_that_left_its_accuracy_while_it_was_signed_is_thrown_away(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes], clock: SteeredClock
) -> None:
    authority = authority_of(accuracy_us=300_000)
    authority.look()
    clock.moments = [NOW, NOW + 299 * MILLISECOND]
    assert failures(authority.stamp(query())) == ()
    clock.moments = [NOW + 1000 * MILLISECOND, NOW + 1300 * MILLISECOND]
    assert failures(authority.stamp(query())) == ("timeNotAvailable",)
    assert timing.is_within_accuracy(0, 99, 1, 100)
    assert not timing.is_within_accuracy(0, 99, 2, 100)


@pytest.mark.req("RFC3161:2.4.2-TIME-NOT-AVAILABLE")
def test_time_that_ends_during_the_signature_stops_the_token(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    clock: SteeredClock,
    tsu_module: Module,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = tsu_module.key("tsu-1")
    sign_all = key.sign_all

    def latching(items: Any, scheme: Any = None, **_: Any) -> list[bytes]:
        clock.refuses = "clock.jump"
        return sign_all(items, scheme)

    monkeypatch.setattr(key, "sign_all", latching)
    authority = authority_of(keys=lambda _: key)
    assert failures(authority.stamp(query())) == ("timeNotAvailable",)
    assert authority.status()["units"][0]["code"] == "clock.jump"
    clock.refuses = None
    authority.ping()
    assert authority.status()["ok"]


@pytest.mark.req("RFC3161:2.4.2-SYSTEM-FAILURE")
def test_a_module_that_fails_is_a_system_failure_until_it_is_well(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    tsu_module: Module,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key: Key = tsu_module.key("tsu-1")
    authority = authority_of(keys=lambda _: key)

    def broken(*_: object, **__: object) -> list[bytes]:
        raise Unavailable("module.device-error", "The module does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(key, "sign_all", broken)
        assert failures(authority.stamp(query())) == ("systemFailure",)
        assert authority.status()["units"][0]["last_failure"]["code"] == "module.device-error"
    assert failures(authority.stamp(query())) == ()
    assert authority.status()["units"][0]["last_failure"] is None


@pytest.mark.req("EN319421:TIS-7.7.1-09", "EN319421:7.6.7-KEY-EXPIRY")
def test_the_key_s_period_includes_its_beginning_and_not_its_end() -> None:
    assert timing.key_may_sign(10, 10, 20)
    assert timing.key_may_sign(19, 10, 20)
    assert not timing.key_may_sign(9, 10, 20)
    assert not timing.key_may_sign(20, 10, 20)


@pytest.mark.req("TRUSTWORKS:TSA-SIGNING-LIMIT")
def test_the_limit_itself_is_in_time() -> None:
    assert timing.was_signed_in_time(0, 5, 5)
    assert not timing.was_signed_in_time(0, 6, 5)
    assert not timing.was_signed_in_time(5, 4, 5)


@pytest.mark.req("TRUSTWORKS:TSA-REVOKED-STOPS")
def test_a_unit_whose_certificate_is_revoked_issues_nothing(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
) -> None:
    since = "keyCompromise since 2026-11-25T00:00:00Z"
    authority = authority_of(revoked=lambda _: since)
    assert failures(authority.stamp(query())) == ("systemFailure",)
    with pytest.raises(Refused, match=since) as caught:
        authority.ping()
    assert caught.value.requirement == "TRUSTWORKS:TSA-REVOKED-STOPS"
