"""SoftHSM2 empties a token's file before it writes it anew, and it does so at every login.

A process that is killed in between, or a full disk, leaves the file empty or cut short, and the token with
all its keys is gone (seen once in some hundred kills). So a copy is kept beside it: renewed only after the
token took a login, so that it is one that the library can read, and put back when the file is found damaged.
Both is done under the lock of starts, which every login holds too.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trustworks.core.durable import put
from trustworks.core.errors import Unavailable
from trustworks.core.module.constants import Flag
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.core.module.library import Setup

TOKEN_FILE: Final = "token.object"  # noqa: S105 - a file's name
COPY: Final = "token.object.kept"  # SoftHSM2 looks at names that end in .object alone
DAMAGED: Final = "token.object.damaged"

# The attributes of a token in its file (SoftHSM2's OSAttributes.h), and how their values are written.
LABEL, SERIAL, FLAGS, SO_PIN, USER_PIN = range(0x80005349, 0x8000534E)
_ULONG, _OCTETS = 2, 3
_WORD: Final = 8


@implements("TRUSTWORKS:MODULE-TOKEN-RESTORED", disabled=False)
def restore_tokens(setup: Setup) -> bool:
    """Put back the files of tokens that are damaged and have a good copy; the damaged one is set aside.

    Answers whether one was: a library that runs already has read the damaged file. What cannot be read or
    written is left as it is: the library says so itself, in words that are understood.
    """
    restored = False
    for file in _token_files(setup):
        with contextlib.suppress(OSError):
            content, copy = file.read_bytes(), file.with_name(COPY)
            if is_whole(content) or not copy.is_file():
                continue
            kept = copy.read_bytes()
            if is_whole(kept):
                if content:
                    put(file.with_name(DAMAGED), content, mode=0o600)
                put(file, kept, mode=0o600)
                restored = True
    return restored


@implements("TRUSTWORKS:MODULE-TOKEN-RESTORED")
def keep_token(setup: Setup, serial: str) -> None:
    """Renew the copy of the token with this serial number, which has just taken a login or been made."""
    for file in _token_files(setup):
        with contextlib.suppress(OSError):
            content, copy = file.read_bytes(), file.with_name(COPY)
            # The login itself writes the file: where the disk is full, what it left may be cut.
            if not is_whole(content) or attributes(content).get(SERIAL) != serial.encode():
                continue
            if not copy.is_file() or copy.read_bytes() != content:
                put(copy, content, mode=0o600)


@implements("TRUSTWORKS:MODULE-TOKEN-RESTORED")
def check_tokens_whole(setup: Setup) -> None:
    """Refuse to go by what the library says of its tokens while a file of theirs is damaged.

    Such a token is not listed, under whatever label, and what is left of its file may be all that is left of
    its keys. Raises `Unavailable` (module.token-damaged).
    """
    for file in _token_files(setup):
        with contextlib.suppress(OSError):
            if not is_whole(file.read_bytes()):
                raise Unavailable(
                    "module.token-damaged",
                    f"The token's file {file} is damaged (cut short or empty) without a good copy beside it, "
                    "and its token cannot be seen. Put the file back from a backup before you do anything "
                    "else; if there is none, move its folder away.",
                )


def is_whole(content: bytes) -> bool:
    """Whether a token's file ends where it should, and holds what every token has.

    A file that is cut between two attributes reads well; what is missing then shows by the token's flags.
    """
    found = attributes(content)
    flags = found.get(FLAGS)
    if not isinstance(flags, int) or not {LABEL, SERIAL, SO_PIN} <= found.keys():
        return False
    return USER_PIN in found or not flags & Flag.USER_PIN_INITIALIZED


def attributes(content: bytes) -> dict[int, int | bytes]:
    """The attributes in a token's file: numbers and octets by type; none where the file is damaged.

    The file is a generation number and then, for each attribute, its type, the kind of its value (a number,
    or octets after their length) and the value. All numbers have eight octets, the highest first.
    """
    found: dict[int, int | bytes] = {}
    words = _WORD
    while words < len(content):
        kind, value = (_number(content, words + offset) for offset in (_WORD, 2 * _WORD))
        start = words + 3 * _WORD
        end = start + (value or 0) if kind == _OCTETS else start
        if kind not in {_ULONG, _OCTETS} or value is None or end > len(content):
            return {}
        found[_number(content, words) or 0] = content[start:end] if kind == _OCTETS else value
        words = end
    return found


def _number(content: bytes, place: int) -> int | None:
    octets = content[place : place + _WORD]
    return int.from_bytes(octets, "big") if len(octets) == _WORD else None


def _token_files(setup: Setup) -> list[Path]:
    """The files of all tokens of a SoftHSM2; none for another module."""
    if "softhsm" not in setup.path.name.lower() or setup.configuration is None:
        return []
    folder = token_folder(Path(setup.configuration))
    return [] if folder is None else sorted(folder.glob(f"*/{TOKEN_FILE}"))


def token_folder(configuration: Path) -> Path | None:
    """The folder of tokens that a softhsm2.conf names, as SoftHSM2 reads it: its last word, up to # or =.

    None where it names none, or what can be no path.
    """
    try:
        text = configuration.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.findall(r"^[ \t]*directories\.tokendir[ \t]*=([^#=\n]*)", text, re.MULTILINE)
    folder = found[-1].strip() if found else ""
    return Path(folder) if folder and "\0" not in folder else None
