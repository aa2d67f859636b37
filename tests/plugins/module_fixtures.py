"""Gives tests of one group, and tests that share a fixture of their module, to one process of pytest-xdist.

What is in no group is dealt out test by test: each process then makes a fixture of module scope anew, be it a
key pair or a laboratory that is up. Groups are dealt out in the order of collection, not the largest first:
the tests of the module have to come before all others (`module_first`).

pytest-xdist 3.8 writes the group into an attribute that pytest 9.2 no longer reads
(https://github.com/pytest-dev/pytest-xdist/issues/1386): no group had any effect, without a word. Here the
first process to have collected the tests writes the groups into a file, and the scheduler reads it.
"""

from __future__ import annotations

import json
import os
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadGroupScheduling

_FILE = pytest.StashKey[Path]()
_TOLD = "trustworks_groups"  # in what pytest-xdist hands to its processes


@pytest.hookimpl(tryfirst=True)  # whoever names a group is registered later, and so asked before
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put each test with a fixture of module scope in the group of its file, if it is in no group yet."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None and shares_with_its_module(item):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


def shares_with_its_module(item: pytest.Item) -> bool:
    """Whether a fixture that the test asks for, itself or through another, lives as long as its module."""
    if not isinstance(item, pytest.Function):
        return False
    known = item._fixtureinfo.name2fixturedefs
    return any(found[-1].scope == "module" for name, found in known.items() if name in item.fixturenames)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist tells that all is collected
def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell the scheduler the group of each test."""
    file = getattr(session.config, "workerinput", {}).get(_TOLD)
    if file is None:
        return
    marks = {item.nodeid: item.get_closest_marker("xdist_group") for item in session.items}
    groups = {name: mark.args[0] for name, mark in marks.items() if mark is not None}
    own = Path(f"{file}.{os.getpid()}")
    own.write_text(json.dumps(groups), encoding="utf-8")
    own.replace(file)  # all processes collect the same: whoever is last changes nothing


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of pytest-xdist where to write the groups."""
    config = node.config
    if _FILE not in config.stash:
        folder = tempfile.TemporaryDirectory()
        config.add_cleanup(folder.cleanup)
        config.stash[_FILE] = Path(folder.name, "groups.json")
    node.workerinput[_TOLD] = str(config.stash[_FILE])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadGroupScheduling | None:
    """Deal out tests by their groups, where `--dist loadgroup` asks for it."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling  # noqa: PLC0415 - it is there: it called

    class ByGroup(LoadGroupScheduling):  # type: ignore[misc] # xdist has no types
        @cached_property
        def _groups(self) -> dict[str, str]:
            found: dict[str, str] = json.loads(config.stash[_FILE].read_text(encoding="utf-8"))
            return found

        def _split_scope(self, nodeid: str) -> str:
            return self._groups.get(nodeid, nodeid)

    config.option.loadscopereorder = False
    return ByGroup(config, log)
