"""What the command line says of a signature in a PDF: how it looks, what it locks, the password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.values import dataclass
from trustworks.formats.pades.creating import Lock, Look, Place, Shown
from trustworks.signing.cli.asked import octets_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LONGEST_PASSWORD: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Visible:
    """The options of a visible signature, as they were given; `field`: the one that is signed."""

    text: str | None
    image: Path | None
    at: str | None
    page: int | None
    field: str | None

    def shown(self) -> Shown | None:
        """As the model of PDF signatures has it; None where nothing is to be seen.

        Raises:
            Malformed: options do not go together, or cannot be read.
            Rejected: ``pdf.look``, ``pdf.place``.
        """
        if self.text is None and self.image is None:
            if self.at is not None or self.page is not None:
                raise Malformed(
                    "--visible-at and --visible-page go with --visible-text or --visible-image, which say "
                    "what is shown there."
                )
            return None
        if self.at is None and (self.page is not None or self.field is None):
            raise Malformed(
                "Say where the signature is visible: --visible-at LEFT,BOTTOM,WIDTH,HEIGHT, or --field alone "
                "with a field that has its place in the PDF."
            )
        picture = None if self.image is None else octets_of(self.image, "picture of a signature")
        place = None
        if self.at is not None:
            page = 1 if self.page is None else self.page
            place = Place(page=page, rectangle=_rectangle(self.at))
        return Shown(look=Look(text=self.text, picture=picture), place=place)


def _rectangle(said: str) -> tuple[float, float, float, float]:
    try:
        left, bottom, width, height = (float(one) for one in said.split(","))
    except ValueError:
        raise Malformed(
            f"--visible-at is four numbers of points, LEFT,BOTTOM,WIDTH,HEIGHT, such as 60,60,200,80; "
            f"{said[:60]!r} is not."
        ) from None
    return left, bottom, width, height


def lock_of(named: Sequence[str], but: Sequence[str], *, everything: bool) -> Lock | None:
    """Which fields are locked; None: none. Raises `Malformed` where that is said in two ways."""
    if (bool(named), bool(but), everything).count(True) > 1:
        raise Malformed("Give one of --lock, --lock-except and --lock-all.")
    if everything:
        return Lock(action="All")
    if named:
        return Lock(action="Include", fields=tuple(named))
    return Lock(action="Exclude", fields=tuple(but)) if but else None


def password_in(file: Path) -> str:
    """A password: the text of a file, without the end of its line. Raises `Malformed`."""
    octets = octets_of(file, "file of a password", _LONGEST_PASSWORD)
    try:
        password = octets.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Malformed(f"{file} is no file of a password: it is not in UTF-8.") from None
    if not password:
        raise Malformed(f"{file} is no file of a password: it is empty.")
    return password
