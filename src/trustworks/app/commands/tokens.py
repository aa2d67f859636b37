"""Which token a command of `trustworks module` is about, and the log of what is done to it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from trustworks.core.account import account, account_state
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.module import Module, Pkcs11Uri
from trustworks.core.module.agreed import check_key_algorithm
from trustworks.core.roles.performing import Officers, operator_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from trustworks.app.configuration.config import Config
    from trustworks.core.audit import Recorder
    from trustworks.core.module.algorithms import KeyAlgorithm
    from trustworks.core.module.events import OnEvent
    from trustworks.core.roles.model import Approved, Hold
    from trustworks.core.store import Database

CEREMONIES = "root"  # opened when it is named, never because nothing was said


class ModuleWiring(Officers, Protocol):
    """What these commands need of the application's wiring, where a configuration is used."""

    @property
    def given(self) -> Path | None:
        """The configuration file that the command line named, if any."""

    @property
    def config(self) -> Config:
        """The configuration. Raises `Malformed` where there is none."""

    @property
    def base(self) -> Path:
        """The folder from which the configuration's relative paths are meant."""

    @property
    def state_dir(self) -> Path:
        """The folder for what must survive restarts."""

    def open_module(
        self, token: str, *, read_write: bool = False, any_state: bool = False, pin: bytes | None = None
    ) -> AbstractContextManager[Module]:
        """The module, on the token of a security context; `pin` takes the place of the PIN file's."""

    def token_uri(self, name: str) -> Pkcs11Uri:
        """The URI of the token for a security context."""

    def officer_pins(self, token: str) -> tuple[Path, ...]:
        """The files in which the PIN of a token's security officer may lie on this machine."""

    def open_database(self, *, check: bool = True) -> AbstractContextManager[Database]:
        """The database; with `check`, only when its schema is this program's."""

    def open_recorder(self, role: str) -> AbstractContextManager[Recorder]:
        """The audit log, for a stream of its own."""


Token = Annotated[
    str | None,
    typer.Option("--token", "-t", help="A token of the configuration: root, issuing, tsu, services, audit."),
]
Uri = Annotated[
    str | None,
    typer.Option(help="A token by its PKCS#11 URI, with or without a configuration.", metavar="URI"),
]
Library = Annotated[Path | None, typer.Option(help="With --uri: the PKCS#11 library. Default: SoftHSM2.")]
Lab = Annotated[
    bool,
    typer.Option(
        "--lab", help="With --uri: let known and short PINs through, and keys with weak protection."
    ),
]
WeakAlgorithms = Annotated[
    bool, typer.Option("--weak-algorithms", help="With --lab: let algorithms through that are not agreed.")
]
Label = Annotated[str, typer.Option("--label", "-l", help="The key's label.")]


@contextmanager
def opened(
    context: typer.Context,
    *,
    token: str | None,
    uri: str | None,
    library: Path | None,
    lab: bool,
    read_write: bool = False,
    any_state: bool = False,
) -> Iterator[Module]:
    """The one token that the options name."""
    if uri is not None and token is None:
        with Module.open(
            Pkcs11Uri.parse(uri), library=library, lab=lab, read_write=read_write, state=account_state()
        ) as module:
            yield module
    elif token is not None and uri is None:
        if library is not None or lab:
            raise Malformed("--library and --lab go with --uri; with --token the configuration says both.")
        wiring: ModuleWiring = context.obj
        with wiring.open_module(token, read_write=read_write, any_state=any_state) as module:
            yield module
    else:
        raise Malformed("Say which token is meant: --token NAME of the configuration, or --uri pkcs11:...")


def check_agreed(module: Module, algorithm: KeyAlgorithm, *, lab: bool, weak: bool) -> None:
    """Refuse an algorithm that is not agreed on a token by its URI, unless that was said by itself.

    The configuration of a laboratory lets them through by what it is. Raises `Refused` (ECCG-ACM:KEYS), and
    `Malformed` for `weak` without `lab`.
    """
    if weak and not lab:
        raise Malformed(
            "--weak-algorithms goes with --lab: nowhere else are algorithms used that are not agreed."
        )
    if lab and not weak:
        check_key_algorithm(algorithm, module.today(), lab=False)


def names(context: typer.Context, token: str | None, uri: str | None) -> list[str | None]:
    """The tokens to go through: the one that is named, else all of the configuration but the ceremonies'."""
    if token is not None or uri is not None:
        return [token]
    wiring: ModuleWiring = context.obj
    tokens = wiring.config.tokens.model_dump(exclude={"further"}) | wiring.config.tokens.further
    found = [name for name, value in tokens.items() if value is not None and name != CEREMONIES]
    if not found:
        raise Rejected(
            "config.token", "The configuration names no token under [tokens]; name one, or use --uri."
        )
    return list(found)


def approved(context: typer.Context, what: str, about: dict[str, Any]) -> Approved:
    """The approvals by which something may be recorded of a key that no operator does alone."""
    officers: Officers = context.obj
    return officers.approval(what, about, by=operator_of(context) or account())


def held(
    context: typer.Context,
    what: str,
    about: dict[str, Any],
    *,
    done: Callable[[str], bool],
    completes: bool = False,
) -> AbstractContextManager[Hold | None]:
    """The approvals by which something is done to a token that no operator does alone, held meanwhile."""
    officers: Officers = context.obj
    return officers.held(what, about, by=operator_of(context) or account(), done=done, completes=completes)


@contextmanager
def log_of(context: typer.Context, *, alone: bool) -> Iterator[tuple[OnEvent, bool]]:
    """What writes to the configuration's audit log, opened before anything is done; whether there is one.

    A token may stand `alone`, named by its URI or about to be made: then there may be no configuration, or no
    database yet. That what is done comes into no log is said then, on standard error. Where there is a log
    there is the register of keys, too, however the token was named.
    """
    wiring: ModuleWiring | None = context.obj
    if alone and (why := _why_not_logged(wiring)) is not None:
        typer.secho(f"NOT IN ANY LOG: {why} Keep a record of this yourself.", err=True, fg="yellow")
        yield unlogged, False
        return
    from trustworks.app.last_copies import loss_check  # noqa: PLC0415 - as below
    from trustworks.core.keys import registered_events  # noqa: PLC0415 - the others do without the log

    assert wiring is not None  # noqa: S101 - said above
    with wiring.open_recorder("operator") as recorder:
        told = registered_events(recorder, by=operator_of(context), may_go=loss_check(wiring.config))
        yield told, True


def _why_not_logged(wiring: ModuleWiring | None) -> str | None:
    """Why there is no log to write to, as a sentence; None where there is one."""
    if wiring is None:
        return "There is no configuration."
    try:
        _ = wiring.config
    except Malformed as error:
        if wiring.given is not None:
            raise
        return str(error)
    with wiring.open_database(check=False) as database:
        if database.version() is None:
            return f"There are no tables yet in {database.where}."
    return None


def unlogged(kind: str, token: Pkcs11Uri, detail: dict[str, Any]) -> None:
    """Stands for the audit log where there is none."""
