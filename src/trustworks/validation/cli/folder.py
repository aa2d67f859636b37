"""`trustworks validate` for a folder."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import typer

from trustworks.core.errors import Malformed
from trustworks.core.printable import printable
from trustworks.formats.uncovered import UNCOVERED
from trustworks.validation.cli.exits import Exit, exit_code, worst

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.formats.data import Data
    from trustworks.validation.service import Report, Validator


_WORDS: Final[dict[Exit | None, str]] = {
    Exit.PASSED: "passed",
    Exit.FAILED: "failed",
    Exit.INDETERMINATE: "indeterminate",
    Exit.UNREADABLE: "without a signature or not readable",
    Exit.FAULT: "not judged by a fault of the program",
    None: "not signed, the data of others",
}

_ENDINGS: Final = frozenset(
    {
        *(".p7s", ".p7m", ".p7", ".sig", ".sgn", ".cades"),
        *(".xml", ".xsig", ".xades", ".json", ".jws", ".jades"),
        *(".tst", ".tsr", ".ers", ".er"),
    }
)
"""Of files that may be signatures, time-stamps or evidence records over data beside them."""


def unreadable(error: Exception, told: str | None = None) -> dict[str, Any]:
    """What JSON says of a file that cannot be read: the same shape, without any signature."""
    return {"error": told or str(error), "signatures": [], "timestamps": [], "evidence_records": []}


def validate_folder(validator: Validator, folder: Path, detached: Sequence[Data], *, as_json: bool) -> Exit:
    """Validates all files of a folder, a line for each; a bar shows how far it is, where a person looks.

    Data that a file signs and does not hold is looked for beside it, by its name: ``contract.txt`` of
    ``contract.txt.p7s``. No file ends the run, whatever is wrong with it. Standard error says at the end how
    many came to what.
    """
    from rich.console import Console  # noqa: PLC0415 - costs 100 ms, needed for folders alone
    from rich.progress import Progress  # noqa: PLC0415

    files = sorted(one for one in folder.rglob("*") if one.is_file())
    beside = _beside(files)
    signing = {data: file.name for file, data in beside.items()}
    counted: Counter[Exit | None] = Counter()
    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        for file in progress.track(files, description="Validating"):
            name = str(file.relative_to(folder))
            code: Exit | None
            try:
                report, taken = _validated(validator, file, beside.get(file), detached)
            except Malformed as error:
                code = Exit.UNREADABLE
                said = {"file": name, "data": []} | unreadable(error)
                line = f"{name}: not readable: {error}"
            except Exception as error:  # noqa: BLE001 - the other files are judged all the same
                code = Exit.FAULT
                told = f"This is a fault of the program, which did not expect it ({type(error).__name__})."
                said = {"file": name, "data": []} | unreadable(error, told)
                line = f"{name}: not judged: {told} Please report it."
            else:
                code = exit_code(report)
                said = {"file": name, "data": [taken.name] if taken else []} | report.plain()
                line = f"{name}: {report.line()}{_of_data(beside.get(file), taken)}"
            if code is Exit.UNREADABLE and file in signing:
                code = None
                said["data_of"] = signing[file]
                line = f"{name}: not signed itself; by its name it is the data of {signing[file]}"
            counted[code] += 1
            typer.echo(json.dumps(said) if as_json else printable(line))
    said_of = ", ".join(f"{counted[one]} {words}" for one, words in _WORDS.items() if counted[one])
    typer.echo(f"{len(files)} files: {said_of or 'nothing to validate'}.", err=True)
    return worst(one for one in counted if one is not None)


def _beside(files: Sequence[Path]) -> dict[Path, Path]:
    """For files that are called as others are with one more ending: the others."""
    known = frozenset(files)
    return {
        one: one.with_suffix("")
        for one in files
        if one.suffix.lower() in _ENDINGS and one.with_suffix("") in known
    }


def _validated(
    validator: Validator, file: Path, beside: Path | None, detached: Sequence[Data]
) -> tuple[Report, Path | None]:
    """The verdict, and the data beside the file if something in the file is over it.

    A name is a guess: data that nothing is over is left out, and is no objection to the file.
    """
    if beside is not None:
        report = validator.validate(file, detached=[beside])
        if not any(one.code == UNCOVERED for one in report.evidence.findings):
            if detached:
                report = validator.validate(file, detached=[beside, *detached], pool=True)
            return report, beside
    return validator.validate(file, detached=detached, pool=True), None


def _of_data(beside: Path | None, taken: Path | None) -> str:
    if beside is None:
        return ""
    return f" (over {beside.name})" if taken else f" (not over {beside.name})"
