"""What signed files are called where nobody says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed
from trustworks.core.printable import printable
from trustworks.signing.cli.asked import format_of
from trustworks.signing.model import Onto, Packaging, ending_of, usual_packaging

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from trustworks.signing.cli.asked import Shape
    from trustworks.signing.model import Container


def suffix_of(first: Path, shape: Shape) -> str:
    """What the name of a signed file ends with: as before, where it was one and gets one more signature."""
    if shape.onto is not Onto.NEW and first.suffix:
        return first.suffix
    form = shape.format or format_of(first)
    packaging = shape.packaging or usual_packaging(form, shape.container)
    return ending_of(form, packaging, shape.container)


def beside(first: Path, shape: Shape) -> Path:
    """The name of a signed file beside its first document."""
    return first.with_name(f"{first.stem}.signed{suffix_of(first, shape)}")


def not_held(
    files: Sequence[Path], onto: Onto, packaging: Packaging, container: Container | None
) -> Sequence[Path]:
    """Those of the documents that the signed file does not hold, so that it may not stand in their place."""
    if onto is not Onto.NEW:
        return files[1:]
    return files if packaging is Packaging.DETACHED and container is None else ()


def in_folder(files: Iterable[Path], out: Path, shape: Shape) -> Mapping[Path, Path]:
    """Where each file of a folder goes: a suffix that would be lost stays, for a.txt and a.doc are two files.

    Raises `Malformed` where two files would have one name all the same.
    """
    found: dict[Path, Path] = {}
    whose: dict[Path, Path] = {}
    for file in files:
        suffix = suffix_of(file, shape)
        kept = file.stem if file.suffix == suffix else file.name
        place = out / f"{kept}.signed{suffix}"
        if place in whose:
            raise Malformed(
                printable(
                    f"{whose[place].name} and {file.name} would both become {place.name}. Rename one, or "
                    "sign it by itself."
                )
            )
        whose[place] = file
        found[file] = place
    return found
