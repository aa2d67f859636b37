"""Authorities that may not issue any more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trustworks.core.errors import Refused
from trustworks.issuance.model import NEVER, CertificateStatus, CrlHead, Revocation, RevocationReason
from trustworks.issuance.rules.authorities import check_authority_usable, check_list_goes_on

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def status(reason: RevocationReason | None = None) -> CertificateStatus:
    revocation = None if reason is None else Revocation(revoked_at=NOW, reason=reason, recorded_at=NOW)
    return CertificateStatus(
        serial="0b", authority="root", state="issued", not_after=NOW, revocation=revocation
    )


@pytest.mark.req("TRUSTWORKS:ISSUANCE-AUTHORITY-USABLE")
@pytest.mark.parametrize("reason", list(RevocationReason))
def test_no_authority_below_a_revoked_or_held_one_issues(reason: RevocationReason) -> None:
    check_authority_usable([status(), status(), None])
    for chain in ([status(reason), status()], [status(), status(reason)]):
        with pytest.raises(Refused, match="0b of an authority is revoked or held"):
            check_authority_usable(chain)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-LIST-GOES-ON")
def test_after_the_last_list_nothing_is_issued() -> None:
    def head(until: datetime) -> CrlHead:
        return CrlHead(
            authority="issuing", number=3, this_update=NOW, next_update=until, entries=0, changes=0
        )

    check_list_goes_on(None)
    check_list_goes_on(head(NOW))  # run out is not last
    with pytest.raises(Refused, match="list 3 of issuing is its last"):
        check_list_goes_on(head(NEVER))
