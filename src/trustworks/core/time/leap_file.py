"""The list of leap seconds that the IERS publishes (``leap-seconds.list``), read strictly."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.time.estimate import Leap

# Seconds from 1900-01-01 (the NTP epoch) to 1970-01-01.
NTP_TO_UNIX = 2_208_988_800
_ENTRY = re.compile(r"([0-9]{1,11})\s+(-?[0-9]{1,4})\s*(?:#.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeapList:
    """The leap seconds until `expires`; all times are Unix seconds.

    `entries` maps the midnight after which an offset holds to TAI - UTC in seconds.
    """

    updated: int
    expires: int
    entries: tuple[tuple[int, int], ...]

    def leap_at(self, midnight: int) -> Leap:
        """What happens in the last second before `midnight`."""
        before: int | None = None
        for start, offset in self.entries:
            if start == midnight and before is not None:
                return "insert" if offset > before else "delete"
            before = offset
        return "none"

    def tai_offset(self, at: int) -> int | None:
        """TAI - UTC at a time, or None before the first entry."""
        known = [offset for start, offset in self.entries if start <= at]
        return known[-1] if known else None


def parse_leap_file(data: bytes) -> LeapList:
    """Read a ``leap-seconds.list``.

    Raises:
        Malformed: not such a list; update, expiry or hash missing; the hash does not match; entries that do
            not ascend in steps of one second.
    """
    marks, numbers = _lines(data)
    for mark, meaning in (("#$", "update"), ("#@", "expiry"), ("#h", "hash")):
        if mark not in marks:
            raise Malformed(f"The leap second file has no line {mark} ({meaning}); use the list of the IERS.")
    updated, expires = _seconds(marks["#$"]), _seconds(marks["#@"])
    # The hash covers the digits of update, expiry and entries without white space.
    hashed = "".join((marks["#$"], marks["#@"], *(number for entry in numbers for number in entry)))
    # A word of the stated hash may lack its leading zeros.
    stated = "".join(word.zfill(8) for word in marks["#h"].lower().split())
    if stated != hashlib.sha1(hashed.encode("ascii"), usedforsecurity=False).hexdigest():
        raise Malformed("The leap second file does not match its own hash (#h); it was changed or cut short.")
    entries = tuple((_seconds(start), int(offset)) for start, offset in numbers)
    if not entries:
        raise Malformed("The leap second file has no entries; fetch it again.")
    for (start, offset), (next_start, next_offset) in pairwise(entries):
        if next_start <= start or abs(next_offset - offset) != 1:
            raise Malformed(
                f"The leap second file's entry {next_start + NTP_TO_UNIX} does not follow the one before."
            )
    return LeapList(updated=updated, expires=expires, entries=entries)


def _lines(data: bytes) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The marked lines (update, expiry, hash), and the two numbers of every entry, as they are written."""
    try:
        lines = data.decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise Malformed("The leap second file is not ASCII text; fetch it again.") from None
    marks: dict[str, str] = {}
    numbers: list[tuple[str, str]] = []
    for line in lines:
        mark, rest = line[:2], line[2:].strip()
        if mark in {"#$", "#@", "#h"}:
            if mark in marks:
                raise Malformed(f"The leap second file has two lines {mark}; fetch it again.")
            marks[mark] = rest
        elif line.strip() and not line.startswith("#"):
            entry = _ENTRY.fullmatch(line.strip())
            if entry is None:
                raise Malformed(f"The leap second file has a line that cannot be read: {line[:60]!r}.")
            numbers.append((entry[1], entry[2]))
    return marks, numbers


def _seconds(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,11}", text):
        raise Malformed(f"The leap second file has {text[:40]!r} where seconds since 1900 belong.")
    return int(text) - NTP_TO_UNIX


class LeapFile:
    """A leap second file on disk, read again whenever it was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._list: LeapList | None = None

    def read(self) -> LeapList:
        """The list as it is now, expired or not.

        Raises:
            Unavailable: there is no such file, or it cannot be understood.
        """
        try:
            stat = self._path.stat()
            seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if self._list is None or seen != self._seen:
                self._list = parse_leap_file(self._path.read_bytes())
                self._seen = seen
        except OSError as error:
            raise Unavailable(
                "clock.leap-file",
                f"The leap second file {self._path} cannot be read ({error.strerror}); set [time] leap-file.",
            ) from error
        except Malformed as error:
            raise Unavailable("clock.leap-file", f"{self._path}: {error}") from error
        return self._list


def day(unix: int) -> str:
    """A Unix time as a UTC date."""
    return datetime.fromtimestamp(unix, tz=UTC).strftime("%Y-%m-%d")
