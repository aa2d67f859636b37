"""The room of a ceremony's commands: its options, who is asked there, and what is handed out."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from trustworks.app.acting import signer_of
from trustworks.app.commands.key_custodians import custodian_token
from trustworks.core.errors import Rejected
from trustworks.core.output import write_output
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from trustworks.app.ceremonies.room import Room
    from trustworks.app.configuration.config import Config
    from trustworks.app.wiring import Wiring
    from trustworks.core.audit import Recorder
    from trustworks.core.ceremony.model import Read
    from trustworks.core.ceremony.steps import AnyStep
    from trustworks.core.ceremony.transcript import Transcript
    from trustworks.core.module import Module
    from trustworks.core.module.backup import Backup
    from trustworks.core.roles import Approval
    from trustworks.core.store import Database

Plan = Annotated[Path, typer.Argument(help="The plan's file (TOML).", metavar="PLAN")]
Name = Annotated[str, typer.Argument(help="The ceremony's name, or its plan's digest.", metavar="NAME")]
Out = Annotated[Path | None, typer.Option(help="Write the transcript here, as a new file (JSON).")]


class CeremonyWiring(Protocol):
    """What these commands need of the application's wiring, besides what a `Room` does."""

    @property
    def lab(self) -> bool:
        """Whether this is a laboratory."""

    @property
    def config(self) -> Config:
        """The configuration."""

    def open_database(self, *, check: bool = True) -> AbstractContextManager[Database]:
        """The database."""

    def open_recorder(
        self, role: str, *, database: Database | None = None
    ) -> AbstractContextManager[Recorder]:
        """The audit log."""


@contextmanager
def open_room(wiring: Wiring, by: str, custodians: Sequence[str] = ()) -> Iterator[Room]:
    """The configuration's tokens, records and audit log, open for a ceremony.

    `custodians`: where tokens of custodians are; others are asked for.
    """
    from trustworks.app.ceremonies.room import Room  # noqa: PLC0415 - loads the module

    with (
        wiring.open_database() as database,
        wiring.open_recorder("ceremony", database=database) as recorder,
    ):
        room = Room(
            wiring,
            database=database,
            recorder=recorder,
            clock=wiring.open_clock(),
            by=by,
            confirm=ask,
            custodian=_Custodians(custodians),
        )
        try:
            yield room
        finally:
            room.close()


class _Custodians:
    """The tokens of custodians who are here."""

    def __init__(self, places: Sequence[str]) -> None:
        self._places = places

    @contextmanager
    def __call__(self, name: str, backup: Backup) -> Iterator[Module]:
        place = next((one for one in self._places if _is_of(one, name, backup)), None)
        if place is None:
            place = typer.prompt(f"     {name} opens: the token's folder, or its PKCS#11 URI", err=True)
        with custodian_token(place) as module:
            yield module
        typer.echo(f"     {name} opened.", err=True)


def _is_of(place: str, name: str, backup: Backup) -> bool:
    from trustworks.core.module.transfer import custodian_of  # noqa: PLC0415 - few ceremonies need it

    with custodian_token(place) as module:
        return custodian_of(module, backup) == name


def ask(what: str) -> dict[str, Any]:
    """Ask the people; anything but yes is no."""
    answer = typer.prompt(f"     {what} Type yes or no", err=True)
    if answer.strip().lower() != "yes":
        raise Rejected(
            "ceremony.not-confirmed",
            f"It was not confirmed: {what} Put it right and run the plan again, or abandon the ceremony.",
        )
    return {"confirmed": "yes"}


def signature(wiring: Wiring, read: Read, name: str, key: str, *, what: str, digest: str) -> Approval:
    """The operator's signature about a digest, in the role that the plan gives him, by two factors."""
    from trustworks.core.roles import Role, new_content, sign_approval  # noqa: PLC0415 - loads the libraries
    from trustworks.core.roles.rules.duties import check_factors  # noqa: PLC0415 - as above

    participant = read.plan.participant(name)
    if participant is None:
        raise Rejected("ceremony.signature", f"{name} is no participant of {read.plan.name}.")
    role = Role(participant.role)
    with signer_of(wiring, key) as signer:
        check_factors({role}, signer.factors)
        content = new_content(what=what, sha256=digest, operator=name, role=role, time=now())
        return sign_approval(content, signer)


def now() -> Any:
    """This moment, by the machine's clock."""
    from datetime import UTC, datetime  # noqa: PLC0415 - not every command needs it

    return datetime.now(UTC)


def absent(name: str) -> Rejected:
    """There is no such ceremony."""
    return Rejected(
        "ceremony.absent",
        f"There is no ceremony {name!r}; `trustworks keys ceremony list` shows all.",
    )


def document(found: Transcript) -> str:
    """The transcript as the text of its file."""
    from trustworks.core.ceremony.transcript import as_document  # noqa: PLC0415 - `plan` does without

    return json.dumps(as_document(found), indent=2) + "\n"


def hand_out(found: Transcript, out: Path | None, *, as_json: bool) -> None:
    """Write the transcript where that is wanted, and tell what came of the ceremony."""
    if out is not None:
        write_output(out, [document(found).encode()])
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "name": found.plan.plan.name,
                    "plan": found.plan.digest,
                    "mode": found.mode,
                    "steps": len(found.done),
                    "transcript": None if found.seal is None else found.seal.digest,
                    "out": None if out is None else str(out),
                }
            )
        )
        return
    typer.echo(f"{found.plan.plan.name} ({found.mode}): {found.how_far()}")
    if found.seal is not None:
        typer.echo(f"SHA-256 of the transcript's statement: {found.seal.digest}")
    if out is not None:
        typer.echo(f"The transcript is in {printable(str(out))}.")


def tell(number: int, step: AnyStep) -> None:
    """Say which step begins."""
    typer.echo(f"{number:>3}  {step.phase}: {step.kind} ({', '.join(step.by) or 'nobody'})", err=True)
