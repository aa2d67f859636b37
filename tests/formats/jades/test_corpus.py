"""Every JAdES file of the corpus against what is known of it."""

from __future__ import annotations

from signed_corpus import cases, mismatches, table

EXPLAINED = {
    "dss-jades/validation/jades-flattened-BpB-detached-objectByURIHash.json": (
        "detached data that the case does not name; EU DSS finds none either"
    ),
}
"""Why a case is not read as the corpus says, in one line each."""


def test_files_of_the_corpus_are_read_as_expected() -> None:
    found = [(case, mismatches(case, payload_by_value=True)) for case in cases("dss-jades")]
    assert len(found) == 28
    assert not table(found, EXPLAINED)
