"""The report as one page (HTML) that stands alone: no script, nothing that is loaded from elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from trustworks.core.pages import style_sheet
from trustworks.core.pages.drawing import environment
from trustworks.core.printable import printable
from trustworks.validation.report.page.drafting import drafted

if TYPE_CHECKING:
    from jinja2 import Template

    from trustworks.validation.report.judged import Judged


def as_html(judged: Judged) -> bytes:
    """The page.

    All text out of the file is escaped, and what is no letter (control characters, marks that turn the
    direction of writing) is written out, for names in certificates are chosen by who asks for them.
    """
    return _template().render(page=as_data(judged), style=_style()).encode()


def as_data(judged: Judged) -> dict[str, Any]:
    """What the page says, for another page around the same template (``outcome.html``); all of it is shown.

    With it goes `own_style_sheet`.
    """
    found: dict[str, Any] = shown(asdict(drafted(judged)))
    return found


def own_style_sheet() -> bytes:
    """What the page adds to the style sheet of all pages."""
    return resources.files(__package__).joinpath("templates", "report.css").read_bytes()


def shown(value: Any) -> Any:
    """The value with every text in it made printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: shown(one) for key, one in value.items()}
    return [shown(one) for one in value] if isinstance(value, list | tuple) else value


@cache
def _template() -> Template:
    return environment("trustworks.validation.report.page").get_template("report.html")


@cache
def _style() -> Markup:
    return Markup((style_sheet() + own_style_sheet()).decode())  # noqa: S704 - our own style sheets
