"""The register of keys: which there are and were, their states, backups, drills and places.

`register` writes it, each act with its audit event in one transaction; `states` answers the module's question
whether a key may sign; `events` enters the keys that are made and destroyed.
"""

from __future__ import annotations

from trustworks.core.keys.events import registered_events
from trustworks.core.keys.model import Act, BackupEntry, HistoryEntry, KeyEntry
from trustworks.core.keys.register import KeyRegister
from trustworks.core.keys.states import KeyStates

__all__ = [
    "Act",
    "BackupEntry",
    "HistoryEntry",
    "KeyEntry",
    "KeyRegister",
    "KeyStates",
    "registered_events",
]
