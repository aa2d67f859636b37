"""The members of a container as data, read in portions out of its file (EN 319 162-1, 4)."""

from __future__ import annotations

import unicodedata
import zlib
from dataclasses import field
from typing import TYPE_CHECKING, Final

from isal.isal_zlib import crc32

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.values import dataclass
from trustworks.formats.asic.directory import Entry, is_encrypted, read_directory, suspicious
from trustworks.formats.data import PORTION, digest_of, stretch
from trustworks.formats.evidence import Weight
from trustworks.formats.zip_writer import NewMember, Zip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Finding
    from trustworks.formats.limits import Limits

STORED: Final = 0
DEFLATED: Final = 8


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a container, unpacked when it is asked for."""

    container: Data = field(repr=False)
    entry: Entry
    _digests: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The name with its folders, as the directory has it."""
        return self.entry.name

    @property
    def size(self) -> int:
        """Octets when unpacked; what has more or fewer is not taken."""
        return self.entry.unpacked

    def portions(self) -> Iterator[bytes]:
        """The octets in portions. Raises `Malformed` where they are not what the directory says."""
        total = checksum = 0
        packed = self.entry.method != STORED
        for portion in self._inflated() if packed else self._stored():
            total += len(portion)
            if total > self.entry.unpacked:
                break
            # A checksum finds errors of unpacking. What is stored is as it is: its digest tells whether it is
            # what was signed, at two thirds of the price.
            checksum = crc32(portion, checksum) if packed else self.entry.checksum
            yield portion
        if total != self.entry.unpacked or checksum != (self.entry.checksum if total else 0):
            raise Malformed(f"The member {self.name!r:.100} is damaged: it is not what its checksum is of.")

    def _stored(self) -> Iterator[bytes]:
        return stretch(self.container, self.entry.begin, self.entry.end)

    def _inflated(self) -> Iterator[bytes]:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for packed in self._stored():
                rest = packed
                while rest and not inflater.eof:
                    if unpacked := inflater.decompress(rest, PORTION):
                        yield unpacked
                    rest = inflater.unconsumed_tail
            # What the inflater still holds comes in portions too.
            while not inflater.eof and (unpacked := inflater.decompress(b"", PORTION)):
                yield unpacked
        except zlib.error as error:
            raise Malformed(f"The member {self.name!r:.100} is damaged: it cannot be unpacked.") from error

    def octets(self) -> bytes:
        """The octets, all in memory."""
        return b"".join(self.portions())

    def digest(self, hash_name: str) -> bytes:
        """See `Data.digest`."""
        if hash_name not in self._digests:
            self._digests[hash_name] = digest_of(self, hash_name)
        return self._digests[hash_name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A container: its members by their names in the order of the file, its comment, what is wrong."""

    members: dict[str, Member]
    comment: bytes
    first: str | None
    findings: tuple[Finding, ...]


def open_archive(data: Data, limits: Limits) -> Archive:
    """The members that can be read; each is unpacked once, so that none fails later.

    A container that is yet to be written is not written for it: its members are read where they are.

    Raises:
        Malformed: it is no ZIP file, or beyond the limits.
    """
    if isinstance(data, Zip):
        return _unwritten(data, limits)
    directory = read_directory(data, limits)
    findings = list(directory.findings)
    members: dict[str, Member] = {}
    seen: set[str] = set()
    for entry in directory.entries:
        if entry.name.endswith("/") and entry.unpacked == 0:
            continue
        objection = _objection(entry, seen)
        if objection is None:
            member = Member(data, entry)
            try:
                member.digest("sha256")
            except BeyondLimit:
                raise
            except Malformed as error:
                objection = suspicious("damaged-member", str(error), Weight.FATAL)
            else:
                members[entry.name] = member
        if objection is not None:
            findings.append(objection)
        seen |= {entry.name, folded(entry.name)}
    first = directory.entries[0].name if directory.entries else None
    return Archive(
        members=members, comment=directory.comment, first=first, findings=tuple(dict.fromkeys(findings))
    )


@dataclass(frozen=True, slots=True)
class _Unwritten(Member):
    """A member that will be written: its octets are those of the data that it is made of."""

    def portions(self) -> Iterator[bytes]:
        """The octets of the data."""
        return self.container.portions()

    def digest(self, hash_name: str) -> bytes:
        """The digest of the data, which it may know already."""
        return self.container.digest(hash_name)


def member_of(one: NewMember) -> Member:
    """A member that will be written, to be read before it is."""
    entry = Entry(
        name=one.name,
        flags=0,
        method=DEFLATED if one.packed else STORED,
        checksum=0,
        packed=one.data.size,
        unpacked=one.data.size,
        header=0,
        begin=0,
        extra=b"",
    )
    return _Unwritten(one.data, entry)


def _unwritten(data: Zip, limits: Limits) -> Archive:
    before = None if data.kept is None else open_archive(data.kept.data, limits)
    members = {} if before is None else dict(before.members)
    for one in data.members:
        if isinstance(one, NewMember):
            members[one.name] = member_of(one)
        elif isinstance(one.data, Member):  # else a folder, which is no member
            members[one.name] = one.data
    return Archive(
        members=members,
        comment=data.comment if before is None else before.comment,
        first=next(iter(members), None) if before is None else before.first,
        findings=() if before is None else before.findings,
    )


def _objection(entry: Entry, seen: set[str]) -> Finding | None:
    """Why a member is not taken: nobody can say what it is, or programs would not agree about it."""
    shown = f"{entry.name!r:.100}"
    if not entry.name or leads_out(entry.name):
        return suspicious(
            "member-name", f"The name {shown} of a member leads out of the container.", Weight.FATAL
        )
    if entry.name in seen or folded(entry.name) in seen:
        return suspicious(
            "duplicate-member",
            f"More than one member has the name {shown}, or a name that some take for it.",
            Weight.FATAL,
        )
    if is_encrypted(entry):
        return suspicious("encrypted-member", f"The member {shown} is encrypted.", Weight.FATAL)
    if entry.method not in {STORED, DEFLATED}:
        return suspicious(
            "compression", f"The member {shown} is packed by a method that is not read here.", Weight.FATAL
        )
    return None


def leads_out(name: str) -> bool:
    """Whether a name leads out of the folder that a container is unpacked into, on some system."""
    odd = "\\" in name or "\0" in name or name[1:2] == ":"
    return odd or name.startswith("/") or ".." in name.split("/")


def folded(name: str) -> str:
    """A name as systems compare it that tell neither capitals nor ways to write an accent apart."""
    return unicodedata.normalize("NFC", name).casefold()
