"""`trustworks registration domain`: what an applicant puts up, and whether it is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Protocol, get_args

import typer

from trustworks.core.errors import Rejected
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import Officers, performs
from trustworks.issuance.cli.applications import Identifier  # noqa: TC001 - Typer reads it
from trustworks.issuance.enrolment.control import places
from trustworks.issuance.registration.model import DomainMethod
from trustworks.issuance.registration.rules.domains import LIFE

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trustworks.issuance.registration.domains import DomainControl, Wanted
    from trustworks.issuance.registration.service import Registration

domain = typer.Typer(no_args_is_help=True, help="Control over the names of web sites.")


class DomainWiring(Officers, Protocol):
    """What these commands need of the application's wiring."""

    def open_registration(self) -> AbstractContextManager[Registration]:
        """The registration authority's desk."""

    def open_domain_control(self) -> DomainControl:
        """What looks at names, from here and from elsewhere."""


@domain.command()
@performs(Act.REGISTER)
def challenge(
    context: typer.Context,
    application: Identifier,
    by: By = "registration-officer",
    *,
    as_json: AsJson = False,
) -> None:
    """Say what the applicant must put up for each name: a TXT record or a file, for 30 days."""
    wiring: DomainWiring = context.obj
    with wiring.open_registration() as desk:
        wanted = desk.draw_domains(application, by=by)
    told = [_told(one) for one in wanted]
    if as_json:
        typer.echo(json.dumps({"domains": told}))
        return
    if not told:
        typer.echo("Control over all names was seen already.")
        return
    for one in told:
        typer.echo(printable(f"{one['name']}, until {one['until']}:"))
        if "dns" in one:
            typer.echo(printable(f'  DNS   {one["dns"]["record"]} TXT "{one["dns"]["value"]}"'))
        if "http" in one:
            typer.echo(printable(f"  file  {one['http']['url']}"))
            typer.echo(printable(f"        with {one['http']['content']}"))
    typer.echo(f"One of both is enough. Then: trustworks registration domain check {application}.")


@domain.command()
@performs(Act.REGISTER)
def check(
    context: typer.Context,
    application: Identifier,
    method: Annotated[
        str | None,
        typer.Option(help="Look by dns or by http alone. Not given: by each that the name allows."),
    ] = None,
    by: By = "registration-officer",
    *,
    as_json: AsJson = False,
) -> None:
    """Look, from here and from the perspectives, whether the applicant has put it up.

    Exits with 1 where control over a name was not seen.
    """
    wiring: DomainWiring = context.obj
    ways: dict[str, DomainMethod] = {one: one for one in get_args(DomainMethod)}
    if method is not None and method not in ways:
        raise Rejected("registration.domain-method", f"There is no method {method!r}; use dns or http.")
    control = wiring.open_domain_control()
    with wiring.open_registration() as desk:
        looks = desk.check_domains(
            application, control, by=by, method=None if method is None else ways[method]
        )
    if as_json:
        typer.echo(
            json.dumps(
                {"domains": [{"name": one.name, "method": one.method, "why": one.why} for one in looks]}
            )
        )
    else:
        for one in looks:
            seen = one.method is not None
            typer.echo(printable(f"{one.name}  {f'seen by {one.method}' if seen else one.why}"))
        if not looks:
            typer.echo("Control over all names was seen already.")
    if any(one.method is None for one in looks):
        raise typer.Exit(1)


def _told(wanted: Wanted) -> dict[str, Any]:
    drawn = wanted.drawn
    return {
        "name": wanted.name,
        "until": (drawn.drawn_at + LIFE).strftime("%Y-%m-%d %H:%M UTC"),
        **places(wanted.name, wanted.methods, token=drawn.token, value=drawn.value),
    }
