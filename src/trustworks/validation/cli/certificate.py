"""`trustworks trust certificate`: what a certificate is qualified for, then and when it was issued."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from trustworks.core.errors import Malformed
from trustworks.core.moments import read_moment
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.validation.cli.exits import Exit


def certificate(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="CERT",
            help="The certificate (PEM or DER); in PEM those of its issuers may follow it.",
        ),
    ],
    *,
    store: Annotated[
        Path, typer.Option("--trust", metavar="DIR", help="Directory of the trusted lists.")
    ] = Path("trust"),
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The time that is asked for, in UTC. Default: now."),
    ] = None,
    domain: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The website that it is to be for: a host's name or address."),
    ] = None,
    untrusted: Annotated[
        list[Path] | None,
        typer.Option(help="Certificates between it and the list: a file or a folder."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a certificate is qualified for by the trusted lists, at a time and at issuance (TS 119 615).

    Exit codes: 0 qualified (with --domain: for that website), 1 not, 2 indeterminate, 3 no certificate that
    can be read; 64 wrong options, or what they name cannot be read. Revocation is not looked at.
    """
    from trustworks.core.pki.building import CertificatePool  # noqa: PLC0415
    from trustworks.core.pki.tokens import Certificate  # noqa: PLC0415
    from trustworks.core.pki.trusted_lists.store import TrustStore  # noqa: PLC0415 - keeps `--help` quick
    from trustworks.validation.determining import Answer, determined  # noqa: PLC0415
    from trustworks.validation.given import certificates_of, extra_of  # noqa: PLC0415
    from trustworks.validation.report.determination import lines, plain  # noqa: PLC0415

    moment = datetime.now(UTC) if at is None else read_moment(at)
    opened = TrustStore.load(store, moment, overdue_lists=True)
    given = extra_of(untrusted or ())
    try:
        asked, *above = certificates_of(file)
    except Malformed as error:
        told = json.dumps({"error": str(error)}) if as_json else printable(f"Not readable: {error}")
        typer.echo(told, err=not as_json)
        raise typer.Exit(Exit.UNREADABLE) from None
    pool = CertificatePool([*above, *(Certificate.read(one.der) for one in given.certificates)])
    found = determined(asked, pool=pool, lists=opened, at=moment, site=domain)
    if as_json:
        typer.echo(json.dumps(plain(found), indent=2, ensure_ascii=False))
    else:
        for line in lines(found):
            typer.echo(printable(line))
    codes = {
        Answer.QUALIFIED: Exit.PASSED,
        Answer.NOT_QUALIFIED: Exit.FAILED,
        Answer.INDETERMINATE: Exit.INDETERMINATE,
    }
    raise typer.Exit(codes[found.answer])
