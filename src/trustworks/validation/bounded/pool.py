"""The processes that validate, as who asks them sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from trustworks.core.bounded import outside
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.validation.bounded.asked import Answered, Asked, Kind, words_of

if TYPE_CHECKING:
    from typing import Any

    from trustworks.validation.config import ValidationSettings

log = structlog.get_logger(__name__)

TOO_MUCH: Final = "validation.too-much"
"""The code of a file that needs more processor time or memory than one may have."""
TOO_SLOW: Final = "validation.time"
_MODULE: Final = "trustworks.validation.bounded.process"
_MOST_REPORTS: Final = 256 * 1024 * 1024
"""Octets of all reports of one validation."""


class Process(outside.Child[Asked, Answered]):
    """One process, for one validation at a time."""

    def __init__(self, settings: ValidationSettings) -> None:
        self._limits = settings.limits
        first = {"settings": settings.model_dump(mode="json", by_alias=True)}
        super().__init__(_MODULE, first, self._limits.seconds)

    def ask(self, asked: Asked) -> Answered:
        """Validate.

        Raises:
            Malformed: the file is no signed file, or beyond a limit of its reader.
            Rejected: ``validation.policy``; ``validation.too-much`` where it needs more than it may have.
            Unavailable: ``validation.time``: it did not end in time; ``validation.process``.
        """
        files = [one.descriptor for one in asked.files if one.descriptor is not None]
        octets = b"".join(one.octets for one in asked.files)
        try:
            words, report = self._exchange(words_of(asked), octets, files, _MOST_REPORTS)
        except TimeoutError:
            raise Unavailable(
                TOO_SLOW,
                f"The validation had not ended after {self._limits.seconds:g} seconds, with what it fetches. "
                "Try again later.",
            ) from None
        except outside.Ended as error:
            raise self._gone(error) from None
        return _answered(words, report)

    def _gone(self, ended: outside.Ended) -> Rejected | Unavailable:
        if ended.why is outside.Why.KILLED:
            return Rejected(
                TOO_MUCH,
                "The system ended the process that validated the file, as it does where memory is short. "
                "Send a smaller file, or try again later.",
            )
        if ended.why is outside.Why.PROCESSOR:
            return Rejected(
                TOO_MUCH,
                f"The file needs more than the {self._limits.cpu_seconds} seconds of processor time that one "
                "may take here.",
            )
        log.error("validation.process-died", code=ended.code)
        return Unavailable("validation.process", "The process that validates ended. Try again later.")


def _answered(words: dict[str, Any], octets: bytes) -> Answered:
    if "memory" in words:
        raise Rejected(TOO_MUCH, "The file needs more memory than one may take here.")
    if "untrusted" in words:
        # The sentence names files of the provider: it is for whoever runs the service.
        log.error("validation.trust", why=words["untrusted"])
        raise Unavailable("validation.trust", "What is trusted cannot be read now. Try again later.")
    if "malformed" in words:
        raise Malformed(words["malformed"])
    if "rejected" in words:
        raise Rejected(words["rejected"], words["sentence"])
    reports, begin = {}, 0
    for kind, length in words["lengths"].items():
        reports[kind] = octets[begin : begin + length]
        begin += length
    return Answered(
        results=tuple(words["results"]),
        policy=words["policy"],
        plain=words.get("plain", {}),
        explained=words.get("explained", ""),
        page=words.get("page", {}),
        etsi=reports[Kind.ETSI],
        html=reports[Kind.HTML],
        pdf=reports[Kind.PDF],
    )


class Pool(outside.Pool[Asked, Answered]):
    """Processes that wait for the next validation. Threads share it; each takes one for itself."""

    kept_after = (Malformed,)

    def __init__(self, settings: ValidationSettings) -> None:
        super().__init__()
        self._settings = settings

    def started(self) -> Process:
        """A new process. Raises `Unavailable` where none can be started."""
        try:
            return Process(self._settings)
        except OSError as error:
            raise Unavailable(
                "validation.process", f"No process that validates can be started: {error.strerror}."
            ) from error

    def stopping(self) -> Unavailable:
        """What who asks a pool is told that is closed."""
        return Unavailable("validation.closed", "The service is stopping.")
