"""`trustworks assurance product`: the products that services stand on."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from trustworks.assurance.cli.wiring import AssuranceWiring, open_register, show
from trustworks.assurance.model import Product, ProductKind
from trustworks.core.errors import TrustworksError
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from trustworks.assurance.collecting import Sources


class SourcesWiring(AssuranceWiring, Protocol):
    """The application's wiring, where it opens what runs."""

    def evidence_sources(self) -> Sources:
        """What runs, to be looked at."""


product = typer.Typer(
    no_args_is_help=True, help="Products: add, discover, change, list, show, retire, remove."
)

Id = Annotated[str, typer.Argument(help="Its name in the register, for example hsm-1.", metavar="PRODUCT")]
Name = Annotated[str | None, typer.Option(help="What its vendor calls it.")]
Variant = Annotated[str | None, typer.Option(help="Which variant of it.")]
Manufacturer = Annotated[str | None, typer.Option(help="As the module itself writes it.")]
Model = Annotated[str | None, typer.Option(help="As the module itself writes it.")]
Hardware = Annotated[str | None, typer.Option(help="Version of the hardware.")]
Firmware = Annotated[str | None, typer.Option(help="Version of the firmware.")]
Software = Annotated[str | None, typer.Option(help="Version of the software.")]
Serial = Annotated[str | None, typer.Option(help="Serial number.")]
Owner = Annotated[str | None, typer.Option(help="Who owns it: a role or an organization, no person.")]
Place = Annotated[str | None, typer.Option(help="Where it stands.")]
Token = Annotated[str | None, typer.Option(help="The pkcs11: URI by which the configuration reaches it.")]
Library = Annotated[
    str | None, typer.Option(help="SHA-256 of its PKCS#11 library, in hexadecimal.", metavar="SHA256")
]
Real = Annotated[
    bool | None, typer.Option("--device/--software-only", help="Whether it is a device, or software alone.")
]
Since = Annotated[
    datetime | None,
    typer.Option("--in-use-since", formats=["%Y-%m-%d"], help="The day on which it was taken into use."),
]


@product.command()
@performs(Act.CONFIGURE)
def add(
    context: typer.Context,
    identifier: Id,
    *,
    name: Annotated[str, typer.Option(help="What its vendor calls it.")],
    kind: Annotated[ProductKind, typer.Option(help="What it is to a trust service.")] = ProductKind.MODULE,
    variant: Variant = None,
    manufacturer: Manufacturer = None,
    model: Model = None,
    hardware: Hardware = None,
    firmware: Firmware = None,
    software: Software = None,
    serial: Serial = None,
    owner: Owner = None,
    place: Place = None,
    token: Token = None,
    library_sha256: Library = None,
    real_hardware: Real = None,
    taken_into_use: Since = None,
    by: By = "system-administrator",
) -> None:
    """Enter a product."""
    from trustworks.assurance.records import EntryKind, newest  # noqa: PLC0415 - loads the records

    given = _given(
        name, variant, manufacturer, model, hardware, firmware, software, serial, owner, place, token,
        library_sha256, real_hardware, taken_into_use,
    )  # fmt: skip
    wiring: AssuranceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        known = newest(connection, EntryKind.PRODUCT, identifier)
    if known is not None and known.content is not None:
        raise typer.BadParameter(
            f"There is a product {identifier}; `trustworks assurance product change` changes it."
        )
    with open_register(context, by) as register:
        register.enter(Product(id=identifier, kind=kind, **given))
    typer.echo(f"Entered {identifier}.")


@product.command()
@performs(Act.CONFIGURE)
def discover(context: typer.Context, *, by: By = "system-administrator") -> None:
    """Enter what this configuration shows: its modules, this software, and what uses them.

    What is registered stays as it is. The root's token is not opened: enter it by `product add`.
    """
    from importlib.metadata import version  # noqa: PLC0415 - only here

    from trustworks.assurance.discovering import (  # noqa: PLC0415 - as above
        Shown,
        enter_discovered,
        kinds_on,
    )

    wiring: SourcesWiring = context.obj
    sources = wiring.evidence_sources()
    infos, left = {}, []
    for name in (*sources.tokens, *sources.elsewhere):
        try:
            infos[name] = sources.look(name).info
        except TrustworksError as error:
            if name in sources.tokens:
                raise
            left.append(f"The token {name} was left out: {error}")
    with (
        open_register(context, by) as register,
        wiring.open_database() as database,
        database.read() as connection,
    ):
        shown = {
            name: Shown(info=info, uri=sources.uri(name), algorithms=kinds_on(connection, info.token_serial))
            for name, info in infos.items()
        }
        new = enter_discovered(register, connection, shown, sources.services, version("trustworks"))
    for one in new:
        typer.echo(f"Entered {one}.")
    for one in left:
        typer.echo(
            printable(f"{one} Enter it by hand: `trustworks assurance product add` with --token."), err=True
        )
    if not (new or left):
        typer.echo("Nothing is new: all that runs here is registered.")


@product.command()
@performs(Act.CONFIGURE)
def change(
    context: typer.Context,
    identifier: Id,
    *,
    name: Name = None,
    variant: Variant = None,
    manufacturer: Manufacturer = None,
    model: Model = None,
    hardware: Hardware = None,
    firmware: Firmware = None,
    software: Software = None,
    serial: Serial = None,
    owner: Owner = None,
    place: Place = None,
    token: Token = None,
    library_sha256: Library = None,
    real_hardware: Real = None,
    taken_into_use: Since = None,
    correction: Annotated[
        str,
        typer.Option(
            help="What it says was wrong from the beginning: why; goes into the audit log. What changes in "
            "truth is planned: change plan.",
            metavar="REASON",
        ),
    ] = "",
    by: By = "system-administrator",
) -> None:
    """Change what the register says of a product; what is not named stays.

    What tells which product it is (serial number, versions, library ...) is entered where the register says
    nothing yet. Another value is a planned change, or a --correction.
    """
    given = _given(
        name, variant, manufacturer, model, hardware, firmware, software, serial, owner, place, token,
        library_sha256, real_hardware, taken_into_use,
    )  # fmt: skip
    if not given:
        raise typer.BadParameter("Say what changes, for example --firmware 7.8.5.")
    with open_register(context, by) as register:
        register.amend_product(identifier, given, correction=correction)
    done = "Corrected" if correction else "Changed"
    typer.echo(f"{done} {', '.join(one.replace('_', ' ') for one in given)} of {identifier}.")


@product.command()
@performs(Act.CONFIGURE)
def retire(
    context: typer.Context,
    identifier: Id,
    *,
    on: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The first day on which it is not used.")
    ],
    by: By = "system-administrator",
) -> None:
    """Say from which day on a product is not used any more; its history stays."""
    with open_register(context, by) as register:
        register.change_product(identifier, retired=on.date())
    typer.echo(f"{identifier} is not used from {on:%Y-%m-%d} on.")


@product.command()
@performs(Act.CONFIGURE)
def remove(
    context: typer.Context,
    identifier: Id,
    *,
    reason: Annotated[str, typer.Option(help="Why; it goes into the audit log.")],
    by: By = "system-administrator",
) -> None:
    """Take out a product that was entered by mistake; its versions stay in the history."""
    from trustworks.assurance.records import EntryKind  # noqa: PLC0415 - loads the records

    with open_register(context, by) as register:
        register.remove(EntryKind.PRODUCT, identifier, reason=reason)
    typer.echo(f"Removed {identifier}.")


@product.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the products."""
    from trustworks.assurance.registered import products_of  # noqa: PLC0415 - loads the records

    wiring: AssuranceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = list(products_of(connection).values())
    show(
        found,
        lambda one: f"{one.id:<20} {one.kind:<12} {one.name} {one.firmware or one.software}".rstrip(),
        as_json=as_json,
        values=values_of,
        none="No product is registered. `trustworks assurance product add` enters one.",
    )


@product.command("show")
def show_(context: typer.Context, identifier: Id, *, as_json: AsJson = False) -> None:
    """Print a product, and every change of its entry."""
    from trustworks.assurance.records import EntryKind  # noqa: PLC0415 - loads the records
    from trustworks.assurance.registered import history_of, product_of  # noqa: PLC0415 - as above

    wiring: AssuranceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = product_of(connection, identifier)
        versions = history_of(connection, EntryKind.PRODUCT, identifier)
    if as_json:
        past = [
            {"number": one.number, "at": one.written_at.isoformat(), "by": one.written_by} for one in versions
        ]
        typer.echo(json.dumps(values_of(found) | {"versions": past}, indent=2, ensure_ascii=False))
        return
    for name, value in values_of(found).items():
        if value not in (None, "", []):
            told = ", ".join(map(str, value)) if isinstance(value, list) else value
            typer.echo(printable(f"{name.replace('_', ' '):<22}{told}"))
    for one in versions:
        typer.echo(printable(f"version {one.number}  {one.written_at:%Y-%m-%d %H:%M}  by {one.written_by}"))


def values_of(entry: Any) -> dict[str, Any]:
    """An entry as JSON values."""
    from trustworks.assurance.records import encode  # noqa: PLC0415 - loads the records

    found: dict[str, Any] = json.loads(encode(entry))
    return found


def _given(*values: Any) -> dict[str, Any]:
    names = (
        *("name", "variant", "manufacturer", "model", "hardware", "firmware", "software", "serial", "owner"),
        *("place", "token", "library_sha256", "real_hardware", "taken_into_use"),
    )
    found = {name: value for name, value in zip(names, values, strict=True) if value is not None}
    if "taken_into_use" in found:
        found["taken_into_use"] = found["taken_into_use"].date()
    return found
