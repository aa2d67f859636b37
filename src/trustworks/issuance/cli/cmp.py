"""`trustworks cmp`: what requests of CMP and EST are authorised by."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from trustworks.core.errors import Rejected
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs
from trustworks.core.roles.rules.separation import person_of
from trustworks.issuance.cli.waiting import (
    EnrolmentWiring,
    Folder,
    request_app,
)
from trustworks.issuance.enrolment.names import holder_of
from trustworks.issuance.wire import read_subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.issuance.enrolment.secrets import Credentials, NewCredential
    from trustworks.issuance.records.cmp import Credential
    from trustworks.issuance.records.renewals import Renewals

app = typer.Typer(no_args_is_help=True, help="Enrolment by CMP and EST: secrets and certificates it goes by.")
secret_app = typer.Typer(no_args_is_help=True, help="Shared secrets: create, list, withdraw.")
certificate_app = typer.Typer(no_args_is_help=True, help="Certificates of other authorities: register.")
app.add_typer(secret_app, name="secret")
app.add_typer(certificate_app, name="certificate")
app.add_typer(request_app, name="request")

LAB_PROFILE: Final = "device"
LAB_SUBJECT: Final = "CN=*"
DAYS: Final = 1096


Profile = Annotated[
    str | None,
    typer.Option(
        help="The profile of the certificates; see `trustworks profile list`. A laboratory: device."
    ),
]
Subject = Annotated[
    str | None,
    typer.Option(
        help='The subject that requests must have, for example "CN=pump 7"; * stands for any characters. '
        "A laboratory: CN=*."
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--alternative-name", help="A name that may be asked for, DNS:name or IP:address; several times."
    ),
]
AskOfficer = Annotated[
    bool,
    typer.Option(
        "--ask-officer",
        help="Each request waits until an officer decides on it (`trustworks cmp request`).",
    ),
]
Uses = Annotated[int, typer.Option(help="How many certificates it is good for.")]
Days = Annotated[int, typer.Option(help="Days until it ends.")]
RenewalCount = Annotated[
    int | None,
    typer.Option(
        "--renewals",
        help="How often its certificates may be renewed by who holds them, all together. Default: ten times "
        "for each use.",
    ),
]
RenewalDays = Annotated[int, typer.Option(help="Days within which its certificates may be renewed.")]


@contextmanager
def open_credentials(wiring: EnrolmentWiring) -> Iterator[Credentials]:
    """The credentials of enrolment, with an audit stream of their own."""
    from trustworks.issuance.enrolment.secrets import Credentials  # noqa: PLC0415

    with (
        wiring.open_database() as database,
        wiring.open_recorder("enrolment", database=database) as recorder,
        wiring.open_enrolment_key() as key,
    ):
        yield Credentials(
            database=database,
            recorder=recorder,
            clock=wiring.open_clock(),
            key=key,
            lab=wiring.lab,
        )


def new_credential(
    wiring: EnrolmentWiring,
    *,
    profile: str | None,
    subject: str | None,
    names: list[str] | None,
    uses: int,
    days: int,
    by: str,
    ask_officer: bool,
    renewals: int | None,
    renewal_days: int,
) -> NewCredential:
    """What a credential is for. Outside a laboratory profile and subject are the officer's to say."""
    from trustworks.issuance.enrolment.secrets import NewCredential  # noqa: PLC0415

    if (profile is None or subject is None) and not wiring.lab:
        raise Rejected(
            "enrolment.purpose",
            "Say by --profile and --subject which certificates it is for; only a laboratory has defaults.",
        )
    named = subject or LAB_SUBJECT
    # An officer authorises nobody of his own name; `Credentials` looks at patterns that would let it pass.
    concerned = person_of({one.type: one.value for one in read_subject(named)})
    wiring.check_not_subject(Act.AUTHORISE, by, [concerned])
    return NewCredential(
        profile=profile or LAB_PROFILE,
        subject=named,
        alternative_names=tuple(names or ()),
        uses=uses,
        days=days,
        by=by,
        ask_officer=ask_officer,
        renewals=renewals,
        renewal_days=renewal_days,
    )


@secret_app.command()
@performs(Act.AUTHORISE)
def create(
    context: typer.Context,
    folder: Folder = None,
    profile: Profile = None,
    subject: Subject = None,
    alternative_name: Names = None,
    *,
    uses: Uses = 1,
    days: Days = 7,
    renewals: RenewalCount = None,
    renewal_days: RenewalDays = DAYS,
    reference: Annotated[
        str | None, typer.Option(help="What the client names it by. Default: 16 random digits.")
    ] = None,
    ask_officer: AskOfficer = False,
    by: By = "registration-officer",
    as_json: AsJson = False,
) -> None:
    """Create a shared secret; it is shown this once. Works beside running services."""
    del folder  # see `_of_laboratory`
    wiring: EnrolmentWiring = context.obj
    new = new_credential(
        wiring,
        profile=profile,
        subject=subject,
        names=alternative_name,
        uses=uses,
        days=days,
        by=by,
        ask_officer=ask_officer,
        renewals=renewals,
        renewal_days=renewal_days,
    )
    with open_credentials(wiring) as credentials:
        named, secret = credentials.create_secret(new, reference=reference)
    if as_json:
        typer.echo(json.dumps({"reference": named, "secret": secret}))
    else:
        typer.echo(f"reference  {named}\nsecret     {secret}")
        typer.echo(
            "The secret is shown this once. Give it to the client over a channel that nobody else reads."
        )


@secret_app.command("list")
def list_secrets(
    context: typer.Context,
    folder: Folder = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most, newest first.")] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List secrets and registered certificates, newest first; never the secrets themselves."""
    from trustworks.issuance.records import cmp as records  # noqa: PLC0415
    from trustworks.issuance.records.renewals import all_renewals  # noqa: PLC0415

    del folder
    wiring: EnrolmentWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = records.list_credentials(connection, limit=limit)
        renewals = all_renewals(connection, found)
    if as_json:
        typer.echo(json.dumps([as_dict(one, renewals[one.reference]) for one in found]))
        return
    for one in found:
        state = "withdrawn" if one.withdrawn_at is not None else f"{one.used} of {one.uses} used"
        ends = f"until {one.expires_at:%Y-%m-%d %H:%M}"
        renewed = renewals[one.reference]
        told = f"{renewed.made} of {renewed.most} renewals until {renewed.until:%Y-%m-%d %H:%M}"
        typer.echo(
            f"{one.reference}  {one.kind:<11}  {state:<16}  {ends}  {told}  {one.profile}  "
            f"{printable(one.subject)}"
        )


def as_dict(found: Credential, renewals: Renewals) -> dict[str, Any]:
    """A credential as JSON values."""
    return {
        "reference": found.reference,
        "kind": found.kind,
        "profile": found.profile,
        "subject": found.subject,
        "alternative_names": list(found.alternative_names),
        "ask_officer": found.ask_officer,
        "uses": found.uses,
        "used": found.used,
        "renewals": renewals.most,
        "renewed": renewals.made,
        "renewals_until": renewals.until.isoformat(),
        "created_at": found.created_at.isoformat(),
        "created_by": found.created_by,
        "expires_at": found.expires_at.isoformat(),
        "withdrawn_at": None if found.withdrawn_at is None else found.withdrawn_at.isoformat(),
    }


@secret_app.command()
@performs(Act.AUTHORISE)
def withdraw(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(help="The reference.")],
    folder: Folder = None,
    by: By = "registration-officer",
    *,
    as_json: AsJson = False,
) -> None:
    """Withdraw a secret or a registered certificate: it authorises nothing any more, and no renewals."""
    del folder
    wiring: EnrolmentWiring = context.obj
    with open_credentials(wiring) as credentials:
        credentials.withdraw(reference, by=by)
    typer.echo(
        json.dumps({"reference": reference, "withdrawn": True}) if as_json else f"Withdrew {reference}."
    )


@certificate_app.command()
@performs(Act.AUTHORISE)
def register(
    context: typer.Context,
    certificate: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The certificate (PEM) of another authority.")
    ],
    *,
    folder: Folder = None,
    profile: Profile = None,
    subject: Subject = None,
    alternative_name: Names = None,
    uses: Uses = 1,
    days: Days = 7,
    renewals: RenewalCount = None,
    renewal_days: RenewalDays = DAYS,
    ask_officer: AskOfficer = False,
    by: By = "registration-officer",
    authority: Annotated[
        bool,
        typer.Option(
            "--registration-authority",
            help="It is a registration authority's (id-kp-cmcRA): it asks for others, and its word that it "
            "saw their proofs of possession counts.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let CMP messages that are signed with this certificate's key ask for certificates."""
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    from trustworks.core.pki.certificates import readable_pem_file  # noqa: PLC0415

    del folder
    wiring: EnrolmentWiring = context.obj
    read = readable_pem_file(certificate)[0]
    wiring.check_not_subject(Act.AUTHORISE, by, [holder_of(read)])
    new = new_credential(
        wiring,
        profile=profile,
        subject=subject,
        names=alternative_name,
        uses=uses,
        days=days,
        by=by,
        ask_officer=ask_officer,
        renewals=renewals,
        renewal_days=renewal_days,
    )
    with open_credentials(wiring) as credentials:
        reference = credentials.register_certificate(
            read.public_bytes(Encoding.DER), new, authority=authority
        )
    typer.echo(json.dumps({"reference": reference}) if as_json else f"Registered {reference}.")
