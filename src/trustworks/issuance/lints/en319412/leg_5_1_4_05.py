"""EN 319 412-1, 5.1.4.

A legal person's identifier of a local scheme comes with the URL of who registers such names.
"""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.der import qc_statements as qcs
from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import states_semantics
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("EN319412-1:LEG-5.1.4-05")
def check(candidate: Candidate) -> str | None:
    """A legal person's identifier of a local scheme comes with the URL of who registers such names."""
    if qcs.SEMANTICS_LEGAL not in candidate.qc.semantics:
        return None
    local = [value for value in candidate.values(NameOID.ORGANIZATION_IDENTIFIER) if value[2:3] == ":"]
    if local and not candidate.qc.registrars:
        return (
            f"{local[0]!r} is of a local scheme, and nothing says who registers such names; set "
            "[issuance] name-registration-authorities."
        )
    return None


LINT = Lint(
    id="EN319412-1:LEG-5.1.4-05",
    clause="EN 319 412-1, 5.1.4",
    words="A legal person's identifier of a local scheme comes with the URL of who registers such names.",
    applies=states_semantics,
    check=check,
)
