"""EV Guidelines, 7.1.2.2 and 7.1.4.2.8.

A web site's organizationIdentifier stands in the extension too, in its parts.
"""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.der.cabf import ORGANIZATION_IDENTIFIER, read_organization_identifier
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_web_by_forum
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("CABF-EVG:7.1.2.2")
def check(candidate: Candidate) -> str | None:
    """A web site's organizationIdentifier stands in the extension too, in its parts."""
    found = candidate.extensions.get(ORGANIZATION_IDENTIFIER)
    named = candidate.values(NameOID.ORGANIZATION_IDENTIFIER)
    try:
        parts = [] if found is None else [read_organization_identifier(found.value.value)]
    except Malformed:
        return "The extension with the organisation's registration cannot be read."
    if parts != named:
        return f"The registration in the extension ({parts}) is not the subject's ({named})."
    return None


LINT = Lint(
    id="CABF-EVG:7.1.2.2",
    clause="EV Guidelines, 7.1.2.2 and 7.1.4.2.8",
    words="A web site's organizationIdentifier stands in the extension too, in its parts.",
    applies=is_web_by_forum,
    check=check,
)
