"""Writes the tables of docs/configuration.md from the settings' models; --check only compares them."""

from __future__ import annotations

import sys
from pathlib import Path

from trustworks.app.configuration.explain import tables

PAGE = Path(__file__).with_name("configuration.md")
MARK = "<!-- From here on: written by docs/configuration.py -->\n"


def generated() -> str:
    """The part of the page that the models say."""
    parts = []
    for table in tables():
        name = f"[[{table.path[:-2]}]]" if table.path.endswith("[]") else f"[{table.path}]"
        rows = [f"## `{name}`\n", f"{table.about[:1].upper()}{table.about[1:]}\n"]
        rows += ["| setting | meaning | may be | default |", "|---|---|---|---|"]
        rows += [
            "| "
            + " | ".join(
                text.replace("|", "\\|")
                for text in (f"`{one.path}`", one.meaning, one.allowed, f"`{one.default}`")
            )
            + " |"
            for one in table.settings
        ]
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def main() -> None:
    """Write the page, or compare."""
    before = PAGE.read_text(encoding="utf-8")
    after = before.partition(MARK)[0] + MARK + "\n" + generated()
    if "--check" not in sys.argv:
        PAGE.write_text(after, encoding="utf-8")
    elif before != after:
        sys.exit("docs/configuration.md is old; run `python docs/configuration.py`.")


if __name__ == "__main__":
    main()
