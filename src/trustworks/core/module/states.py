"""The states of a key, from its making to its end, and which may follow which.

| state | what it means |
|---|---|
| pre-operational | made, and not used yet: it waits for its certificate |
| operational | signs |
| suspended | signs nothing, and may do so again: under investigation, or lost and to be restored |
| deactivated | signs nothing ever again; kept until its copies are destroyed |
| destroyed | no copy of it is left, on tokens or in backups |

The states live in the register (`core.keys`); a module asks for them by a callable that it is given.
Source: the states of NIST SP 800-57 part 1, clause 7, without those of verification keys.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable

    StateOf = Callable[[bytes], "KeyState | None"]  # by the SHA-256 of the SubjectPublicKeyInfo
    # By a token's serial number: the keys that were entered as being on it, and those that went from it, as
    # `objects.inventory` names them.
    Register = Callable[[str], tuple[frozenset[str], frozenset[str]]]


class KeyState(enum.Enum):
    """What may be done with a key; the value is its name in records and commands."""

    PRE_OPERATIONAL = "pre-operational"
    OPERATIONAL = "operational"
    SUSPENDED = "suspended"
    DEACTIVATED = "deactivated"
    DESTROYED = "destroyed"


FOLLOWING: Final[dict[KeyState, frozenset[KeyState]]] = {
    KeyState.PRE_OPERATIONAL: frozenset({KeyState.OPERATIONAL, KeyState.DEACTIVATED}),
    KeyState.OPERATIONAL: frozenset({KeyState.SUSPENDED, KeyState.DEACTIVATED}),
    KeyState.SUSPENDED: frozenset({KeyState.OPERATIONAL, KeyState.DEACTIVATED}),
    KeyState.DEACTIVATED: frozenset({KeyState.DESTROYED}),
    KeyState.DESTROYED: frozenset(),
}


@implements("TRUSTWORKS:KEYS-STATES", "CENTS419261:KM1.1")
def check_transition(before: KeyState, after: KeyState, label: str) -> None:
    """Refuse a change of state that the life of a key does not have. Raises `Rejected` (keys.transition)."""
    if after in FOLLOWING[before]:
        return
    possible = ", ".join(one.value for one in KeyState if one in FOLLOWING[before])
    raise Rejected(
        "keys.transition",
        f"The key {label!r} is {before.value} and cannot become {after.value}; "
        + (f"possible: {possible}." if possible else "it stays so for ever."),
    )


@implements("TRUSTWORKS:KEYS-OPERATIONAL", "EN319411-1:GEN-6.5.3-02")
def check_operational(state: KeyState | None, label: str) -> None:
    """Refuse to sign with a key whose state does not allow it.

    None is the state of a key that the register does not know: made before there was one, or not by
    Trustworks. It signs.
    Source: EN 319 411-1, GEN-6.5.3-02.
    """
    if state is not None and state is not KeyState.OPERATIONAL:
        raise Refused(
            "TRUSTWORKS:KEYS-OPERATIONAL",
            f"The key {label!r} is {state.value}, and signs nothing. `trustworks keys states set` changes "
            "that, where it may be changed.",
        )


@implements("TRUSTWORKS:MODULE-BARRED")
def check_as_approved(differences: tuple[str, ...], token: str) -> None:
    """Sign nothing in a module in which the last look found a difference, or that could not be looked at.

    Raises `Unavailable` (module.barred): whoever asks did nothing wrong, and may ask again once an operator
    has put it right or approved it.
    """
    if differences:
        raise Unavailable(
            "module.barred",
            f"The token {token} signs nothing: {'; '.join(differences)}. Find out why; if it is as it "
            "should be, run `trustworks module approve`.",
        )
