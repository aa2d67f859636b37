"""CAdES: from octets to evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed

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
    """Reads all signatures of a file into `collector`. `file` is its name within a container."""
    del collector, detached, limits, file
    raise Malformed(f"{data.name or 'The file'} is CAdES, which this version cannot read yet.")
