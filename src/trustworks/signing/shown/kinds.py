"""What a document is by its octets, and whether it can be taken for something else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.signing.shown.codes import found
from trustworks.signing.shown.html import is_html
from trustworks.signing.shown.model import Kind
from trustworks.signing.shown.picture import JPEG, PNG
from trustworks.signing.shown.text import is_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.signing.shown.model import Finding

_ENDINGS: Final = {
    Kind.PDF: ("pdf",),
    Kind.IMAGE: ("png", "jpg", "jpeg"),
    Kind.XML: ("xml", "xsl", "xslt", "svg", "xhtml"),
    Kind.JSON: ("json",),
    Kind.HTML: ("html", "htm"),
    Kind.CONTAINER: (
        *("zip", "asice", "asics", "sce", "scs", "bdoc", "ddoc", "docx", "xlsx", "pptx", "docm", "xlsm"),
        *("odt", "ods", "odp", "jar", "epub"),
    ),
    Kind.TEXT: ("txt", "csv", "md"),
}
_TYPES: Final = {
    Kind.PDF: ("application/pdf",),
    Kind.IMAGE: ("image/png", "image/jpeg"),
    Kind.XML: ("application/xml", "text/xml", "image/svg+xml", "application/xhtml+xml"),
    Kind.JSON: ("application/json", "text/json"),
    Kind.HTML: ("text/html",),
    Kind.CONTAINER: ("application/zip", "application/vnd.etsi.asic-e+zip", "application/vnd.etsi.asic-s+zip"),
    Kind.TEXT: ("text/plain", "text/csv", "text/markdown"),
}
_BY_ENDING: Final = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings}
_BY_TYPE: Final = {name: kind for kind, names in _TYPES.items() for name in names}
_FINE_AS_TEXT: Final = frozenset({Kind.TEXT, Kind.JSON, Kind.XML, Kind.HTML})
"""Kinds that are text too: whoever says text of one of them says nothing wrong."""
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_ROOM: Final = 66_000
"""Octets from the end of a file in which the end of a ZIP directory is looked for: it may have a comment."""
_PDF_ROOM: Final = 1024
_MARKUP: Final = re.compile(rb"<(?:!doctype html|html|script)\b", re.IGNORECASE)


def kind_of(octets: bytes) -> Kind:  # noqa: PLR0911 - one for each kind
    """The kind that the first octets say, or OTHER."""
    if octets.startswith((PNG, JPEG)):
        return Kind.IMAGE
    if octets.startswith((b"PK\x03\x04", _ZIP_END)):
        return Kind.CONTAINER
    if octets.startswith(b"%PDF-"):
        return Kind.PDF
    head = octets.removeprefix(b"\xef\xbb\xbf").lstrip()[:_PDF_ROOM]
    if not octets or not is_text(octets):
        return Kind.PDF if b"%PDF-" in octets[:_PDF_ROOM] else Kind.OTHER
    if is_html(head.decode("latin-1")):
        return Kind.HTML
    if head.startswith(b"<") or octets[:4] in {b"\xff\xfe<\0", b"\xfe\xff\0<"}:
        return Kind.XML
    if head.startswith((b"{", b"[")):
        return Kind.JSON
    return Kind.PDF if b"%PDF-" in octets[:_PDF_ROOM] else Kind.TEXT


@implements("TRUSTWORKS:SHOWN-KIND", "TS119101:SCP-7", disabled=())
def taken_otherwise(octets: bytes, kind: Kind, name: str, media_type: str | None) -> Iterator[Finding]:
    """Where a name says another kind, or a program that looks elsewhere in the file would see another."""
    said = {_BY_ENDING.get(name.rpartition(".")[2].lower()) if "." in name else None}
    said.add(_BY_TYPE.get((media_type or "").partition(";")[0].strip().lower()))
    wrong = {one for one in said if one is not None and not _agrees(one, kind)}
    if wrong:
        yield found("other-kind", said=", ".join(sorted(wrong)), kind=kind)
    also = []
    if kind is not Kind.PDF and b"%PDF-" in octets[:_PDF_ROOM]:
        also.append(Kind.PDF)
    if kind is not Kind.CONTAINER and _ZIP_END in octets[-_ZIP_ROOM:] and b"PK\x01\x02" in octets:
        also.append(Kind.CONTAINER)
    if kind in {Kind.PDF, Kind.IMAGE, Kind.OTHER} and _MARKUP.search(octets[:_PDF_ROOM]):
        also.append(Kind.HTML)
    if also:
        yield found("two-kinds", kind=kind, also=", ".join(also))


def _agrees(said: Kind, kind: Kind) -> bool:
    return (
        said is kind or (said is Kind.TEXT and kind in _FINE_AS_TEXT) or {said, kind} == {Kind.XML, Kind.HTML}
    )
