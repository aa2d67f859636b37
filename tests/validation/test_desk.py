"""The order of effects of one validation: policy, queue, process, event, answer."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from signed_making import SIGNING_TIME, certify, holds
from validation_desk import Log, desk_of, settings_of

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.module import KeyAlgorithm
from trustworks.formats.data import Octets
from trustworks.formats.read import read
from trustworks.validation.bounded.asked import Answered, Asked, Given
from trustworks.validation.desk import Arriving, Desk, has_room, is_full, with_seal
from trustworks.validation.report.seal.sealer import Sealer
from trustworks.validation.report.seal.sealing import Seal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractContextManager

    from trustworks.core.audit import Event
    from trustworks.core.module import Module

FILE = Asked(file=Given(name="secret-name.pdf", octets=b"x"), policy="")


class Answers:
    """In the place of a pool."""

    def __init__(self, answer: Callable[[Asked], Answered]) -> None:
        self.ask = answer

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def counted() -> list[str]:
    return []


@pytest.fixture
def desk(log: Log, counted: list[str]) -> Iterator[Desk]:
    settings = settings_of(limits={"at-once": 1, "waiting": 1})
    with desk_of(settings, log, counted.append) as made:
        yield made


def answer_by(desk: Desk, answer: Callable[[Asked], Answered]) -> None:
    pool: Any = Answers(answer)
    desk._pool = pool


def raises(error: Exception) -> Callable[[Asked], Answered]:
    def answer(_: Asked) -> Answered:
        raise error

    return answer


def ask(desk: Desk, asked: Asked = FILE) -> Answered:
    return asyncio.run(desk.validate(asked, through="http"))


@pytest.mark.req("TS119441:VPR-8.1-09")
def test_an_unknown_policy_takes_no_place(desk: Desk, log: Log, counted: list[str]) -> None:
    with pytest.raises(Rejected, match="offered are ades, qualified, preservation"):
        desk.offer.named("none")
    assert desk.offer.named("") is desk.offer.named("ades")
    with pytest.raises(Rejected, match="offered are ades, qualified, preservation"):
        ask(desk, Asked(file=Given(), policy="none"))
    assert (log.events, counted) == ([], ["refused"])


@pytest.mark.req("TRUSTWORKS:VALIDATION-QUEUE")
def test_more_than_run_and_wait_are_refused_at_once(desk: Desk, counted: list[str]) -> None:
    go = threading.Event()

    def answer(_: Asked) -> Answered:
        go.wait(10)  # where a third one is let in, it waits for the others and ends then
        return Answered(results=("PASSED",), policy="urn:x")

    answer_by(desk, answer)

    async def many() -> list[Any]:
        first = [asyncio.create_task(desk.validate(FILE, through="http")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as raised:
            await desk.validate(FILE, through="http")
        assert raised.value.code == "validation.busy"
        go.set()
        return await asyncio.gather(*first)

    assert [one.results for one in asyncio.run(many())] == [("PASSED",)] * 2
    assert counted == ["busy", "passed", "passed"]
    assert ask(desk).results == ("PASSED",)  # the places are free again


@pytest.mark.req("TRUSTWORKS:VALIDATION-QUEUE")
def test_the_queue_has_the_places_that_the_configuration_gives() -> None:
    assert not is_full(2, at_once=2, waiting=1)
    assert is_full(3, at_once=2, waiting=1)
    assert is_full(0, at_once=0, waiting=0)


async def body_of(*portions: bytes) -> AsyncIterator[bytes]:
    for one in portions:
        yield one


async def arrived(place: AbstractContextManager[AsyncIterator[bytes]]) -> bytes:
    with place as portions:
        return b"".join([one async for one in portions])


@pytest.mark.req("TRUSTWORKS:VALIDATION-UPLOADS")
def test_there_is_room_for_so_many_requests_and_octets() -> None:
    assert has_room(2, 100, uploads=2, uploads_octets=100)
    assert not has_room(3, 100, uploads=2, uploads_octets=100)
    assert not has_room(2, 101, uploads=2, uploads_octets=100)


@pytest.mark.req("TRUSTWORKS:VALIDATION-UPLOADS")
def test_a_request_without_a_place_is_refused_before_anything_of_it_is_read() -> None:
    told: list[str] = []
    arriving = Arriving(uploads=1, octets=100, refused=lambda: told.append("busy"))
    with arriving.place(body_of()), pytest.raises(Unavailable) as raised:
        asyncio.run(arrived(arriving.place(unread())))
    assert (raised.value.code, told) == ("validation.busy", ["busy"])
    assert asyncio.run(arrived(arriving.place(body_of(b"a", b"b")))) == b"ab", "the place is free again"


async def unread() -> AsyncIterator[bytes]:
    yield b""
    pytest.fail("It was read.")


@pytest.mark.req("TRUSTWORKS:VALIDATION-UPLOADS")
def test_all_that_arrives_together_has_a_number_of_octets() -> None:
    arriving = Arriving(uploads=9, octets=100)

    async def both() -> None:
        with arriving.place(body_of(b"x" * 60)) as first:
            assert [len(one) async for one in first] == [60]
            with pytest.raises(Unavailable, match="Many files are arriving"):
                await arrived(arriving.place(body_of(b"x" * 30, b"x" * 30)))
            assert await arrived(arriving.place(body_of(b"x" * 40))) == b"x" * 40
        assert await arrived(arriving.place(body_of(b"x" * 100))) == b"x" * 100, "all of it is given back"

    asyncio.run(both())


def test_nothing_is_taken_in_while_no_more_can_be_validated(desk: Desk, counted: list[str]) -> None:
    desk._begun = 2
    for arriving in (desk.files, desk.messages):
        with pytest.raises(Unavailable, match="Many files are being validated"):
            asyncio.run(arrived(arriving.place(unread())))
    assert counted == ["busy", "busy"]


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (Malformed("No."), "unreadable"),
        (Rejected("validation.too-much", "No."), "too-much"),
        (Unavailable("validation.time", "No."), "too-slow"),
        (Unavailable("validation.process", "No."), "refused"),
    ],
)
def test_what_was_not_validated_is_counted_and_no_event(
    desk: Desk, log: Log, counted: list[str], error: Exception, result: str
) -> None:
    answer_by(desk, raises(error))
    with pytest.raises(type(error)):
        ask(desk)
    assert (log.events, counted) == ([], [result])


@pytest.mark.parametrize(
    ("results", "worst"),
    [
        ((), "no-signature"),
        (("PASSED",), "passed"),
        (("PASSED", "INDETERMINATE"), "indeterminate"),
        (("INDETERMINATE", "FAILED", "PASSED"), "failed"),
    ],
)
def test_what_was_validated_is_counted_by_its_worst_result(
    desk: Desk, counted: list[str], results: tuple[str, ...], worst: str
) -> None:
    answer_by(desk, lambda _: Answered(results=results, policy="urn:x"))
    ask(desk)
    assert counted == [worst]


@pytest.mark.req("TS119441:OVR-7.10-03")
@pytest.mark.req("TS119441:OVR-7.10-04")
def test_the_event_has_nothing_of_the_file(desk: Desk, log: Log) -> None:
    plain = {"signatures": [{"signer": "Anna Muster TEST"}]}
    answer_by(desk, lambda _: Answered(results=("PASSED", "PASSED"), policy="urn:x", plain=plain))
    ask(desk)
    (event,) = log.events
    assert event.type == "validation.performed"
    assert event.time.tzinfo is UTC
    assert event.subject == {"policy": "urn:x"}
    assert event.detail == {
        "through": "http",
        "results": {"passed": 2},
        "at-named-time": False,
        "sealed": False,
    }
    told = json.dumps([event.subject, event.detail])
    assert "secret-name" not in told
    assert "Anna" not in told


@pytest.fixture
def sealer(module: Module) -> Sealer:
    key = module.generate_key_pair(label="reports", algorithm=KeyAlgorithm.P256)
    seal = Seal(
        certificates=(certify(key.public_key, 9100),),
        scheme=key.scheme.name,
        sign=key.sign,
        clock=lambda: SIGNING_TIME,
    )
    return Sealer(
        seal=seal,
        since=SIGNING_TIME - timedelta(days=1),
        until=SIGNING_TIME + timedelta(days=1),
        revoked=lambda: None,
    )


REPORT = Answered(results=("PASSED",), policy="urn:x", etsi=b"<report><of>a</of></report>")


@pytest.mark.req("TS119441:SVR-8.4-16")
def test_a_report_leaves_the_service_with_its_seal(log: Log, sealer: Sealer) -> None:
    asked: list[Asked] = []

    def answer(one: Asked) -> Answered:
        asked.append(one)
        return REPORT

    with desk_of(settings_of(), log, sealer=sealer) as desk:
        answer_by(desk, answer)
        found = ask(desk)
    evidence = read(Octets(found.etsi))
    assert [one.level for one in evidence.signatures] == ["XAdES-BASELINE-B"]
    assert holds(evidence) == [True]
    assert found.sealed
    assert asked[0].certificate == sealer.certificate  # which the report names as its service's
    assert log.events[0].detail["sealed"] is True


@pytest.mark.req("TS119441:SVR-8.4-16")
def test_what_has_no_report_needs_no_seal(sealer: Sealer) -> None:
    none = replace(REPORT, etsi=b"")
    assert with_seal(none, sealer) == none
    assert with_seal(REPORT, None) == REPORT


def test_a_report_that_cannot_be_sealed_is_not_given_out(
    log: Log, counted: list[str], sealer: Sealer
) -> None:
    for wrong in (replace(sealer, revoked=lambda: "keyCompromise"), replace(sealer, until=sealer.since)):
        with desk_of(settings_of(), log, counted.append, sealer=wrong) as desk:
            answer_by(desk, lambda _: REPORT)
            with pytest.raises(Unavailable, match="cannot be sealed now") as refused:
                ask(desk)
        assert refused.value.code == "validation.seal"
    assert (log.events, counted) == ([], ["refused", "refused"])


def test_without_an_audit_log_nothing_is_answered(desk: Desk, log: Log, counted: list[str]) -> None:
    def record(_: Event) -> None:
        raise Unavailable("audit.closed", "The audit log is closed.")

    log.record = record  # type: ignore[method-assign,assignment]
    answer_by(desk, lambda _: Answered(results=("PASSED",), policy="urn:x"))
    with pytest.raises(Unavailable, match="audit log"):
        ask(desk)
    assert counted == ["refused"]
