"""An act on a token's PIN by the approvals that it needs, which the log is told of before and after it.

Whether a PIN was changed no process can see on the token afterwards. So what the log is told carries the
number of the hold, and decides when a process ended in between: an act that was ordered may have been done,
and its approvals are used up.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from trustworks.app.commands.tokens import held
from trustworks.core.audit.reading import MOST
from trustworks.core.audit.search import newest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import typer

    from trustworks.app.commands.tokens import ModuleWiring
    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.module.events import OnEvent


class PinAct:
    """One act of this process. `changing`: whether the token's PIN may be another from now on."""

    def __init__(self, wiring: ModuleWiring, on_event: OnEvent, kinds: tuple[str, str]) -> None:
        self.changing = False
        self.hold_id: str | None = None
        self._wiring = wiring
        self._on_event = on_event
        self._ordered, self._done = kinds

    def order(self, token: Pkcs11Uri, detail: dict[str, Any]) -> None:
        """Tell the log that the act begins."""
        self._on_event(self._ordered, token, detail | self._mark)

    def tell(self, token: Pkcs11Uri, detail: dict[str, Any]) -> None:
        """Tell the log that it is done."""
        self._on_event(self._done, token, detail | self._mark)

    @property
    def _mark(self) -> dict[str, Any]:
        return {} if self.hold_id is None else {"hold": self.hold_id}

    def is_done(self, hold_id: str) -> bool:
        """Whether the act that these approvals were held for was done, or may have been."""
        if hold_id == self.hold_id:
            return self.changing
        with self._wiring.open_database() as database, database.read() as connection:
            return any(
                one.value["detail"].get("hold") == hold_id
                for kind in (self._done, self._ordered)
                for one in newest(connection, type_prefix=kind, limit=MOST)
            )


@contextmanager
def pin_act(
    context: typer.Context, what: str, about: dict[str, Any], on_event: OnEvent, kinds: tuple[str, str]
) -> Iterator[PinAct]:
    """Hold the approvals of an act on a PIN. `kinds`: the events that order it, and that say it is done.

    Raises as `tokens.held`.
    """
    act = PinAct(context.obj, on_event, kinds)
    with held(context, what, about, done=act.is_done) as hold:
        act.hold_id = None if hold is None else hold.hold_id
        yield act
