"""Every case of the corpus: what is known of it is what we say, or the data beside this test says why not."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import pytest
from validated_corpus import Agreement, against_labels, cases, judged_by_us

# What we say of a case is worked out once by the process that has all tests of the corpus.
pytestmark = pytest.mark.xdist_group("corpus")

REASONS: Final = Path(__file__).with_name("corpus_reasons.toml")
"""By document, the fields in which we differ from its label, each with the reason."""

FIELDS: Final = ("cryptographically_valid", "data_found", "data_intact")
FLOOR: Final = 0.97


def test_what_is_known_of_the_corpus_is_what_we_say(capsys: pytest.CaptureFixture[str]) -> None:
    found = Agreement()
    known = cases()
    for expected in known:
        against_labels(found, expected, judged_by_us(expected.case))
    with capsys.disabled():
        print(f"\n{found.table()}")  # noqa: T201 - what the run is for
    reasons = tomllib.loads(REASONS.read_text(encoding="utf-8"))
    explained = {(what, name) for what, fields in reasons.items() for name in fields}
    apart = {(one.what, one.name): one for one in found.apart}
    assert [str(apart[one]) for one in sorted(apart.keys() - explained)] == [], "not explained"
    assert sorted(explained - apart.keys()) == [], "explained, and no longer so"


def test_nearly_all_that_is_valid_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    found = Agreement()
    for expected in cases():
        if expected.row["expect"] == "all-signatures-cryptographically-valid":
            against_labels(found, expected, judged_by_us(expected.case))
    found = found.of(FIELDS)
    # A label that is of another run, with other data beside the file, is none of this one: in that field.
    reasons = tomllib.loads(REASONS.read_text(encoding="utf-8"))
    without = found.without(
        {
            (document, name)
            for document, fields in reasons.items()
            for name, why in fields.items()
            if why.startswith("label:")
        }
    )
    with capsys.disabled():
        told = f"All that is labelled valid\n{found.table()}\n\nwithout labels shown wrong\n{without.table()}"
        print(f"\n{told}")  # noqa: T201 - what the run is for
    low = {pair: without.share(*pair) for pair in without.counted}
    assert {pair: share for pair, share in low.items() if share < FLOOR} == {}


def test_only_the_field_whose_label_is_wrong_is_left_out() -> None:
    found = Agreement()
    for name in ("data_found", "data_intact"):
        found.take("CAdES", name, "one.p7m", ours=True, theirs=False)
        found.take("CAdES", name, "other.p7m", ours=True, theirs=True)
    without = found.without({("one.p7m", "data_intact")})
    assert [found.share("CAdES", name) for name in ("data_found", "data_intact")] == [0.5, 0.5]
    assert [without.share("CAdES", name) for name in ("data_found", "data_intact")] == [0.5, 1.0]
