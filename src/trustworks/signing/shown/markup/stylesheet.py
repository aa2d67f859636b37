"""An XML document through the stylesheet that it names: nothing is fetched, read or written meanwhile.

Source: Associating Style Sheets with XML documents 1.0; XSLT 1.0.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.errors import Malformed
from trustworks.core.trace import implements
from trustworks.core.xml.parse import ids_of, parse
from trustworks.formats.limits import xml_bounds
from trustworks.signing.shown.codes import found
from trustworks.signing.shown.markup.harmless import TooLong, harmless
from trustworks.signing.shown.model import Styled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.formats.data import Data
    from trustworks.signing.shown.bounds import Bounds
    from trustworks.signing.shown.model import Finding

_XSLT: Final = "http://www.w3.org/1999/XSL/Transform"
_TYPES: Final = frozenset({"text/xsl", "text/xml", "application/xml", "application/xslt+xml"})
_PAIR: Final = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_EXTENSIONS: Final = (
    "http://exslt.org/",
    "http://xmlsoft.org/",
    "http://icl.com/saxon",
    "http://www.jclark.com/",
    "http://xml.apache.org/",
    "http://php.net/",
    "org.apache.",
    "urn:schemas-microsoft-com:",
    "java:",
)
"""Namespaces of functions and elements beyond XSLT, some of which read and write files."""
_READS: Final = re.compile(r"\b(?:document|unparsed-entity-uri|system-property)\s*\(")
_ABILITIES: Final = frozenset({"import", "include"})


def styled(
    root: etree._Element, beside: Sequence[Data], bounds: Bounds
) -> tuple[Styled | None, tuple[Finding, ...]]:
    """The document as its first stylesheet shows it; None where it names none, or none that can be used.

    `beside` are files that came with the document, by whose names it may call a stylesheet.
    """
    named = list(_named(root))
    usable = [(href, kind) for href, kind in named if kind in _TYPES]
    if not usable:
        return None, tuple(found("xml.stylesheet-kind", type=kind or "?") for _, kind in named[:1])
    href = usable[0][0]
    try:
        sheet, inside = _sheet(root, href, beside, bounds)
    except Malformed as error:
        return None, (found("xml.stylesheet-failed", name=href, why=str(error)),)
    if sheet is None:
        return None, (found("xml.stylesheet-absent", name=href),)
    if _reaches_out(sheet):
        return None, (found("xml.stylesheet-refused", name=href),)
    try:
        html = _transformed(root, sheet, bounds)
    except (etree.XSLTError, etree.XPathError, TooLong, ValueError) as error:
        return None, (found("xml.stylesheet-failed", name=href, why=_said(error)),)
    findings = (found("xml.styled-bare"),) if inside else (found("xml.stylesheet-beside", name=href),)
    return Styled(html=html, stylesheet=href), findings


def _named(root: etree._Element) -> Iterator[tuple[str, str]]:
    """Address and type of each stylesheet, in the order of the document."""
    for node in reversed(list(root.itersiblings(preceding=True))):
        if isinstance(node, etree._ProcessingInstruction) and node.target == "xml-stylesheet":
            given = {
                one[1]: one[2] if one[2] is not None else one[3] for one in _PAIR.finditer(node.text or "")
            }
            if given.get("alternate") != "yes":
                yield given.get("href", ""), given.get("type", "").partition(";")[0].strip().lower()


def _sheet(
    root: etree._Element, href: str, beside: Sequence[Data], bounds: Bounds
) -> tuple[etree._Element | None, bool]:
    """The stylesheet and whether it is in the document itself."""
    limits = xml_bounds(bounds.limits())
    if href.startswith("#"):
        element = ids_of(root).get(href[1:])
        # Parsed anew, so that it is a document of its own, with the namespaces that hold where it stands.
        return (None, True) if element is None else (parse(etree.tostring(element), limits), True)
    given = next((one for one in beside if one.name == href and one.size <= bounds.octets), None)
    return (None, False) if given is None else (parse(given.octets(), limits), False)


@implements("TRUSTWORKS:SHOWN-ALONE", disabled=False)
def _reaches_out(sheet: etree._Element) -> bool:
    """Whether a stylesheet asks for other documents, or for what XSLT itself does not have."""
    for element in sheet.iter("*"):
        name = etree.QName(element)
        if any(uri.startswith(_EXTENSIONS) for uri in element.nsmap.values()):
            return True
        if name.namespace == _XSLT and name.localname in _ABILITIES:
            return True
        for attribute, value in element.attrib.items():
            if etree.QName(str(attribute)).localname == "extension-element-prefixes":
                return True
            if _READS.search(str(value)):
                return True
    return False


def _transformed(root: etree._Element, sheet: etree._Element, bounds: Bounds) -> str:
    nothing = etree.XSLTAccessControl(
        read_file=False, write_file=False, create_dir=False, read_network=False, write_network=False
    )
    transform = etree.XSLT(sheet, access_control=nothing, regexp=False)
    made = transform(root.getroottree())
    if sheet.xpath("boolean(/*/x:output[@method='text'])", namespaces={"x": _XSLT}):
        return harmless([str(made)], bounds.letters)
    tops = made.xpath("/node()")  # text may stand beside elements here, which a document has not
    assert isinstance(tops, list)  # noqa: S101 - that is what such an expression answers
    return harmless([one for one in tops if isinstance(one, str | etree._Element)], bounds.letters)


def _said(error: Exception) -> str:
    text = str(error).partition("\n")[0]
    return "".join(letter if letter.isprintable() else "?" for letter in text[:200])
