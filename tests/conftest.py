"""Fixtures that give every test real tokens of SoftHSM2, in a folder that lives as long as the test run."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
from typing import TYPE_CHECKING

import pytest
from postgresql_databases import PostgresqlDatabases
from postgresql_server import NoPostgresqlError, PostgresqlServer

from trustworks.core.errors import Unavailable
from trustworks.core.module import Module, Pkcs11Uri, find_library, initialise_token
from trustworks.core.store import Database, StoreSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# The first is asked last: it puts in a group what the others put in none.
pytest_plugins = (
    "module_fixtures",
    "property_tests",
    "module_first",
    "requirement_results",
    "mutate_rules",
    "quick_collection",
    "matrix_fixture",
)

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The SoftHSM2 library, with its tokens in a folder of this test run.

    SOFTHSM2_CONF is set before the library's C_Initialize and stays: the library reads it once per process.
    """
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n", encoding="utf-8"
    )
    try:
        library = find_library()
    except Unavailable as error:
        pytest.skip(f"NOT TESTED, no PKCS#11 library: {error}")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    yield library
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


@pytest.fixture(scope="session")
def make_token(softhsm: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Pkcs11Uri]:
    """A function that makes a new token with a random PIN, and answers its URI."""
    folder = tmp_path_factory.mktemp("pins")

    def make(label: str | None = None) -> Pkcs11Uri:
        number = next(_NUMBERS)
        name = label or f"token-{number}"
        user_pin = secrets.token_urlsafe(18)
        file = folder / f"{number}.pin"
        file.touch(mode=0o600)
        file.write_text(user_pin, encoding="ascii")
        initialise_token(softhsm, label=name, so_pin=secrets.token_urlsafe(18), user_pin=user_pin, lab=False)
        return Pkcs11Uri(token=name, pin_source=f"file:{file}")

    return make


@pytest.fixture
def token(make_token: Callable[..., Pkcs11Uri]) -> Pkcs11Uri:
    """A fresh token."""
    return make_token()


@pytest.fixture
def module(softhsm: Path, token: Pkcs11Uri) -> Iterator[Module]:
    """An open lab module on a fresh token."""
    with Module.open(token, library=softhsm, read_write=True, lab=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server for tests that are not about durability, with our schema in `template`."""
    try:
        server = PostgresqlServer(durable=False)
    except NoPostgresqlError as error:
        pytest.skip(f"NOT TESTED ON POSTGRESQL: {error}")
    server.run("CREATE DATABASE template")
    with Database.open(StoreSettings.model_validate({"url": server.url("template")})) as template:
        template.upgrade()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def postgresql_databases(postgresql: PostgresqlServer) -> Iterator[PostgresqlDatabases]:
    """Databases with our schema, given to one test after the other."""
    databases = PostgresqlDatabases(postgresql, "template")
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database of our schema, to be copied."""
    file = tmp_path_factory.mktemp("sqlite") / "template.sqlite"
    with Database.open(StoreSettings.model_validate({"url": f"sqlite:///{file}"})) as template:
        template.upgrade()
    return file


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreSettings]:
    """Settings of a fresh database with our schema; a test with it runs on SQLite and on PostgreSQL."""
    objects = str(tmp_path / "objects")
    if request.param == "sqlite":
        file = tmp_path / "state" / "trustworks.sqlite"
        file.parent.mkdir()
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield StoreSettings.model_validate({"url": f"sqlite:///{file}", "objects": objects})
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    databases: PostgresqlDatabases = request.getfixturevalue("postgresql_databases")
    name = databases.take()
    yield StoreSettings.model_validate({"url": server.url(name), "objects": objects})
    databases.give_back(name)


@pytest.fixture
def database(store_settings: StoreSettings) -> Iterator[Database]:
    """A fresh database with our schema: once in SQLite, once in PostgreSQL."""
    with Database.open(store_settings) as opened:
        yield opened
