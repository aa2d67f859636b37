"""Every form, level and kind of key, and certificates of several profiles, before our own validator.

What is signed is valid, has its level, and is what the trusted list of our own makes of it.
"""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

import pytest
from matrix_house import PROFILES
from signature_matrix import EVERY, HASHES, TOLD, Judging, made, pairs
from signing_forms import FORMS
from signing_house import KINDS

from trustworks.signing.model import Level

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matrix_house import MatrixHouse

pytestmark = pytest.mark.xdist_group("matrix")  # its house is made once


def test_the_part_has_each_pair_of_the_whole() -> None:
    def met(cells: Sequence[tuple[object, ...]]) -> set[object]:
        return {
            (*places, *(one[place] for place in places))
            for one in cells
            for places in combinations(range(3), 2)
        }

    whole = [(one.form, one.level, one.kind) for one in EVERY]
    part = [(one.form, one.level, one.kind) for one in pairs()]
    assert met(whole) == met(part)
    assert len(set(whole)) == len(whole) == len(FORMS) * len(Level) * len(KINDS) - 3 * len(KINDS)
    assert set(part) <= set(whole)
    for cells in (EVERY, pairs()):
        assert {one.request.hash_name for one in cells} == set(HASHES)
        assert {(one.form, one.told) for one in cells} == set(product(FORMS, TOLD))
        assert {(one.form, one.profile) for one in cells} == set(product(FORMS, PROFILES))
    assert {(one.kind, one.level, one.profile) for one in EVERY} == set(product(KINDS, Level, PROFILES))


@pytest.mark.parametrize("form", FORMS)
def test_what_is_signed_is_valid_and_has_its_level(form: str, matrix: MatrixHouse, tmp_path: Path) -> None:
    files = [made(matrix, cell, tmp_path) for cell in pairs() if cell.form == form]
    judging = Judging.into(matrix, tmp_path)
    for one in files:
        report = judging.here(judging.case(one.file, one.beside))
        outcome = report.outcome
        (signature,) = outcome.signatures
        said = (str(signature.indication), signature.sub_indication, report.evidence.signatures[0].level)
        assert said == ("TOTAL-PASSED", None, one.cell.wanted), one.cell.name
        plain = report.plain()
        assert [found["qualification"] for found in plain["signatures"]] == [one.cell.qualified.ours]
        stamps = [(found["indication"], found["qualification"]) for found in plain["timestamps"]]
        assert stamps == [("PASSED", ["Qualified"])] * len(outcome.time_stamps), one.cell.name
