"""The published schema of TS 119 102-2 V1.4.1 judges every report that we make."""

from __future__ import annotations

import os
from typing import Final

import pytest
from report_schema import faults
from validated_corpus import cases

from trustworks.core.errors import Malformed
from trustworks.validation import validate

pytestmark = pytest.mark.interop

WHOLE: Final = "TRUSTWORKS_WHOLE_CORPUS"
"""Set in the environment, every file of the corpus is reported; else one in `STEP`, of every format."""
STEP: Final = 8


def test_reports_about_the_corpus_are_valid_by_the_schema() -> None:
    known = {one.row["document"]: one for one in cases()}
    chosen = sorted(known) if WHOLE in os.environ else sorted(known)[::STEP]
    wrong, reported = {}, 0
    for document in chosen:
        case = known[document].case
        try:
            found = validate(case.file, detached=case.detached, trust=case.anchors, at=case.at, offline=True)
        except Malformed:
            continue  # it is no signed file, and has no report
        if not found.outcome.signatures:
            continue
        reported += 1
        if bad := faults(found.etsi()):
            wrong[document] = bad
    assert wrong == {}
    assert reported > len(chosen) * 0.9
