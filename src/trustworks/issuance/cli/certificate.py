"""`trustworks certificate`: show, list, settle, and what its other commands share."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import typer

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import Officers, performs
from trustworks.issuance import records
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.wire import as_stored, read_serial

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trustworks.core.store import Database
    from trustworks.issuance.model import CertificateRecord
    from trustworks.issuance.service import Issuance

app = typer.Typer(no_args_is_help=True, help="Certificates: issue, revoke, show, list.")

Replace = Annotated[
    bool, typer.Option("--replace", help="Replace the file of --out if there is one. Default: refuse.")
]
MAX_AGE: Final = 10 * 366 * 86400
Serial = Annotated[str, typer.Argument(help="The serial number, hexadecimal.")]


class IssuanceWiring(Officers, Protocol):
    """What these commands need of the application's wiring."""

    def open_issuance(self, role: str = "issuance") -> AbstractContextManager[Issuance]:
        """The certification authorities."""

    def open_database(self) -> AbstractContextManager[Database]:
        """The database, for the commands that only look."""


def to_pem(*certificates: bytes) -> str:
    """Certificates in PEM, one after the other."""
    from cryptography import x509  # noqa: PLC0415 - the command line starts without it
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    return "".join(
        x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode("ascii") for der in certificates
    )


def show(
    context: typer.Context,
    serial: Serial,
    *,
    pem: Annotated[bool, typer.Option("--pem", help="Print the certificate in PEM.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is known about a certificate."""
    wiring: IssuanceWiring = context.obj
    number = read_serial(serial)
    with wiring.open_database() as database, database.read() as connection:
        found = records.certificate(connection, number)
    if found is None:
        raise Rejected("issuance.not-issued", f"No certificate has the serial number {number}.")
    if pem:
        if found.der is None:
            raise Rejected("issuance.not-issued", f"The certificate {number} is {found.state}, not issued.")
        typer.echo(to_pem(found.der), nl=False)
    elif as_json:
        typer.echo(json.dumps(as_dict(found)))
    else:
        typer.echo(
            "\n".join(f"{name:<14}{value}" for name, value in as_dict(found).items() if value is not None)
        )


def as_dict(found: CertificateRecord) -> dict[str, Any]:
    """A certificate's record as JSON values."""
    revocation = found.revocation
    return {
        "serial": found.serial,
        "state": found.state,
        "status": status_word(found),
        "profile": found.profile,
        "authority": found.authority,
        "subject": found.subject,
        "not_before": found.not_before.isoformat(),
        "not_after": found.not_after.isoformat(),
        "requested_by": found.requested_by,
        "issued_at": None if found.issued_at is None else found.issued_at.isoformat(),
        "revoked_at": None if revocation is None else revocation.revoked_at.isoformat(),
        "reason": None if revocation is None else revocation.reason.name,
        "invalidity_date": (
            None
            if revocation is None or revocation.invalidity_date is None
            else revocation.invalidity_date.isoformat()
        ),
    }


def status_word(found: CertificateRecord) -> str:
    """What the status services say, in a word."""
    if found.state != "issued":
        return "not released"
    if found.revocation is None:
        return "good"
    return "held" if found.revocation.reason is RevocationReason.certificateHold else "revoked"


def list_certificates(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="issued, issuing or abandoned.")] = None,
    profile: Annotated[str | None, typer.Option(help="Only certificates of this profile.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only where the subject's name has this in it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most, newest first.")] = 50,
    *,
    revoked: Annotated[
        bool | None, typer.Option("--revoked/--not-revoked", help="Only these.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List certificates, newest first."""
    full = None if profile is None else profile_named(profile).name
    if state not in {None, "issued", "issuing", "abandoned"}:
        raise Malformed(f"{state!r} is no state; use issued, issuing or abandoned.")
    wiring: IssuanceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = records.list_certificates(
            connection,
            state=state,
            profile=full,
            revoked=revoked,
            subject=None if subject is None else as_stored(subject),
            limit=limit,
        )
    if as_json:
        typer.echo(json.dumps([as_dict(one) for one in found]))
        return
    for one in found:
        typer.echo(f"{one.serial}  {status_word(one):<12}  {one.profile:<20}  {one.subject}")


@performs(Act.OPERATE)
def settle(
    context: typer.Context,
    older_than: Annotated[
        int,
        typer.Option(
            min=0,
            max=MAX_AGE,
            help="Seconds, up to ten years; only intents that were recorded before that are closed.",
        ),
    ] = 300,
    by: By = "operator",
    *,
    as_json: AsJson = False,
) -> None:
    """Close intents to issue that a crash left open; their certificates were never released."""
    wiring: IssuanceWiring = context.obj
    with wiring.open_issuance() as issuance:
        closed = issuance.settle(by=by, older_than=timedelta(seconds=older_than))
    if as_json:
        typer.echo(json.dumps({"closed": closed}))
    else:
        typer.echo("\n".join([f"{len(closed)} intents were closed.", *closed]))
