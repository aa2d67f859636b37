"""When a unit may issue: before its key ends, with a time in order, quickly enough after the time was read.

All times are microseconds; moments are counted from the Unix epoch. Source: EN 319 421, 7.7.1 and 7.6.7.
"""

from __future__ import annotations

from trustworks.core.trace import implements


@implements("EN319421:TIS-7.7.1-09", "EN319421:7.6.7-KEY-EXPIRY", disabled=True)
def key_may_sign(moment: int, begins: int, ends: int) -> bool:
    """Whether the private key is within the period in which it may be used: from `begins`, before `ends`."""
    return begins <= moment < ends


@implements("EN319421:TIS-7.7.1-06", disabled=True)
def is_within_accuracy(gen_time: int, after_signing: int, bound: int, accuracy: int) -> bool:
    """Whether genTime is within the token's accuracy of any moment until the token was signed.

    `after_signing` is the time when the signature was there, off by at most `bound`.
    """
    return after_signing + bound - gen_time <= accuracy


@implements("TRUSTWORKS:TSA-SIGNING-LIMIT", disabled=True)
def was_signed_in_time(before_signing: int, after_signing: int, limit: int) -> bool:
    """Whether the signature took no longer than the limit, and time did not go back meanwhile."""
    return 0 <= after_signing - before_signing <= limit


@implements("TRUSTWORKS:TSA-TIME-ORDER", disabled=True)
def is_in_order(moment: int, last: int) -> bool:
    """Whether a unit's next time is not before the last one that it put into a token."""
    return moment >= last


@implements("TRUSTWORKS:TSA-REVOKED-STOPS", disabled=True)
def certificate_stands(revoked: str | None) -> bool:
    """Whether a unit's certificate is not revoked; `revoked` says since when and why it is."""
    return revoked is None
