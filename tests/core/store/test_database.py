"""The database: what it acknowledges is durable, what fails is undone, readers see one state."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import all_tables  # noqa: F401 - declares them
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, UniqueConstraint, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from trustworks.app.configuration_check import problems
from trustworks.app.web.checks import store
from trustworks.app.wiring import Wiring
from trustworks.core.errors import Unavailable
from trustworks.core.store import Database, StoreSettings, metadata, schema
from trustworks.core.store.postgresql import durability_problems
from trustworks.core.store.types import microseconds

if TYPE_CHECKING:
    from pathlib import Path

numbers = Table("test_numbers", MetaData(), Column("number", Integer, primary_key=True, autoincrement=False))


@pytest.fixture
def table(database: Database) -> Database:
    with database.begin() as connection:
        numbers.create(connection)
    return database


def stored(database: Database) -> list[int]:
    with database.read() as connection:
        return list(connection.scalars(select(numbers.c.number).order_by(numbers.c.number)))


def test_a_transaction_is_whole_or_not_at_all(table: Database) -> None:
    with table.begin() as connection:
        connection.execute(insert(numbers), [{"number": 1}, {"number": 2}])
    with pytest.raises(IntegrityError), table.begin() as connection:
        connection.execute(insert(numbers), [{"number": 3}, {"number": 2}])
    assert stored(table) == [1, 2]


def test_a_violated_constraint_reaches_the_caller(table: Database) -> None:
    with pytest.raises(IntegrityError), table.begin() as connection:
        connection.execute(insert(numbers), [{"number": 1}, {"number": 1}])
    assert stored(table) == []


def test_wrong_sql_is_a_bug_and_no_condition_of_the_database(database: Database) -> None:
    with pytest.raises((ProgrammingError, Unavailable)) as caught, database.read() as connection:
        connection.execute(text("SELEKT"))
    if isinstance(caught.value, Unavailable):  # SQLite has no error of its own for it
        assert caught.value.code == "store.failed"


def test_a_reader_sees_one_state(table: Database) -> None:
    with table.read() as connection:
        before = connection.execute(select(numbers)).all()
        with table.begin() as other:
            other.execute(insert(numbers), [{"number": 7}])
        assert connection.execute(select(numbers)).all() == before == []
    assert stored(table) == [7]


@pytest.mark.req("TRUSTWORKS:STORE-01")
def test_every_commit_of_sqlite_is_synchronised(sqlite_template: Path) -> None:
    with Database.open(StoreSettings.model_validate({"url": f"sqlite:///{sqlite_template}"})) as database:
        for opened in (database.begin, database.read):
            with opened() as connection:
                pragma = {
                    name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
                    for name in ("journal_mode", "synchronous", "foreign_keys", "fullfsync")
                }
            assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "fullfsync": 1}
        assert database.durability() == []


@pytest.mark.postgresql
@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
def test_postgresql_acknowledges_only_what_is_written(database: Database) -> None:
    with database.begin() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
    # The server of these tests runs without fsync, which an operator must be told.
    assert [problem.split(" = ")[0] for problem in database.durability()] == [
        "PostgreSQL runs with fsync",
        "PostgreSQL runs with full_page_writes",
    ]
    with pytest.raises(Unavailable, match="fsync = off") as caught:
        database.check_durable()
    assert caught.value.code == "store.not-durable"


@pytest.mark.req("TRUSTWORKS:STORE-01")
def test_a_server_that_may_lose_what_it_acknowledged_is_told() -> None:
    good = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    assert durability_problems(good) == []
    assert durability_problems(good | {"synchronous_commit": "remote_apply"}) == []
    for name in good:
        (problem,) = durability_problems(good | {name: "off"})
        assert f"{name} = off" in problem


@pytest.mark.req("TRUSTWORKS:STORE-01")
def test_sqlite_without_its_write_ahead_log_is_not_served(tmp_path: Path, sqlite_template: Path) -> None:
    file = tmp_path / "copy.sqlite"
    shutil.copy(sqlite_template, file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    (tmp_path / "trustworks.toml").write_text(
        f'[provider]\nname = "P TEST"\n[store]\nurl = "sqlite:///{file}"\n', encoding="utf-8"
    )
    wiring = Wiring.lazy(tmp_path / "trustworks.toml")
    with pytest.raises(Unavailable, match="journal mode is delete") as caught, wiring.open_recorder("test"):
        pass
    assert caught.value.code == "store.not-durable"
    assert any("journal mode is delete" in one for one in problems(wiring))
    with wiring.open_database() as database:
        services: Any = SimpleNamespace(log=SimpleNamespace(get=lambda: SimpleNamespace(database=database)))
        with pytest.raises(Unavailable, match="journal mode is delete"):
            store(services)
        database.upgrade()
        assert store(services).sentence
    with wiring.open_recorder("test"):
        pass


def test_the_database_is_private(tmp_path: Path) -> None:
    file = tmp_path / "state" / "new.sqlite"
    with Database.open(StoreSettings.model_validate({"url": f"sqlite:///{file}"})) as database:
        database.upgrade()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.req("TRUSTWORKS:STORE-02")
def test_a_database_without_tables_says_what_to_do(tmp_path: Path) -> None:
    with Database.open(StoreSettings.model_validate({"url": f"sqlite:///{tmp_path / 'none'}"})) as database:
        assert database.version() is None
        with pytest.raises(Unavailable, match="trustworks store upgrade") as caught:
            database.check_schema()
        assert caught.value.code == "store.schema"
    assert not (tmp_path / "none").exists()  # a wrong name makes no empty database


@pytest.mark.req("TRUSTWORKS:STORE-02")
@pytest.mark.parametrize(("version", "says"), [("0001", "store upgrade"), ("9999", "Update Trustworks")])
def test_another_schema_is_refused(database: Database, version: str, says: str) -> None:
    database.ping()
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    with pytest.raises(Unavailable, match=says) as caught:
        database.ping()
    assert caught.value.code == "store.schema"
    if version == "9999":
        with pytest.raises(Unavailable, match=says):
            database.upgrade()


UPGRADE = """
import sys
from trustworks.core.store import Database, StoreSettings
with Database.open(StoreSettings.model_validate({"url": sys.argv[1]})) as database:
    sys.stdin.readline()
    database.upgrade()
    database.check_schema()
"""


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_several_processes_may_upgrade_at_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'state' / 'one.sqlite'}"
    if kind == "postgresql":
        server = request.getfixturevalue("postgresql")
        name = f"upgrade_{tmp_path.name.replace('-', '_').lower()}"[:60]
        server.run(f"CREATE DATABASE {name}")
        url = server.url(name)
    command = [sys.executable, "-c", UPGRADE, url]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stderr=pipe, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert [code for _, code in ends] == [0, 0, 0], ends


def test_the_migrations_make_what_the_services_declare(database: Database) -> None:
    with database.read() as connection:
        inspector = inspect(connection)
        found = {name: inspector for name in inspector.get_table_names() if name != "alembic_version"}
        assert set(found) == set(metadata.tables)
        for name, table in metadata.tables.items():
            columns = {one["name"]: one for one in inspector.get_columns(name)}
            assert list(columns) == [column.name for column in table.columns], name
            for column in table.columns:
                one = columns[column.name]
                assert one["nullable"] == column.nullable, f"{name}.{column.name}"
                declared = column.type.dialect_impl(connection.dialect).compile(connection.dialect)
                made = str(one["type"].compile(connection.dialect))
                # PostgreSQL's VARCHAR without a length is TEXT.
                assert made.replace("TEXT", "VARCHAR") == declared.replace("TEXT", "VARCHAR"), column
            key = inspector.get_pk_constraint(name)
            assert key["constrained_columns"] == [column.name for column in table.primary_key], name
            unique = {tuple(one["column_names"]) for one in inspector.get_unique_constraints(name)}
            assert unique == {
                tuple(column.name for column in one.columns)
                for one in table.constraints
                if isinstance(one, UniqueConstraint)
            }, name
            indexes = {
                (one["name"], bool(one["unique"]), *one["column_names"])
                for one in inspector.get_indexes(name)
                if not one.get("duplicates_constraint")
            }
            assert indexes == {
                (one.name, one.unique, *(column.name for column in one.columns)) for one in table.indexes
            }, name
            foreign = {
                (*one["constrained_columns"], one["referred_table"], *one["referred_columns"])
                for one in inspector.get_foreign_keys(name)
            }
            assert foreign == {
                (
                    *(column.name for column in one.columns),
                    one.referred_table.name,
                    *(element.column.name for element in one.elements),
                )
                for one in table.foreign_key_constraints
            }, name


def test_the_head_is_found_without_the_migration_library() -> None:
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    configuration = Config()
    configuration.set_main_option("script_location", "trustworks.core.store:migrations")
    configuration.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(configuration)
    assert script.get_heads() == [schema.head()]


def test_a_moment_without_a_zone_is_not_stored() -> None:
    from datetime import datetime  # noqa: PLC0415

    with pytest.raises(ValueError, match="time zone"):
        microseconds(datetime(2026, 1, 1))  # noqa: DTZ001
