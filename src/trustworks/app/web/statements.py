"""The page that lists the statements, in the look of the other pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.statements.model import path
from trustworks.app.web.drawing import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.app.statements.model import Version


def drawer(*, banners: Sequence[tuple[str, str]], version: str) -> Callable[[Sequence[Version]], str]:
    """What draws the list of some versions; it is public, and links no page of the inside."""
    template = environment("trustworks.app.web").get_template("statements.html")

    def draw(versions: Sequence[Version]) -> str:
        return template.render(
            versions=versions, path=path, banners=tuple(banners), version=version, inside=False
        )

    return draw
