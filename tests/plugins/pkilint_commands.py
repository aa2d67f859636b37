"""pkilint's own commands, run in this process: starting Python and pkilint takes longer than it judges."""

from __future__ import annotations

import importlib
import warnings
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def pkilint(program: str, *words: str | Path) -> tuple[int, str]:
    """How many findings a command (such as ``lint_crl``) has at WARNING or above, and what it printed.

    What it exits with is the number of findings; it prints nothing where there are none. Files come last.
    """
    command = importlib.import_module(f"pkilint.bin.{program}").main
    said = StringIO()
    with warnings.catch_warnings(), redirect_stdout(said), redirect_stderr(said):
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its files to be closed at its end
        found = command(["lint", "-s", "WARNING", *map(str, words)])
    return int(found), said.getvalue().strip()
