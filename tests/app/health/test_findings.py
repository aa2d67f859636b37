from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from laboratory import until

from trustworks.app.health import heartbeat
from trustworks.app.health.findings import Health, Well
from trustworks.app.health.heartbeat import TaskState
from trustworks.core.errors import Refused, Unavailable

if TYPE_CHECKING:
    from pathlib import Path


def raising(error: Exception) -> Well:
    raise error


def test_each_resource_has_a_finding_with_a_sentence() -> None:
    health = Health(
        {
            "clock": lambda: Well(sentence="The clock gives time."),
            "module": lambda: raising(Unavailable("module.token-absent", "Insert the token.")),
            "key": lambda: raising(Refused("X:1", "The key is not agreed.")),
        }
    )
    clock, module, key = health.findings()
    assert (clock.ok, clock.code, clock.sentence) == (True, "ok", "The clock gives time.")
    assert (module.ok, module.code, module.sentence) == (False, "module.token-absent", "Insert the token.")
    assert (key.ok, key.code) == (False, "refused")


def test_a_check_that_hangs_does_not_delay_the_others_and_is_not_started_again() -> None:
    go_on = threading.Event()
    calls: list[int] = []

    def hangs() -> Well:
        calls.append(1)
        go_on.wait()
        return Well(sentence="It answers.")

    health = Health({"store": hangs, "clock": lambda: Well(sentence="Fine.")}, kept=0, patience=0.1)
    store, clock = health.findings()
    health.findings()  # who waited for it would never come here
    assert (store.code, clock.ok) == ("health.slow", True)
    assert "has not answered within 0.1 s" in store.sentence
    assert len(calls) == 1
    go_on.set()
    until(lambda: health.findings()[0].ok)


def test_asking_often_asks_the_resources_once_a_second() -> None:
    calls: list[int] = []

    def counted() -> Well:
        calls.append(1)
        return Well(sentence="Fine.")

    health = Health({"one": counted}, kept=60)
    for _ in range(100):
        health.findings()
    assert len(calls) == 1


def test_a_bug_in_a_check_is_a_finding_and_says_nothing_of_its_inside() -> None:
    (finding,) = Health({"one": lambda: raising(ValueError("secret detail"))}).findings()
    assert finding.code == "health.bug"
    assert "secret" not in finding.sentence


def test_a_heartbeat_tells_how_the_tasks_fare(tmp_path: Path) -> None:
    heartbeat.write(tmp_path, {"crl": TaskState(code="store.full", sentence="The disk is full.")})
    found = heartbeat.read(tmp_path)
    assert found.tasks["crl"] == TaskState(code="store.full", sentence="The disk is full.")
    assert not found.tasks["crl"].ok
    assert found.age < 5


@pytest.mark.parametrize(
    "content",
    [None, "", "[]", "{}", '{"pid": 1, "written": "x", "tasks": {}}', '{"pid":1,"written":0,"tasks":1}'],
)
def test_a_missing_or_damaged_heartbeat_is_silence(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / heartbeat.NAME).write_text(content, encoding="utf-8")
    with pytest.raises(Unavailable, match="has not reported") as raised:
        heartbeat.read(tmp_path)
    assert raised.value.code == "jobs.silent"


@pytest.mark.parametrize("offset", [-3600.0, 3600.0])
def test_an_old_heartbeat_and_one_of_another_boot_are_silence(tmp_path: Path, offset: float) -> None:
    now = time.clock_gettime(time.CLOCK_MONOTONIC)
    document = f'{{"pid": 1, "written": {now + offset}, "tasks": {{}}}}'
    (tmp_path / heartbeat.NAME).write_text(document, encoding="utf-8")
    with pytest.raises(Unavailable, match="has not reported for"):
        heartbeat.read(tmp_path)
