"""ASiC and signed OpenDocument: from octets to evidence (EN 319 162-1, OpenDocument 1.2 part 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.formats.asic.archive import open_archive
from trustworks.formats.asic.container import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.limits import Limits


def read(
    data: Data,
    collector: Collector,
    *,
    detached: Sequence[Data] = (),
    limits: Limits,
    file: str | None = None,
) -> None:
    """Reads a container: all its signatures, time-stamps and evidence records, with what each is over.

    A container holds what it signs: `detached` is not looked at. What is wrong with the container is told of
    it as a whole and, unless it is a mere note, of each of its signatures.

    Raises:
        Malformed: it is no ZIP file that can be read, or beyond the limits.
    """
    del detached, file
    Reader(open_archive(data, limits), collector, limits).read()
