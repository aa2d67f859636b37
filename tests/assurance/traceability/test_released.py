"""The results that come with a wheel: made of a table without findings, and no proof of other rules."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.assurance.traceability import Places, State, trace
from trustworks.assurance.traceability.join import digests_of
from trustworks.assurance.traceability.released import load_released, read_released, released
from trustworks.assurance.traceability.results import Result, merge_results
from trustworks.assurance.traceability.table import NO_TESTS, NOT_RUN_HERE, results_told
from trustworks.core.errors import Malformed, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.assurance.traceability.results import Outcome

COMMIT = "c" * 40
RULE = "@implements('STD:1')\ndef rule() -> bool:\n    return True\n"
TEST = "@pytest.mark.req('STD:1')\ndef test_it() -> None:\n    assert rule()\n"


@pytest.fixture
def tested(product: Any) -> Any:
    product.register(product.entry("STD:1") + product.entry("STD:2", fulfilled_by="operator"))
    product.code(RULE)
    product.tests(TEST)
    ran(product, "passed")
    return product


def ran(product: Any, outcome: Outcome) -> None:
    node = "tests/test_rules.py::test_it"
    digest = digests_of(trace(product.places), product.root).of(node)
    merge_results(
        product.results,
        {node: Result(outcome=outcome, at="2026-11-01T10:00:00+00:00", seconds=0.1, digest=digest)},
    )


def made(product: Any) -> bytes:
    found = trace(product.places)
    return released(found, commit=COMMIT, rules=digests_of(found, product.root).of_rules)


def installed(product: Any, content: bytes | None) -> Places:
    """As the package lies where it was installed: elsewhere, and without tests."""
    site = product.root / "site"
    package = site / "product"
    package.mkdir(parents=True, exist_ok=True)
    (package / "rules.py").write_bytes((product.places.code / "rules.py").read_bytes())
    file = site / "results.json"
    if content is not None:
        file.write_bytes(content)
    return Places(root=site, register=product.places.register, code=package, released=file)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RELEASE-RESULTS")
def test_what_came_with_a_wheel_shows_the_rules_that_were_tested(tested: Any) -> None:
    content = made(tested)
    assert content == made(tested)
    document = json.loads(content)
    assert (document["commit"], document["at"]) == (COMMIT, "2026-11-01T10:00:00+00:00")
    assert document["counts"] == {"covered": 1, "operator": 1}
    assert document["requirements"]["STD:1"]["counts"] == {"passed": 1}
    found = trace(installed(tested, content))
    assert [one.state for one in found.lines] == [State.COVERED, State.OPERATOR]
    (test,) = found.lines[0].tests
    assert (test.mark.place, test.last, test.at) == ("tests/test_rules.py:2", "passed", document["at"])
    assert not found.has_tests
    assert "of commit cccccccccccc, the newest of 2026-11-01" in results_told(found)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RELEASE-RESULTS")
def test_what_came_with_a_wheel_shows_no_other_rule(tested: Any) -> None:
    places = installed(tested, made(tested))
    (places.code / "rules.py").write_text(RULE.replace("True", "False"), encoding="utf-8")
    (line, _) = trace(places).lines
    assert (line.state, line.last) == (State.NOT_RUN, "older")


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RELEASE-RESULTS")
def test_no_wheel_is_made_of_a_table_with_findings_or_without_results(tested: Any) -> None:
    ran(tested, "failed")
    with pytest.raises(Rejected, match=r"test_it failed\. Mend these"):
        made(tested)
    tested.results.unlink()
    with pytest.raises(Rejected, match="No result of a test is known"):
        made(tested)


@pytest.mark.parametrize("commit", ["", "HEAD", "c" * 39, "C" * 40])
def test_a_commit_is_named_by_its_whole_hash(tested: Any, commit: str) -> None:
    with pytest.raises(Malformed, match="names no commit"):
        released(trace(tested.places), commit=commit, rules=str)


def test_a_result_that_is_older_than_its_test_stays_so(tested: Any) -> None:
    tested.tests(f"# Changed.\n{TEST}")
    (line, _) = trace(installed(tested, made(tested))).lines
    assert (line.state, line.last) == (State.NOT_RUN, "older")


def test_why_nothing_is_known_is_said(tested: Any) -> None:
    assert results_told(trace(tested.places)) == ""
    tested.results.unlink()
    assert results_told(trace(tested.places)) == NOT_RUN_HERE
    found = trace(installed(tested, None))
    assert (results_told(found), found.has_results) == (NO_TESTS, False)


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"[]",
        lambda _: b"null",
        lambda _: b"{}",
        lambda _: b"[" * 100_000,
        lambda _: b"\xff",
        lambda octets: octets.replace(b"passed", b"failed"),
        lambda octets: octets.replace(b"trustworks-results/1", b"trustworks-results/2"),
        lambda octets: octets[:-20],
        lambda octets: octets + b" " * (33 << 20),
    ],
)
def test_what_is_no_table_or_was_changed_is_told(tested: Any, change: Callable[[bytes], bytes]) -> None:
    places = installed(tested, change(made(tested)))
    with pytest.raises(Malformed, match="holds no results of a release"):
        trace(places)


@pytest.mark.parametrize(
    "change",
    [
        {"commit": "HEAD"},
        {"commit": 1},
        {"at": "yesterday"},
        {"requirements": []},
        {"requirements": {"STD:1": {"rules": "", "tests": ["tests/absent.py::test_it"]}}},
        {"tests": {"tests/test_rules.py::test_it": {"line": 1, "last": "well", "at": None, "skipped": []}}},
    ],
)
def test_a_table_with_other_members_is_told(tested: Any, change: dict[str, Any]) -> None:
    from trustworks.assurance.traceability.released import _digest, _octets  # noqa: PLC0415 - only here

    document = json.loads(made(tested)) | change
    del document["sha256"]
    with pytest.raises(Malformed, match="holds no results of a release"):
        read_released(_octets(document | {"sha256": _digest(document)}), "results.json")


def test_a_file_that_is_not_there_or_cannot_be_read(tmp_path: Path) -> None:
    assert load_released(tmp_path / "absent.json") is None
    with pytest.raises(Malformed, match="cannot be read"):
        load_released(tmp_path)


def test_a_failed_test_is_told_also_of_other_rules(tested: Any) -> None:
    content = json.loads(made(tested))
    content["tests"]["tests/test_rules.py::test_it"]["last"] = "failed"
    places = replace(installed(tested, None), released=tested.root / "other.json")
    from trustworks.assurance.traceability.released import _digest, _octets  # noqa: PLC0415 - only here

    del content["sha256"]
    (tested.root / "other.json").write_bytes(_octets(content | {"sha256": _digest(content)}))
    (places.code / "rules.py").write_text(f"{RULE}# Another.\n", encoding="utf-8")
    assert trace(places).lines[0].state is State.FAILED
