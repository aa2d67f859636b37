"""`trustworks validate` for a folder."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer

from trustworks.core.errors import Malformed, TrustworksError
from trustworks.validation.cli.exits import Exit, exit_code, worst

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.formats.data import Data
    from trustworks.validation.service import Validator


def unreadable(error: TrustworksError) -> dict[str, Any]:
    """What JSON says of a file that cannot be read: the same shape, without any signature."""
    return {"error": str(error), "signatures": [], "timestamps": [], "evidence_records": []}


def validate_folder(validator: Validator, folder: Path, detached: Sequence[Data], *, as_json: bool) -> Exit:
    """Validates all files of a folder, a line for each; a bar shows how far it is, where a person looks."""
    from rich.console import Console  # noqa: PLC0415 - costs 100 ms, needed for folders alone
    from rich.progress import Progress  # noqa: PLC0415

    files = sorted(one for one in folder.rglob("*") if one.is_file())
    codes = []
    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        for file in progress.track(files, description="Validating"):
            name = str(file.relative_to(folder))
            try:
                report = validator.validate(file, detached=detached, pool=True)
            except Malformed as error:
                codes.append(Exit.UNREADABLE)
                said = {"file": name} | unreadable(error)
                line = f"{name}: not readable: {error}"
            else:
                codes.append(exit_code(report))
                said = {"file": name} | report.plain()
                line = f"{name}: {report.line()}"
            typer.echo(json.dumps(said) if as_json else line)
    return worst(codes)
