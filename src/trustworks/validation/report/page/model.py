"""What the page and the document say, in the order in which it is read; all of it is text to show."""

from __future__ import annotations

from enum import StrEnum

from trustworks.core.values import dataclass


class Tone(StrEnum):
    """How something ended, for people. Each has a word and a sign of its own, not a colour alone."""

    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"
    """It cannot be said."""
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A line of a list: what it is about, and what is known."""

    label: str
    value: str
    more: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """Data that a signature or time-stamp covers.

    `digest` is its SHA-256, or that by another `function` which was given in its place; empty where it is not
    at hand.
    """

    name: str
    text: str
    function: str
    digest: str
    size: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One check of a block.

    `block` is what it is about, where that is a block; `above` is the number of one that was shown before.
    """

    tone: Tone
    word: str
    name: str
    text: str
    id: str
    requirement: str
    about: str
    details: tuple[Fact, ...] = ()
    block: Block | None = None
    above: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A process or a building block with its checks in order, numbered within the report."""

    number: int
    name: str
    title: str
    about: str
    tone: Tone
    verdict: str
    time: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A signature, a time-stamp or an evidence record.

    `sentence` says what came out, `because` why, `advice` what would change it; both are empty where it
    passed.
    """

    anchor: str
    title: str
    tone: Tone
    word: str
    indication: str
    sentence: str
    because: tuple[str, ...]
    advice: str
    facts: tuple[Fact, ...]
    covers: tuple[Covered, ...]
    warnings: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A certificate, by whom it is and until when it is valid."""

    name: str
    subject: str
    issuer: str
    since: str
    until: str
    serial: str
    digest: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Revocation data: a list or an OCSP answer."""

    kind: str
    issuer: str
    made: str
    due: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Since when something is known to exist, and by what."""

    about: str
    time: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The whole report. `summary` is what is asked first."""

    title: str
    tone: Tone
    word: str
    heading: str
    sentence: str
    at: str
    summary: tuple[Fact, ...]
    policy: tuple[Fact, ...]
    files: tuple[Covered, ...]
    cautions: tuple[str, ...]
    signatures: tuple[Item, ...]
    time_stamps: tuple[Item, ...]
    records: tuple[Item, ...]
    certificates: tuple[Holder, ...]
    revocation: tuple[Told, ...]
    proofs: tuple[Proof, ...]
    troubles: tuple[str, ...]
    version: str
