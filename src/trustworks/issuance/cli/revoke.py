"""`trustworks certificate revoke` and `release`: changes of a certificate's status."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.core.errors import Rejected
from trustworks.core.moments import read_moment
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.roles.model import NOT_NEEDED, Act
from trustworks.core.roles.performing import performs
from trustworks.issuance import records
from trustworks.issuance.cli.certificate import (  # noqa: TC001 - Typer reads them at run time
    IssuanceWiring,
    Serial,
)
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.rules.revocation_requests import KINDS
from trustworks.issuance.wire import read_serial

if TYPE_CHECKING:
    from trustworks.core.roles.model import Person
    from trustworks.issuance.model import Revocation


@performs(Act.REVOKE)
def revoke(
    context: typer.Context,
    serial: Serial,
    *,
    reason: Annotated[str, typer.Option(help=f"One of {', '.join(one.name for one in RevocationReason)}.")],
    invalidity_date: Annotated[
        str | None,
        typer.Option(
            help="Since when the key is thought lost, if before now (2026-01-31T12:00:00Z, or a day alone), "
            "in UTC unless it names a zone."
        ),
    ] = None,
    confirmed_how: Annotated[
        str,
        typer.Option(
            help="How the requester was authenticated and found authorised, or what the provider itself "
            "found, and how; it is kept."
        ),
    ],
    by: By = "revocation-officer",
    received_at: Annotated[
        str | None, typer.Option(help="When the request for it came in (UTC). Default: now.")
    ] = None,
    kind: Annotated[
        str, typer.Option("--requested-by-kind", help=f"Who asked: one of {', '.join(KINDS)}.")
    ] = "provider",
    requester: Annotated[
        str | None, typer.Option(help="Who asked: a role, an authority, a pseudonym. Default: --by.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a certificate for good, or hold it (--reason certificateHold). When it returns, OCSP says so.

    Recorded without trusted time, too; OCSP and lists tell it as soon as they have trusted time to sign. Who
    asked, and when, is kept: `trustworks revocation list --all`. A request that waits, for its confirmation
    or for a moment to come, is recorded by `trustworks revocation request`.
    """
    from trustworks.issuance.revocation import Reception  # noqa: PLC0415 - loads the service
    from trustworks.issuance.status.ocsp import LOOK_EVERY  # noqa: PLC0415 - loads the service

    wiring: IssuanceWiring = context.obj
    number, why = read_serial(serial), reason_named(reason)
    lost = None if invalidity_date is None else read_moment(invalidity_date)
    wiring.check_not_subject(Act.REVOKE, by, holders(wiring, number))
    with wiring.open_issuance() as issuance:
        publish = next(
            (one.parent or one.name for one in issuance.authorities() if one.serial == number), None
        )
        approved = NOT_NEEDED
        if publish is not None:  # with an authority goes all that it issued
            approved = wiring.approval("revocation.mass", {"serial": number, "reason": why.name}, by=by)
        asked = Reception(
            kind=kind,
            requester=requester or by,
            received_at=None if received_at is None else read_moment(received_at),
            confirmed_how=confirmed_how,
        )
        done = issuance.revoke(number, why, by=by, invalidity_date=lost, asked=asked, approved=approved.use)
    # Responders look for changes so often: whoever asks one after this hears no `good` from what it kept.
    time.sleep(LOOK_EVERY)
    if as_json:
        told = {"serial": number, "reason": why.name, "revoked_at": done.revoked_at.isoformat()}
        more = {"unproven_time": done.unproven, "also": list(done.also), "publish": publish}
        typer.echo(json.dumps({**told, **more}))
    else:
        typer.echo(revoked_in_words(number, done))
        if done.unproven is not None:
            typer.echo(
                f"There is no trusted time ({done.unproven}; `trustworks time status`): the date is the "
                "system clock's, and the audit log says so. Relying parties see the revocation when there is "
                "trusted time again."
            )
        for other in done.also:
            typer.echo(f"Revoked {other} with it: it has the same key.")
        if publish is not None:
            typer.echo(
                f"This is an authority's certificate: publish the list of {publish} now, for the services do "
                f"not hold every key: trustworks crl publish --authority {publish}."
            )


def revoked_in_words(what: str, done: Revocation) -> str:
    """What was done, in a sentence."""
    return f"Revoked {what} for {done.reason.name}, with effect from {done.revoked_at:%Y-%m-%d %H:%M:%S} UTC."


def reason_named(text: str) -> RevocationReason:
    """The reason with that name; `Rejected` (issuance.reason) with all that there are."""
    for one in RevocationReason:
        if one.name.lower() == text.lower():
            return one
    raise Rejected(
        "issuance.reason",
        f"{text!r} is no reason; use one of {', '.join(one.name for one in RevocationReason)}.",
    )


@performs(Act.RELEASE)
def release(
    context: typer.Context,
    serial: Serial,
    by: By = "revocation-officer",
    *,
    as_json: AsJson = False,
) -> None:
    """Lift the hold of a certificate. A revocation cannot be lifted."""
    wiring: IssuanceWiring = context.obj
    number = read_serial(serial)
    wiring.check_not_subject(Act.RELEASE, by, holders(wiring, number))
    with wiring.open_issuance() as issuance:
        issuance.release(number, by=by)
    typer.echo(
        json.dumps({"serial": number, "held": False}) if as_json else f"Released {number} from its hold."
    )


def holders(wiring: IssuanceWiring, serial: str) -> list[Person]:
    """The person whom a certificate names, with its key; nobody where there is none of that number."""
    from cryptography import x509  # noqa: PLC0415 - the command line starts without it

    from trustworks.issuance.enrolment.names import holder_of  # noqa: PLC0415 - as above

    with wiring.open_database() as database, database.read() as connection:
        found = records.certificate(connection, serial)
    if found is None or found.der is None:
        return []
    return [holder_of(x509.load_der_x509_certificate(found.der))]
