"""ZIP files as they are, and as those make them who want their readers to disagree."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest
from asic_vectors import container

from trustworks.core.errors import Malformed, Rejected
from trustworks.formats.asic.archive import Archive, open_archive
from trustworks.formats.data import Octets, Stored
from trustworks.formats.evidence import Weight
from trustworks.formats.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MEMBERS = {"a.txt": b"first " * 400, "folder/b.bin": bytes(range(256)) * 40, "empty": b""}


def opened(octets: bytes, **limits: int) -> Archive:
    return open_archive(Octets(octets), Limits(**limits))


def codes(archive: Archive) -> list[str]:
    return [finding.code for finding in archive.findings]


@pytest.mark.parametrize("packed", [True, False])
def test_members_are_as_zipfile_has_them(packed: bool) -> None:
    archive = opened(container(MEMBERS, packed=packed, comment=b"mimetype=x"))
    assert {name: member.octets() for name, member in archive.members.items() if name in MEMBERS} == MEMBERS
    assert {name: member.size for name, member in archive.members.items() if name in MEMBERS} == {
        name: len(content) for name, content in MEMBERS.items()
    }
    assert (archive.comment, archive.first, archive.findings) == (b"mimetype=x", "mimetype", ())
    with pytest.raises(Rejected):
        archive.members["a.txt"].digest("unknown")


def test_a_file_is_read_in_portions_and_with_descriptors_and_zip64(tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    large = bytes(range(251)) * 20_000
    with (
        path.open("wb") as stream,
        zipfile.ZipFile(_Unseekable(stream), "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        with archive.open("large.bin", "w", force_zip64=True) as member:
            member.write(large)
        archive.writestr("small", b"small")
    found = open_archive(Stored(path), Limits(parsed=1_000))
    assert found.findings == ()
    portions = list(found.members["large.bin"].portions())
    assert max(map(len, portions)) <= 1 << 20
    assert b"".join(portions) == large


class _Unseekable(io.RawIOBase):
    """What makes `zipfile` write descriptors after the members."""

    def __init__(self, stream: io.BufferedWriter) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, octets: bytes) -> int:  # type: ignore[override]  # as zipfile calls it
        return self._stream.write(octets)

    def flush(self) -> None:
        self._stream.flush()


def test_names_without_the_flag_for_utf8_are_read() -> None:
    octets = container({"é.txt": b"x"})
    assert "é.txt" in opened(octets).members
    flagless = octets.replace(struct.pack("<HH", 0x800, 8), struct.pack("<HH", 0, 8))
    assert "é.txt" in opened(flagless).members
    latin = flagless.replace("é.txt".encode(), b"\x82\xff.txt")
    assert "é\xa0.txt" in opened(latin).members


@pytest.mark.parametrize(
    ("members", "code", "left"),
    [
        ([("a", b"1"), ("a", b"2")], "asic.duplicate-member", ["a"]),
        ([("a", b"1"), ("A", b"2")], "asic.duplicate-member", ["a"]),
        ([("\u00e9", b"1"), ("e\u0301", b"2")], "asic.duplicate-member", ["\u00e9"]),
        ([("../a", b"1")], "asic.member-name", []),
        ([("a/../../b", b"1")], "asic.member-name", []),
        ([("/etc/passwd", b"1")], "asic.member-name", []),
        ([("c:a", b"1")], "asic.member-name", []),
        ([("a\\b", b"1")], "asic.member-name", []),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_programs_read_differently_are_fatal(
    members: list[tuple[str, bytes]], code: str, left: list[str]
) -> None:
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    found = opened(octets.getvalue())
    assert codes(found) == [code]
    assert found.findings[0].weight is Weight.FATAL
    assert list(found.members) == left


def _flag(octets: bytes, bit: int) -> bytes:
    """A bit of the flags set in the first local header and in the first entry of the directory."""
    changed = bytearray(octets)
    changed[6] |= bit
    changed[octets.index(b"PK\x01\x02") + 8] |= bit
    return bytes(changed)


def _method(octets: bytes, method: int) -> bytes:
    changed = bytearray(octets)
    changed[8] = changed[octets.index(b"PK\x01\x02") + 10] = method
    return bytes(changed)


def _other_name(octets: bytes) -> bytes:
    return octets.replace(b"a.txt", b"b.txt", 1)


def _other_size(octets: bytes) -> bytes:
    return octets[:22] + struct.pack("<L", 7) + octets[26:]


def _damaged(octets: bytes) -> bytes:
    place = octets.index(b"a.txt") + 5
    return octets[:place] + b"\xff" + octets[place + 1 :]


def _another_checksum(octets: bytes) -> bytes:
    changed = bytearray(octets)
    for place in (14, octets.index(b"PK\x01\x02") + 16):
        changed[place] ^= 1
    return bytes(changed)


def _longer_than_said(octets: bytes) -> bytes:
    changed = bytearray(octets)
    for place in (22, octets.index(b"PK\x01\x02") + 24):
        changed[place : place + 4] = struct.pack("<L", 5)
    return bytes(changed)


def _hidden(octets: bytes) -> bytes:
    """A member between the last and the directory that the directory does not name."""
    hidden = container({"hidden": b"x"}, None)
    hidden = hidden[: hidden.index(b"PK\x01\x02")]
    place = octets.index(b"PK\x01\x02")
    moved = bytearray(octets[:place] + hidden + octets[place:])
    end = len(moved) - 22
    struct.pack_into("<L", moved, end + 16, place + len(hidden))
    return bytes(moved)


@pytest.mark.parametrize(
    ("change", "code", "weight", "kept"),
    [
        (lambda octets: _flag(octets, 1), "asic.encrypted-member", Weight.FATAL, False),
        (lambda octets: _method(octets, 12), "asic.compression", Weight.FATAL, False),
        (_other_name, "asic.header-differs", Weight.FATAL, True),
        (_other_size, "asic.header-differs", Weight.FATAL, True),
        (_damaged, "asic.damaged-member", Weight.FATAL, False),
        (_another_checksum, "asic.damaged-member", Weight.FATAL, False),
        (_longer_than_said, "asic.damaged-member", Weight.FATAL, False),
        (_hidden, "asic.hidden-data", Weight.SUSPICIOUS, True),
        (lambda octets: octets + b"tail", "asic.trailing-data", Weight.SUSPICIOUS, True),
        (lambda octets: _flag(octets, 8), "asic.header-differs", Weight.FATAL, True),
    ],
)
def test_what_is_not_as_the_directory_says_is_found(
    change: Callable[[bytes], bytes], code: str, weight: Weight, kept: bool
) -> None:
    found = opened(change(container({"a.txt": b"first " * 400}, None)))
    assert (code, weight) in {(finding.code, finding.weight) for finding in found.findings}
    assert ("a.txt" in found.members) is kept


def test_an_end_within_the_comment_is_found() -> None:
    inner = b"PK\x05\x06" + bytes(16) + struct.pack("<H", 0)
    assert "asic.two-directories" in codes(opened(container({"a": b"1"}, comment=b"x" * 5 + inner)))


def _overlapping(octets: bytes) -> bytes:
    """The directory twice over the same member, under two names."""
    place = octets.index(b"PK\x01\x02")
    entry = octets[place : octets.index(b"PK\x05\x06")]
    doubled = octets[:place] + entry + entry.replace(b"a.txt", b"b.txt")
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, 2 * len(entry), place, 0)
    return doubled + end


@pytest.mark.parametrize(
    ("octets", "limits"),
    [
        (b"PK\x03\x04", {}),
        (b"PK\x03\x04" + bytes(100), {}),
        (container({"a.txt": b"1"}, None)[:-1], {}),
        (container({"a.txt": b"1"}, None).replace(b"PK\x01\x02", b"PK\x01\x03"), {}),
        (container({"a.txt": b"1"}, None).replace(b"PK\x03\x04", b"PK\x03\x05"), {}),
        (_overlapping(container({"a.txt": b"1"}, None)), {}),
        (container({str(number): b"" for number in range(6)}), {"members": 5}),
        (container({"zeros": bytes(3 << 20)}), {"ratio": 500}),
        (container({"a.txt": bytes(2000)}), {"unpacked": 1000}),
        (container({"a.txt": b"1"}), {"parsed": 50}),
        (b"PK\x03\x04" + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, 9, 0, 0), {}),
        (b"PK\x03\x04" + struct.pack("<4s4H2LH", b"PK\x05\x06", 1, 1, 1, 1, 0, 0, 0), {}),
        (b"PK\x03\x04" + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 9, 0, 0), {}),
    ],
)
def test_what_is_no_container_or_too_much_is_refused(octets: bytes, limits: dict[str, int]) -> None:
    with pytest.raises(Malformed, match=r"\.$"):
        opened(octets, **limits)


def test_an_end_of_zip64_that_leads_nowhere_is_refused() -> None:
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 9, 0, 0)
    for place, disks in ((1 << 60, 1), (0, 2), (4, 1)):
        locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, place, disks)
        with pytest.raises(Malformed, match=r"\.$"):
            opened(b"PK\x03\x04" + bytes(100) + locator + end)
