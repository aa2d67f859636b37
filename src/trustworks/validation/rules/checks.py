"""How a block collects its checks: one after another, until one fails that the policy lets fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.validation.model import PASSED, Check, Conclusion, Level, Status
from trustworks.validation.rules.names import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from trustworks.validation.model import Verdict

_STATUS: Final = {
    Level.FAIL: Status.NOT_OK,
    Level.WARN: Status.WARNING,
    Level.INFORM: Status.INFORMATION,
}


class Checks:
    """The checks of one block about one object, in order; `after` those of its first part, if any."""

    def __init__(
        self, block: str, subject: str, time: datetime | None = None, *, after: Conclusion | None = None
    ) -> None:
        self._block = block
        self._subject = subject
        self._time = time
        self._checks: list[Check] = [] if after is None else list(after.checks)
        self.verdict: Verdict = PASSED if after is None else after.verdict

    @property
    def failed(self) -> bool:
        """Whether a check has ended the block."""
        return not self.verdict.passed

    def ask(
        self,
        check_id: str,
        rule: Callable[[], str | None],
        otherwise: Verdict,
        *,
        level: Level = Level.FAIL,
        subject: str | None = None,
        details: Iterable[tuple[str, str]] = (),
        block: Conclusion | None = None,
    ) -> bool:
        """Ask a rule; its objection ends the block with `otherwise` when `level` is FAIL.

        A rule answers None, or a sentence. Ignored constraints are not asked. Answers whether to go on; once
        a block has ended, nothing more is asked.
        """
        if self.verdict is not PASSED and not self.verdict.passed:
            return False
        if level is Level.IGNORE:
            return True
        objection = rule()
        self._checks.append(
            Check(
                id=check_id,
                name=NAMES[check_id],
                status=Status.OK if objection is None else _STATUS[level],
                level=level,
                subject=subject or self._subject,
                text=objection or "",
                details=tuple(details),
                requirement=_requirement(rule),
                block=block,
            )
        )
        if objection is not None and level is Level.FAIL:
            self.verdict = otherwise
            return False
        return True

    def take(
        self, check_id: str, inner: Conclusion, *, level: Level = Level.FAIL, text: str | None = None
    ) -> bool:
        """Ask whether an inner block passed; its own verdict is that of this block where it did not."""

        def objection() -> str | None:
            if inner.passed:
                return None
            if text:
                return text
            reasons = inner.reasons()
            return reasons[0].text if reasons else f"{inner.block} ended with {inner.verdict.indication}."

        return self.ask(check_id, objection, inner.verdict, level=level, subject=inner.subject, block=inner)

    def end(self, verdict: Verdict) -> None:
        """Set the verdict, whatever the checks said."""
        self.verdict = verdict

    def conclude(self) -> Conclusion:
        """The conclusion of the block."""
        return Conclusion(
            block=self._block,
            subject=self._subject,
            verdict=self.verdict,
            checks=tuple(self._checks),
            time=self._time,
        )


def _requirement(rule: Callable[[], str | None]) -> str | None:
    marked: tuple[str, ...] = getattr(getattr(rule, "func", rule), "__requirements__", ())
    return marked[0] if marked else None
