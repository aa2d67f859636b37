"""The joined table as one HTML page that stands alone: no script, style or font from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import jinja2

from trustworks.assurance.traceability.join import MEANING, State
from trustworks.assurance.traceability.table import results_told

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.assurance.traceability.join import Trace


@cache
def _template() -> jinja2.Template:
    source = files("trustworks.assurance.traceability").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)


def as_html(found: Trace, *, made: datetime, product: str) -> str:
    """The page; `made` and `product` (name and version) say of what and when."""
    return _template().render(
        trace=found,
        states=[
            {"state": state, "count": found.count(state), "meaning": MEANING[state], "slug": slug(state)}
            for state in State
        ],
        services=sorted({line.requirement.service for line in found.lines}),
        standards=list(dict.fromkeys(line.requirement.standard for line in found.lines)),
        slug=slug,
        about_results=results_told(found),
        made=made.strftime("%Y-%m-%d %H:%M UTC"),
        product=product,
    )


def slug(state: State) -> str:
    """The state as a name for style sheets."""
    return state.value.replace(" ", "-")
