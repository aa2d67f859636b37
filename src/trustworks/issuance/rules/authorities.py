"""What keeps an authority from issuing: it or one above it is revoked or held, or its last list is out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Refused
from trustworks.core.trace import implements
from trustworks.issuance.model import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.issuance.model import CertificateStatus, CrlHead


@implements("TRUSTWORKS:ISSUANCE-AUTHORITY-USABLE")
def check_authority_usable(chain: Iterable[CertificateStatus | None]) -> None:
    """Refuse to issue when the certificate of the authority, or of one above it, is revoked or held.

    Source: RFC 5280, 6.1.3 (no path with a revoked certificate in it is valid).
    """
    for status in chain:
        if status is not None and status.revocation is not None:
            raise Refused(
                "TRUSTWORKS:ISSUANCE-AUTHORITY-USABLE",
                f"The certificate {status.serial} of an authority is revoked or held "
                f"({status.revocation.reason.name}), so nothing that it issues is valid; lift the hold, or "
                "make a new authority.",
            )


@implements("TRUSTWORKS:TERMINATION-CLOSED", "EU2025-2530:3.7-d")
def check_not_terminated(authority: str, plan: str | None) -> None:
    """Refuse to issue once an authority ends by a plan (its digest, or what follows it).

    Source: (EU) 2025/2530, 3(7)(a), (d).
    """
    if plan is not None:
        why = f"because of {plan}" if ":" in plan else f"by the termination plan {plan[:16]}"
        raise Refused("TRUSTWORKS:TERMINATION-CLOSED", f"{authority} ends {why}, and issues no more.")


@implements("TRUSTWORKS:ISSUANCE-LIST-GOES-ON")
def check_list_goes_on(newest: CrlHead | None) -> None:
    """Refuse to issue after the last list: no list would ever tell of the certificate's revocation.

    Source: EN 319 411-2, 6.3.10; RFC 5280, 4.1.2.5.
    """
    if newest is not None and newest.next_update == NEVER:
        raise Refused(
            "TRUSTWORKS:ISSUANCE-LIST-GOES-ON",
            f"The list {newest.number} of {newest.authority} is its last, so {newest.authority} issues no "
            "more.",
        )


@implements("TRUSTWORKS:ROLLOVER-LAST-STATUS-FIRST")
def check_last_status(name: str, *, listed: bool, answered: bool) -> None:
    """Refuse to destroy an authority's key before its last list and its last answers are there."""
    missing = [
        what
        for what, there in (
            ("its last list is not published", listed),
            ("last answers are missing", answered),
        )
        if not there
    ]
    if missing:
        raise Refused(
            "TRUSTWORKS:ROLLOVER-LAST-STATUS-FIRST",
            f"The key is that of the authority {name}, and {' and '.join(missing)}: nothing could tell the "
            f"status of its certificates then. Do `trustworks keys rollover end {name}` before; end a root, "
            "or one that nothing follows, by a termination plan (trustworks termination plan).",
        )
