"""Compiled Python: what is signed of it, and the folder of the services."""

from __future__ import annotations

import importlib.util
import marshal
import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest
from integrity_testbed import Installation

from trustworks.assurance.integrity.bytecode import objection, own_bytecode
from trustworks.core.errors import Rejected, Unavailable


def compiled(source: Path, optimize: int = -1) -> Path:
    return Path(py_compile.compile(str(source), doraise=True, optimize=optimize) or "")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "limits.py"
    file.write_text(
        '"""Limits."""\n\nassert True\nNO_NUMBER = 1e400 - 1e400\n\n\n'
        "def limit(x: int = 1) -> int:\n    return x + 1\n",
        "utf-8",
    )
    return file


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-COMPILED")
@pytest.mark.parametrize("optimize", [0, 1, 2])
def test_what_a_source_compiles_to_may_be_signed(source: Path, optimize: int) -> None:
    assert objection(compiled(source, optimize)) is None


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-COMPILED")
def test_what_it_does_not_compile_to_may_not_whatever_its_header_says(source: Path) -> None:
    file = compiled(source)
    octets = file.read_bytes()
    forged = octets[:16] + marshal.dumps(
        compile("def limit(x: int = 1) -> int:\n    return 0\n", "x", "exec")
    )
    for content, words in (
        (forged, "is not what its source compiles to"),
        (octets[:-5], "cannot be read|is of no kind|is not what"),
        (octets[:16] + marshal.dumps("text"), "is of no kind"),
        (octets[:16], "cannot be read"),
        (b"\0\0\0\0" + octets[4:], "is of another version"),
        (b"", "is of another version"),
    ):
        file.write_bytes(content)
        found = objection(file)
        assert found is not None
        assert any(one in found for one in words.split("|")), found


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-COMPILED")
def test_what_has_no_source_may_not(source: Path) -> None:
    file = compiled(source)
    beside = file.rename(source.with_suffix(".pyc"))
    assert objection(beside) == "lies beside sources and needs none"
    beside.rename(file)
    source.unlink()
    assert objection(file) == "has no source"


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-COMPILED", "TRUSTWORKS:ASSURANCE-INTEGRITY-FIT")
def test_no_manifest_vouches_for_forged_bytecode(tmp_path: Path) -> None:
    bed = Installation(tmp_path)
    file = compiled(bed.tree / "lib/product/rules.py")
    bed.sign()
    file.write_bytes(file.read_bytes()[:16] + marshal.dumps(compile("LIMIT = 9\n", "x", "exec")))
    with pytest.raises(Rejected, match=r"rules.*pyc is not what its source compiles to"):
        bed.sign()


# The folder of the services


def forge(source: Path, text: str) -> None:
    """The bypass: a compiled file of another text whose header tells time and size of the source."""
    status = source.stat()
    data = bytearray(importlib.util.MAGIC_NUMBER + bytes(4))
    data += (int(status.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little")
    data += (status.st_size & 0xFFFFFFFF).to_bytes(4, "little")
    data += marshal.dumps(compile(text, str(source), "exec"))
    file = Path(importlib.util.cache_from_source(str(source)))
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)


def said(folder: Path, more: dict[str, str], *, module: str = "victim") -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, "-m", module],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(folder / "site"), **more},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-OWN-BYTECODE")
def test_a_forged_compiled_file_never_runs_in_a_service(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/victim.py").write_text("import limits\nprint(limits.LIMIT)\n", "utf-8")
    source = tmp_path / "site/limits.py"
    source.write_text("LIMIT = 1\n", "utf-8")
    forge(source, "LIMIT = 9\n")
    assert said(tmp_path, {}) == "9"  # the attack works
    assert said(tmp_path, {"PYTHONDONTWRITEBYTECODE": "1"}) == "9"  # and this does not end it
    own = own_bytecode(tmp_path / "own")
    assert said(tmp_path, own) == "1"
    assert said(tmp_path, own) == "1"  # by what the first run kept, too
    assert list((tmp_path / "own").rglob("*.pyc"))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-OWN-BYTECODE")
def test_the_working_folder_is_no_place_for_modules(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/victim.py").write_text("import colorsys\nprint(colorsys.__file__)\n", "utf-8")
    (tmp_path / "colorsys.py").write_text("", "utf-8")
    assert said(tmp_path, {}) == str(tmp_path / "colorsys.py")
    assert said(tmp_path, own_bytecode(tmp_path / "own")) != str(tmp_path / "colorsys.py")


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-OWN-BYTECODE")
def test_the_folder_begins_empty_and_for_this_account_alone(tmp_path: Path) -> None:
    own = tmp_path / "run/own"
    for before in ("nothing", "folder", "link", "file"):
        if before == "folder":
            (own / "deep").mkdir()
            (own / "deep/old.pyc").write_bytes(b"")
            own.chmod(0o777)
        elif before != "nothing":
            own.rmdir()
            (own.symlink_to(tmp_path) if before == "link" else own.write_bytes(b""))
        found = own_bytecode(own)
        assert found == {"PYTHONPYCACHEPREFIX": str(own), "PYTHONSAFEPATH": "1"}
        assert (list(own.iterdir()), own.stat().st_mode & 0o777, own.is_symlink()) == ([], 0o700, False)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="must belong to the account that serves"):
        own_bytecode(tmp_path / "file/own")
