"""Which report `trustworks validate` makes, and where it goes: to the terminal, a file, all into a folder."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import typer

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.output import check_output, write_output
from trustworks.core.printable import printable
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from trustworks.validation.service import Replay, Report


class Kind(StrEnum):
    """A kind of report, by the name of its option."""

    TEXT = "text"
    JSON = "json"
    ETSI = "etsi"
    EXPLAIN = "explain"
    HTML = "html"
    PDF = "pdf"


_NAMES: Final = {
    Kind.TEXT: "report.txt",
    Kind.EXPLAIN: "explanation.txt",
    Kind.JSON: "report.json",
    Kind.ETSI: "report.xml",
    Kind.HTML: "report.html",
    Kind.PDF: "report.pdf",
}
"""What the files of `--report` are called."""


def chosen(asked: Mapping[Kind, bool], *, sealed: bool = False) -> Kind:
    """The kind that was asked for, text where none was; one alone is `sealed`.

    Raises `Malformed` for several, and where another is to be sealed.
    """
    found = [kind for kind, wanted in asked.items() if wanted]
    if len(found) > 1:
        options = " and ".join(f"--{kind}" for kind in found)
        raise Malformed(f"{options} are kinds of report: ask for one, or for all of them by --report FOLDER.")
    if sealed and found != [Kind.ETSI]:
        raise Malformed("--sealed goes with --etsi, whose report it seals.")
    return found[0] if found else Kind.TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a verdict is to be told: the kind, and the file that it goes to.

    `folder` gets a report of every kind, `extract` what is signed.
    """

    kind: Kind
    output: Path | None = None
    folder: Path | None = None
    extract: Path | None = None

    def check(self) -> None:
        """Refuse what could not be written in the end, before anything is validated. Raises `Malformed`."""
        if self.kind is Kind.PDF and self.output is None and sys.stdout.isatty():
            raise Malformed("A PDF is nothing for a terminal: add --output FILE, or send it on to a file.")
        try:
            if self.output is not None:
                check_output(self.output)
            if self.extract is not None:
                from trustworks.validation.report.extraction import check_folder  # noqa: PLC0415 - seldom needed

                check_folder(self.extract)
            if self.folder is not None:
                self.folder.mkdir(parents=True, exist_ok=True)
                for name in _NAMES.values():
                    check_output(self.folder / name)
        except Rejected as error:
            raise Malformed(str(error)) from None
        except OSError as error:
            raise Malformed(f"{printable(str(self.folder))} cannot be a folder: {error.strerror}.") from None


def told(report: Report, form: Form, replayed: Replay | None = None, *, etsi: bytes | None = None) -> None:
    """Write and print what was asked for. Raises `Rejected` where a file cannot be written.

    `replayed`: it is the report of a verdict made again. By whose word is told beside it, where not in it.
    `etsi` is the report of TS 119 102-2 where it was made, and sealed, before.
    """
    if replayed is not None and (form.kind is not Kind.TEXT or form.output is not None):
        typer.echo(replayed.origin.text(), err=True)
    if form.folder is not None:
        for kind, name in _NAMES.items():
            if kind is not Kind.ETSI or _can_be_etsi(report):
                made = etsi if etsi is not None and kind is Kind.ETSI else content(report, kind, replayed)
                write_output(form.folder / name, [made])
    if form.extract is not None:
        number = report.extract(form.extract)
        typer.echo(f"Extracted: {number} files, told in manifest.json.", err=True)
    if form.kind is Kind.ETSI and not _can_be_etsi(report):
        typer.echo(
            "--etsi reports about signatures and time-stamps, and the file has none; ask without it.",
            err=True,
        )
        return
    made = etsi if etsi is not None and form.kind is Kind.ETSI else content(report, form.kind, replayed)
    if form.output is not None:
        write_output(form.output, [made])
    elif form.kind is Kind.PDF:
        typer.echo(made, nl=False)
    else:
        typer.echo(made.decode())


def _can_be_etsi(report: Report) -> bool:
    from trustworks.validation.report.etsi.document import reportable  # noqa: PLC0415 - loads what writes XML

    return reportable(report)


def content(report: Report, kind: Kind, replayed: Replay | None = None) -> bytes:
    """The report in octets, text in UTF-8; in text and JSON with what a verdict made again goes by."""
    match kind:
        case Kind.JSON:
            origin = {} if replayed is None else {"replay": _replay(replayed)}
            return json.dumps(report.plain() | origin).encode()
        case Kind.ETSI:
            return report.etsi()
        case Kind.EXPLAIN:
            return report.explained().encode()
        case Kind.HTML:
            return report.html()
        case Kind.PDF:
            return report.pdf()
        case Kind.TEXT:
            lines = [report.text(), *([] if replayed is None else [replayed.origin.text()])]
            return "\n".join(lines).encode()


def _replay(replayed: Replay) -> dict[str, Any]:
    return {
        "same": replayed.same,
        "kept_by": replayed.kept_by,
        "judged_by": replayed.judged_by,
        **replayed.origin.plain(),
    }
