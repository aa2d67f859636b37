"""Data that is signed: octets in memory, or a file that is read in portions and never held whole."""

from __future__ import annotations

import hashlib
import io
import mmap
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, TypeGuard, cast

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PORTION: Final = 1 << 18
"""Octets that are read at once: of more, each portion is memory that the kernel gives and takes back."""

_MAPPED: Final = 16 << 20
"""Octets from which on a file is looked at where it lies; what is smaller costs less when it is read."""

HASHES: Final = frozenset(
    {
        *("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha512_256"),
        *("sha3_224", "sha3_256", "sha3_384", "sha3_512", "ripemd160"),
    }
)
"""The hash functions that are computed here, as `hashlib` calls them; weak ones too, to say that they are."""


class Data(Protocol):
    """One data object. Its name is what signatures call it by; None for data without one."""

    @property
    def name(self) -> str | None:
        """The name within what it was given with: of a file, of a container's member."""

    @property
    def size(self) -> int:
        """Octets."""

    def portions(self) -> Iterator[bytes]:
        """All octets from the beginning, in portions of at most `PORTION`."""

    def octets(self) -> bytes:
        """All octets at once; for what must be parsed."""

    def digest(self, hash_name: str) -> bytes:
        """Its digest, computed once for each hash function.

        Raises:
            Rejected: ``digest.unknown`` for a hash function that is not computed here.
        """


def hasher(hash_name: str) -> hashlib._Hash:
    """A hash function by its name in `HASHES`. Raises `Rejected` (``digest.unknown``) for another."""
    if hash_name not in HASHES:
        raise Rejected("digest.unknown", f"The hash function {hash_name} cannot be computed here.")
    try:
        return hashlib.new(hash_name, usedforsecurity=False)
    except ValueError as error:
        raise Rejected("digest.unknown", f"The hash function {hash_name} is not on this machine.") from error


def digest_of(data: Data, hash_name: str) -> bytes:
    """The digest of all portions of `data`; see `hasher` for its error."""
    running = hasher(hash_name)
    for portion in data.portions():
        running.update(portion)
    return running.digest()


def checksum_of(data: Data) -> int:
    """The CRC-32 of all portions of `data`, which ZIP asks for."""
    from isal.isal_zlib import crc32  # noqa: PLC0415 - few of those who read a file need it

    if isinstance(data, Stored) and data.checksum is not None:
        return data.checksum
    found = 0
    for portion in data.portions():
        found = crc32(portion, found)
    return found


@dataclass(frozen=True, slots=True)
class Octets:
    """Data in memory."""

    content: bytes = field(repr=False)
    name: str | None = None
    _digests: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Octets."""
        return len(self.content)

    def portions(self) -> Iterator[bytes]:
        """The octets in portions."""
        stream: BinaryIO = io.BytesIO(self.content)
        while portion := stream.read(PORTION):
            yield portion

    def octets(self) -> bytes:
        """The octets."""
        return self.content

    def digest(self, hash_name: str) -> bytes:
        """See `Data.digest`."""
        if hash_name not in self._digests:
            running = hasher(hash_name)
            running.update(self.content)
            self._digests[hash_name] = running.digest()
        return self._digests[hash_name]


@dataclass(frozen=True, slots=True)
class Stored:
    """Data in a file, read when it is asked for."""

    path: Path
    name: str | None = None
    _digests: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)
    _checksums: list[int] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Octets."""
        return self.path.stat().st_size

    def portions(self) -> Iterator[bytes]:
        """The octets in portions."""
        with self.path.open("rb") as stream:
            while portion := stream.read(PORTION):
                yield portion

    def octets(self) -> bytes:
        """The octets, all in memory."""
        return self.path.read_bytes()

    def digest(self, hash_name: str) -> bytes:
        """See `Data.digest`."""
        if hash_name not in self._digests:
            large = not self._checksums and self.size > _MAPPED
            self._digests[hash_name] = self._with_checksum(hash_name) if large else digest_of(self, hash_name)
        return self._digests[hash_name]

    def _with_checksum(self, hash_name: str) -> bytes:
        """The digest; the CRC-32 costs a fiftieth of it, and another reading of the file ten times that."""
        from isal.isal_zlib import crc32  # noqa: PLC0415 - as in `checksum_of`

        running, checksum = hasher(hash_name), 0
        for portion in self.portions():
            running.update(portion)
            checksum = crc32(portion, checksum)
        self._checksums.append(checksum)
        return running.digest()

    @property
    def checksum(self) -> int | None:
        """Its CRC-32, if the file was digested and is large; else None."""
        return self._checksums[0] if self._checksums else None


def stretch(data: Data, begin: int, end: int) -> Iterator[bytes]:
    """The octets of `data` from one place to another, in portions; fewer where it ends before.

    A file is not read into memory for it.
    """
    with data.path.open("rb") if isinstance(data, Stored) else io.BytesIO(data.octets()) as stream:
        stream.seek(begin)
        while begin < end and (portion := stream.read(min(PORTION, end - begin))):
            begin += len(portion)
            yield portion


@dataclass(frozen=True, slots=True)
class Joined:
    """Several data, one after the other, as what is signed or time-stamped often is; never held whole."""

    parts: tuple[Data, ...]
    name: str | None = None
    _digests: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Octets."""
        return sum(part.size for part in self.parts)

    def portions(self) -> Iterator[bytes]:
        """The octets in portions. Raises what a part raises whose data is not here."""
        for part in self.parts:
            yield from part.portions()

    def octets(self) -> bytes:
        """The octets, all in memory."""
        return b"".join(part.octets() for part in self.parts)

    def digest(self, hash_name: str) -> bytes:
        """See `Data.digest`."""
        if hash_name not in self._digests:
            self._digests[hash_name] = digest_of(self, hash_name)
        return self._digests[hash_name]


@dataclass(frozen=True, slots=True)
class DigestOnly:
    """Data of which only digests are known: somebody else computed them, and keeps the data.

    Nothing shows that several are of the same data. What reads signatures takes them `apart`, so that what is
    compared, told and proven is one and the same digest.
    """

    digests: tuple[tuple[str, bytes], ...]
    name: str | None = None

    @property
    def size(self) -> int:
        """Unknown: 0."""
        return 0

    def portions(self) -> Iterator[bytes]:
        """Raises `Rejected`: the data is not here."""
        raise Rejected("data.absent", f"Of {self.name or 'the data'} only digests were given.")

    def octets(self) -> bytes:
        """Raises `Rejected`: the data is not here."""
        raise Rejected("data.absent", f"Of {self.name or 'the data'} only digests were given.")

    def digest(self, hash_name: str) -> bytes:
        """The digest that was given. Raises `Rejected` (``digest.unknown``) where it was not."""
        for name, value in self.digests:
            if name == hash_name:
                return value
        raise Rejected("digest.unknown", f"No {hash_name} digest of {self.name or 'the data'} was given.")


def apart(given: Sequence[Data]) -> list[Data]:
    """Data, each of several digests by itself: one that fits a signature says nothing of the others."""
    return [
        piece
        for one in given
        for piece in (
            [DigestOnly((digest,), one.name) for digest in one.digests]
            if isinstance(one, DigestOnly) and len(one.digests) != 1
            else [one]
        )
    ]


def comparable(given: Sequence[Data], hash_name: str | None) -> list[Data]:
    """What can be compared by a hash function: all but what is known by digests of others alone."""
    return [
        one
        for one in given
        if not isinstance(one, DigestOnly) or any(name == hash_name for name, _ in one.digests)
    ]


@dataclass(frozen=True, slots=True)
class Protected:
    """Data with the password that opens it, as an encrypted PDF has one: an owner's, or a user's."""

    data: Data
    password: str = field(repr=False)

    @property
    def name(self) -> str | None:
        """See `Data.name`."""
        return self.data.name

    @property
    def size(self) -> int:
        """Octets, as they are encrypted."""
        return self.data.size

    def portions(self) -> Iterator[bytes]:
        """The octets as they are."""
        return self.data.portions()

    def octets(self) -> bytes:
        """The octets as they are."""
        return self.data.octets()

    def digest(self, hash_name: str) -> bytes:
        """See `Data.digest`."""
        return self.data.digest(hash_name)


def password_of(data: Data) -> str:
    """The password that was given with data, or with what it extends; empty where none was."""
    while isinstance(data, Extended):
        data = data.before
    return data.password if isinstance(data, Protected) else ""


class Mapped(mmap.mmap):
    """A file where it lies, with what of `bytes` readers of structure ask for.

    What is passed over is given back to the system at once: it counts as memory of this process while it is
    mapped.
    """

    def startswith(self, prefix: bytes, start: int = 0) -> bool:
        """As that of `bytes`."""
        return self[start : start + len(prefix)] == prefix

    def endswith(self, suffix: bytes, start: int, end: int) -> bool:
        """As that of `bytes`."""
        return self[max(start, end - len(suffix)) : end] == suffix

    def count(self, sought: bytes) -> int:
        """How often some octets are in it."""
        more = len(sought) - 1
        return sum(self[begin : end + more].count(sought) for begin, end in stretches(self))


def stretches(octets: bytes | Mapped) -> Iterator[tuple[int, int]]:
    """Begin and end of stretches of octets, one after the other, for who looks through all of them."""
    for begin in range(0, len(octets), PORTION):
        end = min(begin + PORTION, len(octets))
        yield begin, end
        give_back(octets, begin, end)


def give_back(octets: bytes | Mapped, begin: int, end: int) -> None:
    """Says that octets of a file need not be in memory any more: they are read again where asked for."""
    if isinstance(octets, Mapped):
        begin -= begin % mmap.PAGESIZE
        octets.madvise(mmap.MADV_DONTNEED, begin, end - begin)


def lying(data: Data) -> bytes:
    """All octets of `data`, to be searched and cut as in `in_view`, as long as somebody holds them."""
    if isinstance(data, Protected):
        data = data.data
    if not is_mapped(data):
        return data.octets()
    with data.path.open("rb") as stream:
        return cast("bytes", Mapped(stream.fileno(), 0, access=mmap.ACCESS_READ))


def is_mapped(data: Data) -> TypeGuard[Stored]:
    """Whether data is a file that is looked at where it lies."""
    return isinstance(data, Stored) and data.size > _MAPPED


@contextmanager
def in_view(data: Data, most: int) -> Iterator[bytes]:
    """All octets of `data`, to be searched and cut. A large file is not read, and must stay whole meanwhile.

    Raises:
        Malformed: it is no file by itself and has more than `most` octets, which would have to be in memory.
    """
    if isinstance(data, Protected):
        data = data.data
    if is_mapped(data):
        with data.path.open("rb") as stream, Mapped(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield cast("bytes", mapped)  # it has what `bytes` has, as far as it is asked for here
        return
    if data.size > most and not isinstance(data, Stored):
        raise Malformed(
            f"{data.name or 'The data'} has {data.size} octets, more than the {most} that are held in memory."
            " Write it to a file and give that."
        )
    yield data.octets()


@dataclass(frozen=True, slots=True)
class Extended:
    """Data with octets behind it. `digest_before` is the digest by `hash_name` that the data must have.

    It is looked at while the data is read, before the octets behind it come: they are never given behind data
    that is another than they were made for.
    """

    before: Data
    behind: bytes = field(repr=False)
    hash_name: str
    digest_before: bytes
    name: str | None = None
    _digests: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Octets."""
        return self.before.size + len(self.behind)

    def portions(self) -> Iterator[bytes]:
        """The octets in portions. Raises `Rejected` (``data.changed``) after data that is another."""
        running = hasher(self.hash_name)
        for portion in self.before.portions():
            running.update(portion)
            yield portion
        if running.digest() != self.digest_before:
            raise Rejected(
                "data.changed",
                f"{self.before.name or 'The data'} was changed since its extension was prepared. Prepare it "
                "again.",
            )
        yield from Octets(self.behind).portions()

    def octets(self) -> bytes:
        """The octets, all in memory."""
        return b"".join(self.portions())

    def digest(self, hash_name: str) -> bytes:
        """See `Data.digest`."""
        if hash_name not in self._digests:
            self._digests[hash_name] = digest_of(self, hash_name)
        return self._digests[hash_name]
