"""RFC 5280, 6.1.4 (l) and (m).

An authority is issued only where the path length above it allows one more.
"""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_authority


@implements("RFC5280:6.1.4")
def check(candidate: Candidate) -> str | None:
    """An authority is issued only where the path length above it allows one more."""
    issuer = candidate.around.issuer
    if issuer is None:
        return None
    allowed = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    found = candidate.extension(x509.BasicConstraints)
    own = None if found is None else found.value.path_length
    if allowed is not None and (allowed == 0 or own is None or own >= allowed):
        return f"The issuer allows {allowed} authorities below it, too few for this one."
    return None


LINT = Lint(
    id="RFC5280:6.1.4",
    clause="RFC 5280, 6.1.4 (l) and (m)",
    words="An authority is issued only where the path length above it allows one more.",
    applies=is_authority,
    check=check,
)
