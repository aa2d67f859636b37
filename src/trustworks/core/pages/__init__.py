"""How what people read looks, the same everywhere: templates that escape, one style sheet, one typesetter."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def style_sheet() -> bytes:
    """The style sheet of all pages: dark and light, on small screens and on paper."""
    return resources.files(__package__).joinpath("style.css").read_bytes()
