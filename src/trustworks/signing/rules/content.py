"""Whether documents are what a signature says of them.

Sources: TS 119 182-1, 5.1.3 (cty); EN 319 122-1, 5.2.4 (mime-type); EN 319 132-1, 5.2.4 (DataObjectFormat);
RFC 7515, appendix F (a payload that is elsewhere); RFC 6838, 4.2 and RFC 9110, 5.6 and 8.3.1 (media types).
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.printable import printable
from trustworks.core.trace import implements
from trustworks.formats.jades import json_text
from trustworks.formats.limits import DEFAULT
from trustworks.signing.model import Format, Onto, Packaging

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.formats.data import Data
    from trustworks.signing.model import Document, Request

_READ: Final = 16 * 1024 * 1024
"""Octets of JSON that are looked at; longer ones are believed."""
_HEAD: Final = 1024
_LONGEST: Final = 255
"""Characters of a media type."""
_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_WORD: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_QUOTED: Final = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
_WRITTEN: Final = re.compile(rf"{_NAME}/{_NAME}(?: *; *{_WORD}=(?:{_WORD}|{_QUOTED}))*")
_JSON: Final = frozenset({"application/json", "text/json"})
_XML: Final = frozenset({"application/xml", "text/xml"})
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


@implements("TRUSTWORKS:SIGNING-PAYLOAD-EMPTY")
def has_a_payload(request: Request) -> None:
    """A JWS has something in it: an empty payload says that the data is elsewhere."""
    inside = request.format is Format.JADES and request.packed_as is Packaging.ENVELOPING
    if inside and request.onto is Onto.NEW and not any(one.data.size for one in request.documents):
        raise Rejected(
            "signing.documents",
            f"{_named(request.documents[0])} is empty, and an empty payload of a JWS says that the data is "
            "elsewhere. Sign it detached, or with CAdES.",
        )


@implements("TRUSTWORKS:SIGNING-MEDIA-TYPE-WRITTEN")
def has_a_written_media_type(request: Request) -> None:
    """A media type is one as it is written: a type, a subtype and parameters, in printable ASCII.

    Raises `Rejected` (``signing.media-type``).
    """
    for one in request.documents:
        said = one.media_type
        if said is not None and (len(said) > _LONGEST or not _WRITTEN.fullmatch(said)):
            raise Rejected(
                "signing.media-type",
                f"{_named(one)} has the media type {said!a:.80}, and none is written so. Write type/subtype, "
                "such as text/plain, with parameters as in text/plain; charset=utf-8, in at most "
                f"{_LONGEST} characters; or leave it out.",
            )


@implements("TRUSTWORKS:SIGNING-MEDIA-TYPE")
def is_what_it_says(request: Request) -> None:
    """A document whose media type is signed with it is none that is something else: JSON, XML and PDF.

    Raises `Rejected` (``signing.media-type``).
    """
    if request.onto is not Onto.NEW:
        return
    for one in request.documents:
        look = _look((one.media_type or "").partition(";")[0].strip().lower())
        why = None if look is None else look(one.data)
        if why is not None:
            raise Rejected(
                "signing.media-type",
                f"{_named(one)} would be signed as {printable(one.media_type or '')[:60]}, and is none: "
                f"{why}. Mend it, or give it under a name or media type that does not say so.",
            )


def _look(media_type: str) -> Callable[[Data], str | None] | None:
    """What says why data is not of a media type; None for one that is not looked at."""
    if media_type in _JSON or media_type.endswith("+json"):
        return _no_json
    if media_type in _XML or media_type.endswith("+xml"):
        return _no_xml
    return _no_pdf if media_type == "application/pdf" else None


def _no_json(data: Data) -> str | None:
    if data.size > _READ:
        return None
    try:
        json_text.parse(data.octets(), DEFAULT)
    except BeyondLimit:
        return None
    except Malformed as error:
        return str(error).rstrip(".")
    return None


def _no_xml(data: Data) -> str | None:
    head = _head(data)
    for mark in _MARKS:
        head = head.removeprefix(mark)
    # Of UTF-16 every other octet is zero.
    return None if head.replace(b"\0", b"").lstrip().startswith(b"<") else "it does not begin with an element"


def _no_pdf(data: Data) -> str | None:
    return None if b"%PDF-" in _head(data) else "it has no header %PDF- at its beginning"


def _head(data: Data) -> bytes:
    return b"".join(islice(data.portions(), 1))[:_HEAD]


def _named(document: Document) -> str:
    return printable(document.name)[:200] if document.name else "The document"
