"""Pages as people save them: HTML, read within bounds, with nothing run and nothing fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.errors import BeyondLimit, Malformed

if TYPE_CHECKING:
    from trustworks.assurance.sources.imported import Limits

# Beyond this line, libxml2 says this line.
_LAST_LINE: Final = 65_535
_BREAKS: Final = frozenset(
    {
        "br",
        "p",
        "div",
        "li",
        "ul",
        "ol",
        "tr",
        "td",
        "th",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "dd",
        "dt",
    }
)
_UNSEEN: Final = frozenset({"script", "style", "noscript", "template"})


def parse(data: bytes, name: str, limits: Limits) -> etree._Element:
    """The root element of a page. Raises `Malformed`."""
    if data.count(b"<") > limits.elements:
        raise BeyondLimit(f"{name} has more than the {limits.elements} elements that are read.", "elements")
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        plain = data.decode("utf-16", "replace")
    else:
        plain = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    octets = plain.replace("\0", "").encode("utf-8", "replace")
    parser = etree.HTMLParser(
        encoding="utf-8",
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        default_doctype=False,
    )
    try:
        root = etree.fromstring(octets, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Malformed(f"{name} is no HTML that can be read. Save the page again.") from error
    # The parser mends what it can; where it stops, the rest of the page would be missing unseen.
    if any(one.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for one in parser.error_log) or any(
        "Excessive depth" in one.message for one in parser.error_log
    ):
        raise BeyondLimit(f"The elements of {name} are nested deeper, or are more, than is read.", "elements")
    if root is None:
        raise Malformed(f"{name} is empty. Save the page again.")
    return root


def line_of(element: etree._Element) -> int | None:
    """The line on which an element begins; None where the parser counts no further."""
    line = element.sourceline
    return line if isinstance(line, int) and 0 < line < _LAST_LINE else None


def text_of(element: etree._Element) -> str:
    """What a reader sees of an element, with a line end where it begins a new one."""
    pieces: list[str] = []
    _collect(element, pieces)
    return "".join(pieces)


def _collect(element: etree._Element, pieces: list[str]) -> None:
    """As deep as the parser goes, which is 256 elements at most."""
    tag = element.tag
    if not isinstance(tag, str) or tag in _UNSEEN:
        return
    if tag in _BREAKS:
        pieces.append("\n")
    if element.text:
        pieces.append(element.text)
    for child in element:
        _collect(child, pieces)
        if child.tail:
            pieces.append(child.tail)
    if tag in _BREAKS:
        pieces.append("\n")


def has_class(element: etree._Element, name: str) -> bool:
    """Whether an element is of a class of the style sheet."""
    return name in (element.get("class") or "").split()


def label_pairs(root: etree._Element, wanted: str) -> list[tuple[str, etree._Element, etree._Element]]:
    """Label, its element and its value's, of what a page sets out in two columns, but inside of values.

    A page may have several such parts, in rows that its style names, tables or lists: those of the first that
    has the `wanted` label (in small letters), or none.
    """
    rows = [
        _pair(one)
        for one in root.iter("div")
        if has_class(one, "padrow") and not any(has_class(up, "padrow") for up in one.iterancestors("div"))
    ]
    parts = [rows, *([_pair(row) for row in table.iter("tr")] for table in root.iter("table"))]
    parts += [[_pair(term) for term in listed.iter("dt")] for listed in root.iter("dl")]
    for part in parts:
        found = [one for one in part if one is not None]
        if any(label.casefold() == wanted for label, _, _ in found):
            return found
    return []


def _pair(element: etree._Element) -> tuple[str, etree._Element, etree._Element] | None:
    if element.tag == "dt":
        value = element.getnext()
        return None if value is None or value.tag != "dd" else (_label(element), element, value)
    parts = [one for one in element if isinstance(one.tag, str)]
    if len(parts) < 2 or (element.tag == "tr" and (len(parts) > 2 or parts[1].tag != "td")):
        return None
    return _label(parts[0]), parts[0], parts[1]


def _label(element: etree._Element) -> str:
    return " ".join(text_of(element).split()).rstrip(" :;")[:200]
