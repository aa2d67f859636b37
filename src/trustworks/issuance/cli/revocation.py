"""`trustworks revocation`: requests and reports that wait, and what is decided about them."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed
from trustworks.core.moments import read_moment
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs
from trustworks.issuance.cli.certificate import (  # noqa: TC001 - Typer reads them at run time
    IssuanceWiring,
    Serial,
)
from trustworks.issuance.cli.revoke import holders, reason_named, revoked_in_words
from trustworks.issuance.rules.revocation_requests import KINDS, deadline, is_overdue
from trustworks.issuance.wire import MAX_KEY, read_lost_key, read_serial, read_spki_sha256

if TYPE_CHECKING:
    from trustworks.core.roles.model import Person
    from trustworks.issuance.model import RevocationRequest

revocation = typer.Typer(
    no_args_is_help=True, help="Requests for revocation: record, confirm, delay, refuse, list."
)

Kind = Annotated[str, typer.Option("--requested-by-kind", help=f"One of {', '.join(KINDS)}.")]
Requester = Annotated[str, typer.Option(help="Who asked: a role, an authority, a pseudonym; it is logged.")]
Received = Annotated[
    str | None, typer.Option("--received-at", help="When the request came in (UTC). Default: now.")
]
Identifier = Annotated[str, typer.Argument(help="The request's identifier, see `revocation list`.")]
Why = Annotated[str, typer.Option(help="The reason; it is kept.")]


@revocation.command()
@performs(Act.REVOKE)
def request(
    context: typer.Context,
    serial: Serial,
    *,
    reason: Annotated[str, typer.Option(help="The reason, as of `certificate revoke`.")],
    requester: Requester,
    kind: Kind = "subject",
    received_at: Received = None,
    at: Annotated[str | None, typer.Option(help="The moment to come at which it takes effect (UTC).")] = None,
    confirmed_how: Annotated[
        str | None, typer.Option(help="How the requester was authenticated, if that is done.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="What else was said.")] = None,
    by: By = "revocation-officer",
    as_json: AsJson = False,
) -> None:
    """Record a request for revocation that waits: for its confirmation, or for the moment that it names."""
    given = _reception(
        kind, requester, received_at=received_at, at=at, confirmed_how=confirmed_how, note=note
    )
    _record(context.obj, read_serial(serial), reason, given, by, as_json=as_json)


@revocation.command()
@performs(Act.REVOKE)
def report(
    context: typer.Context,
    *,
    requester: Requester,
    note: Annotated[str, typer.Option(help="What is wrong.")],
    serial: Annotated[str | None, typer.Option(help="The certificate, if the report names one.")] = None,
    reason: Annotated[
        str | None, typer.Option(help="The reason that it gives, as of `certificate revoke`, if it does.")
    ] = None,
    received_at: Received = None,
    by: By = "revocation-officer",
    as_json: AsJson = False,
) -> None:
    """Record a report of a problem with a certificate, such as a key that was found, or a wrong name."""
    number = None if serial is None else read_serial(serial)
    given = _reception("problem-report", requester, received_at=received_at, note=note)
    _record(context.obj, number, reason, given, by, as_json=as_json)


def _reception(
    kind: str,
    requester: str,
    *,
    received_at: str | None,
    at: str | None = None,
    confirmed_how: str | None = None,
    note: str | None = None,
) -> Any:
    from trustworks.issuance.revocation import Reception  # noqa: PLC0415 - loads the service

    return Reception(
        kind=kind,
        requester=requester,
        received_at=None if received_at is None else read_moment(received_at),
        effective_at=None if at is None else read_moment(at),
        confirmed_how=confirmed_how,
        note=note,
    )


def _record(
    wiring: IssuanceWiring, serial: str | None, reason: str | None, given: Any, by: str, *, as_json: bool
) -> None:
    why = None if reason is None else reason_named(reason)
    with wiring.open_issuance() as issuance:
        made = issuance.requests.receive(given, serial, why, by=by)
    if as_json:
        typer.echo(json.dumps(_as_dict(made)))
    else:
        typer.echo(f"Recorded as {made.id}; to be settled before {deadline(made):%Y-%m-%d %H:%M} UTC.")


@revocation.command("key")
@performs(Act.REVOKE)
def lost_key(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="What shows the key (PEM): the private key itself, or a request signed by it with the "
            "commonName that docs/status.md tells; a certificate or a public key show nothing.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    *,
    spki_sha256: Annotated[
        str | None, typer.Option(help="In place of FILE: SHA-256 of its SubjectPublicKeyInfo, hexadecimal.")
    ] = None,
    confirmed_how: Annotated[
        str | None,
        typer.Option(
            help="How it became known that others have the key; needed where the file shows nothing."
        ),
    ] = None,
    invalidity_date: Annotated[
        str | None, typer.Option(help="Since when others have it, if that is known (UTC).")
    ] = None,
    by: By = "revocation-officer",
    as_json: AsJson = False,
) -> None:
    """Block a key that others have, for good, and revoke all its certificates as compromised."""
    if (file is None) == (spki_sha256 is None):
        raise Malformed("Name the key in one way: by a FILE, or by --spki-sha256.")
    lost = (
        read_spki_sha256(spki_sha256 or "")
        if file is None
        else read_lost_key(read_at_most(file, MAX_KEY + 1))
    )
    since = None if invalidity_date is None else read_moment(invalidity_date)
    context.obj.check_not_subject(Act.REVOKE, by, _holders_of_key(context.obj, lost.spki_sha256))
    with context.obj.open_issuance() as issuance:
        done = issuance.lost_keys.block(lost, by=by, note=confirmed_how, invalidity_date=since)
    if as_json:
        told = {"spki_sha256": done.spki_sha256.hex(), "blocked_before": done.before}
        typer.echo(json.dumps({**told, "shown_by": lost.shown_by, "revoked": done.revoked}))
        return
    typer.echo(f"The key {done.spki_sha256.hex()} {'was blocked before' if done.before else 'is blocked'}.")
    for serial in done.revoked:
        typer.echo(f"Revoked {serial} for keyCompromise.")
    if not done.revoked:
        typer.echo("It has no certificate here that was to be revoked.")


def _holders_of_key(wiring: IssuanceWiring, spki_sha256: bytes) -> list[Person]:
    """Whose key it is: whoever has it as a credential, and whom its certificates name."""
    from trustworks.core.roles.model import Person  # noqa: PLC0415 - of types alone elsewhere
    from trustworks.issuance import records  # noqa: PLC0415 - loads SQLAlchemy

    with wiring.open_database() as database, database.read() as connection:
        serials = records.serials_of_key(connection, spki_sha256)
    found = [Person(key_ids=frozenset({spki_sha256.hex()}))]
    return found + [one for serial in serials for one in holders(wiring, serial)]


@revocation.command("list")
def list_requests(
    context: typer.Context,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Those that were decided, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the requests that wait, the oldest first. Exit code 1 if one is overdue.

    OVERDUE: 24 hours passed since it came in (or since the moment that it names), and no reason of the delay
    is recorded.
    """
    from datetime import UTC, datetime  # noqa: PLC0415

    from trustworks.issuance import records  # noqa: PLC0415

    wiring: IssuanceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = records.revocation_requests(connection, state=None if everything else "pending")
    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps([{**_as_dict(one), "overdue": is_overdue(one, now)} for one in found]))
    else:
        for one in found:
            word = "OVERDUE" if is_overdue(one, now) else one.state
            reason = "" if one.reason is None else f" {one.reason.name}"
            about = one.serial or "no certificate named"
            typer.echo(
                f"{one.id}  {word:<8}{one.kind} {printable(one.requester)}  {about}{reason}  "
                f"received {one.received_at:%Y-%m-%d %H:%M}, until {deadline(one):%Y-%m-%d %H:%M} UTC"
            )
    if any(is_overdue(one, now) for one in found):
        raise typer.Exit(1)


def _as_dict(one: RevocationRequest) -> dict[str, Any]:
    def text(moment: Any) -> str | None:
        return None if moment is None else moment.isoformat()

    return {
        "id": one.id,
        "kind": one.kind,
        "requester": one.requester,
        "serial": one.serial,
        "reason": None if one.reason is None else one.reason.name,
        "note": one.note,
        "state": one.state,
        "received_at": text(one.received_at),
        "effective_at": text(one.effective_at),
        "deadline": text(deadline(one)),
        "confirmed_by": one.confirmed_by,
        "confirmed_how": one.confirmed_how,
        "delayed_why": one.delayed_why,
        "decided_at": text(one.decided_at),
        "decided_by": one.decided_by,
        "decided_why": one.decided_why,
    }


@revocation.command()
@performs(Act.REVOKE)
def confirm(
    context: typer.Context,
    identifier: Identifier,
    how: Annotated[
        str, typer.Option("--confirmed-how", help="How the requester was authenticated and found authorised.")
    ],
    reason: Annotated[
        str | None,
        typer.Option(help="The reason, as of `certificate revoke`. Default: that of the request or report."),
    ] = None,
    by: By = "revocation-officer",
    *,
    as_json: AsJson = False,
) -> None:
    """Confirm a request: the certificate is revoked now, or at the moment that the request names."""
    wiring: IssuanceWiring = context.obj
    wiring.check_not_subject(Act.REVOKE, by, _concerned(wiring, identifier))
    with wiring.open_issuance() as issuance:
        why = None if reason is None else reason_named(reason)
        done = issuance.requests.confirm(identifier, by=by, how=how, reason=why)
    if as_json:
        typer.echo(json.dumps({"id": identifier, "revoked": done is not None}))
    elif done is None:
        typer.echo("Confirmed; the services carry it out at the moment that it names.")
    else:
        typer.echo(revoked_in_words(f"the certificate of {identifier}", done))


def _concerned(wiring: IssuanceWiring, identifier: str) -> list[Person]:
    """Whose certificate a request is about: nobody holds a request back that is about his own."""
    from trustworks.issuance import records  # noqa: PLC0415 - loads SQLAlchemy

    with wiring.open_database() as database, database.read() as connection:
        found = records.revocation_request(connection, identifier)
    return [] if found is None or found.serial is None else holders(wiring, found.serial)


@revocation.command()
@performs(Act.REVOKE)
def delay(
    context: typer.Context,
    identifier: Identifier,
    why: Why,
    by: By = "revocation-officer",
) -> None:
    """Record why a request cannot be confirmed within 24 hours; it goes on waiting."""
    wiring: IssuanceWiring = context.obj
    wiring.check_not_subject(Act.REVOKE, by, _concerned(wiring, identifier))
    with wiring.open_issuance() as issuance:
        issuance.requests.delay(identifier, by=by, why=why)
    typer.echo("Recorded.")


@revocation.command()
@performs(Act.REVOKE)
def refuse(
    context: typer.Context,
    identifier: Identifier,
    why: Why,
    by: By = "revocation-officer",
) -> None:
    """Decide that a request or a report leads to no revocation."""
    wiring: IssuanceWiring = context.obj
    wiring.check_not_subject(Act.REVOKE, by, _concerned(wiring, identifier))
    with wiring.open_issuance() as issuance:
        issuance.requests.refuse(identifier, by=by, why=why)
    typer.echo("Refused.")
