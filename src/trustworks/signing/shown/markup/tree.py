"""An XML document node by node, and what of it would be fetched or run by programs that follow it."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.trace import implements
from trustworks.signing.shown.codes import cut, found
from trustworks.signing.shown.letters import odd_letters
from trustworks.signing.shown.model import Node, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.signing.shown.bounds import Bounds
    from trustworks.signing.shown.model import Finding

XHTML: Final = "http://www.w3.org/1999/xhtml"
SVG: Final = "http://www.w3.org/2000/svg"
_XINCLUDE: Final = "http://www.w3.org/2001/XInclude"
_XLINK: Final = "http://www.w3.org/1999/xlink"
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_RUNS: Final = frozenset({"script", "object", "embed", "applet", "handler"})
_FETCHES: Final = frozenset({"src", "background", "data", "poster", "action", "formaction"})


def shown_tree(root: etree._Element, bounds: Bounds) -> tuple[Tree, tuple[Finding, ...]]:
    """All nodes in their order, as many as are shown; white space between elements is left out."""
    nodes: list[Node] = []
    letters = 0
    for node in _nodes(root):
        letters += (
            len(node.text) + len(node.name) + sum(len(name) + len(one) for name, one in node.attributes)
        )
        if len(nodes) >= bounds.nodes or letters > bounds.letters:
            break
        nodes.append(node)
    count = sum(1 for _ in _nodes(root))
    findings = (
        *odd_letters("\n".join(_texts(root))),
        *_active(root),
        *cut(len(nodes), count, "nodes"),
    )
    encoding = root.getroottree().docinfo.encoding or "UTF-8"
    return Tree(nodes=tuple(nodes), encoding=encoding), findings


def _nodes(root: etree._Element) -> Iterator[Node]:
    before = list(root.itersiblings(preceding=True))
    for one in reversed(before):
        yield _beside(one, 0)
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event == "end":
            depth -= 1
        elif event == "start":
            yield _element(element, depth)
            depth += 1
            if len(element) and _is_said(element.text):
                yield Node(kind="text", depth=depth, text=element.text or "")
        else:
            yield _beside(element, depth)
        if event != "start" and element is not root and _is_said(element.tail):
            yield Node(kind="text", depth=depth, text=element.tail or "")
    for one in root.itersiblings():
        yield _beside(one, 0)


def _is_said(text: str | None) -> bool:
    return bool(text and text.strip())


def _beside(node: etree._Element, depth: int) -> Node:
    """A comment or an instruction."""
    if isinstance(node, etree._ProcessingInstruction):
        return Node(kind="instruction", depth=depth, name=str(node.target), text=node.text or "")
    return Node(kind="comment", depth=depth, text=node.text or "")


def _element(element: etree._Element, depth: int) -> Node:
    name = etree.QName(element)
    prefix = f"{element.prefix}:" if element.prefix else ""
    attributes = tuple(
        (_written(element, str(attribute)), str(value)) for attribute, value in element.attrib.items()
    )
    text = element.text or "" if len(element) == 0 else ""
    return Node(
        kind="element",
        depth=depth,
        name=prefix + name.localname,
        namespace=name.namespace or "",
        attributes=attributes,
        text=text,
    )


def _written(element: etree._Element, attribute: str) -> str:
    """The name of an attribute with a prefix of its namespace."""
    name = etree.QName(attribute)
    if name.namespace is None:
        return name.localname
    known = chain(((_XML, "xml"),), ((uri, prefix) for prefix, uri in element.nsmap.items() if prefix))
    return f"{next((prefix for uri, prefix in known if uri == name.namespace), '?')}:{name.localname}"


def _texts(root: etree._Element) -> Iterator[str]:
    """All that is read by people: texts, values of attributes, comments."""
    for node in root.iter():
        yield node.text or ""
        yield node.tail or ""
        if isinstance(node.tag, str):
            yield from map(str, node.attrib.values())


@implements("TRUSTWORKS:SHOWN-ACTIVE", "TS119101:SCP-23", "EN419111:2-STABILITY", disabled=())
def _active(root: etree._Element) -> Iterator[Finding]:
    if etree.QName(root).namespace in {XHTML, SVG}:
        yield found("xml.drawn")
    elsewhere = scripts = 0
    for element in root.iter("*"):
        name = etree.QName(element)
        elsewhere += name.namespace == _XINCLUDE and name.localname == "include"
        drawn = name.namespace in {XHTML, SVG}
        scripts += drawn and name.localname in _RUNS
        for attribute, given in element.attrib.items():
            value = str(given).strip()
            href = attribute == f"{{{_XLINK}}}href" or (drawn and attribute == "href")
            fetched = (drawn and attribute in _FETCHES) or (href and name.localname not in {"a", "A"})
            elsewhere += fetched and bool(value) and not value.startswith(("#", "data:"))
            scripts += drawn and (str(attribute).startswith("on") or value[:11].lower() == "javascript:")
    if elsewhere:
        yield found("xml.elsewhere", count=elsewhere)
    if scripts:
        yield found("xml.script", count=scripts)
