"""What is added to signed files, and that nothing is lost by it.

Source: EN 319 132-1 and EN 319 122-1, 5.4 and 5.5: validation data and time-stamps come after the signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trustworks.formats.collector import Collector


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationData:
    """Certificates, revocation lists and OCSP answers (OCSPResponse), in DER."""

    certificates: Sequence[bytes] = ()
    lists: Sequence[bytes] = ()
    answers: Sequence[bytes] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.certificates or self.lists or self.answers)


@dataclass(frozen=True, slots=True)
class State:
    """What holds in a file: references of each signature, by its value, and of each time-stamp, by its id."""

    references: Mapping[tuple[bytes, int], bool]
    time_stamps: Mapping[str, bool]

    @classmethod
    def of(cls, collector: Collector) -> State:
        """The state of what was read."""
        return cls(
            {
                (signature.value, number): one.intact
                for signature in collector.signatures
                for number, one in enumerate(signature.references)
            },
            {stamp.id: all(one.intact for one in stamp.references) for stamp in collector.time_stamps},
        )


@implements("EN319132-1:5.1.4-UNBROKEN", "EN319122-1:5-UNBROKEN", disabled=None)
def check_unbroken(before: State, after: State) -> None:
    """Whatever was intact before something was added, is intact after. Raises `Rejected` (adding.broken)."""
    lost = any(was and not after.references.get(key) for key, was in before.references.items())
    if lost or any(was and not after.time_stamps.get(named) for named, was in before.time_stamps.items()):
        raise Rejected(
            "adding.broken",
            "What is to be added is inside of what another signature or time-stamp of the file is over, "
            "which would not hold any more. Add to the outermost signature.",
        )


def check_stamped(before: State, after: State) -> None:
    """One time-stamp more is intact after one was added. Raises `Rejected` (adding.time-stamp)."""
    if sum(after.time_stamps.values()) != sum(before.time_stamps.values()) + 1:
        raise Rejected(
            "adding.time-stamp",
            "The token is not one over what the time-stamp has to be over. Stamp the octets that are told.",
        )
