"""The latched stop: a file that survives restarts, and that only an operator's release lifts."""

from __future__ import annotations

import errno
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trustworks.core.account import account
from trustworks.core.durable import synchronise
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.time import rules
from trustworks.core.time.readings import SystemReadings

LATCH_NAME = "clock.latched"
RELEASES_NAME = "clock.releases"
REPORTED_NAME = "clock.releases-reported"
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """Why the clock was stopped, by whom found, and when by the clock that is in doubt."""

    id: str
    code: str
    reason: str
    found_by: str
    clock_said: str
    boot: str
    detail: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The stop as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An operator's word that the clock may be used again."""

    latch: str
    code: str
    operator: str
    reason: str
    account: str
    boot: str
    boottime: int
    clock_said: str

    def as_dict(self) -> dict[str, Any]:
        """The release as JSON values."""
        return asdict(self)


def new_latch(
    code: str, reason: str, *, found_by: str, realtime_ns: int, boot: str, detail: dict[str, Any]
) -> Latch:
    """A stop that was just found; `realtime_ns` is what the clock in doubt says."""
    return Latch(
        id=secrets.token_hex(8),
        code=code,
        reason=reason,
        found_by=found_by,
        clock_said=clock_text(realtime_ns),
        boot=boot,
        detail=detail,
    )


def clock_text(realtime_ns: int) -> str:
    """A reading of CLOCK_REALTIME as text, cut to the microsecond."""
    seconds, rest = divmod(realtime_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


class LatchFiles:
    """The files of the latched stop in the state folder."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir
        self.path = state_dir / LATCH_NAME
        self._releases = state_dir / RELEASES_NAME
        self._reported = state_dir / REPORTED_NAME

    def read(self) -> Latch | None:
        """The standing stop, if any; a file that cannot be understood counts as one."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            return self._unreadable(error.strerror or str(error))
        try:
            return Latch(**json.loads(text))
        except (ValueError, TypeError):
            return self._unreadable("its content is damaged")

    def _unreadable(self, why: str) -> Latch:
        return Latch(
            id=UNREADABLE,
            code="clock.latch-unreadable",
            reason=f"The latched stop {self.path} cannot be read ({why}).",
            found_by="reader",
            clock_said="",
            boot="",
        )

    def stands(self) -> bool:
        """Whether a stop stands, without reading it."""
        return self.path.exists()

    def set(self, latch: Latch) -> Latch:
        """Make a stop durable, and answer the one that stands: an earlier stop is never overwritten.

        Raises:
            Unavailable: the stop could not be written; the caller must not give time all the same.
        """
        temporary = self._folder / f"{LATCH_NAME}.{latch.id}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_durably(temporary, json.dumps(latch.as_dict()).encode("ascii"))
            try:
                os.link(temporary, self.path)
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
            synchronise(self._folder)
        except OSError as error:
            raise Unavailable(
                "clock.latch-unwritable",
                f"{latch.reason} The stop cannot be kept in {self.path}: {error.strerror}.",
            ) from error
        return self.read() or latch

    def lift(self, release: Release) -> None:
        """Record `release` durably, then remove the stop."""
        try:
            line = json.dumps(release.as_dict()).encode("ascii") + b"\n"
            file = os.open(
                self._releases, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
            try:
                size = os.lseek(file, 0, os.SEEK_END)
                if size and os.pread(file, 1, size - 1) != b"\n":
                    line = b"\n" + line  # the last one was cut short, and must not swallow this one
                _write_all(file, line)
                os.fsync(file)
            finally:
                os.close(file)
            synchronise(self._folder)
            self.path.unlink()
            synchronise(self._folder)
        except OSError as error:
            raise Unavailable(
                "clock.release-unwritable",
                f"The release cannot be recorded in {self._folder}: {error.strerror}.",
            ) from error

    def releases(self) -> list[Release]:
        """All releases so far, oldest first; a line that was cut short by a crash is passed over."""
        try:
            lines = self._releases.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unreadable_releases(self._releases, error) from error
        found = []
        for line in lines:
            try:
                found.append(Release(**json.loads(line)))
            except (ValueError, TypeError):
                continue
        return found

    def unreported(self) -> list[Release]:
        """The releases that the audit log has not got yet."""
        return self.releases()[self._reported_count() :]

    def mark_reported(self) -> None:
        """Note that one more release is in the audit log."""
        count = self._reported_count() + 1
        temporary = self._reported.with_suffix(".new")
        _write_durably(temporary, str(count).encode("ascii"))
        temporary.replace(self._reported)
        synchronise(self._folder)

    def _reported_count(self) -> int:
        try:
            return int(self._reported.read_bytes())
        except (FileNotFoundError, ValueError):
            return 0
        except OSError as error:
            raise _unreadable_releases(self._reported, error) from error


def _write_durably(path: Path, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _write_all(file, data)
        os.fsync(file)
    finally:
        os.close(file)


def _write_all(file: int, data: bytes) -> None:
    """Write the whole of `data`, or raise OSError."""
    if os.write(file, data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _unreadable_releases(file: Path, error: OSError) -> Unavailable:
    return Unavailable(
        "clock.releases-unreadable",
        f"The record of releases {file} cannot be read: {error.strerror}. Let the service's account read it.",
    )


def release(state_dir: Path, operator: str, reason: str) -> Release:
    """Lift the latched stop in `state_dir` on an operator's word.

    The collector writes the release to the audit log before it gives the next lease; without a collector
    running it does so when it starts.

    Raises:
        Refused: no operator, or no reason to speak of.
        Rejected: ``clock.not-latched`` when no stop stands.
        Unavailable: the release could not be recorded; the stop stands.
    """
    rules.check_release(operator, reason)
    files = LatchFiles(Path(state_dir))
    latch = files.read()
    if latch is None:
        raise Rejected(
            "clock.not-latched", f"No latched stop stands in {state_dir}; there is nothing to release."
        )
    readings = SystemReadings()
    try:
        boot, moment = readings.boot_id(), readings.moment()
        boottime, realtime = moment.boottime, moment.realtime
    except Unavailable:
        boot, boottime, realtime = "", 0, readings.realtime_ns()
    lifted = Release(
        latch=latch.id,
        code=latch.code,
        operator=operator.strip(),
        reason=reason.strip(),
        account=account(),
        boot=boot,
        boottime=boottime,
        clock_said=clock_text(realtime),
    )
    files.lift(lifted)
    return lifted
