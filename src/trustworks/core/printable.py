"""Text from elsewhere, as it can be shown on a terminal."""

from __future__ import annotations


def printable(line: str) -> str:
    """The line with what a terminal would obey, such as an escape sequence, written as in Python's texts."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in line)
