"""Node sets: which nodes of a document a reference selects (XML Signature 1.1, 4.4.3.2; XPath 1.0, 5).

Most are whole subtrees with some subtrees cut out: they are kept as the elements at which in turns to out.
What an XPath filter leaves node by node is kept as the nodes that it takes out.
"""

from __future__ import annotations

from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# A node that is no element, comment or instruction, by the one that it belongs to: a text ("text" within an
# element before its first child, "tail" behind it), an attribute ("@" and its name), a namespace ("xmlns:"
# and its prefix).
Key = tuple["etree._Element", str]
TEXT: Final = "text"
TAIL: Final = "tail"
_STRING: Final = etree.XPath("string()", smart_strings=False)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NodeSet:
    """Nodes of one document.

    `whole` tells whether the document node is in the set; `switches` at which elements (comments,
    instructions) a subtree begins that is in the set or out of it; `comments` whether comments are in it.
    `removed` has the single nodes, as `(node, "")` or a `Key`, that are out although their subtree is in.
    """

    root: etree._Element
    whole: bool
    switches: Mapping[etree._Element, bool] = field(default_factory=lambda: MappingProxyType({}))
    comments: bool
    removed: frozenset[Key] = frozenset()

    def holds(self, node: etree._Element) -> bool:
        """Whether the subtree of a node is in the set, where `removed` does not say otherwise."""
        at: etree._Element | None = node
        while at is not None:
            state = self.switches.get(at)
            if state is not None:
                return state
            at = at.getparent()
        return self.whole

    def without(self, node: etree._Element) -> NodeSet:
        """The set less the subtree of a node."""
        kept = {
            at: state for at, state in self.switches.items() if at is not node and not _is_below(at, node)
        }
        if self.holds(node):
            kept[node] = False
        return NodeSet(
            root=self.root,
            whole=self.whole,
            switches=MappingProxyType(kept),
            comments=self.comments,
            removed=self.removed,
        )

    def less(self, removed: frozenset[Key]) -> NodeSet:
        """The set less single nodes."""
        return NodeSet(
            root=self.root,
            whole=self.whole,
            switches=self.switches,
            comments=self.comments,
            removed=self.removed | removed,
        )

    def edges(self) -> tuple[tuple[etree._Element, ...], tuple[etree._Element, ...]]:
        """Where in begins and where in ends: the tops of the subtrees that are in, and those cut out of them.

        The document node is no element: where it is in, no top is told for it.
        """
        tops: list[etree._Element] = []
        cuts: list[etree._Element] = []
        for at, state in self.switches.items():
            parent = at.getparent()
            before = self.whole if parent is None else self.holds(parent)
            if state is not before:
                (tops if state else cuts).append(at)
        return tuple(tops), tuple(cuts)


def whole_document(root: etree._Element, *, comments: bool) -> NodeSet:
    """All nodes of the document of `root`."""
    return NodeSet(root=root.getroottree().getroot(), whole=True, comments=comments)


def subtree(element: etree._Element, *, comments: bool) -> NodeSet:
    """An element and all that it contains."""
    return NodeSet(
        root=element.getroottree().getroot(),
        whole=False,
        switches=MappingProxyType({element: True}),
        comments=comments,
    )


def _is_below(node: etree._Element, above: etree._Element) -> bool:
    return any(ancestor is above for ancestor in node.iterancestors())


def texts_of(nodes: NodeSet) -> Iterator[str]:
    """The characters of the text nodes in the set, in their order (XML Signature 1.1, 6.6.2)."""
    tops, cuts = nodes.edges()
    if not nodes.removed and not nodes.whole and len(tops) == 1 and not cuts:
        yield str(_STRING(tops[0]))
        return
    states = [nodes.whole]
    for event, node in etree.iterwalk(nodes.root, events=("start", "end", "comment", "pi")):
        if event == "start":
            states.append(nodes.switches.get(node, states[-1]))
            if node.text and states[-1] and (node, TEXT) not in nodes.removed:
                yield node.text
            continue
        if event == "end":
            states.pop()
        if node.tail and node is not nodes.root and states[-1] and (node, TAIL) not in nodes.removed:
            yield node.tail
