"""EN 319 412-2, 4.3.11 and 4.4.1.

A validity assured certificate without list and responder says that there is no status.
"""

from __future__ import annotations

from typing import Final

from cryptography.x509.oid import AuthorityInformationAccessOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person

VALIDITY_ASSURED: Final = "0.4.0.194121.2.1"
NO_REV_AVAIL: Final = "2.5.29.56"


@implements("EN319412-2:GEN-4.3.11-2A", "EN319412-2:GEN-4.4.1-8A", "EN319411-1:CSS-6.3.10-01B")
def check(candidate: Candidate) -> str | None:
    """A validity assured certificate without list and responder says that there is no status."""
    if VALIDITY_ASSURED not in candidate.extensions or NO_REV_AVAIL in candidate.extensions:
        return None
    if not candidate.distribution_points() and not candidate.access(AuthorityInformationAccessOID.OCSP):
        return "The certificate gives no status, and does not say that there is none (noRevAvail)."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.3.11-2A",
    clause="EN 319 412-2, 4.3.11 and 4.4.1",
    words="A validity assured certificate without list and responder says that there is no status.",
    applies=is_person,
    check=check,
)
