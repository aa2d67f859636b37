"""What is said of a clause, of what stands behind it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from trustworks.assurance.cli import app
from trustworks.assurance.statements import STANDARDS, Line, State, proof_words, statements
from trustworks.assurance.statements.stating import judged
from trustworks.assurance.traceability import State as Traced
from trustworks.assurance.traceability import Trace, find_places, trace
from trustworks.core.errors import Malformed


@pytest.fixture(scope="module")
def found() -> Trace:
    return trace(find_places())


@pytest.mark.req("TRUSTWORKS:ASSURANCE-STATEMENTS")
@pytest.mark.parametrize(
    ("behind", "source", "gap", "duty", "said"),
    [
        ([Traced.COVERED, Traced.COVERED], "verified", "", "", State.COVERED),
        ([Traced.COVERED, Traced.SHOWN], "verified", "", "", State.UNVERIFIED),
        ([Traced.COVERED], "second-hand", "", "", State.UNVERIFIED),
        ([Traced.COVERED], "from-memory", "", "", State.UNVERIFIED),
        ([Traced.COVERED, Traced.NOT_RUN], "verified", "", "", State.NOT_SHOWN),
        ([Traced.COVERED, Traced.FAILED], "verified", "", "", State.NOT_SHOWN),
        ([Traced.COVERED, Traced.GAP], "verified", "", "", State.GAP),
        ([Traced.COVERED], "verified", "not done", "", State.GAP),
        ([Traced.MISSING], "verified", "", "", State.GAP),
        ([], "verified", "", "protect the place", State.OPERATOR),
        ([Traced.OPERATOR], "verified", "", "to fulfil it", State.OPERATOR),
        ([], "verified", "", "", State.GAP),
        ([Traced.COVERED], "verified", "", "the rest", State.COVERED),
    ],
)
def test_only_what_was_read_and_passed_is_covered(
    behind: list[Traced], source: str, gap: str, duty: str, said: State
) -> None:
    assert judged(behind, source=source, gap=gap, duty=duty) is said


def test_every_line_says_what_stands_behind_it(found: Trace) -> None:
    made = statements(found)
    assert [one.standard for one in made] == list(STANDARDS)
    for one in made:
        assert one.lines
        assert len({line.id for line in one.lines}) == len(one.lines)
        for line in one.lines:
            if line.state is State.GAP:
                assert line.reason, line.id
            if line.state is State.OPERATOR:
                assert line.duty, line.id
            if line.state in {State.COVERED, State.UNVERIFIED}:
                assert line.proof, line.id


def test_what_was_not_read_is_never_called_covered(found: Trace) -> None:
    for one in statements(found):
        covered = [line for line in one.lines if line.state is State.COVERED]
        assert [line.id for line in covered if line.source != "verified"] == []


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (State.COVERED, "shown by T:A (1 test)"),
        (State.UNVERIFIED, "shown by T:A (1 test)"),
        (State.NOT_SHOWN, "would be shown by T:A (1 test)"),
        (State.GAP, "what there is of it has the tests of T:A (1 test)"),
    ],
)
def test_only_what_passed_is_said_to_be_shown(state: State, told: str) -> None:
    line = Line(id="X", words="X.", state=state, source="verified", proof=(("T:A", ("one",)),))
    assert proof_words(line) == told


def test_one_standard_is_found_however_it_is_spaced(found: Trace) -> None:
    (one,) = statements(found, "en419231")
    assert one.standard == "EN 419231"
    with pytest.raises(Malformed, match="There is no statement about 'EN 1'; there are: CEN/TS 419261"):
        statements(found, "EN 1")


def test_the_command_prints_them_and_that_nobody_evaluated(
    found: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trustworks.assurance.traceability.trace", lambda _: found)
    printed = CliRunner().invoke(app, ["statements", "EN 419241-1"]).output
    assert "SRC_DSC: gap. A signature is made over what the signer agreed to" in printed
    assert "others decide what these lines are worth" in printed
    gaps = CliRunner().invoke(app, ["statements", "EN 419231", "--gaps"]).output
    assert "EVALUATION: gap" in gaps
    values = json.loads(CliRunner().invoke(app, ["statements", "EN 419231", "--json"]).output)
    assert values["standards"][0]["standard"] == "EN 419231"
