"""What a member of a container is by its name, and what kind of container they make.

Source: EN 319 162-1, 4.3, 4.4 and annex A.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from trustworks.formats.evidence import Container

if TYPE_CHECKING:
    from collections.abc import Iterable

META_INF: Final = "META-INF/"
MIMETYPE: Final = "mimetype"
ASIC_S: Final = "application/vnd.etsi.asic-s+zip"
ASIC_E: Final = "application/vnd.etsi.asic-e+zip"
OPEN_DOCUMENT: Final = "application/vnd.oasis.opendocument."


class Role(StrEnum):
    """What a member is for."""

    DATA = "data"
    MIMETYPE = "mimetype"
    XADES = "xades"
    CADES = "cades"
    TIME_STAMP = "time-stamp"
    EVIDENCE_RECORD = "evidence-record"
    MANIFEST = "manifest"
    """ASiCManifest: what a CAdES signature or a time-stamp is over."""
    ARCHIVE_MANIFEST = "archive-manifest"
    EVIDENCE_RECORD_MANIFEST = "evidence-record-manifest"
    FILE_LIST = "file-list"
    """META-INF/manifest.xml, which lists the members."""
    OTHER = "other"
    """In META-INF, and none of these."""


def role_of(name: str) -> Role:  # noqa: PLR0911 - a case for each kind of name
    """The role of a member: only names in META-INF have one beside that of data."""
    if name == MIMETYPE:
        return Role.MIMETYPE
    if not name.startswith(META_INF):
        return Role.DATA
    base = name[len(META_INF) :]
    if base == "manifest.xml":
        return Role.FILE_LIST
    if base.endswith(".xml"):
        for part, role in _XML:
            if part in base:
                return role
    if base.endswith((".p7s", ".p7m")) and "signature" in base:
        return Role.CADES
    if base.endswith(".tst") and "timestamp" in base:
        return Role.TIME_STAMP
    if base.endswith(".ers") and "evidencerecord" in base:
        return Role.EVIDENCE_RECORD
    return Role.OTHER


_XML: Final = (
    ("ASiCEvidenceRecordManifest", Role.EVIDENCE_RECORD_MANIFEST),
    ("ASiCArchiveManifest", Role.ARCHIVE_MANIFEST),
    ("ASiCManifest", Role.MANIFEST),
    ("evidencerecord", Role.EVIDENCE_RECORD),
    ("signature", Role.XADES),
)


def media_type_of(said: bytes | None, comment: bytes) -> str | None:
    """The media type that a container says it has: in its first member, else in its comment (4.3.3.1)."""
    for octets in (said, comment.partition(b"mimetype=")[2] or None):
        if octets is not None:
            text = octets[:200].decode("utf-8-sig", "replace").strip()
            if text:
                return text
    return None


def container_of(media_type: str | None, names: Iterable[str]) -> Container:
    """The kind of container: as it says, else by what is in it."""
    if media_type == ASIC_S:
        return Container.ASIC_S
    if media_type == ASIC_E:
        return Container.ASIC_E
    if media_type is not None and media_type.startswith(OPEN_DOCUMENT):
        return Container.OPEN_DOCUMENT
    roles = [role_of(name) for name in names]
    signing = {Role.XADES, Role.CADES, Role.TIME_STAMP, Role.EVIDENCE_RECORD}
    if not signing.intersection(roles):
        return Container.NONE
    # An ASiC-S has one data object, and nothing that lists several.
    listing = {Role.MANIFEST, Role.ARCHIVE_MANIFEST, Role.EVIDENCE_RECORD_MANIFEST, Role.FILE_LIST}
    simple = roles.count(Role.DATA) == 1 and not listing.intersection(roles)
    return Container.ASIC_S if simple else Container.ASIC_E
