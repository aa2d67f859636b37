"""The schema's versions: one linear history of migrations, applied under a lock."""

from __future__ import annotations

import fcntl
import re
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from trustworks.core.errors import Unavailable
from trustworks.core.printable import printable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

_TABLE = "alembic_version"
_PACKAGE = "trustworks.core.store.migrations"
# Any number, as long as all processes use the same: PostgreSQL's advisory lock of the upgrade.
_ADVISORY_LOCK = 0x7472757374776B73


def versions() -> list[str]:
    """All versions, in their order. Migrations are numbered files: this needs no migration library."""
    names = (entry.name for entry in resources.files(_PACKAGE).joinpath("versions").iterdir())
    return sorted(name.partition("_")[0] for name in names if name[:4].isdigit() and name.endswith(".py"))


def head() -> str:
    """The newest version."""
    return versions()[-1]


def present(connection: Connection, where: str) -> str | None:
    """The version of the connected database `where`; None when it has no tables yet.

    Raises `Unavailable` (store.damaged) where the table of versions says anything else than one version.
    """
    if not inspect(connection).has_table(_TABLE):
        return None
    rows = [dict(row) for row in connection.execute(text(f"SELECT * FROM {_TABLE}")).mappings()]  # noqa: S608 - a constant
    found = [row.get("version_num") for row in rows]
    if len(found) == 1 and isinstance(found[0], str) and _is_version(found[0]):
        return found[0]
    told = printable(", ".join(map(repr, found))) or "no version"
    raise Unavailable(
        "store.damaged",
        f"The table {_TABLE} of {where} has {told} in place of one version of the schema. Stop the services, "
        "keep a copy to investigate, restore a backup.",
    )


def _is_version(found: str) -> bool:
    """Whether it is one of ours, or may be one of a newer program."""
    return found in versions() or (re.fullmatch(r"[0-9]{4}", found) is not None and found > head())


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
