"""A statement as PDF: archivable (PDF/A-2a) and accessible (PDF/UA-1), set by Typst.

What is printed comes to the typesetter as data and is never read as its language; it finds no file but the
template, no font but its own, and no network.
"""

from __future__ import annotations

import json
import tempfile
from importlib import resources
from typing import TYPE_CHECKING

import typst

from trustworks.app.statements.blocks import Node, blocks
from trustworks.app.statements.model import WORDS
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.app.statements.model import Draft

STANDARDS: list[typst.PDFStandard] = ["a-2a", "ua-1"]
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
    source = resources.files(__package__).joinpath("templates", "statement.typ").read_bytes()
    with tempfile.TemporaryDirectory() as empty:  # all that the template could read
        try:
            made = typst.Compiler(
                source,
                root=empty,
                ignore_system_fonts=True,
                sys_inputs={"statement": json.dumps(values)},
            ).compile(format="pdf", pdf_standards=STANDARDS, timestamp=published_at.replace(microsecond=0))
        except RuntimeError as error:
            raise Malformed(
                f"The statement {draft.document.value} in {draft.language} cannot be set as PDF: {error}. "
                "Change the paragraph or the setting that it comes from: the fonts have Latin, Greek and "
                "Cyrillic letters."
            ) from error
    assert isinstance(made, bytes)  # noqa: S101 - of one PDF in memory
    return made


def _raised(block: Node) -> Node:
    """Headings one step up: the title is none in the PDF."""
    if block["kind"] != "heading":
        return block
    return {**block, "level": max(1, block["level"] - 1)}
