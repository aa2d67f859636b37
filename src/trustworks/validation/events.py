"""What the audit log is told: that a validation was done, and changes of the trusted lists.

Nothing of a file is in it: no name, no digest, no signer. Who holds a file could else find out by the log
that it was validated here, and who signed it.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trustworks.core.audit import Event
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.core.audit import JSON

ACTOR = "validation"


@implements("TS119441:OVR-7.10-03", "TS119441:OVR-7.10-04", disabled=lambda **_: None)
def performed(
    *, through: str, policy: str, results: Iterable[str], in_the_past: bool, sealed: bool = False
) -> Event:
    """A validation was done: by which interface, under which policy, and how many results of each kind.

    `in_the_past`: who asked named a time of validation. `sealed`: a report left with the provider's seal.
    """
    counted: dict[str, JSON] = {name.lower(): number for name, number in sorted(Counter(results).items())}
    return Event(
        type="validation.performed",
        outcome="success",
        actor=ACTOR,
        subject={"policy": policy},
        detail={"through": through, "results": counted, "at-named-time": in_the_past, "sealed": sealed},
        time=datetime.now(UTC),
    )


def list_changed(territory: str, *, sequence_number: int, sha256: str) -> Event:
    """A trusted list was replaced by a new one."""
    return Event(
        type="validation.list-changed",
        outcome="success",
        actor=ACTOR,
        subject={"territory": territory},
        detail={"sequence_number": sequence_number, "sha256": sha256},
        time=datetime.now(UTC),
    )


def list_failed(territory: str, *, reason: str) -> Event:
    """A new list was bad, or could not be had; the good copy stays, where there is one."""
    return Event(
        type="validation.list-failed",
        outcome="failure",
        actor=ACTOR,
        subject={"territory": territory},
        detail={"reason": reason},
        time=datetime.now(UTC),
    )


def list_well(territory: str) -> Event:
    """A list that had failed could be renewed again, or is found to be unchanged."""
    return Event(
        type="validation.list-well",
        outcome="success",
        actor=ACTOR,
        subject={"territory": territory},
        detail={},
        time=datetime.now(UTC),
    )
