"""How two processes talk over a socket: JSON, octets and open files, never pickles.

One of them has read files of strangers: its words are data alone.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_LENGTH: Final = struct.Struct(">I")
_MOST_WORDS: Final = 256 * 1024 * 1024
_MOST_FILES: Final = 250
"""Descriptors in one message: the kernel takes 253."""


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
