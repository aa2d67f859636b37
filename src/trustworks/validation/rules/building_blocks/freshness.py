"""Revocation freshness checker (RFC): whether what is known about revocation is recent enough.

Source: EN 319 102-1, 5.2.5.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.moments import duration_in_words
from trustworks.core.trace import implements
from trustworks.validation.model import Level, SubIndication, failed
from trustworks.validation.rules.checks import Checks

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.validation.model import Conclusion
    from trustworks.validation.policies.constraints import Context, Section
    from trustworks.validation.policies.policy import Policy
    from trustworks.validation.rules.revocation_status import Status

_FAILED: Final = failed(SubIndication.TRY_LATER)
"""The standard's block says FAILED alone; callers turn that to INDETERMINATE/TRY_LATER."""
_UNSAID: Final = timedelta(days=1)


@implements("EN319102-1:5.2.5.4-1")
def next_update_known(status: Status) -> str | None:
    """Without a limit of the policy, the data itself says until when it is fresh."""
    if status.next_update is not None:
        return None
    return (
        f"{status.shown} does not say when the next is issued, so that nobody knows until when it is fresh."
    )


@implements("EN319102-1:5.2.5.4-2")
def issued_recently(status: Status, at: datetime, limit: timedelta) -> str | None:
    """The data was issued no longer before the time than the limit."""
    if status.fact.is_fresh(at, limit):
        return None
    return (
        f"{status.shown} was issued at {status.issued:%Y-%m-%d %H:%M:%SZ}, more than "
        f"{duration_in_words(limit)} before "
        f"{at:%Y-%m-%d %H:%M:%SZ}. Get a fresher one."
    )


def is_fresh(status: Status, at: datetime, policy: Policy, context: Context, section: Section) -> bool:
    """Whether the revocation data is fresh at a time, also where the policy only warns of what is not.

    What is not fresh enough for a warning is to be replaced by what is, whatever comes of it meanwhile. Data
    that does not say when the next comes, as many responders' does not, counts for a day.
    """
    constraint = policy.constraint(context, "freshness", section)
    if not constraint.ignored and constraint.limit is not None:
        return status.fact.is_fresh(at, constraint.limit)
    if policy.level(context, "freshness-by-next-update", section) is Level.IGNORE:
        return True
    limit = status.next_update - status.issued if status.next_update else _UNSAID
    return status.fact.is_fresh(at, limit)


def check_freshness(
    status: Status, at: datetime, policy: Policy, context: Context, section: Section
) -> Conclusion:
    """Whether the revocation data about a certificate is fresh at a time."""
    checks = Checks("RFC", status.token, at)
    constraint = policy.constraint(context, "freshness", section)
    limit, level = constraint.limit, constraint.level
    if constraint.ignored or limit is None:
        level = policy.level(context, "freshness-by-next-update", section)
        present = policy.level(context, "next-update-present", section)
        checks.ask("rfc.next-update", partial(next_update_known, status), _FAILED, level=present)
        limit = status.next_update - status.issued if status.next_update else None
        if limit is None:
            # Nothing to count from: not fresh, by the standard.
            checks.ask("rfc.next-update", partial(next_update_known, status), _FAILED, level=level)
    if limit is not None:
        checks.ask("rfc.fresh", partial(issued_recently, status, at, limit), _FAILED, level=level)
    return checks.conclude()
