"""Keeps what the documentation shows equal to what the product prints.

    python tools/renew_outputs.py --check    exit code 1 and the difference when something is out of date
    python tools/renew_outputs.py --write    bring it up to date

``docs/commands.md`` is made as a whole from the help texts of all commands. In README.md and in the other
pages a region

    <!-- output: trustworks ... -->
    ```console
    ```
    <!-- end of output -->

holds a command that needs no state, and what it prints.
"""

from __future__ import annotations

import difflib
import importlib
import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refusals import refusals_page
from typer.main import get_command
from typer.testing import CliRunner

from trustworks.app.cli import NOUNS, app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = ROOT / "docs" / "commands.md"
REFUSALS = ROOT / "docs" / "refusals.md"
REGION = re.compile(
    r"(?P<begin><!-- output: (?P<command>trustworks [^\n]*?) -->\n).*?(?P<end><!-- end of output -->)",
    re.DOTALL,
)
HEAD = """# Commands

Noun, then verb. `--json` prints for programs. A sentence on standard error says what is wrong; the exit code
is 1, and 2 when the input cannot be read. This page is made from the help texts.
"""


def output_of(command: str) -> str:
    """What `command` (``trustworks ...``) prints, on a terminal of 80 columns."""
    result = CliRunner().invoke(app, shlex.split(command)[1:], prog_name="trustworks", env={"COLUMNS": "80"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return "\n".join(line.rstrip() for line in result.output.strip("\n").splitlines())


def commands_page() -> str:
    """The page of all commands."""
    parts = [HEAD, _block("trustworks --help")]
    for noun, (place, _) in NOUNS.items():
        module, _, attribute = place.partition(":")
        command: Any = get_command(getattr(importlib.import_module(module), attribute or "app"))
        parts.append(f"## {noun}\n")
        verbs = getattr(command, "commands", None)
        if verbs is None:
            parts.append(_block(f"trustworks {noun} --help"))
            continue
        for verb in verbs:
            parts.append(f"### {noun} {verb}\n")
            parts.append(_block(f"trustworks {noun} {verb} --help"))
    return "\n".join(parts)


def _block(command: str) -> str:
    return f"```text\n{output_of(command)}\n```\n"


def pages() -> Iterator[tuple[Path, str]]:
    """Every page that shows outputs, as it should be."""
    yield COMMANDS, commands_page()
    yield REFUSALS, refusals_page(ROOT / "src")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = path.read_text(encoding="utf-8")
        if path not in {COMMANDS, REFUSALS} and REGION.search(text):
            yield path, REGION.sub(_region, text)


def _region(found: re.Match[str]) -> str:
    command = found["command"]
    return f"{found['begin']}```console\n$ {command}\n{output_of(command)}\n```\n{found['end']}"


def main(arguments: list[str]) -> int:
    """Check or renew all pages."""
    if arguments not in (["--check"], ["--write"]):
        sys.exit(__doc__)
    os.chdir(ROOT)
    stale = 0
    for path, wanted in pages():
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if present == wanted:
            continue
        stale += 1
        if arguments == ["--write"]:
            path.write_text(wanted, encoding="utf-8")
            print(f"renewed {path.relative_to(ROOT)}")
        else:
            name = str(path.relative_to(ROOT))
            difference = difflib.unified_diff(
                present.splitlines(), wanted.splitlines(), name, "what the product prints", lineterm=""
            )
            print("\n".join(difference))
    if stale and arguments == ["--check"]:
        print(f"\n{stale} page(s) out of date; run: .venv/bin/python tools/renew_outputs.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
