"""EN 319 412-1, 5.1.4: a legal person's identifier that is said to follow the scheme has its syntax."""

from __future__ import annotations

import re
from typing import Final

from cryptography.x509.oid import NameOID

from trustworks.core.der.qc_statements import SEMANTICS_LEGAL
from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import states_semantics
from trustworks.issuance.lints.en319412.countries import is_issuer
from trustworks.issuance.lints.lint import Candidate, Lint

# What the identifier is; its country, for a trade register with a part of it; the identifier.
SYNTAX: Final = re.compile(
    r"(VAT|NTR|PSD|LEI|EOR|EXC|[A-Z]{2}:)([A-Z]{2})(?:(?<=^NTR..)\+[A-Z0-9]{1,3})?-\S.*"
)


@implements("EN319412-1:LEG-5.1.4-02")
def check(candidate: Candidate) -> str | None:
    """A legal person's identifier that is said to follow the scheme has its syntax."""
    if SEMANTICS_LEGAL not in candidate.qc.semantics:
        return None
    for value in candidate.values(NameOID.ORGANIZATION_IDENTIFIER):
        found = re.fullmatch(SYNTAX, value)
        global_scheme = found is not None and found[1] == "LEI"
        if found is None or not (
            found[2] == "XG" if global_scheme else is_issuer(found[2], found[1], lab=candidate.around.lab)
        ):
            example = "NTRXX-12345, of nobody's country" if candidate.around.lab else "NTRDE-12345"
            return f"{value!r} is not an identifier such as {example}."
    return None


LINT = Lint(
    id="EN319412-1:LEG-5.1.4-02",
    clause="EN 319 412-1, 5.1.4",
    words="A legal person's identifier that is said to follow the scheme has its syntax.",
    applies=states_semantics,
    check=check,
)
