"""Writers of one SQLite database take turns; nobody waits for ever, and SQLite itself has the last word."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from trustworks.core.store.turns import Turns

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import fcntl, sys
with open(sys.argv[1], "a") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


def is_held(file: Path) -> bool:
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_a_turn_is_held_and_given_back(tmp_path: Path) -> None:
    turns = Turns(tmp_path / "turn", patience=10)
    with turns.take():
        assert is_held(tmp_path / "turn")
    assert not is_held(tmp_path / "turn")
    with pytest.raises(ZeroDivisionError), turns.take():
        raise ZeroDivisionError
    assert not is_held(tmp_path / "turn")
    turns.close()
    turns.close()


def test_a_process_that_dies_gives_its_turn_back(tmp_path: Path) -> None:
    file = tmp_path / "turn"
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        turns = Turns(file, patience=30)
        taken = threading.Event()

        def take() -> None:
            with turns.take():
                taken.set()

        waiting = threading.Thread(target=take)
        waiting.start()
        assert not taken.wait(0.05)
        holder.kill()
        assert taken.wait(20)
        waiting.join()
        turns.close()


def test_after_its_patience_a_writer_asks_sqlite(tmp_path: Path) -> None:
    file = tmp_path / "turn"
    with file.open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        turns = Turns(file, patience=0.02)
        with turns.take():
            pass
        turns.close()
    turns = Turns(file, patience=0.02)
    entered: list[int] = []

    def take() -> None:
        with turns.take():
            entered.append(1)

    with turns.take():  # another thread of this process
        thread = threading.Thread(target=take)
        thread.start()
        thread.join(20)
        assert entered == [1]
        assert is_held(file)
    turns.close()


def test_without_a_folder_there_are_no_turns(tmp_path: Path) -> None:
    turns = Turns(tmp_path / "none" / "turn", patience=1)
    with turns.take():
        pass
    turns.close()
