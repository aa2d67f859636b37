"""What a statement is: which kinds there are, a draft, a published version, what it lacks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from datetime import datetime

PREFIX: Final = "/statements/"
DIGITS: Final = 16  # of the SHA-256, in the address of a version


class Document(StrEnum):
    """The kinds of statements; the value is the name that people type, and part of the address."""

    CPS = "cps"
    PDS = "pds"
    TSA = "tsa"
    TERMS = "terms"


WORDS: Final[dict[Document, str]] = {
    Document.CPS: "certification practice statement (RFC 3647)",
    Document.PDS: "PKI disclosure statement (EN 319 411-1, annex A)",
    Document.TSA: "TSA disclosure statement (EN 319 421)",
    Document.TERMS: "terms and conditions",
}


def document_named(text: str) -> Document:
    """The kind of that name. Raises `Malformed` with all that there are."""
    try:
        return Document(text)
    except ValueError:
        names = ", ".join(f"{one.value} ({WORDS[one]})" for one in Document)
        raise Malformed(f"{text!r} is no statement; there are {names}.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What a statement has to say and the configuration does not: by `key`, in `words`."""

    key: str
    words: str

    @property
    def remedy(self) -> str:
        """Where to write it."""
        return f"write it into {self.key}.md in the folder of [statements] paragraphs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A statement as the configuration would have it now, in Markdown, without number and day."""

    document: Document
    language: str
    title: str
    text: str
    missing: tuple[Missing, ...]

    @property
    def sha256(self) -> str:
        """What the version is known by: of the text alone, so that the same text is the same version."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A published statement. `text` is what the digest is of, `pdf` the same text as it is read."""

    document: Document
    language: str
    number: int
    sha256: str
    title: str
    text: str
    pdf: bytes
    published_at: datetime
    published_by: str

    @property
    def markdown(self) -> str:
        """The text under its title, with number, day and digest."""
        return (
            f"# {self.title}\n\nVersion {self.number} of {self.published_at:%Y-%m-%d}, SHA-256 of the text "
            f"below this line: `{self.sha256}`\n\n{self.text}"
        )


def path(document: Document, language: str, form: str, sha256: str | None = None) -> str:
    """Where a statement is served: the version in force, or for good the one with that digest."""
    version = "" if sha256 is None else f"{sha256[:DIGITS]}/"
    return f"{PREFIX}{version}{document.value}-{language}.{form}"
