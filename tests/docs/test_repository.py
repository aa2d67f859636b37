"""What must hold of the repository as a whole: links, words, rooms, documents that belong together."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
FORBIDDEN = {
    "a path of somebody's machine": re.compile(r"(?<![\w.])/(?:home|Users|root)/[A-Za-z0-9.]"),
    "a private key": re.compile(r"-----BEGIN (?:RSA |EC |ENCRYPTED |OPENSSH )?PRIVATE KEY-----\n"),
    "unfinished work": re.compile(r"(?:#|//|<!--).*\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b"),
}
SAYS_TOO_MUCH = re.compile(
    r"(?i)\btrustworks (?:\w+ )?is (?:a )?(?:certified|compliant|conformant|qualified)\b|\bfully compliant\b"
)
SERVICES = ("issuance", "timestamping", "validation", "signing", "preservation", "edelivery")
ROOMS = {
    *("README.md", "__init__.py", "model.py", "model", "wire.py", "rules.py", "rules"),
    *("records.py", "records", "service.py", "http.py", "cli.py", "cli", "http", "config", "config.py"),
}
# What a service has beyond those is said here, by service, in the first column of a table.
OWN_ROOMS = ROOT / "docs" / "adr" / "0014-rooms-of-a-service.md"


@cache
def tracked() -> tuple[Path, ...]:
    """All files that are or would be committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("NOT TESTED: this is no git checkout, so the files of the repository are not known")
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return tuple(path for path in (ROOT / name for name in names) if path.is_file())


def texts(*endings: str) -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        if path.name == "uv.lock" or (endings and path.suffix not in endings):
            continue
        try:
            found.append((path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def test_every_relative_link_leads_somewhere() -> None:
    dead = [
        f"{name}: {target}"
        for name, text in texts(".md")
        for target in LINK.findall(FENCE.sub("", text))
        if not target.startswith(("http://", "https://", "mailto:", "#"))
        and not (ROOT / name).parent.joinpath(unquote(target.partition("#")[0])).exists()
    ]
    assert dead == []


def test_every_page_is_in_the_documentation() -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert {page for page in pages if not re.search(rf"^{page}$", index, re.MULTILINE)} == set()
    decisions = {path.stem for path in (ROOT / "docs" / "adr").glob("0*.md")}
    listed = (ROOT / "docs" / "adr" / "index.md").read_text(encoding="utf-8")
    assert {one for one in decisions if one not in listed} == set()


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_forbidden_stands_in_the_repository(what: str) -> None:
    found = [
        f"{name}:{text[: match.start()].count(chr(10)) + 1}: {match.group()}"
        for name, text in texts()
        for match in FORBIDDEN[what].finditer(text)
    ]
    assert found == []


def test_nothing_claims_what_only_an_assessment_can_say() -> None:
    found = [
        f"{name}: {match.group()}"
        for name, text in texts(".md", ".html", ".py", ".toml")
        for match in SAYS_TOO_MUCH.finditer(text)
        if name != Path(__file__).relative_to(ROOT).as_posix()
    ]
    assert found == []


def test_no_module_is_a_store_room() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked() if path.suffix == ".py"]
    assert [name for name in names if re.search(r"(?:helpers?|utils?|misc|common)\.py$", name)] == []


def own_rooms(part: str) -> set[str]:
    """What the table of that part lists in its first column."""
    table = OWN_ROOMS.read_text(encoding="utf-8").partition(f"| {part} |")[2].partition("\n\n")[0]
    return {
        name.rstrip("/")
        for row in table.splitlines()
        for name in re.findall(r"`([^`]+)`", row.removeprefix("|").partition("|")[0])
    }


@pytest.mark.parametrize("part", ["app", "core"])
def test_a_part_has_the_rooms_that_are_listed(part: str) -> None:
    rooms = {path.name for path in (ROOT / "src/trustworks" / part).iterdir()}
    assert rooms - {"__init__.py", "__pycache__"} == own_rooms(part)


@pytest.mark.parametrize(
    "service", [name for name in (*SERVICES, "assurance") if (ROOT / "src/trustworks" / name).is_dir()]
)
def test_a_service_has_only_the_rooms_of_the_house(service: str) -> None:
    folder = ROOT / "src/trustworks" / service
    rooms = {path.name for path in folder.iterdir() if path.name != "__pycache__"}
    assert rooms - ROOMS == own_rooms(service)
    readme = folder / "README.md"
    assert readme.is_file()
    assert "Life of a" in readme.read_text(encoding="utf-8")


def test_every_service_obeys_the_import_rules() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    inside = next(one for one in contracts if one["name"] == "inside a service")
    present = {f"trustworks.{name}" for name in SERVICES if (ROOT / "src/trustworks" / name).is_dir()}
    assert set(inside["containers"]) == present


def test_every_vector_tells_its_origin() -> None:
    vectors = ROOT / "tests" / "vectors"
    if not vectors.is_dir():
        return
    sources = (vectors / "SOURCES.md").read_text(encoding="utf-8")
    assert [
        folder.name for folder in vectors.iterdir() if folder.is_dir() and folder.name not in sources
    ] == []


def test_the_bootstrap_installs_the_locked_uv() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    uv = next(one for one in lock["package"] if one["name"] == "uv")
    bootstrap = (ROOT / "tools" / "uv.txt").read_text(encoding="utf-8")
    assert f"uv=={uv['version']} " in bootstrap
    assert set(re.findall(r"sha256:[0-9a-f]{64}", bootstrap)) == {
        one["hash"] for one in (uv["sdist"], *uv["wheels"])
    }
