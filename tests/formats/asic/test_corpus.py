"""Every ASiC and OpenDocument file of the corpus against what is known of it."""

from __future__ import annotations

import pytest
from signed_corpus import cases, mismatches, table

EXPLAINED = {
    "dss-asic-xades/validation/container-with-counter-signature.asice": (
        "the corpus counts the signature without its counter-signature; EU DSS counts both"
    ),
}
"""Why a case is not read as the corpus says, in one line each."""


@pytest.mark.parametrize(("folder", "number"), [("dss-asic-cades", 49), ("dss-asic-xades", 26)])
def test_files_of_the_corpus_are_read_as_expected(folder: str, number: int) -> None:
    found = [(case, mismatches(case)) for case in cases(folder)]
    assert len(found) == number
    assert not table(found, {name: why for name, why in EXPLAINED.items() if name.startswith(folder)})
