"""What a worker counts, published to Prometheus for all processes of one configuration together.

The client library's multi-process mode keeps each process's numbers in memory-mapped files: counting costs
about two microseconds, and whichever worker is asked answers for all.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_client import Counter, Gauge, Histogram

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


def prepare(directory: Path, *, clear: bool = False) -> None:
    """Tell the client library where the shared files are; must run before the library is first imported.

    `clear` removes the files of processes that ended; only the supervisor does that, before it starts any.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if clear:
        for file in directory.glob("*.db"):
            file.unlink(missing_ok=True)
    os.environ[_DIRECTORY] = str(directory)


class Traffic:
    """Requests by route and status, and how many seconds they took; and the state of each resource."""

    def __init__(self) -> None:
        from prometheus_client import Counter, Gauge, Histogram  # noqa: PLC0415 - reads its folder now

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
        self._labelled: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        known = self._labelled.get((route, status))
        if known is None:
            known = (self._requests.labels(route, str(status)), self._seconds.labels(route))
            self._labelled[route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def resource(self, name: str, *, up: bool) -> None:
        """Record whether a resource answered."""
        self._up.labels(name).set(1 if up else 0)


def exposition() -> tuple[bytes, str]:
    """The numbers of all processes in Prometheus' text format, and its media type."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest  # noqa: PLC0415
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415 - as above

    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


def forget(pid: int) -> None:
    """Drop the live gauges of a process that ended, so that a dead worker does not report for ever."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - as above

    mark_process_dead(pid)  # type: ignore[no-untyped-call]
