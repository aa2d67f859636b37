"""What these commands need of the application's wiring, and how they print."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, TypeAlias

import typer

from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.moments import read_moment
from trustworks.core.printable import printable
from trustworks.core.roles.model import NAME
from trustworks.core.roles.performing import Officers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from trustworks.assurance.service import Register
    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database


ReviewedUntil: TypeAlias = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Until when it has to be reviewed.")
]
NamesPersons: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--names-persons/--names-nobody",
        help="Whether it names persons: a dossier with pseudonyms withholds it then. Default: its kind, "
        "and what is found in it.",
    ),
]
_SKEW: Final = timedelta(hours=1)  # between the clock of whoever downloads and this one


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


def pseudonym(name: str) -> str:
    """The pseudonym of a person. Raises `Malformed` for what is none."""
    if not NAME.fullmatch(name):
        raise Malformed(
            f"{name!a:.80} is no pseudonym: the log keeps it for good. Use up to 64 lower-case letters, "
            "digits and . _ -."
        )
    return name


def all_of(*looks: Callable[[], Any]) -> list[Any]:
    """What each look at what was typed answers. Raises `Malformed` with the sentences of all that object."""
    found, wrong = [], []
    for look in looks:
        try:
            found.append(look())
        except Malformed as error:
            wrong.append(str(error))
    if wrong:
        raise Malformed(" ".join(wrong))
    return found


def retrieval(file: Path, said: str | None) -> datetime:
    """When a file was downloaded: as it was said, else its own time, and that is told on standard error.

    Verdicts that stand on it grow old from that day on. Raises `Malformed` for a day that has not come, and
    `Unavailable` (assurance.unreadable).
    """
    now = today()
    if said is not None:
        moment, why = read_moment(said), "Say on which day it was downloaded"
    else:
        try:
            moment = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        except OSError as error:
            raise Unavailable("assurance.unreadable", f"{file} cannot be read: {error.strerror}.") from error
        why = "Its own time is wrong: say by --retrieved when it was downloaded"
    if moment > now + _SKEW:
        raise Malformed(
            f"{file.name} cannot have been downloaded on {moment:%Y-%m-%d}, which has not come. {why}."
        )
    if said is None:
        typer.secho(
            printable(
                f"{file.name}: taken as downloaded on {moment:%Y-%m-%d}, the file's own time, as "
                "--retrieved was not given. A copy can have another time: say the day, as it grows old."
            ),
            err=True,
            fg="yellow",
        )
    return moment


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
