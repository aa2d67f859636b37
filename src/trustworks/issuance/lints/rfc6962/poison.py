"""RFC 6962, 3.1 and 3.3.

The poison of a precertificate is critical; a certificate has timestamps in its place, not both.
"""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_logged
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("RFC6962:3.1")
def check(candidate: Candidate) -> str | None:
    """The poison of a precertificate is critical; a certificate has timestamps in its place, not both."""
    poison = candidate.extension(x509.PrecertPoison)
    timestamps = candidate.extension(x509.PrecertificateSignedCertificateTimestamps)
    if poison is not None and not poison.critical:
        return "The poison is not critical, so that clients would take the precertificate for a certificate."
    if timestamps is not None and timestamps.critical:
        return "The timestamps of the logs are critical."
    if poison is not None and timestamps is not None:
        return "The certificate has both the poison and timestamps."
    if candidate.around.settings.ct is not None and poison is None and timestamps is None:
        return "The certificate was not shown to the logs of [issuance.ct]."
    return None


LINT = Lint(
    id="RFC6962:3.1",
    clause="RFC 6962, 3.1 and 3.3",
    words="The poison of a precertificate is critical; a certificate has timestamps in its place, not both.",
    applies=is_logged,
    check=check,
)
