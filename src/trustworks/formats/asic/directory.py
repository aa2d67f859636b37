"""The central directory of a ZIP file, and whether what it says of each member is true.

Readers that go by the local headers, and readers that go by the directory, see the same members or the file
is not taken as it is: a difference is a finding, an overlap is refused. Source: PKWARE APPNOTE 6.3.3, 4.3.
"""

from __future__ import annotations

import io
import struct
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING, BinaryIO, Final

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.values import dataclass
from trustworks.formats.data import Stored
from trustworks.formats.evidence import Finding, Weight

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.formats.data import Data
    from trustworks.formats.limits import Limits

_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR: Final = struct.Struct("<4sLQL")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_LONGEST: Final = 32 << 20
"""Octets of a directory: ten thousand members with names of three thousand octets."""
_ABSENT: Final = 0xFFFFFFFF
_ENCRYPTED: Final = 0x2041
"""Bits of the flags: encrypted, strongly encrypted, with a masked header."""
_DESCRIBED: Final = 0x0008
_UTF8: Final = 0x0800
_SMALL: Final = 1 << 20
"""Octets below which no ratio is looked at: a megabyte costs nobody anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One member as the directory describes it. `begin` is where its packed octets begin."""

    name: str
    flags: int
    method: int
    checksum: int
    packed: int
    unpacked: int
    header: int
    begin: int
    extra: bytes
    central: bytes = field(default=b"", repr=False)
    """The entry of the directory as it stands there."""

    @property
    def end(self) -> int:
        """Where its packed octets end."""
        return self.begin + self.packed

    @property
    def is_named_for_certain(self) -> bool:
        """Whether the name is in UTF-8; else every reader decodes it by a table of its own."""
        length = int.from_bytes(self.central[28:30], "little")
        try:
            self.central[_CENTRAL.size : _CENTRAL.size + length].decode()
        except UnicodeDecodeError:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The members in the order of the file, and the comment of the whole."""

    entries: tuple[Entry, ...]
    begin: int
    comment: bytes
    findings: tuple[Finding, ...]


@contextmanager
def opened(data: Data) -> Iterator[BinaryIO]:
    """The octets of a container to be read at any place; a file is not read into memory."""
    if isinstance(data, Stored):
        with data.path.open("rb") as stream:
            yield stream
    else:
        yield io.BytesIO(data.octets())


def read_directory(data: Data, limits: Limits) -> Directory:
    """Reads and checks the directory.

    Raises:
        Malformed: there is none that can be read, or the members are more or larger than the limits allow,
            or lie over each other.
    """
    if not isinstance(data, Stored) and data.size > limits.parsed:
        raise BeyondLimit(
            f"The container has {data.size} octets, more than the {limits.parsed} that are held in memory. "
            "Give it as a file.",
            "parsed",
        )
    findings: list[Finding] = []
    with opened(data) as stream:
        size = data.size
        count, begin, length, comment = _end(stream, size, findings)
        if count > limits.members:
            raise BeyondLimit(
                f"The container has {count} members, more than the {limits.members} read.", "members"
            )
        if length > min(limits.parsed, _LONGEST) or begin + length > size:
            raise Malformed("The directory of the container is longer than one may be, or than the file.")
        entries = _entries(_at(stream, begin, length), count)
        _check_sizes(entries, limits)
        checked = tuple(
            sorted((_local(stream, entry, findings) for entry in entries), key=lambda entry: entry.header)
        )
        _check_layout(checked, begin, findings)
        _check_descriptors(stream, checked, findings)
    return Directory(entries=checked, begin=begin, comment=comment, findings=tuple(findings))


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A directory as it stands in the file: where it begins, its octets, how many entries, the comment."""

    begin: int
    octets: bytes
    count: int
    comment: bytes


def directory_of(data: Data) -> Written:
    """The directory of a container as it stands there. Raises `Malformed` where there is none."""
    with opened(data) as stream:
        count, begin, length, comment = _end(stream, data.size, [])
        return Written(begin=begin, octets=_at(stream, begin, length), count=count, comment=comment)


def suspicious(code: str, text: str, weight: Weight = Weight.SUSPICIOUS) -> Finding:
    """A finding about the container."""
    return Finding(code=f"asic.{code}", text=text, weight=weight)


def _at(stream: BinaryIO, place: int, length: int) -> bytes:
    stream.seek(place)
    octets = stream.read(length)
    if len(octets) != length:
        raise Malformed("The container ends before what its directory names.")
    return octets


def _end(stream: BinaryIO, size: int, findings: list[Finding]) -> tuple[int, int, int, bytes]:
    """Number of members, place and length of the directory, and the comment, of its end record (4.3.16)."""
    tail = _at(stream, max(0, size - _END.size - 0xFFFF), min(size, _END.size + 0xFFFF))
    places: list[int] = []
    found = tail.rfind(b"PK\x05\x06")
    while found >= 0 and len(places) < 16:
        if found + _END.size <= len(tail):
            places.append(found)
        found = tail.rfind(b"PK\x05\x06", 0, found)
    if not places:
        raise Malformed("The container has no directory at its end: it was cut, or is no ZIP file.")
    exact = [
        place
        for place in places
        if place + _END.size + int.from_bytes(tail[place + 20 : place + 22], "little") == len(tail)
    ]
    place = exact[0] if exact else places[0]
    if not exact:
        findings.append(suspicious("trailing-data", "There are octets after the end of the container."))
    if len(exact) > 1:
        findings.append(
            suspicious("two-directories", "The end of the container can be read as two directories.")
        )
    _, disk, start_disk, _, count, length, begin, comment_length = _END.unpack_from(tail, place)
    comment = tail[place + _END.size : place + _END.size + comment_length]
    if count == 0xFFFF or _ABSENT in {length, begin}:
        count, length, begin = _end64(stream, size - len(tail) + place, (count, length, begin))
    elif disk or start_disk:
        raise Malformed("The container is a part of several: give it whole.")
    return count, begin, length, comment


def _end64(stream: BinaryIO, end: int, small: tuple[int, int, int]) -> tuple[int, int, int]:
    """Number, length and place from the end record of ZIP64, where there is one (4.3.14, 4.3.15)."""
    if end < _LOCATOR.size:
        return small
    signature, _, place, disks = _LOCATOR.unpack(_at(stream, end - _LOCATOR.size, _LOCATOR.size))
    if signature != b"PK\x06\x07":
        return small
    if disks > 1 or place + _END64.size > end:
        raise Malformed("The container is a part of several, or its directory is not where it says.")
    record = _END64.unpack(_at(stream, place, _END64.size))
    if record[0] != b"PK\x06\x06":
        raise Malformed("The directory of the container is not where its end says.")
    return record[7], record[8], record[9]


def _entries(octets: bytes, count: int) -> list[Entry]:
    entries: list[Entry] = []
    place = 0
    while place < len(octets) and len(entries) < count:
        if place + _CENTRAL.size > len(octets):
            raise Malformed("The directory of the container ends within an entry.")
        fields = _CENTRAL.unpack_from(octets, place)
        signature, _, _, flags, method, _, _, checksum, packed, unpacked = fields[:10]
        name_length, extra_length, comment_length = fields[10:13]
        if signature != b"PK\x01\x02":
            raise Malformed("The directory of the container has something that is no entry.")
        begin = place + _CENTRAL.size
        place = begin + name_length + extra_length + comment_length
        if place > len(octets):
            raise Malformed("The directory of the container ends within an entry.")
        extra = octets[begin + name_length : begin + name_length + extra_length]
        unpacked, packed, header = _large(extra, (unpacked, packed, fields[16]))
        entries.append(
            Entry(
                name=_text(octets[begin : begin + name_length], flags),
                flags=flags,
                method=method,
                checksum=checksum,
                packed=packed,
                unpacked=unpacked,
                header=header,
                begin=0,
                extra=extra,
                central=octets[begin - _CENTRAL.size : place],
            )
        )
    if len(entries) != count or place != len(octets):
        raise Malformed(f"The directory of the container does not have the {count} entries that it says.")
    return entries


def _text(name: bytes, flags: int) -> str:
    """A member's name: UTF-8 also without the flag for it, which many writers leave out (appendix D)."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("cp437") if not flags & _UTF8 else name.decode("utf-8", "backslashreplace")


def _large(extra: bytes, small: tuple[int, int, int]) -> tuple[int, int, int]:
    """Sizes and place as the extra field of ZIP64 says where the small ones are absent (4.5.3)."""
    if _ABSENT not in small:
        return small
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        if kind == 1:
            values = iter(
                int.from_bytes(extra[begin : begin + 8], "little")
                for begin in range(place + 4, min(place + 4 + length, len(extra)) - 7, 8)
            )
            unpacked, packed, header = (next(values, value) if value == _ABSENT else value for value in small)
            return unpacked, packed, header
        place += 4 + length
    return small


def _check_sizes(entries: Sequence[Entry], limits: Limits) -> None:
    total = sum(entry.unpacked for entry in entries)
    if total > limits.unpacked:
        raise BeyondLimit(
            f"The container holds {total} octets, more than the {limits.unpacked} that are read.", "unpacked"
        )
    for entry in entries:
        if entry.unpacked > _SMALL and entry.unpacked > limits.ratio * max(entry.packed, 1):
            raise BeyondLimit(
                f"The member {entry.name!r:.100} says that it unpacks to more than {limits.ratio} times its "
                "size: it is not read.",
                "ratio",
            )


def _local(stream: BinaryIO, entry: Entry, findings: list[Finding]) -> Entry:
    """The entry with its place, its local header compared with the directory (4.3.7)."""
    fields = _LOCAL.unpack(_at(stream, entry.header, _LOCAL.size))
    signature, _, flags, method, _, _, checksum, packed, unpacked, name_length, extra_length = fields
    if signature != b"PK\x03\x04":
        raise Malformed(f"The member {entry.name!r:.100} is not where the directory of the container says.")
    after = _at(stream, entry.header + _LOCAL.size, name_length + extra_length)
    name, extra = after[:name_length], after[name_length:]
    unpacked, packed, _ = _large(extra, (unpacked, packed, 0))
    said = (checksum, packed, unpacked)
    differ = flags & _DESCRIBED == 0 and said != (entry.checksum, entry.packed, entry.unpacked)
    if _text(name, flags) != entry.name or method != entry.method or differ:
        findings.append(
            suspicious(
                "header-differs",
                f"The member {entry.name!r:.100} is described otherwise at its place than in the directory.",
                Weight.FATAL,
            )
        )
    return Entry(
        name=entry.name,
        flags=entry.flags | flags & (_ENCRYPTED | _DESCRIBED),
        method=entry.method,
        checksum=entry.checksum,
        packed=entry.packed,
        unpacked=entry.unpacked,
        header=entry.header,
        begin=entry.header + _LOCAL.size + name_length + extra_length,
        extra=extra,
        central=entry.central,
    )


def _check_layout(entries: Sequence[Entry], directory: int, findings: list[Finding]) -> None:
    """Members one after the other from the first octet to the directory, with nothing between."""
    ends = [0, *(entry.end for entry in entries)]
    begins = [*(entry.header for entry in entries), directory]
    described = [False, *(bool(entry.flags & _DESCRIBED) for entry in entries)]
    hidden = False
    for end, begin, descriptor in zip(ends, begins, described, strict=True):
        gap = begin - end
        if gap < 0:
            raise Malformed("Members of the container lie over each other: it is not read.")
        hidden = hidden or gap not in ((12, 16, 20, 24) if descriptor else (0,))
    if hidden:
        findings.append(
            suspicious(
                "hidden-data",
                "Between the members of the container are octets that its directory does not name.",
            )
        )


def _check_descriptors(stream: BinaryIO, entries: Sequence[Entry], findings: list[Finding]) -> None:
    """What stands after a member that was written without knowing its size (4.3.9)."""
    for entry in entries:
        if not entry.flags & _DESCRIBED:
            continue
        stream.seek(entry.end)
        after = stream.read(24)
        after = after.removeprefix(b"PK\x07\x08")
        sizes = (struct.pack("<3L", entry.checksum, entry.packed & _ABSENT, entry.unpacked & _ABSENT),)
        if not after.startswith((*sizes, struct.pack("<LQQ", entry.checksum, entry.packed, entry.unpacked))):
            findings.append(
                suspicious(
                    "header-differs",
                    f"The member {entry.name!r:.100} is described otherwise after it than in the directory.",
                    Weight.FATAL,
                )
            )


def is_encrypted(entry: Entry) -> bool:
    """Whether the octets of a member are encrypted."""
    return bool(entry.flags & _ENCRYPTED)
