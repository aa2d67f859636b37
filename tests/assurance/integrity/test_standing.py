"""How an installation stands: one look, what it is kept as, and whether services may start."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from integrity_testbed import Installation
from pydantic import ValidationError

from trustworks.assurance.integrity import standing as module
from trustworks.assurance.integrity.config import IntegritySettings
from trustworks.assurance.integrity.standing import (
    Standing,
    as_installation,
    check_may_start,
    event_of,
    examine,
    open_points,
)
from trustworks.assurance.model import InstallationState
from trustworks.core.audit.model import encode
from trustworks.core.errors import Refused, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def bed(tmp_path: Path) -> Installation:
    made = Installation(tmp_path)
    made.sign()
    return made


def settings(bed: Installation) -> IntegritySettings:
    return IntegritySettings.model_validate({"manifest": str(bed.manifest_file), "key": str(bed.public_file)})


def look(bed: Installation, *search: str) -> Standing:
    found = examine(settings(bed), [bed.place], search=search, now=AT)
    assert found is not None
    return found


def test_all_as_signed(bed: Installation) -> None:
    found = look(bed, str(bed.tree / "lib"))
    assert found.ok
    assert found.files == 5
    assert "5 files and links are as signed" in found.sentence
    assert open_points(found, lab=False) == ()


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-WRITABLE")
def test_what_others_may_change_keeps_services_from_starting(bed: Installation) -> None:
    (bed.tree / "lib").chmod(0o775)
    with pytest.raises(Refused, match=r"or may be changed by others: tree/lib \(writable\)\."):
        check_may_start(look(bed), lab=False, keys=True)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INSTALLATION")
def test_what_the_register_keeps_of_a_look_names_what_differs_and_not_what_to_do(bed: Installation) -> None:
    whole = as_installation(look(bed), AT)
    assert (whole.state, whole.at) == (InstallationState.INTACT, AT)
    assert len(whole.manifest) == 64
    bed.write("lib/evil.py", b"")
    differs = as_installation(look(bed), AT)
    assert differs.state is InstallationState.DIFFERS
    assert differs.found == "1 of what is installed is not as it was signed: tree/lib/evil.py (added)."
    problem = as_installation(Standing(at=AT.isoformat(), problem="The signature is of another key."), AT)
    assert problem.state is InstallationState.NOT_COMPARED
    assert "of another key" in problem.found
    assert as_installation(None, AT).state is InstallationState.UNSIGNED


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-START")
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("added", "tree/lib/evil.py (added)"),
        ("removed", "tree/lib/product/native.so (removed)"),
        ("changed", "tree/lib/product/rules.py (changed)"),
        ("bytecode", "tree/lib/evil.pyc (bytecode)"),
    ],
)
def test_services_with_keys_do_not_start_where_something_differs(
    bed: Installation, kind: str, words: str
) -> None:
    match kind:
        case "added":
            bed.write("lib/evil.py", b"")
        case "removed":
            (bed.tree / "lib/product/native.so").unlink()
        case "changed":
            bed.write("lib/product/rules.py", b"LIMIT = 2\n")
        case _:
            bed.write("lib/evil.pyc", b"")
    found = look(bed)
    with pytest.raises(Refused, match=r"The services do not start\. 1 of what is installed") as caught:
        check_may_start(found, lab=False, keys=True)
    assert words in str(caught.value)
    assert "trustworks integrity verify" in str(caught.value)
    assert open_points(found, lab=False) == (found.sentence,)
    check_may_start(found, lab=True, keys=True)
    check_may_start(found, lab=False, keys=False)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-START")
def test_they_do_not_start_without_a_manifest_or_with_one_that_is_not_signed(bed: Installation) -> None:
    assert examine(IntegritySettings(), [bed.place], search=()) is None
    with pytest.raises(Refused, match="No manifest of this installation is named"):
        check_may_start(None, lab=False, keys=True)
    check_may_start(None, lab=True, keys=True)
    assert "A laboratory may do without" in open_points(None, lab=True)[0]
    bed.manifest_file.write_bytes(bed.manifest_file.read_bytes().replace(b'"0111"', b'"0000"'))
    with pytest.raises(Refused, match=r"could not be compared with what was signed\. The entries"):
        check_may_start(look(bed), lab=False, keys=True)
    bed.manifest_file.unlink()
    with pytest.raises(Refused, match="cannot be read: No such file"):
        check_may_start(look(bed), lab=False, keys=True)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-IMPORTS")
def test_a_folder_beside_all_roots_that_modules_come_from_counts(bed: Installation, tmp_path: Path) -> None:
    found = look(bed, str(tmp_path))
    assert found.names == (f"{tmp_path} (path)",)


def test_of_many_names_some_are_told_and_the_rest_is_counted(bed: Installation) -> None:
    for number in range(60):
        bed.write(f"lib/evil{number:02}.py", b"")
    found = look(bed)
    assert found.kinds == (("added", 60),)
    assert len(found.names) == module.MOST_NAMES
    assert "evil09.py (added); and 50 more." in found.sentence
    assert "evil10.py" not in found.sentence


def test_a_standing_is_kept_for_the_other_processes(bed: Installation, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="It is not known"):
        module.read(tmp_path)
    bed.write("lib/evil.py", b"")
    found = look(bed)
    module.write(tmp_path, found)
    assert module.read(tmp_path) == found
    for broken in ("", "[]", "{}", json.dumps({"at": "x", "kinds": 1, "names": []})):
        (tmp_path / module.NAME).write_text(broken, "utf-8")
        with pytest.raises(Unavailable, match="Start the services anew"):
            module.read(tmp_path)
    module.write(tmp_path, None)
    assert not (tmp_path / module.NAME).exists()


def test_the_audit_log_is_told(bed: Installation) -> None:
    well = event_of(look(bed), actor="jobs")
    assert (well.type, well.outcome, well.time) == ("integrity.checked", "success", AT)
    assert well.detail["manifest"] == look(bed).manifest
    bed.write("lib/evil.py", b"")
    told = event_of(look(bed), actor="serve", refused=True)
    assert (told.type, told.outcome) == ("integrity.differs", "refused")
    assert (told.detail["differs"], told.detail["names"]) == ({"added": 1}, ["tree/lib/evil.py (added)"])
    bed.manifest_file.unlink()
    failed = event_of(look(bed), actor="jobs")
    assert failed.outcome == "failure"
    assert "cannot be read" in str(failed.detail["problem"])
    assert all(encode(one) for one in (well, told, failed))


def test_manifest_and_key_go_together() -> None:
    with pytest.raises(ValidationError, match="go together"):
        IntegritySettings.model_validate({"manifest": "m"})


def test_this_process_looks_at_where_it_imports_from(bed: Installation) -> None:
    found = look(bed, *sys.path)
    assert dict(found.kinds)["path"] > 0
