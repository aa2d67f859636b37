"""What a test run keeps of the tests that carry a requirement: also which parameter sets were skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trustworks.assurance.traceability.results import load_results

PLUGINS = Path(__file__).parents[2] / "plugins"
TESTS = """
import pytest

@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    if request.param == "postgresql":
        pytest.skip("it is not installed")

@pytest.mark.req("STD:1")
def test_on_both(database): ...

@pytest.mark.req("STD:1")
@pytest.mark.parametrize("which", ["a", "b"])
def test_with_more(database, which): ...

@pytest.mark.req("STD:1")
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_on_one(database): ...

@pytest.mark.req("STD:1")
@pytest.mark.parametrize("which", ["a", "b"])
def test_on_none(which): ...

@pytest.mark.req("STD:1")
@pytest.mark.parametrize("which", ["a", "b"])
def test_that_fails(database, which):
    assert which == "a"

@pytest.mark.req("STD:1")
@pytest.mark.parametrize("which", [])
def test_of_no_set(which): ...

@pytest.mark.req("STD:1")
def test_without():
    pytest.skip("not today")

def test_of_no_requirement(database): ...
"""


@pytest.mark.parametrize("options", [(), ("-p", "xdist", "-n", "2", "--dist", "loadgroup")])
def test_skipped_parameter_sets_are_kept(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "src" / "trustworks").mkdir(parents=True)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(TESTS, encoding="utf-8")
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "requirement_results"),
            *("-o", "markers=req(*ids)", "--rootdir", str(tmp_path), f"--basetemp={tmp_path / 't'}"),
            *(*options, str(tmp_path / "tests")),
        ],
        env={**os.environ, "PYTHONPATH": str(PLUGINS)},
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=120,
    )
    found = {
        node.rpartition("::")[2]: (result.outcome, result.skipped)
        for node, result in load_results(tmp_path / ".trace" / "results.json").items()
    }
    assert found == {
        "test_on_both": ("passed", ("postgresql",)),
        "test_with_more": ("passed", ("postgresql-a", "postgresql-b")),
        "test_on_one": ("skipped", ("postgresql",)),
        "test_on_none": ("passed", ()),
        "test_that_fails": ("failed", ("postgresql-a", "postgresql-b")),
        "test_of_no_set": ("skipped", ()),
        "test_without": ("skipped", ()),
    }
