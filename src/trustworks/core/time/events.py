"""Which audit events a change of the lease makes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.time.estimate import Estimate
    from trustworks.core.time.lease import Lease

_EXACT = 2**53 - 1
_OK = "ok"
_WINDOW = "clock.leap-window"


def writable(value: Any) -> Any:
    """JSON values as the audit log takes them.

    An integer that a double does not hold exactly becomes text: nanoseconds come to that after 104 days, of
    uptime or of a jump. What is no text of UTF-8, from a file or a source, is escaped, and a number that is
    none is named. No event may be such that none after it is written. Source: RFC 7493, 2.1 and 2.2.
    """
    if isinstance(value, dict):
        return {writable(name): writable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [writable(item) for item in value]
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value) if isinstance(value, int) and abs(value) > _EXACT else value


def sources_detail(estimates: Sequence[Estimate]) -> dict[str, Any]:
    """What each source said, as JSON values."""
    return {
        one.name: {
            "bound_ns": one.bound_ns,
            "at_least_ns": one.at_least_ns,
            "leap": one.leap,
            **(one.detail or {}),
        }
        for one in estimates
    }


@implements("EN319421:OVR-7.12-04", "EN319421:OVR-7.12-05", "EN319421:OVR-7.12-06", disabled=list)
def transition_events(
    before: Lease | None, after: Lease, detail: dict[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    """The events between two leases, oldest first: (type, detail).

    Synchronisation and its sources, and every detected loss of it, with what the sources said. Source: EN 319
    421, 7.12.
    """
    was = before.code if before is not None else None
    common = {"lease": after.name, "code": after.code, "reason": after.reason, "sources": detail}
    found: list[tuple[str, dict[str, Any]]] = []
    if was == _WINDOW and after.code != _WINDOW:
        found.append(("clock.leap-window-left", common))
    if was == _OK and after.code != _OK:
        found.append(("clock.lease-lost", {**common, "bound_ns": after.bound}))
    elif was != after.code and after.code not in {_OK, _WINDOW}:
        found.append(("clock.refusal-changed", common))
    if after.code == _WINDOW and was != _WINDOW:
        found.append(("clock.leap-window-entered", {**common, "leap": after.leap, "leap_at": after.leap_at}))
    if after.code == _OK and was != _OK:
        found.append(
            ("clock.lease-acquired", {**common, "bound_ns": after.bound, "ids": list(after.sources)})
        )
    elif after.code == _OK and before is not None and before.sources != after.sources:
        change = {"from": list(before.sources), "to": list(after.sources)}
        found.append(("clock.source-changed", {**common, **change}))
    if before is not None and after.leap not in {"none", before.leap}:
        found.append(("clock.leap-second-announced", {"leap": after.leap, "leap_at": after.leap_at}))
    return found
