"""The copy of a running SQLite database."""

from __future__ import annotations

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
        copied.upgrade()
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
