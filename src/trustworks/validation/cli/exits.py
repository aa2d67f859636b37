"""The exit codes of `trustworks validate`, which are verdicts; what is none has a code of its own."""

from __future__ import annotations

from enum import IntEnum
from typing import IO, TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from trustworks.core.errors import Malformed, TrustworksError
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.validation.service import Report


class Exit(IntEnum):
    """What the exit code says; of several signatures and files the worst."""

    PASSED = 0
    FAILED = 1
    INDETERMINATE = 2
    UNREADABLE = 3
    """No signature, or no signed file that could be read."""
    DIFFERENT = 4
    """What was kept was judged again, and the verdict is another."""
    USAGE = 64
    """The command cannot be carried out as it is given (EX_USAGE of sysexits.h): no verdict."""
    UNAVAILABLE = 69
    """Something that it needs cannot be had now (EX_UNAVAILABLE): no verdict."""
    FAULT = 70
    """Of a folder: a fault of the program about one file (EX_SOFTWARE), while the others were judged."""


_WORST_FIRST: Final = (Exit.FAULT, Exit.FAILED, Exit.INDETERMINATE, Exit.UNREADABLE, Exit.PASSED)
"""A file that is not signed, among others in a folder, hides no verdict."""


class _Problem(typer.BadParameter):
    """Why there is no verdict: never with an exit code that one has."""

    def __init__(self, message: str, exit_code: Exit) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def format_message(self) -> str:
        return self.message

    def show(self, file: IO[Any] | None = None) -> None:
        typer.secho(f"Error: {printable(self.message)}", file=file, err=file is None, fg="red")


class VerdictCommand(TyperCommand):
    """The command, whose exit codes are verdicts: 1 and 2 stay free of errors."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """As the command line is read."""
        try:
            return super().make_context(info_name, args, parent=parent, **extra)
        except TyperException as error:
            if hasattr(error, "exit_code"):  # an option or argument that is wrong; not the end after `--help`
                error.exit_code = Exit.USAGE
            raise

    def invoke(self, ctx: Any) -> Any:
        """Carries out the command."""
        try:
            return super().invoke(ctx)
        except TrustworksError as error:
            code = Exit.USAGE if isinstance(error, Malformed) else Exit.UNAVAILABLE
            raise _Problem(str(error), code) from None


def exit_code(report: Report) -> Exit:
    """The exit code for one file: of its signatures, or of its time-stamps where it has none."""
    return worst(Exit[one.name] for one in report.results())


def worst(codes: Iterable[Exit]) -> Exit:
    """The worst of several; with none there was nothing to validate."""
    found = set(codes)
    return next((one for one in _WORST_FIRST if one in found), Exit.UNREADABLE)
