"""What the tasks of the jobs process stand on: the tokens that they share, and rounds over open resources."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from trustworks.app.opening import Opening
from trustworks.app.processes.jobs import Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from trustworks.app.health.heartbeat import TaskState
    from trustworks.app.wiring import Wiring
    from trustworks.core.module import Module

    Round = Callable[[], str | TaskState]


class Tokens:
    """The tokens of the jobs process: each is opened once and used by all tasks.

    So a PIN that is wrong is tried once, and again only when its file was changed.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._lock = threading.Lock()
        self._openings: dict[str, Opening[Module]] = {}

    def get(self, token: str) -> Module:
        """The module on a token; it stays open until the process ends. Raises what opening it raised."""
        with self._lock:
            if token not in self._openings:
                self._openings[token] = Opening(
                    f"module.{token}",
                    lambda stack: stack.enter_context(self._wiring.open_module(token)),
                    watch=self.watch(token),
                )
            opening = self._openings[token]
            opening.attempt()
            return opening.get()

    def watch(self, token: str) -> Callable[[], object]:
        """A function whose answer changes when the PIN file of the token was written anew."""
        return partial(self._wiring.pin_state, token)


def each(
    name: str,
    every: float,
    make: Callable[[ExitStack], Round],
    finish: Callable[[], None] | None = None,
    watch: Callable[[], object] | None = None,
) -> Task:
    """A task whose first round opens what it needs and whose further rounds use it."""
    rounds: list[tuple[ExitStack, Round]] = []

    def work(stack: ExitStack) -> str | TaskState:
        if not rounds or rounds[0][0] is not stack:
            rounds[:] = [(stack, make(stack))]
        return rounds[0][1]()

    return Task(name, every, work, finish, watch)
