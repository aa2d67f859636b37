"""Writes the table of docs/findings.md from the register of findings; --check only compares it."""

from __future__ import annotations

import sys
from pathlib import Path

from trustworks.formats.findings import FINDINGS

PAGE = Path(__file__).with_name("findings.md")
MARK = "<!-- From here on: written by docs/findings.py -->\n"


def generated() -> str:
    """The part of the page that the register says."""
    rows = ["| code | what was seen | weight |", "|---|---|---|"]
    rows += [
        f"| `{code}` | {one.seen} | {' or '.join(one.weights)}{', void' if one.unprotected else ''} |"
        for code, one in FINDINGS.items()
    ]
    return "\n".join(rows) + "\n"


def main() -> None:
    """Write the page, or compare."""
    before = PAGE.read_text(encoding="utf-8")
    after = before.partition(MARK)[0] + MARK + "\n" + generated()
    if "--check" not in sys.argv:
        PAGE.write_text(after, encoding="utf-8")
    elif before != after:
        sys.exit("docs/findings.md is old; run `python docs/findings.py`.")


if __name__ == "__main__":
    main()
