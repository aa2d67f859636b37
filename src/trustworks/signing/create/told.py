"""What a signer says of the signature, in the words of each format: the request says it once for all.

Sources: EN 319 122-1 and EN 319 132-1, 5.2.3 and 5.2.5; TS 119 182-1, 5.2.3 and 5.2.4; RFC 5126, 5.11.1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.signing.model import Format
from trustworks.signing.rules.identifiers import COMMITMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.formats.claims import Claims

PARTS: Final = ("street", "city", "state", "postal-code", "country")
"""The parts of a place, as they are written in every format."""

_URI: Final = "http://uri.etsi.org/01903/v1.2.2#"
_IN_JSON: Final = {
    "street": "streetAddress",
    "city": "addressLocality",
    "state": "addressRegion",
    "postal-code": "postalCode",
    "country": "addressCountry",
}
_LINES: Final = (("street",), ("postal-code", "city"), ("state",))


def in_words_of(format_: Format, claims: Claims) -> Claims:
    """The claims as a format writes them.

    A commitment is a name of `COMMITMENTS`, or an identifier that is taken as it is. A place has `PARTS`.
    Raises `Rejected` (``signing.place``) for another part.
    """
    in_xml = format_ in {Format.XADES, Format.JADES}
    commitments = tuple(
        (_URI + COMMITMENTS[one][1] if in_xml else COMMITMENTS[one][0]) if one in COMMITMENTS else one
        for one in claims.commitments
    )
    place = None if claims.location is None else _place(format_, claims.location)
    return replace(claims, commitments=commitments, location=place)


def _place(format_: Format, place: Mapping[str, str]) -> Mapping[str, str]:
    unknown = sorted(set(place) - set(PARTS))
    if unknown:
        raise Rejected(
            "signing.place", f"A place has no part {unknown[0]!r:.60}. Use some of {', '.join(PARTS)}."
        )
    match format_:
        case Format.XADES:
            return place
        case Format.JADES:
            return {_IN_JSON[key]: value for key, value in place.items()}
        case Format.CADES:
            return _in_cms(place)
        case Format.PADES:
            return {key: place[key] for key in PARTS if key in place}


def _in_cms(place: Mapping[str, str]) -> Mapping[str, str]:
    """Country and locality, and the lines of an address where there is more."""
    said = {new: place[old] for new, old in (("country", "country"), ("locality", "city")) if old in place}
    if set(place) - {"country", "city"}:
        lines = (" ".join(place[key] for key in keys if key in place) for keys in _LINES)
        said["postal-address"] = "\n".join(one for one in lines if one)
    return said
