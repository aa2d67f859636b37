"""What these commands need of the application's wiring, and how they print."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import typer

from trustworks.core.printable import printable
from trustworks.core.roles.performing import Officers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from trustworks.assurance.service import Register
    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database


class AssuranceWiring(Officers, Protocol):
    """What the commands of assurance need of the application's wiring."""

    def open_database(self) -> AbstractContextManager[Database]:
        """The database."""

    def open_recorder(self, stream: str, *, database: Database) -> AbstractContextManager[Recorder]:
        """The audit log, written by this process."""


@contextmanager
def open_register(context: typer.Context, by: str) -> Iterator[Register]:
    """The register, to write in it."""
    from trustworks.assurance.service import Register  # noqa: PLC0415 - loads the records

    wiring: AssuranceWiring = context.obj
    with (
        wiring.open_database() as database,
        wiring.open_recorder("assurance", database=database) as recorder,
    ):
        yield Register(recorder, by=by)


def today() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def show(
    found: Any, line: Callable[[Any], str], *, as_json: bool, values: Callable[[Any], Any], none: str
) -> None:
    """Print things one by one, or as a JSON array; `none` is said where there are none."""
    if as_json:
        typer.echo(json.dumps([values(one) for one in found], ensure_ascii=False))
        return
    for one in found:
        typer.echo(printable(line(one)))
    if not found:
        typer.echo(none)
