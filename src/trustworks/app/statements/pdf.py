"""A statement as PDF, archivable and accessible (`core.pages.typesetting`)."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from trustworks.app.statements.blocks import Node, blocks
from trustworks.app.statements.model import WORDS
from trustworks.core.errors import Malformed
from trustworks.core.pages.typesetting import typeset

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.app.statements.model import Draft

_LONG = 12  # headings; a text with more has a table of contents


def as_pdf(draft: Draft, *, number: int | None, published_at: datetime, author: str) -> bytes:
    """The PDF of a draft as version `number`, or as a draft; the same octets for the same words.

    Raises `Malformed` for letters that the fonts do not have.
    """
    found = [_raised(one) for one in blocks(draft.text)]
    day = f"{published_at:%Y-%m-%d}"
    named = "draft" if number is None else str(number)
    values = {
        "title": draft.title,
        "author": author,
        "subject": WORDS[draft.document],
        "language": draft.language,
        "version": f"{named} · {day}",
        "about": [
            ["Version", f"{named} ({day})", False],
            ["SHA-256", draft.sha256, True],
        ],
        "contents": sum(one["kind"] == "heading" for one in found) > _LONG,
        "blocks": found,
    }
    template = resources.files(__package__).joinpath("templates", "statement.typ").read_bytes()
    try:
        return typeset(template, values, published_at)
    except Malformed as error:
        raise Malformed(
            f"The statement {draft.document.value} in {draft.language} cannot be set as PDF: {error}. "
            "Change the paragraph or the setting that it comes from: the fonts have Latin, Greek and "
            "Cyrillic letters."
        ) from error


def _raised(block: Node) -> Node:
    """Headings one step up: the title is none in the PDF."""
    if block["kind"] != "heading":
        return block
    return {**block, "level": max(1, block["level"] - 1)}
