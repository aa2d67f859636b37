"""The level that a JAdES signature has reached (TS 119 182-1, 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustworks.core.values import dataclass
from trustworks.formats.jades import rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_NOT_IN_LT = frozenset({"xRefs", "axRefs", "rRefs", "arRefs", "sigRTst", "rfsTst"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned:
    """What the level depends on beside the protected header.

    `components` are the names in etsiU, `stamps` the times of the tokens of each sigTst, `certificate_ends`
    when the signing certificate ends (None: unknown), `revocation` whether status data is there for all.
    """

    components: Sequence[str]
    stamps: Sequence[Sequence[datetime]]
    certificate_ends: datetime | None
    revocation: bool


def level(header: Mapping[str, Any], unsigned: Unsigned, *, counter: bool) -> str:
    """The highest baseline level all of whose properties are there; ``JSON-NOT-ETSI`` below the first."""
    if (
        rules.critical_form(header)
        or rules.critical_not_understood(header)
        or rules.critical_missing(header)
        or rules.algorithm_missing(header)
        or rules.time_missing(header)
        or rules.certificate_missing(header)
        or rules.policy_store(header, unsigned.components)
        or rules.counter_signature_type(header, counter=counter)
    ):
        return "JSON-NOT-ETSI"
    if not unsigned.stamps or any(len(tokens) != 1 for tokens in unsigned.stamps):
        return "JAdES-BASELINE-B"
    ends = unsigned.certificate_ends
    if ends is not None and any(moment >= ends for tokens in unsigned.stamps for moment in tokens):
        return "JAdES-BASELINE-B"
    if not unsigned.revocation or _NOT_IN_LT.intersection(unsigned.components):
        return "JAdES-BASELINE-T"
    return "JAdES-BASELINE-LTA" if "arcTst" in unsigned.components else "JAdES-BASELINE-LT"
