"""What a signer says of the signature, the same in every format that is written.

What is read of it is `evidence.Attributes`. Source: EN 319 102-1, 5.2.8; EN 319 132-1 and EN 319 122-1, 5.2.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.formats.evidence import PolicyReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Signed attributes that a signer chooses.

    `signing_time` is written in whole seconds of UTC; None: none is written, and the signature is below the
    baseline. `location` has the keys that the format reads. `commitments` are OIDs or URIs, of all the data.
    `certified_roles` are attribute certificates in DER. What a format has no place for, it refuses.
    """

    signing_time: datetime | None = None
    policy: PolicyReference | None = None
    location: Mapping[str, str] | None = None
    claimed_roles: tuple[str, ...] = ()
    certified_roles: tuple[bytes, ...] = ()
    commitments: tuple[str, ...] = ()


NO_CLAIMS = Claims()


@implements("EN319122-1:6.3-GEN-TIME", "EN319132-1:6.3-GEN-TIME", disabled=lambda moment: moment)
def in_utc(moment: datetime) -> datetime:
    """The time that is claimed, as it is written. Raises `Rejected` (signature.time) without its zone."""
    if moment.tzinfo is None:
        raise Rejected("signature.time", "The time of a signature needs its zone. Give it in UTC.")
    return moment.astimezone(UTC)
