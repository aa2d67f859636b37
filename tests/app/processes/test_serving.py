from __future__ import annotations

import asyncio
import threading
import time
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import structlog

from trustworks.app.health.heartbeat import TaskState
from trustworks.app.opening import Opening
from trustworks.app.processes import jobs
from trustworks.app.processes.checkpoints import START_PATIENCE, Checkpoints
from trustworks.app.processes.jobs import Task
from trustworks.app.processes.rounds import Tokens
from trustworks.app.processes.tasks import registrar
from trustworks.app.web import closed
from trustworks.app.wiring import Wiring
from trustworks.core.audit import Progress
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.http import RawRequest, RawResponse
from trustworks.timestamping.config import TimestampingSettings
from trustworks.timestamping.wire import decode_response

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.core.http import Route
    from trustworks.core.module import Module


# Services that are not open


def answer(routes: list[Route], method: str, path: str) -> RawResponse:
    route = next(one for one in routes if (one.method, one.path) == (method, path))
    request = RawRequest(method=method, path=path, raw_path=path.encode(), headers={}, body=b"")

    async def ask() -> RawResponse:
        return await route.handler(request)

    return asyncio.run(ask())


def test_a_closed_time_stamping_authority_answers_in_its_protocol() -> None:
    settings = TimestampingSettings.model_validate({"units": [{"name": "tsu-1", "certificate": "x"}]})
    counted: list[tuple[str, str]] = []
    routes = closed.timestamping(settings, count=lambda unit, result: counted.append((unit, result)))
    for path in ("/tsa", "/tsa/tsu-1"):
        found = answer(routes, "POST", path)
        assert found.content_type == "application/timestamp-reply"
        assert decode_response(found.body).failures == ("systemFailure",)
    assert counted == [("tsu-1", "systemFailure")] * 2


def test_closed_status_services_say_try_later() -> None:
    def absent(stack: ExitStack) -> str:
        del stack
        raise Unavailable("module.token-absent", "Insert the token.")

    opening = Opening("status", absent)
    opening.attempt()
    counted: list[str] = []
    routes = closed.status(opening, count=counted.append)
    for method, path in (("POST", "/ocsp"), ("GET", "/ocsp/")):
        found = answer(routes, method, path)
        assert (found.content_type, found.body) == ("application/ocsp-response", b"\x30\x03\x0a\x01\x03")
    with pytest.raises(Unavailable, match="Insert the token"):
        answer(routes, "GET", "/crl/")
    assert counted == ["tryLater", "tryLater"]


# Tasks of the jobs process


class Rounds:
    """Counts rounds, and fails when told to."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.opened = self.closed = self.rounds = 0

    def __call__(self, stack: ExitStack) -> str:
        self.rounds += 1
        self.opened += 1
        stack.callback(self._close)
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error
        return f"Round {self.rounds}."

    def _close(self) -> None:
        self.closed += 1


def run_until(task: Task, enough: int, rounds: Rounds) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=task.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 10
    while rounds.rounds < enough and thread.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stop.set()
    thread.join()
    task.end()


def test_a_task_that_fails_says_so_opens_anew_and_goes_on() -> None:
    rounds = Rounds(None, Unavailable("store.full", "The disk is full."), None)
    task = Task("crl", 0.0, rounds)
    assert task.state.code == "starting"
    run_until(task, 3, rounds)
    assert task.state.ok
    assert rounds.closed == rounds.opened


def test_a_task_without_time_leaves_the_reasons_to_the_clock() -> None:
    rounds = Rounds(Unavailable("clock.unsynchronised", "The kernel is not synchronised."))
    task = Task("crl", 60.0, rounds)
    with structlog.testing.capture_logs() as told:
        run_until(task, 1, rounds)
    (line,) = told
    assert (line["event"], line["code"]) == ("jobs.task-failed", "clock.unsynchronised")
    assert line["reason"] == jobs.NO_TIME
    assert task.state.sentence == "The kernel is not synchronised."


def test_what_the_clock_s_own_task_fails_from_is_told() -> None:
    reason = "The record of releases is not trusted: it has the mode 0666."
    rounds = Rounds(Unavailable("clock.releases-unprotected", reason))
    with structlog.testing.capture_logs() as told:
        run_until(Task("clock", 60.0, rounds), 1, rounds)
    assert [line["reason"] for line in told] == [reason]


def test_a_bug_in_a_task_is_told_without_its_inside() -> None:
    rounds = Rounds(ValueError("inside"))
    task = Task("crl", 60.0, rounds)
    run_until(task, 1, rounds)
    assert task.state == TaskState(code="bug", sentence="The task failed; the reason is in the log.")


@pytest.mark.req("TRUSTWORKS:APP-PIN-ONCE")
def test_a_wrong_pin_ends_the_task() -> None:
    rounds = Rounds(*[Unavailable("module.pin-wrong", "The PIN is wrong.")] * 5)
    task = Task("crl", 0.0, rounds)
    run_until(task, 2, rounds)
    assert rounds.rounds == 1
    assert task.state.code == "module.pin-wrong"


@pytest.mark.req("TRUSTWORKS:APP-PIN-ONCE")
def test_a_task_goes_on_when_the_pin_file_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LOOK", 0.01)
    looks: list[int] = []

    def state() -> int:
        looks.append(1)
        return 1 if len(looks) < 10 else 2

    rounds = Rounds(Unavailable("module.pin-wrong", "The PIN is wrong."))
    task = Task("crl", 60.0, rounds, watch=state)
    run_until(task, 2, rounds)
    assert len(looks) >= 10, "it was tried although the file was as before"
    assert task.state.ok


@pytest.mark.req("TRUSTWORKS:APP-PIN-ONCE")
def test_all_tasks_share_a_token_and_a_wrong_pin_is_tried_once_for_all(tmp_path: Path) -> None:
    file = tmp_path / "trustworks.toml"
    pin = tmp_path / "audit.pin"
    pin.write_text("a wrong one", encoding="ascii")
    text = '[provider]\nname = "A provider"\n[module]\napproval = "a"\n[tokens]\n'
    text += f'audit = "pkcs11:token=audit?pin-source={pin}"\n'
    file.write_text(text, encoding="utf-8")
    tries: list[str] = []

    class Counted(Wiring):
        @contextmanager
        def open_module(self, token: str, *, read_write: bool = False, **_more: object) -> Iterator[Module]:
            tries.append(pin.read_text(encoding="ascii"))
            if tries[-1] != "the right one":
                raise Unavailable("module.pin-wrong", f"The PIN is wrong ({read_write}).")
            yield cast("Module", token)

    tokens = Tokens(Counted(file))
    for _ in range(3):
        with pytest.raises(Unavailable, match="The PIN is wrong"):
            tokens.get("audit")
    pin.write_text("the right one", encoding="ascii")
    for _ in range(3):
        assert str(tokens.get("audit")) == "audit"
    assert tries == ["a wrong one", "the right one"]


class Sequencer:
    """Makes the progress that it is told to."""

    def __init__(self, *progress: Progress) -> None:
        self.progress = list(progress)
        self.forced = 0

    def run_once(self, *, checkpoint: bool = False) -> Progress:
        self.forced += checkpoint
        return self.progress.pop(0) if self.progress else Progress(appended=0, size=7)


def test_an_authority_in_trouble_is_asked_seldom_and_complained_about_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    trouble = Progress(appended=1, size=7, checkpoint=1, problem="It does not answer.")
    signing, stamping = Sequencer(), Sequencer(trouble, trouble, trouble)
    work = Checkpoints(signing, stamping)  # type: ignore[arg-type]
    assert work().ok
    assert len(stamping.progress) == 3, "our own authority may be starting still"
    now[0] += 6
    assert work().ok
    assert len(stamping.progress) == 2
    now[0] += 1
    work()
    assert len(stamping.progress) == 2, "asked again at once"
    now[0] += 60
    found = work()
    assert (found.code, "It does not answer." in found.sentence) == ("audit.not-time-stamped", True)
    stamping.progress = [Progress(appended=1, size=8, checkpoint=2, stamped=True)]
    now[0] += 60
    assert work().ok
    work.finish()
    assert signing.forced == 1


def test_an_authority_that_stays_in_trouble_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    problems = ["It does not answer."] * 4 + ["It refuses."] * 2
    stamping = Sequencer(
        *(Progress(appended=1, size=7, checkpoint=1, problem=problem) for problem in problems),
        Progress(appended=1, size=8, checkpoint=2, stamped=True),
    )
    work = Checkpoints(Sequencer(), stamping)  # type: ignore[arg-type]
    now[0] += START_PATIENCE
    with structlog.testing.capture_logs() as told:
        while stamping.progress:
            now[0] += 20
            work()
    assert [(one["event"], one.get("reason"), one.get("failures")) for one in told] == [
        ("audit.not-time-stamped", "It does not answer.", None),
        ("audit.not-time-stamped", "It refuses.", None),
        ("audit.time-stamped-again", None, 6),
    ]


def test_an_authority_that_is_starting_beside_us_is_not_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    stamping = Sequencer(
        *(Progress(appended=1, size=7, checkpoint=1, problem="It does not answer.") for _ in range(2)),
        Progress(appended=1, size=8, checkpoint=2, stamped=True),
    )
    work = Checkpoints(Sequencer(), stamping)  # type: ignore[arg-type]
    with structlog.testing.capture_logs() as told:
        while stamping.progress:
            now[0] += 20
            assert work().ok
    assert told == []


# Wiring


def test_a_token_that_is_not_configured_is_told_with_an_example(tmp_path: Path) -> None:
    file = tmp_path / "trustworks.toml"
    file.write_text('[provider]\nname = "A provider"\n', encoding="utf-8")
    wiring = Wiring.lazy(file)
    with pytest.raises(Rejected, match=r"\[tokens\] tsu is not set in .*pin-source=file:secrets/tsu.pin"):
        wiring.token_uri("tsu")
    with pytest.raises(Rejected, match="no \\[timestamping\\]"):
        _ = wiring.timestamping_settings
    with pytest.raises(Rejected, match="no \\[issuance\\]"):
        _ = wiring.issuance_settings


def test_the_services_finish_applications_and_end_those_whose_time_is_over() -> None:
    class Desk:
        tidied = 0
        fails = False

        def finish_all(self) -> list[str]:
            if self.fails:
                raise Unavailable("registration.finish", "One cannot be issued.")
            return ["a"]

        def tidy(self, *, by: str) -> tuple[list[str], list[str]]:
            assert by == "jobs"
            self.tidied += 1
            return ["b", "c"], []

    class Registering:
        @contextmanager
        def open_registration(self, role: str, *, module: object) -> Iterator[Desk]:
            assert (role, module) == ("jobs-registration", "tokens")
            yield desk

    desk = Desk()

    wiring: Any = Registering()
    tokens: Any = SimpleNamespace(get="tokens")
    with ExitStack() as stack:
        look = registrar(wiring, tokens, stack)
        said = "1 approved applications were finished, 2 withdrawn that nobody decided on, 0 erased"
        assert str(look()).startswith(said)
        desk.fails = True
        with pytest.raises(Unavailable, match="One cannot be issued"):
            look()
    assert desk.tidied == 2  # what is over is erased all the same
