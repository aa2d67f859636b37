"""The catalogue of what signers read: every key that is used is there, and none is left over."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from string import Formatter

import pytest

from trustworks.signing.choosing import PLACE, WAYS
from trustworks.signing.messages import LANGUAGES, Catalogue, catalogue
from trustworks.signing.model import Level
from trustworks.signing.rules.identifiers import COMMITMENTS
from trustworks.signing.shown.codes import WEIGHTS, found
from trustworks.signing.shown.model import Kind, Weight

SOURCE = Path(__file__).resolve().parents[3] / "src" / "trustworks"
FILES = [
    *(SOURCE / "signing").rglob("*.py"),
    SOURCE / "app" / "web" / "shown.py",
    *(SOURCE / "app" / "web" / "templates").glob("shown*.html"),
    *(SOURCE / "app" / "web" / "templates").glob("sign*.html"),
]
TABLES = ("kind", "weight", "absent", "finding", "page", "sign")


def texts() -> str:
    return "\n".join(file.read_text("utf-8") for file in FILES)


@pytest.fixture(params=LANGUAGES)
def sentences(request: pytest.FixtureRequest) -> Catalogue:
    return catalogue(request.param)


def test_every_finding_has_a_sentence_and_every_sentence_a_finding(sentences: Catalogue) -> None:
    listed = {key.removeprefix("finding.") for key in sentences.sentences if key.startswith("finding.")}
    assert listed == set(WEIGHTS)


def test_every_finding_is_given_somewhere() -> None:
    used = set(re.findall(r'"([a-z]+(?:[.-][a-z]+)*)"', texts().replace('"asic.', '"container.')))
    told_by_formats = {code for code in WEIGHTS if code.startswith("container.")}
    assert set(WEIGHTS) - used - told_by_formats == set()


def test_every_sentence_of_pages_is_used_and_there(sentences: Catalogue) -> None:
    listed = {key.removeprefix("page.") for key in sentences.sentences if key.startswith("page.")}
    used = set(re.findall(r'say\("page\.([a-z-]+)"', texts()))
    # Two are asked for by what a part or a node says of itself.
    used |= {"text", "source", "laid-out", "comment", "instruction"}
    assert listed == used


def test_every_sentence_of_signing_is_used_and_there(sentences: Catalogue) -> None:
    listed = {key.removeprefix("sign.") for key in sentences.sentences if key.startswith("sign.")}
    used = set(re.findall(r'"sign\.([a-z-]+)"', texts()))
    used |= {f"level-{one}" for one in Level} | {f"way-{one}" for one in WAYS}
    used |= {f"commitment-{one}" for one in COMMITMENTS} | {f"place-{one}" for one in PLACE}
    # What the templates put these words together from.
    assert listed == used - {"way-", "level-", "commitment-", "place-"}


def test_there_is_nothing_else(sentences: Catalogue) -> None:
    assert {key.partition(".")[0] for key in sentences.sentences} == set(TABLES)


def test_kinds_weights_and_reasons_have_words(sentences: Catalogue) -> None:
    for table, words in (("kind", Kind), ("weight", Weight)):
        assert {key.partition(".")[2] for key in sentences.sentences if key.startswith(f"{table}.")} == set(
            words
        )
    reasons = set(re.findall(r'(?:reason=|NotDrawn\(|_absent\()"([a-z-]+)"', texts()))
    assert {key.partition(".")[2] for key in sentences.sentences if key.startswith("absent.")} == reasons


def test_the_values_of_a_sentence_are_those_that_are_given(sentences: Catalogue) -> None:
    """A call of `found` gives at least what its sentence names."""
    calls = re.findall(r'found\(\s*"([a-z.-]+)"((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)', texts())
    assert len(calls) > 30
    for code, given in calls:
        named = {name for _, name, _, _ in Formatter().parse(sentences.sentences[f"finding.{code}"]) if name}
        assert named <= set(re.findall(r"(\w+)=", given)), code


def test_a_sentence_takes_its_values(sentences: Catalogue) -> None:
    finding = found("pdf.script", count=3)
    assert "places: 3" in sentences(f"finding.{finding.code}", **finding.values)
    with pytest.raises(KeyError):
        sentences("finding.pdf.script")
    with pytest.raises(KeyError):
        sentences("finding.nothing")


def test_a_language_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        catalogue("xx")


def test_sentences_are_sentences(sentences: Catalogue) -> None:
    for key, sentence in sentences.sentences.items():
        if key.startswith(("finding.", "absent.")):
            assert sentence[-1] in ".}", key
            assert sentence[0].isupper() or sentence[0] == "{", key


def test_the_page_of_the_documentation_is_that_of_the_register() -> None:
    script = SOURCE.parents[1] / "docs" / "shown.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
