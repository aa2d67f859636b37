"""Looks by the clock at a module that a process has open, so that it stops signing once something differs.

The first look is made before anything is signed. After one that found something the next comes sooner, so
that the module signs again as soon as an operator has put it right, or approved it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Self

import structlog

from trustworks.core.errors import TrustworksError
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.core.module.events import OnEvent
    from trustworks.core.module.health import ModuleHealth
    from trustworks.core.module.module import Module

log = structlog.get_logger(__name__)

SOONER: Final = 2.0  # seconds, after a look that found something


class Watch:
    """Looks at one module, in a thread of its own, until `close`; a context manager.

    The module is barred by its own `health`; here it is done again and again, and told of to the log, and by
    `on_event` to the audit log: what could not be written there is tried again at each look.
    """

    def __init__(self, module: Module, *, every: float, on_event: OnEvent | None = None) -> None:
        self._module = module
        self._every = every
        self._on_event = on_event
        self._ended = threading.Event()
        self._told: tuple[str, ...] = ()
        self._recorded: tuple[str, ...] = ()
        self._thread = threading.Thread(target=self._run, name=f"watch {module.token_uri.token}", daemon=True)

    def __enter__(self) -> Self:
        self.look()
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    @implements("TRUSTWORKS:MODULE-WATCHED", disabled=None)
    def look(self) -> ModuleHealth | None:
        """Look once, and tell the log where it is otherwise than the last time."""
        found = self._module.health()
        if found.findings != self._told:
            token = self._module.token_uri.token
            if found.ok:
                log.warning("module.signs-again", token=token)
            else:
                log.error("module.barred", token=token, reasons=list(found.findings))
            self._told = found.findings
        self._record(found)
        return found

    def _record(self, found: ModuleHealth) -> None:
        if self._on_event is None or found.findings == self._recorded:
            return
        token = self._module.token_uri
        try:
            if found.ok:
                self._on_event("module.signs-again", token, {})
            else:
                self._on_event("module.barred", token, {"reasons": list(found.findings)})
        except TrustworksError as error:  # the module is barred all the same
            log.error("module.look-not-recorded", token=token.token, reason=str(error))  # noqa: TRY400
        else:
            self._recorded = found.findings

    def _run(self) -> None:
        pause = self._every
        while not self._ended.wait(pause):
            try:
                found = self.look()
            except Exception:  # a bug bars the module (`health`) and does not end the watch
                log.exception("module.look-failed", token=self._module.token_uri.token)
                found = None
            pause = self._every if found is not None and found.ok else min(SOONER, self._every)
