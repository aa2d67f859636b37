"""An application beside its evidence, in words: a person sees every difference, also between like letters."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from trustworks.core.roles.rules.separation import as_compared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.issuance.registration.model import Comparison


class Row(NamedTuple):
    """One attribute: what is asked for, what the evidence shows, how they stand, and where they part."""

    attribute: str
    asked: str
    shown: tuple[str, ...]
    word: str
    agrees: bool
    note: str


def rows(comparison: Sequence[Comparison]) -> list[Row]:
    """The comparison as it is shown; what differs comes first."""
    found = [
        Row(one.attribute, one.asked, one.shown, _word(one), one.agrees, _note(one)) for one in comparison
    ]
    return sorted(found, key=lambda one: one.agrees)


def _word(one: Comparison) -> str:
    if not one.agrees:
        return "differs" if one.shown else "not shown"
    if one.asked in one.shown:
        return "equal"
    return "made of the name" if one.attribute == "commonName" else "assigned"


def _note(one: Comparison) -> str:
    if one.agrees or not one.shown:
        return ""
    return " ".join(filter(None, (difference(one.asked, there) for there in one.shown)))


def difference(asked: str, shown: str) -> str:
    """Where two texts part, so that letters that look alike can be told apart; empty for equal ones."""
    if asked == shown:
        return ""
    if unicodedata.normalize("NFC", asked) == unicodedata.normalize("NFC", shown):
        return "The same letters, composed in another way (Unicode)."
    if as_compared(asked) == as_compared(shown):
        return "They differ in capitals, width or spaces alone."
    at = next(
        (at for at, (one, two) in enumerate(zip(asked, shown, strict=False)) if one != two),
        min(len(asked), len(shown)),
    )
    return f"From character {at + 1} on: asked {_letter(asked, at)}, shown {_letter(shown, at)}."


def _letter(text: str, at: int) -> str:
    if at >= len(text):
        return "nothing more"
    name = unicodedata.name(text[at], "a character without a name").lower()
    return (
        f"“{text[at]}” (U+{ord(text[at]):04X}, {name})"
        if text[at].isprintable()
        else f"U+{ord(text[at]):04X}"
    )
