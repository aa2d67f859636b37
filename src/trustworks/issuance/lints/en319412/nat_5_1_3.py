"""EN 319 412-1, 5.1.3: a natural person's identifier that is said to follow the scheme has its syntax."""

from __future__ import annotations

import re

from cryptography.x509.oid import NameOID

from trustworks.core.der.qc_statements import SEMANTICS_NATURAL
from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import states_semantics
from trustworks.issuance.lints.en319412.countries import is_issuer
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("EN319412-1:NAT-5.1.3-02")
def check(candidate: Candidate) -> str | None:
    """A natural person's identifier that is said to follow the scheme has its syntax."""
    if SEMANTICS_NATURAL not in candidate.qc.semantics:
        return None
    for value in candidate.values(NameOID.SERIAL_NUMBER):
        found = re.fullmatch(r"(PAS|IDC|PNO|TIN|EID|[A-Z]{2}:)([A-Z]{2})-\S.*", value)
        if found is None or not is_issuer(found[2], found[1], lab=candidate.around.lab):
            example = "PNOXX-12345, of nobody's country" if candidate.around.lab else "PNODE-12345"
            return f"{value!r} is not an identifier such as {example}."
    if not candidate.values(NameOID.SERIAL_NUMBER):
        return "The subject has no serialNumber, whose meaning is stated."
    return None


LINT = Lint(
    id="EN319412-1:NAT-5.1.3-02",
    clause="EN 319 412-1, 5.1.3",
    words="A natural person's identifier that is said to follow the scheme has its syntax.",
    applies=states_semantics,
    check=check,
)
