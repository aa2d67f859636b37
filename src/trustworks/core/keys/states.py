"""Whether a key may sign, as the module asks before each signature."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from trustworks.core.keys import records
from trustworks.core.keys.model import places
from trustworks.core.module.objects import object_name

if TYPE_CHECKING:
    from trustworks.core.module.states import KeyState
    from trustworks.core.store import Database

FRESH: Final = 1.0  # seconds for which an answer holds: so late at most a suspension is heard of


class KeyStates:
    """The states of keys by the register of `database`. Threads share it.

    Every answer is as old as `FRESH` at most. Where the database cannot be read, no answer is given and no
    key signs: `Unavailable`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[bytes, tuple[float, KeyState | None]] = {}

    def __call__(self, spki_sha256: bytes) -> KeyState | None:
        """The state of the key with this SHA-256 of its public key; None where the register has none."""
        known = self._seen.get(spki_sha256)
        now = time.monotonic()
        if known is not None and now - known[0] < FRESH:
            return known[1]
        with self._database.read() as connection:
            found = records.state(connection, spki_sha256.hex())
        self._seen[spki_sha256] = (now, found)
        return found

    def on_token(self, serial: str) -> tuple[frozenset[str], frozenset[str]]:
        """The keys that were entered as being on a token, and those that went from it, for its inventory."""
        entered: set[str] = set()
        removed: set[str] = set()
        with self._database.read() as connection:
            for key in records.keys_that_were_on(connection, serial):
                name = object_name(key.label, bytes.fromhex(key.key_id))
                there = serial in places(records.history_of(connection, key.spki_sha256))
                (entered if there else removed).add(name)
        return frozenset(entered), frozenset(removed)
