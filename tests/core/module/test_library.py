"""Finding the library, starting it once, one start at a time, and never in a forked child."""

from __future__ import annotations

import _ctypes  # a shared object that every Python has, and that is no PKCS#11 library
import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Unavailable
from trustworks.core.module import KeyAlgorithm, Module, ModuleSettings, Pkcs11Uri, find_library
from trustworks.core.module import library as libraries
from trustworks.core.module.constants import mechanism_name, rv_name

if TYPE_CHECKING:
    from collections.abc import Callable


# Finding


def test_a_configured_library_that_is_absent_is_not_replaced_by_another(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"\[module\] library names .*none.so") as caught:
        find_library(tmp_path / "none.so")
    assert caught.value.code == "module.library-absent"


def test_the_environment_names_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = tmp_path / "module.so"
    monkeypatch.setenv(libraries.ENVIRONMENT, str(library))
    with pytest.raises(Unavailable, match=libraries.ENVIRONMENT):
        find_library()
    library.touch()
    assert find_library() == library
    other = tmp_path / "configured.so"
    other.touch()
    assert find_library(other) == other


def test_known_places_are_tried_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(libraries.ENVIRONMENT, raising=False)
    places = [tmp_path / name for name in ("debian.so", "fedora.so", "macos.so")]
    monkeypatch.setattr(libraries, "KNOWN_PLACES", tuple(places))
    with pytest.raises(Unavailable, match="apt install softhsm2") as caught:
        find_library()
    assert caught.value.code == "module.library-absent"
    places[2].touch()
    assert find_library() == places[2]
    places[1].touch()
    assert find_library() == places[1]


@pytest.mark.parametrize("system", ["/usr/lib/softhsm/", "/usr/lib64/pkcs11/", "/opt/homebrew/lib/softhsm/"])
def test_debian_and_alpine_fedora_and_macos_are_known(system: str) -> None:
    assert any(str(place).startswith(system) for place in libraries.KNOWN_PLACES)


def test_a_file_that_is_no_library_is_a_sentence(tmp_path: Path) -> None:
    library = tmp_path / "module.so"
    library.write_text("not a library", encoding="utf-8")
    with pytest.raises(Unavailable, match="cannot be loaded") as caught:
        libraries.load(libraries.Setup(path=library))
    assert caught.value.code == "module.library"
    with pytest.raises(Unavailable, match="no PKCS#11 library at") as caught:
        libraries.load(libraries.Setup(path=tmp_path / "none.so"))
    assert caught.value.code == "module.library-absent"


def test_a_library_of_another_kind_is_a_sentence() -> None:
    with pytest.raises(Unavailable, match="cannot be loaded") as caught:
        libraries.load(libraries.Setup(path=Path(_ctypes.__file__)))
    assert caught.value.code == "module.library"


def test_the_uri_s_module_name_must_be_that_of_the_library(softhsm: Path) -> None:
    for name in ("libsofthsm2", "softhsm2"):
        found = libraries.make_setup(library=softhsm, uri=Pkcs11Uri(module_name=name))
        assert found.path == softhsm
    with pytest.raises(Unavailable, match="opensc-pkcs11") as caught:
        libraries.make_setup(library=softhsm, uri=Pkcs11Uri(module_name="opensc-pkcs11"))
    assert caught.value.code == "module.library-absent"


def test_relative_files_are_meant_from_the_configuration_s_folder(tmp_path: Path) -> None:
    (tmp_path / "module.so").touch()
    settings = ModuleSettings.model_validate(
        {"library": "module.so", "softhsm2-conf": "softhsm2.conf", "lock-file": "run/module.lock"}
    )
    found = libraries.make_setup(settings, base=tmp_path)
    assert found.path == tmp_path / "module.so"
    assert found.configuration == str(tmp_path / "softhsm2.conf")
    assert found.lock_path == tmp_path / "run" / "module.lock"


# Starting


def run(script: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_configuration_that_is_absent_is_a_sentence(softhsm: Path, tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from trustworks.core.errors import Unavailable
from trustworks.core.module import ModuleSettings, initialise_token
try:
    initialise_token(Path(sys.argv[1]), label="t", so_pin="Qw3-zz98-aa", user_pin="Rt5-yy76-bb")
except Unavailable as error:
    print(error.code, error)
"""
    found = run(script, softhsm, SOFTHSM2_CONF=str(tmp_path / "none.conf"))
    assert "module.lock" in found.stdout
    assert "none.conf" in found.stdout
    configuration = tmp_path / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tmp_path / 'none'}\n", encoding="utf-8")
    found = run(script, softhsm, SOFTHSM2_CONF=str(configuration))
    assert found.stdout.startswith("module.library ")
    assert "Check SOFTHSM2_CONF" in found.stdout


def test_one_process_uses_one_configuration_at_a_time_and_can_change_it(
    softhsm: Path, token: Pkcs11Uri, tmp_path: Path
) -> None:
    from trustworks.core.module import initialise_token  # noqa: PLC0415

    before = os.environ["SOFTHSM2_CONF"]
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(
        f"directories.tokendir = {tmp_path / 'tokens'}\n", encoding="utf-8"
    )
    (tmp_path / "elsewhere.pin").touch(0o600)
    (tmp_path / "elsewhere.pin").write_text("Rt5-yy76-bb", encoding="ascii")
    settings = ModuleSettings.model_validate({"library": softhsm, "softhsm2-conf": "softhsm2.conf"})
    uri = Pkcs11Uri(token="elsewhere", pin_source="file:elsewhere.pin")
    with (
        Module.open(token, library=softhsm),
        pytest.raises(Unavailable, match="one process can use") as caught,
    ):
        Module.open(uri, settings=settings, base=tmp_path)
    assert caught.value.code == "module.library"
    initialise_token(
        settings=settings, base=tmp_path, label="elsewhere", so_pin="Qw3-zz98-aa", user_pin="Rt5-yy76-bb"
    )
    with Module.open(uri, settings=settings, base=tmp_path) as module:
        assert module.keys() == []
    assert os.environ["SOFTHSM2_CONF"] == before
    with Module.open(token, library=softhsm) as module:
        assert module.uri.token == token.token


@pytest.mark.req("TRUSTWORKS:MODULE-START-LOCK")
def test_one_start_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "LOCK_PATIENCE", 0.05)
    setup = libraries.Setup(path=tmp_path / "x.so", lock_file=tmp_path / "module.lock")
    with libraries.start_lock(setup), (tmp_path / "module.lock").open("rb") as file:
        assert (tmp_path / "module.lock").stat().st_mode & 0o777 == 0o600
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with libraries.start_lock(setup):
            pass  # the thread that holds it may enter again
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (tmp_path / "module.lock").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Unavailable, match="fuser") as caught, libraries.start_lock(setup):
            pass
    assert caught.value.code == "module.lock"
    with libraries.start_lock(setup):
        pass


@pytest.mark.req("TRUSTWORKS:MODULE-START-LOCK")
def test_everything_that_changes_a_token_or_meets_a_login_is_under_the_lock(
    softhsm: Path, token: Pkcs11Uri, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trustworks.core.module import initialise_token  # noqa: PLC0415

    monkeypatch.setattr(libraries, "LOCK_PATIENCE", 0.05)
    with Module.open(token, library=softhsm, read_write=True) as module:
        key = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
        with module.connection.setup.lock_path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            attempts: list[Callable[[], object]] = [
                lambda: Module.open(token, library=softhsm),
                lambda: module.generate_key_pair(label="new", algorithm=KeyAlgorithm.P256),
                lambda: module.destroy(key),
                lambda: module.connection.reopen(module.connection.generation),
                module.info,  # reads what a login writes
                lambda: initialise_token(softhsm, label="n", so_pin="Qw3-zz98-aa", user_pin="Rt5-yy76-bb"),
            ]
            for attempt in attempts:
                with pytest.raises(Unavailable) as caught:
                    attempt()
                assert caught.value.code == "module.lock"
            assert key.sign(b"signing needs no lock")
        assert [found.label for found in module.keys()] == ["k"]  # noqa: SIM118 - no dictionary


@pytest.mark.req("TRUSTWORKS:MODULE-START-LOCK")
def test_a_lock_that_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    setup = libraries.Setup(path=tmp_path / "x.so", lock_file=tmp_path / "none" / "module.lock")
    with pytest.raises(Unavailable, match="cannot be opened") as caught, libraries.start_lock(setup):
        pass
    assert caught.value.code == "module.lock"


def test_threads_wait_for_one_another_s_start(softhsm: Path, token: Pkcs11Uri) -> None:
    errors: list[BaseException] = []

    def opens() -> None:
        try:
            for _ in range(5):
                with Module.open(token, library=softhsm) as module:
                    module.random(8)
        except BaseException as error:  # noqa: BLE001 - the test reports whatever it was
            errors.append(error)

    threads = [threading.Thread(target=opens) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


# Forking

FORKING = """
import os, sys
from pathlib import Path
from trustworks.core.errors import Unavailable
from trustworks.core.module import Module, Pkcs11Uri
library, uri = Path(sys.argv[1]), Pkcs11Uri.parse(sys.argv[2])
module = Module.open(uri, library=library)
key = module.key(label="k")
assert key.sign(b"parent")
child = os.fork()
if child == 0:
    codes = []
    for attempt in (
        lambda: key.sign(b"child"),
        lambda: module.random(8),
        lambda: module.key(label="k"),
        lambda: module.connection.reopen(0),
        lambda: Module.open(uri, library=library),
    ):
        try:
            attempt()
            codes.append("allowed")
        except Unavailable as error:
            codes.append(error.code)
    module.close()
    print(*codes, flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert key.sign(b"the parent goes on")
print("parent ok")
"""


@pytest.mark.req("TRUSTWORKS:MODULE-FORK")
def test_a_forked_child_is_refused_and_the_parent_goes_on(softhsm: Path, token: Pkcs11Uri) -> None:
    with Module.open(token, library=softhsm, read_write=True) as module:
        module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    found = run(FORKING, softhsm, token)
    assert found.returncode == 0, found.stderr
    child, parent = found.stdout.splitlines()
    assert child.split() == ["module.forked"] * 5
    assert parent == "parent ok"


@pytest.mark.req("TRUSTWORKS:MODULE-FORK")
def test_the_rule_on_forks() -> None:
    libraries.check_not_forked(7, 7)
    with pytest.raises(Unavailable, match="spawn") as caught:
        libraries.check_not_forked(7, 8)
    assert caught.value.code == "module.forked"


def test_numbers_have_names() -> None:
    assert rv_name(0xA0) == "CKR_PIN_INCORRECT"
    assert rv_name(0x80000001) == "CKR 0x80000001"
    assert mechanism_name(0x1041) == "CKM_ECDSA"
    assert mechanism_name(0x80000001) == "0x80000001"
