"""`trustworks validate` for a folder."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import typer

from trustworks.core.errors import Malformed
from trustworks.validation.cli.exits import Exit, exit_code, worst

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.formats.data import Data
    from trustworks.validation.service import Validator


_WORDS: Final = {
    Exit.PASSED: "passed",
    Exit.FAILED: "failed",
    Exit.INDETERMINATE: "indeterminate",
    Exit.UNREADABLE: "without a signature or not readable",
    Exit.FAULT: "not judged by a fault of the program",
}


def unreadable(error: Exception, told: str | None = None) -> dict[str, Any]:
    """What JSON says of a file that cannot be read: the same shape, without any signature."""
    return {"error": told or str(error), "signatures": [], "timestamps": [], "evidence_records": []}


def validate_folder(validator: Validator, folder: Path, detached: Sequence[Data], *, as_json: bool) -> Exit:
    """Validates all files of a folder, a line for each; a bar shows how far it is, where a person looks.

    No file ends the run, whatever is wrong with it. Standard error says at the end how many came to what.
    """
    from rich.console import Console  # noqa: PLC0415 - costs 100 ms, needed for folders alone
    from rich.progress import Progress  # noqa: PLC0415

    files = sorted(one for one in folder.rglob("*") if one.is_file())
    codes: list[Exit] = []
    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        for file in progress.track(files, description="Validating"):
            name = str(file.relative_to(folder))
            try:
                report = validator.validate(file, detached=detached, pool=True)
            except Malformed as error:
                codes.append(Exit.UNREADABLE)
                said = {"file": name} | unreadable(error)
                line = f"{name}: not readable: {error}"
            except Exception as error:  # noqa: BLE001 - the other files are judged all the same
                codes.append(Exit.FAULT)
                told = f"This is a fault of the program, which did not expect it ({type(error).__name__})."
                said = {"file": name} | unreadable(error, told)
                line = f"{name}: not judged: {told} Please report it."
            else:
                codes.append(exit_code(report))
                said = {"file": name} | report.plain()
                line = f"{name}: {report.line()}"
            typer.echo(json.dumps(said) if as_json else line)
    counted = Counter(codes)
    said_of = ", ".join(f"{counted[one]} {words}" for one, words in _WORDS.items() if counted[one])
    typer.echo(f"{len(files)} files: {said_of or 'nothing to validate'}.", err=True)
    return worst(codes)
