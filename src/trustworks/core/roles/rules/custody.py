"""Who may bring keys back: custodians who are in a trusted role still."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Refused
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.core.roles.model import Operator


@implements("EN319411-1:GEN-6.5.2-06")
def check_custodians(names: Iterable[str], operators: Iterable[Operator]) -> None:
    """Refuse custodians who were operators and are none any more: a token that was kept opens nothing here.

    A custodian whom nobody enrolled is known by the token alone. Source: EN 319 411-1, GEN-6.5.2-06.
    """
    gone = {one.name for one in operators if one.state != "active" or not one.roles}
    left = sorted(gone.intersection(names))
    if left:
        raise Refused(
            "EN319411-1:GEN-6.5.2-06",
            f"{', '.join(left)} cannot open this: no active operator with a role any more. Let other "
            "custodians open, and have the key backed up anew where too few are left.",
        )
