"""From octets to evidence: tells by its content what a file is, and calls the reader of that format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.formats.collector import Collector
from trustworks.formats.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence

_HEAD: Final = 4096
"""Octets in which the beginning of a format is looked for."""
_COMPACT: Final = re.compile(rb"(?:e[w-z0-9_-]|[CDI][A-Za-z0-9_-])[A-Za-z0-9_-]*(?:\.|\Z)")
"""A JWS in compact serialization: base64url of an object of JSON, or of white space before one."""
_SIGNED_DATA: Final = bytes.fromhex("06092a864886f70d010702")
"""The object identifier that CMS signed data begin with (RFC 5652, 5)."""


def kind_of(data: Data) -> str:
    """What the file is: ``pdf`` ``zip`` ``xml`` ``json`` ``cms``, by its first octets and never by its name.

    Raises:
        Malformed: none of them.
    """
    head = next(data.portions(), b"")[:_HEAD]
    if head.startswith(b"0") and _SIGNED_DATA in head[:32]:  # before PDF: the content of CMS may be one
        return "cms"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if text.startswith(b"<") or head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "xml"
    if text.startswith(b"{") or _COMPACT.match(text):
        return "json"
    if head.startswith((b"0", b"-----BEGIN", b"MI")):
        return "cms"
    raise Malformed(
        "This is no signed file of a format that is known here: it begins neither as PDF, XML, JSON, a ZIP "
        "container nor CMS. Give the signed file, and its detached data beside it."
    )


def read(data: Data, *, detached: Sequence[Data] = (), limits: Limits = DEFAULT) -> Evidence:
    """The evidence in a signed file. `detached` is the data that it signs and does not hold.

    Raises:
        Malformed: it is not of a known format, or beyond the limits.
    """
    # Each reader brings libraries that the others do not need: loaded when first used.
    collector = Collector()
    match kind_of(data):
        case "pdf":
            from trustworks.formats.pades import read as reader  # noqa: PLC0415
        case "zip":
            from trustworks.formats.asic import read as reader  # noqa: PLC0415
        case "xml":
            from trustworks.formats.xades import read as reader  # noqa: PLC0415
        case "json":
            from trustworks.formats.jades import read as reader  # noqa: PLC0415
        case _:
            from trustworks.formats.cades import read as reader  # noqa: PLC0415
    reader(data, collector, detached=detached, limits=limits)
    return collector.evidence()
