"""Canonical XML: the octets that stand for nodes of a document.

libxml2 writes whole documents and subtrees; subtrees that are left out are cut from what it wrote. Other node
sets are written node by node (writer.py).

Sources: Canonical XML 1.0; Canonical XML 1.1; Exclusive XML Canonicalization 1.0.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.values import dataclass
from trustworks.core.xml import algorithms
from trustworks.core.xml.nodes import NodeSet, subtree
from trustworks.core.xml.slices import Slices
from trustworks.core.xml.writer import Writer, uncounted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A canonicalisation algorithm: its family, whether comments stay, and the prefixes of exclusive ones."""

    family: Literal["1.0", "1.1", "exclusive"]
    comments: bool
    prefixes: tuple[str, ...] = ()


_METHODS: Final[dict[str, Method]] = {
    algorithms.C14N: Method(family="1.0", comments=False),
    algorithms.C14N_COMMENTS: Method(family="1.0", comments=True),
    algorithms.C14N11: Method(family="1.1", comments=False),
    algorithms.C14N11_COMMENTS: Method(family="1.1", comments=True),
    algorithms.EXCLUSIVE: Method(family="exclusive", comments=False),
    algorithms.EXCLUSIVE_COMMENTS: Method(family="exclusive", comments=True),
}
ALGORITHMS: Final = frozenset(_METHODS)


class Renderings:
    """The canonical octets of one document, kept: several references cut from the same ones."""

    def __init__(
        self,
        root: etree._Element,
        made: Callable[[int], None] = uncounted,
        scope: Callable[[], int] = lambda: 0,
    ) -> None:
        """`made` is told how many octets are written, and may raise `BeyondLimit`.

        `scope` tells how many namespace declarations hold in one place of the document, at most.
        """
        self._tree = root.getroottree()
        self.made = made
        self._scope_of = scope
        self._kept: dict[tuple[bool, bool, tuple[str, ...]], Slices] = {}

    @cached_property
    def scope(self) -> int:
        """What `scope` tells, asked once."""
        return self._scope_of()

    def whole(self, method: Method, *, comments: bool) -> Slices:
        """The canonical octets of the whole document."""
        key = (method.family == "exclusive", comments, method.prefixes)
        found = self._kept.get(key)
        if found is None:
            written = self.written(self._tree, method, comments=comments)
            found = Slices(written, self._tree.getroot())
            if len(self._kept) < _KEPT:
                self._kept[key] = found
        return found

    def written(self, node: etree._Element | etree._ElementTree, method: Method, *, comments: bool) -> bytes:
        """What libxml2 writes, counted.

        For each element it looks through the namespaces in scope for each of those that it may have to
        declare: with many of both that takes much longer than the octets, and is counted before.
        """
        scope = self.scope
        declared = min(scope, len(method.prefixes)) if method.family == "exclusive" else scope
        if scope * declared > _FEW:
            self.made(int(_ELEMENTS(node)) * scope * declared // _LOOKED_THROUGH)
        octets = _tostring(node, method, comments=comments)
        self.made(len(octets))
        return octets


_KEPT: Final = 4
_FEW: Final = 64
_LOOKED_THROUGH: Final = 9
"""Namespaces that libxml2 looks at in the time in which it writes an octet."""
_ELEMENTS: Final = etree.XPath("count(descendant-or-self::*)")


def canonicalise(
    nodes: NodeSet | etree._Element,
    algorithm: str = algorithms.C14N,
    prefixes: Sequence[str] = (),
    renderings: Renderings | None = None,
) -> bytes:
    """The canonical octets of a node set, or of an element with all that it contains.

    `prefixes` is the PrefixList of exclusive canonicalisation, with ``#default`` for none; others ignore it.
    `renderings` is that of the document, where more than one thing of it is canonicalised. Raises `Rejected`
    (xml.canonicalisation) for an algorithm that is none, `Malformed` for a document that has no canonical
    form, as one with relative namespace names; `BeyondLimit` as `renderings` does.
    """
    method = _METHODS.get(algorithm)
    if method is None:
        raise Rejected(
            "xml.canonicalisation",
            f"{algorithm[:120]!r} is no canonicalisation algorithm that is known. "
            "Use Canonical XML 1.0 or 1.1, or Exclusive XML Canonicalization.",
        )
    if prefixes and method.family == "exclusive":
        method = Method(family="exclusive", comments=method.comments, prefixes=tuple(prefixes))
    if not isinstance(nodes, NodeSet):
        nodes = subtree(nodes, comments=True)
    try:
        native = None if nodes.removed else _native(nodes, method, renderings)
    except (etree.C14NError, ValueError) as error:
        raise Malformed(
            "The document has no canonical form: a namespace name in it is a relative reference. "
            "Give its namespaces absolute names."
        ) from error
    if native is not None:
        return native
    made = uncounted if renderings is None else renderings.made
    return Writer(nodes, method.family, comments=method.comments, prefixes=method.prefixes, made=made).write()


def _native(  # noqa: PLR0911 - a case for each shape of set
    nodes: NodeSet, method: Method, renderings: Renderings | None
) -> bytes | None:
    """What libxml2 writes; None where it does not write such sets."""
    tops, cuts = nodes.edges()
    if len(tops) > (not nodes.whole) or any(not isinstance(edge.tag, str) for edge in (*tops, *cuts)):
        return None
    if "#default" in method.prefixes:
        return None  # libxml2 takes no notice of it
    comments = method.comments and nodes.comments
    if nodes.whole:
        rendered = (renderings or Renderings(nodes.root)).whole(method, comments=comments)
        return rendered.without((0, len(rendered.octets)), cuts) if cuts else rendered.octets
    if not tops:
        return b""
    top = tops[0]
    if method.family == "exclusive":
        if top is not nodes.root:
            written = (renderings or Renderings(nodes.root)).written(top, method, comments=comments)
            return Slices(written, top).without((0, len(written)), cuts) if cuts else written
        rendered = (renderings or Renderings(nodes.root)).whole(method, comments=comments)
        return rendered.without(rendered.span(top), cuts)
    # lxml gives libxml2 a stand-in for the parent of a subtree, under which namespaces of ancestors are
    # looked for in vain: xmlns="" appears where there is none. In the octets of the whole document all but
    # the start tag is as it is in the subtree's.
    rendered = (renderings or Renderings(nodes.root)).whole(method, comments=comments)
    begin, end = rendered.span(top)
    start = Writer(nodes, method.family, comments=comments, prefixes=()).start_tag(top)
    return start + rendered.without((rendered.start_tag_end(begin), end), cuts)


def _tostring(node: etree._Element | etree._ElementTree, method: Method, *, comments: bool) -> bytes:
    exclusive = method.family == "exclusive"
    return etree.tostring(
        node,
        method="c14n",
        exclusive=exclusive,
        with_comments=comments,
        inclusive_ns_prefixes=list(method.prefixes) if exclusive and method.prefixes else None,
    )
