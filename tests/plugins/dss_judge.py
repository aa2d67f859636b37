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
SOURCES = tuple(ROOT / "tests" / "interop" / "dss" / one for one in ("Judge.java", "Lists.java"))
POLICY: Final = "http://dss.esig.europa.eu/validation/policy"


_BRIEF: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""For a run of seconds: to compile less, and to collect garbage in one thread, takes less time."""
_WHOLE: Final = ("TRUSTWORKS_AGREEMENT", "TRUSTWORKS_MATRIX", "TRUSTWORKS_WHOLE_CORPUS")
"""Where one of these is set (`nox -s interop`), all is judged that can be, and by all that EU DSS has."""
_UNASKED: Final = "-Dorg.bouncycastle.rsa.max_mr_tests=0"
"""Otherwise nothing asks of each RSA modulus, wherever it is met, whether it is a prime number.

That takes three quarters of the time, and says nothing of a signature.
"""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ListsToTrust:
    """Lists that are not the EU's: folders that have them under the last part of their address.

    `address` is that of the list of lists, `types` those of lists of lists and of lists, `believed` the
    certificate (DER) that signs it. Trusted is who is on the lists of the first folder.
    """

    folders: tuple[Path, ...]
    address: str
    types: tuple[str, str]
    believed: Path


def answers(cases: Sequence[Case], folder: Path, trusted: ListsToTrust | None = None) -> list[dict[str, Any]]:
    """What EU DSS says to each case, offline (Judge.java tells what an answer holds).

    Skips without it; see `judge`.
    """
    return judged(cases, folder, trusted)[1]


def judged(
    cases: Sequence[Case], folder: Path, trusted: ListsToTrust | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The same, after what EU DSS makes of the trusted lists (Lists.java tells what is in that)."""
    java, javac = judge()
    asked = folder / "cases.tsv"
    asked.write_text("".join(f"{_line(case)}\n" for case in cases), encoding="utf-8")
    arguments = [str(asked)]
    if trusted is not None:
        folders = "|".join(map(str, trusted.folders))
        arguments += [folders, trusted.address, *trusted.types, str(trusted.believed)]
    said = subprocess.run(
        [java, *_flags(), "-Xmx3g", "-cp", f"{_compiled(javac)}:{JARS}/*", "Judge", *arguments],
        capture_output=True,
        check=True,
        timeout=3600,
    ).stdout.decode("utf-8")
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    found = [one for one in lines if "file" in one]
    assert [one["file"] for one in found] == [str(case.file) for case in cases]
    return [one for one in lines if "url" in one], found


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


def _flags() -> tuple[str, ...]:
    return _BRIEF if any(name in os.environ for name in _WHOLE) else (*_BRIEF, _UNASKED)


def _compiled(javac: str) -> Path:
    """The folder of the compiled judge, which is compiled once for each version of its sources."""
    version = hashlib.sha256(b"".join(one.read_bytes() for one in SOURCES)).hexdigest()[:16]
    compiled = JARS.parent / f"judge-{version}"
    if not compiled.is_dir():
        with tempfile.TemporaryDirectory(dir=JARS.parent) as new:
            sources = map(str, SOURCES)
            subprocess.run(
                [javac, "-cp", f"{JARS}/*", "-d", f"{new}/made", *sources], check=True, timeout=600
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
