"""What is asked of a process that validates, and what it answers; and how both go over a socket.

JSON and octets, never pickles: the process has read files of strangers, and its words are data alone.
"""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LENGTH: Final = struct.Struct(">I")
_MOST_WORDS: Final = 256 * 1024 * 1024
_MOST_FILES: Final = 250
"""Descriptors in one message: the kernel takes 253."""


class Kind(StrEnum):
    """A kind of report."""

    PLAIN = "plain"
    """All of the outcome as JSON (`report.plain`)."""
    EXPLAINED = "explained"
    """What decided, in sentences (`report.explain`)."""
    PAGE = "page"
    """What a page shows, as JSON (`report.page.html.as_data`)."""
    ETSI = "etsi"
    """The report of TS 119 102-2 in XML."""
    HTML = "html"
    """A page that stands alone."""
    PDF = "pdf"
    """The same as a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One file: its octets, an open file that holds them, or digests alone by their hash function's name."""

    name: str | None = None
    octets: bytes = b""
    descriptor: int | None = None
    digests: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One validation. `at` None: now. `kinds` are the reports that are wanted."""

    file: Given
    detached: tuple[Given, ...] = ()
    records: tuple[Given, ...] = ()
    policy: str
    at: datetime | None = None
    kinds: tuple[Kind, ...] = (Kind.PLAIN,)
    certificate: bytes | None = None
    """Of the seal of the service (DER), which the report of TS 119 102-2 names; None: it has none."""

    @property
    def files(self) -> tuple[Given, ...]:
        """All files that came."""
        return (self.file, *self.detached, *self.records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a validation came to: the results of its signatures, and the reports.

    `results` are PASSED, FAILED or INDETERMINATE, as `Report.results` has them; empty where there is no
    signature, time-stamp or record.
    """

    results: tuple[str, ...]
    policy: str
    """The identifier of the policy."""
    plain: dict[str, Any] = field(default_factory=dict)
    explained: str = ""
    page: dict[str, Any] = field(default_factory=dict)
    etsi: bytes = b""
    """Empty where there is no signature."""
    sealed: bool = False
    """Whether `etsi` has the seal of the service."""
    html: bytes = b""
    pdf: bytes = b""


def words_of(asked: Asked) -> dict[str, Any]:
    """The request without its files."""

    def told(one: Given) -> dict[str, Any]:
        digests = [[name, value.hex()] for name, value in one.digests]
        return {"name": one.name, "length": len(one.octets), "open": one.descriptor is not None} | (
            {"digests": digests} if digests else {}
        )

    return {
        "file": told(asked.file),
        "detached": [told(one) for one in asked.detached],
        "records": [told(one) for one in asked.records],
        "policy": asked.policy,
        "at": None if asked.at is None else asked.at.isoformat(),
        "kinds": list(asked.kinds),
        "certificate": None if asked.certificate is None else asked.certificate.hex(),
    }


def asked_of(words: dict[str, Any], octets: bytes, descriptors: Sequence[int]) -> Asked:
    """The request, from its words, the octets of all files in their order, and open files."""
    opened: Iterator[int] = iter(descriptors)
    begin = 0

    def given(told: dict[str, Any]) -> Given:
        nonlocal begin
        end = begin + told["length"]
        found = Given(
            name=told["name"],
            octets=octets[begin:end],
            descriptor=next(opened) if told["open"] else None,
            digests=tuple((name, bytes.fromhex(value)) for name, value in told.get("digests", ())),
        )
        begin = end
        return found

    return Asked(
        file=given(words["file"]),
        detached=tuple(given(one) for one in words["detached"]),
        records=tuple(given(one) for one in words["records"]),
        policy=words["policy"],
        at=None if words["at"] is None else datetime.fromisoformat(words["at"]),
        kinds=tuple(Kind(one) for one in words["kinds"]),
        certificate=None if words["certificate"] is None else bytes.fromhex(words["certificate"]),
    )


def send(
    channel: socket.socket, words: dict[str, Any], octets: bytes = b"", descriptors: Sequence[int] = ()
) -> None:
    """Write one message. Raises OSError where the other side is gone, or does not read in time."""
    text = json.dumps({**words, "octets": len(octets), "descriptors": len(descriptors)}).encode()
    first = _LENGTH.pack(len(text))
    if descriptors:
        socket.send_fds(channel, [first], list(descriptors))
    else:
        channel.sendall(first)
    channel.sendall(text)
    channel.sendall(octets)


def receive(channel: socket.socket, most: int | None = None) -> tuple[dict[str, Any], bytes, list[int]]:
    """Read one message: words, octets, open files.

    `most` octets beside the words: who asks does not believe whatever was asked. Raises EOFError where the
    other side is gone, or says more.
    """
    first, descriptors, _, _ = socket.recv_fds(channel, _LENGTH.size, _MOST_FILES)
    if not first:
        raise EOFError
    first += _exactly(channel, _LENGTH.size - len(first))
    (length,) = _LENGTH.unpack(first)
    if length > _MOST_WORDS:
        raise EOFError
    words = json.loads(_exactly(channel, length))
    octets = words.pop("octets")
    if most is not None and not 0 <= octets <= most:
        raise EOFError
    return words, _exactly(channel, octets), list(descriptors)


def _exactly(channel: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = channel.recv(min(length - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
