"""EU DSS and we judge the same signed files, with the same trust anchors, at the same time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest
from dss_judge import answers
from validated_corpus import Agreement, against_dss, cases, judged_by_us

pytestmark = pytest.mark.interop

WRITTEN: Final = "TRUSTWORKS_AGREEMENT"
"""Names the file that the table of agreement is written to, for docs/validation-agreement.md."""

FLOORS: Final = {"level": 0.8, "sub_indication": 0.9}
"""DSS asks for more, or for less, before it calls a signature one of a level."""
FLOOR: Final = 0.96
"""Of the other fields: two of fifty."""


SAMPLE: Final = 4
"""Of so many cases one is judged in the usual run: all take minutes. `nox -s interop` has all judged."""


@pytest.mark.xdist_group("corpus")
def test_dss_says_the_same_of_the_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = cases() if WRITTEN in os.environ else cases()[::SAMPLE]
    theirs = answers([one.case for one in known], tmp_path)
    found = Agreement()
    for expected, judged in zip(known, theirs, strict=True):
        against_dss(found, expected, judged_by_us(expected.case), judged)
    with capsys.disabled():
        print(f"\n{found.table()}\n" + "\n".join(map(str, found.apart)))  # noqa: T201 - what the run is for
    if WRITTEN in os.environ:
        Path(os.environ[WRITTEN]).write_text(found.table() + "\n", encoding="utf-8")
    if WRITTEN not in os.environ:
        found = found.of_all_kinds()  # of a sample, too few are of each for a floor
    short = {
        f"{kind}: {name}": found.share(kind, name)
        for kind, name in found.counted
        if found.counted[kind, name] > 10  # of fewer one is more than the floor allows
        and found.share(kind, name) < FLOORS.get(name, FLOOR)
    }
    assert short == {}, "\n".join(map(str, found.apart))
