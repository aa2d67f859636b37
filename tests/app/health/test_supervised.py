from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trustworks.app.health import supervised as processes
from trustworks.app.health.supervised import ProcessState
from trustworks.core.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path


def state(name: str = "https-1", *, ready: bool = True, deaths: int = 0, lately: int = 0) -> ProcessState:
    return ProcessState(name=name, ready=ready, deaths=deaths, lately=lately)


def test_what_the_supervisor_writes_the_workers_read(tmp_path: Path) -> None:
    states = (state("http-1", deaths=1), state(ready=False))
    assert processes.write(tmp_path, states)
    assert processes.read(tmp_path) == states
    assert not processes.write(tmp_path / "absent", states)


@pytest.mark.parametrize("content", [None, "", "1", "[1]", '[{"name": "x"}]', "{"])
def test_a_missing_or_damaged_file_is_told(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / processes.NAME).write_text(content, encoding="utf-8")
    with pytest.raises(Unavailable, match="Nothing is known") as raised:
        processes.read(tmp_path)
    assert raised.value.code == "processes.unknown"


def test_a_process_that_is_down_or_dies_again_and_again_is_told() -> None:
    processes.check([state(), state("http-1", deaths=1, lately=1)])
    with pytest.raises(Unavailable, match=r"https-1 is not up; jobs has died 7 times"):
        processes.check([state(ready=False), state("jobs", deaths=7, lately=7), state("http-1")])
