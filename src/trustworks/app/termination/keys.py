"""The end of a key by a termination plan: in the register deactivated, and destroyed where it is so planned.

What the register did not know, because the key was made before there was one, is entered first: so that what
a step says of a key is what the register says of it, too. Source: (EU) 2025/2530, 3(7); EN 319 411-1, 6.4.9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.keys import KeyRegister, records, registered_events
from trustworks.core.keys.model import living_backups, places
from trustworks.core.module.events import key_facts
from trustworks.core.module.states import KeyState
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.core.audit import JSON, Recorder
    from trustworks.core.keys import HistoryEntry, KeyEntry
    from trustworks.core.module import Key, Module
    from trustworks.core.store import Database

_OVER = (KeyState.DEACTIVATED, KeyState.DESTROYED)


class KeyEnding:
    """Ends keys for a `reason`, such as a plan; `by` acts in the audit log."""

    def __init__(self, recorder: Recorder, database: Database, *, reason: str, by: str) -> None:
        self._recorder = recorder
        self._database = database
        self._reason = reason
        self._register = KeyRegister(recorder, by=by)

    def end(self, module: Module, label: str, spki_sha256: bytes, *, destroy: bool) -> dict[str, JSON]:
        """Deactivate or destroy a key; what is left of it elsewhere is told, for its custodians to destroy.

        Raises `Rejected` (termination.key) for another key under that label, and `Unavailable`
        (termination.key) where nothing shows what became of this one; nothing is recorded then.
        """
        named = spki_sha256.hex()
        key = module.key(label=label) if module.has(label=label) else None
        if key is not None:
            check_same(key, spki_sha256)
        entry, _ = self._known(named)
        if entry is None and key is not None:
            self._register.enter(key, reason=f"{self._reason}; not entered before")
            entry, _ = self._known(named)
        check_known(entry, label=label, token=str(module.token_uri))
        assert entry is not None  # noqa: S101 - the rule before saw it
        if entry.state not in _OVER:
            self._register.set_state(named, KeyState.DEACTIVATED, reason=self._reason)
        if destroy and key is not None:
            on_event = registered_events(self._recorder)
            facts = key_facts(key) | {"reason": self._reason}
            on_event("module.key-destruction-ordered", module.token_uri, facts)
            module.destroy(key)
            on_event("module.key-destroyed", module.token_uri, facts)
        entry, history = self._known(named)
        assert entry is not None  # noqa: S101 - rows of the register stay
        if destroy and key is None and module.token_uri.serial in places(history):
            # Destroyed by a run that ended before it could tell of it, or by somebody else.
            self._register.removed(named, token=module.token_uri, reason=f"{self._reason}; found gone")
            entry, history = self._known(named)
            assert entry is not None  # noqa: S101 - as above
        tokens: list[JSON] = [*sorted(places(history).values())]
        left: list[JSON] = [*sorted(living_backups(history))]
        return {"key": named, "state": entry.state.value, "tokens_left": tokens, "backups_left": left}

    def _known(self, named: str) -> tuple[KeyEntry | None, list[HistoryEntry]]:
        with self._database.read() as connection:
            return records.key(connection, named), records.history_of(connection, named)


def check_same(key: Key, spki_sha256: bytes) -> None:
    """`Rejected` (termination.key) for another key than the plan means."""
    if key.spki_sha256 != spki_sha256:
        raise Rejected(
            "termination.key", f"{key.uri} is another key than the plan means; correct the plan or [tokens]."
        )


@implements("TRUSTWORKS:TERMINATION-KEY-KNOWN")
def check_known(entry: KeyEntry | None, *, label: str, token: str) -> None:
    """`Unavailable` (termination.key) for a key that neither the register nor its token has."""
    if entry is None:
        raise Unavailable(
            "termination.key",
            f"The register of keys does not have the key {label!r}, and neither does {token}, so nothing "
            "shows what became of it. Put its token in its place, or restore it from its backup, and run the "
            "plan again.",
        )
