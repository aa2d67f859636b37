"""Text from elsewhere: whether it is any, and how it can be shown on a terminal."""

from __future__ import annotations

from trustworks.core.errors import Malformed


def utf8(value: str | None) -> str | None:
    """The text, if it can be written as UTF-8: an argument may hold any octets. Raises `Malformed`."""
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        raise Malformed(
            f"{value!a} is no UTF-8. Write it in UTF-8, or as it is shown where it is listed."
        ) from None
    return value


def printable(line: str) -> str:
    """The line with what a terminal would obey, such as an escape sequence, written as in Python's texts."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in line)
