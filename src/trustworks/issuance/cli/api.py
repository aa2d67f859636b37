"""`trustworks api`: clients of the JSON API, and a client's sign-in."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import Officers, performs
from trustworks.issuance.cli.webhooks import webhook

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trustworks.issuance.enrolment.clients import ApiClients

api = typer.Typer(no_args_is_help=True, help="The JSON API: its clients, and a client's sign-in.")
client = typer.Typer(no_args_is_help=True, help="Clients: systems that speak the JSON API.")
api.add_typer(client, name="client")
api.add_typer(webhook, name="webhook")

_MAX_FILE = 65_536
_USUAL = (Act.ISSUE.value, Act.REVOKE.value, Act.RELEASE.value, Act.READ_RECORDS.value)
Name = Annotated[str, typer.Argument(metavar="{client}", help="The client's name.")]


class ApiWiring(Officers, Protocol):
    """What these commands need of the application's wiring."""

    def open_api_clients(self) -> AbstractContextManager[ApiClients]:
        """The clients of the JSON API."""


@client.command()
@performs(Act.CHANGE_ROLES)
def create(
    context: typer.Context,
    name: Name,
    certificate: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The certificate (PEM) of the client's key.")
    ],
    profile: Annotated[
        list[str], typer.Option(help="A profile by which it may have certificates issued; several times.")
    ],
    may: Annotated[
        list[str] | None,
        typer.Option(help=f"What it may do; several times. Default: {', '.join(_USUAL)}."),
    ] = None,
    *,
    by: By = "security-officer",
    as_json: AsJson = False,
) -> None:
    """Let a system speak the API. Its secret is shown once, here; only a hash of it is kept."""
    from cryptography import x509  # noqa: PLC0415 - the command line starts without it
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    wiring: ApiWiring = context.obj
    try:
        der = x509.load_pem_x509_certificate(read_at_most(certificate, _MAX_FILE)).public_bytes(Encoding.DER)
    except ValueError:
        raise Malformed(f"--certificate: {certificate} holds no certificate in PEM.") from None
    about = {"client": name, "certificate": hashlib.sha256(der).hexdigest()}
    given = {"acts": sorted(may or _USUAL), "profiles": sorted(profile)}
    approved = wiring.approval("api.client", about | given, by=by)
    with wiring.open_api_clients() as clients:
        made, secret = clients.create(
            name, der, acts=may or _USUAL, profiles=profile, by=by, also=approved.use
        )
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "client": made.name,
                    "secret": secret,
                    "key": made.key_id,
                    "acts": sorted(made.acts),
                    "profiles": sorted(made.profiles),
                }
            )
        )
    else:
        typer.echo(f"Client {made.name}. Its secret, shown this once: {secret}")


@client.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the clients that there are or were."""
    wiring: ApiWiring = context.obj
    with wiring.open_api_clients() as clients:
        found = clients.list()
    if as_json:
        told = [
            {
                "client": one.name,
                "key": one.key_id,
                "acts": sorted(one.acts),
                "profiles": sorted(one.profiles),
                "added_at": one.added_at.isoformat(),
                "added_by": one.added_by,
                "removed_at": None if one.removed_at is None else one.removed_at.isoformat(),
            }
            for one in found
        ]
        typer.echo(json.dumps({"clients": told}))
        return
    for one in found:
        state = "" if one.removed_at is None else f"  removed on {one.removed_at:%Y-%m-%d}"
        typer.echo(f"{one.name:<20}{', '.join(sorted(one.acts))}  {', '.join(sorted(one.profiles))}{state}")
    if not found:
        typer.echo("There are no clients.")


@client.command()
@performs(Act.LOCK_OPERATOR)
def remove(context: typer.Context, name: Name, by: By = "security-officer") -> None:
    """Let a client in no more; its tokens end at once."""
    wiring: ApiWiring = context.obj
    with wiring.open_api_clients() as clients:
        clients.remove(name, by=by)
    typer.echo(f"Removed {name}.")


@api.command("sign-in")
def sign_in(
    url: Annotated[str, typer.Option(help="The API's address, for example https://tsp.example.com/api/v1.")],
    name: Annotated[str, typer.Option("--client", help="The client's name.")],
    key: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The client's private key (PEM).")],
    secret_file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="The secret's file. Default: a line of standard input."
        ),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Trust anchors for HTTPS (PEM).")
    ] = None,
) -> None:
    """Sign in as a client would, and print the token: for curl, and as an example."""
    import httpx  # noqa: PLC0415 - only where something is sent

    from trustworks.core.roles import jws  # noqa: PLC0415
    from trustworks.core.roles.signers import open_signer  # noqa: PLC0415
    from trustworks.issuance.enrolment.clients import SIGN_IN_TYPE, sign_in_payload  # noqa: PLC0415

    line = sys.stdin.readline() if secret_file is None else secret_file.read_text(encoding="utf-8")
    secret = line.strip()
    verify: bool | str = True if ca_file is None else str(ca_file)
    try:
        with httpx.Client(verify=verify, timeout=30) as http:
            audience = http.get(f"{url}/openapi.json").raise_for_status().json()["servers"][0]["url"]
            with open_signer(str(key), ask=_no_passphrase, lab=True) as signer:
                token = jws.sign(
                    sign_in_payload(name, secret, audience, datetime.now(UTC)), signer, typ=SIGN_IN_TYPE
                )
            answer = http.post(f"{url}/sessions", json={"jws": token})
            found = answer.json()
    except (httpx.HTTPError, ValueError, LookupError) as error:
        raise Unavailable("api.unreachable", f"The API at {url} does not answer as one: {error}.") from None
    if answer.status_code != 201:
        raise Rejected("api.sign-in", f"The API refused the sign-in: {found.get('detail', answer.text)}")
    typer.echo(found["token"])


def _no_passphrase(question: str) -> str:
    raise Rejected("api.key", f"{question}: a client's key has none; protect its file by its mode.")
