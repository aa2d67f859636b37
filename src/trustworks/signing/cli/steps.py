"""The first and the last of three steps, with a key elsewhere between them; and which options each has."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import typer

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.options import is_given
from trustworks.core.output import check_output, take_back, write_output
from trustworks.core.printable import printable
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.signing.create import Prepared
    from trustworks.signing.create.process import Creation, Signed
    from trustworks.signing.model import Document, Format, Level, Request, Signer

_COMPLETE: Final = frozenset(
    {
        *("files", "complete", "value", "out", "replace", "as_json", "password_file", "level", "form"),
        *("tsa", "trust", "untrusted", "network", "cache", "offline", "earlier_status"),
    }
)
_NOT_PREPARE: Final = frozenset({"key", "value", "out", "replace", "batch", "earlier_status"})
_NOT_AT_ONCE: Final = frozenset({"dtbs", "value"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a signed file goes, and how it is told. `read`: what the command reads besides the documents."""

    out: Path | None
    replace: bool
    as_json: bool
    read: tuple[Path | None, ...] = ()

    def sparing(self, documents: Sequence[Path]) -> Output:
        """It, where these documents are read too, and are not in what is written."""
        return replace(self, read=(*self.read, *documents))

    def check(self, place: Path) -> None:
        """Something can be written there, and in the place of no file that would be lost."""
        try:
            check_output(place, replace=self.replace, read=self.read)
        except Rejected as error:
            if self.out is not None or error.code != "output.unwritable":
                raise
            raise Rejected(error.code, f"{error} It is named by --out.") from error

    def write(self, signed: Signed, place: Path) -> None:
        """Write it whole or not at all, and say so."""
        write_output(place, signed.data.portions(), replace=self.replace)
        if self.as_json:
            typer.echo(json.dumps({"file": str(place), "level": signed.level}))
        else:
            typer.echo(printable(f"{place}: {signed.level}, verified."))


def check_options(context: typer.Context) -> None:
    """Options that a step has no use for are not passed over. Raises `Malformed`."""
    given = {
        one.name: one.opts[0] for one in context.command.params if one.name and is_given(context, one.name)
    }
    if "complete" in given:
        idle, which = given.keys() - _COMPLETE, "--complete"
        why = "What is signed was settled by --prepare: leave it out, or prepare anew."
    elif "prepare" in given:
        idle, which = given.keys() & _NOT_PREPARE, "--prepare"
        why = "It is of the signature that is made later, or by a key at hand: leave it out."
    else:
        idle, which = given.keys() & _NOT_AT_ONCE, "A signature by a key at hand"
        why = "--dtbs goes with --prepare, and --value with --complete."
    if idle:
        named = " and ".join(sorted(given[one] for one in idle))
        raise Malformed(f"{which} has no use for {named}. {why}")


def prepare_to(
    creation: Creation,
    request: Request,
    signer: Signer,
    places: tuple[Path, Path | None],
    *,
    as_json: bool,
) -> None:
    """Step 1: what is prepared goes to a new file, the data to be signed to another; its digest is told."""
    place, dtbs = places
    check_output(place)
    if dtbs is not None:
        if dtbs.resolve() == place.resolve():
            raise Malformed("--prepare and --dtbs name the same file. Name two: the card signs one of them.")
        check_output(dtbs)
    prepared = creation.prepare(request, signer)
    if dtbs is not None and not prepared.dtbs.is_held:
        raise Rejected(
            "signature.digest",
            "There is so much to be signed that its digest alone is held. Leave --dtbs out, and sign the "
            "digest that is told.",
        )
    if dtbs is not None:
        write_output(dtbs, [prepared.dtbs.octets])
    try:
        write_output(place, [prepared.encode()])
    except Rejected:
        if dtbs is not None:
            take_back(dtbs)
        raise
    digest = prepared.dtbs.digest
    told: dict[str, Any] = {
        "prepared": str(place),
        "scheme": prepared.dtbs.scheme,
        "hash": prepared.dtbs.hash_name,
        "digest": None if digest is None else digest.hex(),
    }
    if as_json:
        typer.echo(json.dumps(told))
        return
    typer.echo(printable(f"{place} is prepared, and to be signed by {told['scheme']}."))
    if digest is not None:
        typer.echo(f"{told['hash']}: {told['digest']}")


def prepared_in(state: Path, level: Level | None, form: Format | None) -> Prepared:
    """What step 1 wrote. Raises `Malformed`, also where another level or format than its own is asked for."""
    from trustworks.signing.create import Prepared  # noqa: PLC0415 - keeps `--help` quick

    prepared = Prepared.decode(_read(state))
    for flag, given, settled in (
        ("--level", level, prepared.level),
        ("--format", form, prepared.how.format),
    ):
        if given is not None and given != settled:
            raise Malformed(
                f"The signature was prepared as {settled}, and {flag} says {given}. Leave it out, or prepare "
                "anew."
            )
    return prepared


def complete_to(
    creation: Creation, prepared: Prepared, value: Path | None, documents: Sequence[Document], output: Output
) -> None:
    """Step 3. Raises `Rejected` (``signature.own``) for a value that is not one of what was prepared."""
    if value is None:
        raise Malformed("--complete needs --value FILE: what the key signed.")
    octets = _read(value)
    if output.out is None:
        raise Malformed("--complete needs --out FILE: where the signed file goes.")
    output.check(output.out)
    output.write(creation.complete(prepared, octets, documents), output.out)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from error
