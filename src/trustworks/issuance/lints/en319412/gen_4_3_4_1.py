"""EN 319 412-2, 4.3.4: a certificate of a person has no policy mappings."""

from __future__ import annotations

from cryptography.x509.oid import ExtensionOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person


@implements("EN319412-2:GEN-4.3.4-1")
def check(candidate: Candidate) -> str | None:
    """A certificate of a person has no policy mappings."""
    if ExtensionOID.POLICY_MAPPINGS.dotted_string in candidate.extension_ids:
        return "The certificate has policy mappings, which are for authorities."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.3.4-1",
    clause="EN 319 412-2, 4.3.4",
    words="A certificate of a person has no policy mappings.",
    applies=is_person,
    check=check,
)
