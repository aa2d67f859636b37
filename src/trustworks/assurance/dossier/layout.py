"""What chapters are made of: headings, paragraphs, tables and lists, of plain text alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with a row of headings; `widths` are shares of the line. A line feed ends a line in a cell."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a chapter: a heading of its own, paragraphs, a table, and a list below it."""

    title: str
    paragraphs: tuple[str, ...] = ()
    table: Table | None = None
    listed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A heading, paragraphs, a table or the drawing of the hierarchy below them, then the parts."""

    title: str
    paragraphs: tuple[str, ...] = ()
    table: Table | None = None
    drawn: bool = False
    parts: tuple[Part, ...] = ()
