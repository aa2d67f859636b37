"""`trustworks registration device`: which device holds a key, and products that lose their certification."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import Officers, performs
from trustworks.issuance.cli.applications import MAX_FILE, File, Identifier
from trustworks.issuance.model import RevocationReason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from trustworks.issuance.registration.device_records import Concerned
    from trustworks.issuance.registration.devices import ProductStanding
    from trustworks.issuance.registration.service import Registration

device = typer.Typer(no_args_is_help=True, help="The devices that hold subjects' keys.")


class DeviceWiring(Officers, Protocol):
    """What these commands need of the application's wiring."""

    def open_registration(self) -> AbstractContextManager[Registration]:
        """The registration authority's desk."""


@device.command()
@performs(Act.REGISTER)
def record(
    context: typer.Context,
    application: Identifier,
    file: File,
    attestation: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The attestation (PEM), unless FILE has it."),
    ] = None,
    by: By = "registration-officer",
    *,
    as_json: AsJson = False,
) -> None:
    """Record which device holds the key of an application, and what shows that."""
    from trustworks.issuance.registration.wire import (  # noqa: PLC0415 - the command line starts without it
        DeviceBody,
        device_json,
        read_json,
    )

    wiring: DeviceWiring = context.obj
    text = read_at_most(file, MAX_FILE)
    body: DeviceBody = read_json(DeviceBody, text if attestation is None else _with(text, attestation))
    with wiring.open_registration() as desk:
        piece = desk.record_device(application, body.read(), by=by)
        review = desk.review(application)
    if as_json:
        typer.echo(json.dumps(device_json(piece)))
        return
    typer.echo(printable(f"Recorded {piece.id}: {piece.product}, {piece.serial_number} ({piece.way})."))
    for one in review.objections:
        typer.echo(printable(f"  {one.sentence} ({one.requirement})"))


def _with(text: bytes, attestation: Path) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return text.decode(errors="replace")  # told as what it is by who reads it next
    pem = read_at_most(attestation, MAX_FILE).decode("ascii", errors="replace")
    return json.dumps({**found, "attestation": pem} if isinstance(found, dict) else found)


@device.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the products that count, until when, and how many valid certificates stand on each.

    Exit code 1 if certificates stand on a product whose certification ended or was lost, or that has left the
    settings.
    """
    wiring: DeviceWiring = context.obj
    with wiring.open_registration() as desk:
        found = desk.products()
    today = datetime.now(UTC).date()
    if as_json:
        typer.echo(json.dumps({"products": [_as_json(one) for one in found]}))
    for one in () if as_json else found:
        typer.echo(printable(f"{_line(one)}  {len(one.concerned)} certificate(s)"))
    if not found and not as_json:
        typer.echo("No product is named: [[issuance.registration.devices]].")
    if any(one.concerned and one.has_ended(today) for one in found):
        raise typer.Exit(1)


def _line(standing: ProductStanding) -> str:
    product, lost = standing.product, standing.lost_on
    if product is None:
        return f"{standing.name}  {'not in the settings' if lost is None else f'lost {lost}'}"
    until = f"until {product.certified_until}" if lost is None else f"lost {lost}"
    return f"{product.name}  {product.kind}  {until}  {product.reference}"


def _as_json(standing: ProductStanding) -> dict[str, Any]:
    product, lost = standing.product, standing.lost_on
    return {
        "product": standing.name,
        "kind": None if product is None else product.kind,
        "certified_until": None if product is None else product.certified_until.isoformat(),
        "lost_on": None if lost is None else lost.isoformat(),
        "reference": None if product is None else product.reference,
        "shown_by": [] if product is None else sorted(product.ways),
        "certificates": _certificates(standing.concerned),
    }


def _certificates(concerned: Sequence[Concerned]) -> list[dict[str, str]]:
    return [
        {"serial": one.serial, "profile": one.profile, "not_after": one.not_after.isoformat()}
        for one in concerned
    ]


@device.command()
@performs(Act.REVOKE)
def lost(
    context: typer.Context,
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help="The product, as the settings call it.")],
    *,
    why: Annotated[str, typer.Option(help="How that became known, and where it is published; it is kept.")],
    on: Annotated[
        str | None, typer.Option(help="The day on which it lost its certification. Default: today.")
    ] = None,
    revoke: Annotated[
        bool,
        typer.Option("--revoke", help="Revoke the certificates concerned (privilegeWithdrawn)."),
    ] = False,
    by: By = "revocation-officer",
    as_json: AsJson = False,
) -> None:
    """Record that a product lost its certification, and tell or revoke the certificates concerned.

    Nothing is issued for its devices from then on. Run again with --revoke it goes on where it ended.
    """
    wiring: DeviceWiring = context.obj
    try:
        day = datetime.now(UTC).date() if on is None else date.fromisoformat(on)
    except ValueError:
        raise Malformed(f"{on!r} is no day; write 2026-01-31.") from None
    revoked: list[str] = []
    with ExitStack() as stack:
        if revoke:  # all at once are several operators' to decide; what a crash left is finished by the same
            about = {"device": product, "reason": RevocationReason.privilegeWithdrawn.name}
            approvals = wiring.held(
                "revocation.mass", about, by=by, done=lambda _: bool(revoked), completes=True
            )
            stack.enter_context(approvals)
        desk = stack.enter_context(wiring.open_registration())
        concerned = desk.lose_product(product, on=day, why=why, by=by)
        if revoke:
            revoked.extend(desk.revoke_concerned(product, why=why, by=by))
    if as_json:
        typer.echo(json.dumps({"certificates": _certificates(concerned), "revoked": revoked}))
        return
    for one in concerned:
        word = "Revoked" if one.serial in revoked else "Concerned"
        typer.echo(f"{word}: {one.serial}  {one.profile}  until {one.not_after:%Y-%m-%d}")
    if not concerned:
        typer.echo(printable(f"No valid certificate stands on {product}."))
    elif not revoke:
        typer.echo("They are not revoked: run this again with --revoke, or revoke each.")
