"""How much of a document is shown, and what showing it may cost."""

from __future__ import annotations

from typing import Final

from trustworks.core.values import dataclass
from trustworks.formats.limits import Limits

MEBI: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What is beyond one of these is not shown, and a finding says so: nobody signs what he was not shown.

    `octets` of a document that is read at all; `pages`; `letters` of text; `nodes` of an XML tree, and
    `members` of a container. `pixels` of a picture that is read, `width` and `drawn` pixels of one that is
    drawn. `memory` (octets) and `cpu_seconds` of the process that shows, `seconds` that its answer may take.
    """

    octets: int = 256 * MEBI
    pages: int = 5_000
    letters: int = 1_000_000
    nodes: int = 20_000
    members: int = 2_000
    pixels: int = 50_000_000
    width: int = 2_400
    drawn: int = 12_000_000
    objects: int = 200_000
    """Objects on all pages that are looked at for hidden text."""
    memory: int = 1024 * MEBI
    cpu_seconds: int = 60
    seconds: float = 180.0

    def limits(self) -> Limits:
        """The same for the readers of formats."""
        return Limits(parsed=self.octets, unpacked=4 * self.octets)


DEFAULT: Final = Bounds()
