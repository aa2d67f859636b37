"""Who acts: the options by which a command knows its operator, and the key that they name."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Final, Protocol, TypeVar

import typer

from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from trustworks.app.configuration.config import Config
    from trustworks.core.audit import JSON
    from trustworks.core.roles.approving import Outcome
    from trustworks.core.roles.jws import Signer
    from trustworks.core.roles.model import Act, Actor, Approved, Hold, Operator, Person
    from trustworks.core.roles.service import Roles
    from trustworks.core.store import Database
    from trustworks.core.time import Clock

T = TypeVar("T")

As = Annotated[str, typer.Option("--as", help="The operator who acts.", metavar="NAME")]
KeyOf = Annotated[
    str,
    typer.Option(
        "--key",
        help="The operator's private key: a PEM file, or the pkcs11: URI of a key on a token. Passphrase or "
        "PIN are asked for, or read as a line of standard input.",
        metavar="FILE|URI",
    ),
]


NOBODY: Final = (
    "Nobody was authenticated: this laboratory has no operators. trustworks roles bootstrap names the first."
)


NOBODY_ALONE: Final = (
    "Nobody was authenticated: this was said to belong to no provider (--without-configuration), so there "
    "are no operators, and whoever has the token's PIN may do this."
)


NO_CONFIGURATION: Final = (
    "No configuration is found here, so it is not known whose operators would have to be asked. Name it by "
    "--config FILE before the command, or go to its folder. For a token that belongs to no provider add "
    "--without-configuration."
)


NOT_BEFORE_ANY: Final = (
    "No operators are enrolled here, and nothing is changed by a command before there are any: the account "
    "that owns the installation names the first by trustworks roles bootstrap. "
)


_remarks: Final[dict[str, None]] = {}  # what is told when the command has ended, each once


def forget_remarks() -> None:
    """Begin a command: nothing is to be told of one before."""
    _remarks.clear()


def tell_remarks() -> None:
    """End a command: tell on standard error what is to be told after what it printed."""
    for one in _remarks:
        typer.secho(one, err=True, fg="yellow")
    _remarks.clear()


class RolesWiring(Protocol):
    """What these commands need of the application's wiring."""

    @property
    def lab(self) -> bool:
        """Whether this is a laboratory."""

    @property
    def base(self) -> Path:
        """The folder of the configuration file."""

    @property
    def config(self) -> Config:
        """The configuration."""

    @property
    def given(self) -> Path | None:
        """The configuration file that the command line named, if any."""

    @property
    def without_configuration(self) -> bool | None:
        """Whether it was said that there is none; None where the command could not say so."""

    def open_clock(self) -> Clock:
        """The clock."""

    def open_database(self, *, check: bool = True) -> AbstractContextManager[Database]:
        """The database; with `check`, only when its schema is this program's."""

    def open_roles(self) -> AbstractContextManager[Roles]:
        """The service of trusted roles."""


def ask(question: str) -> str:
    """A secret from the person at the terminal, unseen; or the next line, where a program writes it."""
    if sys.stdin.isatty():
        found: str = typer.prompt(question, hide_input=True, err=True)
        return found
    return sys.stdin.readline().rstrip("\r\n")


@contextmanager
def signer_of(wiring: RolesWiring, key: str) -> Iterator[Signer]:
    """The key that `--key` names."""
    from trustworks.core.roles.signers import open_signer  # noqa: PLC0415 - loads the libraries of signatures

    with open_signer(key, ask=ask, lab=wiring.lab) as signer:
        yield signer


def look(wiring: RolesWiring, read: Callable[[Connection, datetime], T]) -> T:
    """What `read` finds in the database now; who only looks writes nothing into the log."""
    from trustworks.core.time import any_time  # noqa: PLC0415 - as above

    with wiring.open_database() as database, database.read() as connection:
        return read(connection, any_time(wiring.open_clock()).utc)


def records_list(connection: Connection) -> list[Operator]:
    """All operators."""
    from trustworks.core.roles import records  # noqa: PLC0415 - loads SQLAlchemy

    return records.list_operators(connection)


def records_of(connection: Connection, name: str) -> Operator:
    """The operator with that name. Raises `Rejected` (roles.operator)."""
    found = next((one for one in records_list(connection) if one.name == name), None)
    if found is None:
        raise Rejected("roles.operator", f"There is no operator {name}: trustworks roles operator list.")
    return found


@contextmanager
def acting(wiring: RolesWiring, name: str, key: str, act: Act) -> Iterator[tuple[Roles, Actor]]:
    """The service, and the operator `name` who was authenticated by `key` and may do `act`."""
    with signer_of(wiring, key) as signer, wiring.open_roles() as roles:
        yield roles, roles.acting(name, signer, act)


def officer(
    wiring: RolesWiring, act: Act, name: str | None, key: str | None, *, concerned: Iterable[Person] = ()
) -> str | None:
    """Who does `act`: the operator `name`, authenticated by `key`; None where nobody needs to be named.

    Nobody needs to in a laboratory without operators whose [roles] do not require them, which is told once
    when the command has ended. Raises `Refused`
    (CENTS419261:IA1.1, SA1.1, EN319411-1:REG-6.2.2-26, ...), `Malformed` for one option without the other.
    """
    if name is None and key is None:
        if not are_needed(wiring):
            _remarks[NOBODY_ALONE if wiring.without_configuration else NOBODY] = None
            return None
        first = NOT_BEFORE_ANY if is_nobody_enrolled(wiring) else ""
        raise Refused(
            "CENTS419261:IA1.1",
            f"{first}For {act.value} an operator must be known here: add --as NAME --key FILE.",
        )
    if name is None or key is None:
        raise Malformed("--as and --key go together: who acts, and the key that shows it.")
    with acting(wiring, name, key, act) as (roles, actor):
        roles.check_not_subject(actor.name, act, concerned)
        return actor.name


def are_needed(wiring: RolesWiring) -> bool:
    """Whether acts need an operator here.

    Where the command line names no configuration and none is found, there is no provider whose operators
    could be asked for: what is done to a token there must be said to belong to none. Raises `Refused`
    (CENTS419261:IA1.1) where that was not said, and `Malformed` for a configuration that is wrong, or is
    there though it was said that there is none. A database without tables knows no operators yet.
    """
    from trustworks.core.roles import standing  # noqa: PLC0415 - loads SQLAlchemy
    from trustworks.core.roles.rules import founding  # noqa: PLC0415 - as above

    try:
        settings = wiring.config.roles
    except Malformed:
        if wiring.given is not None or wiring.without_configuration is None or _is_found():
            raise
        if wiring.without_configuration:
            return False
        raise Refused("CENTS419261:IA1.1", NO_CONFIGURATION) from None
    if wiring.without_configuration:
        raise Malformed(
            f"There is a configuration, in {wiring.base}: leave --without-configuration out, and its "
            "operators are asked for."
        )
    with wiring.open_database(check=False) as database:
        if database.version() is None:
            return founding.are_needed(lab=wiring.lab, required=settings.required, enrolled=False)
        database.check_schema()
        with database.read() as connection:
            return standing.needs_operator(connection, settings, lab=wiring.lab)


def _is_found() -> bool:
    """Whether there is a configuration in the default places, right or wrong."""
    from trustworks.app.configuration.config import find  # noqa: PLC0415 - reads the models of every service

    try:
        find(None)
    except Malformed:
        return False
    return True


def is_nobody_enrolled(wiring: RolesWiring) -> bool:
    """Whether the database has no operator, or no tables yet."""
    with wiring.open_database(check=False) as database:
        if database.version() is None:
            return True
        database.check_schema()
        with database.read() as connection:
            return not records_list(connection)


def check_not_subject(wiring: RolesWiring, act: Act, name: str, concerned: Iterable[Person]) -> None:
    """Refuse an act that concerns the operator `name` himself; nothing is known of who is no operator."""
    with wiring.open_roles() as roles:
        roles.check_not_subject(name, act, concerned)


def approved(wiring: RolesWiring, what: str, about: dict[str, JSON], *, by: str) -> Approved:
    """The approvals by which an act that is a record may be done, which no operator does alone.

    `about` says which act it is, and all that matters of it: its SHA-256 is what is approved. What it answers
    is used up in the act's own transaction (`Approved.use`); there is nothing to use where no operators are
    needed. Raises `Refused` (TRUSTWORKS:ROLES-QUORUM) with what is missing.
    """
    from trustworks.core.roles.model import NOT_NEEDED  # noqa: PLC0415 - as the others of this file

    if not are_needed(wiring):
        return NOT_NEEDED
    with wiring.open_roles() as roles:
        return roles.approving.approved(what, about, by=by)


@contextmanager
def held(
    wiring: RolesWiring,
    what: str,
    about: dict[str, JSON],
    *,
    by: str,
    done: Callable[[str], bool],
    completes: bool = False,
) -> Iterator[Hold | None]:
    """The approvals of an act outside the database, held while it is done; None where none are needed.

    `done` answers, by the hold's id, whether something of the act was done. When the act fails, and when an
    earlier process ended in the middle of it, that decides: then they are used up, else they are given back.
    With `completes` this finishes what the earlier process left, by the approvals that it held, as long as
    they would still allow it. Raises as `approved`, and `Rejected` (roles.act-running) while another process
    does the same act, on this machine or on another with this database.
    """
    if not are_needed(wiring):
        yield None
        return
    from trustworks.core.roles.approvals import digest_of  # noqa: PLC0415 - loads SQLAlchemy

    with _turn(wiring, digest_of(about)), wiring.open_roles() as roles:
        hold: Hold | None = None
        for left in roles.approving.open_holds(what, about):
            if completes and hold is None:
                hold = roles.approving.resume(left, about, by=by)
                if hold is not None:
                    continue
            if done(left.hold.hold_id):
                roles.approving.end(left.hold, "used", by=by, why="done by a process that ended")
            else:
                roles.approving.end(left.hold, "returned", by=by, why="a process ended before it was done")
        hold = hold or roles.approving.hold(what, about, by=by)
        try:
            yield hold
        except BaseException as error:
            with suppress(TrustworksError):  # what cannot be seen now is looked at by who tries it again
                outcome: Outcome = "used" if done(hold.hold_id) else "returned"
                roles.approving.end(hold, outcome, by=by, why=f"failed: {type(error).__name__}")
            raise
        roles.approving.end(hold, "used", by=by, why="done")


@contextmanager
def _turn(wiring: RolesWiring, digest: str) -> Iterator[None]:
    """One process at a time does an act, on all machines of one database; one that dies gives its turn back.

    So a hold that is found open in this turn is nobody's who still acts.
    """
    from trustworks.core.store.exclusive import exclusively  # noqa: PLC0415 - loads SQLAlchemy

    with wiring.open_database() as database, exclusively(database, f"act-{digest[:32]}") as taken:
        if not taken:
            raise Rejected(
                "roles.act-running",
                "The same act is being done, here or on another machine; wait until it has ended.",
            )
        yield
