"""What a signature to be added to a PDF is like, said by who adds it."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final, Literal

from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from trustworks.formats.pades.creating.look import Shown

ROOM: Final = 16_384
"""Octets that Contents has room for where nothing is said: a CMS with certificates and a time-stamp."""
MOST_ROOM: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """What a widget shows: the operators of a content stream, and what they name.

    `box` is the form's own coordinate system (left, bottom, right, top), which is fitted into the widget.
    `resources` is a resource dictionary; fonts and images in it are `NewStream`, or dictionaries with them.
    `turned` are the degrees, counter-clockwise, by which the form is turned before it is fitted (Matrix).
    """

    content: bytes = field(repr=False)
    box: tuple[float, float, float, float]
    resources: Mapping[str, object] = field(default_factory=dict)
    turned: Literal[0, 90, 180, 270] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """Where a signature is shown: the number of the page, from 1; left, bottom, right and top on it.

    `alternative` is what is read out in its place (TU).
    """

    page: int
    rectangle: tuple[float, float, float, float]
    appearance: Appearance
    alternative: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Fields that may not be changed after the signature: all, those named, or all but those (FieldMDP)."""

    action: Literal["All", "Include", "Exclude"]
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.action == "All") == bool(self.fields):
            raise Rejected(
                "pdf.lock", "A lock of fields names all fields and no single one, or names them and not all."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A signature to be added. `time` becomes M: a claim, in the octets that are signed.

    `field` is the name of an empty signature field, or of one to be made; None: one to be made, with a name
    that is free. `widget` None: a new field is invisible, an existing one stays as it looks; `Shown` says in
    a person's words what a `Widget` says in those of PDF. `certify` is the
    P of DocMDP (1: no changes, 2: forms, 3: annotations too). `room` octets are kept for the CMS.
    """

    time: datetime
    field: str | None = None
    name: str | None = None
    reason: str | None = None
    location: str | None = None
    contact: str | None = None
    widget: Widget | Shown | None = None
    certify: Literal[1, 2, 3] | None = None
    lock: Lock | None = None
    room: int = ROOM

    def __post_init__(self) -> None:
        check_room(self.room)
        if self.time.tzinfo is None:
            raise Rejected("pdf.time", "The time of a signature needs its zone. Give it in UTC.")


def check_room(room: int) -> None:
    """Raises `Rejected` for room that holds no CMS, or would make the file grow for nothing."""
    if not 1 <= room <= MOST_ROOM:
        raise Rejected("pdf.room", f"Contents have room for 1 to {MOST_ROOM} octets, not for {room}.")
