"""`trustworks timestamp`: request, verify and inspect time-stamps; list those that were issued."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.moments import read_moment
from trustworks.core.options import AsJson
from trustworks.core.output import check_output, write_output

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from cryptography.x509 import Certificate

    from trustworks.core.store import Database
    from trustworks.timestamping.config import TimestampingSettings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Time-stamps: request, verify, inspect, list."
)

DATA = Annotated[Path, typer.Argument(help="The file that the time-stamp is over.", dir_okay=False)]
TOKEN = Annotated[
    Path, typer.Argument(help="The time-stamp: an answer (.tsr) or a bare token (.tst).", dir_okay=False)
]
FIRST = "The first moment (2026-01-31T12:00:00Z, or a day alone), in UTC unless it names a zone."
NOT_REVOKED = "Revocation was not checked."
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
AS_JSON = AsJson


class StoreWiring(Protocol):
    """What `issued` needs of the application's wiring."""

    def open_database(self) -> AbstractContextManager[Database]:
        """The database."""

    @property
    def timestamping_settings(self) -> TimestampingSettings:
        """[timestamping]. Raises `Rejected` when the configuration has none."""


@app.command()
def request(
    file: DATA,
    url: Annotated[str, typer.Option(help="The time-stamping authority, such as http://127.0.0.1:8080/tsa.")],
    hash_name: Annotated[str, typer.Option("--hash", help="The hash function of the imprint.")] = "sha256",
    policy: Annotated[
        str | None, typer.Option(help="The policy to ask for: an object identifier.", metavar="OID")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The new file for it: .tsr for the whole answer, else the token. Default: FILE.tst."
        ),
    ] = None,
    *,
    trust: Annotated[
        list[Path] | None,
        typer.Option(help="Trust anchors (PEM): also verify the token against them."),
    ] = None,
    tls_trust: Annotated[
        list[Path] | None,
        typer.Option(help="Trust anchors (PEM) of an HTTPS connection, in place of the system's."),
    ] = None,
    nonce: Annotated[bool, typer.Option(help="Send a random number that the answer has to repeat.")] = True,
    cert: Annotated[bool, typer.Option(help="Ask for the unit's certificate.")] = True,
    as_json: AS_JSON = False,
) -> None:
    """Get a time-stamp for a file. The file itself stays here; only its hash is sent."""
    from trustworks.timestamping import client, wire  # noqa: PLC0415 - keeps `--help` quick
    from trustworks.timestamping.verify import verify as verify_token  # noqa: PLC0415

    place = out or file.with_name(f"{file.name}.tst")
    check_output(place)
    anchors = _certificates(trust or [])
    digests = _digests(file)
    digest = digests(_hash(hash_name))
    query = wire.encode_request(
        digest,
        hash_name,
        policy=None if policy is None else _policy(policy),
        nonce=secrets.randbits(64) if nonce else None,
        cert_req=cert,
    )
    response = client.request_token(url, query, tls_trust=tls_trust or ())
    token = client.granted_token(response)
    view = client.check_answer(token, query)
    if anchors:
        verify_token(token, digests, anchors=anchors)
    write_output(place, [response if place.suffix == ".tsr" else token])
    from trustworks.timestamping.inspect import as_dict  # noqa: PLC0415

    found = as_dict(view) | {"file": str(place)}
    if as_json:
        typer.echo(json.dumps(found))
    else:
        typer.echo(f"{place}: {file.name} existed at {found['gen_time']} (serial {found['serial']}).")
        typer.echo(NOT_REVOKED if trust else "Its signer was not verified: give --trust, or use `verify`.")


@app.command()
def verify(
    file: DATA,
    token: TOKEN,
    trust: Annotated[list[Path], typer.Option(help="Trust anchors (PEM); may be given more than once.")],
    untrusted: Annotated[
        list[Path] | None,
        typer.Option(help="Further certificates (PEM) to build the path with."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="When the certificates must be valid (2026-01-31T12:00:00Z), in UTC unless it names a zone. "
            "Default: genTime."
        ),
    ] = None,
    *,
    as_json: AS_JSON = False,
) -> None:
    """Verify a time-stamp over a file. Exit code 1 when it does not hold, 2 when it cannot be read.

    Revocation is not looked at.
    """
    from trustworks.core.der.x509 import name_in_words  # noqa: PLC0415 - keeps `--help` quick
    from trustworks.core.pki.certificates import load_pem_file, named  # noqa: PLC0415
    from trustworks.timestamping.inspect import as_dict  # noqa: PLC0415
    from trustworks.timestamping.verify import verify as verify_token  # noqa: PLC0415

    found = verify_token(
        _token(token),
        _digests(file),
        anchors=_certificates(trust),
        untrusted=[one for file in untrusted or () for one in load_pem_file(file)],
        at=None if at is None else read_moment(at),
    )
    if as_json:
        path = [name_in_words(one.subject) for one in found.path]
        typer.echo(json.dumps(as_dict(found.token) | {"valid": True, "path": path}))
    else:
        typer.echo(f"Valid: {file.name} existed at {as_dict(found.token)['gen_time']}.")
        typer.echo(f"Signed by {named(found.path[0])},")
        typer.echo(f"trusted through {named(found.path[-1])}. {NOT_REVOKED}")


@app.command()
def inspect(token: TOKEN, *, as_json: AS_JSON = False) -> None:
    """Show what a time-stamp says. Nothing is verified."""
    from trustworks.timestamping.inspect import as_dict, as_text  # noqa: PLC0415
    from trustworks.timestamping.wire import read_token  # noqa: PLC0415

    found = as_dict(read_token(_token(token)))
    typer.echo(json.dumps(found) if as_json else as_text(found))


@app.command()
def issued(
    context: typer.Context,
    since: Annotated[str, typer.Option("--from", help=FIRST)],
    until: Annotated[str, typer.Option("--to", help="The first moment after it, written alike.")],
    unit: Annotated[str | None, typer.Option(help="Only tokens of this unit.")] = None,
    *,
    as_json: AS_JSON = False,
) -> None:
    """List the tokens of a period: those that a compromise or a wrong clock affects (EN 319 421, 7.13)."""
    from trustworks.timestamping import records  # noqa: PLC0415 - loads SQLAlchemy

    wiring: StoreWiring = context.obj
    begin, end = read_moment(since), read_moment(until)
    if begin >= end:
        raise Malformed(f"--from {since} is not before --to {until}; no token can be between them.")
    with wiring.open_database() as database:
        found = False
        for one in records.issued(database, since=begin, until=end, unit=unit):
            found = True
            line = one.as_dict()
            if as_json:
                typer.echo(json.dumps(line))
            else:
                typer.echo(
                    f"{line['gen_time']}  {one.serial}  {one.unit}  {one.imprint_hash}:{one.imprint.hex()}"
                )
        if not found and unit is not None:
            _check_unit(unit, wiring.timestamping_settings, database)


def _check_unit(unit: str, settings: TimestampingSettings, database: Database) -> None:
    """Refuse the name of a unit that neither is configured nor ever issued a token: a typing error."""
    from trustworks.timestamping import records  # noqa: PLC0415 - loads SQLAlchemy

    known = [one.name for one in settings.units]
    if unit not in known:
        known += [name for name in records.count(database, since=_FIRST, until=_LAST) if name not in known]
    if unit not in known:
        raise Rejected(
            "timestamp.unit", f"There is no time-stamping unit {unit!r}; there are: {', '.join(known)}."
        )


def _policy(text: str) -> str:
    from trustworks.core.settings import check_oid  # noqa: PLC0415

    try:
        return check_oid(text)
    except ValueError as error:
        raise Malformed(f"--policy: {error}, not {text!r}.") from None


def _hash(name: str) -> str:
    from trustworks.core.der.algorithms import HASHES  # noqa: PLC0415

    if name not in HASHES:
        raise Malformed(f"The hash function {name} is not known here; use one of {', '.join(HASHES)}.")
    return name


def _digests(file: Path) -> Callable[[str], bytes]:
    """The file's digest by a hash function, read piece by piece, and once: a pipe gives its data once."""

    @cache
    def digest(name: str) -> bytes:
        try:
            with file.open("rb") as stream:
                return hashlib.file_digest(stream, name).digest()
        except OSError as error:
            raise Malformed(f"{file} cannot be read: {error.strerror}.") from error

    return digest


def _token(file: Path) -> bytes:
    """The token in a file that holds an answer or the token itself."""
    from trustworks.core.durable import read_at_most  # noqa: PLC0415
    from trustworks.timestamping import client, wire  # noqa: PLC0415

    try:
        content = read_at_most(file, wire.MAX_TOKEN)
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from error
    if wire.is_response(content):
        return client.granted_token(content)
    return content


def _certificates(files: list[Path]) -> list[Certificate]:
    from trustworks.core.pki.certificates import readable_pem_file  # noqa: PLC0415

    return [certificate for file in files for certificate in readable_pem_file(file)]
