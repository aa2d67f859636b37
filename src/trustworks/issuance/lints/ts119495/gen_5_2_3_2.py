"""TS 119 495, 5.2.3.

The competent authority is identified by its country and two to eight capital letters.
"""

from __future__ import annotations

import re

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_payment_service
from trustworks.issuance.lints.en319412.countries import is_issuer
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("TS119495:GEN-5.2.3-2")
def check(candidate: Candidate) -> str | None:
    """The competent authority is identified by its country and two to eight capital letters."""
    for _, _, identifier in candidate.qc.psd2:
        found = re.fullmatch(r"([A-Z]{2})-[A-Z]{2,8}", identifier)
        if found is None or not is_issuer(found[1], "PSD", lab=candidate.around.lab):
            return f"{identifier!r} does not identify a competent authority."
    return None


LINT = Lint(
    id="TS119495:GEN-5.2.3-2",
    clause="TS 119 495, 5.2.3",
    words="The competent authority is identified by its country and two to eight capital letters.",
    applies=is_payment_service,
    check=check,
)
