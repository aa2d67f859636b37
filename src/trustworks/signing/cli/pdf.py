"""What the command line says of a signature in a PDF: how it looks, what it locks, the password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed
from trustworks.signing.cli.asked import octets_of
from trustworks.signing.model import CLI, Visible
from trustworks.signing.model.pdf import LONGEST_PASSWORD, MOST_PICTURE

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.formats.pades.creating import Shown
    from trustworks.signing.model.pdf import Corner


def visible_of(
    *,
    text: str | None,
    image: Path | None,
    at: str | None,
    page: int | None,
    corner: Corner | None,
    alternative: str | None,
    field: str | None,
) -> Shown | None:
    """The options of a visible signature as the writer of PDF has it; `field`: the one that is signed.

    Raises:
        Malformed: options do not go together, or cannot be read.
        Rejected: ``pdf.look``, ``pdf.place``.
    """
    picture = None if image is None else octets_of(image, "picture of a signature", MOST_PICTURE)
    return Visible(
        text=text,
        picture=picture,
        rectangle=None if at is None else _rectangle(at),
        page=page,
        corner=corner,
        alternative=alternative,
        in_field=field,
    ).shown(CLI)


def _rectangle(said: str) -> tuple[float, float, float, float]:
    try:
        left, bottom, width, height = (float(one) for one in said.split(","))
    except ValueError:
        raise Malformed(
            f"--visible-at is four numbers of points, LEFT,BOTTOM,WIDTH,HEIGHT, such as 60,60,200,80; "
            f"{said[:60]!r} is not."
        ) from None
    return left, bottom, width, height


def password_in(file: Path) -> str:
    """A password: the text of a file, without the end of its line. Raises `Malformed`."""
    octets = octets_of(file, "file of a password", LONGEST_PASSWORD)
    try:
        password = octets.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Malformed(f"{file} is no file of a password: it is not in UTF-8.") from None
    if not password:
        raise Malformed(f"{file} is no file of a password: it is empty.")
    return password
