"""Keeps what the documentation shows equal to what the product prints.

    python tools/renew_outputs.py --check    exit code 1 and the difference when something is out of date
    python tools/renew_outputs.py --write    bring it up to date

``docs/commands.md`` is made as a whole from the help texts of all commands. In README.md and in the other
pages a region

    <!-- output: trustworks ... -->
    ```console
    ```
    <!-- end of output -->

holds a command that needs no state, and what it prints; or several, with `` && `` between them. The region
``make run`` of README.md holds what the lab prints until it is up, ``trustworks timestamp`` is run beside it,
``trustworks config check`` with the TOML that stands above it. Durations, moments and numbers drawn by chance
are not compared.
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
from contextlib import ExitStack
from functools import cached_property
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
TOML = re.compile(r"```toml\n(.*?)```", re.DOTALL)
VARYING = (
    (re.compile(r"\b[0-9]+\.[0-9]+ s\b"), "... s"),
    (re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"), "(moment)"),
    (re.compile(r"\b[0-9a-f]{12,}\b"), "(number)"),
)
HEAD = """# Commands

Noun, then verb. `--json` prints for programs. A sentence on standard error says what is wrong; the exit code
is 1, and 2 when the input cannot be read. Exit code 70 is a fault of the program: please report it, with what
`TRUSTWORKS_TRACEBACK=1` in the environment adds. This page is made from the help texts.
"""


class Laboratory:
    """A new lab, started when it is first asked for. Its ports are free ones, told as those of `make run`."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._port = 0
        self._folder = Path()

    def close(self) -> None:
        """Stop it, and forget it."""
        self._stack.close()

    @cached_property
    def said(self) -> str:
        """What it printed until it was up."""
        self._port = free_port()
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        command = [str(PROGRAM), "lab", "--dir", "./lab", "--listen", f"127.0.0.1:{self._port}"]
        Path(self._folder, "README.md").touch()
        log = self._folder / "log"
        elsewhere = {**os.environ, "PATH": os.defpath}  # as in a shell where .venv is not activated
        file = self._stack.enter_context(log.open("wb"))
        lab = subprocess.Popen(command, cwd=self._folder, env=elsewhere, stdout=file, stderr=file)
        self._stack.callback(_stop, lab)
        while LAST_LINE not in log.read_text(encoding="utf-8"):
            if lab.poll() is not None:
                raise SystemExit(f"The lab did not come up:\n{log.read_text(encoding='utf-8')}")
            time.sleep(0.1)
        return self._told(log.read_text(encoding="utf-8"))

    def run(self, command: str) -> str:
        """What `command` prints beside the running lab."""
        _ = self.said  # it is up now
        words = shlex.split(command.replace("127.0.0.1:8080", f"127.0.0.1:{self._port}"))
        return self._told(printed(words, self._folder))

    def _told(self, text: str) -> str:
        for told, here in (
            ("8080", self._port),
            ("8443", self._port + HTTPS_OFFSET),
            (".venv/bin/trustworks", PROGRAM),
        ):
            text = text.replace(str(here), told)
        return text.strip("\n")


def _stop(lab: subprocess.Popen[bytes]) -> None:
    lab.send_signal(signal.SIGINT)
    lab.wait()


LAB = Laboratory()


def output_of(command: str, before: str = "") -> str:
    """What `command` (``trustworks ...`` or ``make run``) prints, on a terminal of 80 columns.

    Time-stamps are those of a lab. `config check` is shown with the file that stands `before` it.
    """
    if command == "make run":
        return LAB.said
    if command.startswith("trustworks timestamp ") and not command.endswith("--help"):
        return LAB.run(command)
    if command == "trustworks config check":
        return complaints(TOML.findall(before)[-1])
    result = CliRunner().invoke(app, shlex.split(command)[1:], prog_name="trustworks", env={"COLUMNS": "80"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return "\n".join(line.rstrip() for line in result.output.strip("\n").splitlines())


def complaints(text: str) -> str:
    """What `config check` says of a file with this text, as if it lay in /etc/trustworks."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "trustworks.toml").write_text(text, encoding="utf-8")
        found = printed(["trustworks", "config", "check"], Path(folder))
        return found.replace(str(Path(folder).resolve()), "/etc/trustworks").strip("\n")


def printed(words: list[str], folder: Path) -> str:
    """What the program prints in `folder`, on standard output and error."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TRUSTWORKS_")}
    return subprocess.run(
        [str(PROGRAM), *words[1:]],
        cwd=folder,
        env={**environment, "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    ).stdout


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
    before = found.string[: found.start()]
    shown = [f"$ {command}\n{output_of(command, before)}\n" for command in found["command"].split(" && ")]
    return f"{found['begin']}```console\n{''.join(shown)}```\n{found['end']}"


def steady(text: str) -> str:
    """The text without what is another one each time: durations, moments, numbers drawn by chance."""
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text


def main(arguments: list[str]) -> int:
    """Check or renew all pages."""
    if arguments not in (["--check"], ["--write"]):
        sys.exit(__doc__)
    os.chdir(ROOT)
    try:
        return _renew(write=arguments == ["--write"])
    finally:
        LAB.close()


def _renew(*, write: bool) -> int:
    stale = 0
    for path, wanted in pages():
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if steady(present) == steady(wanted):
            continue
        stale += 1
        if write:
            path.write_text(wanted, encoding="utf-8")
            print(f"renewed {path.relative_to(ROOT)}")
        else:
            name = str(path.relative_to(ROOT))
            difference = difflib.unified_diff(
                present.splitlines(), wanted.splitlines(), name, "what the product prints", lineterm=""
            )
            print("\n".join(difference))
    if stale and not write:
        print(f"\n{stale} page(s) out of date; run: .venv/bin/python tools/renew_outputs.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
