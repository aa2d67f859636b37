"""The tree of checks for the expert: every block once, and where it comes again, the number it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.validation.model import Status
from trustworks.validation.report.page.model import Block, Fact, Line, Tone
from trustworks.validation.report.page.sentences import BLOCKS, TONES
from trustworks.validation.report.text import verdict
from trustworks.validation.report.words import moment, short

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.validation.model import Check, Conclusion
    from trustworks.validation.report.words import Words

_TONES: Final = {
    Status.OK: Tone.PASSED,
    Status.NOT_OK: Tone.FAILED,
    Status.WARNING: Tone.OPEN,
    Status.INFORMATION: Tone.NOTE,
}
_WORDS: Final = {
    Status.OK: "ok",
    Status.NOT_OK: "not met",
    Status.WARNING: "warning",
    Status.INFORMATION: "to know",
}


class Tree:
    """Draws blocks; they are shared by processes that go on from them, and are known by their identity."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._drawn: dict[int, int] = {}

    def blocks(self, conclusions: Iterable[Conclusion]) -> tuple[Block, ...]:
        """Those of a signature's or time-stamp's processes that asked something, each once."""
        return tuple(self._block(one) for one in conclusions if one.checks and id(one) not in self._drawn)

    def _block(self, conclusion: Conclusion) -> Block:
        number = self._drawn[id(conclusion)] = len(self._drawn) + 1
        return Block(
            number=number,
            name=conclusion.block,
            title=BLOCKS.get(conclusion.block, conclusion.block),
            about=self._about(conclusion.subject),
            tone=TONES[conclusion.indication],
            verdict=verdict(conclusion.verdict),
            time="" if conclusion.time is None else moment(conclusion.time),
            lines=tuple(self._line(check, conclusion.subject) for check in conclusion.checks),
        )

    def _line(self, check: Check, subject: str) -> Line:
        above = 0 if check.block is None else self._drawn.get(id(check.block), 0)
        return Line(
            tone=_TONES[check.status],
            word=_WORDS[check.status],
            name=check.name,
            text=check.text,
            id=check.id,
            requirement=check.requirement or "",
            about=self._about(check.subject) if check.subject != subject else "",
            details=tuple(Fact(label=key, value=value) for key, value in check.details if value),
            block=self._block(check.block) if check.block is not None and not above else None,
            above=above,
        )

    def _about(self, identifier: str) -> str:
        return f"{self._words.about(identifier)} [{short(identifier)}]"
