"""Files that are whole or not there."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trustworks.core.durable import put, put_new, read_at_most

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_a_file_appears_whole_with_its_mode_and_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    put(file, "one", mode=0o600)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    put(file, "two", mode=0o600)
    assert file.read_text(encoding="utf-8") == "two"
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for one in (pipe, link, tmp_path):
        with pytest.raises(OSError, match="it is no regular file") as caught:
            put(one, "new")
        assert caught.value.strerror
    assert sorted(tmp_path.iterdir()) == [link, pipe]
    assert pipe.is_fifo()
    assert link.is_symlink()


def test_a_file_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    put(file, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, f"No space left on device ({descriptor})")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        put(file, "new")
    assert file.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_new_file_is_written_over_no_other(tmp_path: Path) -> None:
    file = tmp_path / "export"
    put_new(file, [b"one", b"two"])
    assert file.read_bytes() == b"onetwo"
    with pytest.raises(FileExistsError):
        put_new(file, [b"three"])
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        put_new(link, [b"three"])
    assert file.read_bytes() == b"onetwo"
    assert sorted(tmp_path.iterdir()) == [file, link]


def test_a_new_file_whose_name_is_taken_meanwhile(tmp_path: Path) -> None:
    file = tmp_path / "export"

    def content() -> Iterator[bytes]:
        yield b"ours"
        file.write_bytes(b"theirs")

    with pytest.raises(FileExistsError):
        put_new(file, content())
    assert file.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("why", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_new_file_that_cannot_be_finished_is_not_there(tmp_path: Path, why: BaseException) -> None:
    def content() -> Iterator[bytes]:
        yield b"one"
        raise why

    with pytest.raises(type(why)):
        put_new(tmp_path / "export", content())
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_on_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    put_new(tmp_path / "export", [b"one"])
    assert (tmp_path / "export").read_bytes() == b"one"
    assert [one.name for one in tmp_path.iterdir()] == ["export"]


def test_of_a_file_without_an_end_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    assert read_at_most(Path("/dev/zero"), 10) == bytes(11)
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    assert read_at_most(file, 10) == b"0123456789"


def test_what_replaces_a_file_comes_piece_by_piece(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_bytes(b"old")

    def pieces() -> Iterator[bytes]:
        yield b"new "
        assert out.read_bytes() == b"old", "it is there whole, or as it was"
        yield b"one"

    put(out, pieces())
    assert out.read_bytes() == b"new one"
