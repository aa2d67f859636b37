"""A parsed document, with what is looked up in it again and again."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Final

from lxml import etree

from trustworks.core.errors import BeyondLimit
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.core.xml.canonical import Renderings
from trustworks.core.xml.parse import (
    DEFAULT,
    Ids,
    Limits,
    absent_identifiers,
    declarations_in,
    ids_of,
    namespaces_in_scope,
    parse,
)
from trustworks.core.xml.xpath import Size, size_of

_TIMES_MADE: Final = 4
_TIMES_READ: Final = 8
"""How often a document's own octets may be written and digested, whatever the limits are."""
_VISITS: Final = 50
"""Visits of XPath expressions for each octet of a document: some signatures by one for all nodes."""
_MOST_VISITS: Final = 500_000_000
"""No document has more of those: beyond them it takes seconds, however long it is."""
_FEW: Final = 8


class Work:
    """What was spent of the limits on work, for all references to one document together."""

    def __init__(self, limits: Limits, length: int = 0) -> None:
        """`length` is that of the document, in octets."""
        self._limits = limits
        self._octets = limits.octets_read + _TIMES_READ * length
        self._made = limits.octets_made + _TIMES_MADE * length
        self._kept = limits.octets_kept
        self._visits = limits.xpath_work
        self._beside = min(_VISITS * length, _MOST_VISITS)

    def allow(self, length: int) -> None:
        """Count a further document of so many octets: its own may be written and digested as well."""
        self._octets += _TIMES_READ * length
        self._made += _TIMES_MADE * length

    @implements("XMLDSIG-BP:OCTETS", disabled=None)
    def read(self, octets: int) -> None:
        """Count octets that are digested or parsed. Raises `BeyondLimit`."""
        self._octets -= octets
        if self._octets < 0:
            raise BeyondLimit(
                f"The references to parts of the document have more than {self._limits.octets_read} octets "
                "digested or parsed altogether, which is not done.",
                "octets_read",
            )

    @implements("XMLDSIG-BP:OCTETS", disabled=None)
    def made(self, octets: int) -> None:
        """Count octets of a canonical form that was written. Raises `BeyondLimit`.

        Digesting takes a small part of the time that writing takes: each list of prefixes has a form of its
        own, and each signature of a document may have a part of it.
        """
        self._made -= octets
        if self._made < 0:
            raise BeyondLimit(
                f"Canonical forms of the document, or of parts of it, have more than "
                f"{self._limits.octets_made} octets altogether, and are not written.",
                "octets_made",
            )

    def keeps(self, octets: int) -> bool:
        """Whether so many octets more are held for whoever looks at what was digested."""
        if octets > self._kept:
            return False
        self._kept -= octets
        return True

    @implements("XMLDSIG-BP:XPATH", disabled=None)
    def visit(self, nodes: int, *, plain: bool = False) -> None:
        """Count visits to nodes. Raises `BeyondLimit`.

        `plain`: no characters are read there. Those are known to be quick, and a document has some for its
        length.
        """
        beside = min(nodes, self._beside) if plain else 0
        self._beside -= beside
        self._visits -= nodes - beside
        if self._visits < 0:
            raise BeyondLimit(
                f"The XPath expressions of the document visit more than {self._limits.xpath_work} nodes.",
                "xpath_work",
            )


@dataclass(frozen=True, eq=False)
class Document:
    """A document by its root element. The tree is never changed once it is parsed.

    `without` has names of attributes that are known not to be in it. `length` is how many octets it was
    parsed from, 0 where that is not known; `declarations` how many namespaces they declare at
    most, None where that is not known. `work` is shared with the documents that its references lead to.
    """

    root: etree._Element
    limits: Limits = DEFAULT
    without: frozenset[str] = frozenset()
    length: int = 0
    declarations: int | None = None

    @classmethod
    def of(cls, octets: bytes, limits: Limits = DEFAULT, work: Work | None = None) -> Document:
        """Parse octets, within what is left of the limits on work. Raises `Malformed` as `parse` does."""
        root, without = parse(octets, limits), absent_identifiers(octets)
        found = cls(root, limits, without, len(octets), declarations_in(octets))
        if work is not None:
            found.__dict__["work"] = work
        return found

    def grown(self, element: etree._Element, parent: etree._Element) -> Document:
        """The document once an element that was in none is the last child of one of its elements.

        What is known of it is known on: identifiers are looked for in the new element alone.
        """
        declared = sum(1 for _ in etree.iterwalk(element, events=("start-ns",)))
        ids = self.ids.joined(ids_of(element))
        parent.append(element)
        known = None if self.declarations is None else self.declarations + declared
        found = Document(self.root, self.limits, length=self.length, declarations=known)
        found.__dict__["ids"] = ids
        return found

    def changed(self) -> Document:
        """The document once texts of it were changed, which are none of identifiers and namespaces."""
        found = Document(self.root, self.limits, self.without, self.length, self.declarations)
        found.__dict__["ids"] = self.ids
        return found

    def another(self, octets: bytes) -> Document:
        """Parse octets that a reference leads to, within what is left of the limits on work."""
        return Document.of(octets, self.limits, self.work)

    @cached_property
    def work(self) -> Work:
        """What is left of the limits on work."""
        return Work(self.limits, self.length)

    @property
    def scope(self) -> int:
        """How many namespace declarations hold in one place, at most; few are counted, many looked for."""
        return self.renderings.scope

    @cached_property
    def size(self) -> Size:
        """What the price of an XPath expression depends on."""
        return size_of(self.root)

    @cached_property
    def ids(self) -> Ids:
        """The elements by identifier."""
        return ids_of(self.root, self.without)

    @cached_property
    def renderings(self) -> Renderings:
        """The canonical octets of the whole document, once they were asked for."""
        # Of the document it knows nothing: in a circle, the tree would be kept until the collector comes.
        return Renderings(self.root, self.work.made, partial(_scope_of, self.root, self.declarations))


def _scope_of(root: etree._Element, declarations: int | None) -> int:
    return declarations if declarations is not None and declarations <= _FEW else namespaces_in_scope(root)
