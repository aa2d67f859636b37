"""Others look at the reports for people: a browser at the page, veraPDF at the PDF."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from chromium import Chromium, find_browser
from qualified_reports import COMPLIANCE, DEVICE, FOR_ESIGN, report

from trustworks.validation.rules.inputs import NOTHING

if TYPE_CHECKING:
    from trustworks.validation.service import Report

pytestmark = pytest.mark.interop

ROOT: Final = Path(__file__).resolve().parents[2]
JARS: Final = ROOT / ".venv" / "verapdf" / "jars"
LONG: Final = "Aufsichtsbehördenzuständigkeitsverordnungsgeber" + "w" * 15
LOADED: Final = "performance.getEntriesByType('resource').length"
WIDE: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def reports() -> dict[str, Report]:
    return {
        "passed": report(COMPLIANCE, FOR_ESIGN, DEVICE),
        "open": report(extra=NOTHING, signer=LONG),
        "hostile": report(signer="</title><script>document.title='owned'</script>\u4e00"),
    }


def test_a_browser_loads_nothing_else_runs_nothing_and_needs_no_wide_screen(tmp_path: Path) -> None:
    program = find_browser()
    if program is None:
        pytest.skip("NOT TESTED, because there is no Chromium: tools/setup tests gets it")
    with Chromium(program, tmp_path / "profile") as browser:
        for name, found in reports().items():
            file = tmp_path / f"{name}.html"
            file.write_bytes(found.html())
            size = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True}
            browser.call("Emulation.setDeviceMetricsOverride", **size)
            browser.go(file.as_uri())
            browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            assert browser.run(LOADED) == 0, name
            assert browser.run(WIDE) <= 0, name
            assert browser.run("document.title").endswith("Validation of contract.p7m"), name
            assert browser.run("document.scripts.length") == 0, name


def test_verapdf_finds_the_pdf_archivable_and_accessible(tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None or not JARS.is_dir():
        pytest.skip("NOT TESTED, because veraPDF is not there: tools/setup tests gets it by java and mvn")
    files = []
    for name, found in reports().items():
        files.append(tmp_path / f"{name}.pdf")
        files[-1].write_bytes(found.pdf())
    source = ROOT / "tests" / "interop" / "java" / "Conforms.java"
    judged = subprocess.run(
        [java, "-XX:TieredStopAtLevel=1", "-cp", f"{JARS}/*", str(source), "2a,ua1", *map(str, files)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout.splitlines()
    assert judged == [f"{flavour} true {file}" for flavour in ("2a", "ua1") for file in files]
