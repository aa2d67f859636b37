"""What `/healthz` answers: one finding for each resource, each with a sentence that says why.

Checks run side by side in threads, so that one that hangs (a database that does not answer) neither delays
the others nor piles up; what was found is kept for a second, so that asking often costs nothing.
"""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from trustworks.core.errors import TrustworksError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustworks.app.health.metrics import Traffic

log = structlog.get_logger(__name__)

KEPT_SECONDS = 1.0
PATIENCE = 2.0  # seconds; what has not answered by then counts as not well


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Whether a resource is well, and why. `code` is that of the `Unavailable`, or ``ok``."""

    name: str
    ok: bool
    sentence: str
    code: str = "ok"
    detail: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON values."""
        found: dict[str, Any] = {"ok": self.ok, "code": self.code, "sentence": self.sentence}
        if self.detail:
            found["detail"] = dict(self.detail)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Well:
    """What a check answers when all is well; a check that finds something wrong raises."""

    sentence: str
    detail: Mapping[str, Any] = field(default_factory=dict)


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a reason that has several, to be listed."""
    return tuple(re.split(r"(?<=\.) (?=\S)", text))


class Health:
    """Runs the checks of one process and keeps their findings for a moment."""

    def __init__(
        self,
        checks: Mapping[str, Callable[[], Well]],
        *,
        traffic: Traffic | None = None,
        kept: float = KEPT_SECONDS,
        patience: float = PATIENCE,
    ) -> None:
        self._checks = dict(checks)
        self._traffic = traffic
        self._kept = kept
        self._patience = patience
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(self._checks)), thread_name_prefix="health")
        self._running: dict[str, Future[Finding]] = {}
        self._lock = threading.Lock()
        self._found: tuple[float, tuple[Finding, ...]] | None = None

    def findings(self) -> tuple[Finding, ...]:
        """One finding for each resource, at most a second old. May block for `patience` seconds."""
        with self._lock:
            if self._found is None or time.monotonic() - self._found[0] > self._kept:
                found = self._look()
                self._found = (time.monotonic(), found)
            return self._found[1]

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> tuple[Finding, ...]:
        for name, check in self._checks.items():
            if name not in self._running:
                self._running[name] = self._pool.submit(_run, name, check)
        deadline = time.monotonic() + self._patience
        found = tuple(self._await(name, deadline) for name in self._checks)
        if self._traffic is not None:
            for one in found:
                self._traffic.resource(one.name, up=one.ok)
        return found

    def _await(self, name: str, deadline: float) -> Finding:
        try:
            finding = self._running[name].result(timeout=max(0.0, deadline - time.monotonic()))
        except NotYet:
            return Finding(
                name=name,
                ok=False,
                code="health.slow",
                sentence=f"The check of {name} has not answered within {self._patience:g} s.",
            )
        del self._running[name]
        return finding


def _run(name: str, check: Callable[[], Well]) -> Finding:
    try:
        well = check()
    except TrustworksError as error:
        code = error.code if isinstance(error, Unavailable) else type(error).__name__.lower()
        return Finding(name=name, ok=False, code=code, sentence=str(error))
    except Exception:
        # A bug in a check must show as a finding, and not take /healthz down.
        log.exception("health.bug", check=name)
        return Finding(
            name=name,
            ok=False,
            code="health.bug",
            sentence=f"The check of {name} failed; the reason is in the log.",
        )
    return Finding(name=name, ok=True, sentence=well.sentence, detail=well.detail)
