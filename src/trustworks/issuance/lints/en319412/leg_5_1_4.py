"""EN 319 412-1, 5.1.4: a legal person's identifier that is said to follow the scheme has its syntax."""

from __future__ import annotations

import re

from cryptography.x509.oid import NameOID

from trustworks.core.der.x509 import SEMANTICS_LEGAL
from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_legal


@implements("EN319412-1:LEG-5.1.4-02")
def check(candidate: Candidate) -> str | None:
    """A legal person's identifier that is said to follow the scheme has its syntax."""
    if SEMANTICS_LEGAL not in candidate.qc.semantics:
        return None
    for value in candidate.values(NameOID.ORGANIZATION_IDENTIFIER):
        if not re.fullmatch(r"((VAT|NTR|PSD|[A-Z]{2}:)[A-Z]{2}|LEIXG)-\S.*", value):
            return f"{value!r} is not an identifier such as NTRXX-12345."
    return None


LINT = Lint(
    id="EN319412-1:LEG-5.1.4-02",
    clause="EN 319 412-1, 5.1.4",
    words="A legal person's identifier that is said to follow the scheme has its syntax.",
    applies=is_legal,
    check=check,
)
