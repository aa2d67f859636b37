"""A ZIP file whose octets follow from its members alone: nothing packed, no times, one way to write it.

Packing would make the octets depend on the library that packs, and a bomb possible. Since there is one way to
write it, whether a file was changed anywhere is seen by writing it again.

Source: PKWARE APPNOTE 6.3.3, 4.3.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from trustworks.formats.data import Data

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_VERSION: Final = 20
_UTF8: Final = 0x0800
_DAY: Final = 0x0021
"""The first of January 1980, in the form of MS-DOS: the earliest day there is."""
_MOST: Final = 0xF0000000
"""Octets before the last member's end; beyond them other records would be needed (4.4.1.4)."""
_MEMBERS: Final = 10_000


def written(members: Mapping[str, Data], comment: bytes) -> Iterator[bytes]:
    """The octets of the file, in portions; each member is read twice.

    Raises:
        Malformed: it would be larger than 4 GB, or have more than 10,000 members.
    """
    directory: list[bytes] = []
    place = 0
    for name, data in members.items():
        named = name.encode()
        checksum = size = 0
        for portion in data.portions():
            checksum = zlib.crc32(portion, checksum)
            size += len(portion)
        if place + size > _MOST or len(directory) >= _MEMBERS:
            raise Malformed(
                f"What is to be kept has more than 4 GB, or {_MEMBERS} parts; keep it without the data."
            )
        common = (_VERSION, _UTF8, 0, 0, _DAY, checksum, size, size, len(named), 0)
        directory.append(_CENTRAL.pack(b"PK\x01\x02", _VERSION, *common, 0, 0, 0, 0, place) + named)
        yield _LOCAL.pack(b"PK\x03\x04", *common) + named
        yield from data.portions()
        place += _LOCAL.size + len(named) + size
    listed = b"".join(directory)
    yield listed
    yield (
        _END.pack(b"PK\x05\x06", 0, 0, len(directory), len(directory), len(listed), place, len(comment))
        + comment
    )


def is_written_so(file: Path, members: Mapping[str, Data], comment: bytes) -> bool:
    """Whether a file is, octet for octet, what `written` makes of these members. Raises OSError."""
    with file.open("rb") as stream:
        same = all(stream.read(len(portion)) == portion for portion in written(members, comment))
        return same and stream.read(1) == b""
