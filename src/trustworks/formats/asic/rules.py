"""What EN 319 162-1 asks of a container, each as an objection or None."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.trace import implements
from trustworks.formats.asic.kinds import Role, role_of
from trustworks.formats.evidence import Container

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


@implements("EN319162-1:4.3.3-MIMETYPE")
def mimetype_place(first: str | None, *, there: bool, stored: bool, extra: bool) -> str | None:
    """The member mimetype comes first, neither packed nor with extra fields: it is at a fixed place."""
    if not there:
        return "The container has no member mimetype."
    if first != "mimetype":
        return "The member mimetype is not the first of the container."
    if not stored or extra:
        return "The member mimetype is packed, or has extra fields, where it should stand in clear."
    return None


@implements("EN319162-1:4.3.3-ONE-OBJECT")
def simple_objects(container: Container, data: Sequence[str]) -> str | None:
    """An ASiC-S holds one data object, at its root."""
    if container is not Container.ASIC_S:
        return None
    at_root = [name for name in data if "/" not in name]
    if len(at_root) == 1:
        return None
    return f"An ASiC-S holds one data object, and this has {len(at_root)} at its root."


@implements("EN319162-1:4.4.3-OBJECTS")
def extended_objects(container: Container, data: Sequence[str]) -> str | None:
    """An ASiC-E holds at least one data object outside of META-INF."""
    if container is Container.ASIC_E and not data:
        return "An ASiC-E holds data objects, and this has none."
    return None


@implements("EN319162-1:4.3.3-ONE-SIGNATURE")
def simple_signatures(container: Container, roles: Collection[Role]) -> str | None:
    """An ASiC-S holds signatures of one kind: CAdES, XAdES, a time-stamp or an evidence record."""
    if container is not Container.ASIC_S:
        return None
    kinds = {role for role in roles if role in {Role.XADES, Role.CADES, Role.TIME_STAMP}}
    return "An ASiC-S holds signatures of one kind, and this has several." if len(kinds) > 1 else None


@implements("EN319162-1:4.4.3-FILE-LIST")
def file_list(container: Container, roles: Collection[Role]) -> str | None:
    """An ASiC-E with XAdES lists its files in META-INF/manifest.xml."""
    if container is Container.ASIC_E and Role.XADES in roles and Role.FILE_LIST not in roles:
        return "An ASiC-E with XAdES has META-INF/manifest.xml, and this has none."
    return None


@implements("EN319162-1:4.4.4-MANIFEST")
def manifest_missing(container: Container, *, found: bool, file: str) -> str | None:
    """In an ASiC-E a CAdES signature or a time-stamp is over an ASiCManifest that names it."""
    if container is Container.ASIC_E and not found:
        return f"No ASiCManifest that can be read names {file:.100}."
    return None


@implements("EN319162-1:4.3.3-DETACHED")
def over_another(covered: Collection[str], over: Collection[str], file: str) -> str | None:
    """A CAdES signature in a container is over the manifest or data object there, not over its own content.

    `covered` and `over` are ids: of what the value is over, and of what it has to be over.
    """
    if covered and not set(covered) & set(over):
        return (
            f"The signature in {file:.100} is over content that it holds itself, and over nothing of the "
            "container."
        )
    return None


@implements("EN319162-1:4.4.3-XADES-OVER")
def over_members(*, over: bool, file: str) -> str | None:
    """An XAdES signature in a container is over something of it, and not only over what it holds itself."""
    if over:
        return None
    return f"The signature in {file:.100} is over what it holds itself, and over nothing of the container."


@implements("EN319162-1:A.4-ONE-MANIFEST")
def manifests_several(names: Sequence[str], file: str) -> str | None:
    """One manifest for one signature: of several, nobody knows which was signed before it is tried."""
    if len(names) > 1:
        return f"More than one manifest names {file:.100}: {', '.join(names)}."
    return None


@implements("EN319162-1:A.4-CRITICAL")
def critical_extension(names: Sequence[str]) -> str | None:
    """An extension that is marked as critical and not understood makes a manifest unusable."""
    return f"The manifest has the critical extension {names[0]}, which is not known here." if names else None


@implements("EN319162-1:4.4.1-ALL-SIGNED")
def unsigned_members(data: Sequence[str], covered: Collection[str]) -> str | None:
    """A member that no signature, time-stamp or record covers may be put in or changed by anybody."""
    free = [name for name in data if name not in covered]
    if not free:
        return None
    more = "" if len(free) == 1 else f", and {len(free) - 1} more"
    return f"Nothing in the container covers {free[0]!r:.100}{more}."


@implements("EN319162-1:4.4.3-LISTED")
def list_differs(data: Collection[str], listed: Collection[str]) -> str | None:
    """META-INF/manifest.xml lists just the members that there are."""
    unlisted = sorted(set(data) - set(listed))
    if unlisted:
        return f"META-INF/manifest.xml does not list {unlisted[0]!r:.100}."
    return None


def level_in_container(level: str, manifest: str) -> str:
    """The level of a signature that a manifest with a time-stamp names, of LT with what is in the container.

    An archive time-stamp over the container is what makes LTA of CAdES in it (EN 319 162-1, 4.4.4 and A.7).
    """
    archived = role_of(manifest) is Role.ARCHIVE_MANIFEST
    return "CAdES-BASELINE-LTA" if archived and level == "CAdES-BASELINE-LT" else level
