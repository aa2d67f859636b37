"""Records (SQLAlchemy Core over SQLite or PostgreSQL), objects (a local folder), and the schema's history.

`Database.open(settings)` gives the database, `database.begin()` a transaction that is durable when its block
ends, `database.read()` one that only reads.
"""

from __future__ import annotations

from trustworks.core.store.config import StoreSettings
from trustworks.core.store.database import Database
from trustworks.core.store.metadata import metadata
from trustworks.core.store.objects import Objects

__all__ = ["Database", "Objects", "StoreSettings", "metadata"]
