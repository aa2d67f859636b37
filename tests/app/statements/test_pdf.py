"""A statement as PDF: the same for the same words, and nothing that is printed is read as a language."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from trustworks.app.statements.model import Document, Draft
from trustworks.app.statements.pdf import as_pdf
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from statements_testbed import Office

NOW = datetime(2026, 11, 28, 1, 2, 3, 456, tzinfo=UTC)


def made(text: str, title: str = "Title", language: str = "en") -> bytes:
    draft = Draft(document=Document.PDS, language=language, title=title, text=text, missing=())
    return as_pdf(draft, number=1, published_at=NOW, author="Example")


@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_the_same_words_are_the_same_octets(office: Office) -> None:
    draft = office.draft(Document.CPS)
    first = as_pdf(draft, number=1, published_at=NOW, author="Example")
    assert first == as_pdf(draft, number=1, published_at=NOW, author="Example")
    assert first.startswith(b"%PDF-1.7")


def test_it_says_title_language_and_that_it_is_tagged() -> None:
    found = made("## One\n\ntext\n", title="Title of it", language="de")
    assert b"/Lang(de)" in found
    assert b"/MarkInfo" in found
    assert re.search(rb"/Marked true", found)
    assert b"pdfuaid:part>1</pdfuaid:part>" in found
    assert b"pdfaid:part>2</pdfaid:part>" in found


@pytest.mark.parametrize(
    "text",
    [
        '#panic("read as Typst")',
        '#read("/etc/passwd")',
        '$ x $ #import "@preview/cetz:0.3.0"',
        "<script>alert(1)</script> ![a picture](http://example.com/x.png)",
        "| a | b |\n|---|---|\n| `" + "x" * 200 + "` | Ελληνικά, български |\n",
        "1. one\n   - two\n\n     > three\n\n```\ncode #here\n```\n",
        "",
    ],
)
def test_nothing_in_the_text_is_a_command(text: str) -> None:
    assert made(text).startswith(b"%PDF")


def test_letters_that_no_font_has_are_named_and_not_left_out() -> None:
    with pytest.raises(Malformed, match="日"):
        made("日本語")
