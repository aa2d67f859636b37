"""Baseline Requirements, 7.1.2.7.3 and 7.1.2.7.4; EV Guidelines, 7.1.4.2.6.

The subject of a web site's certificate has a state or province, or a locality.
"""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_web_by_forum
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("CABF-BR:7.1.2.7.4")
def check(candidate: Candidate) -> str | None:
    """The subject of a web site's certificate has a state or province, or a locality."""
    if not candidate.values(NameOID.STATE_OR_PROVINCE_NAME) and not candidate.values(NameOID.LOCALITY_NAME):
        return "The subject has neither stateOrProvinceName nor localityName."
    return None


LINT = Lint(
    id="CABF-BR:7.1.2.7.4",
    clause="Baseline Requirements, 7.1.2.7.3 and 7.1.2.7.4; EV Guidelines, 7.1.4.2.6",
    words="The subject of a web site's certificate has a state or province, or a locality.",
    applies=is_web_by_forum,
    check=check,
)
