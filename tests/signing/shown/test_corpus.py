"""Real documents: each has an answer within the bounds, and each first page is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustworks.formats.data import Stored
from trustworks.signing.messages import catalogue
from trustworks.signing.shown.model import Absent, Pages
from trustworks.signing.shown.viewer import Viewer

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "dss"
PARTS = 2


@pytest.mark.parametrize("part", range(PARTS))
def test_every_document_of_the_corpus_has_an_answer(part: int) -> None:
    if not CORPUS.is_dir():
        pytest.skip("NOT TESTED, because ../shared/corpus/dss is absent")
    sentences = catalogue()
    files = sorted(one for one in CORPUS.rglob("*") if one.is_file() and one.name != "cases.json")[
        part::PARTS
    ]
    assert files
    with Viewer() as viewer:
        for file in files:
            data = Stored(file, file.name)
            found = viewer.shown(data, file.name)
            assert found.parts, file.name
            # Each says something of itself: none took more than it may, or ended its process.
            assert not any(isinstance(one, Absent) and one.reason == "too-much" for one in found.parts), file
            for finding in found.findings:
                assert sentences(f"finding.{finding.code}", **finding.values)
            if isinstance(found.parts[0], Pages):
                assert found.parts[0].count, file.name
                assert viewer.page(data, 1, 300).png, file.name
