"""EN 319 412-2, 4.3.9: a certificate of a person has no policy constraints."""

from __future__ import annotations

from cryptography.x509.oid import ExtensionOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person


@implements("EN319412-2:GEN-4.3.9-1")
def check(candidate: Candidate) -> str | None:
    """A certificate of a person has no policy constraints."""
    if ExtensionOID.POLICY_CONSTRAINTS.dotted_string in candidate.extension_ids:
        return "The certificate has policy constraints, which are for authorities."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.3.9-1",
    clause="EN 319 412-2, 4.3.9",
    words="A certificate of a person has no policy constraints.",
    applies=is_person,
    check=check,
)
