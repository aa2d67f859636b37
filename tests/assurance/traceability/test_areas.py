"""An area leads every number to the register, and none of those of this product is left open."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trustworks.assurance import cli
from trustworks.assurance.traceability import find_places, load_register
from trustworks.assurance.traceability import trace as read_trace
from trustworks.assurance.traceability.areas import join_area, load_area
from trustworks.assurance.traceability.join import State
from trustworks.core.errors import Malformed

ROOT = Path(__file__).resolve().parents[3]
NOTES = ROOT.parent / "shared" / "notes" / "issuance.md"
NUMBERS = 110
# Named in the notes beside another clause, which has the entry: of this one we have no summary of its own.
SUMMARISED = {"REV-6.2.4-01"}

REGISTER = """
standard = "STD 1"
version = "V1"
prefix = "STD"
[[requirement]]
id = "STD:1"
words = "It holds."
fulfilled_by = "product"
service = "core"
source_status = "verified"
gap = "Not built."
[[requirement]]
id = "STD:2"
words = "The operator does it."
fulfilled_by = "operator"
service = "core"
source_status = "verified"
"""
AREA = """
area = "own"
[[number]]
number = 1
about = "One"
ids = ["STD:1", "STD:2"]
[[number]]
number = 2
about = "Two"
ids = ["STD:2"]
"""


@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A register with an area, which the command reads."""
    folder = tmp_path / "requirements"
    (folder / "areas").mkdir(parents=True)
    (tmp_path / "src").mkdir()
    (folder / "std.toml").write_text(REGISTER, encoding="utf-8")
    (folder / "areas" / "own.toml").write_text(AREA, encoding="utf-8")
    places = find_places(tmp_path / "src")
    monkeypatch.setattr(
        cli.trace, "find_places", lambda: type(places)(root=tmp_path, register=folder, code=tmp_path / "src")
    )
    return folder


def run(*arguments: str, code: int = 0) -> tuple[str, str]:
    result = CliRunner().invoke(cli.app, ["trace", *arguments])
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


@pytest.mark.parametrize(("name", "numbers"), [("issuance", NUMBERS), ("validation", 53), ("signing", 35)])
def test_every_number_leads_to_the_register_and_none_is_open(name: str, numbers: int) -> None:
    places = find_places()
    area = load_area(places.register, name)
    assert [one.number for one in area.numbers] == list(range(1, numbers + 1))
    lines = join_area(area, read_trace(places))
    assert [(one.numbered.number, one.unknown) for one in lines if one.unknown] == []
    left = [one.numbered.number for one in lines if one.state is State.MISSING]
    assert left == [], "these numbers have an entry that nothing carries out and that declares no gap"
    for one in lines:
        if one.state is State.GAP:
            assert one.gaps
            assert all(len(gap) > len("EN319411-1:X: why") for gap in one.gaps)


def test_the_numbers_are_those_of_the_notes() -> None:
    if not NOTES.is_file():
        pytest.skip(f"NOT TESTED, because {NOTES} is not there")
    text = NOTES.read_text(encoding="utf-8")
    text = text[text.index("## 2. ") : text.index("## 3. ")]
    area = load_area(ROOT / "requirements", "issuance")
    known = set(load_register(ROOT / "requirements").requirements)
    place, starts = 0, []
    for number in range(1, NUMBERS + 1):
        found = re.compile(rf"(?:^|(?<=[ ;.])|(?<=\*)){number} (?=\S)", re.MULTILINE).search(text, place)
        assert found is not None, f"the notes have no number {number}"
        starts.append(found.start())
        place = found.end()
    ends = [*starts[1:], len(text)]
    for one, start, end in zip(area.numbers, starts, ends, strict=True):
        named = set(re.findall(r"\b[A-Z]{3}-\d[\d.]*-\d+[A-Z]*\b", text[start:end])) - SUMMARISED
        led = {identifier.partition(":")[2] for identifier in one.ids}
        assert set(one.ids) <= known
        assert {clause for clause in named if clause not in led} == set(), f"number {one.number}"


def test_a_number_is_as_bad_as_its_worst_entry(register: Path) -> None:
    output = run("--area", "own")[0]
    assert "STD:1: Not built." in output
    assert "2 numbers: 1 declared gap, 1 operator's duty" in output
    (first, second) = json.loads(run("--area", "own", "--json")[0])["numbers"]
    assert first == {
        "number": 1,
        "about": "One",
        "state": "declared gap",
        "requirements": {"STD:1": "gap", "STD:2": "operator"},
        "unknown": [],
        "gaps": ["STD:1: Not built."],
    }
    assert second["state"] == "operator's duty"
    (only,) = json.loads(run("--area", "own", "--gaps", "--json")[0])["numbers"]
    assert only["number"] == 1
    assert register.is_dir()


def test_an_id_that_the_register_does_not_know_is_open_and_fails_the_check(register: Path) -> None:
    file = register / "areas" / "own.toml"
    file.write_text(AREA.replace('["STD:2"]', '["STD:9"]'), encoding="utf-8")
    assert "STD:9 is not in the register" in run("--area", "own")[0]
    assert "areas/own.toml: number 2 names STD:9" in run("--area", "own", "--check", code=1)[1]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("number = 2", "number = 3", "must be 1, 2, 3"),
        ('ids = ["STD:2"]', "ids = []", "a list of ids"),
        ('ids = ["STD:2"]', 'ids = ["STD:2", "STD:2"]', "none stands twice"),
        ('about = "Two"', 'about = "Two"\nstate = "covered"', "`number`, `about` and `ids`"),
        ('area = "own"', 'area = "other"', 'must hold area = "own"'),
        ('area = "own"', "area = ", "cannot be read"),
    ],
)
def test_what_is_wrong_in_an_area_is_named(register: Path, before: str, after: str, sentence: str) -> None:
    file = register / "areas" / "own.toml"
    file.write_text(AREA.replace(before, after), encoding="utf-8")
    with pytest.raises(Malformed) as caught:
        load_area(register, "own")
    assert sentence in str(caught.value)
    assert "own.toml" in str(caught.value)


def test_an_area_that_there_is_not_is_told_with_those_there_are(register: Path) -> None:
    with pytest.raises(Malformed, match="no area 'tsa'; there are: own"):
        load_area(register, "tsa")
