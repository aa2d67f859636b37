"""The report as a document to keep: archivable (PDF/A-2a) and accessible (PDF/UA-1)."""

from __future__ import annotations

from dataclasses import asdict
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.pages.typesetting import typeset
from trustworks.validation.report.page.drafting import drafted
from trustworks.validation.report.page.html import shown

if TYPE_CHECKING:
    from trustworks.validation.report.judged import Judged

SETTABLE: Final = (
    *((0x20, 0x7E), (0xA1, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x1E00, 0x1FFF)),
    *((0x2010, 0x2040), (0x20A0, 0x20BF), (0x2190, 0x21FF)),
)
"""The letters that the typesetter's fonts have, Latin, Greek and Cyrillic; others are written as numbers."""


def as_pdf(judged: Judged) -> bytes:
    """The document; the same octets for the same validation."""
    template = resources.files(__package__).joinpath("templates", "report.typ").read_bytes()
    return typeset(template, _settable(shown(asdict(drafted(judged)))), judged.outcome.at)


def _settable(value: Any) -> Any:
    """The value with every letter that the fonts lack written as its number, as Python does."""
    if isinstance(value, str):
        return "".join(one if _has(ord(one)) else ascii(one)[1:-1] for one in value)
    if isinstance(value, dict):
        return {key: _settable(one) for key, one in value.items()}
    return [_settable(one) for one in value] if isinstance(value, list) else value


def _has(code: int) -> bool:
    return any(first <= code <= last for first, last in SETTABLE)
