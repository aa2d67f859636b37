"""`trustworks certificate`: issue, revoke, release, show, list, settle."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import timedelta
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import typer

from trustworks.core.audit.canonical import canonical
from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.moments import read_moment
from trustworks.core.output import check_output, write_output
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import Officers, performs
from trustworks.core.roles.rules.separation import person_of
from trustworks.issuance import records
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.model.requests import Declarations, PaymentServices, Request
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.rules.keys import key_of_known_kind
from trustworks.issuance.rules.requests import check_is_person
from trustworks.issuance.rules.revocation_requests import KINDS
from trustworks.issuance.wire import MAX_CSR, as_stored, read_csr, read_limit, read_serial, read_subject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from trustworks.core.audit import JSON
    from trustworks.core.roles.model import Person
    from trustworks.core.store import Database
    from trustworks.issuance.model import CertificateRecord, NameAttribute, Revocation
    from trustworks.issuance.service import Issuance

app = typer.Typer(no_args_is_help=True, help="Certificates: issue, revoke, show, list.")

By = Annotated[
    str,
    typer.Option("--by", help="The role or pseudonym that acts; it goes into the audit log for good."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Replace = Annotated[
    bool, typer.Option("--replace", help="Replace the file of --out if there is one. Default: refuse.")
]
MAX_AGE: Final = 10 * 366 * 86400
Serial = Annotated[str, typer.Argument(help="The serial number, hexadecimal.")]


class IssuanceWiring(Officers, Protocol):
    """What these commands need of the application's wiring."""

    def open_issuance(self, role: str = "issuance") -> AbstractContextManager[Issuance]:
        """The certification authorities."""

    def open_database(self) -> AbstractContextManager[Database]:
        """The database, for the commands that only look."""


@app.command()
@performs(Act.ISSUE)
def issue(
    context: typer.Context,
    *,
    profile: Annotated[str, typer.Option(help="The profile; see `trustworks profile list`.")],
    csr: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The certification request (PKCS#10).")
    ],
    subject: Annotated[
        str, typer.Option(help='The subject, for example "C=XX, GN=Anna, SN=Muster, CN=Anna Muster TEST".')
    ],
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
    honours.
    """
    wiring: IssuanceWiring = context.obj
    check_is_person(by)
    octets, attributes = read_file(csr), read_subject(subject)
    request = Request(
        profile=profile,
        csr=octets,
        subject=attributes,
        requested_by=by,
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
    wiring.check_not_subject(Act.ISSUE, by, [concerned_by(octets, attributes)])
    if profile_named(profile).qc_type is not None:
        # An application has its evidence, and an officer who compared it; what is typed here has neither.
        about: dict[str, JSON] = {"profile": profile, "request": digest_of_all(request, octets)}
        wiring.approved("certificate.qualified", about, by=by)
    with wiring.open_issuance() as issuance:
        issuance.settle(by="issuance")
        issued = issuance.issue(request)
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
        typer.echo(json.dumps({"serial": issued.serial, "profile": issued.profile, "certificate": pem}))
    elif out is None:
        typer.echo(pem, nl=False)
    else:
        typer.echo(f"Issued {issued.serial} ({issued.profile}), written to {printable(str(out))}.")


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


def concerned_by(csr: bytes, subject: Sequence[NameAttribute]) -> Person:
    """The person whom a request names, with the key that it brings: no officer handles his own."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - as below

    key: Any = key_of_known_kind(read_csr(csr).public_key())
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return person_of({one.type: one.value for one in subject}, key_ids=[hashlib.sha256(spki).hexdigest()])


def holders(wiring: IssuanceWiring, serial: str) -> list[Person]:
    """The person whom a certificate names, with its key; nobody where there is none of that number."""
    from cryptography import x509  # noqa: PLC0415 - the command line starts without it

    from trustworks.issuance.enrolment.names import holder_of  # noqa: PLC0415 - as above

    with wiring.open_database() as database, database.read() as connection:
        found = records.certificate(connection, serial)
    if found is None or found.der is None:
        return []
    return [holder_of(x509.load_der_x509_certificate(found.der))]


def payment_services(roles: list[str], name: str | None, identifier: str | None) -> PaymentServices | None:
    """What PSD2's three options say together; None without any of them."""
    if not roles and name is None and identifier is None:
        return None
    return PaymentServices(roles=tuple(roles), authority_name=name or "", authority=identifier or "")


def read_file(file: Path) -> bytes:
    """The request's file, and one octet more than a request may have, so that its length is judged."""
    return read_at_most(file, MAX_CSR)


def to_pem(*certificates: bytes) -> str:
    """Certificates in PEM, one after the other."""
    from cryptography import x509  # noqa: PLC0415 - the command line starts without it
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    return "".join(
        x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode("ascii") for der in certificates
    )


@app.command()
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
    """Revoke a certificate for good, or hold it (--reason certificateHold). OCSP says so at once.

    Recorded without trusted time, too; OCSP and lists tell it as soon as they have trusted time to sign. Who
    asked, and when, is kept: `trustworks revocation list --all`. A request that waits, for its confirmation
    or for a moment to come, is recorded by `trustworks revocation request`.
    """
    from trustworks.issuance.revocation import Reception  # noqa: PLC0415 - loads the service

    wiring: IssuanceWiring = context.obj
    number, why = read_serial(serial), reason_named(reason)
    lost = None if invalidity_date is None else read_moment(invalidity_date)
    wiring.check_not_subject(Act.REVOKE, by, holders(wiring, number))
    with wiring.open_issuance() as issuance:
        publish = next(
            (one.parent or one.name for one in issuance.authorities() if one.serial == number), None
        )
        if publish is not None:  # with an authority goes all that it issued
            wiring.approved("revocation.mass", {"serial": number, "reason": why.name}, by=by)
        asked = Reception(
            kind=kind,
            requester=requester or by,
            received_at=None if received_at is None else read_moment(received_at),
            confirmed_how=confirmed_how,
        )
        done = issuance.revoke(number, why, by=by, invalidity_date=lost, asked=asked)
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


@app.command()
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


@app.command()
def show(
    context: typer.Context,
    serial: Serial,
    *,
    pem: Annotated[bool, typer.Option("--pem", help="Print the certificate in PEM.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is known about a certificate."""
    wiring: IssuanceWiring = context.obj
    number = read_serial(serial)
    with wiring.open_database() as database, database.read() as connection:
        found = records.certificate(connection, number)
    if found is None:
        raise Rejected("issuance.not-issued", f"No certificate has the serial number {number}.")
    if pem:
        if found.der is None:
            raise Rejected("issuance.not-issued", f"The certificate {number} is {found.state}, not issued.")
        typer.echo(to_pem(found.der), nl=False)
    elif as_json:
        typer.echo(json.dumps(as_dict(found)))
    else:
        typer.echo(
            "\n".join(f"{name:<14}{value}" for name, value in as_dict(found).items() if value is not None)
        )


def as_dict(found: CertificateRecord) -> dict[str, Any]:
    """A certificate's record as JSON values."""
    revocation = found.revocation
    return {
        "serial": found.serial,
        "state": found.state,
        "status": status_word(found),
        "profile": found.profile,
        "authority": found.authority,
        "subject": found.subject,
        "not_before": found.not_before.isoformat(),
        "not_after": found.not_after.isoformat(),
        "requested_by": found.requested_by,
        "issued_at": None if found.issued_at is None else found.issued_at.isoformat(),
        "revoked_at": None if revocation is None else revocation.revoked_at.isoformat(),
        "reason": None if revocation is None else revocation.reason.name,
        "invalidity_date": (
            None
            if revocation is None or revocation.invalidity_date is None
            else revocation.invalidity_date.isoformat()
        ),
    }


def status_word(found: CertificateRecord) -> str:
    """What the status services say, in a word."""
    if found.state != "issued":
        return "not released"
    if found.revocation is None:
        return "good"
    return "held" if found.revocation.reason is RevocationReason.certificateHold else "revoked"


@app.command("list")
def list_certificates(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="issued, issuing or abandoned.")] = None,
    profile: Annotated[str | None, typer.Option(help="Only certificates of this profile.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only where the subject's name has this in it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most, newest first.")] = 50,
    *,
    revoked: Annotated[
        bool | None, typer.Option("--revoked/--not-revoked", help="Only these.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List certificates, newest first."""
    full = None if profile is None else profile_named(profile).name
    if state not in {None, "issued", "issuing", "abandoned"}:
        raise Malformed(f"{state!r} is no state; use issued, issuing or abandoned.")
    wiring: IssuanceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = records.list_certificates(
            connection,
            state=state,
            profile=full,
            revoked=revoked,
            subject=None if subject is None else as_stored(subject),
            limit=limit,
        )
    if as_json:
        typer.echo(json.dumps([as_dict(one) for one in found]))
        return
    for one in found:
        typer.echo(f"{one.serial}  {status_word(one):<12}  {one.profile:<20}  {one.subject}")


@app.command()
@performs(Act.OPERATE)
def settle(
    context: typer.Context,
    older_than: Annotated[
        int,
        typer.Option(
            min=0,
            max=MAX_AGE,
            help="Seconds, up to ten years; only intents that were recorded before that are closed.",
        ),
    ] = 300,
    by: By = "operator",
    *,
    as_json: AsJson = False,
) -> None:
    """Close intents to issue that a crash left open; their certificates were never released."""
    wiring: IssuanceWiring = context.obj
    with wiring.open_issuance() as issuance:
        closed = issuance.settle(by=by, older_than=timedelta(seconds=older_than))
    if as_json:
        typer.echo(json.dumps({"closed": closed}))
    else:
        typer.echo("\n".join([f"{len(closed)} intents were closed.", *closed]))
