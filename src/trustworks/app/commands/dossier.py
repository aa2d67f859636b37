"""`trustworks dossier`: whether a dossier is as it was sealed, and what differs between two of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.assurance.dossier.diff import Change
    from trustworks.assurance.dossier.verify import Seal, Verdict

app = typer.Typer(no_args_is_help=True, help="Dossiers: verify, compare. Needs no configuration.")


@app.callback()
def dossier() -> None:
    """Dossiers of trustworthy systems and products: verify, compare. Needs no configuration."""


@app.command()
def verify(
    place: Annotated[Path, typer.Argument(metavar="DIR|FILE", help="The dossier.")],
    trust: Annotated[
        list[Path] | None,
        typer.Option(
            help="Trust anchors (PEM, DER) in files or folders, for the seal and its time-stamps. Without "
            "them nobody is trusted, and only what belongs together is verified."
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Verify every file, the seals and their time-stamps, by the dossier alone. Exit code 1: not so."""
    from trustworks.assurance.dossier.verify import verify as look  # noqa: PLC0415 - keeps `--help` quick

    verdict = look(place, trust=tuple(trust or ()))
    if as_json:
        typer.echo(json.dumps({"ok": verdict.ok, **asdict(verdict)}))
    else:
        for line in _lines(verdict, trusting=bool(trust)):
            typer.echo(printable(line))
    if not verdict.ok:
        raise typer.Exit(1)


def _lines(verdict: Verdict, *, trusting: bool) -> Iterator[str]:
    about = verdict.about
    yield f"Of {about.get('provider', 'nobody')}, made {about.get('made', 'never')} by {about.get('product')}"
    yield f"{verdict.files} files in the manifest {verdict.manifest}"
    yield from (_seal(one) for one in verdict.seals)
    yield from (f"- {one}" for one in verdict.findings)
    if verdict.more:
        yield f"- and {verdict.more} more"
    if not verdict.ok:
        yield "THE DOSSIER IS NOT AS IT WAS SEALED, or its seal is not believed."
    elif trusting:
        yield "Every file is as it was sealed, and the seals and time-stamps are by who is trusted here."
    else:
        yield "Every file is as it was sealed; nobody was trusted: --trust says by whom a seal is believed."
    yield str(about.get("statement", ""))


def _seal(one: Seal) -> str:
    believed = {None: "nobody was trusted", True: "trusted", False: "NOT TRUSTED"}[one.trusted]
    return (
        f"Seal on {one.over}: {one.level}, {one.subject}, {one.time_stamps} time-stamps from {one.stamped}; "
        f"{believed}"
    )


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The dossier from before.")],
    new: Annotated[Path, typer.Argument(help="The dossier from after.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Print what differs, verdicts that fell first. Exit code 1: something does.

    Verdicts, products field by field, documents, evidence, notices, keys, identities, points of the annex.
    Neither is verified here: `trustworks dossier verify` does that.
    """
    from trustworks.assurance.dossier.diff import diff as compare  # noqa: PLC0415 - as above

    found = compare(old, new)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False))
    else:
        for line in _differences(old, new, found):
            typer.echo(printable(line))
        if not found:
            typer.echo("Nothing differs.")
    if found:
        raise typer.Exit(1)


def _differences(old: Path, new: Path, found: Sequence[Change]) -> Iterator[str]:
    """Which two they are, then what differs; verdicts are counted, and told with why."""
    from trustworks.assurance.dossier.diff import FELL, ROSE, heads  # noqa: PLC0415 - as above

    one, other = heads(old, new)
    yield f"Before: {one.provider}, made {one.made}, manifest {one.manifest[:16]}"
    yield f"After:  {other.provider}, made {other.made}, manifest {other.manifest[:16]}"
    if one.provider != other.provider:
        yield "THEY ARE OF TWO PROVIDERS."
    if other.made < one.made:
        yield "The second was made before the first."
    verdicts = [each for each in found if each.kind == "verdict"]
    counts = {word: sum(each.note.startswith(word) for each in verdicts) for word in (FELL, ROSE)}
    if verdicts:
        left = len(verdicts) - sum(counts.values())
        yield f"Verdicts: {counts[FELL]} fell, {counts[ROSE]} rose, {left} new or gone."
    for each in found:
        yield f"{each.kind:<9} {each.about}: {_short(each.before)} -> {_short(each.after)}"
        if each.note:
            yield f"          {each.note}"


def _short(text: str) -> str:
    """A product that is new or gone has all its columns: what is in them, in one line."""
    if not text.startswith("{"):
        return text
    filled = {name: value for name, value in json.loads(text).items() if value and value != "missing"}
    return "; ".join(f"{name}: {value}" for name, value in filled.items())
