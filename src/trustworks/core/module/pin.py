"""PINs: read from a file that only its owner can read, and never a default one outside the lab."""

from __future__ import annotations

import os
import re
import stat
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from trustworks.core.errors import Malformed, Refused, Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.core.module.uri import Pkcs11Uri

# Eight: the least that the modules on the market enforce, and what a token that locks after ten wrong tries
# needs for a chance of one in ten million against guessing. More is no burden (a machine types it) but some
# cards take no more than fifteen, so that a longer minimum would shut out certified devices.
LEAST_PIN_LENGTH: Final = 8
_LARGEST_PIN_FILE: Final = 1024

# What manuals, tutorials and test suites of modules use, in lower case.
KNOWN_PINS: Final = frozenset(
    {
        "0000", "00000000", "0001password", "010203040506", "1111", "1234", "1234-5678", "123456",
        "12345678", "123456789", "1234567890", "1q2w3e4r", "1q2w3e4r5t", "1qaz2wsx", "1qaz2wsx3edc",
        "3537363231383830", "648219", "87654321", "98765432", "abcd1234", "admin", "administrator",
        "changeit", "changeme", "default", "entrust", "foo123", "fortanix", "gemalto", "hsmpassword",
        "iloveyou", "letmein", "mypin", "mysopin", "myuserpin", "ncipher", "nitrokey", "opensc",
        "passphrase", "passw0rd", "passwd", "password", "password1", "password123", "qwerty", "qwertyui",
        "qwertz", "root", "safenet", "secret", "secret123", "so-pin", "softhsm", "softhsm2", "sopin",
        "test", "test1234", "testpin", "testtest", "thales", "trustworks", "user-pin", "userpin", "utimaco",
        "welcome", "welcome1", "yubihsm", "zaq12wsx",
    }
)  # fmt: skip

# How words are spelled to look harder, and the rows of keyboards; every run along one is as easy as 1234.
_SPELLING: Final = str.maketrans("@4831!05$72", "aabeiiosstz")
_ROWS: Final = ("1234567890", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm")
_NEIGHBOURS: Final = frozenset(pair for row in _ROWS for way in (row, row[::-1]) for pair in pairwise(way))
LEAST_DIFFERENT: Final = 4


def _words(text: str) -> set[str]:
    """The words that may be behind a spelling, with and without the digits and signs around them."""
    starts = {text, re.sub(r"^[\W\d_]+", "", text)}
    return {part.translate(_SPELLING) for one in starts for part in (one, re.sub(r"[\W\d_]+$", "", one))}


_KNOWN_WORDS: Final = frozenset(word for pin in KNOWN_PINS for word in _words(pin) if word)


@implements("TRUSTWORKS:MODULE-PIN-STRENGTH")
def check_pin(pin: bytes, *, whose: str, lab: bool) -> None:
    """Refuse a PIN that is known or too easy, unless this is the lab; the message never holds the PIN."""
    if lab:
        return
    reason = _weakness(pin.decode("utf-8", errors="replace").lower())
    if reason is None:
        return
    raise Refused(
        "TRUSTWORKS:MODULE-PIN-STRENGTH",
        f"The PIN of {whose} {reason}. Choose a random one of {LEAST_PIN_LENGTH} or more characters "
        "and change it on the token.",
    )


def _weakness(text: str) -> str | None:
    """What makes a PIN, in lower case, one of the first that are tried; None where nothing does."""
    pairs = list(pairwise(text))
    steps = sum(pair in _NEIGHBOURS or abs(ord(pair[0]) - ord(pair[1])) <= 1 for pair in pairs)
    findings = (
        (len(text) < LEAST_PIN_LENGTH, f"has fewer than {LEAST_PIN_LENGTH} characters"),
        (text in KNOWN_PINS, "is a known default"),
        (
            any(2 * len(word) >= len(text) for word in _words(text) & _KNOWN_WORDS),
            "is a known word in another spelling, or with digits and signs around it",
        ),
        (len(set(text)) < LEAST_DIFFERENT, f"has fewer than {LEAST_DIFFERENT} different characters"),
        (text in (text + text)[1:-1], "is one block of characters repeated"),
        (4 * steps >= 3 * len(pairs), "is mostly a run of neighbours, in the alphabet or on a keyboard"),
    )
    return next((reason for found, reason in findings if found), None)


@implements("TRUSTWORKS:MODULE-PIN-FILE-MODE")
def check_pin_file(mode: int, owner: int, user: int, path: Path) -> None:
    """Refuse a PIN file that anyone but its owner can read or write, or that another user owns.

    `mode` and `owner` are of the opened file, `user` is who runs this process (0 may own it as well).
    """
    if not stat.S_ISREG(mode):
        raise Refused("TRUSTWORKS:MODULE-PIN-FILE-MODE", f"The PIN file {path} is not a regular file.")
    if mode & 0o077:
        raise Refused(
            "TRUSTWORKS:MODULE-PIN-FILE-MODE",
            f"The PIN file {path} has mode {stat.S_IMODE(mode):04o}: others can reach it. Run chmod 600 "
            f"{path}, and change the PIN if they may have read it.",
        )
    if owner not in {0, user}:
        raise Refused(
            "TRUSTWORKS:MODULE-PIN-FILE-MODE",
            f"The PIN file {path} belongs to user {owner}; it must belong to the user that runs Trustworks "
            f"({user}).",
        )


def read_pin(uri: Pkcs11Uri, *, base: Path | None = None) -> bytes:
    """The PIN from the URI's pin-source; a relative path is meant from `base` (else the working directory).

    A final line end is not part of the PIN. Raises `Unavailable` (module.pin-absent) without a file, and
    `Refused` where others could read it.
    """
    if uri.pin_source is None:
        raise Unavailable(
            "module.pin-absent",
            f"{uri} names no PIN file; add ?pin-source=file:PATH with a file of mode 0600 that holds the "
            "PIN.",
        )
    path = pin_path(uri.pin_source, base)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise Unavailable(
            "module.pin-absent",
            f"The PIN file {path} cannot be read: {error.strerror}. Create it with mode 0600.",
        ) from None
    try:
        status = os.fstat(descriptor)
        check_pin_file(status.st_mode, status.st_uid, os.geteuid(), path)
        pin = os.read(descriptor, _LARGEST_PIN_FILE + 1)
    finally:
        os.close(descriptor)
    pin = pin.removesuffix(b"\n").removesuffix(b"\r")
    if not pin or len(pin) > _LARGEST_PIN_FILE or b"\n" in pin or b"\0" in pin:
        raise Malformed(f"The PIN file {path} must hold one line with the PIN and nothing else.")
    return pin


def pin_path(pin_source: str, base: Path | None) -> Path:
    """The file that a pin-source names: ``file:PATH``, ``file://PATH`` or a bare path.

    A command (RFC 7512, 2.4: ``|COMMAND``) is not run: a configuration file shall not be able to start
    programs.
    """
    text = pin_source
    if match := re.fullmatch(r"(?i)file:(?://(?:localhost)?(?=/))?(.+)", text):
        text = unquote(match[1])
    if text.startswith("|") or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        raise Malformed(f"pin-source {pin_source!r} is not a file; write pin-source=file:PATH.")
    return (base or Path()) / text
