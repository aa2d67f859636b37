"""`trustworks certificate issue`: for a request that an officer has, or out of a decided application."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from trustworks.core.audit.canonical import canonical
from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.output import check_output, write_output
from trustworks.core.printable import printable
from trustworks.core.roles.model import NOT_NEEDED, Act
from trustworks.core.roles.performing import performs
from trustworks.issuance.cli.certificate import (
    IssuanceWiring,
    Replace,
    to_pem,
)
from trustworks.issuance.model import Issued
from trustworks.issuance.model.requests import Declarations, Door, PaymentServices, Request
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.rules.doors import check_door_of_actor
from trustworks.issuance.rules.keys import key_of_known_kind
from trustworks.issuance.wire import MAX_CSR, read_csr, read_limit, read_subject

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trustworks.core.audit import JSON
    from trustworks.core.roles.model import Person
    from trustworks.issuance.registration.model import Application
    from trustworks.issuance.registration.service import Registration

LACKS_EVIDENCE = (
    "Nobody looked at what it says of its subject: a laboratory may, and its certificates say TEST. "
    "Elsewhere it is issued out of an application (--application)."
)


class IssuingWiring(IssuanceWiring, Protocol):
    """What issuing needs of the application's wiring."""

    @property
    def lab(self) -> bool:
        """Whether this is a laboratory."""

    def open_registration(self) -> AbstractContextManager[Registration]:
        """The registration authority's desk."""


@performs(Act.ISSUE)
def issue(
    context: typer.Context,
    *,
    application: Annotated[
        str | None,
        typer.Option(
            help="Issue out of this application, which was decided: it says all of what follows but --out "
            "and --chain. Who or what is certified was looked at there."
        ),
    ] = None,
    profile: Annotated[str | None, typer.Option(help="The profile; see `trustworks profile list`.")] = None,
    csr: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The certification request (PKCS#10).")
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(
            help='The subject, for example "C=XX, GN=Anna, SN=Muster, CN=Anna Muster TEST"; none where the '
            "profile has no attributes."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the certificate here (PEM), in place of standard output.")
    ] = None,
    alternative_name: Annotated[
        list[str] | None,
        typer.Option(help="DNS:name, IP:address, email:address; may be given several times."),
    ] = None,
    days: Annotated[int | None, typer.Option(help="Days of validity. Default: the profile's.")] = None,
    authority: Annotated[
        str | None, typer.Option(help="The authority that issues. Default: the one that the profile names.")
    ] = None,
    by: By = "registration-officer",
    semantics: Annotated[
        bool, typer.Option("--semantics", help="State that the subject's identifier follows EN 319 412-1.")
    ] = False,
    limit: Annotated[
        str | None, typer.Option(help='State a limit on transactions, for example "EUR 5000" (qualified).')
    ] = None,
    identified_by: Annotated[
        str | None, typer.Option(help="State the method of Article 24, for example eIDAS2-acd (qualified).")
    ] = None,
    psd2_role: Annotated[
        list[str] | None, typer.Option(help="PSP_AS, PSP_PI, PSP_AI, PSP_IC; may be given several times.")
    ] = None,
    nca_name: Annotated[str | None, typer.Option(help="The competent authority's name (PSD2).")] = None,
    nca_id: Annotated[str | None, typer.Option(help="Its identifier, for example XX-NCA (PSD2).")] = None,
    chain: Annotated[
        bool, typer.Option("--chain", help="Write the authority's certificate behind it.")
    ] = False,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Issue a certificate for the public key of a request.

    The subject comes from this command alone. Of the request only the key counts, and what the profile
    honours. Certificates for persons, organisations and validated names are issued out of an application; in
    a laboratory without one, too.
    """
    wiring: IssuingWiring = context.obj
    check_door_of_actor(Door.OFFICER, by)
    given = (profile, csr, subject, alternative_name, days, authority, limit, identified_by, psd2_role)
    if application is not None:
        if any(one is not None and one != [] for one in (*given, nca_name, nca_id)) or semantics:
            raise Malformed(
                "The application says what its certificate is asked for: with --application leave out "
                "--profile, --csr, --subject and all that goes with them."
            )
        if out is not None:
            check_output(out, replace=replace)
        issued = _issue_decided(wiring, application, by=by, chain=chain)
        _tell(issued, application, out=out, chain=chain, replace=replace, as_json=as_json)
        return
    unnamed = profile is not None and not profile_named(profile).attributes
    if profile is None or csr is None or (subject is None and not unnamed):
        raise Malformed(
            "Say what is issued: --profile, --csr and --subject, or --application with the id of one that "
            "was decided."
        )
    octets, attributes = read_file(csr), () if subject is None else read_subject(subject)
    request = Request(
        profile=profile,
        csr=octets,
        subject=attributes,
        requested_by=by,
        door=Door.OFFICER,
        alternative_names=tuple(alternative_name or ()),
        days=days,
        semantics=semantics,
        authority=authority,
        declarations=Declarations(
            limit=None if limit is None else read_limit(limit),
            payment_services=payment_services(psd2_role or [], nca_name, nca_id),
            identification=identified_by,
        ),
    )
    if out is not None:
        check_output(out, replace=replace)
    wiring.check_not_subject(Act.ISSUE, by, persons_of(octets, request))
    approved = NOT_NEEDED
    if profile_named(profile).qc_type is not None and wiring.lab:
        # An application has its evidence, and an officer who compared it; what is typed here has neither.
        about: dict[str, JSON] = {"profile": profile, "request": digest_of_all(request, octets)}
        approved = wiring.approval("certificate.qualified", about, by=by)
    with wiring.open_issuance() as issuance:
        issuance.settle(by="issuance")
        issued = issuance.issue(request, also=lambda connection, _: approved.use(connection))
    _tell(issued, None, out=out, chain=chain, replace=replace, as_json=as_json)


def _issue_decided(wiring: IssuingWiring, identifier: str, *, by: str, chain: bool) -> Issued:
    """The certificate of a decided application, which is issued now unless it was."""
    from trustworks.issuance.registration.rules import concerned_by_all  # noqa: PLC0415 - loads the desk

    with wiring.open_registration() as desk:
        found = desk.application(identifier)
        wiring.check_not_subject(Act.ISSUE, by, concerned_by_all(found))
        found = desk.finish(identifier, by=by)
    check_was_issued(found)
    with wiring.open_issuance() as issuance:
        record = issuance.find(found.serial or "")
        assert record is not None and record.der is not None  # noqa: S101, PT018 - it is issued
        return Issued(
            serial=record.serial,
            profile=record.profile,
            certificate=record.der,
            chain=issuance.chain(record.authority) if chain else (),
        )


def check_was_issued(application: Application) -> None:
    """`Rejected` (registration.state) for an application that no certificate came out of."""
    if application.serial is not None:
        return
    if application.state == "received":
        remedy = f"have an officer decide on it: trustworks registration approve {application.id}"
    elif application.decisions:
        remedy = f"the last decision says why: {application.decisions[-1].reason}"
    else:
        remedy = "register another: trustworks registration submit"
    raise Rejected(
        "registration.state",
        f"The application {application.id} is {application.state}, and has no certificate; "
        f"{remedy.rstrip('.')}.",
    )


def _tell(
    issued: Issued, application: str | None, *, out: Path | None, chain: bool, replace: bool, as_json: bool
) -> None:
    pem = to_pem(issued.certificate, *(issued.chain if chain else ()))
    if out is not None:
        try:
            write_output(out, [pem.encode("ascii")], replace=replace)
        except Rejected as error:
            raise Rejected(
                error.code,
                f"The certificate {issued.serial} was issued. {error} Or read it by "
                f"`trustworks certificate show {issued.serial} --pem`.",
            ) from None
    if as_json:
        told = {"serial": issued.serial, "profile": issued.profile, "certificate": pem}
        more = {"application": application, "lacks_evidence": issued.lacks_evidence}
        typer.echo(json.dumps({**told, **more}))
    elif out is None:
        typer.echo(pem, nl=False)
    else:
        typer.echo(f"Issued {issued.serial} ({issued.profile}), written to {printable(str(out))}.")
    if issued.lacks_evidence and not as_json:
        typer.secho(LACKS_EVIDENCE, err=True, fg="yellow")


def digest_of_all(request: Request, csr: bytes) -> str:
    """The SHA-256 of everything that a request asks for: who approves one approves nothing else.

    It is over canonical JSON, so that no part can pass for another's; the request's key is in it, so that it
    gives no name away.
    """
    asked = {
        **dataclasses.asdict(request),
        "csr": hashlib.sha256(csr).hexdigest(),
        "requested_by": "",  # whoever of those who may carries out what was approved
    }
    return hashlib.sha256(canonical(json.loads(json.dumps(asked, default=str)))).hexdigest()


def persons_of(csr: bytes, request: Request) -> list[Person]:
    """The persons whom a request names, with the key that it brings: no officer handles his own."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - as below

    from trustworks.issuance.enrolment.officers import concerned_by  # noqa: PLC0415 - as below

    key: Any = key_of_known_kind(read_csr(csr).public_key())
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    names = request.alternative_names
    return concerned_by(request.subject, names, key_ids=[hashlib.sha256(spki).hexdigest()])


def payment_services(roles: list[str], name: str | None, identifier: str | None) -> PaymentServices | None:
    """What PSD2's three options say together; None without any of them."""
    if not roles and name is None and identifier is None:
        return None
    return PaymentServices(roles=tuple(roles), authority_name=name or "", authority=identifier or "")


def read_file(file: Path) -> bytes:
    """The request's file, and one octet more than a request may have, so that its length is judged."""
    return read_at_most(file, MAX_CSR)
