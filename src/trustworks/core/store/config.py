"""The table ``[store]`` of ``trustworks.toml``."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, field_validator

from trustworks.core.settings import Table
from trustworks.core.trace import implements

# Of libpq's parameters, those that are secret: password, sslpassword, oauth_client_secret, scram_client_key.
_SECRET = ("password", "secret", "scram")


@implements("TRUSTWORKS:STORE-05")
def _check_no_secret(url: str) -> None:
    """Raise ValueError for a URL with a password in it: the URL is shown in messages and pages."""
    place, _, query = url.partition("://")[2].partition("?")
    secret = [
        name
        for name, _ in parse_qsl(query, keep_blank_values=True)
        if any(word in name.lower() for word in _SECRET)
    ]
    # The account ends at the last "@", and a "?" may be in a password: what looks like one is taken for one.
    if ":" in place.rpartition("@")[0] or "@" in query or secret:
        what = f" (here: {', '.join(secret)})" if secret else ""
        raise ValueError(
            f"write the password to a file and name that in password-source, not in the URL{what}; an @ "
            "among the parameters is written %40"
        )


def _has_database(url: str) -> bool:
    """Whether the URL names a database. Raises ValueError for a port that is none."""
    try:
        parts = urlsplit(url)
    except ValueError:  # half the brackets of an address, say
        return False
    try:
        is_port = parts.port != 0 and not parts.netloc.endswith(":")
    except ValueError:
        is_port = False
    if not is_port:
        raise ValueError(
            "write the port of the server as a number from 1 to 65535, or leave it out with its colon"
        )
    return bool(parts.path.strip("/"))


class StoreSettings(Table):
    """[store]: where records and objects are kept."""

    url: str = Field(
        default="sqlite:///state/trustworks.sqlite",
        description=(
            "The database: sqlite:///FILE (relative to this file's folder), or "
            "postgresql://USER@HOST:PORT/DATABASE (PostgreSQL 14 or later)."
        ),
    )
    password_source: Path | None = Field(
        default=None,
        description="A file (mode 0600) with the PostgreSQL user's password, which is never in the URL.",
    )
    objects: Path = Field(
        default_factory=lambda: Path("state/objects"), description="The folder of stored objects."
    )
    busy_timeout: float = Field(
        default=10.0,
        gt=0,
        le=300,
        description="Seconds to wait for another process's write, or for PostgreSQL to connect.",
    )
    connections: int = Field(
        default=5, ge=1, le=100, description="Database connections that one process may hold."
    )

    @field_validator("url")
    @classmethod
    def _url_is_supported(cls, value: str) -> str:
        if value.startswith("sqlite:///") and len(value) > len("sqlite:///"):
            if "?" in value or ":memory:" in value:
                raise ValueError("name a file, without parameters; a database in memory keeps no records")
            return value
        if value.startswith(("postgresql://", "postgresql+psycopg://")):
            _check_no_secret(value)
            if _has_database(value):
                return value
        raise ValueError("write sqlite:///FILE or postgresql://USER@HOST:PORT/DATABASE")

    @property
    def sqlite_file(self) -> Path | None:
        """The file of an SQLite database; None for PostgreSQL."""
        return Path(self.url.removeprefix("sqlite:///")) if self.url.startswith("sqlite:") else None
