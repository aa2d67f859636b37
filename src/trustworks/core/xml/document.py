"""A parsed document, with what is looked up in it again and again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.xml.canonical import Renderings
from trustworks.core.xml.parse import DEFAULT, Ids, Limits, absent_identifiers, ids_of, parse
from trustworks.core.xml.xpath import Size, size_of

if TYPE_CHECKING:
    from lxml import etree


class Work:
    """What was spent of the limits on work, for all references to one document together."""

    def __init__(self, limits: Limits) -> None:
        self._octets = limits.octets_read
        self._kept = limits.octets_kept
        self._visits = limits.xpath_work

    @implements("XMLDSIG-BP:OCTETS", disabled=None)
    def read(self, octets: int) -> None:
        """Count octets that are digested or parsed. Raises `Rejected` (limit.octets) beyond the limit."""
        self._octets -= octets
        if self._octets < 0:
            raise Rejected(
                "limit.octets",
                "The references have more octets read than the limit for a document allows. Raise it.",
            )

    def keeps(self, octets: int) -> bool:
        """Whether so many octets more are held for whoever looks at what was digested."""
        if octets > self._kept:
            return False
        self._kept -= octets
        return True

    @implements("XMLDSIG-BP:XPATH", disabled=None)
    def visit(self, nodes: int) -> None:
        """Count visits to nodes. Raises `Rejected` (xml.xpath) beyond the limit."""
        self._visits -= nodes
        if self._visits < 0:
            self._visits += nodes
            raise Rejected(
                "xml.xpath",
                "The XPath expression would cost more than the limit on work for this document. "
                "Such a transform is not carried out.",
            )


@dataclass(frozen=True, eq=False)
class Document:
    """A document by its root element. The tree is never changed once it is parsed.

    `without` has names of attributes that are known not to be in it. `work` is shared with the documents that
    its references lead to.
    """

    root: etree._Element
    limits: Limits = DEFAULT
    without: frozenset[str] = frozenset()

    @classmethod
    def of(cls, octets: bytes, limits: Limits = DEFAULT) -> Document:
        """Parse octets. Raises `Malformed` as `parse` does."""
        return cls(parse(octets, limits), limits, absent_identifiers(octets))

    def another(self, octets: bytes) -> Document:
        """Parse octets that a reference leads to, within what is left of the limits on work."""
        other = Document.of(octets, self.limits)
        other.__dict__["work"] = self.work
        return other

    @cached_property
    def work(self) -> Work:
        """What is left of the limits on work."""
        return Work(self.limits)

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
        return Renderings(self.root)
