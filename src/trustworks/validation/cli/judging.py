"""The files of a folder judged one by one: in this process, or in several whose answers keep their order."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import Malformed
from trustworks.core.values import dataclass
from trustworks.formats.uncovered import UNCOVERED
from trustworks.validation.cli.exits import Exit, exit_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from trustworks.formats.data import Data
    from trustworks.validation.service import Report, Validator

_AHEAD: Final = 4
"""Files for each process that are given out before the first answer of them is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """A file of a folder: its name there, and the data beside it that it may be over."""

    name: str
    file: Path
    beside: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a file came to: the exit code, what JSON says of it, and the line."""

    code: Exit
    said: dict[str, Any]
    line: str


def unreadable(error: Exception, told: str | None = None) -> dict[str, Any]:
    """What JSON says of a file that cannot be read: the same shape, without any signature."""
    return {"error": told or str(error), "signatures": [], "timestamps": [], "evidence_records": []}


def judge(validator: Validator, one: One, detached: Sequence[Data]) -> Told:
    """What a file comes to; whatever is wrong with it, this answers."""
    nothing = {"file": one.name, "data": []}
    try:
        report, taken = _validated(validator, one, detached)
        data = [taken.name] if taken else []
        return Told(
            code=exit_code(report),
            said={"file": one.name, "data": data} | report.plain(),
            line=f"{one.name}: {report.line()}{_of_data(one.beside, taken)}",
        )
    except Malformed as error:
        line = f"{one.name}: not readable: {error}"
        return Told(code=Exit.UNREADABLE, said=nothing | unreadable(error), line=line)
    except Exception as error:  # noqa: BLE001 - the other files are judged all the same
        told = f"This is a fault of the program, which did not expect it ({type(error).__name__})."
        return _fault(one, error, told)


def _fault(one: One, error: Exception, told: str) -> Told:
    return Told(
        code=Exit.FAULT,
        said={"file": one.name, "data": []} | unreadable(error, told),
        line=f"{one.name}: not judged: {told} Please report it.",
    )


def _validated(validator: Validator, one: One, detached: Sequence[Data]) -> tuple[Report, Path | None]:
    """The verdict, and the data beside the file if something in the file is over it.

    A name is a guess: data that nothing is over is left out, and is no objection to the file.
    """
    if one.beside is not None:
        report = validator.validate(one.file, detached=[one.beside])
        if not any(found.code == UNCOVERED for found in report.evidence.findings):
            if detached:
                report = validator.validate(one.file, detached=[one.beside, *detached], pool=True)
            return report, one.beside
    return validator.validate(one.file, detached=detached, pool=True), None


def _of_data(beside: Path | None, taken: Path | None) -> str:
    if beside is None:
        return ""
    return f" (over {beside.name})" if taken else f" (not over {beside.name})"


# Several processes


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a process makes its validator of: the options of the command, and the data that is given."""

    options: Mapping[str, Any]
    detached: tuple[Path, ...] = ()


def judge_in_processes(files: Iterable[One], means: Means, jobs: int) -> Iterator[Told]:
    """As `judge` for each file, by so many processes at once; the answers come in the order of the files.

    A process that ends while it judges (too little memory, a fault in a library) is no end of the run: the
    file is judged again alone, and told as a fault of the program if that process ends too.
    """
    left, waiting = iter(files), deque[tuple[One, Future[Told]]]()
    pool = _pool(means, jobs)
    try:
        while True:
            while len(waiting) < jobs * _AHEAD and (one := next(left, None)) is not None:
                waiting.append((one, _asked(pool, one)))
            if not waiting:
                return
            one, answer = waiting.popleft()
            try:
                told = answer.result()
            except BrokenProcessPool:
                pool.shutdown(wait=True)
                told = _alone(one, means)
                pool = _pool(means, jobs)
                waiting = deque((other, _still(pool, other, before)) for other, before in waiting)
            yield told
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _asked(pool: ProcessPoolExecutor, one: One) -> Future[Told]:
    """The answer to come. A process may have ended already, between two answers: then that is the answer."""
    try:
        return pool.submit(_judged, one)
    except BrokenProcessPool as error:
        broken: Future[Told] = Future()
        broken.set_exception(error)
        return broken


def _still(pool: ProcessPoolExecutor, one: One, answer: Future[Told]) -> Future[Told]:
    """An answer that came before the others broke; else it is asked for again."""
    return answer if answer.done() and answer.exception() is None else _asked(pool, one)


def _alone(one: One, means: Means) -> Told:
    with _pool(means, 1) as pool:
        try:
            return pool.submit(_judged, one).result()
        except BrokenProcessPool as error:
            return _fault(one, error, "The process that judged it ended.")


def _pool(means: Means, jobs: int) -> ProcessPoolExecutor:
    # Spawned: a process that was forked would share what libraries hold open.
    return ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (means,))


_MINE: Final[list[tuple[Validator, list[Data]]]] = []
"""Of a process: what it validates with, and the data that is given."""


def _begin(means: Means) -> None:
    from trustworks.validation.service import Validator, data_of  # noqa: PLC0415 - in the process alone

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it says when to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _MINE.append((Validator.by_options(**means.options), [data_of(one) for one in means.detached]))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _judged(one: One) -> Told:
    ((validator, detached),) = _MINE
    return judge(validator, one, detached)
