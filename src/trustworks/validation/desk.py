"""One validation that somebody asks for: a place in the queue, the process, the event, the answer.

Life of a request: 1 the policy must be offered; 2 there must be a place in the queue; 3 a process of its own
validates; 4 the audit log is told that it was done; 5 the answer leaves.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Rejected, TrustworksError, Unavailable
from trustworks.core.trace import implements
from trustworks.validation import events
from trustworks.validation.bounded.pool import TOO_MUCH, TOO_SLOW, Pool

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from trustworks.core.audit import Recorder
    from trustworks.validation.bounded.asked import Answered, Asked
    from trustworks.validation.config import ValidationSettings
    from trustworks.validation.offer import Offer

    Count = Callable[[str], None]

BUSY: Final = "validation.busy"
_REFUSED: Final = {BUSY: "busy", TOO_MUCH: "too-much", TOO_SLOW: "too-slow"}
_WORST_FIRST: Final = ("FAILED", "INDETERMINATE", "PASSED")


@implements("TRUSTWORKS:VALIDATION-QUEUE", disabled=False)
def is_full(begun: int, *, at_once: int, waiting: int) -> bool:
    """Whether another validation must be refused: so many run or wait already."""
    return begun >= at_once + waiting


class Desk:
    """The service over one configuration, in one worker. `count` is told what each validation came to."""

    def __init__(
        self,
        settings: ValidationSettings,
        offer: Offer,
        recorder: Recorder,
        *,
        count: Count | None = None,
    ) -> None:
        self.settings = settings
        self.offer = offer
        self._recorder = recorder
        self._count = count
        self._pool = Pool(settings)
        self._threads = ThreadPoolExecutor(settings.limits.at_once, thread_name_prefix="validation")
        self._begun = 0

    async def validate(self, asked: Asked, *, through: str) -> Answered:
        """Validate, for an interface of the name `through`; from the event loop's thread alone.

        Raises:
            Malformed: the file is no signed file, or beyond a limit of its reader.
            Rejected: ``validation.policy``, ``validation.too-much``.
            Unavailable: ``validation.busy``, ``validation.time``, and what the audit log raises.
        """
        try:
            answered = await self._in_turn(asked, through)
        except TrustworksError as error:
            self._counted(_kind(error))
            raise
        self._counted(_worst(answered.results))
        return answered

    async def _in_turn(self, asked: Asked, through: str) -> Answered:
        self.offer.named(asked.policy)
        limits = self.settings.limits
        if is_full(self._begun, at_once=limits.at_once, waiting=limits.waiting):
            raise Unavailable(BUSY, "Many files are being validated. Try again in a minute.")
        self._begun += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._one, asked, through)
        finally:
            self._begun -= 1

    def _one(self, asked: Asked, through: str) -> Answered:
        answered = self._pool.ask(asked)
        self._recorder.record(
            events.performed(
                through=through,
                policy=answered.policy,
                results=answered.results,
                in_the_past=asked.at is not None,
            )
        )
        return answered

    def _counted(self, result: str) -> None:
        if self._count is not None:
            self._count(result)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what runs, and all processes."""
        self._pool.close()
        self._threads.shutdown(wait=True, cancel_futures=True)


def _worst(results: tuple[str, ...]) -> str:
    return next((one.lower() for one in _WORST_FIRST if one in results), "no-signature")


def _kind(error: TrustworksError) -> str:
    match error:
        case Malformed():
            return "unreadable"
        case Rejected(code=code) | Unavailable(code=code):
            return _REFUSED.get(code, "refused")
        case _:
            return "refused"
