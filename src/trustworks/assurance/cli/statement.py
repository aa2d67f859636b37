"""What persons state of a product: confirmations, checks, documents, transfers, numbers of persons."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.assurance.cli.product import values_of
from trustworks.assurance.cli.wiring import (
    AssuranceWiring,
    NamesPersons,
    ReviewedUntil,
    open_register,
    pseudonym,
    show,
    today,
)
from trustworks.assurance.model import (
    Check,
    CheckKind,
    Confirmation,
    ConfirmationKind,
    Document,
    DocumentKind,
    Headcount,
    Transfer,
    due_of,
)
from trustworks.core.durable import read_at_most
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from datetime import date

    from trustworks.assurance.records import EntryKind

check = typer.Typer(no_args_is_help=True, help="Checks of products by persons: add, list.")
document = typer.Typer(no_args_is_help=True, help="Documents about products: add, list.")
transfer = typer.Typer(
    no_args_is_help=True, help="Keys that went between modules, or into backups: add, list."
)
headcount = typer.Typer(no_args_is_help=True, help="How many persons may act with a product: set, list.")

ProductId = Annotated[str, typer.Argument(help="The product.", metavar="PRODUCT")]
On = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day on which it was; default: today.")
]


@performs(Act.CONFIGURE)
def confirm(
    context: typer.Context,
    kind: Annotated[ConfirmationKind, typer.Argument(help="What was read.")],
    product: ProductId,
    certificate: Annotated[
        str, typer.Argument(help="The certificate, for example fips:4962.", metavar="CERTIFICATE")
    ],
    *,
    page: Annotated[str, typer.Option(help='Document and page, for example "security target, page 12".')],
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--value",
            help="The profile; each evaluated function; hardware=..., firmware=... as compared; each item.",
        ),
    ] = None,
    on: On = None,
    person: Annotated[
        str | None, typer.Option(help="Who read it, by pseudonym; default: who acts.", metavar="NAME")
    ] = None,
    by: By = "system-administrator",
    incomplete: Annotated[bool, typer.Option("--incomplete", help="Items of it are open still.")] = False,
) -> None:
    """Confirm what was read in a certificate's documents, with the page on which it stands."""
    reader = by if person is None else pseudonym(person)
    with open_register(context, by) as register:
        register.enter(
            Confirmation(
                product=product,
                certificate=certificate,
                kind=kind,
                values=tuple(values or ()),
                by=reader,
                on=_day(on),
                page=page,
                complete=not incomplete,
            )
        )
    typer.echo(f"Confirmed: {kind} of {certificate} for {product}.")


@check.command("add")
@performs(Act.CONFIGURE)
def check_add(
    context: typer.Context,
    kind: Annotated[CheckKind, typer.Argument(help="What was looked at.")],
    product: ProductId,
    *,
    persons: Annotated[
        list[str], typer.Option("--person", help="Who looked, by pseudonym; as often as needed.")
    ],
    on: On = None,
    seals: Annotated[
        list[str] | None, typer.Option("--seal", help="Number of a seal that was whole.")
    ] = None,
    due: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="When it has to be made again.")
    ] = None,
    note: Annotated[str, typer.Option(help="What there is to say; no personal data.")] = "",
    by: By = "system-administrator",
    failed: Annotated[bool, typer.Option("--failed", help="It was not in order.")] = False,
) -> None:
    """Enter a check: a shipment, an inspection, changed credentials, guidance that was followed ..."""
    with open_register(context, by) as register:
        register.enter(
            Check(
                product=product,
                kind=kind,
                on=_day(on),
                passed=not failed,
                persons=tuple(persons),
                seals=tuple(seals or ()),
                due=None if due is None else due.date(),
                note=note,
            )
        )
    typer.echo(f"Entered the check {kind} of {product}.")


@check.command("list")
def check_list(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the checks."""
    from trustworks.assurance.records import EntryKind  # noqa: PLC0415 - loads the records

    show(
        _entries(context, EntryKind.CHECK),
        lambda one: (
            f"{one.on}  {one.product:<20} {one.kind:<28} {'passed' if one.passed else 'FAILED'}"
            f"{f'  due again {due}' if (due := due_of(one)) else ''}"
        ),
        as_json=as_json,
        values=values_of,
        none="No check is registered. `trustworks assurance check add` enters one.",
    )


@document.command("add")
@performs(Act.CONFIGURE)
def document_add(
    context: typer.Context,
    kind: Annotated[DocumentKind, typer.Argument(help="What it is evidence of.")],
    product: ProductId,
    file: Annotated[Path, typer.Argument(help="The document.", exists=True, dir_okay=False)],
    *,
    title: Annotated[str | None, typer.Option(help="Default: the file's name.")] = None,
    written: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Of which day it is; default: today.")
    ] = None,
    standard: Annotated[str, typer.Option(help='What it is about, for example "EN 419231".')] = "",
    argued: Annotated[
        list[str] | None, typer.Option("--argues", help="A requirement, area or point that it argues.")
    ] = None,
    functions: Annotated[
        list[str] | None, typer.Option("--function", help="A function of the product that it is about.")
    ] = None,
    version: Annotated[
        str, typer.Option("--of-version", help="Of which version of the product it speaks.")
    ] = "",
    left: Annotated[
        list[str] | None, typer.Option("--leaves-open", help="One of which it says that it is not met.")
    ] = None,
    review: ReviewedUntil = None,
    names: NamesPersons = None,
    source: Annotated[str, typer.Option(help="Where it is from.")] = "the provider",
    by: By = "system-administrator",
) -> None:
    """Enter a document; its file is kept as it is."""
    from trustworks.assurance.service import LARGEST_FILE  # noqa: PLC0415 - loads the records

    data = read_at_most(file, LARGEST_FILE + 1)
    with open_register(context, by) as register:
        kept = register.keep(data, name=file.name, source=source, retrieved=today())
        register.enter(
            Document(
                product=product,
                kind=kind,
                title=title or file.name,
                sha256=kept,
                written=_day(written),
                standard=standard,
                argued=tuple(argued or ()),
                open=tuple(left or ()),
                functions=tuple(functions or ()),
                version=version,
                reviewed_until=None if review is None else review.date(),
                names_persons=names,
            )
        )
    typer.echo(f"Entered {title or file.name}: {kind} of {product}.")


@document.command("list")
def document_list(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the documents."""
    from trustworks.assurance.records import EntryKind  # noqa: PLC0415 - loads the records

    show(
        _entries(context, EntryKind.DOCUMENT),
        lambda one: f"{one.written}  {one.product:<20} {one.kind:<26} {one.title}  {one.sha256[:16]}",
        as_json=as_json,
        values=values_of,
        none="No document is registered. `trustworks assurance document add` enters one.",
    )


@transfer.command("add")
@performs(Act.CONFIGURE)
def transfer_add(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="The product that the key came from.", metavar="FROM")],
    target: Annotated[str, typer.Argument(help="The one that it went to.", metavar="TO")],
    *,
    on: On = None,
    equal: Annotated[
        bool | None,
        typer.Option(
            "--equal-protection/--unequal-protection", help="On the way it was protected as inside."
        ),
    ] = None,
    allowed: Annotated[
        bool | None,
        typer.Option("--allowed/--not-allowed", help="The certificates of both modules allow it."),
    ] = None,
    by: By = "system-administrator",
    single: Annotated[bool, typer.Option("--one-person", help="It was not under dual control.")] = False,
    differs: Annotated[
        bool, typer.Option("--checksum-differs", help="What arrived was not what left.")
    ] = False,
    backup: Annotated[
        bool, typer.Option("--backup", help="It went into a backup, or came out of one.")
    ] = False,
) -> None:
    """Enter that a key went from one module to another, or into a backup."""
    with open_register(context, by) as register:
        register.enter(
            Transfer(
                source=source,
                target=target,
                on=_day(on),
                equal_protection=equal,
                allowed_by_certificates=allowed,
                dual_control=not single,
                checksum_matched=not differs,
                backup=backup,
            )
        )
    typer.echo(f"Entered the {'backup' if backup else 'transfer'} from {source} to {target}.")


@transfer.command("list")
def transfer_list(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the transfers and backups of keys."""
    from trustworks.assurance.records import EntryKind  # noqa: PLC0415 - loads the records

    show(
        _entries(context, EntryKind.TRANSFER),
        lambda one: f"{one.on}  {one.source} to {one.target}{'  backup' if one.backup else ''}",
        as_json=as_json,
        values=values_of,
        none="No transfer is registered. `trustworks assurance transfer add` enters one.",
    )


@headcount.command("set")
@performs(Act.CONFIGURE)
def headcount_set(
    context: typer.Context,
    product: ProductId,
    act: Annotated[str, typer.Argument(help='What they may do, for example "recovery of keys".')],
    persons: Annotated[int, typer.Argument(min=0, help="How many may.")],
    *,
    allowed: Annotated[
        int | None, typer.Option(min=0, help="How many the practice statement allows.")
    ] = None,
    on: On = None,
    by: By = "system-administrator",
) -> None:
    """Say how many persons may do something with a product."""
    with open_register(context, by) as register:
        register.enter(Headcount(product=product, act=act, persons=persons, allowed=allowed, on=_day(on)))
    typer.echo(f"{persons} person(s) may: {act} ({product}).")


@headcount.command("list")
def headcount_list(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List how many persons may do what."""
    from trustworks.assurance.records import EntryKind  # noqa: PLC0415 - loads the records

    show(
        _entries(context, EntryKind.HEADCOUNT),
        lambda one: (
            f"{one.on}  {one.product:<20} {one.act}: {one.persons}, "
            f"allowed {'not stated' if one.allowed is None else one.allowed}"
        ),
        as_json=as_json,
        values=values_of,
        none="No number is registered. `trustworks assurance headcount set` enters one.",
    )


def _day(given: datetime | None) -> date:
    return (given or datetime.now(UTC)).date()


def _entries(context: typer.Context, kind: EntryKind) -> list[object]:
    from trustworks.assurance.records import entries  # noqa: PLC0415 - loads the records

    wiring: AssuranceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        return list(entries(connection, kind).values())
