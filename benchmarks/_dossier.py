"""What the dossier of a laboratory costs: made with the laboratory's keys, and verified."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import _figures  # type: ignore[import-not-found] # the scripts beside this one

LIMIT = 20.0  # seconds


def measure(rounds: int) -> None:
    """Print the processor time of the command, from its start to its end, and of the verification."""
    print("dossier: that of a laboratory, which is not served")
    made, verified = [], []
    with tempfile.TemporaryDirectory() as name:
        lab = Path(name) / "lab"
        _run("lab", "--dir", str(lab), "--setup-only")
        out = Path(name) / "dossier"
        for _ in range(rounds):
            shutil.rmtree(out, ignore_errors=True)
            made.append(_run("assurance", "dossier", "--dir", str(lab), "--out", str(out)))
            anchor = str(lab / "trust" / "root.pem")
            verified.append(_run("dossier", "verify", str(out), "--trust", anchor))
        size = sum(one.stat().st_size for one in out.rglob("*") if one.is_file())
        print(f"  {sum(one.is_file() for one in out.rglob('*'))} files of {size >> 10} KiB")
    _figures.told("make the dossier of a laboratory", made, LIMIT, "s")
    _figures.told("verify it, seals and time-stamps among it", verified, LIMIT, "s")


def _run(*arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "trustworks", *arguments], check=True, capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
