"""the provider's practice statement.

A time-stamping unit's certificate says until when its key may sign, well before its own end.
"""

from __future__ import annotations

from datetime import UTC, timedelta

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, of_kind


@implements("TRUSTWORKS:ISSUANCE-TSU-KEY-PERIOD")
def check(candidate: Candidate) -> str | None:
    """A time-stamping unit's certificate says until when its key may sign, well before its own end."""
    found = candidate.extension(x509.PrivateKeyUsagePeriod)
    last = None if found is None else found.value.not_after
    if last is None:
        return "The certificate does not say until when the private key may sign."
    if candidate.certificate.not_valid_after_utc - last.replace(tzinfo=UTC) < timedelta(days=365):
        return (
            "The private key may sign in the certificate's last year, too late for its tokens to be verified."
        )
    return None


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-TSU-KEY-PERIOD",
    clause="the provider's practice statement",
    words="A time-stamping unit's certificate says until when its key may sign, well before its own end.",
    applies=of_kind("tsu"),
    check=check,
)
