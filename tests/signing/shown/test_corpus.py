"""Real documents: each has an answer, and each first page is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustworks.formats.data import Stored
from trustworks.signing.messages import catalogue
from trustworks.signing.shown.bounds import DEFAULT
from trustworks.signing.shown.look import look
from trustworks.signing.shown.model import Pages
from trustworks.signing.shown.paper import shown_page

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "dss"
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_every_document_of_the_corpus_has_an_answer(part: int) -> None:
    if not CORPUS.is_dir():
        pytest.skip("NOT TESTED, because ../shared/corpus/dss is absent")
    sentences = catalogue()
    files = sorted(one for one in CORPUS.rglob("*") if one.is_file() and one.name != "cases.json")[
        part::PARTS
    ]
    assert files
    for file in files:
        found = look(Stored(file, file.name), file.name)
        assert found.parts, file.name
        for finding in found.findings:
            assert sentences(f"finding.{finding.code}", **finding.values)
        if isinstance(found.parts[0], Pages):
            assert found.parts[0].count, file.name
            assert shown_page(file.read_bytes(), 1, 300, DEFAULT).png, file.name
