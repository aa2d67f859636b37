"""Keeps what the documentation shows equal to what the product prints.

    python tools/renew_outputs.py --check    exit code 1 and the difference when something is out of date
    python tools/renew_outputs.py --write    bring it up to date

``docs/commands.md`` is made as a whole from the help texts of all commands. In README.md and in the other
pages a region

    <!-- output: trustworks ... -->
    ```console
    ```
    <!-- end of output -->

holds a command that needs no state, and what it prints. The region ``make run`` of README.md holds what the
lab prints until it is up; how long its steps took is not compared.
"""

from __future__ import annotations

import difflib
import importlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
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
    r"(?P<begin><!-- output: (?P<command>(?:trustworks|make) [^\n]*?) -->\n).*?"
    r"(?P<end><!-- end of output -->)",
    re.DOTALL,
)
PROGRAM = Path(sys.executable).with_name("trustworks")
HTTPS_OFFSET = 8443 - 8080
LAST_LINE = "Ctrl-C stops it"
SECONDS = re.compile(r"\b[0-9]+\.[0-9]+ s\b")
HEAD = """# Commands

Noun, then verb. `--json` prints for programs. A sentence on standard error says what is wrong; the exit code
is 1, and 2 when the input cannot be read. Exit code 70 is a fault of the program: please report it, with what
`TRUSTWORKS_TRACEBACK=1` in the environment adds. This page is made from the help texts.
"""


def output_of(command: str) -> str:
    """What `command` (``trustworks ...`` or ``make run``) prints, on a terminal of 80 columns."""
    if command == "make run":
        return lab_output()
    result = CliRunner().invoke(app, shlex.split(command)[1:], prog_name="trustworks", env={"COLUMNS": "80"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return "\n".join(line.rstrip() for line in result.output.strip("\n").splitlines())


def lab_output() -> str:
    """What a new lab prints until it is up. Its ports are free ones, told as those of `make run`."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [str(PROGRAM), "lab", "--dir", "./lab", "--listen", f"127.0.0.1:{port}"]
        Path(folder, "README.md").touch()
        log = Path(folder, "log")
        elsewhere = {**os.environ, "PATH": os.defpath}  # as in a shell where .venv is not activated
        with (
            log.open("wb") as file,
            subprocess.Popen(command, cwd=folder, env=elsewhere, stdout=file, stderr=file) as lab,
        ):
            deadline = time.monotonic() + 90
            while LAST_LINE not in log.read_text(encoding="utf-8"):
                if lab.poll() is not None or time.monotonic() > deadline:
                    lab.terminate()
                    raise SystemExit(f"The lab did not come up:\n{log.read_text(encoding='utf-8')}")
                time.sleep(0.1)
            text = log.read_text(encoding="utf-8")
            lab.send_signal(signal.SIGINT)
            lab.wait(timeout=60)
    for told, here in (("8080", port), ("8443", port + HTTPS_OFFSET), (".venv/bin/trustworks", PROGRAM)):
        text = text.replace(str(here), told)
    return text.strip("\n")


def free_port() -> int:
    """A port that is free, and whose companion for HTTPS is free as well."""
    while True:
        with socket.socket() as plain, socket.socket() as tls:
            plain.bind(("127.0.0.1", 0))
            port: int = plain.getsockname()[1]
            try:
                tls.bind(("127.0.0.1", port + HTTPS_OFFSET))
            except (OSError, OverflowError):
                continue
            return port


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
        if SECONDS.sub("... s", present) == SECONDS.sub("... s", wanted):
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
