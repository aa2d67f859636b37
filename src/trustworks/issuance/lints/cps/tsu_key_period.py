"""the provider's practice statement.

A time-stamping unit's certificate says until when its key may sign, well before its own end.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Final

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, of_kind

AFTER: Final = 365  # days for which tokens of the key's last day can be verified


@implements("TRUSTWORKS:ISSUANCE-TSU-KEY-PERIOD")
def check(candidate: Candidate) -> str | None:
    """A time-stamping unit's certificate says until when its key may sign, well before its own end."""
    found = candidate.extension(x509.PrivateKeyUsagePeriod)
    last = None if found is None else found.value.not_after
    if last is None:
        return "The certificate does not say until when the private key may sign."
    if candidate.not_after - last.replace(tzinfo=UTC) < timedelta(days=AFTER):
        return (
            "The private key may sign in the certificate's last year, too late for its tokens to be "
            f"verified; {_remedy(candidate)}"
        )
    return None


def _remedy(candidate: Candidate) -> str:
    profile, issuer = candidate.profile, candidate.around.issuer
    least = (profile.private_key_days or 0) + AFTER
    most = profile.max_days
    if issuer is not None:
        end = issuer.not_valid_after_utc
        left = (end + timedelta(seconds=1) - candidate.not_before) // timedelta(days=1)
        most = min(most, left)
        if most < least:
            return (
                f"it needs {least} days, and the authority's own certificate ends on {end:%Y-%m-%d}, in "
                f"{left} days. Renew the authority first."
            )
    return f"ask for {least} to {most} days (--days), or leave it to the profile."


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-TSU-KEY-PERIOD",
    clause="the provider's practice statement",
    words="A time-stamping unit's certificate says until when its key may sign, well before its own end.",
    applies=of_kind("tsu"),
    check=check,
)
