"""A container to which something is to be added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.formats.asic.archive import open_archive
from trustworks.formats.asic.kinds import MIMETYPE, container_of, media_type_of
from trustworks.formats.evidence import Weight

if TYPE_CHECKING:
    from trustworks.formats.asic.archive import Archive
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Container
    from trustworks.formats.limits import Limits


def opened(container: Data, limits: Limits) -> tuple[Archive, Container]:
    """Its members, and the kind that it is.

    Raises:
        Malformed: it is no container that can be read.
        Rejected: ``asic.damaged``: readers see different things in it.
    """
    archive = open_archive(container, limits)
    if any(one.weight is not Weight.NOTE for one in archive.findings):
        raise Rejected(
            "asic.damaged", f"Nothing is added to this container. {archive.findings[0].text} Make it anew."
        )
    mimetype = archive.members.get(MIMETYPE)
    said = mimetype.octets() if mimetype is not None and mimetype.size <= limits.parsed else None
    return archive, container_of(media_type_of(said, archive.comment), archive.members)
