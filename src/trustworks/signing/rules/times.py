"""The time that a signature claims: there is one, it is now, and what was prepared is not old.

Sources: EN 319 122-1, 132-1 and 142-1 and TS 119 182-1, 6.3 (the claimed signing time of the baseline).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.formats.claims import Claims
    from trustworks.formats.evidence import Attributes
    from trustworks.signing.model import Request

_AHEAD: Final = timedelta(minutes=5)


@implements("TRUSTWORKS:SIGNING-REQUEST-TIME")
def says_when(request: Request) -> None:
    """A signature of the baseline claims a time, with its zone."""
    claimed = request.claims.signing_time
    if claimed is None:
        raise Rejected(
            "signing.time", "A signature says when it was made, and no time is given. Give it, in UTC."
        )
    if claimed.tzinfo is None:
        raise Rejected("signing.time", "The time of a signature needs its zone. Give it in UTC.")


@implements("TRUSTWORKS:SIGNING-TIME-TRUE")
def check_claimed_time(claims: Claims, now: datetime, tolerance: timedelta = _AHEAD) -> None:
    """The time that is claimed is that of the signature, give or take `tolerance`.

    Raises `Rejected` (``signing.time``).
    """
    claimed = claims.signing_time
    if claimed is not None and abs(claimed - now) > tolerance:
        raise Rejected(
            "signing.time",
            f"The signature would claim {claimed:%Y-%m-%d %H:%M:%S} UTC, and it is "
            f"{now:%Y-%m-%d %H:%M:%S} UTC. Leave the time out, so that it is put in here.",
        )


@implements("TRUSTWORKS:SIGNING-PREPARED-TIME")
def check_prepared_time(attributes: Attributes, now: datetime, max_age: timedelta) -> None:
    """What was prepared is completed within `max_age` of the time that it claims.

    Raises `Rejected` (``signing.too-old``).
    """
    claimed = attributes.signing_time
    if claimed is None or not -_AHEAD <= now - claimed <= max_age:
        said = "no time" if claimed is None else f"{claimed:%Y-%m-%d %H:%M:%S} UTC"
        raise Rejected(
            "signing.too-old",
            f"What was prepared claims {said}, and it is {now:%Y-%m-%d %H:%M:%S} UTC: it is completed within "
            f"{max_age.total_seconds() / 3600:g} hours, or prepared anew.",
        )
