"""Writes ZIP files in portions, without holding any member: anew, or behind the members of one that is there.

What is stored has its checksum before it, so that readers of streams can take it; what is packed has it
behind (a data descriptor). Large files are written as ZIP64. Where nothing is packed, the octets follow from
the members alone: whether such a file was changed is seen by writing it again.
Source: PKWARE APPNOTE 6.3.3, 4.3.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import field
from typing import TYPE_CHECKING, Final

from isal.isal_zlib import crc32

from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass
from trustworks.formats.data import checksum_of, digest_of, stretch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.formats.data import Data

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR: Final = struct.Struct("<4sLQL")
_ABSENT: Final = 0xFFFFFFFF
_SMALL: Final = 0xF000_0000
"""Octets below which the sizes of a member fit into 32 bits, packed too."""
_VERSION: Final = 20
_VERSION64: Final = 45
_UTF8: Final = 0x0800
_DESCRIBED: Final = 0x0008
_DAY: Final = 0x0021
"""The first of January 1980, the earliest day: when a member was written is nobody's business."""
_DEFLATED: Final = 8
_LONGEST_NAME: Final = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMember:
    """A member to be written: its name with its folders, its octets, whether they are packed (Deflate)."""

    name: str
    data: Data
    packed: bool = False

    def __post_init__(self) -> None:
        """Raises `Rejected` (zip.name) for a name that no ZIP file holds."""
        check_name(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A member of a container that is there, taken over octet for octet, whatever its writer made of it.

    Header, packed octets and descriptor stand from `begin` to `end` of the container; `entry` is what its
    directory says of it, of which only the place becomes another. `data` is the member unpacked.
    """

    name: str
    data: Data
    container: Data
    begin: int
    end: int
    entry: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The members of a container that is there: its first `begin` octets, directory, count and comment."""

    data: Data
    begin: int
    directory: bytes = field(repr=False)
    count: int
    comment: bytes


@dataclass(frozen=True, slots=True)
class Zip:
    """A ZIP file as data: made anew each time that its portions are asked for.

    `comment` is that of a new file; one that is there keeps its own.
    """

    members: Sequence[NewMember | Carried]
    kept: Kept | None = None
    name: str | None = None
    comment: bytes = b""
    _digests: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Octets; for packed members they have to be packed for it."""
        return sum(map(len, self.portions()))

    def portions(self) -> Iterator[bytes]:
        """The octets in portions. Raises `Rejected` (``data.changed``): a member changed meanwhile."""
        at = 0
        if self.kept is not None:
            for portion in self.kept.data.portions():
                part = portion[: self.kept.begin - at]
                at += len(part)
                yield part
                if at == self.kept.begin:
                    break
        directory = [b"" if self.kept is None else self.kept.directory]
        for member in self.members:
            written = _Writing(member, at) if isinstance(member, NewMember) else _Carrying(member, at)
            for portion in written.portions():
                at += len(portion)
                yield portion
            directory.append(written.central())
        count = len(self.members) + (0 if self.kept is None else self.kept.count)
        comment = self.comment if self.kept is None else self.kept.comment
        yield _closing(b"".join(directory), at, count, comment)

    def octets(self) -> bytes:
        """The octets, all in memory."""
        return b"".join(self.portions())

    def digest(self, hash_name: str) -> bytes:
        """See `Data.digest`."""
        if hash_name not in self._digests:
            self._digests[hash_name] = digest_of(self, hash_name)
        return self._digests[hash_name]


def check_name(name: str) -> None:
    """Refuses a name that is no UTF-8, or longer than a ZIP file has room for (4.4.10)."""
    try:
        length = len(name.encode())
    except UnicodeEncodeError as error:
        raise Rejected("zip.name", f"The name {name!r:.100} has half a character. Give another.") from error
    if length > _LONGEST_NAME:
        raise Rejected(
            "zip.name",
            f"The name {name!r:.40}… has {length} octets; {_LONGEST_NAME} are the most. Shorten it.",
        )


class _Writing:
    """One member while it is written, at `begin` of the file."""

    def __init__(self, member: NewMember, begin: int) -> None:
        self.member = member
        self.begin = begin
        self.name = member.name.encode()
        self.size = member.data.size
        self.large = self.size >= _SMALL
        self.flags = _UTF8 | (_DESCRIBED if member.packed else 0)
        self.checksum = self.packed = self.unpacked = 0

    def portions(self) -> Iterator[bytes]:
        """Header, octets, and the descriptor behind packed ones."""
        before = 0 if self.member.packed else checksum_of(self.member.data)
        yield self._local(before)
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS) if self.member.packed else None
        for portion in self.member.data.portions():
            self.unpacked += len(portion)
            self.checksum = crc32(portion, self.checksum)
            if written := portion if packer is None else packer.compress(portion):
                self.packed += len(written)
                yield written
        if packer is not None:
            rest = packer.flush()
            self.packed += len(rest)
            yield rest + self._descriptor()
        elif (self.checksum, self.unpacked) != (before, self.size):
            raise Rejected("data.changed", f"{self.member.name!r:.100} was changed while it was read.")
        if max(self.packed, self.unpacked) >= _ABSENT and not self.large:
            raise Rejected("data.changed", f"{self.member.name!r:.100} grew while it was read.")

    def _local(self, checksum: int) -> bytes:
        described = self.member.packed
        size = 0 if described else self.size
        extra = struct.pack("<HHQQ", 1, 16, size, size) if self.large else b""
        shown = _ABSENT if self.large else size
        version, method = self._kind()
        heading = _LOCAL.pack(
            b"PK\3\4",
            version,
            self.flags,
            method,
            0,
            _DAY,
            checksum,
            shown,
            shown,
            len(self.name),
            len(extra),
        )
        return heading + self.name + extra

    def _kind(self) -> tuple[int, int]:
        return _VERSION64 if self.large else _VERSION, _DEFLATED if self.member.packed else 0

    def _descriptor(self) -> bytes:
        sizes = struct.pack("<QQ" if self.large else "<LL", self.packed, self.unpacked)
        return b"PK\7\10" + struct.pack("<L", self.checksum) + sizes

    def central(self) -> bytes:
        """The entry of the directory, once the member is written."""
        large = [self.unpacked, self.packed] if self.large else []
        far = _far(self.begin)
        values = [*large, *([self.begin] if far else [])]
        extra = struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values) if values else b""
        version, method = self._kind()
        version = _VERSION64 if values else version
        shown = (_ABSENT, _ABSENT) if self.large else (self.packed, self.unpacked)
        heading = _CENTRAL.pack(
            *(b"PK\1\2", version, version, self.flags, method, 0, _DAY, self.checksum, *shown),
            *(len(self.name), len(extra), 0, 0, 0, 0, _ABSENT if far else self.begin),
        )
        return heading + self.name + extra


class _Carrying:
    """One member that is taken over, to `begin` of the new file."""

    def __init__(self, member: Carried, begin: int) -> None:
        self.member = member
        self.begin = begin

    def portions(self) -> Iterator[bytes]:
        """What stands in the container, as it stands there."""
        left = self.member.end - self.member.begin
        for portion in stretch(self.member.container, self.member.begin, self.member.end):
            left -= len(portion)
            yield portion
        if left:
            raise Rejected("data.changed", "The container was cut while it was read.")

    def central(self) -> bytes:
        """The entry of the directory, with the new place."""
        entry = self.member.entry
        fields = list(_CENTRAL.unpack_from(entry))
        name_length, extra_length = fields[10:12]
        extra_begin = _CENTRAL.size + name_length
        extra = entry[extra_begin : extra_begin + extra_length]
        if fields[16] == _ABSENT or _far(self.begin):
            # In the extra field of ZIP64 the place comes after the sizes, as far as those are there (4.5.3).
            sizes = 8 * sum(one == _ABSENT for one in fields[8:10])
            extra = _with_place(extra, sizes, self.begin)
            fields[2] = max(fields[2], _VERSION64)
            fields[16] = _ABSENT
        else:
            fields[16] = self.begin
        fields[11] = len(extra)
        after = entry[extra_begin + extra_length :]
        return _CENTRAL.pack(*fields) + entry[_CENTRAL.size : extra_begin] + extra + after


def _with_place(extra: bytes, sizes: int, place: int) -> bytes:
    """An extra field whose part for ZIP64 has the sizes that are in it, and the place of the member."""
    at, others, known = 0, b"", b""
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        part = extra[at : at + 4 + length]
        if kind == 1 and not known:
            known = part[4 : 4 + sizes]
        else:
            others += part
        at += 4 + length
    values = known + struct.pack("<Q", place)
    return struct.pack("<HH", 1, len(values)) + values + others + extra[at:]


def _closing(directory: bytes, begin: int, count: int, comment: bytes) -> bytes:
    """The directory and what ends the file."""
    end64 = b""
    far = _far(begin) or _far(len(directory)) or count >= 0xFFFF
    if far:
        place = begin + len(directory)
        end64 = _END64.pack(
            *(b"PK\6\6", _END64.size - 12, _VERSION64, _VERSION64, 0, 0, count, count, len(directory), begin)
        ) + _LOCATOR.pack(b"PK\6\7", 0, place, 1)
    shown = (0xFFFF, 0xFFFF, _ABSENT, _ABSENT) if far else (count, count, len(directory), begin)
    return directory + end64 + _END.pack(b"PK\5\6", 0, 0, *shown, len(comment)) + comment


def _far(place: int) -> bool:
    """Whether a place or length does not fit into 32 bits."""
    return place >= _ABSENT
