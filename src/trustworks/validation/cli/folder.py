"""`trustworks validate` for a folder."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Final

import typer

from trustworks.core.printable import printable
from trustworks.validation.cli.exits import Exit, worst
from trustworks.validation.cli.judging import One, judge, judge_in_processes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.formats.data import Data
    from trustworks.validation.cli.judging import Means
    from trustworks.validation.service import Validator


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


def validate_folder(
    validator: Validator,
    folder: Path,
    detached: Sequence[Data],
    *,
    as_json: bool,
    means: Means | None = None,
    jobs: int = 1,
) -> Exit:
    """Validates all files of a folder, a line for each; a bar shows how far it is, where a person looks.

    Data that a file signs and does not hold is looked for beside it, by its name: ``contract.txt`` of
    ``contract.txt.p7s``. No file ends the run, whatever is wrong with it. Standard error says at the end how
    many came to what. With `means` that many processes judge at once; lines stay in the order of names.
    """
    from rich.console import Console  # noqa: PLC0415 - costs 100 ms, needed for folders alone
    from rich.progress import Progress  # noqa: PLC0415

    files = sorted(one for one in folder.rglob("*") if one.is_file())
    beside = _beside(files)
    signing = {data: file.name for file, data in beside.items()}
    each = [One(name=str(file.relative_to(folder)), file=file, beside=beside.get(file)) for file in files]
    if means is not None and jobs > 1 and len(each) > 1:
        answers = judge_in_processes(each, means, min(jobs, len(each)))
    else:
        answers = (judge(validator, one, detached) for one in each)
    counted: Counter[Exit | None] = Counter()
    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        pairs = zip(each, answers, strict=True)
        for one, told in progress.track(pairs, total=len(each), description="Validating"):
            code: Exit | None = told.code
            said, line = told.said, told.line
            if code is Exit.UNREADABLE and one.file in signing:
                code = None
                said = {**said, "data_of": signing[one.file]}
                line = f"{one.name}: not signed itself; by its name it is the data of {signing[one.file]}"
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
