"""`trustworks registration`: submit, evidence, domain, mailbox, list, show, decisions, finish, tidy."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, get_args

import typer

from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import Officers, performs
from trustworks.issuance.cli.applications import MAX_FILE, File, Identifier
from trustworks.issuance.cli.device import device
from trustworks.issuance.cli.domain import domain
from trustworks.issuance.cli.mailbox import mailbox
from trustworks.issuance.registration.model import PERFORMED, State
from trustworks.issuance.registration.wire import (
    ApplicationBody,
    EvidenceBody,
    application_json,
    evidence_json,
    read_json,
    review_json,
)
from trustworks.issuance.wire import limit_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from trustworks.issuance.registration.model import Act as Decided
    from trustworks.issuance.registration.model import Application, IdentityEvidence, Review
    from trustworks.issuance.registration.service import Registration

registration = typer.Typer(
    no_args_is_help=True, help="Registration: applications, evidence of identity, decisions."
)

registration.add_typer(domain, name="domain")
registration.add_typer(mailbox, name="mailbox")
registration.add_typer(device, name="device")

Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the decision.")]


class RegistrationWiring(Officers, Protocol):
    """What these commands need of the application's wiring."""

    def open_registration(self) -> AbstractContextManager[Registration]:
        """The registration authority's desk."""


@registration.command()
@performs(Act.REGISTER)
def submit(
    context: typer.Context,
    file: File,
    csr: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="The certification request (PKCS#10, PEM), unless FILE has it."
        ),
    ] = None,
    by: By = "registration-officer",
    *,
    as_json: AsJson = False,
) -> None:
    """Take an application for a certificate in. `trustworks registration example` prints one."""
    wiring: RegistrationWiring = context.obj
    text = read_at_most(file, MAX_FILE)
    try:
        body: ApplicationBody = read_json(ApplicationBody, text if csr is None else _with_csr(text, csr))
    except Malformed as error:
        remedy = " Name the request's file by --csr." if csr is None and "csr: " in str(error) else ""
        raise Malformed(f"{error}{remedy}") from None
    with wiring.open_registration() as desk:
        application = desk.submit(body.read(), by=by)
    _tell(
        application,
        f"Received {application.id}. Add evidence: trustworks registration evidence {application.id} FILE.",
        as_json,
    )


def _with_csr(text: bytes, csr: Path) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return text.decode(errors="replace")  # told as what it is by who reads it next
    pem = read_at_most(csr, MAX_FILE).decode("ascii", errors="replace")
    return json.dumps({**found, "csr": pem} if isinstance(found, dict) else found)


@registration.command()
@performs(Act.REGISTER)
def evidence(
    context: typer.Context,
    application: Identifier,
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, help="The JSON file; see docs/registration.md."),
    ] = None,
    take_over: Annotated[
        str | None,
        typer.Option("--from", metavar="{application}", help="Let the evidence of this application serve."),
    ] = None,
    by: By = "registration-officer",
    *,
    as_json: AsJson = False,
) -> None:
    """Record what shows an identity, or let the evidence of an earlier application serve again."""
    wiring: RegistrationWiring = context.obj
    if (file is None) == (take_over is None):
        raise Rejected("registration.evidence", "Name a file with the evidence, or --from an application.")
    body: EvidenceBody | None = (
        None if file is None else read_json(EvidenceBody, read_at_most(file, MAX_FILE))
    )
    with wiring.open_registration() as desk:
        if body is not None:
            pieces: tuple[IdentityEvidence, ...] = (desk.add_evidence(application, **body.read(), by=by),)
        else:
            pieces = desk.take_over_evidence(application, str(take_over), by=by)
        review = desk.review(application)
    if as_json:
        typer.echo(json.dumps({"evidence": [evidence_json(one) for one in pieces]}))
        return
    for one in pieces:
        typer.echo(f"Recorded {one.id} about the {one.about.value}.")
    _tell_objections(review)


@registration.command("list")
def list_(
    context: typer.Context,
    state: Annotated[
        list[str] | None,
        typer.Option(help=f"Of {', '.join(get_args(State))}; several times if need be."),
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Only applications by this profile.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only subjects that have this in their name.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    *,
    as_json: AsJson = False,
) -> None:
    """List applications; who waits longest comes first."""
    wiring: RegistrationWiring = context.obj
    for given in state or ():
        if given not in get_args(State):
            raise Rejected(
                "registration.state", f"There is no state {given!r}; use {', '.join(get_args(State))}."
            )
    states: Any = tuple(state or ())
    with wiring.open_registration() as desk:
        found = desk.list(states=states, profile=profile, subject=subject, limit=limit)
    if as_json:
        typer.echo(json.dumps({"applications": [application_json(one) for one in found]}))
        return
    for one in found:
        name = "(erased)" if one.erased else ", ".join(f"{kind}={value}" for kind, value in one.subject)
        typer.echo(
            f"{one.id}  {one.state:<10}{one.received_at:%Y-%m-%d %H:%M}  {one.asked.profile:<24}"
            f"{printable(name)}"
        )
    if not found:
        typer.echo("No application fits.")


@registration.command()
def show(context: typer.Context, application: Identifier, *, as_json: AsJson = False) -> None:
    """Show an application beside its evidence, attribute by attribute, and what stands against it."""
    wiring: RegistrationWiring = context.obj
    with wiring.open_registration() as desk:
        review = desk.review(application)
    if as_json:
        typer.echo(json.dumps(review_json(review)))
        return
    found = review.application
    typer.echo(
        f"{found.id}  {found.state}  {found.asked.profile}  received {found.received_at:%Y-%m-%d %H:%M} UTC"
    )
    for one in review.comparison:
        mark = "=" if one.agrees else "≠"
        shown = ", ".join(one.shown) or ("assigned, or made of the name" if one.agrees else "nothing shown")
        typer.echo(printable(f"  {one.attribute:<24}{one.asked}  {mark}  {shown}"))
    limit = review.declarations.limit
    if limit is not None:
        typer.echo(printable(f"  {'limit':<24}{limit_text(limit)}  as the applicant wants it"))
    if review.declarations.identification is not None:
        typer.echo(f"  {'identification':<24}{review.declarations.identification}  as the evidence came")
    for piece in found.evidence:
        typer.echo(
            printable(
                f"  evidence {piece.id}: {piece.method}, {piece.source}, {piece.established_on} "
                f"({piece.about.value})"
            )
        )
    for shown_by in found.devices:
        last = "" if shown_by is found.device else ", not the last"
        typer.echo(
            printable(
                f"  device {shown_by.id}: {shown_by.product} {shown_by.serial_number}, {shown_by.way}, "
                f"{shown_by.source}, {shown_by.established_on}{last}"
            )
        )
    for decision in found.decisions:
        typer.echo(
            printable(f"  {decision.act} by {decision.by} on {decision.at:%Y-%m-%d %H:%M}: {decision.reason}")
        )
    if found.serial is not None:
        typer.echo(f"  certificate {found.serial}")
    if found.state == "received":
        _tell_objections(review)


def _approved(done: Application) -> str:
    if done.state == "issued":
        return f"Issued {done.serial}: trustworks certificate show {done.serial} --pem."
    return f"Approved, and {done.state}: {done.decisions[-1].reason}"


# By the name of the desk's method: what it does, and what is said afterwards.
_DECISIONS: Final[dict[Decided, tuple[str, Callable[[Application], str]]]] = {
    "approve": ("Decide that the certificate is issued, and have it issued.", _approved),
    "reject": ("Decide that no certificate is issued.", lambda done: f"Rejected {done.id}."),
    "withdraw": (
        "Take an application back that no certificate was issued for.",
        lambda done: f"Withdrew {done.id}.",
    ),
}


def _decision(name: str, act: Act, told: Callable[[Application], str]) -> Callable[..., None]:
    """The command of one decision."""

    @performs(act)
    def decide(
        context: typer.Context,
        application: Identifier,
        reason: Reason,
        by: By = "registration-officer",
        *,
        as_json: AsJson = False,
    ) -> None:
        wiring: RegistrationWiring = context.obj
        with wiring.open_registration() as desk:
            done = getattr(desk, name)(application, by=by, reason=reason)
        _tell(done, told(done), as_json)

    return decide


for _name, (_help, _told) in _DECISIONS.items():
    registration.command(_name, help=_help)(_decision(_name, PERFORMED[_name], _told))


@registration.command()
@performs(Act.OPERATE)
def finish(context: typer.Context, by: By = "system-operator", *, as_json: AsJson = False) -> None:
    """Issue what is approved and was not issued, after a crash or an outage.

    What concerns the operator himself is left to another, and to the clock.
    """
    wiring: RegistrationWiring = context.obj
    with wiring.open_registration() as desk:
        done = desk.finish_all(by=by)
    typer.echo(json.dumps({"finished": done}) if as_json else f"Finished {len(done)} application(s).")


@registration.command()
@performs(Act.OPERATE)
def tidy(context: typer.Context, by: By = "retention", *, as_json: AsJson = False) -> None:
    """Withdraw what nobody decided on in time, and erase what need not be kept any longer."""
    wiring: RegistrationWiring = context.obj
    with wiring.open_registration() as desk:
        withdrawn, erased = desk.tidy(by=by)
    if as_json:
        typer.echo(json.dumps({"withdrawn": withdrawn, "erased": erased}))
    else:
        typer.echo(f"Withdrew {len(withdrawn)} and erased {len(erased)} application(s).")


@registration.command()
def example() -> None:
    """Print an application and a piece of evidence to begin with."""
    typer.echo(json.dumps(_EXAMPLE, indent=2))


_EXAMPLE = {
    "application": {
        "profile": "natural-qcp-n-qscd",
        "kind": "natural",
        "subject": {
            "countryName": "XX",
            "givenName": "Anna Maria",
            "surname": "Muster",
            "serialNumber": "TEST-1",
            "commonName": "Anna Muster TEST",
        },
        "terms": "1",
        "contact": "anna@example.com",
    },
    "evidence": {
        "about": "subject",
        "method": "physical-presence",
        "source": "passport XX",
        "established_on": "2026-11-27",
        "facts": {
            "countryName": "XX",
            "givenName": "Anna Maria",
            "surname": "Muster",
            "dateOfBirth": "1990-01-01",
        },
    },
    "device": {
        "product": "TEST device of the laboratory",
        "way": "personalised",
        "key": "0" * 64,
        "serial_number": "TEST-CARD-1",
        "source": "personalised by the desk; handover signed by the subject",
        "established_on": "2026-11-27",
    },
}


def _tell(application: Application, sentence: str, as_json: bool) -> None:  # noqa: FBT001 - the option's value
    typer.echo(json.dumps(application_json(application)) if as_json else printable(sentence))


def _tell_objections(review: Review) -> None:
    if review.may_be_approved:
        typer.echo("Nothing stands against an approval.")
        return
    typer.echo("Before it can be approved:")
    for one in review.objections:
        typer.echo(printable(f"  {one.sentence} ({one.requirement})"))
