"""`trustworks perspective`: be a remote network perspective, and ask those of the configuration."""

from __future__ import annotations

import json
import ssl
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from trustworks.core.time import Clock
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.enrolment.caa import Resolver
    from trustworks.issuance.rules.perspectives import Sight

app = typer.Typer(
    no_args_is_help=True, help="Remote network perspectives: serve one, ask those that are configured."
)


class PerspectiveWiring(Protocol):
    """What these commands need of the application's wiring."""

    @property
    def lab(self) -> bool:
        """Whether this is a laboratory."""

    @property
    def issuance_settings(self) -> IssuanceSettings:
        """[issuance]."""

    def open_clock(self) -> Clock:
        """The clock."""


@app.command()
def serve(
    *,
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Address to listen at.")],
    certificate: Annotated[Path, typer.Option(help="Certificate of this perspective (PEM).")],
    key: Annotated[Path, typer.Option(help="Key of that certificate (PEM, mode 0600).")],
    client: Annotated[list[Path], typer.Option(help="Certificate of an authority that may ask (PEM).")],
    resolver: Annotated[
        str | None, typer.Option(metavar="ADDRESS:PORT", help="DNS resolver; not given: the system's.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, max=60, help="Seconds that a look may take.")] = 10.0,
    allow_private_addresses: Annotated[
        bool, typer.Option(help="Look at hosts of private networks too: for a laboratory.")
    ] = False,
    http_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of http-01, in a laboratory.")] = 80,
    tls_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port of tls-alpn-01, in a laboratory.")
    ] = 443,
) -> None:
    """Be a remote perspective: look at domains for the authorities whose certificates are named.

    It needs no configuration, no database and no token. Every other client is refused in the TLS handshake.
    """
    from trustworks.issuance.config import CaaSettings  # noqa: PLC0415
    from trustworks.issuance.config.acme import resolver_address  # noqa: PLC0415
    from trustworks.issuance.enrolment.acme.domains import CaaResolver  # noqa: PLC0415
    from trustworks.issuance.enrolment.acme.validation.resolver import DnsResolver  # noqa: PLC0415
    from trustworks.issuance.enrolment.perspectives import server  # noqa: PLC0415
    from trustworks.issuance.enrolment.perspectives.client import pinned  # noqa: PLC0415

    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise Malformed("Write --listen as HOST:PORT, such as 0.0.0.0:8444 or [::]:8444.")
    if resolver is not None:
        try:
            resolver_address(resolver)
        except ValueError as error:
            raise Malformed(f"--resolver is not understood: {error}.") from None
    looker = server.Looker(
        server.Bounds(
            validation_seconds=seconds,
            allow_private_addresses=allow_private_addresses,
            http_port=http_port,
            tls_port=tls_port,
        ),
        names=DnsResolver(resolver, seconds=seconds),
        records=CaaResolver(CaaSettings(domains=("any",), seconds=seconds), resolver),
    )
    context = pinned(ssl.Purpose.CLIENT_AUTH, client, own=certificate, key=key)
    address = (host.removeprefix("[").removesuffix("]"), int(port))
    try:
        serving = server.PerspectiveServer(address, looker, context)
    except OSError as error:
        raise Unavailable(
            "perspectives.listen",
            f"Nothing can listen at {listen}: {error.strerror}. Name an address of this host, a free port.",
        ) from error
    with serving:
        typer.echo(f"A perspective listens at {host}:{serving.server_address[1]}; Ctrl+C ends it.")
        serving.serve_forever()


@app.command()
def check(
    domain: Annotated[str, typer.Argument(help="A DNS name to look at, such as www.example.com.")],
    *,
    context: typer.Context,
    as_json: AsJson = False,
) -> None:
    """Ask the configured perspectives for the CAA records of a domain, and say whether they are enough.

    Exits with 1 when they are too few, do not answer, or see what others do not.
    """
    from trustworks.core.errors import Refused  # noqa: PLC0415
    from trustworks.issuance.enrolment.perspectives.client import corroboration_of  # noqa: PLC0415
    from trustworks.issuance.rules.perspectives import NotCorroboratedError, recorded  # noqa: PLC0415

    wiring: PerspectiveWiring = context.obj
    corroboration = corroboration_of(wiring.issuance_settings.perspectives, lab=wiring.lab)
    today = wiring.open_clock().now().utc.date()
    verdict = None
    seen: tuple[Sight, ...] = ()
    try:
        seen = corroboration.caa([domain], lambda resolver: _look_up(domain, resolver), today)
    except NotCorroboratedError as refused:
        seen, verdict = refused.seen, str(refused)
    except (Refused, Unavailable) as error:
        verdict = str(error)
    if as_json:
        typer.echo(json.dumps({"enough": verdict is None, "why": verdict, "perspectives": recorded(seen)}))
    else:
        for one in seen:
            typer.echo(f"{printable(one.name):<24}{one.region:<10}{printable(one.objection or 'sees it')}")
        typer.echo("Enough." if verdict is None else printable(verdict))
    if verdict is not None:
        raise typer.Exit(1)


def _look_up(domain: str, resolver: Resolver) -> None:
    """See that the records can be looked up, whatever they say."""
    from trustworks.issuance.enrolment.caa import relevant  # noqa: PLC0415

    relevant(domain, resolver, {})
