"""What a signer is shown of a document, as values: kind, parts, findings, digests. Nothing of it is judged.

It goes from one process to another and into the record of what was agreed, so that each part is data alone.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Final, Literal

from trustworks.core.values import dataclass

DIGESTS: Final = ("sha256", "sha384", "sha512")
"""The hash functions by which a document is named, as a browser computes them too (Web Cryptography API)."""


class Kind(StrEnum):
    """What a document is by its octets."""

    PDF = "pdf"
    TEXT = "text"
    IMAGE = "image"
    XML = "xml"
    JSON = "json"
    HTML = "html"
    CONTAINER = "container"
    OTHER = "other"


class Weight(StrEnum):
    """What a finding asks of the signer."""

    NOTE = "note"
    """Worth knowing."""
    WARNING = "warning"
    """May mislead: look twice."""
    OBJECTION = "objection"
    """Not to be signed without saying that it was read: a tick of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that the signer has to know.

    `code` is one of `codes.WEIGHTS`; its sentence is ``finding.CODE`` of the catalogue, with `values`.
    """

    code: str
    weight: Weight
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """A document of pages, each drawn when it is asked for.

    `sizes` are width and height of each page that can be drawn, in points of 1/72 inch as they are seen;
    `count` is how many pages there are.
    """

    part: Literal["pages"] = "pages"
    count: int
    sizes: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Text. `role`: ``text`` as it is, ``source`` of what is never run here, ``laid-out`` JSON."""

    part: Literal["text"] = "text"
    role: Literal["text", "source", "laid-out"]
    text: str
    encoding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image, written anew as PNG. `width` and `height` are those of the original as it is seen."""

    part: Literal["picture"] = "picture"
    png: bytes = field(repr=False)
    width: int
    height: int
    format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node of an XML tree, in the order of the document; `depth` 0 is the outermost.

    `kind` ``element``: `name` as written, `namespace`, `attributes` as pairs, and `text` where it holds text
    alone. ``text``: `text`. ``comment`` and ``instruction``: `text`, and `name` of the instruction's target.
    """

    kind: Literal["element", "text", "comment", "instruction"]
    depth: int
    name: str = ""
    namespace: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """An XML document, node by node."""

    part: Literal["tree"] = "tree"
    nodes: tuple[Node, ...]
    encoding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Styled:
    """An XML document as its stylesheet shows it: `html` of elements that are known to do nothing.

    `stylesheet` is the name that the document calls it by.
    """

    part: Literal["styled"] = "styled"
    html: str
    stylesheet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file in a container, which can be shown by itself. `sha256` is its digest in hexadecimal."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """What a container holds, in the order of the file; `count` is how many files there are."""

    part: Literal["members"] = "members"
    count: int
    members: tuple[Member, ...]
    media_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signature that is in the document, as it says of itself; nobody looked whether that is true.

    `time` is the time that the signer claims (ISO 8601), `role` and `reason` are his words.
    """

    level: str
    signer: str | None = None
    time: str | None = None
    place: str | None = None
    roles: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """Signatures and time-stamps that are already there."""

    part: Literal["signatures"] = "signatures"
    signatures: tuple[Signed, ...]
    time_stamps: tuple[str, ...] = ()
    """The times of time-stamps over the whole document (ISO 8601)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """What cannot be shown. `reason` is a key of the catalogue below ``absent``."""

    part: Literal["absent"] = "absent"
    reason: str
    values: dict[str, str] = field(default_factory=dict)


Part = Pages | Text | Picture | Tree | Styled | Members | Signatures | Absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was made of the octets: what kind they are, how they are shown, and what to know about them."""

    kind: Kind
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A document as a signer is shown it.

    `size` counts octets, `digests` are of all of them, in hexadecimal, by the names in `DIGESTS`.
    `media_type` is what it was called by who gave it.
    """

    name: str
    media_type: str | None
    size: int
    digests: dict[str, str]
    kind: Kind
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def objections(self) -> tuple[Finding, ...]:
        """The findings that each need an explicit tick before the document is signed."""
        return tuple(one for one in self.findings if one.weight is Weight.OBJECTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a document: its picture, its text for who does not see it, and what to know about it.

    `number` begins at 1; `width` and `height` are those of the picture in pixels.
    """

    number: int
    png: bytes = field(repr=False)
    width: int
    height: int
    text: str
    findings: tuple[Finding, ...] = ()
