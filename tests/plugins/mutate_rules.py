"""The mutation check: disables one rule after another, and expects a test that carries its id to fail.

    pytest --mutate-rules

The tests are collected once. Then each rule gets a forked process of its own, in which its code is replaced
by ``return <disabled>``, and in which the tests that carry the rule's ids run, the quick ones first, until
one fails. A rule whose tests all pass is a survivor: nothing would notice if it were gone. A test that fails
is run again with the rule in force, and counts only if it passes then.

What a rule answers when it objects to nothing is said by ``@implements(..., disabled=VALUE)`` (called when it
can be called), else by its return annotation: an empty tuple for findings, True for a predicate, else None.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import shutil
import signal
import sys
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings

from trustworks.assurance.traceability.places import find_places
from trustworks.assurance.traceability.results import load_results
from trustworks.assurance.traceability.scan import Mark, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FunctionType

SECONDS_PER_RULE = 120.0
# Exit codes of the forked process.
KILLED, SURVIVED, UNTESTED, BROKEN = 0, 10, 11, 12
WORDS = {SURVIVED: "SURVIVED", UNTESTED: "HAS NO TEST", BROKEN: "BROKE THE CHECK"}
EMPTY: dict[str, Any] = {
    "tuple": (),
    "list": [],
    "Sequence": (),
    "Iterable": (),
    "Iterator": (),
    "dict": {},
    "Mapping": {},
    "frozenset": frozenset(),
    "set": set(),
    "bool": True,
    "str": "",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mutation of rules")
    group.addoption(
        "--mutate-rules", action="store_true", help="Disable each rule in turn; its test must fail."
    )
    group.addoption(
        "--mutate-only", default="", help="Only rules whose place, name or id contains this text."
    )
    group.addoption("--mutate-processes", type=int, default=os.cpu_count() or 1, help="How many at a time.")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--mutate-rules"):
        settings.register_profile(
            "mutation", settings.default, database=None, phases=[Phase.explicit, Phase.generate]
        )
        settings.load_profile("mutation")
        results = config.pluginmanager.get_plugin("requirement-results")
        if results is not None:  # a result of a disabled rule is nobody's last result
            config.pluginmanager.unregister(results)


def rule_of(mark: Mark) -> tuple[FunctionType, Any]:
    """The function that `mark` names, and what it answers when it objects to nothing."""
    parts = Path(mark.file).with_suffix("").parts
    module = importlib.import_module(".".join(parts[1:] if parts[0] == "src" else parts))
    found: Any = module
    for name in mark.name.split("."):
        found = inspect.getattr_static(found, name)
    if isinstance(found, property):
        found = found.fget
    function: Any = inspect.unwrap(getattr(found, "__func__", found))
    return function, _disabled(function, module)


def _disabled(function: FunctionType, module: Any) -> Any:
    tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(function)))
    node = tree.body[0]
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        raise TypeError(f"{function.__qualname__} is no function")
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call):
            for keyword in decorator.keywords:
                if keyword.arg == "disabled":
                    value = eval(ast.unparse(keyword.value), vars(module))  # noqa: S307 - our own source
                    return value() if callable(value) else value
    returns = node.returns
    if isinstance(returns, ast.Subscript):
        returns = returns.value
    return EMPTY.get(returns.id) if isinstance(returns, ast.Name) else None


def disable(function: FunctionType, answer: Any) -> CodeType:
    """Make `function` take anything and answer `answer`; returns its code before."""
    before = function.__code__

    def disabled(*_arguments: Any, **_named: Any) -> Any:
        return "the answer"

    code: CodeType = disabled.__code__
    constants = tuple(answer if one == "the answer" else one for one in code.co_consts)
    function.__code__ = code.replace(co_consts=constants, co_freevars=before.co_freevars)
    return before


@dataclass(slots=True, kw_only=True)
class _Run:
    """One forked process."""

    mark: Mark
    started: float
    basetemp: Path


class _Mutation:
    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        places = find_places()
        wanted = str(session.config.getoption("--mutate-only"))
        self._rules = [
            mark
            for mark in scan(places.code, places.root).rules
            if wanted in " ".join((mark.place, mark.name, *mark.ids))
        ]
        self._seconds = {
            node: result.seconds for node, result in load_results(places.results or Path("none")).items()
        }
        self._write: Callable[[str], None] = session.config.get_terminal_writer().line
        factory: Any = session.config._tmp_path_factory  # type: ignore[attr-defined]
        self._temporary = Path(factory.getbasetemp())
        self._survivors: list[str] = []

    def run(self) -> bool:
        began = time.monotonic()
        waiting = list(enumerate(self._rules))[::-1]
        running: dict[int, _Run] = {}
        while waiting or running:
            while waiting and len(running) < self._session.config.getoption("--mutate-processes"):
                number, mark = waiting.pop()
                folder = self._temporary / f"r{number}"
                running[self._fork(mark, folder)] = _Run(mark=mark, started=time.monotonic(), basetemp=folder)
            self._collect(running)
        seconds = time.monotonic() - began
        self._write("")
        for survivor in self._survivors:
            self._write(survivor)
        self._write(
            f"{len(self._rules)} rules disabled in turn, {len(self._survivors)} not noticed by any test, "
            f"{seconds:.0f} s."
        )
        return not self._survivors

    def _fork(self, mark: Mark, folder: Path) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            process = os.fork()
        if process:
            return process
        code = BROKEN
        try:
            os.setsid()
            silence = os.open(os.devnull, os.O_WRONLY)
            error = os.dup(2)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            try:
                code = self._child(mark, folder)
            except BaseException as problem:  # noqa: BLE001 - told to the parent, whatever it is
                os.write(error, f"{mark.place}: {problem!r}\n".encode())
        finally:
            os._exit(code)

    def _child(self, mark: Mark, folder: Path) -> int:
        folder.mkdir(mode=0o700)
        factory: Any = self._session.config._tmp_path_factory  # type: ignore[attr-defined]
        factory._basetemp = folder
        items = sorted(self._items(mark), key=self._cost)
        if not items:
            return UNTESTED
        function, answer = rule_of(mark)
        setup: Any = self._session._setupstate
        code = SURVIVED
        for item, after in zip(items, [*items[1:], None], strict=True):
            before = disable(function, answer)
            noticed = _fails(item, after)
            function.__code__ = before
            if noticed:
                with suppress(BaseException):
                    setup.teardown_exact(None)
                if not _fails(item, None):  # it is the rule that the test misses, nothing else
                    code = KILLED
                    break
        with suppress(BaseException):
            setup.teardown_exact(None)
        return code

    def _items(self, mark: Mark) -> Iterator[pytest.Item]:
        for item in self._session.items:
            if any(identifier in mark.ids for one in item.iter_markers("req") for identifier in one.args):
                yield item

    def _cost(self, item: pytest.Item) -> float:
        known = self._seconds.get(item.nodeid.partition("[")[0], 0.5)
        slow = any(item.get_closest_marker(name) for name in ("crash", "e2e", "interop", "postgresql"))
        return known + (100.0 if slow else 0.0)

    def _collect(self, running: dict[int, _Run]) -> None:
        """Wait for the next process to end; one that takes too long counts as noticed: the tests hang."""
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process in running:
                break
            now = time.monotonic()
            for one, run in running.items():
                if now - run.started > SECONDS_PER_RULE:
                    with suppress(ProcessLookupError):
                        os.killpg(one, signal.SIGKILL)
            time.sleep(0.005)
        run = running.pop(process)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process, signal.SIGKILL)  # servers that the disabled rule left behind
        shutil.rmtree(run.basetemp, ignore_errors=True)
        code = os.waitstatus_to_exitcode(status)
        took = time.monotonic() - run.started
        word = WORDS.get(code, "noticed" if code == KILLED else "noticed (the test run died or hung)")
        line = f"{word:<9} {took:6.1f} s  {run.mark.place} {run.mark.name} {' '.join(run.mark.ids)}"
        if code in WORDS:
            self._survivors.append(line)
        self._write(line)


def _fails(item: pytest.Item, after: pytest.Item | None) -> bool:
    from _pytest.runner import runtestprotocol  # noqa: PLC0415 - pytest has no public way to run one item

    item._initrequest()  # type: ignore[attr-defined]
    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=after))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    if not session.config.getoption("--mutate-rules"):
        return None
    if session.testsfailed:
        raise session.Interrupted(f"{session.testsfailed} error(s) during collection")
    session.testsfailed = 0 if _Mutation(session).run() else 1
    return True
