"""One validation that somebody asks for: a place in the queue, the process, the event, the answer.

A request has a place from before its body is read until it is answered (`Arriving`).

Life of a request: 1 the policy must be offered; 2 there must be a place in the queue; 3 a process of its own
validates; 4 the report of TS 119 102-2 gets the service's seal: here, for that process has no key; 5 the
audit log is told that it was done; 6 the answer leaves.
"""

from __future__ import annotations

import asyncio
import resource
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Rejected, TrustworksError, Unavailable
from trustworks.core.trace import implements
from trustworks.validation import events
from trustworks.validation.bounded.pool import TOO_MUCH, TOO_SLOW, Pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Self

    from trustworks.core.audit import Recorder
    from trustworks.validation.bounded.asked import Answered, Asked
    from trustworks.validation.config import ValidationSettings
    from trustworks.validation.offer import Offer
    from trustworks.validation.report.seal.sealer import Sealer

    Count = Callable[[str], None]

BUSY: Final = "validation.busy"
OVERHEAD: Final = 1024 * 1024
"""Octets of a form for what is not in files: the parts' headers, and fields."""
_MESSAGES: Final = 4
"""How many messages of the greatest length one worker holds at the same time."""
_SHARE: Final = 4
"""Uploads may have this part of the descriptors of a worker: connections and all else need more."""
_MOST_DESCRIPTORS: Final = 4096
SEAL: Final = "validation.seal"
_REFUSED: Final = {BUSY: "busy", TOO_MUCH: "too-much", TOO_SLOW: "too-slow"}
_WORST_FIRST: Final = ("FAILED", "INDETERMINATE", "PASSED")


@implements("TRUSTWORKS:VALIDATION-QUEUE", disabled=False)
def is_full(begun: int, *, at_once: int, waiting: int) -> bool:
    """Whether another validation must be refused: so many run or wait already."""
    return begun >= at_once + waiting


@implements("TRUSTWORKS:VALIDATION-UPLOADS", disabled=True)
def has_room(begun: int, octets: int, *, uploads: int, uploads_octets: int) -> bool:
    """Whether so many requests may be taken in at the same time, and so many octets held of them."""
    return begun <= uploads and octets <= uploads_octets


class Arriving:
    """The requests whose files one worker takes in or holds: so many, and so many octets of all together.

    `full` says that no more can be validated anyway; `refused` is told of each that is refused. `open_files`:
    how many files that were put aside may be open at the same time. From the event loop's thread alone.
    """

    def __init__(
        self,
        *,
        uploads: int,
        octets: int,
        full: Callable[[], bool] = lambda: False,
        refused: Callable[[], None] = lambda: None,
        open_files: int = 100,
    ) -> None:
        self._most = uploads
        self._most_octets = octets
        self._full = full
        self._refused = refused
        self._places = 0
        self._octets = 0
        self._open_files = open_files

    @contextmanager
    def place(self, portions: AsyncIterator[bytes]) -> Iterator[AsyncIterator[bytes]]:
        """A place for one request, until it is answered; the portions of its body, counted as they come.

        Raises:
            Unavailable: ``validation.busy``: there is no place, before anything is read; or, from the
                portions, no room for more octets.
        """
        if self._full():
            raise self._busy("Many files are being validated.")
        self._places += 1
        taken = [0]
        try:
            self._look()
            yield self._counted(portions, taken)
        finally:
            self._places -= 1
            self._octets -= taken[0]

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Around a file that is put aside, as long as it is open. Raises `Unavailable` (validation.busy)."""
        if not self._open_files:
            raise self._busy("Many files are open.")
        self._open_files -= 1
        try:
            yield
        finally:
            self._open_files += 1

    async def _counted(self, portions: AsyncIterator[bytes], taken: list[int]) -> AsyncIterator[bytes]:
        async for portion in portions:
            taken[0] += len(portion)
            self._octets += len(portion)
            self._look()
            yield portion

    def _look(self) -> None:
        if not has_room(self._places, self._octets, uploads=self._most, uploads_octets=self._most_octets):
            raise self._busy("Many files are arriving.")

    def _busy(self, why: str) -> Unavailable:
        self._refused()
        return Unavailable(BUSY, f"{why} Try again in a minute.")


def _descriptors() -> int:
    """How many files and connections this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(soft, _MOST_DESCRIPTORS) if soft != resource.RLIM_INFINITY else _MOST_DESCRIPTORS


@implements("TS119441:SVR-8.4-16", disabled=lambda answered, _sealer: answered)
def with_seal(answered: Answered, sealer: Sealer | None) -> Answered:
    """The answer with its report of TS 119 102-2 sealed, where it has one and the service has a seal.

    Raises:
        Unavailable: ``validation.seal``: it cannot be sealed now, and nothing is given out.
    """
    if sealer is None or not answered.etsi:
        return answered
    try:
        return replace(answered, etsi=sealer.sealed(answered.etsi), sealed=True)
    except TrustworksError as error:
        raise Unavailable(SEAL, f"The report cannot be sealed now. {error}") from error


class Desk:
    """The service over one configuration, in one worker. `count` is told what each validation came to.

    `sealer` seals reports; None where none are sealed.
    """

    def __init__(
        self,
        settings: ValidationSettings,
        offer: Offer,
        recorder: Recorder,
        *,
        sealer: Sealer | None = None,
        count: Count | None = None,
    ) -> None:
        self.settings = settings
        self.offer = offer
        self.sealer = sealer
        self._recorder = recorder
        self._count = count
        self._pool = Pool(settings)
        self._threads = ThreadPoolExecutor(settings.limits.at_once, thread_name_prefix="validation")
        self._begun = 0
        limits = settings.limits
        refused = partial(self._counted, _REFUSED[BUSY])
        self.files = Arriving(
            uploads=limits.uploads,
            octets=limits.uploads_octets + OVERHEAD,
            full=self._is_full,
            refused=refused,
            open_files=max(limits.files, _descriptors() // _SHARE),
        )
        """The forms that arrive."""
        self.messages = Arriving(
            uploads=limits.uploads, octets=_MESSAGES * limits.message, full=self._is_full, refused=refused
        )
        """The messages that arrive, which are held in memory."""

    def _is_full(self) -> bool:
        limits = self.settings.limits
        return is_full(self._begun, at_once=limits.at_once, waiting=limits.waiting)

    async def validate(self, asked: Asked, *, through: str) -> Answered:
        """Validate, for an interface of the name `through`; from the event loop's thread alone.

        Raises:
            Malformed: the file is no signed file, or beyond a limit of its reader.
            Rejected: ``validation.policy``, ``validation.too-much``.
            Unavailable: ``validation.busy``, ``validation.time``, ``validation.seal``, and what the audit log
                raises.
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
        if self._is_full():
            raise Unavailable(BUSY, "Many files are being validated. Try again in a minute.")
        self._begun += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._one, asked, through)
        finally:
            self._begun -= 1

    def _one(self, asked: Asked, through: str) -> Answered:
        if self.sealer is not None:
            asked = replace(asked, certificate=self.sealer.certificate)
        answered = with_seal(self._pool.ask(asked), self.sealer)
        self._recorder.record(
            events.performed(
                through=through,
                policy=answered.policy,
                results=answered.results,
                in_the_past=asked.at is not None,
                sealed=answered.sealed,
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
