"""CSV from elsewhere, row by row: what one row has wrong does not take the next one with it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.assurance.sources.imported import Limits, Reading

# A row goes over so many lines at most: beyond, a quotation mark was not closed.
_LINES: Final = 20


def lines_of(data: bytes, name: str, limits: Limits) -> list[str]:
    """Lines with their ends; what is not UTF-8 in a line is taken for what Windows writes."""
    if data.count(b"\n") + data.count(b"\r") > 2 * limits.elements:
        raise BeyondLimit(f"{name} has more than the {limits.elements} lines that are read.", "elements")
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
    found = []
    for line in data.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True):
        try:
            plain = line.decode("utf-8")
        except UnicodeDecodeError:
            plain = line.decode("cp1252", "replace")
        found.append(plain.replace("\0", "\N{REPLACEMENT CHARACTER}"))
    return found


def head_of(lines: list[str], name: str, limits: Limits) -> tuple[int, list[str], str]:
    """The line of the head, its columns, and what separates them. Raises `Malformed`."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(line) > limits.text:
            break
        separator = max(",;\t", key=line.count)
        row, _ = _row(lines, number - 1, separator)
        if row is None:
            break
        if len(row) > limits.columns:
            raise BeyondLimit(f"{name} has more than the {limits.columns} columns that are read.", "columns")
        return number, [" ".join(one.split()) for one in row], separator
    raise Malformed(f"{name} has no line with the names of its columns. Download it again.")


def rows_of(
    reading: Reading, lines: list[str], head: int, separator: str, columns: int
) -> Iterator[tuple[str, list[str]]]:
    """Place and cells of each row below the head that has as many columns; the others are problems."""
    at, count = head, 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        count += 1
        if count > reading.limits.rows:
            raise BeyondLimit(
                f"{reading.download.name} has more than the {reading.limits.rows} rows that are read.", "rows"
            )
        row, used = _row(lines, at, separator)
        place = f"line {at + 1}"
        if row is None:
            reading.problem(
                place, "The row is not read: a quotation mark is not closed, or stands within a value."
            )
            at += 1
        elif not any(one.strip() for one in row):
            at += used
        elif len(row) < columns or any(one.strip() for one in row[columns:]):
            reading.problem(place, f"The row is not read: it has {len(row)} columns, and the head {columns}.")
            at += 1
        else:
            yield place, row[:columns]
            at += used


def _row(lines: list[str], at: int, separator: str) -> tuple[list[str] | None, int]:
    """The row that begins on a line, and how many lines it takes; None where it is malformed."""
    reader = csv.reader(lines[at : at + _LINES], delimiter=separator, strict=True)
    try:
        row = next(reader)
    except (csv.Error, StopIteration):
        return None, 1
    return row, reader.line_num
