"""From octets to what a signer is shown, by the kind of the document; it is called in a bounded process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.signing.shown import html
from trustworks.signing.shown.bounds import DEFAULT
from trustworks.signing.shown.codes import found
from trustworks.signing.shown.kinds import kind_of, taken_otherwise
from trustworks.signing.shown.laid_out import laid_out
from trustworks.signing.shown.letters import odd_letters
from trustworks.signing.shown.model import Absent, Kind, Seen
from trustworks.signing.shown.text import decoded, shown_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.data import Data
    from trustworks.signing.shown.bounds import Bounds
    from trustworks.signing.shown.model import Finding, Part

    Looked = tuple[tuple[Part, ...], tuple[Finding, ...]]


def look(
    data: Data,
    name: str,
    media_type: str | None = None,
    *,
    beside: Sequence[Data] = (),
    bounds: Bounds = DEFAULT,
) -> Seen:
    """The document as it is shown.

    `name` and `media_type` are what it was called by whoever gave it; its kind is what its octets say.
    `beside` are other files that came with it, which may be stylesheets of it.
    """
    if data.size > bounds.octets:
        values = {"size": str(data.size), "most": str(bounds.octets)}
        return Seen(
            kind=Kind.OTHER, parts=(Absent(reason="size", values=values),), findings=(found("absent"),)
        )
    octets = data.octets()
    kind = kind_of(octets)
    first = (*odd_letters(name), *taken_otherwise(octets, kind, name, media_type))
    parts, findings = _by_kind(data, octets, kind, media_type=media_type, beside=beside, bounds=bounds)
    return Seen(kind=kind, parts=parts, findings=_once((*first, *findings)))


def _by_kind(  # noqa: PLR0911 - one for each kind
    data: Data,
    octets: bytes,
    kind: Kind,
    *,
    media_type: str | None,
    beside: Sequence[Data],
    bounds: Bounds,
) -> Looked:
    match kind:
        case Kind.PDF:
            from trustworks.signing.shown.paper import shown_pdf  # noqa: PLC0415 - loads the library

            return _with_signatures(data, octets, kind, shown_pdf(octets, bounds), bounds)
        case Kind.IMAGE:
            from trustworks.signing.shown.picture import shown_picture  # noqa: PLC0415 - loads the library

            part, findings = shown_picture(octets, bounds)
            return (part,), findings
        case Kind.CONTAINER:
            from trustworks.signing.shown.container import shown_container  # noqa: PLC0415 - as above

            return _with_signatures(data, octets, kind, shown_container(data, bounds), bounds)
        case Kind.HTML:
            text, encoding, uncertain = decoded(octets, media_type)
            source, odd = shown_text(text, encoding, bounds, "source")
            return (source,), (*html.looked_at(text), *uncertain, *odd)
        case Kind.XML:
            return _xml(data, octets, media_type, beside, bounds)
        case Kind.JSON:
            return _json(data, octets, media_type, bounds)
        case Kind.TEXT:
            text, encoding, uncertain = decoded(octets, media_type)
            plain, odd = shown_text(text, encoding, bounds)
            return (plain,), (*uncertain, *odd)
        case _:
            return _with_signatures(
                data, octets, kind, ((Absent(reason="kind"),), (found("absent"),)), bounds
            )


def _xml(data: Data, octets: bytes, media_type: str | None, beside: Sequence[Data], bounds: Bounds) -> Looked:
    from trustworks.core.xml.parse import parse  # noqa: PLC0415 - what is no XML does not load it
    from trustworks.formats.limits import xml_bounds  # noqa: PLC0415 - as above
    from trustworks.signing.shown.markup.stylesheet import styled  # noqa: PLC0415 - as above
    from trustworks.signing.shown.markup.tree import shown_tree  # noqa: PLC0415 - as above

    try:
        root = parse(octets, xml_bounds(bounds.limits()))
    except Malformed as error:
        text, encoding, uncertain = decoded(octets, media_type)
        source, odd = shown_text(text, encoding, bounds, "source")
        code = "xml.doctype" if "<!DOCTYPE" in text else "xml.unread"
        return (source,), (found(code, why=str(error)), *html.looked_at(text)[1:], *uncertain, *odd)
    tree, findings = shown_tree(root, bounds)
    page, about = styled(root, beside, bounds)
    parts = (tree,) if page is None else (page, tree)
    return _with_signatures(data, octets, Kind.XML, (parts, (*findings, *about)), bounds)


def _json(data: Data, octets: bytes, media_type: str | None, bounds: Bounds) -> Looked:
    text, encoding, uncertain = decoded(octets, media_type)
    try:
        lines, repeated = laid_out(octets, text, bounds.limits(), bounds.letters)
    except Malformed as error:
        plain, odd = shown_text(text, encoding, bounds)
        return (plain,), (found("json.unread", why=str(error)), *uncertain, *odd)
    part, odd = shown_text(lines, encoding, bounds, "laid-out")
    return _with_signatures(data, octets, Kind.JSON, ((part,), (*repeated, *uncertain, *odd)), bounds)


_MARKS: Final = {
    Kind.PDF: b"",
    Kind.XML: b"Signature",
    Kind.JSON: b'"signature',
    Kind.CONTAINER: b"META-INF/",
    Kind.OTHER: bytes.fromhex("06092a864886f70d010702"),  # CMS signed data (RFC 5652, 5)
}
"""What a document with signatures has in it, whatever else does; without it none are looked for."""


def _with_signatures(data: Data, octets: bytes, kind: Kind, looked: Looked, bounds: Bounds) -> Looked:
    """What is shown, and the signatures that are there, where the format has any."""
    if _MARKS[kind] not in octets:
        return looked
    from trustworks.signing.shown.signatures import present  # noqa: PLC0415 - reads what is signed

    parts, findings = present(data, bounds)
    return (*looked[0], *parts), (*looked[1], *findings)


def _once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Each finding once, the weightiest first, else in their order."""
    order = ("objection", "warning", "note")
    kept = {(one.code, tuple(one.values.items())): one for one in findings}
    return tuple(sorted(kept.values(), key=lambda one: order.index(one.weight)))
