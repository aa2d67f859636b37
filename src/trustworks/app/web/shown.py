"""How a page shows a document to who is to sign it: the templates of `shown.html`, and what they need.

A route gives `environment` of here, a `Shown`, `Addresses`, and draws with the macros; it answers those
addresses by `signing.shown.viewer`.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final, NamedTuple

from trustworks.app.web import drawing
from trustworks.core.values import dataclass
from trustworks.signing.messages import catalogue
from trustworks.signing.shown.letters import pieces
from trustworks.signing.shown.model import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jinja2 import Environment

    from trustworks.signing.looking import View
    from trustworks.signing.shown.model import Node, Page, Shown

WIDTH: Final = 1_400
"""Pixels across a page as it is drawn for the screen: enough to read small print on a fine one."""


_LOWEST: Final = 5
"""Headings of this level have one more below them in HTML, for the parts of a document."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a document's parts are served, below one address of its own (`base`, without a solidus behind).

    * ``/document``: the octets that are signed, as they are, for the browser to digest and to save;
    * ``/pages/N.png`` and ``/pages/N.html``: a page as a picture, and what `page_text` draws of it;
    * ``/picture.png``: the picture of an image;
    * ``/members/N``: the page that shows the file with that number in a container, from 1.
    """

    base: str

    @property
    def inline(self) -> bool:
        """Whether the page itself holds all of it, so that nothing is fetched from an address."""
        return False

    @property
    def id(self) -> str:
        """What the ids of its elements begin with."""
        return "shown"

    @property
    def level(self) -> int:
        """The level of its headings."""
        return 2

    @property
    def document(self) -> str:
        """The octets that are signed."""
        return f"{self.base}/document"

    @property
    def picture(self) -> str:
        """The picture of an image."""
        return f"{self.base}/picture.png"

    def page(self, number: int) -> str:
        """A page as a picture."""
        return f"{self.base}/pages/{number}.png"

    def text(self, number: int) -> str:
        """The text of a page and what to know about it."""
        return f"{self.base}/pages/{number}.html"

    def member(self, number: int) -> str:
        """The page of a file in a container."""
        return f"{self.base}/members/{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline:
    """In place of `Addresses` where nothing is kept: the page itself holds pictures and texts.

    Pictures are `data:` addresses, which the page's policy has to let be; nothing in them can do anything.
    `id` is what the ids of its elements begin with, `level` that of its headings; `within` are the names that
    lead to it from a document, which is a container.
    """

    view: View
    templates: Environment
    id: str
    level: int
    within: tuple[str, ...] = ()
    inline: bool = True

    @property
    def shown(self) -> Shown:
        """What is shown."""
        return self.view.shown

    @property
    def picture(self) -> str:
        """The picture of an image."""
        return next(_png(one.png) for one in self.shown.parts if isinstance(one, Picture))

    @property
    def inside(self) -> tuple[Inline, ...]:
        """The files in it that are shown below it."""
        deeper = min(self.level + 2, _LOWEST)  # the name of a file is a heading between the two
        return tuple(
            Inline(
                view=one,
                templates=self.templates,
                id=f"{self.id}-{number}",
                level=deeper,
                within=(*self.within, one.shown.name),
            )
            for number, one in enumerate(self.view.inside, 1)
        )

    @property
    def ids(self) -> dict[str, str]:
        """Where each file that is shown below it is on the page, by its name."""
        return {one.shown.name: one.id for one in self.inside}

    def page(self, number: int) -> str:
        """A page as a picture."""
        return _png(self.view.pages[number - 1].png)

    def text(self, number: int) -> str:
        """The text of a page and what to know about it, as HTML."""
        return page_text(self.templates, self.view.pages[number - 1])


def _png(octets: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(octets).decode('ascii')}"


def environment(*packages: str, language: str = "en") -> Environment:
    """The templates of packages and those of here, with ``say``: the sentences of the catalogue by key."""
    made = drawing.environment(*packages)
    made.globals["say"] = catalogue(language)
    made.filters |= {"pieces": pieces, "nested": nested, "digits": lambda value: f"{value:.0f}"}
    return made


def page_text(templates: Environment, page: Page) -> str:
    """A fragment of HTML: what is to be known about a page, and its text for who does not see it."""
    found: str = templates.get_template("shown_page.html").render(page=page)
    return found


class Step(NamedTuple):
    """A node of a tree on its way into nested lists.

    `closed` lists end before it, and one begins where `opened`. `namespace` is empty where it is that of the
    element around it.
    """

    closed: int
    opened: bool
    node: Node | None
    namespace: str = ""


def nested(nodes: Sequence[Node]) -> Iterator[Step]:
    """The nodes of a tree with the lists that begin and end between them; the last step ends all."""
    depth = -1
    around: dict[int, str] = {}
    for node in nodes:
        namespace = ""
        if node.kind == "element":
            namespace = node.namespace if node.namespace != around.get(node.depth - 1, "") else ""
            around[node.depth] = node.namespace
        yield Step(max(0, depth - node.depth), node.depth > depth, node, namespace)
        depth = node.depth
    yield Step(depth + 1, opened=False, node=None)
