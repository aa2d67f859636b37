"""ZIP files, ASiC and office documents: what is in them, member by member; each can be shown by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.trace import implements
from trustworks.formats.asic.archive import open_archive
from trustworks.formats.asic.kinds import media_type_of
from trustworks.signing.shown.codes import WEIGHTS, cut, found
from trustworks.signing.shown.model import Absent, Member, Members

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from trustworks.formats.asic.archive import Archive
    from trustworks.formats.data import Data
    from trustworks.signing.shown.bounds import Bounds
    from trustworks.signing.shown.model import Finding, Part

_MACROS: Final = re.compile(
    r"(?:^|/)vba(?:Project|Data)[^/]*\.(?:bin|xml)$|^(?:Basic|Scripts)/|(?:^|/)macrosheets/", re.IGNORECASE
)
_PROGRAMS: Final = re.compile(
    r"(?:^|/)(?:activeX|embeddings)/|^(?:ObjectReplacements|Object \d+)/"
    r"|\.(?:exe|dll|com|scr|bat|cmd|ps1|vbs|js|jse|wsf|hta|msi|jar|lnk|sh|py)$",
    re.IGNORECASE,
)
_OFFICE: Final = re.compile(r"application/(?:vnd\.oasis\.opendocument|vnd\.openxmlformats)")
_RELATED: Final = re.compile(r"\.rels$", re.IGNORECASE)
_OUTSIDE: Final = re.compile(rb"TargetMode\s*=\s*[\"']External[\"']", re.IGNORECASE)
_HYPERLINK: Final = re.compile(
    rb"<(?:[\w.-]+:)?Relationship\b[^>]*/relationships/hyperlink\b[^>]*>", re.IGNORECASE
)
_LARGEST_RELATED: Final = 4 * 1024 * 1024
_LARGEST_TYPE: Final = 256


def opened(data: Data, bounds: Bounds) -> Archive:
    """The members. Raises `Malformed` where it is no ZIP file or beyond the bounds."""
    return open_archive(data, bounds.limits())


def shown_container(data: Data, bounds: Bounds) -> tuple[tuple[Part, ...], tuple[Finding, ...]]:
    """The list of what is in it, and what of that runs, is fetched, or cannot be shown."""
    try:
        archive = opened(data, bounds)
    except Malformed as error:
        return (Absent(reason="container", values={"why": str(error)}),), (found("absent"),)
    findings = [
        found(code)
        for one in archive.findings
        if (code := one.code.replace("asic.", "container.")) in WEIGHTS
    ]
    names = tuple(archive.members)
    said = archive.members.get("mimetype")
    media_type = media_type_of(
        said.octets() if said is not None and said.size <= _LARGEST_TYPE else None, archive.comment
    )
    findings += _of_names(names)
    if outside := sum(_outside(archive)):
        findings.append(found("container.elsewhere", count=outside))
    if "[Content_Types].xml" in names or (media_type is not None and _OFFICE.match(media_type)):
        findings.append(found("container.office"))
    listed = names[: bounds.members]
    findings += cut(len(listed), len(names), "files")
    members = tuple(
        Member(name=name, size=one.size, sha256=one.digest("sha256").hex())
        for name, one in ((name, archive.members[name]) for name in listed)
    )
    return (Members(count=len(names), members=members, media_type=media_type),), tuple(findings)


@implements("TRUSTWORKS:SHOWN-ACTIVE", "TS119101:SCP-23", "EN419111:2-STABILITY", disabled=())
def _of_names(names: Collection[str]) -> Iterator[Finding]:
    for code, pattern in (("container.macros", _MACROS), ("container.programs", _PROGRAMS)):
        named = [name for name in names if pattern.search(name)]
        if named:
            yield found(code, count=len(named), names=", ".join(one[-60:] for one in named[:5]))


def _outside(archive: Archive) -> Iterator[int]:
    """Parts of an office document that are fetched from elsewhere when it is opened; links are not."""
    for name, member in archive.members.items():
        if _RELATED.search(name) and member.size <= _LARGEST_RELATED:
            octets = _HYPERLINK.sub(b"", member.octets())
            yield sum(1 for _ in _OUTSIDE.finditer(octets))
