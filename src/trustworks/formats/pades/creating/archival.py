"""Whether a PDF says that it is archivable (PDF/A), and what that asks of what is added to it.

Source: ISO 19005-1, 6.4 and 6.9; ISO 19005-2, 6.1.13, 6.2.10 and 6.3.3 (from memory).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.pades.syntax import Stream

if TYPE_CHECKING:
    from trustworks.formats.pades.view import View

_PREFIX: Final = re.compile(
    rb"xmlns:([A-Za-z_][\w.-]{0,60})\s{0,9}=\s{0,9}[\"']http://www\.aiim\.org/pdfa/ns/id/[\"']"
)
_PART: Final = rb":part(?:\s{0,9}=\s{0,9}[\"']|\s{0,9}>\s{0,9})([0-9])"
_BOUNDED: Final = frozenset({2, 3})
LONGEST: Final = 32_767
"""Octets that a string has at most by parts 2 and 3."""
_MOST: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Archival:
    """`part` of PDF/A that a file says it keeps to, None for none. `transparent`: it may have what is so."""

    part: int | None
    transparent: bool


def archival_of(view: View) -> Archival:
    """What a file says of itself in its metadata (XMP); nothing is looked after."""
    part = _part(view)
    intents = bool(view.items(view.root.get("OutputIntents")))
    return Archival(part=part, transparent=may_be_seen_through(part, intents=intents))


@implements("ISO19005-1:6.4-OPAQUE", disabled=True)
def may_be_seen_through(part: int | None, *, intents: bool) -> bool:
    """Whether something transparent may be shown: never by part 1, by others where an output intent is.

    That one gives the colour space that what is seen through is blended in (ISO 19005-2, 6.2.10).
    """
    return part is None or (part != 1 and intents)


@implements("ISO19005-1:6.9-APPEARANCE", disabled=False)
def must_appear(part: int | None) -> bool:
    """Whether an invisible field needs an appearance all the same: by part 1, and no other."""
    return part == 1


@implements("ISO19005-2:6.1.13-ROOM")
def may_have_room(part: int | None, room: int) -> None:
    """Refuses more room for a signature than a string has by parts 2 and 3."""
    if part in _BOUNDED and room > LONGEST:
        raise Rejected(
            "pdf.room",
            f"The PDF says that it is PDF/A-{part}, in which a signature has at most {LONGEST} octets, not "
            f"{room}. Ask for less room.",
        )


def _part(view: View) -> int | None:
    metadata = view.get(view.root.get("Metadata"))
    if not isinstance(metadata, Stream):
        return None
    said = view.plain(metadata)[:_MOST].replace(b"\0", b"")
    prefix = _PREFIX.search(said)
    part = None if prefix is None else re.search(b"(?<![\\w.-])" + re.escape(prefix[1]) + _PART, said)
    return None if part is None else int(part[1])
