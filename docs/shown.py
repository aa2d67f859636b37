"""Writes the table of docs/shown.md from the register and the catalogue; --check only compares it."""

from __future__ import annotations

import sys
from pathlib import Path

from trustworks.signing.messages import catalogue
from trustworks.signing.shown.codes import WEIGHTS

PAGE = Path(__file__).with_name("shown.md")
MARK = "<!-- From here on: written by docs/shown.py -->\n"


def generated() -> str:
    """The part of the page that the register says."""
    sentences = catalogue("en").sentences
    rows = ["| code | weight | what the signer reads |", "|---|---|---|"]
    rows += [f"| `{code}` | {weight} | {sentences[f'finding.{code}']} |" for code, weight in WEIGHTS.items()]
    return "\n".join(rows) + "\n"


def main() -> None:
    """Write the page, or compare."""
    before = PAGE.read_text(encoding="utf-8")
    after = before.partition(MARK)[0] + MARK + "\n" + generated()
    if "--check" not in sys.argv:
        PAGE.write_text(after, encoding="utf-8")
    elif before != after:
        sys.exit("docs/shown.md is old; run `python docs/shown.py`.")


if __name__ == "__main__":
    main()
