"""What comes from elsewhere moves no cursor, rings no bell and begins no line."""

from __future__ import annotations

import pytest

from trustworks.core.errors import Malformed
from trustworks.core.printable import printable, utf8


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain words, \N{LATIN SMALL LETTER U WITH DIAERESIS}ml\u00e4uts \u20ac", None),
        ("\x1b[2Ja\x07", r"\x1b[2Ja\x07"),
        ("one\ntwo\r\n", r"one\ntwo\r\n"),
        ("\x9b31m", r"\x9b31m"),
        ("a\u202eb\u2028c", r"a\u202eb\u2028c"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(line: str, shown: str | None) -> None:
    assert printable(line) == (line if shown is None else shown)


def test_what_is_no_utf8_is_told() -> None:
    assert utf8(None) is None
    assert utf8("Zürich") == "Zürich"
    with pytest.raises(Malformed, match=r"'a\\udcff' is no UTF-8"):
        utf8("a\udcff")
