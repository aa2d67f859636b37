"""How pages are drawn: with the templates that all pages share, and the sentences of health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.health.findings import sentences
from trustworks.core.pages import drawing

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(package: str) -> Environment:
    """The templates of a package and what all pages share (`tables.html`), which escape what they show."""
    made = drawing.environment(package, "trustworks.app.web")
    made.filters["sentences"] = sentences
    return made
