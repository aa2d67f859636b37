"""Others read the files of a dossier: veraPDF its paper, compliance-trestle its OSCAL."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from dossier_testbed import material

from trustworks.assurance.dossier.contents import contents

pytestmark = pytest.mark.interop
ROOT = Path(__file__).resolve().parents[2]
TRESTLE = ROOT / ".venv" / "trestle" / "bin" / "python"
JARS = ROOT / ".venv" / "verapdf" / "jars"
MADE_WITH = "-XX:TieredStopAtLevel=1"  # a short run: what is compiled well does not pay


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "empty"])
def test_verapdf_finds_the_paper_archivable_and_accessible(*, whole: bool, tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None or not JARS.is_dir():
        pytest.skip("NOT TESTED, because veraPDF is not there: tools/setup tests gets it by java and mvn")
    file = tmp_path / "dossier.pdf"
    file.write_bytes(contents(material(whole=whole))[1])
    source = ROOT / "tests" / "interop" / "java" / "Conforms.java"
    found = subprocess.run(
        [java, MADE_WITH, "-cp", f"{JARS}/*", str(source), "2a,ua1", str(file)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout.splitlines()
    assert found == [f"{flavour} true {file}" for flavour in ("2a", "ua1")]


# What compliance-trestle, which has an environment of its own, reads of pairs of a model's name and a file.
READ = """
import importlib, json, pathlib, sys
for model, name in zip(sys.argv[1::2], sys.argv[2::2]):
    module, _, kind = model.rpartition(".")
    read = getattr(importlib.import_module(module), kind).oscal_read(pathlib.Path(name))
    print(json.dumps({"file": name, "uuid": read.uuid, "remarks": read.metadata.remarks}))
"""
MODELS = {
    "component-definition": "trestle.oscal.component.ComponentDefinition",
    "assessment-results": "trestle.oscal.assessment_results.AssessmentResults",
}


def read_by_trestle(*pairs: object) -> subprocess.CompletedProcess[str]:
    if not TRESTLE.is_file():
        pytest.skip("NOT TESTED, because compliance-trestle is not there: tools/setup tests installs it")
    return subprocess.run(
        [TRESTLE, "-c", READ, *map(str, pairs)], capture_output=True, text=True, check=False, timeout=300
    )


def test_trestle_reads_the_oscal(tmp_path: Path) -> None:
    pairs: list[object] = []
    made: dict[str, str] = {}
    for whole in (True, False):
        files = {one.name: one.content for one in contents(material(whole=whole))[0]}
        for name, model in MODELS.items():
            file = tmp_path / f"{name}-{whole}.json"
            file.write_bytes(files[f"oscal/{name}.json"])
            pairs += [model, file]
            made[str(file)] = json.loads(file.read_bytes())[name]["uuid"]
    found = read_by_trestle(*pairs)
    assert found.returncode == 0, found.stderr
    told = [json.loads(line) for line in found.stdout.splitlines()]
    assert {one["file"]: one["uuid"] for one in told} == made
    assert all("evidence, and no decision" in one["remarks"] for one in told)


def test_trestle_refuses_what_is_no_oscal(tmp_path: Path) -> None:
    files = {one.name: one.content for one in contents(material(whole=True))[0]}
    document = json.loads(files["oscal/assessment-results.json"])
    document["assessment-results"]["results"][0]["more"] = 1
    file = tmp_path / "assessment-results.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    found = read_by_trestle(MODELS["assessment-results"], file)
    assert found.returncode != 0
    assert "more" in found.stderr
