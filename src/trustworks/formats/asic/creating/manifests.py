"""Writes what says in a container what a signature, time-stamp or record is over.

Source: EN 319 162-1, A.4 and A.7; OpenDocument 1.2, part 3, 4.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from lxml import etree

from trustworks.core.der.algorithms import HASHES
from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass
from trustworks.core.xml.algorithms import DIGESTS, DS
from trustworks.formats.asic.manifest import MANIFEST_LIST, NAMESPACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ASIC: Final = NAMESPACES[0]
_METHODS: Final = {name: uri for uri, name in reversed(list(DIGESTS.items()))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A member as a manifest names it. `root`: it is what a reader opens first."""

    name: str
    digest: bytes
    media_type: str | None = None
    root: bool = False


def manifest(
    signature: str, members: Sequence[Named], hash_name: str, media_type: str | None = None
) -> bytes:
    """An ASiCManifest: what is in `signature` is over these members, by their digests.

    Raises:
        Rejected: ``asic.hash``: nothing new is digested by that hash function.
    """
    if hash_name not in HASHES or hash_name not in _METHODS:
        raise Rejected("asic.hash", f"Nothing new is digested by {hash_name:.40}. Use another hash function.")
    root = etree.Element(f"{{{_ASIC}}}ASiCManifest", nsmap={"asic": _ASIC, "ds": DS})
    reference = etree.SubElement(root, f"{{{_ASIC}}}SigReference", URI=quote(signature))
    if media_type is not None:
        reference.set("MimeType", media_type)
    for member in members:
        element = etree.SubElement(root, f"{{{_ASIC}}}DataObjectReference", URI=quote(member.name))
        if member.media_type is not None:
            element.set("MimeType", member.media_type)
        if member.root:
            element.set("Rootfile", "true")
        etree.SubElement(element, f"{{{DS}}}DigestMethod", Algorithm=_METHODS[hash_name])
        etree.SubElement(element, f"{{{DS}}}DigestValue").text = base64.b64encode(member.digest).decode()
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def file_list(media_type: str, members: Iterable[tuple[str, str | None]]) -> bytes:
    """META-INF/manifest.xml: the container and its data objects, each with its media type."""
    space = f"{{{MANIFEST_LIST}}}"
    root = etree.Element(f"{space}manifest", nsmap={"manifest": MANIFEST_LIST})
    root.set(f"{space}version", "1.2")
    for name, kind in (("/", media_type), *members):
        entry = etree.SubElement(root, f"{space}file-entry")
        entry.set(f"{space}full-path", name)
        entry.set(f"{space}media-type", kind or "application/octet-stream")
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
