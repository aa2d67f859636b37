"""What forms of assurance send, as the register takes it: days, choices, lists, yes or no."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from trustworks.app.web.console.assurance.room import read_day
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from datetime import date
    from enum import StrEnum

    from trustworks.app.web.console.edge import Visit

    E = TypeVar("E", bound=StrEnum)


def day(visit: Visit, name: str) -> date | None:
    """A day of a form; None where it was left empty. Raises `Malformed`."""
    text = visit.field(name)
    return read_day(text) if text else None


def day_or(visit: Visit, name: str, today: date) -> date:
    """A day of a form; today where it was left empty. Raises `Malformed`."""
    return day(visit, name) or today


def choice(visit: Visit, name: str, kinds: type[E]) -> E:
    """One of several. Raises `Malformed`."""
    try:
        return kinds(visit.field(name))
    except ValueError:
        raise Malformed(f"Choose one of: {', '.join(kinds)}.") from None


def lines(visit: Visit, name: str) -> tuple[str, ...]:
    """What stands on each line, without empty ones."""
    return tuple(one.strip() for one in visit.field(name).splitlines() if one.strip())


def yes_or_no(visit: Visit, name: str) -> bool | None:
    """Yes, no, or None where nobody chose. Raises `Malformed`."""
    found = {"": None, "yes": True, "no": False}
    text = visit.field(name)
    if text not in found:
        raise Malformed("Choose yes, no, or not stated.")
    return found[text]


def ticked(visit: Visit, name: str) -> bool:
    """Whether a box was ticked."""
    return bool(visit.field(name))


def number(visit: Visit, name: str) -> int | None:
    """A whole number that is not negative; None where it was left empty. Raises `Malformed`."""
    text = visit.field(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise Malformed("Write a number of persons: 0 or more, by digits.")
    return int(text)


def one_line(visit: Visit, name: str) -> str:
    """A text, its white space made single spaces."""
    return " ".join(visit.field(name).split())
