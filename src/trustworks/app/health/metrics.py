"""What a worker counts, published to Prometheus for all processes of one configuration together.

The client library's multi-process mode keeps each process's numbers in memory-mapped files: counting costs
about two microseconds, and whichever worker is asked answers for all. The room of those files is taken from
the disk before they are written to: writing into a hole of a mapped file on a full disk ends the process
(SIGBUS). Where there is no room nothing is counted, and the services go on.
"""

from __future__ import annotations

import fcntl
import os
import struct
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client import Counter, Gauge, Histogram, Metric

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_ROOM = 1 << 18  # octets for each file, some two thousand numbers; taken again when they are used up
_ENDED = "ended"  # in place of a process id: the numbers of all processes that are no more
_LONGEST = 1 << 12  # octets for one more number with its labels


def prepare(directory: Path, *, clear: bool = False) -> None:
    """Tell the client library where the shared files are; must run before the library is first imported.

    `clear` removes the files of processes that ended; only the supervisor does that, before it starts any.
    """
    with suppress(OSError):  # a full disk: nothing will be counted
        directory.mkdir(parents=True, exist_ok=True)
    if clear:
        for file in directory.glob("*.db"):
            file.unlink(missing_ok=True)
    os.environ[_DIRECTORY] = str(directory)


class Traffic:
    """What is counted: requests and their seconds, what the services answered, the state of each resource.

    The child of a label is looked up once and kept: looking it up takes longer than counting.
    """

    def __init__(self) -> None:
        from prometheus_client import Counter, Gauge, Histogram  # noqa: PLC0415 - reads its folder now

        _take_room_first()
        self._requests: Counter = Counter(
            "trustworks_http_requests", "Requests answered.", ["route", "status"]
        )
        self._seconds: Histogram = Histogram(
            "trustworks_http_request_seconds", "Time from request to answer.", ["route"], buckets=BUCKETS
        )
        self._up: Gauge = Gauge(
            "trustworks_resource_up",
            "1 when the resource answered its ping.",
            ["resource"],
            multiprocess_mode="livemin",
        )
        self._timestamps: Counter = Counter(
            "trustworks_timestamps", "Answers to requests for time-stamps.", ["unit", "result"]
        )
        self._ocsp: Counter = Counter("trustworks_ocsp_responses", "OCSP responses.", ["result"])
        self._validations: Counter = Counter("trustworks_validations", "Files validated.", ["result"])
        self._labelled: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._timestamps_by: dict[tuple[str, str], Counter] = {}
        self._ocsp_by: dict[str, Counter] = {}
        self._validations_by: dict[str, Counter] = {}

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        known = self._labelled.get((route, status))
        if known is None:
            try:
                known = (self._requests.labels(route, str(status)), self._seconds.labels(route))
            except OSError:  # there is no room for the numbers
                return
            self._labelled[route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def timestamp(self, unit: str, result: str) -> None:
        """Count one answer to a request for a time-stamp."""
        known = self._timestamps_by.get((unit, result))
        if known is None:
            try:
                known = self._timestamps.labels(unit, result)
            except OSError:  # there is no room for the number
                return
            self._timestamps_by[unit, result] = known
        known.inc()

    def ocsp_response(self, result: str) -> None:
        """Count one OCSP response."""
        known = self._ocsp_by.get(result)
        if known is None:
            try:
                known = self._ocsp.labels(result)
            except OSError:  # as above
                return
            self._ocsp_by[result] = known
        known.inc()

    def validation(self, result: str) -> None:
        """Count one validation, or a refusal of one."""
        known = self._validations_by.get(result)
        if known is None:
            try:
                known = self._validations.labels(result)
            except OSError:  # as above
                return
            self._validations_by[result] = known
        known.inc()

    def resource(self, name: str, *, up: bool) -> None:
        """Record whether a resource answered."""
        with suppress(OSError):
            self._up.labels(name).set(1 if up else 0)


def _take_room_first() -> None:
    """Let the mapped files have no holes; where there is no room, making one raises `OSError`."""
    import prometheus_client.values  # noqa: PLC0415 - as above

    values: Any = prometheus_client.values
    base: Any = values.MmapedDict
    if getattr(base, "has_no_holes", False):
        return

    class Allocated(base):  # type: ignore[misc]  # the library has no types for it
        """A file of numbers whose room on the disk is its own before it is mapped."""

        has_no_holes = True

        def __init__(self, filename: str, read_mode: bool = False) -> None:  # noqa: FBT001, FBT002 - the library's
            if not read_mode:
                _allocate(filename)
            super().__init__(filename, read_mode)

        def _init_value(self, key: str) -> None:
            if self._used + len(key.encode()) + _LONGEST > self._capacity:
                os.posix_fallocate(self._f.fileno(), 0, 2 * self._capacity)
            super()._init_value(key)

    values.MmapedDict = Allocated


def _allocate(filename: str) -> None:
    descriptor = os.open(filename, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, _ROOM)
    except OSError:
        Path(filename).unlink(missing_ok=True)  # an empty file would spoil the answer for all processes
        raise
    finally:
        os.close(descriptor)


def exposition() -> tuple[bytes, str]:
    """The numbers of all processes in Prometheus' text format, and its media type."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest  # noqa: PLC0415

    registry = CollectorRegistry()
    registry.register(_Everybody(Path(os.environ[_DIRECTORY])))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Everybody:
    """The numbers in all files that can be read; one that a full disk or a crash spoilt is left out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """The metrics of all processes, added up."""
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415 - as above

        with _locked(self._folder, fcntl.LOCK_SH):
            files = [str(file) for file in self._folder.glob("*.db") if _numbers(file) is not None]
            return MultiProcessCollector.merge(files, accumulate=True)  # type: ignore[no-any-return, no-untyped-call]


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[bool]:
    """Hold the lock under which numbers move to another file, so that nobody reads them twice or not at all.

    Answers whether it is held: without room on the disk for its file it is not, and nothing may move.
    """
    try:
        file = (folder / "lock").open("ab")
    except OSError:
        yield False
        return
    with file:
        fcntl.flock(file, how)
        yield True


def _numbers(file: Path) -> list[tuple[str, float]] | None:
    """Names and values in a file of numbers; None when it cannot be read."""
    import prometheus_client.values  # noqa: PLC0415 - as above

    kind: Any = prometheus_client.values
    try:
        return [(key, value) for key, value, *_ in kind.MmapedDict.read_all_values_from_file(str(file))]
    except (OSError, ValueError, RuntimeError, struct.error):
        return None


def forget(folder: Path, pid: int) -> None:
    """Drop the live gauges of a process that ended, and add its other numbers to those of all that ended.

    The file of a process takes a quarter of a megabyte, and is read whenever somebody asks for the numbers.
    For the one supervisor alone: two at once would lose numbers.
    """
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - as above

    with _locked(folder, fcntl.LOCK_EX) as held:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
        for kind in ("counter", "histogram") if held else ():
            file = folder / f"{kind}_{pid}.db"
            found = _numbers(file)
            with suppress(OSError):  # no room: the file stays, and is read as before
                if found is not None:
                    _add(folder / f"{kind}_{_ENDED}.db", found)
                file.unlink(missing_ok=True)


def _add(file: Path, numbers: Iterable[tuple[str, float]]) -> None:
    import prometheus_client.values  # noqa: PLC0415 - as above

    _take_room_first()
    kind: Any = prometheus_client.values
    total = kind.MmapedDict(str(file))
    try:
        for key, value in numbers:
            total.write_value(key, total.read_value(key)[0] + value, 0.0)
    finally:
        total.close()
