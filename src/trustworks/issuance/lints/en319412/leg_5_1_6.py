"""EN 319 412-1, 5.1.6.

A legal person's identifier that is said to be the eIDAS network's has its syntax.
"""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.der import qc_statements as qcs
from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import states_semantics
from trustworks.issuance.lints.en319412.countries import is_eidas_identifier
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("EN319412-1:LEG-5.1.6-03")
def check(candidate: Candidate) -> str | None:
    """A legal person's identifier that is said to be the eIDAS network's has its syntax."""
    if qcs.SEMANTICS_EIDAS_LEGAL not in candidate.qc.semantics:
        return None
    for value in candidate.values(NameOID.ORGANIZATION_IDENTIFIER) or [""]:
        if not is_eidas_identifier(value, lab=candidate.around.lab):
            return f"{value!r} is no identifier of the eIDAS network, such as XX/XX/12345."
    return None


LINT = Lint(
    id="EN319412-1:LEG-5.1.6-03",
    clause="EN 319 412-1, 5.1.6",
    words="A legal person's identifier that is said to be the eIDAS network's has its syntax.",
    applies=states_semantics,
    check=check,
)
