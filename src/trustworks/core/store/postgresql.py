"""PostgreSQL as the records' database, through psycopg."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import create_engine, make_url

from trustworks.core.errors import Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy import Engine

    from trustworks.core.store.config import StoreSettings

# Settings of a session: a server or role that was tuned to acknowledge commits early does not do so for us.
_OPTIONS = "-c synchronous_commit=on -c timezone=UTC -c client_encoding=UTF8"


def open_engine(settings: StoreSettings) -> Engine:
    """An engine; nothing is connected yet. Raises `Unavailable` when the password's file cannot be used."""
    url = make_url(settings.url).set(drivername="postgresql+psycopg")
    arguments: dict[str, object] = {
        "connect_timeout": max(2, round(settings.busy_timeout)),
        "application_name": "trustworks",
        "options": f"{_OPTIONS} -c lock_timeout={round(settings.busy_timeout * 1000)}",
        # A peer that vanished is noticed after some 15 seconds, not after hours.
        "keepalives_idle": 5,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "tcp_user_timeout": 15000,
    }
    if settings.password_source is not None:
        arguments["password"] = _password(settings.password_source)
    return create_engine(
        url, connect_args=arguments, pool_size=settings.connections, max_overflow=0, pool_pre_ping=True
    )


@implements("TRUSTWORKS:STORE-01", disabled=[])
def durability_problems(found: Mapping[str, str]) -> list[str]:
    """What keeps a server with these settings from keeping what it acknowledged, as sentences."""
    return [
        f"PostgreSQL runs with {name} = off: a power cut may lose acknowledged records. Set it to on."
        for name, value in found.items()
        if value == "off"
    ]


def _password(file: Path) -> str:
    try:
        if file.stat().st_mode & 0o077:
            raise Unavailable("store.password", f"{file} can be read by others. Run `chmod 600 {file}`.")
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Unavailable(
            "store.password", f"The password file {file} cannot be read: {error.strerror}."
        ) from error
