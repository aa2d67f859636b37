"""A migration is history: databases that it made exist, and would not be made anew."""

from __future__ import annotations

import hashlib
from importlib import resources

from trustworks.core.store import schema

# To change the schema, add a file and its hash here. Never renew a hash that has been released.
FROZEN = {
    "0001_audit.py": "a332b8225774be38c29160ddcdb6e42b4eb9fb029b39b335fd380b135f0c9122",
    "0002_timestamping.py": "daba983d576f1f612fdad6a821d40e43cb3f2af2288c78102d296f8632f0ddf5",
    "0003_issuance.py": "3c78392cf719cda250875987b2b96f1daf879c67caf15c980b6054d5e272d5d9",
    "0004_lost_keys.py": "5dd5023057829bb9e2b65c47f16b0bd3a88e5c934a2872867982032943da16f5",
}


def test_migrations_are_never_changed() -> None:
    versions = resources.files("trustworks.core.store.migrations").joinpath("versions")
    found = {
        entry.name: hashlib.sha256(entry.read_bytes()).hexdigest()
        for entry in versions.iterdir()
        if entry.name[:1].isdigit()
    }
    assert found == FROZEN
    assert max(FROZEN).startswith(schema.head())
