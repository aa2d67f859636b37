"""Files that are whole or not there."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from trustworks.core.durable import put

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_appears_whole_with_its_mode_and_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    put(file, "one", mode=0o600)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    put(file, "two", mode=0o600)
    assert file.read_text(encoding="utf-8") == "two"
    assert list(tmp_path.iterdir()) == [file]


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
