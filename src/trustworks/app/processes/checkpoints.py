"""The task of the audit log: appends what all streams wrote, signs, has checkpoints time-stamped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from trustworks.app.health.heartbeat import TaskState
from trustworks.app.processes.rounds import each
from trustworks.core.troubles import Troubles

if TYPE_CHECKING:
    from contextlib import ExitStack

    from trustworks.app.processes.jobs import Task
    from trustworks.app.processes.rounds import Round, Tokens
    from trustworks.app.stamper import HttpStamper
    from trustworks.app.wiring import Wiring
    from trustworks.core.audit import Sequencer

START_PATIENCE = 60.0  # seconds after the start until an authority that does not answer yet is told of
STAMP_AFTER = 5.0  # seconds after the start until the first time-stamp is asked for
STAMP_AGAIN = 15.0  # seconds between two tries of an authority that does not answer
STAMP_PATIENCE = 60.0  # seconds without a time-stamp until `/healthz` complains

log = structlog.get_logger(__name__)


def checkpoints(wiring: Wiring, tokens: Tokens) -> Task:
    """Appends what all streams have written, and signs; at the end, also what they wrote as they closed."""
    opened: list[Checkpoints] = []

    def make(stack: ExitStack) -> Round:
        opened[:] = [_sequencer(wiring, tokens, stack)]
        return opened[0]

    def finish() -> None:
        if opened:  # else it was stopped before its first round
            opened[0].finish()

    return each("audit", wiring.config.audit.sequence_every, make, finish, tokens.watch("audit"))


def _sequencer(wiring: Wiring, tokens: Tokens, stack: ExitStack) -> Checkpoints:
    from trustworks.app.certificates import read_one  # noqa: PLC0415
    from trustworks.app.stamper import HttpStamper  # noqa: PLC0415
    from trustworks.core.audit import Sequencer  # noqa: PLC0415

    settings = wiring.config.audit
    module = tokens.get("audit")
    database = stack.enter_context(wiring.open_database())
    url = settings.time_stamp_url
    key = module.key(settings.key)
    certificate = None if settings.certificate is None else read_one(settings.certificate)

    def sequencer(stamper: HttpStamper | None) -> Sequencer:
        return Sequencer(
            database,
            key,
            certificate,
            stamper,
            checkpoint_every=settings.checkpoint_every,
            time_stamp_every=settings.time_stamp_every,
        )

    signing = sequencer(None)
    stamping = signing if url is None else sequencer(HttpStamper(url))
    return Checkpoints(signing, stamping)


class Checkpoints:
    """Appends to the log and signs it; asks for time-stamps, and spares an authority that is in trouble.

    At first none is asked for, and then none complained about: our own authority may be starting beside us,
    and a busy machine takes its time.
    """

    def __init__(self, signing: Sequencer, stamping: Sequencer) -> None:
        self._signing = signing
        self._stamping = stamping
        self._began = time.monotonic()
        self._quiet_until = self._began + STAMP_AFTER
        self._trouble: tuple[float, str] | None = None
        self._told = Troubles(log, begun="audit.not-time-stamped", over="audit.time-stamped-again")

    def __call__(self) -> TaskState:
        """One round; it is unwell (audit.not-time-stamped) when there was no time-stamp for too long."""
        now = time.monotonic()
        progress = (self._signing if now < self._quiet_until else self._stamping).run_once()
        if progress.stamped:
            self._trouble = None
            self._told.ended("checkpoints")
        elif progress.problem is not None:
            self._quiet_until = now + STAMP_AGAIN
            self._trouble = (now if self._trouble is None else self._trouble[0], progress.problem)
            if now - self._began > START_PATIENCE:
                self._told.failed("checkpoints", progress.problem, reason=progress.problem)
        if self._trouble is not None and now - self._trouble[0] > STAMP_PATIENCE:
            return TaskState(
                code="audit.not-time-stamped",
                sentence=f"Checkpoints are signed, but not time-stamped. {self._trouble[1]}",
            )
        return TaskState(code="ok", sentence=f"{progress.size} events are in the tree.")

    def finish(self) -> None:
        """The last events and a checkpoint over all; our own authority has stopped, so it is only signed."""
        self._signing.run_once(checkpoint=True)
