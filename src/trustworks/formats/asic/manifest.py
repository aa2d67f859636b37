"""Manifests of a container: what a signature, time-stamp or record is over (EN 319 162-1, A.4 and A.7)."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.values import dataclass
from trustworks.core.xml.algorithms import DIGESTS, DS
from trustworks.core.xml.parse import parse
from trustworks.formats.evidence import Reference, ReferenceKind
from trustworks.formats.limits import xml_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml import etree

    from trustworks.formats.asic.archive import Member
    from trustworks.formats.limits import Limits

NAMESPACES: Final = ("http://uri.etsi.org/02918/v1.2.1#", "http://uri.etsi.org/2918/v1.2.1#")
MANIFEST_LIST: Final = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
_DIGEST_METHOD: Final = f"{{{DS}}}DigestMethod"
_DIGEST_VALUE: Final = f"{{{DS}}}DigestValue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A data object that a manifest names, by its name in the container."""

    name: str
    media_type: str | None
    digest_algorithm: str | None
    digest: bytes | None
    root: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An ASiCManifest: the member that it is, the name of what is over it, and what it names.

    `critical` are names of extensions that must be understood, of which none is.
    """

    member: Member
    signature: str | None
    media_type: str | None
    entries: tuple[Entry, ...]
    critical: tuple[str, ...]


def read_manifest(member: Member, limits: Limits) -> Manifest:
    """Reads a manifest. Raises `Malformed` for what is none."""
    root = parse_xml(member, limits)
    space, local = split(root.tag)
    if local != "ASiCManifest" or space not in NAMESPACES:
        raise Malformed(f"{member.name} is no ASiCManifest: its root is {local:.60}.")
    reference = root.find(f"{{{space}}}SigReference")
    objects = root.findall(f"{{{space}}}DataObjectReference")
    if len(objects) > limits.members:
        raise BeyondLimit(
            f"{member.name} names {len(objects)} members, more than the {limits.members} read.", "members"
        )
    return Manifest(
        member=member,
        signature=None if reference is None else member_name(reference.get("URI") or ""),
        media_type=None if reference is None else reference.get("MimeType"),
        entries=tuple(_entry(element) for element in objects),
        critical=tuple(
            "extension" if not len(extension) else split(extension[0].tag)[1][:60]
            for extension in root.iter(f"{{{space}}}Extension")
            if extension.get("Critical") in {"true", "1"}
        ),
    )


def parse_xml(member: Member, limits: Limits) -> etree._Element:
    """The root element of a member. Raises `Malformed`."""
    if member.size > limits.parsed:
        raise BeyondLimit(
            f"{member.name} has {member.size} octets, more than the {limits.parsed} read.", "parsed"
        )
    return parse(
        member.octets(),
        xml_bounds(limits),
        allow_doctype=True,  # writers of OpenDocument put one in
    )


def split(tag: object) -> tuple[str, str]:
    """The namespace and the local name of an element."""
    text = tag if isinstance(tag, str) else ""
    space, _, local = text.rpartition("}")
    return space.removeprefix("{"), local


def member_name(uri: str) -> str:
    """The name of the member that a URI leads to: relative to the container, percent-encoded (A.6)."""
    return unquote(uri.strip()).removeprefix("./")


def _entry(element: etree._Element) -> Entry:
    method = element.find(_DIGEST_METHOD)
    value = element.find(_DIGEST_VALUE)
    algorithm = None if method is None else method.get("Algorithm")
    digest = None
    if value is not None and value.text:
        try:
            digest = binascii.a2b_base64("".join(value.text.split()).encode(), strict_mode=True)
        except ValueError:
            digest = None
    return Entry(
        name=member_name(element.get("URI") or ""),
        media_type=element.get("MimeType"),
        digest_algorithm=None if algorithm is None else DIGESTS.get(algorithm, algorithm),
        digest=digest,
        root=element.get("Rootfile") in {"true", "1"},
    )


def checked(entry: Entry, members: Mapping[str, Member]) -> Reference:
    """Whether what an entry names is there, and what was digested.

    A container is taken with all that is signed in it: an entry without its member is signed data that is
    missing.
    """
    member = members.get(entry.name)
    actual = why = None
    if member is None:
        why = f"The container has no member {entry.name!r:.100}."
    elif entry.digest is None:
        why = f"The manifest has no digest of {entry.name!r:.100} that can be read."
    else:
        try:
            actual = member.digest(entry.digest_algorithm or "")
        except Rejected as error:
            why = str(error)
    intact = actual is not None and actual == entry.digest
    if not intact and why is None:
        why = f"{entry.name!r:.100} is not the member that the manifest digests."
    return Reference(
        kind=ReferenceKind.MANIFEST_ENTRY,
        name=entry.name,
        digest_algorithm=entry.digest_algorithm,
        expected=entry.digest,
        actual=actual,
        found=member is not None and entry.digest is not None,
        intact=intact,
        why=why,
    )


def listed(member: Member, limits: Limits) -> frozenset[str]:
    """The names of files in META-INF/manifest.xml (OpenDocument 1.2, part 3, 4). Raises `Malformed`."""
    root = parse_xml(member, limits)
    return frozenset(
        name
        for element in root.iter()
        if split(element.tag)[1] == "file-entry"
        and (name := element.get(f"{{{MANIFEST_LIST}}}full-path") or element.get("full-path"))
        and not name.endswith("/")
    )
