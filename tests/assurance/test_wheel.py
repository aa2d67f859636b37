"""What an installed package holds: the register and the code, without the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

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
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from trustworks.app.cli import main; main()",
            *("assurance", "trace", "--json", "--standard", "EN319421"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    document = json.loads(done.stdout)
    assert document["tests_present"] is False
    assert document["requirements"][0]["rules"][0]["place"].startswith("trustworks/")
    assert document["counts"]["covered"] == 0
