"""The latched stop: a file that survives restarts, and that only an operator's release lifts."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from trustworks.core.account import account
from trustworks.core.durable import put, put_new, synchronise
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.printable import utf8
from trustworks.core.time import rules
from trustworks.core.time.lease import LeaseReader
from trustworks.core.time.protection import check_folder, give_to_owner, of_file, owner_in, read_protected
from trustworks.core.time.readings import SystemReadings
from trustworks.core.time.stop import MENDED, Latch, Release, clock_text, decoded_latch, decoded_release

if TYPE_CHECKING:
    from collections.abc import Iterator

LATCH_NAME = "clock.latched"
RELEASES_NAME = "clock.releases"
REPORTED_NAME = "clock.last-release-reported"
UNREADABLE = "unreadable"


class LatchFiles:
    """The files of the latched stop in the state folder."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir
        self.path = state_dir / LATCH_NAME
        self._releases = state_dir / RELEASES_NAME
        self._reported = state_dir / REPORTED_NAME

    def read(self) -> Latch | None:
        """The standing stop, if any; a file that cannot be understood, or is not ours, counts as one.

        Raises:
            Unavailable: ``clock.state-unprotected``, where others could have removed a stop;
                ``clock.state-unreadable``, where the machine cannot read any file for now.
        """
        try:
            found = read_protected(self.path)
        except OSError as error:
            return self._unreadable(f"cannot be read ({error.strerror or error})", b"")
        if found is None:
            return None
        findings, text = found
        if findings:
            return self._unreadable(f"is not trusted ({findings})", text)
        try:
            return decoded_latch(text)
        except (ValueError, TypeError, RecursionError):
            return self._unreadable("cannot be read (its content is damaged)", text)

    def _unreadable(self, why: str, content: bytes) -> Latch:
        """A stop by a name of its own, so that the release of one lifts no later one."""
        try:
            status = self.path.lstat()
            place = f"{status.st_dev} {status.st_ino} {status.st_mtime_ns} "
        except OSError:
            place = ""
        return Latch(
            id=f"{UNREADABLE}-{hashlib.sha256(place.encode() + content).hexdigest()[:16]}",
            code="clock.latch-unreadable",
            reason=f"The latched stop {self.path} {why}.",
            found_by="reader",
            clock_said="",
            boot="",
        )

    def stands(self) -> bool:
        """Whether a stop stands, without reading it. Raises as `read`."""
        check_folder(self._folder)
        try:
            os.lstat(self.path)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise of_file(self.path, error) from error
        return True

    def set(self, latch: Latch) -> Latch:
        """Make a stop durable, and answer the one that stands: an earlier stop is never overwritten.

        Raises:
            Unavailable: the stop could not be written; the caller must not give time all the same.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                put_new(self.path, (latch.encoded(),), mode=0o600, owner=owner_in(self._folder))
        except OSError as error:
            raise Unavailable(
                "clock.latch-unwritable",
                f"{latch.reason} The stop cannot be kept in {self.path}: {error.strerror}.",
            ) from error
        return self.read() or latch

    def mend(self, latch: Latch, damaged: Latch) -> Latch | None:
        """Put a stop that is known in the place of one that cannot be read; answers what stands.

        It keeps the name of the damaged one, so that its release lifts that one too, for whoever has seen it.
        What was released or replaced since it was read is left alone. Raises as `read`.
        """
        mended = replace(latch, detail={**latch.detail, MENDED: [*latch.mended, damaged.id]})
        # Where it cannot be written, what cannot be read stands as well.
        with contextlib.suppress(OSError), self._turn():
            standing = self.read()
            if standing is not None and standing.id == damaged.id:
                put(self.path, mended.encoded(), mode=0o600, owner=owner_in(self._folder))
        return self.read()

    @contextlib.contextmanager
    def _turn(self) -> Iterator[int]:
        """The record of releases, open for one more; meanwhile nobody else lifts or mends. Raises OSError."""
        file = os.open(
            self._releases, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            give_to_owner(file, self._folder)
            yield file
        finally:
            os.close(file)

    def lift(self, release: Release) -> None:
        """Record the release durably, then remove the stop.

        Raises:
            Rejected: ``clock.stop-changed``: another stop stands than the one that is released, or none.
            Unavailable: ``clock.release-unwritable``, and as `read`; the stop stands.
        """
        line = json.dumps(release.as_dict()).encode("ascii") + b"\n"
        try:
            with self._turn() as file:
                standing = self.read()
                if standing is None or standing.id != release.latch:
                    raise Rejected(
                        "clock.stop-changed",
                        f"The stop {release.latch} was lifted or replaced by others meanwhile. Look at "
                        "`trustworks time status`, and release what stands.",
                    )
                size = os.lseek(file, 0, os.SEEK_END)
                if size and os.pread(file, 1, size - 1) != b"\n":
                    line = b"\n" + line  # the last one was cut short, and must not swallow this one
                _write_all(file, line)
                os.fsync(file)
                synchronise(self._folder)
                self.path.unlink()
                synchronise(self._folder)
        except OSError as error:
            raise Unavailable(
                "clock.release-unwritable",
                f"The release cannot be recorded in {self._folder}: {error.strerror}. Make "
                "room there, or run this in the account that the folder belongs to.",
            ) from error

    def releases(self) -> list[Release]:
        """All releases so far, oldest first; a line that was cut short by a crash is passed over.

        Raises:
            Unavailable: the record cannot be read, or others could have written it.
        """
        try:
            trusted = read_protected(self._releases)
        except OSError as error:
            raise _unreadable_releases(self._releases, error) from error
        if trusted is None:
            return []
        findings, content = trusted
        if findings:
            raise Unavailable(
                "clock.releases-unprotected",
                f"The record of releases {self._releases} is not trusted: {findings}. See who wrote it; if "
                "its releases are genuine, give it to the service's account, with mode 0600.",
            )
        return [one for line in content.splitlines() if (one := decoded_release(line)) is not None]

    def lifted(self) -> list[str]:
        """All stops that were released so far. Raises as `releases`."""
        return [latch for one in self.releases() for latch in one.latches]

    def reported(self) -> str:
        """The name of the last release that is noted to be in the audit log; empty: none is.

        Raises `Unavailable`.
        """
        try:
            trusted = read_protected(self._reported)
        except OSError as error:
            raise _unreadable_releases(self._reported, error) from error
        if trusted is None or trusted[0]:
            return ""  # what others could have noted keeps no release out of the log
        return trusted[1].decode("ascii", errors="replace")

    def mark_reported(self, name: str) -> None:
        """Note the name of the last release that is in the audit log.

        Raises:
            Unavailable: ``clock.release-unwritable``; without the note they are reported again.
        """
        try:
            put(self._reported, name, mode=0o600, owner=owner_in(self._folder))
        except OSError as error:
            raise Unavailable(
                "clock.release-unwritable",
                f"That a release is in the audit log cannot be noted in {self._reported}: {error.strerror}. "
                "Make room in the state folder.",
            ) from error


def _write_all(file: int, data: bytes) -> None:
    """Write the whole of `data`, or raise OSError."""
    if os.write(file, data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _unreadable_releases(file: Path, error: OSError) -> Unavailable:
    return Unavailable(
        "clock.releases-unreadable",
        f"The record of releases {file} cannot be read: {error.strerror}. Give it to the service's account.",
    )


def release(state_dir: Path, operator: str, reason: str, lease_file: Path | None = None) -> Release:
    """Lift the latched stop in `state_dir` on an operator's word.

    The collector writes the release to the audit log before it gives the next lease; without a collector
    running it does so when it starts. With the `lease_file`, the release of a stop that cannot be read also
    lifts the one that the collector read before.

    Raises:
        Malformed: operator or reason is no text.
        Refused: no operator, or no reason to speak of.
        Rejected: ``clock.not-latched`` when no stop stands; ``clock.stop-changed`` when another one came to.
        Unavailable: the release could not be recorded, or this is not the account for it; the stop stands.
    """
    utf8(operator)
    utf8(reason)
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
    also = latch.mended
    if lease_file and latch.id.startswith(UNREADABLE) and (held := _held(lease_file)):
        also.append(held)
    lifted = Release(
        latch=latch.id,
        code=latch.code,
        operator=operator.strip(),
        reason=reason.strip(),
        account=account(),
        boot=boot,
        boottime=boottime,
        clock_said=clock_text(realtime),
        also=also,
    )
    files.lift(lifted)
    return lifted


def _held(lease_file: Path) -> str | None:
    """The stop that the collector holds, by its lease."""
    reader = LeaseReader(lease_file)
    try:
        return reader.read().latch
    except Unavailable:
        return None
    finally:
        reader.close()
