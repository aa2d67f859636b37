"""Canonical XML of any node set, written node by node (Canonical XML 1.0 and 1.1, 2; Exclusive XML C14N, 3).

Slower than libxml2 and needed only for what that does not write: sets with single nodes taken out, several
subtrees, and the attributes that the top of a subtree inherits.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from lxml import etree

from trustworks.core.errors import Malformed
from trustworks.core.trace import implements
from trustworks.core.xml.nodes import TAIL, TEXT
from trustworks.core.xml.parse import XML

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal

    from trustworks.core.xml.nodes import NodeSet

_IN_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})
_IN_ATTRIBUTE: Final = str.maketrans({
    "&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;",
})  # fmt: skip
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_XML_NAME: Final = f"{{{XML}}}"
_INHERITED_11: Final = (f"{{{XML}}}lang", f"{{{XML}}}space")
_BASE: Final = f"{{{XML}}}base"
_NAME: Final = etree.XPath("name(@*[local-name() = $local and namespace-uri() = $uri])", smart_strings=False)
# What an element takes, and a namespace that holds in it, in octets that libxml2 writes in that time.
_ELEMENT: Final = 200
_DECLARED: Final = 10

Namespaces = "Mapping[str, str]"  # prefix ("" for the default one) to name; an absent name is not declared


def uncounted(octets: int) -> None:
    """Takes no notice of how many octets are written."""


class Writer:
    """Writes one node set. `family` and `prefixes` are those of the algorithm."""

    def __init__(
        self,
        nodes: NodeSet,
        family: Literal["1.0", "1.1", "exclusive"],
        *,
        comments: bool,
        prefixes: Sequence[str],
        made: Callable[[int], None] = uncounted,
    ) -> None:
        """`made` is told of octets, as many as libxml2 would write in the time that each element takes."""
        self._nodes = nodes
        self._made = made
        self._family = family
        self._comments = comments and nodes.comments
        self._inclusive = frozenset("" if prefix == "#default" else prefix for prefix in prefixes)
        self._parts: list[str] = []

    def write(self) -> bytes:
        """The canonical octets of the set. Raises `Malformed` for a relative namespace name."""
        self._before()
        self._walk(self._nodes.root)
        self._after()
        return "".join(self._parts).encode()

    def start_tag(self, element: etree._Element) -> bytes:
        """The start tag of an element that is the top of what is written."""
        self._parts = []
        self._start(element, {}, {})
        return "".join(self._parts).encode()

    def _before(self) -> None:
        for node in reversed(list(self._nodes.root.itersiblings(preceding=True))):
            if self._beside(node):
                self._parts.append("\n")

    def _after(self) -> None:
        for node in self._nodes.root.itersiblings():
            at = len(self._parts)
            if self._beside(node):
                self._parts.insert(at, "\n")

    def _beside(self, node: etree._Element) -> bool:
        """A comment or instruction beside the root element; whether it was written."""
        state = self._nodes.switches.get(node, self._nodes.whole)
        return state and (node, "") not in self._nodes.removed and self._leaf(node)

    def _leaf(self, node: etree._Element) -> bool:
        if isinstance(node, etree._Comment):
            if self._comments:
                self._parts.append(f"<!--{(node.text or '').replace(chr(13), '&#xD;')}-->")
            return self._comments
        if isinstance(node, etree._ProcessingInstruction):
            text = (node.text or "").replace("\r", "&#xD;")
            self._parts.append(f"<?{node.target}{' ' if text else ''}{text}?>")
            return True
        raise Malformed("The document has references to entities, which have no canonical form.")

    def _walk(self, root: etree._Element) -> None:
        nodes, parts = self._nodes, self._parts
        removed, switches = nodes.removed, nodes.switches
        # Of each open element: whether its subtree is in, its end tag if it was written, and what the nearest
        # written element above its children has: the namespaces in the set, and those that were written.
        states = [nodes.whole]
        ends: list[str | None] = []
        axes: list[Mapping[str, str]] = [{}]
        written: list[Mapping[str, str]] = [{}]
        for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
            if event == "start":
                self._made(_ELEMENT + _DECLARED * len(axes[-1]))
                state = switches.get(node, states[-1])
                states.append(state)
                if state and (node, "") not in removed:
                    name, axis, now = self._start(node, axes[-1], written[-1])
                    ends.append(f"</{name}>")
                else:
                    if state:
                        self._lone(node, axes[-1])
                    axis, now = axes[-1], written[-1]
                    ends.append(None)
                axes.append(axis)
                written.append(now)
                if node.text and state and (node, TEXT) not in removed:
                    parts.append(node.text.translate(_IN_TEXT))
                continue
            if event == "end":
                states.pop()
                axes.pop()
                written.pop()
                end = ends.pop()
                if end is not None:
                    parts.append(end)
            elif switches.get(node, states[-1]) and (node, "") not in removed:
                self._leaf(node)
            if node.tail and node is not root and states[-1] and (node, TAIL) not in removed:
                parts.append(node.tail.translate(_IN_TEXT))

    def _axis(self, element: etree._Element) -> dict[str, str]:
        """The namespace nodes of an element that are in the set, without that of the prefix xml."""
        found = {}
        for prefix, name in element.nsmap.items():
            if name and prefix != "xml" and (element, f"xmlns:{prefix or ''}") not in self._nodes.removed:
                found[prefix or ""] = name
        return found

    def _attributes(self, element: etree._Element) -> list[tuple[tuple[str, str], str, str]]:
        """The attributes in the set as (sort key, qualified name, value), in no order."""
        removed = self._nodes.removed
        found = []
        for name, value in element.attrib.items():
            if (element, f"@{name}") in removed:
                continue
            uri, local = ("", name) if name[0] != "{" else tuple(name[1:].rsplit("}", 1))
            found.append(((uri, local), _qualified(element, uri, local), value))
        return found

    def _start(
        self, element: etree._Element, above: Mapping[str, str], written: Mapping[str, str]
    ) -> tuple[str, Mapping[str, str], Mapping[str, str]]:
        """Write a start tag. Answers its name, its namespaces in the set, and those written until here."""
        axis = self._axis(element)
        attributes = self._attributes(element)
        local = etree.QName(element).localname
        name = f"{element.prefix}:{local}" if element.prefix else local
        if self._family == "exclusive":
            declared = self._exclusive(element, axis, attributes, above, written)
        else:
            declared = {prefix: uri for prefix, uri in axis.items() if above.get(prefix) != uri}
            if "" not in axis and above.get("") and self._has_no_default(element):
                declared[""] = ""
            inherited = self._inherited(element)
            names = {name for _, name, _ in inherited}  # a joined xml:base is in place of the element's own
            attributes = [found for found in attributes if found[1] not in names] + inherited
        self._parts.append(f"<{name}")
        self._write(declared, attributes)
        self._parts.append(">")
        return name, axis, {**written, **declared} if declared else written

    def _lone(self, element: etree._Element, above: Mapping[str, str]) -> None:
        """An element that is out, whose namespaces and attributes are written where they are in (2.3)."""
        axis = self._axis(element)
        declared = {}
        if self._family != "exclusive":
            declared = {prefix: uri for prefix, uri in axis.items() if above.get(prefix) != uri}
        self._write(declared, self._attributes(element))

    def _has_no_default(self, element: etree._Element) -> bool:
        # One that was taken out of the set is missing as one that was never declared.
        return bool(element.nsmap.get(None)) is False or (element, "xmlns:") in self._nodes.removed

    def _write(self, declared: Mapping[str, str], attributes: list[tuple[tuple[str, str], str, str]]) -> None:
        for prefix in sorted(declared):
            uri = declared[prefix]
            if uri and not _SCHEME.match(uri):
                raise Malformed(
                    f"The document has no canonical form: the namespace name {uri[:80]!r} is a relative "
                    "reference. Give its namespaces absolute names."
                )
            self._parts.append(f' {"xmlns:" if prefix else "xmlns"}{prefix}="{uri.translate(_IN_ATTRIBUTE)}"')
        for _, name, value in sorted(attributes):
            self._parts.append(f' {name}="{value.translate(_IN_ATTRIBUTE)}"')

    @implements(
        "EXC-C14N:3", disabled=lambda _self, _element, axis, _attributes, _above, _written: dict(axis)
    )
    def _exclusive(
        self,
        element: etree._Element,
        axis: Mapping[str, str],
        attributes: list[tuple[tuple[str, str], str, str]],
        above: Mapping[str, str],
        written: Mapping[str, str],
    ) -> dict[str, str]:
        """The namespaces that an element or its attributes visibly use, and those of the list (3)."""
        used = {element.prefix or ""}
        used.update(name.split(":", 1)[0] for _, name, _ in attributes if ":" in name)
        used.discard("xml")
        declared = {
            prefix: axis[prefix]
            for prefix in used - self._inclusive
            if prefix in axis and written.get(prefix) != axis[prefix]
        }
        if "" in used - self._inclusive and "" not in axis and written.get(""):
            declared[""] = ""
        for prefix in self._inclusive:
            if prefix in axis:
                if written.get(prefix) != axis[prefix]:
                    declared[prefix] = axis[prefix]
            elif not prefix and (above.get("") or written.get("")):
                declared[""] = ""
        return declared

    def _inherited(self, element: etree._Element) -> list[tuple[tuple[str, str], str, str]]:
        """Attributes of the xml namespace that an element takes from ancestors, as its parent is out."""
        parent = element.getparent()
        if parent is None or self._is_in(parent):
            return []
        if self._family == "1.0":
            return self._nearest(element)
        return self._nearest_11(element) + self._base(element)

    def _is_in(self, element: etree._Element) -> bool:
        return self._nodes.holds(element) and (element, "") not in self._nodes.removed

    @staticmethod
    @implements("C14N:2.4", disabled=list)
    def _nearest(element: etree._Element) -> list[tuple[tuple[str, str], str, str]]:
        """Those of 1.0: the nearest of each name, of any ancestor."""
        found: dict[str, str] = {}
        for ancestor in element.iterancestors():
            for name, value in ancestor.attrib.items():
                if name.startswith(_XML_NAME):
                    found.setdefault(name, value)
        return _xml_attributes(element, found)

    @implements("C14N11:2.4-INHERITED", disabled=list)
    def _nearest_11(self, element: etree._Element) -> list[tuple[tuple[str, str], str, str]]:
        """The language and spacing of 1.1: of ancestors that are in they hold without being repeated."""
        found: dict[str, str] = {}
        for ancestor in element.iterancestors():
            if self._is_in(ancestor):
                break
            for name in _INHERITED_11:
                value = ancestor.get(name)
                if value is not None:
                    found.setdefault(name, value)
        return _xml_attributes(element, found)

    @implements("C14N11:2.4-BASE", disabled=list)
    def _base(self, element: etree._Element) -> list[tuple[tuple[str, str], str, str]]:
        """The xml:base of 1.1: those of ancestors that are out, up to the next that is in, joined (2.4)."""
        own = element.get(_BASE)
        bases = [] if own is None else [own]
        for ancestor in element.iterancestors():
            if self._is_in(ancestor):
                break
            value = ancestor.get(_BASE)
            if value is not None:
                bases.append(value)
        if len(bases) == (own is not None):
            return []
        joined = bases.pop()
        while bases:
            joined = _join(joined, bases.pop())
        if not joined:
            return []
        return [((XML, "base"), "xml:base", joined)]


def _xml_attributes(
    element: etree._Element, found: Mapping[str, str]
) -> list[tuple[tuple[str, str], str, str]]:
    return [
        ((XML, name.removeprefix(_XML_NAME)), f"xml:{name.removeprefix(_XML_NAME)}", value)
        for name, value in found.items()
        if name not in element.attrib
    ]


def _qualified(element: etree._Element, uri: str, local: str) -> str:
    if not uri:
        return local
    if uri == XML:
        return f"xml:{local}"
    prefixes = [prefix for prefix, name in element.nsmap.items() if name == uri and prefix]
    if len(prefixes) == 1:
        return f"{prefixes[0]}:{local}"
    return str(_NAME(element, local=local, uri=uri))


def _join(base: str, reference: str) -> str:
    """Resolve a reference to a base that may be relative itself (Canonical XML 1.1, 2.4; RFC 3986, 5.2)."""
    if urlsplit(base).scheme:
        return urljoin(base, reference)
    # urljoin works on hierarchical names: a made-up root is put under a relative base and taken off again.
    root = "http://a/b/"
    depth = 64
    under = root + "c/" * depth
    absolute = base.startswith("/")
    joined = urljoin(urljoin(root if absolute else under, base), reference)
    if not joined.startswith("http://a/"):
        return joined
    path = joined.removeprefix("http://a")
    if absolute or reference.startswith("/"):
        return path
    if path.startswith(inner := under.removeprefix("http://a")):
        return path.removeprefix(inner)
    # More steps up than the base has: they stay.
    at = path.removeprefix("/b/").count("c/")
    return "../" * (depth - at) + path.removeprefix("/b/" + "c/" * at)
