"""One laboratory for all end-to-end tests, and more of them for tests that break things."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from laboratory import Lab, query, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


HERE = Path(__file__).parent
ONE_WORKER = "workers = 1\n"


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process do what shares the laboratory, so that there is one of it."""
    for item in items:
        if item.path.is_relative_to(HERE) and "lab" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("laboratory"))


@pytest.fixture(scope="session")
def needed() -> None:
    for program in ("openssl", "curl"):
        if shutil.which(program) is None:
            pytest.skip(f"NOT TESTED, {program} is missing")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, needed: None) -> Iterator[Lab]:
    """The laboratory that tests share: they may use it, and kill its workers, and leave it well."""
    del needed
    one = Lab(tmp_path_factory.mktemp("shared") / "lab")
    one.start()
    until(one.well, what="that everything is well")
    yield one
    if one.process is not None:
        assert one.stop() == 0


@pytest.fixture
def make_lab(tmp_path: Path, needed: None) -> Iterator[Callable[[], Lab]]:
    """A function that gives a laboratory of the test's own, not yet made."""
    del needed
    made: list[Lab] = []

    def make() -> Lab:
        made.append(Lab(tmp_path / f"lab{len(made)}"))
        return made[-1]

    yield make
    for one in made:
        if one.process is not None:
            with suppress(ProcessLookupError):
                one.kill_everything()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, needed: None) -> Path:
    """The folder of a laboratory that was set up and is served by nobody; to be copied by `copy_of`."""
    del needed
    one = Lab(tmp_path_factory.mktemp("finished") / "lab")
    one.set_up()
    return one.folder


@pytest.fixture
def copied(finished: Path, make_lab: Callable[[], Lab]) -> Lab:
    """A laboratory of the test's own that is set up already."""
    one = make_lab()
    copy_files(finished, one)
    return one


def copy_files(finished: Path, one: Lab) -> None:
    """Make a laboratory out of the files of another, with tokens of its own, and one worker for plain HTTP.

    A test that is about several says so by `with_two_workers`.
    """
    shutil.copytree(finished, one.folder)
    conf = one.folder / "softhsm2.conf"
    conf.write_text(
        re.sub(r"tokendir = .*", f"tokendir = {one.folder / 'tokens'}", conf.read_text(encoding="utf-8")),
        encoding="utf-8",
    )
    text = one.config.read_text(encoding="utf-8")
    assert text.count("[http]\n") == 1
    one.config.write_text(text.replace("[http]\n", f"[http]\n{ONE_WORKER}"), encoding="utf-8")


@pytest.fixture
def with_two_workers(copied: Lab) -> Lab:
    """`copied` with as many workers for plain HTTP as a laboratory has."""
    text = copied.config.read_text(encoding="utf-8")
    copied.config.write_text(text.replace(ONE_WORKER, ""), encoding="utf-8")
    return copied


@pytest.fixture(scope="module")
def copied_for_all(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The same for all tests of a module."""
    one = Lab(tmp_path_factory.mktemp("copied") / "lab")
    copy_files(finished, one)
    yield one
    if one.process is not None:
        assert one.stop() == 0


@pytest.fixture
def request_der(tmp_path: Path) -> bytes:
    return query(tmp_path)
