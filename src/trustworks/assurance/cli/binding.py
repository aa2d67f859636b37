"""`trustworks assurance binding`: which process of which service uses which product."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime  # noqa: TC003 - Typer reads it at run time
from typing import Annotated

import typer

from trustworks.assurance.cli.product import values_of
from trustworks.assurance.cli.wiring import AssuranceWiring, open_register, show
from trustworks.assurance.model import Binding
from trustworks.core.errors import Rejected
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

binding = typer.Typer(no_args_is_help=True, help="What uses which product: add, end, list, processes.")

Service = Annotated[str, typer.Argument(help="For example certificates.", metavar="SERVICE")]
Process = Annotated[str, typer.Argument(help="For example ca_key_use.", metavar="PROCESS")]
ProductId = Annotated[str, typer.Argument(help="The product.", metavar="PRODUCT")]


@binding.command()
@performs(Act.CONFIGURE)
def add(
    context: typer.Context,
    service: Service,
    process: Process,
    product: ProductId,
    *,
    functions: Annotated[
        list[str] | None,
        typer.Option("--function", help="What it uses of the product: keygen, sign, backup ..."),
    ] = None,
    algorithms: Annotated[
        list[str] | None, typer.Option("--algorithm", help="Kinds of keys in use, for example P-384.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day; default: always.")
    ] = None,
    by: By = "system-administrator",
    voluntary: Annotated[
        bool, typer.Option("--not-qualified", help="The service is not a qualified one.")
    ] = False,
) -> None:
    """Bind a product to a process; binding it again replaces what was said."""
    with open_register(context, by) as register:
        register.enter(
            Binding(
                product=product,
                service=service,
                process=process,
                functions=tuple(functions or ()),
                algorithms=tuple(algorithms or ()),
                qualified=not voluntary,
                since=None if since is None else since.date(),
            )
        )
    typer.echo(f"{service}/{process} uses {product}.")


@binding.command()
@performs(Act.CONFIGURE)
def end(
    context: typer.Context,
    service: Service,
    process: Process,
    product: ProductId,
    *,
    on: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day on which it holds.")],
    by: By = "system-administrator",
) -> None:
    """Say which is the last day on which a process uses a product."""
    found = next(
        (
            one
            for one in _bindings(context)
            if (one.service, one.process, one.product) == (service, process, product)
        ),
        None,
    )
    if found is None:
        raise Rejected(
            "assurance.absent",
            f"{service}/{process} is not bound to {product}. `trustworks assurance binding list` shows all.",
        )
    with open_register(context, by) as register:
        register.enter(replace(found, until=on.date()))
    typer.echo(f"{service}/{process} uses {product} until {on:%Y-%m-%d}.")


@binding.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List what uses which product."""
    show(
        _bindings(context),
        lambda one: (
            f"{one.service}/{one.process:<24} {one.product:<20} {', '.join(one.functions)}"
            f"{'' if one.qualified else '  not qualified'}{f'  until {one.until}' if one.until else ''}"
        ).rstrip(),
        as_json=as_json,
        values=values_of,
        none="No product is bound to a process. `trustworks assurance binding add` binds one.",
    )


@binding.command()
def processes(*, as_json: AsJson = False) -> None:
    """List the processes that products can be bound to, and what rule sets say of each."""
    from trustworks.assurance.rulesets import SHIPPED, load  # noqa: PLC0415 - only here

    found: dict[tuple[str, str], str] = {}
    for name in SHIPPED:
        for one in load(name).processes:
            if not one.follows:
                found.setdefault((one.service, one.id), one.label)
    show(
        sorted(found.items()),
        lambda one: f"{one[0][0]} {one[0][1]:<24} {one[1]}",
        as_json=as_json,
        values=lambda one: {"service": one[0][0], "process": one[0][1], "label": one[1]},
        none="",
    )


def _bindings(context: typer.Context) -> list[Binding]:
    from trustworks.assurance.records import EntryKind, entries  # noqa: PLC0415 - loads the records

    wiring: AssuranceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = entries(connection, EntryKind.BINDING)
    return [one for one in found.values() if isinstance(one, Binding)]
