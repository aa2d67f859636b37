"""The mutation check: disables one rule after another, and expects a test that carries its id to fail.

    pytest --mutate-rules

The tests are collected once. Then each rule gets a forked process of its own, in which its code is replaced
by ``return <disabled>``, and in which the tests that carry the rule's ids run, the quick ones first, until
one fails. A rule whose tests all pass is a survivor: nothing would notice if it were gone. A test that fails
is run again with the rule in force, and counts only if it passes then.

What a rule answers when it objects to nothing is said by ``@implements(..., disabled=...)``: a value; or
something that takes nothing and makes one (``list``); or a function that takes what the rule takes, and does
what would be done without the requirement. A function whose first argument is called `rule` gets the rule
itself there. Without `disabled` the return annotation must allow for an answer that says nothing: None, or an
empty tuple where one of any length is declared. Everything else is an error: where a rule answers what its
callers cannot use, any test that passes through it fails, and shows nothing.

A rule whose tests hang, or whose process dies, is an error as well: nobody knows what they would have said.
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
import types
import warnings
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings

from trustworks.assurance.traceability.places import find_places
from trustworks.assurance.traceability.results import load_results
from trustworks.assurance.traceability.scan import Mark, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType, FunctionType

    from trustworks.assurance.traceability.results import Result

# Exit codes of the forked process, and what becomes of one that has none.
KILLED, SURVIVED, UNTESTED, BROKEN, UNDECLARED, HUNG, DIED = 0, 10, 11, 12, 13, 14, 15
WORDS = {
    KILLED: "noticed",
    SURVIVED: "SURVIVED",
    UNTESTED: "HAS NO TEST",
    BROKEN: "BROKE THE CHECK",
    UNDECLARED: "UNDECLARED",
    HUNG: "HUNG",
    DIED: "DIED",
}


class UndeclaredError(Exception):
    """Nobody says what a rule answers when it is disabled, and its annotation allows for nothing."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """What is done in a rule's place; what is wrong with the stand-in itself is noted in `faults`."""

    act: Callable[..., Any]
    wants_rule: bool
    faults: list[Exception] = field(default_factory=list)

    def instead_of(self, rule: FunctionType) -> Callable[..., Any]:
        """The function that takes the place of `rule`."""
        act = partial(self.act, rule) if self.wants_rule else self.act

        def instead(*given: Any, **named: Any) -> Any:
            try:
                return act(*given, **named)
            except (NameError, AttributeError, TypeError) as fault:
                self.faults.append(fault)
                raise

        return instead


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mutation of rules")
    group.addoption(
        "--mutate-rules", action="store_true", help="Disable each rule in turn; its test must fail."
    )
    group.addoption(
        "--mutate-only", default="", help="Only rules whose place, name or id contains this text."
    )
    group.addoption(
        "--mutate-seconds", type=float, default=120.0, help="How long the tests of a rule may run."
    )
    group.addoption("--mutate-processes", type=int, default=os.cpu_count() or 1, help="How many at a time.")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--mutate-rules"):
        settings.register_profile(
            "mutation", settings.default, database=None, phases=[Phase.explicit, Phase.generate]
        )
        settings.load_profile("mutation")
        # Nobody reads why a test failed. To find the source lines takes longer than most tests: inspect looks
        # at every module that there is.
        config.option.tbstyle = "no"
        results = config.pluginmanager.get_plugin("requirement-results")
        if results is not None:  # a result of a disabled rule is nobody's last result
            config.pluginmanager.unregister(results)


def rule_of(mark: Mark) -> tuple[FunctionType, Any]:
    """The function that `mark` names, and what it answers when it objects to nothing, or its `StandIn`.

    Raises:
        UndeclaredError: nobody says what it answers.
    """
    parts = Path(mark.file).with_suffix("").parts
    module = importlib.import_module(".".join(parts[1:] if parts[0] == "src" else parts))
    found: Any = module
    for name in mark.name.split("."):
        found = inspect.getattr_static(found, name)
    if isinstance(found, property):
        found = found.fget
    function: Any = inspect.unwrap(getattr(found, "__func__", found))
    return function, answer_of(inspect.getsource(function), vars(module))


def answer_of(source: str, names: dict[str, Any]) -> Any:
    """What the rule in `source` answers when it objects to nothing; `names` are those of its module."""
    node = ast.parse(inspect.cleandoc("\n" + source)).body[0]
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        raise TypeError(f"this is no function: {source}")
    given = [
        keyword.value
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        for keyword in decorator.keywords
        if keyword.arg == "disabled"
    ]
    value = eval(ast.unparse(given[0]), names) if given else None  # noqa: S307 - our own source
    if isinstance(value, types.FunctionType) and (wanted := list(inspect.signature(value).parameters)):
        return StandIn(value, wants_rule=wanted[0] == "rule")
    if isinstance(node, ast.AsyncFunctionDef):
        raise UndeclaredError("it is awaited; give `disabled` a function that answers something to await")
    if callable(value):
        value = value()
    if value is not None or _allows_none(node.returns):
        return value
    if not given and _is_tuple_of_any_length(node.returns):
        return ()
    returns = "nothing that is declared" if node.returns is None else ast.unparse(node.returns)
    raise UndeclaredError(f"it answers {returns}; say by `disabled` what it answers to allow all")


def _allows_none(returns: ast.expr | None) -> bool:
    match returns:
        case ast.Constant(value=None):
            return True
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _allows_none(left) or _allows_none(right)
    return False


def _is_tuple_of_any_length(returns: ast.expr | None) -> bool:
    match returns:
        case ast.Subscript(value=ast.Name("tuple"), slice=ast.Tuple([_, ast.Constant(value=end)])):
            return end is ...
    return False


def disable(function: Any, answer: Any) -> CodeType:
    """Make `function` take anything and answer `answer`, or do as a `StandIn` does; its code before."""
    before: CodeType = function.__code__

    def disabled(*_arguments: Any, **_named: Any) -> Any:
        return "the answer"

    def replaced(*arguments: Any, **named: Any) -> Any:
        instead: Any = "the answer"
        return instead(*arguments, **named)

    code: CodeType = disabled.__code__
    if isinstance(answer, StandIn):
        code = replaced.__code__
        rule = types.FunctionType(
            before, function.__globals__, function.__name__, function.__defaults__, function.__closure__
        )
        rule.__kwdefaults__ = function.__kwdefaults__
        answer = answer.instead_of(rule)
    constants = tuple(answer if one == "the answer" else one for one in code.co_consts)
    function.__code__ = code.replace(co_consts=constants, co_freevars=before.co_freevars)
    return before


@dataclass(slots=True, kw_only=True)
class _Run:
    """One forked process."""

    mark: Mark
    started: float
    basetemp: Path
    hung: bool = False


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
        self._tests = self._costs(load_results(places.results or Path("none")))
        self._limit: float = session.config.getoption("--mutate-seconds")
        self._write: Callable[[str], None] = session.config.get_terminal_writer().line
        factory: Any = session.config._tmp_path_factory  # type: ignore[attr-defined]
        self._temporary = Path(factory.getbasetemp())
        self._wrong: list[str] = []

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
        for line in self._wrong:
            self._write(line)
        self._write(
            f"{len(self._rules)} rules disabled in turn, {len(self._wrong)} not noticed by any test, "
            f"{seconds:.0f} s."
        )
        return not self._wrong

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
                code = self._child(mark, folder, error)
            except BaseException as problem:  # noqa: BLE001 - told to the parent, whatever it is
                os.write(error, f"{mark.place}: {problem!r}\n".encode())
        finally:
            os._exit(code)

    def _child(self, mark: Mark, folder: Path, error: int) -> int:
        folder.mkdir(mode=0o700)
        factory: Any = self._session.config._tmp_path_factory  # type: ignore[attr-defined]
        factory._basetemp = folder
        costs = {item: cost for one in mark.ids for item, cost in self._tests.get(one, {}).items()}
        items = sorted(costs, key=costs.__getitem__)
        if not items:
            return UNTESTED
        try:
            function, answer = rule_of(mark)
        except UndeclaredError as problem:
            os.write(error, f"{mark.place} {mark.name}: {problem}.\n".encode())
            return UNDECLARED
        setup: Any = self._session._setupstate
        code = SURVIVED
        for item, after in zip(items, [*items[1:], None], strict=True):
            before = disable(function, answer)
            noticed = _fails(item, after)
            function.__code__ = before
            if isinstance(answer, StandIn) and answer.faults:
                os.write(error, f"{mark.place} {mark.name}: its stand-in: {answer.faults[0]!r}\n".encode())
                code = BROKEN
                break
            if noticed:
                with suppress(BaseException):
                    setup.teardown_exact(None)
                if not _fails(item, None):  # it is the rule that the test misses, nothing else
                    code = KILLED
                    break
        with suppress(BaseException):
            setup.teardown_exact(None)
        return code

    def _costs(self, results: Mapping[str, Result]) -> dict[str, dict[pytest.Item, float]]:
        """For each requirement of a rule its tests, and about how many seconds each takes.

        They are sought once, and not by every process: one that goes through all tests writes to the memory
        of each, and so gets a copy of most of what it shares with this one.
        """
        wanted = {identifier for mark in self._rules for identifier in mark.ids}
        sets = Counter(_function(item) for item in self._session.items)
        found: dict[str, dict[pytest.Item, float]] = defaultdict(dict)
        for item in self._session.items:
            ids = {identifier for mark in item.iter_markers("req") for identifier in mark.args} & wanted
            if not ids:
                continue
            name = _function(item)
            slow = any(item.get_closest_marker(mark) for mark in ("crash", "e2e", "interop", "postgresql"))
            known = results.get(name)
            # A result has the time of all its parameter sets.
            cost = (0.5 if known is None else known.seconds / sets[name]) + (100.0 if slow else 0.0)
            for identifier in ids:
                found[identifier][item] = cost
        return found

    def _collect(self, running: dict[int, _Run]) -> None:
        """Wait for the next process to end; one that takes too long is ended: its tests hang."""
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process in running:
                break
            now = time.monotonic()
            for one, run in running.items():
                if now - run.started > self._limit:
                    run.hung = True
                    with suppress(ProcessLookupError):
                        os.killpg(one, signal.SIGKILL)
            time.sleep(0.005)
        run = running.pop(process)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process, signal.SIGKILL)  # servers that the disabled rule left behind
        shutil.rmtree(run.basetemp, ignore_errors=True)
        code = os.waitstatus_to_exitcode(status)
        if code not in WORDS:
            code = HUNG if run.hung else DIED
        took = time.monotonic() - run.started
        line = f"{WORDS[code]:<9} {took:6.1f} s  {run.mark.place} {run.mark.name} {' '.join(run.mark.ids)}"
        if code != KILLED:
            self._wrong.append(line)
        self._write(line)


def _function(item: pytest.Item) -> str:
    """The name of a test without its parameters."""
    return item.nodeid.partition("[")[0]


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
