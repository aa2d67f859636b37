"""The schema's versions: one linear history of migrations, applied under a lock."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import text

from trustworks.core.errors import Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

_PACKAGE = "trustworks.core.store.migrations"
# Any number, as long as all processes use the same: PostgreSQL's advisory lock of the upgrade.
_ADVISORY_LOCK = 0x7472757374776B73


def head() -> str:
    """The newest version. Migrations are numbered files, so that this needs no migration library."""
    names = (entry.name for entry in resources.files(_PACKAGE).joinpath("versions").iterdir())
    return max(name.partition("_")[0] for name in names if name[:4].isdigit() and name.endswith(".py"))


def present(connection: Connection) -> str | None:
    """The version of the connected database; None when it has no tables yet."""
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return None if found is None else str(found)


@implements("TRUSTWORKS:STORE-02")
def check(version: str | None, where: str) -> None:
    """Raise `Unavailable` (store.schema) unless the database's version is this program's."""
    newest = head()
    if version == newest:
        return
    if version is None:
        raise Unavailable(
            "store.schema", f"There are no tables yet in {where}. Run `trustworks store upgrade`."
        )
    if version > newest:
        raise Unavailable(
            "store.schema",
            f"The schema {version} of {where} is newer than this program's {newest}. Update Trustworks.",
        )
    raise Unavailable(
        "store.schema",
        f"The schema of {where} is {version}, this program needs {newest}. "
        "Make a backup, then run `trustworks store upgrade`.",
    )


def upgrade(connection: Connection) -> None:
    """Bring the connected database to the newest version, inside its open transaction."""
    from alembic import command  # noqa: PLC0415 - costs 0.3 s, needed by one command
    from alembic.config import Config  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    with resources.as_file(resources.files(_PACKAGE)) as folder:
        configuration = Config()
        configuration.set_main_option("script_location", str(folder).replace("%", "%%"))
        configuration.set_main_option("path_separator", "os")
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")


@contextmanager
def file_lock(file: Path) -> Iterator[None]:
    """Hold an exclusive lock on `file` (created when missing) while the block runs."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
