"""The lists of CMVP: active, historical and revoked modules, as its search shows them.

A list tells less of a certificate than its own page: as a rule neither standard nor level.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.assurance.model import SourceKind
from trustworks.assurance.sources import cmvp
from trustworks.assurance.sources.html_page import line_of, parse, text_of
from trustworks.assurance.sources.imported import DEFAULT, Download, Imported, Limits, Reading, nothing
from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_NUMBER: Final = re.compile(r"#?(\d{1,6})")
_LINK: Final = re.compile(r"/certificate/(\d{1,6})(?![\d])", re.IGNORECASE)
NUMBER: Final = "certificate number"


def read(data: bytes, download: Download, limits: Limits = DEFAULT) -> Imported:
    """The certificates of a list. Raises `Malformed` where the page has no such list."""
    reading = Reading(kind=SourceKind.CMVP_LIST, data=data, download=download, limits=limits)
    return read_page(parse(data, download.name, limits), reading)


def table_of(root: Element) -> tuple[Element, list[tuple[str, Element]]] | None:
    """The table with the certificates and the columns of its head; None where there is none."""
    for table in root.iter("table"):
        for row in table.iter("tr"):
            columns = [(_name(cell), cell) for cell in row if cell.tag in {"th", "td"}]
            names = {name for name, _ in columns}
            if NUMBER in names and "module name" in names:
                return table, columns
            break
    return None


@implements("TRUSTWORKS:ASSURANCE-SOURCE-CMVP", disabled=nothing)
def read_page(root: Element, reading: Reading) -> Imported:
    """The certificates of a list that is parsed already."""
    found = table_of(root)
    if found is None:
        raise Malformed(
            f"{reading.download.name} has no table of CMVP certificates. Save the page of results of the "
            "search for validated modules."
        )
    table, head = found
    if len(head) > reading.limits.columns:
        raise BeyondLimit(
            f"The list has more than the {reading.limits.columns} columns that are read.", "columns"
        )
    columns = _known(reading, head)
    number = 0
    for row in table.iter("tr"):
        cells = [one for one in row if one.tag == "td"]
        if not cells or any(cell is one for cell in cells for _, one in head):
            continue
        number += 1
        line = line_of(row)
        _row(reading, f"line {line}" if line else f"row {number}", columns, cells)
    _complete(root, reading, number)
    return reading.imported()


def _name(cell: Element) -> str:
    return " ".join(text_of(cell).split()).casefold()[:200]


def _known(reading: Reading, head: list[tuple[str, Element]]) -> list[str]:
    """The columns in their order; empty for one that is not read."""
    columns: list[str] = []
    for name, cell in head:
        line = line_of(cell)
        place = f"line {line}" if line else "head of the table"
        if name in columns:
            raise Malformed(
                f"{reading.download.name}, {place}: the column {name!a} is there twice. Save the page again."
            )
        if name != NUMBER and name not in cmvp.COLUMNS and name not in cmvp.SILENT:
            reading.unknown(place, name)
            columns.append("")
        else:
            columns.append(name)
    return columns


def _row(reading: Reading, place: str, columns: list[str], cells: list[Element]) -> None:
    if len(cells) != len(columns):
        reading.problem(place, f"The row has {len(cells)} columns, and the head of its table {len(columns)}.")
        return
    given = dict(zip(columns, cells, strict=True))
    printed = " ".join(text_of(given[NUMBER]).split())
    found = _NUMBER.fullmatch(printed)
    linked = {
        one.lstrip("0") or "0"
        for link in given[NUMBER].iter("a")
        for one in _LINK.findall(link.get("href") or "")
    }
    if found is None:
        reading.problem(place, f"{printed!a:.60} is no number of a certificate.")
        return
    number = found[1].lstrip("0") or "0"
    if linked - {number}:
        reading.problem(
            place,
            f"The row is of certificate {number}, and leads to {', '.join(sorted(linked))}: it is not read.",
        )
        return
    facts: cmvp.Facts = {}
    for name, cell in given.items():
        if name in cmvp.COLUMNS:
            cmvp.take(reading, f"{place}, certificate {number}", name, text_of(cell), facts)
    cmvp.keep(reading, f"{place}, certificate {number}", number, facts)


def _complete(root: Element, reading: Reading, rows: int) -> None:
    """Says where the page has fewer rows than certificates that it found: those of its other pages."""
    for element in root.iter("div"):
        told = element.get("data-total-records") or ""
        if element.get("id") == "divResults" and re.fullmatch(r"\d{1,7}", told) and int(told) != rows:
            reading.problem(
                "the whole list",
                f"The page says that there are {int(told)} certificates, and lists {rows}: it does not tell "
                "the others.",
            )
