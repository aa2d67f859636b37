"""One process that validates: `python -m trustworks.validation.bounded.process --channel N`.

It validates one file after another, within limits that the kernel keeps: who exceeds the processor time is
ended by it, who asks for more memory does not get it. Files come as octets or as open files without a name.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import resource
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.formats.data import DigestOnly, Octets, Stored
from trustworks.formats.limits import to_client
from trustworks.validation.bounded.asked import Kind, asked_of, receive, send
from trustworks.validation.config import ValidationSettings
from trustworks.validation.offer import Offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.data import Data
    from trustworks.validation.bounded.asked import Asked, Given
    from trustworks.validation.service import Report

_FIRST_TO_GO: Final = "900"
"""Where memory is short on the machine, the kernel ends this process before those that serve."""
_WRITTEN: Final = 1024 * 1024
_OPEN_FILES: Final = 1024
_NO_NEW_PRIVILEGES: Final = 38
"""PR_SET_NO_NEW_PRIVS of prctl(2)."""
_PATIENCE: Final = 30.0
"""Seconds beyond the limit after which a process ends that nobody waits for any more."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Validate what comes over the channel until its other end is closed."""
    parser = argparse.ArgumentParser(
        prog="python -m trustworks.validation.bounded.process", description="A process that validates."
    )
    parser.add_argument("--channel", type=int, required=True)
    channel = socket.socket(fileno=parser.parse_args(arguments).channel)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us says when to stop
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    words, _, _ = receive(channel)
    settings = ValidationSettings.model_validate(words["settings"])
    _limit(settings)
    offer = Offer(settings)
    with suppress(EOFError, OSError):
        while True:
            _one(channel, offer, settings)


def _limit(settings: ValidationSettings) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold the files
    resource.setrlimit(resource.RLIMIT_DATA, (settings.limits.memory, settings.limits.memory))
    # It writes evidence that was fetched, and no other files.
    longest = settings.fetch.octets + _WRITTEN
    _lower(resource.RLIMIT_FSIZE, longest)
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    # Nothing that it starts has more rights than it has itself.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, "ascii")


def _lower(limit: int, most: int) -> None:
    _, hard = resource.getrlimit(limit)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(limit, (most, most))


def _one(channel: socket.socket, offer: Offer, settings: ValidationSettings) -> None:
    words, octets, descriptors = receive(channel)
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime) + 1 + settings.limits.cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_REAL, settings.limits.seconds + _PATIENCE)
    try:
        told, report = _answer(offer, asked_of(words, octets, descriptors))
    except Malformed as error:
        told, report = {"malformed": to_client(error)}, b""
    except Rejected as error:
        told, report = {"rejected": error.code, "sentence": str(error)}, b""
    except MemoryError:
        told, report = {"memory": True}, b""
    except RecursionError:
        told, report = {"malformed": "The file is nested deeper than it may be."}, b""
    finally:
        for one in descriptors:
            os.close(one)
    signal.setitimer(signal.ITIMER_REAL, 0)
    send(channel, told, report)
    gc.collect()


def _answer(offer: Offer, asked: Asked) -> tuple[dict[str, Any], bytes]:
    try:
        validator = offer.validator(asked.policy, asked.at)
    except Malformed as error:  # not the file's fault
        return {"untrusted": str(error)}, b""
    report = validator.validate(
        _data(asked.file),
        detached=[_data(one) for one in asked.detached],
        records=[_data(one) for one in asked.records],
    )
    return _told(report, asked, offer.settings)


def _told(report: Report, asked: Asked, settings: ValidationSettings) -> tuple[dict[str, Any], bytes]:
    kinds = asked.kinds
    found: dict[str, Any] = {
        "results": [one.value for one in report.results()],
        "policy": report.outcome.policy,
    }
    if Kind.PLAIN in kinds:
        found["plain"] = report.plain() | borne(settings)
    if Kind.EXPLAINED in kinds:
        found["explained"] = report.explained()
    if Kind.PAGE in kinds:
        from trustworks.validation.report.page.html import as_data  # noqa: PLC0415 - loads the templates

        found["page"] = as_data(report)
    wants_etsi = Kind.ETSI in kinds and _reportable(report)
    octets = {
        Kind.ETSI: _etsi(report, asked, settings) if wants_etsi else b"",
        Kind.HTML: report.html() if Kind.HTML in kinds else b"",
        Kind.PDF: report.pdf() if Kind.PDF in kinds else b"",
    }
    found["lengths"] = {kind: len(one) for kind, one in octets.items()}
    return found, b"".join(octets.values())


@implements("TS119441:SVP-8.2-03", disabled=lambda _settings: {})
def borne(settings: ValidationSettings) -> dict[str, Any]:
    """What every answer in JSON bears of the service itself: its policy, where it has one."""
    return {} if settings.service_policy is None else {"service_policy": settings.service_policy_urn}


def _etsi(report: Report, asked: Asked, settings: ValidationSettings) -> bytes:
    return report.etsi(
        certificate=asked.certificate,
        service_policy=settings.service_policy_urn,
        practice_statement=settings.practice_statement,
    )


def _reportable(report: Report) -> bool:
    from trustworks.validation.report.etsi.document import reportable  # noqa: PLC0415 - loads what writes XML

    return reportable(report)


def _data(given: Given) -> Data:
    if given.digests:
        return DigestOnly(given.digests, given.name)
    if given.descriptor is None:
        return Octets(given.octets, given.name)
    # Opened anew by each reader, so that none moves another's place in it.
    return Stored(Path(f"/proc/self/fd/{given.descriptor}"), given.name)


if __name__ == "__main__":
    main()
