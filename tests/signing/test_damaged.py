"""Signatures of every form, damaged in each of their parts: what is said of each by our own validator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from damaged_signatures import EXPECTED, PARTS, damaged, expected, signature
from signature_matrix import Judging
from signing_forms import FORMS

if TYPE_CHECKING:
    from pathlib import Path

    from matrix_house import MatrixHouse

    from trustworks.validation import Verdict


pytestmark = pytest.mark.xdist_group("matrix")  # its house is made once


def said(verdict: Verdict) -> str:
    return " ".join(str(one) for one in (verdict.indication, verdict.sub_indication) if one is not None)


@pytest.mark.parametrize("form", FORMS)
def test_damage_is_found_where_it_is(form: str, matrix: MatrixHouse, tmp_path: Path) -> None:
    whole = signature(matrix, form, tmp_path).made
    files = damaged(matrix, form, tmp_path)
    judging = Judging.into(matrix, tmp_path).without_the_signer  # the file alone tells his status
    before = judging.here(judging.case(whole.file, whole.beside)).outcome
    assert {said(one.verdict) for one in before.time_stamps} <= {"PASSED"}
    if form != "jades-compact":
        assert [said(one.verdict) for one in before.signatures] == ["TOTAL-PASSED"]
    for one in files:
        outcome = judging.here(judging.case(one.file, one.beside)).outcome
        verdicts = [said(found.verdict) for found in outcome.signatures]
        verdicts += [said(found.verdict) for found in outcome.time_stamps]
        assert tuple(verdicts) == expected(form, one.part), one.name
    assert {one.part for one in files} >= {"signed data", "signature value", "certificate reference"}


def test_each_part_is_expected_and_each_expectation_is_of_a_part() -> None:
    assert {part for part, _, _ in EXPECTED} == set(PARTS)
