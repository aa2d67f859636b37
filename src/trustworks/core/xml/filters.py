"""The transforms that select nodes by XPath (XML Signature 1.1, 6.6.3; XML-Signature XPath Filter 2.0)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from lxml import etree

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.xml import xpath
from trustworks.core.xml.nodes import TAIL, TEXT, NodeSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from trustworks.core.xml.document import Document
    from trustworks.core.xml.nodes import Key

_ALL_NODES: Final = etree.XPath("count(descendant-or-self::node())")
_ALL_ATTRIBUTES: Final = etree.XPath("count(descendant-or-self::*/@*)")
_ALL_ELEMENTS: Final = etree.XPath("count(descendant-or-self::*)")
# What other work costs, in visits to nodes: keeping a node, or writing it by itself; compiling an expression.
_KEPT: Final = 100
_COMPILED: Final = 10_000
# An expression that looks so often up from a node, or at the whole document once, grows as that does.
_FEW_TIMES: Final = 16

Operation = Literal["intersect", "subtract", "union"]


def xpath_filter(nodes: NodeSet, expression: str, here: etree._Element, document: Document) -> NodeSet:
    """The nodes of a set for each of which an expression is true.

    `here` is the element that bears the expression. Raises `Rejected` (xml.xpath) for an expression that is
    not XPath 1.0 or costs more than the limits allow.
    """
    size = document.size
    read = xpath.read(expression, size, longest=document.limits.xpath_length, from_root=False)
    plain = read.plain and read.cost <= _FEW_TIMES * size.depth
    document.work.visit((3 + size.namespaces) * size.nodes * read.cost, plain=plain)
    document.work.visit(_KEPT * size.nodes, plain=True)
    true = f"self::node()[boolean({read.text})]" if read.positional else f"boolean({read.text})"
    names = _namespaces(here)

    def compiled(text: str) -> Callable[[etree._Element], Any]:
        return xpath.compiled(text, names, document.ids, here)

    root = nodes.root
    out = _Found(compiled(f"/descendant-or-self::node()[not({true})]")(root))
    out.add(compiled(f"/descendant-or-self::*/@*[not({true})]")(root))
    without = compiled(f"/descendant-or-self::*[namespace::*[not({true})]]")(root)
    with_some = compiled(f"descendant-or-self::*[namespace::*[{true}]]")
    tops = out.as_subtrees(without, with_some)
    if tops is not None:
        for top in tops:
            nodes = nodes.without(top)
        return nodes
    removed = out.keys()
    for element in without:
        document.work.visit(_COMPILED * len(element.nsmap))
        for prefix in element.nsmap:
            test = f"boolean(namespace::*[local-name() = '{prefix or ''}'][not({true})])"
            if compiled(test)(element):
                removed.add((element, f"xmlns:{prefix or ''}"))
    return nodes.less(frozenset(removed))


def xpath_filter2(
    nodes: NodeSet,
    filters: Sequence[tuple[Operation, str, etree._Element]],
    document: Document,
) -> NodeSet:
    """The nodes of a set that are left by filters.

    Each is an operation, an expression, and the element that bears it. Raises `Rejected` (xml.xpath) as
    `xpath_filter` does, and for an expression that gives no nodes.
    """
    size = document.size
    document.work.visit(_KEPT * size.nodes, plain=True)
    marks: dict[etree._Element, int] = {}
    single: dict[Key, int] = {}
    at_root = 0
    for number, (_, expression, here) in enumerate(filters):
        read = xpath.read(expression, size, longest=document.limits.xpath_length, from_root=True)
        plain = read.plain and read.cost <= _FEW_TIMES * size.nodes
        document.work.visit(2 * read.cost, plain=plain)
        names = _namespaces(here)
        found = xpath.compiled(read.text, names, document.ids, here)(nodes.root)
        if not isinstance(found, list):
            raise Rejected(
                "xml.xpath",
                "The XPath expression of a filter gives no nodes. The transform is not carried out.",
            )
        # lxml does not give the document node: it is what is counted and not there.
        if xpath.compiled(f"count({read.text})", names, document.ids, here)(nodes.root) > len(found):
            at_root |= 1 << number
        for node in found:
            if isinstance(node, etree._Element):
                marks[node] = marks.get(node, 0) | 1 << number
            elif isinstance(node, tuple):
                raise Rejected(
                    "xml.xpath",
                    "The XPath expression of a filter selects namespaces. The transform is not carried out.",
                )
            else:
                key = _key(node)
                single[key] = single.get(key, 0) | 1 << number
    operations = [operation for operation, _, _ in filters]
    return _combined(nodes, operations, marks, single, at_root)


def _combined(
    nodes: NodeSet,
    operations: Sequence[Operation],
    marks: Mapping[etree._Element, int],
    single: Mapping[Key, int],
    at_root: int,
) -> NodeSet:
    """The set less what the operations leave out; a mark tells the filters that a subtree was selected by."""
    switches: dict[etree._Element, bool] = {}
    for element in {*marks, *nodes.switches}:
        switches[element] = nodes.holds(element) and _left(operations, _marks_at(element, marks, at_root))
    whole = nodes.whole and _left(operations, at_root)
    result = NodeSet(
        root=nodes.root,
        whole=whole,
        switches=MappingProxyType(switches),
        comments=nodes.comments,
        removed=nodes.removed,
    )
    removed: set[Key] = set()
    added: set[Key] = set()
    for key, mark in single.items():
        owner = key[0].getparent() if key[1] == TAIL else key[0]
        around = at_root if owner is None else _marks_at(owner, marks, at_root)
        left = _left(operations, around | mark)
        held = result.whole if owner is None else result.holds(owner)
        before = nodes.whole if owner is None else nodes.holds(owner)
        if held and not left:
            removed.add(key)
        elif left and not held and before and key not in nodes.removed:
            added.add(key)
    result = result.less(frozenset(removed))
    return _explicit(result, added) if added else result


def _marks_at(element: etree._Element, marks: Mapping[etree._Element, int], at_root: int) -> int:
    found = at_root | marks.get(element, 0)
    for ancestor in element.iterancestors():
        found |= marks.get(ancestor, 0)
    return found


@implements("XPATHFILTER2:3.4", disabled=True)
def _left(operations: Sequence[Operation], mark: int) -> bool:
    """Whether a node is left that was selected by the filters of a mark (XPath Filter 2.0, 3.4)."""
    left = True
    for number, operation in enumerate(operations):
        selected = bool(mark >> number & 1)
        if operation == "intersect":
            left = left and selected
        elif operation == "subtract":
            left = left and not selected
        else:
            left = left or selected
    return left


def _explicit(nodes: NodeSet, added: set[Key]) -> NodeSet:
    """The set with single nodes more: all of the document less every node that is in neither."""
    removed = set(nodes.removed)
    beside = (*nodes.root.itersiblings(), *nodes.root.itersiblings(preceding=True))
    removed.update((node, "") for node in beside if not nodes.holds(node))
    for node in nodes.root.iter():
        parent = node.getparent()
        around = nodes.whole if parent is None else nodes.holds(parent)
        if not around and node.tail and parent is not None:
            removed.add((node, TAIL))
        if nodes.holds(node):
            continue
        removed.add((node, ""))
        if isinstance(node.tag, str):
            removed.update((node, f"@{name}") for name in node.attrib)
            removed.update((node, f"xmlns:{prefix or ''}") for prefix in node.nsmap)
            if node.text:
                removed.add((node, TEXT))
    return NodeSet(root=nodes.root, whole=True, comments=nodes.comments, removed=frozenset(removed - added))


class _Found:
    """The nodes that an expression gave, by kind."""

    def __init__(self, nodes: Iterable[Any]) -> None:
        self._elements: set[etree._Element] = set()
        self._others: list[Any] = []
        self.add(nodes)

    def add(self, nodes: Iterable[Any]) -> None:
        for node in nodes:
            if isinstance(node, etree._Element):
                self._elements.add(node)
            else:
                self._others.append(node)

    def keys(self) -> set[Key]:
        found: set[Key] = {(element, "") for element in self._elements}
        found.update(_key(node) for node in self._others)
        return found

    def as_subtrees(
        self, without: Sequence[etree._Element], with_some: Callable[[etree._Element], Any]
    ) -> list[etree._Element] | None:
        """The tops of the subtrees that the nodes are; None where they are not whole subtrees.

        `without` are the elements of which namespaces are among the nodes; `with_some` those below an element
        of which some are not.
        """
        elements = self._elements
        tops = []
        for element in elements:
            parent = element.getparent()
            if parent is None or parent not in elements:
                tops.append(element)
        for node in self._others:
            owner = node.getparent()
            if node.is_tail:
                owner = owner.getparent()
            if owner not in elements:
                return None
        below = [top for top in tops if isinstance(top.tag, str)]
        total = sum(int(_ALL_NODES(top)) + int(_ALL_ATTRIBUTES(top)) for top in below)
        if total + len(tops) - len(below) != len(elements) + len(self._others):
            return None
        if any(element not in elements for element in without):
            return None
        if sum(int(_ALL_ELEMENTS(top)) for top in below) != len(without):
            return None
        return None if any(with_some(top) for top in below) else tops


def _key(node: Any) -> Key:
    """The key of a text or an attribute that lxml gave as a string."""
    if node.is_attribute:
        return node.getparent(), f"@{node.attrname}"
    return node.getparent(), TAIL if node.is_tail else TEXT


def _namespaces(here: etree._Element) -> dict[str, str]:
    return {prefix: name for prefix, name in here.nsmap.items() if prefix and name and prefix != "xml"}
