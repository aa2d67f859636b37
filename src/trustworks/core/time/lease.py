"""The lease: one small memory-mapped page by which the collector tells every worker that time may be given.

One writer, many readers in other processes. A sequence number that is odd while the page is being written,
and a checksum over its content, make a torn page impossible to mistake for a whole one.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import struct
import time
import zlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from trustworks.core.errors import Unavailable
from trustworks.core.time import rules
from trustworks.core.time.protection import give_to_owner, trusted_owners

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"TWCLOCK1"
PAGE = 8192
HEAD = struct.Struct("<8sQII")
_SEQUENCE = struct.Struct("<Q")
_SEQUENCE_AT = 8
_BODY_MAX = PAGE - HEAD.size
_REASON_MAX = 1500
_SOURCES_MAX = 1200
# A page that is being written is looked at again: at first at once, then every tenth of a millisecond.
_TRIES = 120
_TRIES_AT_ONCE = 20
_PAUSE = 0.0001
OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What the collector last found; times in nanoseconds.

    `code` is ``ok`` for a lease, else that of the refusal, with `reason` as its sentence. `written` and
    `until` count on CLOCK_BOOTTIME. `realtime`, `raw` and `boottime - monotonic` (`suspended`) are the clocks
    when it was written, against which jumps show. `held` says that a lease was given since this boot or the
    last release: from then on a jump latches. `window` is when no time is given around the leap second at
    `leap_at` (Unix seconds).
    """

    number: int
    boot: str
    code: str
    reason: str
    written: int
    until: int
    bound: int
    realtime: int
    raw: int
    suspended: int
    held: bool
    sources: tuple[str, ...] = ()
    leap: str = "none"
    leap_at: int | None = None
    window: tuple[int, int] | None = None
    last_leap: int | None = None
    leap_file_expires: str | None = None
    latch: str | None = None

    @property
    def name(self) -> str:
        """Names this lease in evidence: boot and number."""
        return f"{self.boot[:8]}-{self.number}"


def fitting_reason(text: str) -> str:
    """As much of a sentence as fits the page."""
    return _plain(text)[:_REASON_MAX]


def fitting_sources(ids: tuple[str, ...]) -> tuple[str, ...]:
    """As many source ids as fit the page, and the number of the others."""
    kept: list[str] = []
    for name in map(_plain, ids):
        if sum(map(len, kept)) + len(name) > _SOURCES_MAX:
            return (*kept, f"and {len(ids) - len(kept)} more")
        kept.append(name)
    return tuple(kept)


def _plain(text: str) -> str:
    """Text of which every character takes at most two bytes in the page."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)


def encode(lease: Lease) -> bytes:
    """The page's content."""
    body = json.dumps(asdict(lease), separators=(",", ":"), ensure_ascii=True).encode("ascii")
    if len(body) > _BODY_MAX:
        raise ValueError(f"a lease of {len(body)} bytes does not fit its page")
    return body


def decode(body: bytes) -> Lease:
    """A lease from the page's content. Raises ValueError, KeyError or TypeError when it is none."""
    values: dict[str, Any] = json.loads(body)
    values["sources"] = tuple(values["sources"])
    if values["window"] is not None:
        start, end = values["window"]
        values["window"] = (int(start), int(end))
    return Lease(**values)


class LeaseWriter:
    """The only writer of a lease file; holds a lock on it as long as it lives.

    Raises:
        Unavailable: ``clock.collector-running`` when another collector holds the lock, ``clock.lease-file``
            when the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise Unavailable(
                "clock.lease-file", f"The lease {path} cannot be written: {error.strerror}."
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise Unavailable(
                "clock.collector-running", f"Another collector renews {path}; stop it first, one is enough."
            ) from None
        try:
            os.fchmod(self._file, 0o600)
            give_to_owner(self._file, path.parent)
            os.ftruncate(self._file, PAGE)
            # A file with holes would end this process (SIGBUS) at the first write to a full disk.
            os.posix_fallocate(self._file, 0, PAGE)
            self._map = mmap.mmap(self._file, PAGE)
        except OSError as error:
            os.close(self._file)  # and with it the lock
            raise Unavailable(
                "clock.lease-file", f"The lease {path} cannot be written: {error.strerror}."
            ) from error
        magic, self._sequence, _, _ = HEAD.unpack_from(self._map)
        if magic != MAGIC:
            self._sequence = 0
            self._map[:] = bytes(PAGE)
        # A writer that died within a write left the number odd; readers refuse the page until the next write.
        self._sequence += self._sequence & 1

    def previous(self) -> Lease | None:
        """What an earlier collector left in the file, if it is whole."""
        magic, sequence, length, checksum = HEAD.unpack_from(self._map)
        body = self._map[HEAD.size : HEAD.size + length]
        if magic != MAGIC or sequence & 1 or length > _BODY_MAX or zlib.crc32(body) != checksum:
            return None
        try:
            return decode(body)
        except (ValueError, KeyError, TypeError):
            return None

    def write(self, lease: Lease) -> None:
        """Put `lease` in the page; readers see the old one or the new one, never a mixture."""
        body = encode(lease)
        _SEQUENCE.pack_into(self._map, _SEQUENCE_AT, self._sequence + 1)
        self._map[HEAD.size : HEAD.size + len(body)] = body
        HEAD.pack_into(self._map, 0, MAGIC, self._sequence + 1, len(body), zlib.crc32(body))
        self._sequence += 2
        _SEQUENCE.pack_into(self._map, _SEQUENCE_AT, self._sequence)

    def close(self) -> None:
        """Give the file to the next collector."""
        self._map.close()
        os.close(self._file)


class LeaseReader:
    """A worker's view of the lease file; opens it again when it was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._map: mmap.mmap | None = None
        self._numbers: memoryview | None = None
        self._identity: tuple[int, int] | None = None
        self._seen = -1
        self._lease: Lease | None = None

    def read(self) -> Lease:
        """The present lease; while its sequence number stands still, this is a few hundred nanoseconds.

        Raises:
            Unavailable: no file, not written by whom it must be, torn or damaged.
        """
        if self._numbers is not None and self._lease is not None and self._numbers[1] == self._seen:
            return self._lease
        return self._read_anew()

    def reopen_if_replaced(self) -> None:
        """Forget the mapping when the path now names another file, or none."""
        try:
            stat = self._path.stat()
            identity = (stat.st_dev, stat.st_ino)
        except OSError:
            identity = None
        if identity != self._identity:
            self.close()

    def close(self) -> None:
        """Let the mapping go; the next read opens it again."""
        if self._numbers is not None:
            self._numbers.release()
        if self._map is not None:
            self._map.close()
        self._map = self._numbers = self._lease = self._identity = None
        self._seen = -1

    def _read_anew(self) -> Lease:
        if self._map is None:
            self._open()
        assert self._map is not None  # noqa: S101 - _open raised otherwise
        for attempt in range(_TRIES):
            if attempt >= _TRIES_AT_ONCE:
                time.sleep(_PAUSE)
            magic, sequence, length, checksum = HEAD.unpack_from(self._map)
            body = self._map[HEAD.size : HEAD.size + length] if length <= _BODY_MAX else b""
            (after,) = _SEQUENCE.unpack_from(self._map, _SEQUENCE_AT)
            if magic == MAGIC and not sequence & 1 and after == sequence and zlib.crc32(body) == checksum:
                try:
                    self._lease = decode(body)
                except (ValueError, KeyError, TypeError):
                    break
                self._seen = sequence
                return self._lease
            if sequence & 1 and self._lease is not None:
                # The writer is at work, or died at it: the lease before holds as long as it says itself.
                return self._lease
        self._lease = None
        raise Unavailable(
            "clock.lease-damaged",
            f"The lease {self._path} is torn or damaged; see whether its collector died, and start it again.",
        )

    def _open(self) -> None:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise Unavailable(
                "clock.no-lease",
                f"There is no clock lease at {self._path}: no collector proves the clock's error; "
                "start `trustworks serve`, or `trustworks time collect` on its own.",
            ) from None
        except OSError as error:
            raise Unavailable(
                "clock.no-lease",
                f"The clock lease {self._path} cannot be read: {error.strerror}; use its account.",
            ) from error
        try:
            stat = os.fstat(file)
            owners = trusted_owners(self._path.parent.stat().st_uid)
            findings = rules.protection_findings(stat.st_uid, stat.st_mode, owners)
            if findings:
                raise Unavailable(
                    "clock.lease-unprotected",
                    f"The clock lease {self._path} is not trusted: {' and '.join(findings)}; remove it "
                    "and start the collector again.",
                )
            if stat.st_size != PAGE:
                raise Unavailable(
                    "clock.lease-damaged",
                    f"The clock lease {self._path} has {stat.st_size} bytes, not {PAGE}; remove it and "
                    "start the collector again.",
                )
            self._map = mmap.mmap(file, PAGE, prot=mmap.PROT_READ)
            self._numbers = memoryview(self._map)[: 2 * _SEQUENCE.size].cast("Q")
            self._identity = (stat.st_dev, stat.st_ino)
        finally:
            os.close(file)
