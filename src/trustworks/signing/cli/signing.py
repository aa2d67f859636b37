"""Documents signed by a key that is at hand, one or a folder of them."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import typer

from trustworks.core.errors import Malformed, TrustworksError
from trustworks.core.module.algorithms import SignatureScheme
from trustworks.core.output import check_output, write_output
from trustworks.core.printable import printable
from trustworks.core.values import dataclass
from trustworks.signing.cli.naming import in_folder
from trustworks.signing.events import signed as signed_event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from trustworks.core.audit import Event
    from trustworks.core.module import Key
    from trustworks.signing.cli.asked import Shape
    from trustworks.signing.create.process import Creation, Signed
    from trustworks.signing.model import Request, Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Who signs: a key with its certificate, what makes signatures, and who tells the audit log of them."""

    creation: Creation
    key: Key
    signer: Signer
    tell: Callable[[Event], None]


def sign_one(hand: Hand, request: Request) -> Signed:
    """One signature. The log is told before it is given out, also where nothing came of what the key signed.

    Raises what `Creation.sign` raises.
    """
    asked = []

    def tell(level: str, failed: BaseException | None = None) -> None:
        key = hand.key.spki_sha256
        hand.tell(signed_event(through="command", request=request, key=key, level=level, failed=failed))

    def value(octets: bytes) -> bytes:
        """Asked for once the rules let the scheme pass: before, it is any word."""
        asked.append(octets)
        return hand.key.sign(octets, scheme=SignatureScheme[hand.signer.scheme])

    def value_of_digest(digest: bytes) -> bytes:
        asked.append(digest)
        return hand.key.sign_digest(digest, scheme=SignatureScheme[hand.signer.scheme])

    try:
        made = hand.creation.sign(request, hand.signer, value, sign_digest=value_of_digest, key=hand.key.spki)
    except BaseException as error:
        if asked:
            tell(request.level.value, error)
        raise
    tell(made.level)
    return made


def sign_folder(
    hand: Hand,
    places: Sequence[Path],
    request: Callable[..., Request],
    shape: Shape,
    out: Path | None,
    *,
    replace: bool,
    as_json: bool,
) -> None:
    """Each file of a folder by itself, into another folder. One that fails is told, and the others go on.

    Raises `Malformed` for what is no folder, or where two files would get one name; ends with exit code 1
    where a file was not signed.
    """
    if len(places) != 1 or not places[0].is_dir() or out is None:
        raise Malformed("--batch signs the files of one folder, and needs --out with another folder.")
    if out.resolve() == places[0].resolve():
        raise Malformed(
            "--batch signs into another folder: in the same one, what is signed would be signed again the "
            "next time. Name another with --out."
        )
    files = sorted(one for one in places[0].iterdir() if one.is_file())
    if not files:
        raise Malformed(f"{places[0]} has no files.")
    names = in_folder(files, out, shape)
    try:
        out.mkdir(exist_ok=True)
    except OSError as error:
        raise Malformed(f"{out} cannot be made a folder: {error.strerror}.") from error
    failed = 0
    shown = not as_json and sys.stderr.isatty()
    with typer.progressbar(length=len(files), label="Signing", file=sys.stderr, hidden=not shown) as bar:
        for file in files:
            told: dict[str, str] = {"document": str(file)}
            try:
                place = names[file]
                check_output(place, replace=replace)
                made = sign_one(hand, request(file))
                write_output(place, made.data.portions(), replace=replace)
                told |= {"file": str(place), "level": made.level}
            except TrustworksError as error:
                failed += 1
                told["error"] = str(error)
            bar.update(1)
            _tell(told, as_json=as_json)
    if not as_json:
        typer.echo(f"{len(files) - failed} of {len(files)} files are signed.")
    if failed:
        raise typer.Exit(1)


def _tell(told: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(told))
    elif "error" in told:
        typer.echo(printable(f"{told['document']}: not signed. {told['error']}"), err=True)
    else:
        typer.echo(printable(f"{told['file']}: {told['level']}, verified."))
