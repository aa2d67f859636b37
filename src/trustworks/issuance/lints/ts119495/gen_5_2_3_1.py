"""TS 119 495, 5.2.3: the competent authority is named in Latin letters."""

from __future__ import annotations

from typing import Final

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_payment_service
from trustworks.issuance.lints.lint import Candidate, Lint

MAX_NAME: Final = 256


@implements("TS119495:GEN-5.2.3-1")
def check(candidate: Candidate) -> str | None:
    """The competent authority is named in Latin letters."""
    for _, name, _ in candidate.qc.psd2:
        if not name.isascii() or not name.strip() or len(name) > MAX_NAME:
            return f"{name!r} is not the name of an authority in Latin letters."
    return None


LINT = Lint(
    id="TS119495:GEN-5.2.3-1",
    clause="TS 119 495, 5.2.3",
    words="The competent authority is named in Latin letters.",
    applies=is_payment_service,
    check=check,
)
