"""Tokens of authorities all over Europe, in signed documents: what OpenSSL reads is read here too."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trustworks.core.der import cms, tsp
from trustworks.core.der.encode import oid
from trustworks.core.errors import Malformed
from trustworks.timestamping import wire
from trustworks.timestamping.inspect import as_dict, as_text

if TYPE_CHECKING:
    from collections.abc import Iterator

# The library warns of long names and negative numbers, which are as they are.
pytestmark = [pytest.mark.interop, pytest.mark.filterwarnings("ignore::UserWarning")]

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
ROOMS = ("dss", "evidence-records")
SIGNED_DATA, TST_INFO = oid(cms.SIGNED_DATA), oid(tsp.TST_INFO)
LENGTHS = {2: 0, 3: 0x81, 4: 0x82, 5: 0x83}  # octets before the content type, and the first of the length
LONGEST = 32_768

# OpenSSL verifies signed attributes in the order in which they came; RFC 5652, 5.3 allows DER's alone.
UNSORTED = "attributes are not in DER"


def in_octets(octets: bytes) -> Iterator[bytes]:
    """What begins like a token, up to its length, or as far as a token of no stated length may go."""
    for found in re.finditer(re.escape(SIGNED_DATA), octets):
        for header, first in LENGTHS.items():
            begin = found.start() - header
            if begin < 0 or octets[begin] != 0x30:
                continue
            if header == 2 and octets[begin + 1] == 0x80:
                size = LONGEST
            elif header == 2 or octets[begin + 1] == first:
                size = header + int.from_bytes(octets[begin + min(2, header - 1) : found.start()], "big")
            else:
                continue
            token = octets[begin : begin + size]
            if TST_INFO in token[:120]:
                yield token


def in_document(octets: bytes) -> Iterator[bytes]:
    """Tokens in a file as it is, in base64 (XML), in hexadecimal (PDF), and in what a container holds."""
    yield from in_octets(octets)
    for text in re.findall(rb"[A-Za-z0-9+/=\s&#;]{400,}", octets):
        for run in re.findall(rb"[A-Za-z0-9+/]{300,}={0,2}", re.sub(rb"&#(13|xD);|\s", b"", text)):
            padded = run.rstrip(b"=")
            padded = padded[: len(padded) - (len(padded) % 4 == 1)]
            yield from in_octets(base64.b64decode(padded + b"=" * (-len(padded) % 4)))
    if octets.startswith(b"%PDF"):
        for text in re.findall(rb"<([0-9a-fA-F]{2000,})>", octets):
            yield from in_octets(bytes.fromhex(text[: len(text) // 2 * 2].decode()))
    if octets.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(octets)) as container:
                for name in container.namelist():
                    yield from in_document(container.read(name))
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
            return


def all_tokens() -> list[bytes]:
    files = (file for room in ROOMS for file in sorted((CORPUS / room).rglob("*")) if file.is_file())
    return sorted({token for file in files for token in in_document(file.read_bytes())})


def in_der(token: bytes) -> bytes | None:
    """The token as OpenSSL writes it, None when it cannot read it: the advice that is given for BER."""
    command = ["openssl", "ts", "-reply", "-token_in", "-in", "/dev/stdin", "-token_out"]
    done = subprocess.run(command, input=token, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def why_not(token: bytes) -> str | None:
    try:
        as_text(as_dict(wire.read_token(token)))
    except Malformed as error:
        return str(error)
    return None


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"NOT TESTED, because {CORPUS} is absent")
def test_what_openssl_reads_is_read_here_too() -> None:
    tokens = all_tokens()
    assert len(tokens) > 300
    read = converted = 0
    for token in tokens:
        theirs = in_der(token)
        if theirs is None:
            why_not(token)  # anything but a fault of the program
            continue
        wrong = why_not(token)
        if wrong is not None and "-token_in" in wrong:
            wrong = why_not(theirs)
            converted += 1
        assert wrong is None or UNSORTED in wrong, wrong
        read += wrong is None
    assert read > 300
    assert converted > 20
