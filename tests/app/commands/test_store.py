"""`trustworks store`, as an operator calls it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from trustworks.app.commands.store import app
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.store import Database, StoreSettings, schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Wiring:
    """As much of the application's wiring as the store needs."""

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings

    @contextmanager
    def open_database(self, *, check: bool = True) -> Iterator[Database]:
        with Database.open(self._settings) as database:
            if check:
                database.check_schema()
            yield database


@pytest.fixture
def wiring(tmp_path: Path) -> Wiring:
    """A database that does not exist yet."""
    return Wiring(StoreSettings.model_validate({"url": f"sqlite:///{tmp_path / 'state' / 'db.sqlite'}"}))


def run(wiring: Wiring, *arguments: Any) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], obj=wiring)


@pytest.mark.req("TRUSTWORKS:STORE-02")
def test_the_way_from_nothing(wiring: Wiring, tmp_path: Path) -> None:
    done = run(wiring, "status")
    assert done.exit_code == 1
    assert "trustworks store upgrade" in done.stdout
    assert isinstance(run(wiring, "backup", tmp_path / "copy").exception, Unavailable)

    assert f"is now {schema.head()} (before: none)" in run(wiring, "upgrade").stdout
    assert "there was nothing to do" in run(wiring, "upgrade").stdout
    found = json.loads(run(wiring, "upgrade", "--json").stdout)
    assert (found["before"], found["after"]) == (schema.head(), schema.head())

    done = run(wiring, "status")
    assert done.exit_code == 0
    assert "problems  none" in done.stdout
    assert json.loads(run(wiring, "status", "--json").stdout)["ok"]


def test_a_backup(wiring: Wiring, tmp_path: Path) -> None:
    run(wiring, "upgrade")
    done = run(wiring, "backup", tmp_path / "copy")
    assert done.exit_code == 0
    assert "holds a copy" in done.stdout
    assert isinstance(run(wiring, "backup", tmp_path / "copy").exception, Rejected)
    found = json.loads(run(wiring, "backup", tmp_path / "second", "--json").stdout)
    assert found["bytes"] == (tmp_path / "second").stat().st_size


@pytest.mark.postgresql
@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
def test_a_database_that_is_not_durable(store_settings: StoreSettings) -> None:
    # The server of these tests runs without fsync, which must not go unsaid.
    done = run(Wiring(store_settings), "status")
    assert done.exit_code == 1
    assert "fsync = off" in done.stdout


# What somebody's hand, or a wrong tool, left in the table of versions.
SPOILT = [
    "INSERT INTO alembic_version VALUES ('0003')",
    "DELETE FROM alembic_version",
    "UPDATE alembic_version SET version_num = '0000'",
    "UPDATE alembic_version SET version_num = '00ab'",
    "UPDATE alembic_version SET version_num = 'f3b2c1'",
    "UPDATE alembic_version SET version_num = ''",
]


@pytest.mark.req("TRUSTWORKS:STORE-02")
@pytest.mark.parametrize("statement", SPOILT)
def test_a_spoilt_version_is_damage_and_nothing_is_changed(
    store_settings: StoreSettings, statement: str
) -> None:
    wiring = Wiring(store_settings)
    with Database.open(store_settings) as database, database.begin() as connection:
        connection.execute(text(statement))
        before = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    done = run(wiring, "status", "--json")
    assert done.exit_code == 1, done.exception
    (problem,) = json.loads(done.stdout)["problems"]
    assert "The table alembic_version of the database" in problem
    assert "restore a backup" in problem
    refused = run(wiring, "upgrade").exception
    assert isinstance(refused, Unavailable)
    assert refused.code == "store.damaged"
    with Database.open(store_settings) as database, database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == before


@pytest.mark.req("TRUSTWORKS:STORE-02")
def test_a_newer_version_wants_a_newer_program(store_settings: StoreSettings) -> None:
    with Database.open(store_settings) as database, database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    done = run(Wiring(store_settings), "status")
    assert done.exit_code == 1
    assert "is newer than this program's" in done.stdout


@pytest.mark.req("TRUSTWORKS:STORE-02")
@pytest.mark.parametrize(
    "statement", ["DROP TABLE alembic_version", "ALTER TABLE alembic_version RENAME version_num TO x"]
)
def test_a_lost_table_of_versions_is_told(store_settings: StoreSettings, statement: str) -> None:
    with Database.open(store_settings) as database, database.begin() as connection:
        connection.execute(text(statement))
    wiring = Wiring(store_settings)
    done = run(wiring, "status")
    assert done.exit_code == 1, done.exception
    refused = run(wiring, "upgrade").exception
    assert isinstance(refused, Unavailable)
    assert refused.code == "store.damaged"
