"""Options that `sign` and `augment` have alike, and those of a PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trustworks.signing.model.pdf import Corner

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
PASSWORD = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        help="PAdES: the password that opens an encrypted PDF, in a file that nobody else reads.",
    ),
]
DESCRIPTION = Annotated[
    str | None, typer.Option(metavar="TEXT", help="CAdES: what the content is, for people (content-hints).")
]
SIGN_KEY_INFO = Annotated[
    bool, typer.Option("--sign-key-info", help="XAdES: sign the certificates in KeyInfo, too.")
]
LOCK = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FIELD",
        help="PAdES: a field that may not be changed afterwards; may be given more than once.",
    ),
]
LOCK_ALL = Annotated[
    bool, typer.Option("--lock-all", help="PAdES: no field of the PDF may be changed afterwards.")
]
LOCK_EXCEPT = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FIELD",
        help="PAdES: no field but this may be changed afterwards; may be given more than once.",
    ),
]
VISIBLE_TEXT = Annotated[
    str | None, typer.Option(metavar="TEXT", help="PAdES: a visible signature, and what it says.")
]
VISIBLE_IMAGE = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="PAdES: a visible signature, and its picture (PNG or JPEG)."),
]
VISIBLE_AT = Annotated[
    str | None,
    typer.Option(
        metavar="LEFT,BOTTOM,WIDTH,HEIGHT",
        help="PAdES: where it is visible, in points from the left and the lower edge of the page as it is "
        "shown (60,60,200,80). Default: where the field of --field is.",
    ),
]
VISIBLE_PAGE = Annotated[
    int | None,
    typer.Option(metavar="N", help="PAdES: on which page, with --visible-at; -1 is the last. Default: 1."),
]
VISIBLE_CORNER = Annotated[
    Corner | None,
    typer.Option(help="PAdES: from which corner --visible-at counts. Default: bottom-left."),
]
VISIBLE_ALTERNATIVE = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="PAdES: what is read out to those who do not see it. Default: its text; with a picture alone "
        "that there is a digital signature.",
    ),
]
