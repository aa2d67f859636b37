"""`trustworks assurance certificate`: what schemes publish, and the certificates of products."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustworks.assurance.cli.product import values_of
from trustworks.assurance.cli.wiring import AssuranceWiring, open_register, pseudonym, retrieval, show, today
from trustworks.assurance.model import Certificate, FactName, Status, value_text
from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from trustworks.assurance.engine.standing import Standing

certificate = typer.Typer(
    no_args_is_help=True, help="Certificates of products: import, add, find, bind, unbind, list, show, file."
)

Id = Annotated[str, typer.Argument(help="Scheme and number, for example fips:4962.", metavar="CERTIFICATE")]
Retrieved = Annotated[
    str | None,
    typer.Option(
        help="When it was downloaded (UTC), for example 2026-11-01; default: the file's own time, which is "
        "told."
    ),
]
ProductName = Annotated[str | None, typer.Option(help="The product, as it is named there.")]
Holder = Annotated[str | None, typer.Option(help="Whose it is.")]
Standard = Annotated[
    str | None,
    typer.Option(help='Criteria with their edition: "CC:2022", "ISO/IEC 15408:2022", "FIPS 140-3".'),
]
Scheme = Annotated[str | None, typer.Option(help="The country or body that certified.")]
Eal = Annotated[
    str | None,
    typer.Option(
        help='Level with its components: 4, "EAL4+ AVA_VAN.5 ALC_FLR.2", none. Of other criteria the one '
        "that it corresponds to."
    ),
]
Profiles = Annotated[
    list[str] | None, typer.Option("--profile", help="A protection profile that it claims, as printed.")
]
Areas = Annotated[
    list[str] | None,
    typer.Option("--area", help='FIPS 140: an area with another level, "Physical Security: Level 4"; none.'),
]
Caveat = Annotated[str | None, typer.Option(help="The condition under which it holds, as printed; none.")]
Hardware = Annotated[list[str] | None, typer.Option("--hardware", help="A version of the hardware.")]
Firmware = Annotated[list[str] | None, typer.Option("--firmware", help="A version of the firmware.")]
Software = Annotated[list[str] | None, typer.Option("--software", help="A version of the software.")]
ProductVersion = Annotated[str | None, typer.Option(help="The version of the product as a whole.")]
Report = Annotated[str | None, typer.Option(help="The address of the report or security policy.")]
Target = Annotated[str | None, typer.Option(help="The address of the security target.")]
_MOST_TOLD = 20


@certificate.command("import")
@performs(Act.CONFIGURE)
def import_(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            help="As downloaded: CMVP lists, pages, records; the CSV of the Common Criteria Portal; EUCC; "
            "notified devices; trusted lists.",
            exists=True,
            dir_okay=False,
        ),
    ],
    *,
    source: Annotated[str, typer.Option(help="Where it was downloaded.")],
    retrieved: Retrieved = None,
    by: By = "system-administrator",
    as_json: AsJson = False,
) -> None:
    """Import what schemes publish. The file is kept as it is; registered certificates get what it says newly.

    Exit code 1 where something in a file was not read; the rest is imported.
    """
    from trustworks.assurance.service import LARGEST_FILE  # noqa: PLC0415 - loads the records

    found = []
    with open_register(context, by) as register:
        for one in files:
            moment = retrieval(one, retrieved)
            data = read_at_most(one, LARGEST_FILE + 1)
            found.append((one, register.take_in(data, name=one.name, source=source, retrieved=moment)))
    if as_json:
        typer.echo(
            json.dumps(
                [
                    {
                        "file": one.name,
                        "sha256": taken.sha256,
                        "kind": taken.imported.kind.value,
                        "certificates": len(taken.imported.certificates),
                        "changed": list(taken.changed),
                        "problems": [
                            {"place": each.place, "sentence": each.sentence}
                            for each in taken.imported.problems
                        ],
                    }
                    for one, taken in found
                ],
                ensure_ascii=False,
            )
        )
    else:
        for one, taken in found:
            imported = taken.imported
            typer.echo(
                printable(
                    f"{one.name}: {imported.kind}, {len(imported.certificates)} certificate(s), kept as "
                )
                + taken.sha256[:16]
            )
            for identifier in taken.changed:
                typer.echo(f"  {identifier} is registered, and was changed by it")
            for each in imported.problems[:_MOST_TOLD]:
                typer.secho(printable(f"  {each.place}: {each.sentence}"), err=True, fg="red")
            if len(imported.problems) > _MOST_TOLD:
                typer.echo(f"  {len(imported.problems) - _MOST_TOLD} more; --json names all.", err=True)
    if any(taken.imported.problems for _, taken in found):
        raise typer.Exit(1)


@certificate.command("add")
@performs(Act.CONFIGURE)
def add(
    context: typer.Context,
    identifier: Annotated[
        str,
        typer.Argument(
            help="Scheme (cc, eucc, fips, national, qscd), colon, number: national:DE-2026-7.",
            metavar="CERTIFICATE",
        ),
    ],
    *,
    file: Annotated[
        Path,
        typer.Option(
            help="Where it was read: the certificate, its report; kept.", exists=True, dir_okay=False
        ),
    ],
    page: Annotated[str, typer.Option(help='Where in it, for example "page 3".')],
    person: Annotated[
        str | None, typer.Option(help="Who read it, by pseudonym; default: who acts.", metavar="NAME")
    ] = None,
    read_on: Annotated[
        datetime | None,
        typer.Option("--read-on", formats=["%Y-%m-%d"], help="The day on which it was read; default: now."),
    ] = None,
    source: Annotated[str, typer.Option(help="Where the file is from.")] = "its owner",
    product: ProductName = None,
    holder: Holder = None,
    standard: Standard = None,
    scheme: Scheme = None,
    status: Annotated[Status | None, typer.Option(help="How it stands.")] = None,
    issued: Annotated[str | None, typer.Option(help="The day of its issue.", metavar="DATE")] = None,
    ends: Annotated[str | None, typer.Option(help="The last day of its validity.", metavar="DATE")] = None,
    eal: Eal = None,
    profile: Profiles = None,
    level: Annotated[int | None, typer.Option("--overall-level", help="FIPS 140: the overall level.")] = None,
    area: Areas = None,
    caveat: Caveat = None,
    hardware: Hardware = None,
    firmware: Firmware = None,
    software: Software = None,
    version: ProductVersion = None,
    report: Report = None,
    target: Target = None,
    correction: Annotated[
        str,
        typer.Option(
            help="Why what a person read before was wrong; goes into the audit log.", metavar="REASON"
        ),
    ] = "",
    by: By = "system-administrator",
) -> None:
    """Enter what you read in a certificate, or in its report, by yourself; each fact with its file and page.

    As often as there are pages. What importers read stays beside it: where the two differ, nobody chooses.
    """
    from trustworks.assurance.model import Provenance, SourceKind  # noqa: PLC0415 - loads the importers
    from trustworks.assurance.service import LARGEST_FILE  # noqa: PLC0415 - loads the records
    from trustworks.assurance.sources.by_hand import read  # noqa: PLC0415 - as above

    told = {
        FactName.PRODUCT: product,
        FactName.HOLDER: holder,
        FactName.STANDARD: standard,
        FactName.SCHEME: scheme,
        FactName.STATUS: None if status is None else status.value,
        FactName.ISSUED: issued,
        FactName.ENDS: ends,
        FactName.EAL: eal,
        FactName.PROTECTION_PROFILES: profile,
        FactName.OVERALL_LEVEL: None if level is None else str(level),
        FactName.AREA_LEVELS: area,
        FactName.CAVEAT: caveat,
        FactName.HARDWARE: hardware,
        FactName.FIRMWARE: firmware,
        FactName.SOFTWARE: software,
        FactName.VERSION: version,
        FactName.REPORT: report,
        FactName.TARGET: target,
    }
    given = {
        name: [value] if isinstance(value, str) else value
        for name, value in told.items()
        if value is not None
    }
    if not page.strip():
        raise Malformed("Say where in the file it was read: --page PAGE.")
    now = today()
    if read_on is not None and read_on.date() > now.date():
        raise Malformed(f"It cannot have been read on {read_on:%Y-%m-%d}, which has not come.")
    data = read_at_most(file, LARGEST_FILE + 1)
    moment = now if read_on is None or read_on.date() == now.date() else read_on.replace(tzinfo=UTC)
    provenance = Provenance(
        kind=SourceKind.BY_HAND,
        document=sha256(data).hexdigest(),
        name=file.name[:200],
        retrieved=moment,
        place=page,
        by=by if person is None else pseudonym(person),
    )
    entered = read(identifier, given, provenance)
    with open_register(context, by) as register:
        register.keep(data, name=file.name, source=source, retrieved=moment)
        register.enter_certificate(entered, correction=correction)
    typer.echo(
        f"{'Corrected' if correction else 'Entered'} {', '.join(one.name for one in entered.facts)} of "
        f"{entered.id}. `trustworks assurance certificate bind {entered.id} PRODUCT` binds it."
    )


@certificate.command("find")
def find_(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(help="What its entry has, for example Luna K7.")],
    *,
    most: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 25,
    as_json: AsJson = False,
) -> None:
    """Find certificates in what was imported."""
    from trustworks.assurance.records import find  # noqa: PLC0415 - loads the records

    wiring: AssuranceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = find(connection, words, most=most)
    show(
        found,
        _standing_line,
        as_json=as_json,
        values=_standing_values,
        none="No import has a certificate with these words.",
    )


@certificate.command()
@performs(Act.CONFIGURE)
def bind(
    context: typer.Context,
    identifier: Id,
    product: Annotated[str, typer.Argument(help="The product.", metavar="PRODUCT")],
    *,
    file: Annotated[
        Path | None, typer.Option(help="The certificate itself, to be kept.", exists=True, dir_okay=False)
    ] = None,
    source: Annotated[str, typer.Option(help="With --file: where it is from.")] = "",
    although: Annotated[
        str,
        typer.Option(
            help="Why it is the product's, though it names another product or holder.", metavar="REASON"
        ),
    ] = "",
    by: By = "system-administrator",
) -> None:
    """Register a certificate that an import has, and bind it to a product.

    One that names another product or holder is refused, unless --although says why it is the product's.
    """
    from trustworks.assurance.service import LARGEST_FILE  # noqa: PLC0415 - loads the records

    with open_register(context, by) as register:
        kept = None
        if file is not None:
            data = read_at_most(file, LARGEST_FILE + 1)
            kept = register.keep(data, name=file.name, source=source or "its owner", retrieved=today())
        register.bind_certificate(identifier, product, file=kept, although=although)
    typer.echo(f"Bound {identifier} to {product}.")


@certificate.command()
@performs(Act.CONFIGURE)
def unbind(
    context: typer.Context,
    identifier: Id,
    product: Annotated[str, typer.Argument(help="The product.", metavar="PRODUCT")],
    *,
    reason: Annotated[str, typer.Option(help="Why it is not the product's; goes into the audit log.")],
    by: By = "system-administrator",
) -> None:
    """Take a certificate from a product that it was bound to by mistake; both stay registered.

    One that ended, or that was replaced by another, stays bound: verdicts know from when to when it held.
    """
    with open_register(context, by) as register:
        register.unbind_certificate(identifier, product, reason=reason)
    typer.echo(f"{identifier} is no longer bound to {product}.")


@certificate.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the registered certificates."""
    from trustworks.assurance.records import EntryKind, entries  # noqa: PLC0415 - loads the records

    wiring: AssuranceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = list(entries(connection, EntryKind.CERTIFICATE).values())
    show(
        found,
        _standing_line,
        as_json=as_json,
        values=_standing_values,
        none="No certificate is registered. `trustworks assurance certificate import` reads what schemes "
        "publish, and `trustworks assurance certificate bind` registers one.",
    )


@certificate.command("show")
def show_(context: typer.Context, identifier: Id, *, as_json: AsJson = False) -> None:
    """Print a certificate, registered or imported: every fact with its source, also where these differ."""
    from trustworks.assurance.records import EntryKind, catalogued, decode, newest  # noqa: PLC0415 - as above

    wiring: AssuranceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        known = newest(connection, EntryKind.CERTIFICATE, identifier)
        others = catalogued(connection, identifier)
    found = decode(Certificate, known.content) if known is not None and known.content else None
    if found is None and not others:
        raise Rejected("assurance.certificate", f"Neither the register nor an import has {identifier!a:.80}.")
    shown = [found] if found is not None else others
    if as_json:
        typer.echo(json.dumps([values_of(one) for one in shown], indent=2, ensure_ascii=False))
        return
    for one in shown:
        typer.echo(f"{one.id}{'' if found is not None else '  (imported, not registered)'}")
        for fact in sorted(one.facts, key=lambda each: (each.name, each.provenance.kind)):
            source = f"{fact.provenance.name}, {fact.provenance.where}, {fact.provenance.retrieved:%Y-%m-%d}"
            typer.echo(printable(f"  {fact.name:<20} {value_text(fact.value)}  ({source})"))


@certificate.command("file")
def file_(
    context: typer.Context,
    sha256: Annotated[
        str, typer.Argument(help="SHA-256 of a kept file, or how it begins.", metavar="SHA256")
    ],
    *,
    out: Annotated[Path, typer.Option(help="Where to write it.")],
    replace: Annotated[bool, typer.Option("--replace", help="Let it take another file's place.")] = False,
) -> None:
    """Write a kept file as it came."""
    from trustworks.assurance.records import file, files  # noqa: PLC0415 - loads the records
    from trustworks.core.output import write_output  # noqa: PLC0415 - only here

    wiring: AssuranceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = [one for one in files(connection) if one.sha256.startswith(sha256.lower())]
        if len(found) != 1:
            raise Rejected(
                "assurance.file",
                f"{'No kept file begins' if not found else 'Several kept files begin'} with {sha256!a:.80}.",
            )
        kept = file(connection, found[0].sha256)
    assert kept is not None  # noqa: S101 - it is on the list
    write_output(out, [kept.content], replace=replace)


def _line(one: Certificate) -> str:
    told = [
        value_text(fact.value)
        for name in (
            FactName.PRODUCT,
            FactName.STANDARD,
            FactName.OVERALL_LEVEL,
            FactName.EAL,
            FactName.STATUS,
            FactName.ENDS,
        )
        for fact in one.told(name)[:1]
    ]
    return f"{one.id:<40} {', '.join(told)}"


def _standing(one: Certificate) -> Standing:
    from trustworks.assurance.engine.standing import standing_of  # noqa: PLC0415 - loads the rules
    from trustworks.assurance.rulesets import SHIPPED, load  # noqa: PLC0415 - as above

    return standing_of(one, load(SHIPPED[0]), today().date())


def _standing_line(one: Certificate) -> str:
    found = _standing(one)
    old = "" if found.oldest is None else f"; its source of {found.oldest} is old"
    return f"{_line(one)}  [{found.told}{old}]"


def _standing_values(one: Certificate) -> dict[str, Any]:
    found = _standing(one)
    return values_of(one) | {
        "standing": {
            "today": found.value,
            "why": found.told,
            "old_source_of": None if found.oldest is None else found.oldest.isoformat(),
        }
    }
