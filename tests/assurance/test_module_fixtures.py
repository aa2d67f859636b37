"""Tests that share a fixture of their module go to one process; a group that a test names itself stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PLUGINS = Path(__file__).parents[1] / "plugins"
TESTS = """
import os
import pytest

@pytest.fixture(scope="module")
def costly():
    with open(os.environ["MADE"], "a") as file:
        file.write("made ")

@pytest.fixture
def through(costly):
    pass

@pytest.fixture(scope="module")
def other():
    pass

def group(request):
    mark = request.node.get_closest_marker("xdist_group")
    return mark and mark.args[0]

@pytest.mark.parametrize("number", range(6))
def test_shares(through, request, number):
    assert group(request).endswith("test_it.py")

@pytest.mark.parametrize("number", range(6))
def test_is_alone(request, number):
    assert group(request) is None

@pytest.mark.xdist_group("named")
def test_names_its_group(other, request):
    assert group(request) == "named"
"""


def test_a_fixture_of_a_module_is_made_by_one_process(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "module_fixtures"),
            *("--rootdir", str(tmp_path), f"--basetemp={tmp_path / 't'}", "-n", "2", "--dist", "loadgroup"),
            str(tmp_path),
        ],
        env={**os.environ, "PYTHONPATH": str(PLUGINS), "MADE": str(tmp_path / "made")},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "13 passed" in done.stdout
    assert (tmp_path / "made").read_text(encoding="utf-8") == "made "
