"""What is found about a container as a whole: the members that it must have, those that nothing is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.asic import rules
from trustworks.formats.asic.archive import STORED
from trustworks.formats.asic.kinds import Role
from trustworks.formats.asic.manifest import listed
from trustworks.formats.evidence import Finding, Weight

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from trustworks.formats.asic.archive import Archive, Member
    from trustworks.formats.evidence import Container
    from trustworks.formats.limits import Limits

_RULES: Final = "EN319162-1"
_SIGNING: Final = frozenset({Role.XADES, Role.CADES, Role.TIME_STAMP, Role.EVIDENCE_RECORD})


def findings(
    archive: Archive,
    kind: Container,
    roles: Mapping[str, Role],
    covered: Collection[str],
    limits: Limits,
) -> Iterator[Finding]:
    """Findings about the structure. `covered` are the names of members that something is over."""
    data, there = [name for name, role in roles.items() if role is Role.DATA], set(roles.values())
    if not _SIGNING & there:
        yield from found("unsigned", "Nothing in the container is signed or time-stamped.", Weight.NOTE)
        return
    mimetype = archive.members.get("mimetype")
    place = rules.mimetype_place(
        archive.first,
        there=mimetype is not None,
        stored=mimetype is not None and mimetype.entry.method == STORED,
        extra=mimetype is not None and bool(mimetype.entry.extra),
    )
    yield from found("mimetype", place, Weight.NOTE, f"{_RULES}:4.3.3-MIMETYPE")
    one = rules.simple_objects(kind, data)
    yield from found("one-object", one, Weight.FATAL, f"{_RULES}:4.3.3-ONE-OBJECT")
    yield from found("no-object", rules.extended_objects(kind, data), Weight.FATAL, f"{_RULES}:4.4.3-OBJECTS")
    kinds = rules.simple_signatures(kind, there)
    yield from found("kinds", kinds, Weight.SUSPICIOUS, f"{_RULES}:4.3.3-ONE-SIGNATURE")
    missing = rules.file_list(kind, there)
    yield from found("file-list-missing", missing, Weight.FATAL, f"{_RULES}:4.4.3-FILE-LIST")
    unsigned = rules.unsigned_members(data, covered)
    yield from found("unsigned-member", unsigned, requirement=f"{_RULES}:4.4.1-ALL-SIGNED")
    listing = archive.members.get("META-INF/manifest.xml")
    if listing is not None:
        yield from _of_list(listing, data, limits)


def _of_list(listing: Member, data: Collection[str], limits: Limits) -> Iterator[Finding]:
    try:
        names = listed(listing, limits)
    except BeyondLimit:
        raise
    except Malformed as error:
        yield from found("file-list", f"META-INF/manifest.xml cannot be read: {error}")
        return
    yield from found("file-list", rules.list_differs(data, names), Weight.NOTE, "EN319162-1:4.4.3-LISTED")


def found(
    code: str, text: str | None, weight: Weight = Weight.SUSPICIOUS, requirement: str | None = None
) -> tuple[Finding, ...]:
    """The finding that a rule has words for; nothing where it has none."""
    if text is None:
        return ()
    return (Finding(code=f"asic.{code}", text=text, weight=weight, requirement=requirement),)


def over_another(text: str, requirement: str = "EN319162-1:4.3.3-DETACHED") -> tuple[Finding, ...]:
    """A signature is over something that is not in the container."""
    return found("not-detached", text, Weight.FATAL, requirement)


def no_manifest(text: str | None) -> tuple[Finding, ...]:
    """What has no manifest is over nothing."""
    return found("manifest-missing", text, Weight.FATAL, "EN319162-1:4.4.4-MANIFEST")
