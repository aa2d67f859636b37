"""The files of a folder, each signed by itself: what was signed before stays, what is no file is told."""

from __future__ import annotations

import json
import stat
import sys
from collections import Counter
from typing import TYPE_CHECKING, Final

import typer

from trustworks.core.errors import Malformed, TrustworksError, Unavailable
from trustworks.core.output import check_output, write_output
from trustworks.core.printable import printable
from trustworks.signing.cli.asked import data_of
from trustworks.signing.cli.naming import in_folder, not_held
from trustworks.signing.cli.signing import sign_one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from trustworks.signing.cli.asked import Shape
    from trustworks.signing.cli.signing import Hand
    from trustworks.signing.create.process import Signed
    from trustworks.signing.model import Request

_INTERRUPTED: Final = 130
"""The exit code of what SIGINT ended, as shells have it: 128 and the number of the signal."""
_HIDDEN: Final = "hidden"
_LINK: Final = "a symbolic link, which is not followed"
_FOLDER: Final = "a folder, whose files are signed by themselves"
_OTHER: Final = "no regular file"
_COUNTED: Final = {_HIDDEN: "hidden", _LINK: "symbolic links", _FOLDER: "folders", _OTHER: "no regular files"}


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

    An output that is there and is what would be made stays, and is told as there. Where a service or the
    module does not serve, nothing more is tried.

    Raises `Malformed` for what is no folder, or where two files would get one name; ends with exit code 1
    where a file was not signed, with 130 where it was interrupted (Ctrl+C).
    """
    if len(places) != 1 or not places[0].is_dir() or out is None:
        raise Malformed("--batch signs the files of one folder, and needs --out with another folder.")
    if out.resolve() == places[0].resolve():
        raise Malformed(
            "--batch signs into another folder: in the same one, what is signed would be signed again the "
            "next time. Name another with --out."
        )
    files, others = _sorted_out(places[0], out)
    names = in_folder(files, out, shape)
    for one, why in others.items():
        _tell({"document": str(one), "passed_over": why}, as_json=as_json)
    if not files:
        raise Malformed(f"{printable(str(places[0]))} has no files to be signed.{_passed_over(others)}")
    try:
        out.mkdir(exist_ok=True)
    except OSError as error:
        raise Malformed(f"{out} cannot be made a folder: {error.strerror}.") from error
    done = _Done(hand, names, replace=replace, as_json=as_json)
    shown = not as_json and sys.stderr.isatty()
    code = 0
    with typer.progressbar(length=len(files), label="Signing", file=sys.stderr, hidden=not shown) as bar:
        for file in files:
            try:
                done.sign(file, request)
            except (Unavailable, KeyboardInterrupt) as error:
                interrupted = isinstance(error, KeyboardInterrupt)
                code = _INTERRUPTED if interrupted else 1
                why = "It was interrupted." if interrupted else str(error)
                _tell({"stopped": why, "left": len(files) - done.tried}, as_json=as_json)
                break
            bar.update(1)
    if not as_json:
        before = f", {done.there} of them before" if done.there else ""
        typer.echo(
            f"{done.signed + done.there} of {len(files)} files are signed{before}.{_passed_over(others)}"
        )
    if code or done.signed + done.there < len(files):
        raise typer.Exit(code or 1)


class _Done:
    """What became of the files so far."""

    def __init__(self, hand: Hand, names: Mapping[Path, Path], *, replace: bool, as_json: bool) -> None:
        self._hand, self._names = hand, names
        self._replace, self._as_json = replace, as_json
        self.signed = self.there = self.failed = 0

    @property
    def tried(self) -> int:
        """Files that are settled: signed, there, or refused."""
        return self.signed + self.there + self.failed

    def sign(self, file: Path, request: Callable[..., Request]) -> None:
        """One file. What is wrong with it is told; raises `Unavailable` where it is not the file."""
        told: dict[str, object] = {"document": str(file)}
        place = self._names[file]
        try:
            asked = request(file)
            made = self._made_before(asked, place)
            if made is not None:
                self.there += 1
                told |= {"file": str(place), "level": made.level, "there": True}
            else:
                check_output(place, replace=self._replace, read=self._not_held(file, asked))
                made = sign_one(self._hand, asked)
                write_output(place, made.data.portions(), replace=self._replace)
                self.signed += 1
                told |= {"file": str(place), "level": made.level}
        except Unavailable:
            raise
        except TrustworksError as error:
            self.failed += 1
            told["error"] = str(error)
        _tell(told, as_json=self._as_json)

    @staticmethod
    def _not_held(file: Path, asked: Request) -> Sequence[Path]:
        return not_held([file], asked.onto, asked.packed_as, asked.container)

    def _made_before(self, asked: Request, place: Path) -> Signed | None:
        """What an earlier run has left, if it is what would be made now."""
        if self._replace or place.is_symlink() or not place.is_file():
            return None
        return self._hand.creation.made_before(asked, self._hand.signer, data_of(place))


def _sorted_out(folder: Path, out: Path) -> tuple[list[Path], dict[Path, str]]:
    """The files of a folder, and what else is in it, with why it is not signed; `out` may be in it."""
    files, others = [], {}
    for one in sorted(folder.iterdir()):
        why = _why_not(one)
        if why is None:
            files.append(one)
        elif why is not _FOLDER or one.resolve() != out.resolve():
            others[one] = why
    return files, others


def _why_not(one: Path) -> str | None:
    try:
        mode = one.lstat().st_mode
    except OSError as error:
        raise Malformed(f"{printable(str(one))} cannot be read: {error.strerror}.") from error
    if stat.S_ISLNK(mode):
        return _LINK
    if stat.S_ISDIR(mode):
        return _FOLDER
    if not stat.S_ISREG(mode):
        return _OTHER
    return _HIDDEN if one.name.startswith(".") else None


def _passed_over(others: Mapping[Path, str]) -> str:
    if not others:
        return ""
    counted: Iterable[tuple[str, int]] = sorted(Counter(others.values()).items())
    return f" Passed over: {', '.join(f'{number} {_COUNTED[why]}' for why, number in counted)}."


def _tell(told: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(told))
    elif "passed_over" in told:
        typer.echo(printable(f"{told['document']}: passed over, {told['passed_over']}."), err=True)
    elif "stopped" in told:
        typer.echo(
            printable(
                f"Stopped. {told['stopped']} {told['left']} files are left: the same command goes on with "
                "them."
            ),
            err=True,
        )
    elif "error" in told:
        typer.echo(printable(f"{told['document']}: not signed. {told['error']}"), err=True)
    elif "there" in told:
        typer.echo(printable(f"{told['file']}: {told['level']}, verified. It was there already."))
    else:
        typer.echo(printable(f"{told['file']}: {told['level']}, verified."))
