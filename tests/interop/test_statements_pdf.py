"""Others read the statements: veraPDF finds them archivable and accessible, QPDF finds them whole."""

from __future__ import annotations

import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pikepdf
import pytest
from statements_testbed import office_in

from trustworks.app.statements.model import Document
from trustworks.app.statements.pdf import as_pdf
from trustworks.core.time import LabClock

if TYPE_CHECKING:
    from trustworks.app.statements.model import Draft
    from trustworks.core.store import Database

pytestmark = [
    pytest.mark.interop,
    pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True),  # one is enough to read
]
ROOT = Path(__file__).resolve().parents[2]
JARS = ROOT / ".venv" / "verapdf" / "jars"
MADE_WITH = "-XX:TieredStopAtLevel=1"  # a short run: what is compiled well does not pay


@pytest.fixture
def drafts(database: Database, tmp_path: Path) -> list[Draft]:
    with office_in(tmp_path, database) as office:
        (office.paragraphs / "site.md").write_text(
            "**Ελληνικά** and *български*:\n\n1. one\n2. two\n\n> quoted\n\n```\ncode\n```\n",
            encoding="utf-8",
        )
        return [office.draft(document) for document in Document]


def pdf(draft: Draft) -> bytes:
    return as_pdf(draft, number=1, published_at=LabClock().now().utc, author="Example TEST")


def test_qpdf_finds_them_whole_with_title_language_tags_and_bookmarks(drafts: list[Draft]) -> None:
    for draft in drafts:
        with pikepdf.open(BytesIO(pdf(draft))) as opened:
            assert opened.check_pdf_syntax() == []
            root = opened.Root
            assert str(root.Lang) == "en"
            assert bool(root.MarkInfo.Marked)
            assert "/StructTreeRoot" in root
            with opened.open_metadata() as metadata:
                assert metadata["dc:title"] == draft.title
            with opened.open_outline() as outline:
                found = [one.title for one in outline.root]
            headings = [one[3:] for one in draft.text.splitlines() if one.startswith("## ")]
            assert [one for one in found if one != "Contents"] == headings


def test_verapdf_finds_them_archivable_and_accessible(drafts: list[Draft], tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None or not JARS.is_dir():
        pytest.skip("NOT TESTED, because veraPDF is not there: tools/setup tests gets it by java and mvn")
    files = []
    for draft in drafts:
        files.append(tmp_path / f"{draft.document.value}.pdf")
        files[-1].write_bytes(pdf(draft))
    source = ROOT / "tests" / "interop" / "java" / "Conforms.java"
    found = subprocess.run(
        [java, MADE_WITH, "-cp", f"{JARS}/*", str(source), "2a,ua1", *map(str, files)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout.splitlines()
    assert found == [f"{flavour} true {file}" for flavour in ("2a", "ua1") for file in files]
