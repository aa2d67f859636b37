"""EU DSS judges signed files: the same file, trust anchors, detached data and time; what it says."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

ROOT = Path(__file__).resolve().parents[2]
JARS = ROOT / ".venv" / "dss" / "jars"
SOURCE = ROOT / "tests" / "interop" / "dss" / "Judge.java"
OF_LISTS = SOURCE.with_name("Lists.java")
POLICY: Final = "http://dss.esig.europa.eu/validation/policy"


_BRIEF: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""For a run of seconds: to compile less, and to collect garbage in one thread, takes less time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A signed file, and with what it is judged; `at` None is now, `policy` None that of EU DSS by default.

    `lists`, `answers` and `certificates` are what is known beside the file; `records` are evidence records.
    """

    file: Path
    anchors: tuple[Path, ...] = ()
    detached: tuple[Path, ...] = ()
    at: datetime | None = None
    lists: tuple[Path, ...] = ()
    answers: tuple[Path, ...] = ()
    certificates: tuple[Path, ...] = ()
    records: tuple[Path, ...] = ()
    policy: Path | None = None


def judge() -> tuple[str, str]:
    """The two programs that run it.

    Skips without them or EU DSS, but fails where all judges are meant to be there: in continuous integration.
    """
    java, javac = shutil.which("java"), shutil.which("javac")
    if java is None or javac is None or not JARS.is_dir():
        without = pytest.fail if "CI" in os.environ else pytest.skip
        without("NOT TESTED, because EU DSS is not there: tools/setup tests gets it by java and mvn")
    return java, javac


def answers(cases: Sequence[Case], folder: Path) -> list[dict[str, Any]]:
    """What EU DSS says to each case, offline (Judge.java tells what an answer holds).

    Skips without it; see `judge`.
    """
    java, javac = judge()
    asked = folder / "cases.tsv"
    asked.write_text("".join(f"{_line(case)}\n" for case in cases), encoding="utf-8")
    said = subprocess.run(
        [java, *_BRIEF, "-Xmx3g", "-cp", f"{_compiled(javac)}:{JARS}/*", "Judge", str(asked)],
        capture_output=True,
        check=True,
        timeout=3600,
    ).stdout.decode("utf-8")
    found = [json.loads(line) for line in said.splitlines() if line.startswith('{"file":')]
    assert [one["file"] for one in found] == [str(case.file) for case in cases]
    return found


def default_policy() -> bytes:
    """The constraint file by which EU DSS judges where none is given, out of its own archive."""
    (archive,) = JARS.glob("dss-policy-jaxb-*.jar")
    with zipfile.ZipFile(archive) as opened:
        return opened.read("policy/constraint.xml")


def changed_policy(octets: bytes, changes: Sequence[tuple[str, dict[str, str], str | None]]) -> bytes:
    """A constraint file with changes: the path of an element, its attributes, and XML that comes into it.

    Without XML what is in the element stays, with its other attributes. The last step of a path is
    ``before+new`` for an element that is not there yet and comes behind another, ``old-`` for one that goes.
    """
    root = etree.fromstring(octets)
    for path, attributes, inside in changes:
        *above, last = path.split("/")
        last, _, new = last.partition("+")
        found = root.find("/".join(f"{{{POLICY}}}{step}" for step in (*above, last.rstrip("-"))))
        assert found is not None, path
        parent = found.getparent()
        assert parent is not None
        if last.endswith("-"):
            parent.remove(found)
            continue
        if inside is None:
            found.attrib.update(attributes)
            continue
        element = etree.fromstring(f'<x xmlns="{POLICY}">{inside}</x>')
        element.tag = f"{{{POLICY}}}{new}" if new else found.tag
        element.attrib.update(attributes)
        found.addnext(element)
        if not new:
            parent.remove(found)
    return etree.tostring(root)


def lists(
    folders: Sequence[Path], address: str, types: tuple[str, str], believed: Path, cases: Sequence[Case]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What EU DSS makes of a list of lists at an address, of the lists behind it, and of signed files.

    Each folder has such lists; the files are judged by the first. Lists.java tells what is in the arguments
    and answers: first those about lists, then one for each case, of which file, revocation lists and time
    count. Skips without EU DSS; see `judge`.
    """
    java, javac = judge()
    asked = folders[0] / "cases.tsv"
    lines = [f"{one.file}\t{'|'.join(map(str, one.lists))}\t{one.at:%Y-%m-%dT%H:%M:%SZ}\n" for one in cases]
    asked.write_text("".join(lines), encoding="utf-8")
    path = f"{_compiled(javac, OF_LISTS)}:{JARS}/*"
    arguments = ["|".join(map(str, folders)), address, *types, str(believed), str(asked)]
    said = subprocess.run(
        [java, *_BRIEF, "-Xmx1g", "-cp", path, "Lists", *arguments],
        capture_output=True,
        check=True,
        timeout=3600,
    ).stdout.decode("utf-8")
    found = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return [one for one in found if "url" in one], [one for one in found if "file" in one]


def _compiled(javac: str, source: Path = SOURCE) -> Path:
    """The folder of a compiled judge, which is compiled once for each version of its source."""
    compiled = JARS.parent / f"judge-{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}"
    if not compiled.is_dir():
        with tempfile.TemporaryDirectory(dir=JARS.parent) as new:
            subprocess.run(
                [javac, "-cp", f"{JARS}/*", "-d", f"{new}/made", str(source)], check=True, timeout=120
            )
            with contextlib.suppress(OSError):  # another process was quicker
                Path(new, "made").rename(compiled)
    return compiled


def _line(case: Case) -> str:
    at = "" if case.at is None else f"{case.at:%Y-%m-%dT%H:%M:%SZ}"
    before, after = (case.anchors, case.detached), (case.lists, case.answers, case.certificates, case.records)
    return "\t".join(
        [
            str(case.file),
            *("|".join(map(str, one)) for one in before),
            at,
            *("|".join(map(str, one)) for one in after),
            "" if case.policy is None else str(case.policy),
        ]
    )
