"""Others read the files of a dossier: veraPDF its paper, compliance-trestle its OSCAL."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from dossier_testbed import material

from trustworks.assurance.dossier.contents import contents

pytestmark = pytest.mark.interop
ROOT = Path(__file__).resolve().parents[2]
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


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "empty"])
@pytest.mark.parametrize(
    ("module", "model", "name"),
    [
        ("component", "ComponentDefinition", "component-definition"),
        ("assessment_results", "AssessmentResults", "assessment-results"),
    ],
)
def test_trestle_reads_the_oscal(*, module: str, model: str, name: str, whole: bool, tmp_path: Path) -> None:
    # It brings 20 packages (an SSH client, a reader of spreadsheets) for two files: no dependency of tests.
    reason = "NOT TESTED, because compliance-trestle is not there: pip install compliance-trestle"
    trestle = pytest.importorskip(f"trestle.oscal.{module}", reason=reason)
    files = {one.name: one.content for one in contents(material(whole=whole))[0]}
    file = tmp_path / f"{name}.json"
    file.write_bytes(files[f"oscal/{name}.json"])
    read = getattr(trestle, model).oscal_read(file)
    assert read is not None
    assert "evidence, and no decision" in read.metadata.remarks
