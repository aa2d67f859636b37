"""What an installed package holds: the register and the code, without the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from trustworks.assurance.traceability import find_places, trace
from trustworks.assurance.traceability.join import digests_of
from trustworks.assurance.traceability.results import Result, merge_results

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_register_templates_and_licence_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "trustworks/requirements/en319421-clock.toml" in names
    assert "trustworks/assurance/traceability/page.html.j2" in names
    assert "trustworks/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"trustworks"}


def test_an_installed_package_traces_its_rules_and_says_that_tests_are_elsewhere(
    wheel: Path, tmp_path: Path
) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    document = json.loads(ran(tmp_path, "trace", "--json", "--standard", "EN319421"))
    assert document["tests_present"] is False
    assert document["requirements"][0]["rules"][0]["place"].startswith("trustworks/")
    assert document["counts"]["covered"] == 0
    assert (document["results_known"], document["results_from"]) == (False, None)
    assert document["about_results"].startswith("No results of tests came with this package")


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RELEASE-RESULTS")
def test_a_wheel_of_a_release_says_what_last_came_of_its_tests(tmp_path: Path) -> None:
    spec: Any = spec_from_file_location("release_tool_of_a_wheel", ROOT / "tools" / "release.py")
    tool: Any = module_from_spec(spec)
    spec.loader.exec_module(tool)
    places = find_places()
    node = "tests/assurance/traceability/test_released.py::test_what_came_with_a_wheel_shows_no_other_rule"
    raw = tmp_path / "raw.json"
    digest = digests_of(trace(places), places.root).of(node)
    merge_results(
        raw, {node: Result(outcome="passed", at="2026-11-01T10:00:00+00:00", seconds=0.1, digest=digest)}
    )
    results = tool.results_for(ROOT, raw, "c" * 40)
    (tmp_path / "again.json").write_bytes(results)
    assert tool.results_for(ROOT, tmp_path / "again.json", None) == results
    made = tool.built(ROOT, tmp_path / "build", umask=0o022, results=results)
    zipfile.ZipFile(made).extractall(tmp_path / "site")

    traced = json.loads(ran(tmp_path, "trace", "--json", "--standard", "Trustworks"))
    (line,) = [one for one in traced["requirements"] if one["id"] == "TRUSTWORKS:ASSURANCE-RELEASE-RESULTS"]
    assert (line["state"], line["last"]) == ("covered", "not run")  # one of its tests ran, of several
    assert {one["test"]: one["last"] for one in line["tests"]}[node] == "passed"
    assert traced["results_from"] == {
        "commit": "c" * 40,
        "at": "2026-11-01T10:00:00+00:00",
        "sha256": json.loads(results)["sha256"],
    }
    stated = ran(tmp_path, "statements", "EN 419231")
    assert "Results of tests came with the package: of commit cccccccccccc" in stated


def ran(folder: Path, *command: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", "from trustworks.app.cli import main; main()", "assurance", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "site")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
