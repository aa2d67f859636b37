"""How pages are drawn: with the templates that all pages share, and the sentences of health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.health.findings import sentences
from trustworks.core.pages import drawing

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(*packages: str) -> Environment:
    """The templates of packages and what all pages share (`tables.html`), which escape what they show."""
    made = drawing.environment(*packages, "trustworks.app.web")
    made.filters["sentences"] = sentences
    return made
