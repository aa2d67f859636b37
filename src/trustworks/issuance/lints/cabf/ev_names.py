"""EV Guidelines, 7.1.2.3.

The names of an extended validation certificate are DNS names without a star.
"""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_ev
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("CABF-EVG:7.1.2.3")
def check(candidate: Candidate) -> str | None:
    """The names of an extended validation certificate are DNS names without a star."""
    found = candidate.extension(x509.SubjectAlternativeName)
    for name in () if found is None else found.value:
        if not isinstance(name, x509.DNSName) or name.value.startswith("*"):
            return f"{name.value!r} cannot stand in an extended validation certificate."
    return None


LINT = Lint(
    id="CABF-EVG:7.1.2.3",
    clause="EV Guidelines, 7.1.2.3",
    words="The names of an extended validation certificate are DNS names without a star.",
    applies=is_ev,
    check=check,
)
