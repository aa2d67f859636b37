"""S/MIME Baseline Requirements, 7.1.4.2.2.

The common name of a certificate for mail is a mailbox in it, or the name of its subject.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_smime
from trustworks.issuance.lints.lint import Candidate, Lint

NAMES: Final = (NameOID.ORGANIZATION_NAME, NameOID.PSEUDONYM)


@implements("CABF-SMIME:7.1.4.2.2")
def check(candidate: Candidate) -> str | None:
    """The common name of a certificate for mail is a mailbox in it, or the name of its subject."""
    found = candidate.extension(x509.SubjectAlternativeName)
    known = {str(name.value).lower() for name in (() if found is None else found.value)}
    known |= {value.lower() for oid in NAMES for value in candidate.values(oid)}
    person = [*candidate.values(NameOID.GIVEN_NAME), *candidate.values(NameOID.SURNAME)]
    for name in candidate.values(NameOID.COMMON_NAME):
        if name.lower() not in known and not (person and all(part in name for part in person)):
            return f"The common name {name!r} is neither a mailbox nor a name of the subject."
    return None


LINT = Lint(
    id="CABF-SMIME:7.1.4.2.2",
    clause="S/MIME Baseline Requirements, 7.1.4.2.2",
    words="The common name of a certificate for mail is a mailbox in it, or the name of its subject.",
    applies=is_smime,
    check=check,
)
