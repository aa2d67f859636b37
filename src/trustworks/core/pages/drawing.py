"""Templates that escape what they show, and how they write times and numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

if TYPE_CHECKING:
    from datetime import datetime, timedelta


def environment(*packages: str) -> Environment:
    """The templates of packages, the first that has one, which escape what they show.

    They know nothing undefined.
    """
    made = Environment(
        loader=ChoiceLoader([PackageLoader(one) for one in packages]),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "moment": _moment,
        "iso": _iso,
        "until": _until,
        "grouped": _grouped,
        "thousands": lambda number: f"{number:,}".replace(",", "\u202f"),
        "breakable": _breakable,
        "spaced": spaced,
    }
    return made


def _moment(value: datetime) -> str:
    """A time for a person, always in UTC."""
    return f"{value:%Y-%m-%d %H:%M:%S}"


def _iso(value: datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


def _until(value: datetime, now: datetime) -> str:
    """How far a moment is away, in the unit that a person would choose."""
    distance = value - now
    ago = distance.total_seconds() < 0
    text = _span(abs(distance))
    return f"{text} ago" if ago else f"in {text}"


def _span(distance: timedelta) -> str:
    seconds = int(distance.total_seconds())
    for unit, size in (("year", 31_556_952), ("day", 86_400), ("hour", 3_600), ("minute", 60)):
        number = seconds // size
        if number >= (2 if unit in {"year", "day"} else 1):
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def _grouped(value: str) -> str:
    """A long hexadecimal number in groups of eight."""
    return " ".join(re.findall(".{1,8}", value))


def _breakable(value: str) -> str:
    """A dotted name that may be broken after its dots."""
    return value.replace(".", ".\u200b")


def spaced(value: str) -> str:
    """A distinguished name with room between its attributes (RFC 4514 has none)."""
    return re.sub(r"(?<!\\),(?=\S)", ", ", value)
