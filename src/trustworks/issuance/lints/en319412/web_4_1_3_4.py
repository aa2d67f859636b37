"""EN 319 412-4, 4.1.3 and 4.1.4.

A web site is named by DNS names, and a common name is one of the alternative names.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_web
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("EN319412-4:WEB-4.1.3-4")
def check(candidate: Candidate) -> str | None:
    """A web site is named by DNS names, and a common name is one of the alternative names."""
    found = candidate.extension(x509.SubjectAlternativeName)
    names = [] if found is None else list(found.value)
    if not any(isinstance(name, x509.DNSName) for name in names):
        return "The certificate has no DNS name."
    known = {str(name.value).lower() for name in names}
    foreign = [name for name in candidate.values(NameOID.COMMON_NAME) if name.lower() not in known]
    if foreign:
        return f"The common name {foreign[0]!r} is none of the alternative names."
    return None


LINT = Lint(
    id="EN319412-4:WEB-4.1.3-4",
    clause="EN 319 412-4, 4.1.3 and 4.1.4",
    words="A web site is named by DNS names, and a common name is one of the alternative names.",
    applies=is_web,
    check=check,
)
