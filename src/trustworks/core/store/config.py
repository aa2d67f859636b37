"""The table ``[store]`` of ``trustworks.toml``."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from trustworks.core.settings import Table


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
        parts = urlsplit(value)
        if parts.scheme in {"postgresql", "postgresql+psycopg"} and parts.path.strip("/"):
            if parts.password is not None:
                raise ValueError(
                    "write the password to a file and name that in password-source, not in the URL"
                )
            return value
        raise ValueError("write sqlite:///FILE or postgresql://USER@HOST:PORT/DATABASE")

    @property
    def sqlite_file(self) -> Path | None:
        """The file of an SQLite database; None for PostgreSQL."""
        return Path(self.url.removeprefix("sqlite:///")) if self.url.startswith("sqlite:") else None
