"""The one XML parser: what every XML document from elsewhere goes through.

No document type, no entities, nothing fetched; size, depth, and the numbers of elements, attributes and
namespace declarations are bounded before memory is spent on them. Sources: Extensible Markup Language (XML)
1.0; XML Signature Best Practices, 2.1 and 2.3.
"""

from __future__ import annotations

import re
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.trace import implements
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

XML: Final = "http://www.w3.org/XML/1998/namespace"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"

# libxml2 itself stops at this depth, unless it is told to take huge documents.
_NATIVE_DEPTH: Final = 256
# A text may have at most ten million characters, unless libxml2 is told to take huge documents.
_NATIVE_TEXT: Final = 9_000_000

# Encodings in which the octets of "<" and of quotation marks are those of ASCII, so that they can be counted;
# and UTF-16, in which each of them still has that octet.
_ENCODINGS: Final = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-?\d{1,2}|iso_8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|koi8-[ru]|utf-?16(le|be)?",
    re.IGNORECASE,
)
_DECLARED: Final = re.compile(rb"""\A<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._\-]{1,40})["']""")
# Comments and instructions that stand before the document type or the root element.
_PROLOG: Final = re.compile(rb"(?:\s++|<\?(?:[^?]|\?(?!>))*+\?>|<!--(?:[^-]|-(?!->))*+-->)*+<!DOCTYPE")
_DECLARES: Final = re.compile(rb"<!ENTITY|<!ATTLIST|%[A-Za-z_:]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much XML is taken: each bound is checked before, or while, the memory for it is spent."""

    octets: int = 256 * 1024 * 1024
    depth: int = _NATIVE_DEPTH
    elements: int = 2_000_000
    attributes_of_all: int = 2_000_000
    attributes_of_element: int = 2_000
    namespaces_in_scope: int = 500
    # XML Signature (references.py): references of one signature, transforms of one reference, and the visits
    # to nodes that the XPath expressions of all may cost, beside some for each octet of the document.
    references: int = 10_000
    transforms: int = 10
    # Octets of canonical forms that are made, beside four times those of the document; octets that are
    # digested or parsed, those of one form as often as references are to it.
    octets_made: int = 64 * 1024 * 1024
    octets_read: int = 512 * 1024 * 1024
    octets_kept: int = 512 * 1024 * 1024
    xpath_work: int = 50_000_000
    xpath_length: int = 4_096


DEFAULT: Final = Limits()


def parse(octets: bytes, limits: Limits = DEFAULT, *, allow_doctype: bool = False) -> etree._Element:
    """The root element of a document.

    A document type is refused unless `allow_doctype`; even then it may declare neither entities nor
    attributes, and nothing that it names is fetched. Raises `Malformed` where the octets are not well-formed
    XML, are in an encoding that few use, or exceed a limit.
    """
    if len(octets) > limits.octets:
        raise BeyondLimit(
            f"The XML document has {len(octets)} octets, more than the {limits.octets} that are read.",
            "octets",
        )
    _check_counts(octets, limits)
    _check_prolog(octets, allow_doctype=allow_doctype)
    deep = limits.depth < _NATIVE_DEPTH
    try:
        try:
            root = etree.fromstring(octets, _parser(huge=False))
        except etree.XMLSyntaxError as error:
            if error.code != etree.ErrorTypes.ERR_RESOURCE_LIMIT:
                raise
            if len(octets) < _NATIVE_TEXT:
                raise BeyondLimit(f"More of the XML document than is read: {_reason(error)}.") from error
            # A long text is in order; what else libxml2 bounds is bounded here.
            deep = True
            root = etree.fromstring(octets, _parser(huge=True))
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise Malformed(
            f"The document is not well-formed XML: {_reason(error)}. Send it as its maker wrote it."
        ) from error
    if deep:
        _check_depth(root, limits.depth)
    _check_attributes(root, octets, limits)
    return root


def _parser(*, huge: bool) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=huge,
        remove_comments=False,
        remove_pis=False,
        strip_cdata=True,
        collect_ids=False,
    )


def _reason(error: Exception) -> str:
    text = (
        str(error).split("(<string>", maxsplit=1)[0].replace(", use XML_PARSE_HUGE option", "").strip(" ,.")
    )
    return (
        "".join(letter if letter.isprintable() else "?" for letter in text[:200]) or "it has no root element"
    )


@implements("XMLDSIG-BP:SIZE", disabled=None)
def _check_counts(octets: bytes, limits: Limits) -> None:
    """Every element has a "<" of its own, every attribute two quotation marks, whatever else has them too."""
    if len(octets) > 4 * limits.elements and octets.count(b"<") - octets.count(b"</") > limits.elements:
        raise BeyondLimit(
            f"The XML document may have more than the {limits.elements} elements that are read.", "elements"
        )
    if len(octets) > 5 * limits.attributes_of_all and _quotes(octets) // 2 > limits.attributes_of_all:
        raise BeyondLimit(
            f"The XML document may have more than the {limits.attributes_of_all} attributes that are read.",
            "attributes_of_all",
        )


def _quotes(octets: bytes) -> int:
    return octets.count(b'"') + octets.count(b"'")


def _check_prolog(octets: bytes, *, allow_doctype: bool) -> None:
    if octets[:4] in {b"\0\0\xfe\xff", b"\xff\xfe\0\0", b"\0\0\0<", b"<\0\0\0", b"Lo\xa7\x94"}:
        raise Malformed("The XML document is neither in UTF-8 nor in UTF-16. Send it in UTF-8.")
    head = octets.removeprefix(b"\xef\xbb\xbf")
    if octets[:2] in {b"\xff\xfe", b"\xfe\xff", b"\0<", b"<\0"}:
        # The octets of "<!DOCTYPE" appear in their order, with zeros between them.
        head = octets[octets[:2] in {b"\xff\xfe", b"\xfe\xff"} and 2 :].replace(b"\0", b"")
    declared = _DECLARED.match(head)
    if declared and not _ENCODINGS.fullmatch(declared[1].decode("ascii")):
        raise Malformed(
            f"The XML document is in {declared[1].decode('ascii')}, which is not read. Send it in UTF-8."
        )
    _check_doctype(head, allow_doctype=allow_doctype)


@implements("XMLDSIG-BP:DTD", disabled=None)
def _check_doctype(head: bytes, *, allow_doctype: bool) -> None:
    """Entities of a document type make much of little, or fetch what they name: there are none."""
    found = _PROLOG.match(head)
    if found is None:
        return
    if not allow_doctype:
        raise Malformed(
            "The XML document has a document type (DOCTYPE), which is not read. Send it without one."
        )
    if _DECLARES.search(head, found.end()):
        raise Malformed(
            "The document type of the XML document declares entities or attributes, which are not read. "
            "Send the document without its type."
        )


@implements("XMLDSIG-BP:SIZE", disabled=None)
def _check_depth(root: etree._Element, depth: int) -> None:
    if root.xpath("boolean(" + "/*" * (depth + 1) + ")"):
        raise BeyondLimit(f"The elements of the XML document are nested more than {depth} deep.", "depth")


@implements("XMLDSIG-BP:SIZE", disabled=None)
def _check_attributes(root: etree._Element, octets: bytes, limits: Limits) -> None:
    """Bounds what canonicalisation searches through; looked at only where the octets make it possible."""
    most = limits.attributes_of_element
    if len(octets) > 5 * most and _quotes(octets) // 2 > most and root.xpath(f"boolean(//*/@*[{most + 1}])"):
        raise BeyondLimit(
            f"An element of the XML document has more than {most} attributes.", "attributes_of_element"
        )
    if len(octets) > 8 * limits.namespaces_in_scope:
        declared = declarations_in(octets)
        if declared is None or declared > limits.namespaces_in_scope:
            namespaces_in_scope(root, limits.namespaces_in_scope)


def declarations_in(octets: bytes) -> int | None:
    """How many namespaces a document declares at most; None where its octets do not tell."""
    return None if _is_wide(octets) else octets.count(b"xmlns")


def namespaces_in_scope(root: etree._Element, most: int = DEFAULT.namespaces_in_scope) -> int:
    """How many namespace declarations hold in one place of a document. Raises `BeyondLimit` above `most`."""
    in_scope = largest = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        in_scope += 1 if event == "start-ns" else -1
        if in_scope > most:
            raise BeyondLimit(
                f"More than {most} namespace declarations of the XML document hold in one place."
            )
        largest = max(largest, in_scope)
    return largest


def _is_wide(octets: bytes) -> bool:
    """Whether characters have two octets."""
    return octets[:1] in {b"\xff", b"\xfe", b"\0"} or octets[1:2] == b"\0"


# Attributes whose values name their elements: without a schema, tools take what is called so for identifiers.
# One search for each name takes half the time of one for all; what is rare is looked for in the octets first.
_SEARCHES: Final = {
    name: etree.XPath(f"descendant-or-self::*/@{name}", namespaces={"wsu": WSU})
    for name in ("Id", "ID", "id", "xml:id", "wsu:Id")
}
_RARE: Final = {"xml:id": b"xml:id", "wsu:Id": WSU.encode()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids:
    """The elements of a document by identifier.

    `unique` has those that one element alone has; `duplicates` the elements of each identifier that several
    have, which is what wrapping attacks are made of: no reference by such an identifier says what was signed.
    """

    unique: Mapping[str, etree._Element]
    duplicates: Mapping[str, tuple[etree._Element, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def get(self, identifier: str) -> etree._Element | None:
        """The one element that has the identifier; None where none has it, or several."""
        return self.unique.get(identifier)

    def joined(self, other: Ids) -> Ids:
        """With the elements of another, none of which are among these."""
        unique, duplicates = dict(self.unique), dict(self.duplicates)
        for name, elements in (
            *((name, (one,)) for name, one in other.unique.items()),
            *other.duplicates.items(),
        ):
            there = (unique.pop(name),) if name in unique else duplicates.get(name, ())
            if there or len(elements) > 1:
                duplicates[name] = (*there, *elements)
            else:
                (unique[name],) = elements
        return Ids(unique=MappingProxyType(unique), duplicates=MappingProxyType(duplicates))


def absent_identifiers(octets: bytes) -> frozenset[str]:
    """Attributes of identifiers that the octets of a document cannot have, so that `ids_of` need not look."""
    if _is_wide(octets):
        return frozenset()
    return frozenset(name for name, written in _RARE.items() if written not in octets)


def ids_of(root: etree._Element, without: Collection[str] = ()) -> Ids:
    """The elements at and below `root` by their Id, ID, id, xml:id and wsu:Id attributes (`without` some)."""
    unique: dict[str, etree._Element] = {}
    duplicates: dict[str, list[etree._Element]] = {}
    for name, search in _SEARCHES.items():
        if name in without:
            continue
        for attribute in search(root):
            value, element = str(attribute), attribute.getparent()
            if not value:
                continue
            if value in duplicates:
                if all(other is not element for other in duplicates[value]):
                    duplicates[value].append(element)
            elif (first := unique.setdefault(value, element)) is not element:
                duplicates[value] = [first, element]
                del unique[value]
    return Ids(
        unique=MappingProxyType(unique),
        duplicates=MappingProxyType({name: tuple(elements) for name, elements in duplicates.items()}),
    )
