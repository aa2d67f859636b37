"""The processes that make signatures, as who asks them sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import structlog

from trustworks.core.bounded import outside
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.signing.bounded.work import raised

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.signing.config import LimitSettings

log = structlog.get_logger(__name__)

TOO_MUCH: Final = "signing.too-much"
"""The code of documents that need more processor time or memory than one request may have."""
TOO_SLOW: Final = "signing.time"
NO_PROCESS: Final = "signing.process"
_ENDING: Final = frozenset({TOO_MUCH, TOO_SLOW, NO_PROCESS})
_MOST_ANSWERED: Final = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a process is asked: words, and a message as it came. `client` is whose message it is.

    `spent` is told how many time-stamps were used, whatever came of it; where a process ends it is not told.
    """

    words: dict[str, Any]
    octets: bytes
    client: str = ""
    spent: Callable[[int], None] | None = None

    def came(self, words: dict[str, Any]) -> None:
        """Take the words of an answer. Raises the error that they are, if they are one."""
        if self.spent is not None and "stamped" in words:
            self.spent(words["stamped"])
        raised(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What it answers."""

    words: dict[str, Any]
    octets: bytes


class Process(outside.Child[Question, Reply]):
    """One process, for one request at a time. `module` is what it runs, `first` what it is told first."""

    def __init__(self, module: str, first: dict[str, Any], limits: LimitSettings) -> None:
        self._limits = limits
        self.client: str | None = None
        super().__init__(module, first, limits.seconds)

    def ask(self, asked: Question) -> Reply:
        """Have it done.

        Raises:
            Malformed, Rejected, Refused, Unavailable: as `create.process.Creation` does.
            Rejected: ``signing.too-much`` where it needs more than it may have.
            Unavailable: ``signing.time``: it did not end in time; ``signing.process``.
        """
        self.client = asked.client
        try:
            words, octets = self._exchange(asked.words, asked.octets, (), _MOST_ANSWERED)
        except TimeoutError:
            raise Unavailable(
                "signing.time",
                f"The signature was not made within {self._limits.seconds:g} seconds, with what is fetched "
                "for it. Try again later.",
            ) from None
        except outside.Ended as error:
            raise self._gone(error) from None
        asked.came(words)
        return Reply(words=words, octets=octets)

    def _gone(self, ended: outside.Ended) -> Rejected | Unavailable:
        if ended.why is outside.Why.KILLED:
            return Rejected(
                "signing.too-much",
                "The system ended the process that made the signature, as it does where memory is short. "
                "Send smaller documents, or try again later.",
            )
        if ended.why is outside.Why.PROCESSOR:
            return Rejected(
                "signing.too-much",
                f"The documents need more than the {self._limits.cpu_seconds} seconds of processor time that "
                "one request may take here.",
            )
        log.error("signing.process-died", code=ended.code)
        return Unavailable("signing.process", "The process that makes signatures ended. Try again later.")


class Pool(outside.Pool[Question, Reply]):
    """Processes that wait for the next request. Threads share it; each takes one for itself.

    A process that read the documents of one client is not given those of another.
    """

    kept_after = (Malformed, Refused, Rejected, Unavailable)

    def __init__(self, module: str, first: dict[str, Any], limits: LimitSettings) -> None:
        super().__init__()
        self.most = limits.at_once
        self._module = module
        self._first = first
        self._limits = limits

    def is_kept_after(self, error: BaseException) -> bool:
        """Not after what used up its memory or time, nor where it may still be at it."""
        return super().is_kept_after(error) and getattr(error, "code", None) not in _ENDING

    @implements("TRUSTWORKS:SIGNING-APART", disabled=True)
    def fits(self, process: outside.Child[Question, Reply], asked: Question) -> bool:
        """Whether it has read no documents but those of this client."""
        return isinstance(process, Process) and process.client in {None, asked.client}

    def started(self) -> Process:
        """A new process. Raises `Unavailable` where none can be started."""
        try:
            return Process(self._module, self._first, self._limits)
        except OSError as error:
            raise Unavailable(
                "signing.process", f"No process that makes signatures can be started: {error.strerror}."
            ) from error

    def stopping(self) -> Unavailable:
        """What who asks a pool is told that is closed."""
        return Unavailable("signing.closed", "The service is stopping.")
