"""EN 319 412-5, 4.2.5.

A device that another law than the Union's recognises is not stated: our devices are the Union's.
"""

from __future__ import annotations

from trustworks.core.der import qc_statements as qcs
from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_qualified


@implements("EN319412-5:QCS-4.2.5-01")
def check(candidate: Candidate) -> str | None:
    """A device that another law than the Union's recognises is not stated: our devices are the Union's."""
    if qcs.QC_QSCD_LEGISLATION in candidate.qc.ids:
        return "The statement QcQSCDlegislation is for devices that another law than the Union's recognises."
    return None


LINT = Lint(
    id="EN319412-5:QCS-4.2.5-01",
    clause="EN 319 412-5, 4.2.5",
    words="A device that another law than the Union's recognises is not stated: our devices are the Union's.",
    applies=is_qualified,
    check=check,
)
