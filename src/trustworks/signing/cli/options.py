"""Options that `sign` and `augment` have alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TRUST = Annotated[
    list[Path] | None,
    typer.Option(
        help="Trust anchors: a certificate (PEM or DER), a folder of them, or one that `trustworks trust "
        "refresh` fills. Default: those of [validation] in the configuration. B-LT and B-LTA need some."
    ),
]
TSA = Annotated[
    str | None,
    typer.Option(help="The time-stamping authority, such as http://127.0.0.1:8080/tsa.", metavar="URL"),
]
UNTRUSTED = Annotated[
    list[Path] | None,
    typer.Option(help="Further certificates, revocation lists and OCSP answers: a file or a folder."),
]
NETWORK = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NETWORK",
        help="A network that evidence is fetched from although it is not public (10.0.0.0/8).",
    ),
]
CACHE = Annotated[Path | None, typer.Option(help="A folder that keeps fetched evidence while it counts.")]
EARLIER = Annotated[
    bool,
    typer.Option(
        "--earlier-status",
        help="For B-LT and B-LTA: take revocation data from before the signature too, as fresh as the "
        "validation policy asks. Default: it has to be newer than the signature.",
    ),
]
OFFLINE = Annotated[bool, typer.Option("--offline", help="Fetch nothing: what is needed is given.")]
