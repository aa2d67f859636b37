"""What goes wrong with a database, done for real, is a sentence that says what to do."""

from __future__ import annotations

import os
import re
import resource
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from closed_folder import closed
from postgresql_server import PostgresqlServer
from sqlalchemy import text

from trustworks.core.errors import Unavailable
from trustworks.core.store import Database, StoreSettings
from trustworks.core.store.failures import SENTENCES, code_of
from trustworks.core.store.sqlite import LONGEST_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.req("TRUSTWORKS:STORE-04")


def settings_of(file: Path, **more: object) -> StoreSettings:
    return StoreSettings.model_validate({"url": f"sqlite:///{file}", **more})


@pytest.fixture
def file(tmp_path: Path, sqlite_template: Path) -> Path:
    copy = tmp_path / "trustworks.sqlite"
    shutil.copy(sqlite_template, copy)
    return copy


@pytest.mark.parametrize("more", [0, 1])
def test_a_path_that_is_too_long_for_sqlite_is_told_with_what_to_do(tmp_path: Path, more: int) -> None:
    octets = LONGEST_PATH + more - len("/x.sqlite")
    folder = tmp_path.joinpath(*((octets - len(str(tmp_path)) - 2) // 101 * ["d" * 100]))
    file = folder / ("e" * (octets - len(str(folder)) - 1)) / "x.sqlite"
    assert len(str(file)) == LONGEST_PATH + more
    if not more:
        with Database.open(settings_of(file)) as database:
            database.upgrade()
            assert database.durability() == []
    else:
        with pytest.raises(Unavailable, match=f"has {LONGEST_PATH + 1} octets, and SQLite") as caught:
            Database.open(settings_of(file))
        assert caught.value.code == "store.cannot-open"
        assert not list(tmp_path.iterdir())


def test_a_file_that_sqlite_cannot_make_a_database_of_is_told(tmp_path: Path) -> None:
    file = tmp_path / "trustworks.sqlite"
    file.mkdir()
    with Database.open(settings_of(file)) as database, pytest.raises(Unavailable) as caught:
        database.upgrade()
    assert caught.value.code == "store.cannot-open"


def fill(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS filler (data TEXT)"))
    for _ in range(400):
        with database.begin() as connection:
            connection.execute(text("INSERT INTO filler VALUES (:data)"), {"data": os.urandom(40_000).hex()})


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 24 MB, where PostgreSQL's account can reach it."""
    folder = Path(tempfile.mkdtemp(prefix="tw-disk-"))
    folder.chmod(0o755)
    command = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0777", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("NOT TESTED ON A FULL DISK: mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.rmdir()


def test_a_full_disk(small_disk: Path, sqlite_template: Path) -> None:
    shutil.copy(sqlite_template, small_disk / "db.sqlite")
    with Database.open(settings_of(small_disk / "db.sqlite")) as database:
        with pytest.raises(Unavailable, match="Make room") as caught:
            fill(database)
        assert caught.value.code == "store.full"
        database.ping()  # what is there can still be read


def test_a_full_quota(file: Path) -> None:
    with Database.open(settings_of(file)) as database:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
        try:
            with pytest.raises(Unavailable) as caught:
                fill(database)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert caught.value.code in {"store.full", "store.input-output"}
        database.ping()
        fill_one = text("INSERT INTO filler VALUES ('after')")
        with database.begin() as connection:  # with room again, it goes on
            connection.execute(fill_one)


@pytest.mark.postgresql
def test_a_full_disk_of_postgresql(small_disk: Path) -> None:
    server = PostgresqlServer(durable=False)  # its own: a server that cannot write is no good to other tests
    try:
        shutil.chown(small_disk, server.folder.stat().st_uid)
        server.run(f"CREATE TABLESPACE small LOCATION '{small_disk}'")
        server.run("CREATE DATABASE full_disk TABLESPACE small", "CHECKPOINT")
        settings = StoreSettings.model_validate({"url": server.url("full_disk")})
        with Database.open(settings) as database:
            with pytest.raises(Unavailable, match="Make room") as caught:
                fill(database)
            assert caught.value.code == "store.full"
    finally:
        server.remove()


def test_a_locked_database(file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Database.open(settings_of(file, **{"busy-timeout": 0.05})) as database:
        with pytest.raises(Unavailable, match="locked by another process") as caught, database.begin():
            pass
        assert caught.value.code == "store.locked"
        database.ping()  # readers do not wait for the writer
    other.close()


@pytest.mark.postgresql
def test_a_locked_table_of_postgresql(postgresql: PostgresqlServer) -> None:
    postgresql.run("CREATE DATABASE locked TEMPLATE template")
    settings = StoreSettings.model_validate({"url": postgresql.url("locked"), "busy-timeout": 0.05})
    with Database.open(settings) as database, database.begin() as holder:
        holder.execute(text("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(Unavailable) as caught, database.read() as connection:
            connection.execute(text("SELECT * FROM audit_events"))
        assert caught.value.code == "store.locked"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("This is a letter, and no database at all. " * 100)
    with Database.open(settings_of(file)) as database, pytest.raises(Unavailable) as caught:
        database.ping()
    assert caught.value.code == "store.not-a-database"


def test_a_damaged_database(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[5000 : len(content) - 100] = os.urandom(len(content) - 5100)
    file.write_bytes(content)
    statement = text("INSERT INTO audit_events VALUES ('s', 0, 0, 't', 'h', 'b')")
    with (
        Database.open(settings_of(file)) as database,
        pytest.raises(Unavailable) as caught,
        database.begin() as connection,
    ):
        connection.execute(statement)
    assert caught.value.code == "store.damaged"


def test_a_text_that_is_no_utf8(file: Path) -> None:
    with Database.open(settings_of(file)) as database:
        with database.begin() as connection:
            connection.execute(text("CREATE TABLE torn (data TEXT)"))
            connection.execute(text("INSERT INTO torn VALUES (CAST(x'61ff62' AS TEXT)), ('\u00e4')"))
        query = text("SELECT data FROM torn")
        for _ in range(2):
            with database.inspect() as connection:
                assert list(connection.scalars(query)) == ["a\\xffb", "\u00e4"]
            with (
                pytest.raises(Unavailable, match="restore a backup") as caught,
                database.read() as connection,
            ):
                connection.scalars(query).all()
            assert caught.value.code == "store.damaged"


def test_no_connection_is_free(file: Path) -> None:
    with Database.open(settings_of(file, connections=1)) as database:
        database.engine.pool._timeout = 0.01  # type: ignore[attr-defined]  # half a minute otherwise
        with database.read():
            for ask in (database.ping, database.version, database.durability):
                with pytest.raises(Unavailable, match="connections") as caught:
                    ask()
                assert caught.value.code == "store.busy"


def test_a_database_that_may_only_be_read(file: Path) -> None:
    # Root may write anything, so that the file's mode would show nothing here.
    with Database.open(settings_of(file)) as database:
        with database.read() as connection:
            connection.execute(text("PRAGMA query_only = 1"))
        with pytest.raises(Unavailable) as caught, database.begin() as connection:
            connection.execute(text("DELETE FROM audit_streams"))
        assert caught.value.code == "store.read-only"


@pytest.mark.postgresql
def test_a_standby_of_postgresql(postgresql: PostgresqlServer) -> None:
    postgresql.run("CREATE DATABASE standby TEMPLATE template")
    postgresql.run("ALTER DATABASE standby SET default_transaction_read_only = on")
    with Database.open(StoreSettings.model_validate({"url": postgresql.url("standby")})) as database:
        with pytest.raises(Unavailable) as caught, database.begin() as connection:
            connection.execute(text("DELETE FROM audit_streams"))
        assert caught.value.code == "store.read-only"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with Database.open(settings_of(tmp_path / "none" / "db")) as database:
        with pytest.raises(Unavailable, match="store upgrade") as caught, database.begin():
            pass
        assert caught.value.code == "store.cannot-open"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        Database.open(settings_of(tmp_path / "file" / "db")) as database,
        pytest.raises(Unavailable, match="cannot be created") as caught,
    ):
        database.upgrade()
    assert caught.value.code == "store.cannot-open"


@pytest.mark.postgresql
def test_a_stopped_server() -> None:
    server = PostgresqlServer(durable=False)
    try:
        server.run("CREATE DATABASE stopped")
        settings = StoreSettings.model_validate({"url": server.url("stopped"), "busy-timeout": 2})
        with Database.open(settings) as database:
            database.upgrade()
            with (  # noqa: PT012 - stops in the midst of a transaction
                pytest.raises(Unavailable, match="does not answer") as caught,
                database.begin() as connection,
            ):
                connection.execute(text("SELECT 1"))
                server.stop()
                connection.execute(text("SELECT 1"))
            assert caught.value.code == "store.stopped"
            with pytest.raises(Unavailable) as caught:
                database.ping()
            assert caught.value.code == "store.stopped"
            server.start()
            database.ping()  # by itself, once the server is there again
    finally:
        server.remove()


@pytest.mark.postgresql
@pytest.mark.parametrize("database_name", ["there_is_none", "template"])
def test_a_wrong_account_or_database(postgresql: PostgresqlServer, database_name: str) -> None:
    url = postgresql.url(database_name)
    if database_name == "template":
        url = re.sub("trustworks@", "nobody@", url)
    with Database.open(StoreSettings.model_validate({"url": url})) as database:
        with pytest.raises(Unavailable) as caught:
            database.ping()
        assert caught.value.code == "store.refused"


def test_a_password_file_that_others_can_read(tmp_path: Path) -> None:
    source = tmp_path / "password"
    source.write_text("secret")
    source.chmod(0o644)
    settings = {"url": "postgresql://trustworks@127.0.0.1/x", "password-source": source}
    with pytest.raises(Unavailable, match="chmod 600"):
        Database.open(StoreSettings.model_validate(settings))
    source.unlink()
    with pytest.raises(Unavailable, match="cannot be read"):
        Database.open(StoreSettings.model_validate(settings))


def test_too_few_connections(file: Path) -> None:
    with Database.open(settings_of(file, connections=1)) as database:
        database.engine.pool._timeout = 0.05  # type: ignore[attr-defined]
        with database.read(), pytest.raises(Unavailable) as caught, database.read():
            pass
        assert caught.value.code == "store.busy"


def test_every_code_has_a_sentence() -> None:
    assert code_of(RuntimeError("who knows")) == "store.failed"
    assert code_of(None) == "store.failed"
    for sentence in SENTENCES.values():
        assert sentence.endswith(".")
        assert "{where}" in sentence


@pytest.mark.req("TRUSTWORKS:STORE-REPLACED")
@pytest.mark.parametrize("replaced", [True, False])
def test_a_file_that_was_taken_away_is_neither_written_nor_read(file: Path, replaced: bool) -> None:
    other = file.with_name("other.sqlite")
    shutil.copy(file, other)
    with Database.open(settings_of(file)) as database:
        with database.begin() as connection:
            connection.execute(text("SELECT 1"))
        if replaced:
            other.replace(file)
        else:
            file.unlink()
        for use in (database.begin, database.read, database.inspect):
            with pytest.raises(Unavailable, match="the file that belongs there") as raised, use():
                pass
            assert raised.value.code == "store.replaced"
        with database.connect() as held, pytest.raises(Unavailable) as raised, database.transaction(held):
            pass
        assert raised.value.code == "store.replaced"
        with pytest.raises(Unavailable) as raised:
            database.check_schema()  # and not that it is to be made anew
        assert raised.value.code == "store.replaced"


def test_a_folder_that_may_not_be_entered(file: Path) -> None:
    refused = pytest.raises(Unavailable, match="let into its folder")
    with Database.open(settings_of(file)) as database, closed(file.parent), refused as raised:
        database.version()
    assert raised.value.code == "store.cannot-open"
