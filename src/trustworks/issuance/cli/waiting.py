"""`trustworks cmp request`: requests that wait for an officer, and the decisions on them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import Officers, performs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.enrolment.secret_key import SecretKey
    from trustworks.issuance.enrolment.waiting import WaitingRoom
    from trustworks.issuance.records.waiting import WaitingRequest

request_app = typer.Typer(
    no_args_is_help=True, help="Requests that wait for an officer: list, approve, refuse."
)


def _of_laboratory(context: typer.Context, folder: Path | None) -> Path | None:
    """Let the command be about the laboratory in a folder: also who acts is asked for there."""
    if folder is not None:
        context.obj = type(context.obj).lazy(folder / "trustworks.toml")
    return folder


Folder = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        help="The folder of a laboratory, in place of --config before the noun.",
        callback=_of_laboratory,
    ),
]
Id = Annotated[str, typer.Argument(metavar="{request}", help="The request's id; see list.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept with the decision.")]


class EnrolmentWiring(Officers, Protocol):
    """What these commands need of the application's wiring."""

    @property
    def lab(self) -> bool:
        """Whether this is a laboratory."""

    @classmethod
    def lazy(cls, given: Path | None) -> EnrolmentWiring:
        """The wiring of another configuration."""

    def open_clock(self) -> Clock:
        """The clock."""

    def open_database(self) -> AbstractContextManager[Database]:
        """The database."""

    def open_recorder(self, role: str, *, database: Database) -> AbstractContextManager[Recorder]:
        """The audit log."""

    def open_enrolment_key(self) -> AbstractContextManager[SecretKey]:
        """The key that secrets are encrypted with."""


@contextmanager
def open_room(wiring: EnrolmentWiring) -> Iterator[WaitingRoom]:
    """The requests that wait, with an audit stream of their own."""
    from trustworks.issuance.enrolment.waiting import WaitingRoom  # noqa: PLC0415

    with (
        wiring.open_database() as database,
        wiring.open_recorder("enrolment", database=database) as recorder,
    ):
        yield WaitingRoom(database=database, recorder=recorder, clock=wiring.open_clock())


@request_app.command("list")
def list_requests(
    context: typer.Context,
    folder: Folder = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most, oldest first.")] = 50,
    *,
    all_states: Annotated[bool, typer.Option("--all", help="Those that were decided on, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the requests that wait for an officer, the oldest first."""
    del folder  # see `_of_laboratory`
    with open_room(context.obj) as room:
        found = room.list(all_states=all_states, limit=limit)
    if as_json:
        typer.echo(json.dumps([as_dict(one) for one in found]))
        return
    for one in found:
        names = ", ".join(one.alternative_names) or "no other names"
        typer.echo(
            f"{one.id}  {one.state:<9}  {one.asked_at:%Y-%m-%d %H:%M}  {one.protocol}  {one.credential}  "
            f"{one.profile}\n    {printable(one.subject)}; {printable(names)}\n    key SHA-256 "
            f"{one.key_sha256}"
        )


def as_dict(found: WaitingRequest) -> dict[str, Any]:
    """A request as JSON values."""
    return {
        "id": found.id,
        "state": found.state,
        "protocol": found.protocol,
        "client": found.client,
        "credential": found.credential,
        "profile": found.profile,
        "subject": found.subject,
        "alternative_names": list(found.alternative_names),
        "key_sha256": found.key_sha256,
        "asked_at": found.asked_at.isoformat(),
        "decided_at": None if found.decided_at is None else found.decided_at.isoformat(),
        "decided_by": found.decided_by,
        "reason": found.decided_why,
        "serial": found.serial,
    }


@request_app.command()
@performs(Act.DECIDE)
def approve(
    context: typer.Context,
    request: Id,
    reason: Why,
    folder: Folder = None,
    by: By = "registration-officer",
    *,
    as_json: AsJson = False,
) -> None:
    """Approve a request: its client gets the certificate when it asks again."""
    del folder
    _decide(context.obj, request, approve=True, by=by, why=reason, as_json=as_json)


@request_app.command()
@performs(Act.DECIDE)
def refuse(
    context: typer.Context,
    request: Id,
    reason: Why,
    folder: Folder = None,
    by: By = "registration-officer",
    *,
    as_json: AsJson = False,
) -> None:
    """Refuse a request: its client is told so, with the reason, when it asks again."""
    del folder
    _decide(context.obj, request, approve=False, by=by, why=reason, as_json=as_json)


def _decide(
    wiring: EnrolmentWiring, request: str, *, approve: bool, by: str, why: str, as_json: bool
) -> None:
    from trustworks.issuance.enrolment.waiting import subjects_of  # noqa: PLC0415 - loads the records

    with open_room(wiring) as room:
        about = room.find(request)
        wiring.check_not_subject(Act.DECIDE, by, subjects_of(about))
        done = room.decide(request, approve=approve, by=by, why=why)
    typer.echo(json.dumps(as_dict(done)) if as_json else f"{done.state.capitalize()} {done.id}.")
