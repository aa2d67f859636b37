"""The signed manifest of an installation: what it says, its one form as octets, and its signature.

The first line is a compact JWS (RFC 7515) over the statement: version, build, roots, and SHA-256 of all that
follows. Each further line is one file, link or empty folder as canonical JSON, in the order of roots and
paths. So the same files give the same statement, whoever makes it, and any JOSE library verifies it with the
public key alone.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal

from trustworks.core.audit.canonical import JSON, canonical
from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.roles import jws
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from trustworks.core.module.algorithms import PublicKey
    from trustworks.core.roles.jws import Signer

FORMAT: Final = "trustworks-integrity/1"
TYP: Final = "trustworks-integrity+jws"  # what the JWS is for, so that no other signature stands for it
MOST_OCTETS: Final = 256 << 20  # of a manifest; one of 5,000 files has 1 MB
EXECUTABLE: Final = 0o111  # a file that somebody may run is one that all may: copies keep no more than that
WRITABLE: Final = 0o022  # by the group, by everybody: not signed, since copies differ in it
KEPT_BITS: Final = 0o7000  # set-user-ID, set-group-ID, sticky
_MOST_NUMBER: Final = 2**53 - 1  # that canonical JSON has (RFC 8785)

Kind = Literal["file", "link", "folder"]  # of folders, those that are empty have an entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file, one symbolic link, or one empty folder, of a root.

    `path` is relative to the root, with slashes. `mode` has whether a file is executable, and its special
    bits; `sha256` is in hexadecimal; `target` is what a link holds.
    """

    root: str
    path: str
    kind: Kind
    mode: int = 0
    size: int = 0
    sha256: str = ""
    target: str = ""

    @property
    def name(self) -> str:
        """Root and path, as people are told it."""
        return f"{self.root}/{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is signed: of what the manifest is, and the hash of its entries.

    `build` names the content of the package itself, the same in a wheel and where that is installed.
    """

    version: str
    build: str
    roots: tuple[str, ...]
    entries: int
    sha256: str

    def octets(self) -> bytes:
        """The statement as canonical JSON."""
        return canonical(
            {
                "build": self.build,
                "entries": self.entries,
                "format": FORMAT,
                "roots": list(self.roots),
                "sha256": self.sha256,
                "version": self.version,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest whose signature was verified, or that is to be signed."""

    statement: Statement
    entries: tuple[Entry, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the statement in hexadecimal: it names the manifest, whoever signed it and when."""
        return sha256(self.statement.octets()).hexdigest()


def mode_of(mode: int) -> int:
    """What a manifest keeps of a file's mode (`st_mode`)."""
    return (EXECUTABLE if mode & EXECUTABLE else 0) | (mode & KEPT_BITS)


def assemble(entries: Iterable[Entry], *, roots: Iterable[str], version: str, build: str) -> Manifest:
    """The manifest of these entries, in its one order."""
    ordered = tuple(sorted(entries, key=_order))
    content = _lines(ordered)
    return Manifest(
        statement=Statement(
            version=version,
            build=build,
            roots=tuple(sorted(roots)),
            entries=len(ordered),
            sha256=sha256(content).hexdigest(),
        ),
        entries=ordered,
    )


def signed(manifest: Manifest, signer: Signer) -> bytes:
    """The manifest's file: the signed statement and the entries."""
    token = jws.sign(manifest.statement.octets(), signer, typ=TYP)
    return token.encode("ascii") + b"\n" + _lines(manifest.entries)


def read_file(file: Path) -> bytes:
    """The octets of a manifest's file. Raises `Malformed` where it cannot be read, or is too long."""
    try:
        found = read_at_most(file, MOST_OCTETS)
    except OSError as error:
        raise Malformed(f"The manifest {file} cannot be read: {error.strerror}.") from None
    if len(found) > MOST_OCTETS:
        raise Malformed(f"The manifest {file} is longer than {MOST_OCTETS >> 20} MiB: it is none.")
    return found


def verified(content: bytes, key: PublicKey) -> Manifest:
    """The manifest, once its signature is one of the key and its entries are those that were signed.

    Raises:
        Malformed: it is no manifest in its one form, or of a version that is not known.
        Rejected: integrity.signature, for what this key did not sign; integrity.entries, for other entries.
    """
    token, line_end, lines = content.partition(b"\n")
    if not line_end or token.count(b".") != 2:
        raise Malformed(
            "This is no manifest of an installation: its first line is no JWS. `trustworks integrity make` "
            "makes one."
        )
    statement = _statement(_signed_octets(token, key))
    _check_entries(statement, lines)
    entries = tuple(_entries(lines, statement.roots))
    if len(entries) != statement.entries:
        raise Malformed(f"The manifest tells of {statement.entries} entries and has {len(entries)}.")
    return Manifest(statement=statement, entries=entries)


@implements(
    "TRUSTWORKS:ASSURANCE-INTEGRITY-SIGNED",
    disabled=lambda token, _key: base64.urlsafe_b64decode(token.split(b".")[1] + b"=="),
)
def _signed_octets(token: bytes, key: PublicKey) -> bytes:
    """The octets that the key signed as a manifest's statement. Raises `Rejected` (integrity.signature)."""
    try:
        return jws.verify(token.decode("ascii", errors="replace"), key, typ=TYP)
    except Rejected:
        raise Rejected(
            "integrity.signature",
            "The manifest was not signed by this key, or was changed since. Get the manifest and the key "
            "anew from who signed it; do not use what is installed before it is compared.",
        ) from None


@implements("TRUSTWORKS:ASSURANCE-INTEGRITY-SIGNED", disabled=None)
def _check_entries(statement: Statement, lines: bytes) -> None:
    """Refuse entries that are not those that were signed. Raises `Rejected` (integrity.entries)."""
    if sha256(lines).hexdigest() != statement.sha256:
        raise Rejected(
            "integrity.entries",
            "The entries of the manifest were changed after it was signed. Get the manifest anew from who "
            "signed it.",
        )


# Reading


def _statement(octets: bytes) -> Statement:
    value = _object(octets, "The manifest's statement")
    if value.get("format") != FORMAT:
        raise Malformed(
            f"The manifest has the format {value.get('format')!a:.60}; this version reads {FORMAT}. Verify "
            "it by the version that it is of."
        )
    try:
        found = Statement(
            version=_text(value["version"]),
            build=_text(value["build"]),
            roots=tuple(_text(one) for one in value["roots"]),
            entries=_number(value["entries"]),
            sha256=_hash(value["sha256"]),
        )
    except (KeyError, TypeError, ValueError):
        raise Malformed("The manifest's statement has not the members that it has to have.") from None
    if found.octets() != octets or list(found.roots) != sorted(set(found.roots)):
        raise Malformed("The manifest's statement is not in its one form.")
    return found


def _entries(lines: bytes, roots: tuple[str, ...]) -> Iterable[Entry]:
    before: tuple[str, bytes] | None = None
    if lines and not lines.endswith(b"\n"):
        raise Malformed("The manifest's last line has no end: it was cut off.")
    for number, line in enumerate(lines.split(b"\n")[:-1], 2):
        value = _object(line, f"Line {number} of the manifest")
        try:
            entry = _entry(value)
        except (KeyError, TypeError, ValueError):
            raise Malformed(f"Line {number} of the manifest is no entry.") from None
        if _line(entry) != line:
            raise Malformed(f"Line {number} of the manifest is not in its one form.")
        if entry.root not in roots or (before is not None and _order(entry) <= before):
            raise Malformed(f"Line {number} of the manifest stands at a wrong place, or twice.")
        before = _order(entry)
        yield entry


def _entry(value: dict[str, Any]) -> Entry:
    """Raises KeyError, TypeError, ValueError."""
    path = _text(value["path"])
    if "\0" in path or any(part in {"", ".", ".."} for part in path.split("/")):
        raise ValueError("no path below a root")
    root = _text(value["root"])
    if value["kind"] == "link":
        return Entry(root=root, path=path, kind="link", target=_text(value["target"]))
    if value["kind"] == "folder":
        return Entry(root=root, path=path, kind="folder")
    mode = int(_text(value["mode"]), 8)
    if value["kind"] != "file" or mode & ~(EXECUTABLE | KEPT_BITS):
        raise ValueError("no kind of entry, or no mode")
    return Entry(
        root=root,
        path=path,
        kind="file",
        mode=mode,
        size=_number(value["size"]),
        sha256=_hash(value["sha256"]),
    )


def _object(octets: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(octets)
    except (ValueError, RecursionError):
        raise Malformed(f"{what} is no JSON.") from None
    if not isinstance(value, dict):
        raise Malformed(f"{what} is no JSON object.")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    value.encode()  # raises for a lone surrogate, which JSON can write and UTF-8 cannot
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_NUMBER:
        raise ValueError("no number")
    return value


def _hash(value: object) -> str:
    text = _text(value)
    if len(octets := bytes.fromhex(text)) != 32 or octets.hex() != text:
        raise ValueError("no SHA-256")
    return text


# Writing


def _order(entry: Entry) -> tuple[str, bytes]:
    return entry.root, entry.path.encode()


def _lines(entries: Iterable[Entry]) -> bytes:
    return b"".join(_line(one) + b"\n" for one in entries)


def _line(entry: Entry) -> bytes:
    """An entry as canonical JSON. Raises ValueError for a name that is no UTF-8."""
    value: dict[str, JSON] = {"kind": entry.kind, "path": entry.path, "root": entry.root}
    if entry.kind == "link":
        value["target"] = entry.target
    elif entry.kind == "file":
        value |= {"mode": f"{entry.mode:04o}", "sha256": entry.sha256, "size": entry.size}
    return canonical(value)
