"""How two processes talk."""

from __future__ import annotations

import json
import os
import socket
import struct
import tempfile

import pytest

from trustworks.core.bounded.channel import receive, send


def test_words_octets_and_open_files_arrive_as_they_were() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryFile() as stored:
        send(ours, {"a": ["é", None]}, b"\x00one", [stored.fileno()])
        words, octets, (descriptor,) = receive(theirs)
        assert (words, octets) == ({"a": ["é", None], "descriptors": 1}, b"\x00one")
        assert os.fstat(descriptor).st_ino == os.fstat(stored.fileno()).st_ino
        os.close(descriptor)
        ours.close()
        with pytest.raises(EOFError):
            receive(theirs)


@pytest.mark.parametrize("octets", [-1, 1 << 40])
def test_more_than_reports_may_have_is_not_read(octets: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        text = json.dumps({"octets": octets}).encode()
        theirs.sendall(struct.pack(">I", len(text)) + text)
        with pytest.raises(EOFError):
            receive(ours, 1000)
