"""The copy of a running SQLite database."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.store import Database, StoreSettings
from trustworks.core.store.backup import back_up

if TYPE_CHECKING:
    from pathlib import Path


def test_a_copy_is_one_state_and_opens(tmp_path: Path, sqlite_template: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    seen: list[tuple[int, int]] = []
    with Database.open(StoreSettings.model_validate({"url": f"sqlite:///{sqlite_template}"})) as database:
        back_up(database, copy, lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with Database.open(StoreSettings.model_validate({"url": f"sqlite:///{copy}"})) as copied:
        with pytest.raises(Unavailable, match="store upgrade"):
            copied.check_durable()
        copied.upgrade()
        copied.check_durable()
        copied.ping()
        with copied.read() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"


def test_no_file_is_written_over(tmp_path: Path, sqlite_template: Path) -> None:
    with Database.open(StoreSettings.model_validate({"url": f"sqlite:///{sqlite_template}"})) as database:
        with pytest.raises(Rejected, match="exists"):
            back_up(database, sqlite_template, lambda _done, _total: None)
        with pytest.raises(Unavailable, match="cannot be written"):
            back_up(database, tmp_path / "none" / "copy", lambda _done, _total: None)


@pytest.mark.postgresql
@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
def test_postgresql_has_its_own_tools(database: Database, tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="pg_basebackup"):
        back_up(database, tmp_path / "copy", lambda _done, _total: None)


def test_a_copy_has_its_name_when_it_is_whole(tmp_path: Path, sqlite_template: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    copy = folder / "copy.sqlite"
    there: list[bool] = []

    def killed(_done: int, _total: int) -> None:
        there.append(copy.exists())
        raise KeyboardInterrupt

    with Database.open(StoreSettings.model_validate({"url": f"sqlite:///{sqlite_template}"})) as database:
        with pytest.raises(KeyboardInterrupt):
            back_up(database, copy, killed)
        assert there == [False]
        assert list(folder.iterdir()) == []
        back_up(database, copy, lambda _done, _total: there.append(copy.exists()))
        assert not any(there)
        assert list(folder.iterdir()) == [copy]


def test_a_file_that_came_meanwhile_stays(tmp_path: Path, sqlite_template: Path) -> None:
    copy = tmp_path / "copy.sqlite"

    def meanwhile(_done: int, _total: int) -> None:
        copy.write_text("evidence")

    with (
        Database.open(StoreSettings.model_validate({"url": f"sqlite:///{sqlite_template}"})) as database,
        pytest.raises(Rejected, match="exists"),
    ):
        back_up(database, copy, meanwhile)
    assert copy.read_text() == "evidence"
    assert list(tmp_path.iterdir()) == [copy]


def test_of_a_damaged_database_there_is_no_copy(tmp_path: Path, sqlite_template: Path) -> None:
    file, copy = tmp_path / "database.sqlite", tmp_path / "copy.sqlite"
    file.write_bytes(sqlite_template.read_bytes())
    with Database.open(StoreSettings.model_validate({"url": f"sqlite:///{file}"})) as database:
        file.write_bytes(b"no database at all".ljust(8192, b"."))
        with pytest.raises(Unavailable, match="not a database") as caught:
            back_up(database, copy, lambda _done, _total: None)
    assert caught.value.code == "store.not-a-database"
    assert not copy.exists()


def test_a_copy_that_is_not_durable_is_none(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy.sqlite"

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(descriptor))

    with Database.open(StoreSettings.model_validate({"url": f"sqlite:///{sqlite_template}"})) as database:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="No space left") as caught:
            back_up(database, copy, lambda _done, _total: None)
    assert caught.value.code == "store.backup"
    assert not copy.exists()
