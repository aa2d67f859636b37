"""EU DSS judges signed files: the same file, trust anchors, detached data and time; what it says."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

ROOT = Path(__file__).resolve().parents[2]
JARS = ROOT / ".venv" / "dss" / "jars"
SOURCE = ROOT / "tests" / "interop" / "dss" / "Judge.java"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A signed file, and with what it is judged; `at` None is now."""

    file: Path
    anchors: tuple[Path, ...] = ()
    detached: tuple[Path, ...] = ()
    at: datetime | None = None


def answers(cases: Sequence[Case], folder: Path) -> list[dict[str, Any]]:
    """What EU DSS says to each case, offline (Judge.java tells what an answer holds).

    Skips without it, but fails where all judges are meant to be there: in continuous integration.
    """
    java, javac = shutil.which("java"), shutil.which("javac")
    if java is None or javac is None or not JARS.is_dir():
        without = pytest.fail if "CI" in os.environ else pytest.skip
        without("NOT TESTED, because EU DSS is not there: tools/setup tests gets it by java and mvn")
    asked = folder / "cases.tsv"
    asked.write_text("".join(f"{_line(case)}\n" for case in cases), encoding="utf-8")
    said = subprocess.run(
        [java, "-Xmx3g", "-cp", f"{_compiled(javac)}:{JARS}/*", "Judge", str(asked)],
        capture_output=True,
        check=True,
        timeout=900,
    ).stdout.decode("utf-8")
    found = [json.loads(line) for line in said.splitlines() if line.startswith('{"file":')]
    assert [one["file"] for one in found] == [str(case.file) for case in cases]
    return found


def _compiled(javac: str) -> Path:
    """The folder of the compiled judge, which is compiled once for each version of its source."""
    compiled = JARS.parent / f"judge-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}"
    if not compiled.is_dir():
        with tempfile.TemporaryDirectory(dir=JARS.parent) as new:
            subprocess.run(
                [javac, "-cp", f"{JARS}/*", "-d", f"{new}/made", str(SOURCE)], check=True, timeout=120
            )
            with contextlib.suppress(OSError):  # another process was quicker
                Path(new, "made").rename(compiled)
    return compiled


def _line(case: Case) -> str:
    at = "" if case.at is None else f"{case.at:%Y-%m-%dT%H:%M:%SZ}"
    return "\t".join(
        [str(case.file), "|".join(map(str, case.anchors)), "|".join(map(str, case.detached)), at]
    )
