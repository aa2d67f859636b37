"""What of an installation is not as its manifest says: pure rules over names and hashes."""

from __future__ import annotations

import posixpath
import stat
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from trustworks.assurance.integrity.tree import Trouble
from trustworks.core.printable import printable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trustworks.assurance.integrity.manifest import Entry
    from trustworks.assurance.integrity.tree import Seen

    Listed = Mapping[tuple[str, str], Entry]  # by root and path
    Present = Mapping[tuple[str, str], Seen]

BYTECODE = (".pyc", ".pyo")
_KINDS: Final = {"file": "a file", "link": "a link", "folder": "an empty folder"}


class Difference(StrEnum):
    """In what way a file is not as the manifest says."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    BYTECODE = "bytecode"  # compiled Python that was not signed, or not so: it runs in place of its source
    LINK = "link"  # a symbolic link that was not signed, or leads elsewhere
    MODE = "mode"
    FOLDER = "folder"  # an empty folder that was not signed
    WRITABLE = "writable"  # others than its owner may change it
    SPELLING = "spelling"  # a name that differs from a signed one in upper and lower case, or in composition
    UNSTEADY = "unsteady"
    UNREADABLE = "unreadable"
    SPECIAL = "special"
    PATH = "path"  # a folder that modules are imported from, and that no root covers
    ROOT = "root"  # a part of the installation that the manifest does not tell of


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One difference, with the sentence that says what it is."""

    difference: Difference
    name: str
    sentence: str

    def as_dict(self) -> dict[str, str]:
        """As JSON values."""
        return {"kind": self.difference.value, "name": self.name, "sentence": self.sentence}


def compare(entries: Iterable[Entry], seen: Iterable[Seen]) -> tuple[Deviation, ...]:
    """All that differs between the entries of some roots and what was seen there, in the order of names."""
    listed = {(one.root, one.path): one for one in entries}
    present = {(one.root, one.path): one for one in seen}
    spelled = {_folded(one.root, one.path): one for one in listed.values()}
    found = [
        *removed(listed, present),
        *(one for one in map(_twisted, present.values()) if one is not None),
        *added(listed, present, spelled),
        *folders(listed, present),
        *bytecode(listed, present),
        *links(listed, present),
        *changed(listed, present),
    ]
    return tuple(sorted(found, key=lambda one: (one.name, one.difference)))


def _is_bytecode(path: str) -> bool:
    return path.casefold().endswith(BYTECODE)


def _folded(root: str, path: str) -> tuple[str, str]:
    return root, unicodedata.normalize("NFKC", path).casefold()


def _made(difference: Difference, one: Entry | Seen, what: str) -> Deviation:
    name = printable(f"{one.root}/{one.path}")
    return Deviation(difference=difference, name=name, sentence=f"{name} {what}")


def _twisted(seen: Seen) -> Deviation | None:
    """What could not be compared at all."""
    match seen.trouble:
        case Trouble.SPECIAL:
            return _made(Difference.SPECIAL, seen, "is no file: a pipe, a socket or a device. Remove it.")
        case Trouble.UNSTEADY:
            return _made(Difference.UNSTEADY, seen, "changed while it was read. Find out who writes it.")
        case Trouble.UNREADABLE:
            return _made(Difference.UNREADABLE, seen, f"cannot be read: {seen.reason}.")
        case None:
            return None


@implements("TRUSTWORKS:ASSURANCE-INTEGRITY-REMOVED", disabled=())
def removed(listed: Listed, present: Present) -> tuple[Deviation, ...]:
    """What was signed and is gone."""
    return tuple(
        _made(Difference.REMOVED, one, "was signed and is gone.")
        for key, one in listed.items()
        if key not in present or (present[key].kind == "folder" and one.kind != "folder")
    )


@implements("TRUSTWORKS:ASSURANCE-INTEGRITY-ADDED", disabled=())
def added(
    listed: Listed,
    present: Present,
    spelled: Listed,
) -> tuple[Deviation, ...]:
    """What is there and was not signed; compiled Python and links are told by their own rules."""
    found = []
    for key, one in present.items():
        if key in listed or one.kind != "file" or one.trouble is not None or _is_bytecode(one.path):
            continue
        twin = spelled.get(_folded(*key))
        if twin is None:
            found.append(_made(Difference.ADDED, one, "was not signed."))
        else:
            what = f"was not signed; it is spelled almost as {printable(twin.path)}, which was."
            found.append(_made(Difference.SPELLING, one, what))
    return tuple(found)


@implements("TRUSTWORKS:ASSURANCE-INTEGRITY-FOLDERS", disabled=())
def folders(listed: Listed, present: Present) -> tuple[Deviation, ...]:
    """Empty folders that were not signed: a folder without a file is a package to Python all the same.

    A folder that holds something is told by what it holds.
    """
    what = "is an empty folder that was not signed: Python imports it as a package. Remove it."
    return tuple(
        _made(Difference.FOLDER, one, what)
        for key, one in present.items()
        if one.kind == "folder" and one.empty and (key not in listed or listed[key].kind != "folder")
    )


@implements("TRUSTWORKS:ASSURANCE-INTEGRITY-WRITABLE", disabled=())
def writable(seen: Iterable[Seen]) -> tuple[Deviation, ...]:
    """What others than its owner may change, in an installation that serves; in copies modes differ.

    Who may write to a folder may put another file in the place of any in it, whatever the file's own mode is.
    """
    return tuple(
        _made(
            Difference.WRITABLE,
            one,
            f"may be {'added to' if one.kind == 'folder' else 'changed'} by "
            f"{'everybody' if one.writable & stat.S_IWOTH else 'its group'}: chmod go-w.",
        )
        for one in seen
        if one.writable
    )


@implements("TRUSTWORKS:ASSURANCE-INTEGRITY-BYTECODE", disabled=())
def bytecode(listed: Listed, present: Present) -> tuple[Deviation, ...]:
    """Compiled Python that was not signed, or not with this content: it runs in place of its source."""
    found = []
    for key, one in present.items():
        if not _is_bytecode(one.path) or one.kind != "file" or one.trouble is not None:
            continue
        entry = listed.get(key)
        if entry is None:
            what = "is compiled Python that was not signed: it runs in place of its source. Remove it."
            found.append(_made(Difference.BYTECODE, one, what))
        elif entry.kind != "file" or entry.sha256 != one.sha256:
            what = "is compiled Python with another content than was signed: it runs in place of its source."
            found.append(_made(Difference.BYTECODE, one, what))
    return tuple(found)


@implements("TRUSTWORKS:ASSURANCE-INTEGRITY-LINKS", disabled=())
def links(listed: Listed, present: Present) -> tuple[Deviation, ...]:
    """Symbolic links that were not signed, or not so; whether one leads out of its root is said."""
    found = []
    for key, one in present.items():
        if one.kind != "link" or one.trouble is not None:
            continue
        entry = listed.get(key)
        if entry is not None and entry.kind == "link" and entry.target == one.target:
            continue
        where = f"to {printable(one.target)}{', out of its root' if _leaves(one.path, one.target) else ''}"
        if entry is None:
            what = f"is a link {where}, and was not signed."
        elif entry.kind == "link":
            what = f"leads {where}; signed was {printable(entry.target)}."
        else:
            what = f"is a link {where}; signed was {_KINDS[entry.kind]}."
        found.append(_made(Difference.LINK, one, what))
    return tuple(found)


def _leaves(path: str, target: str) -> bool:
    """Whether the text of a link leads out of its root."""
    led = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return target.startswith("/") or led == ".." or led.startswith("../")


@implements("TRUSTWORKS:ASSURANCE-INTEGRITY-CHANGED", disabled=())
def changed(listed: Listed, present: Present) -> tuple[Deviation, ...]:
    """Files with another content, or that may be run and were not to be, or the other way round."""
    found = []
    for key, entry in listed.items():
        one = present.get(key)
        if one is None or one.kind != "file" or one.trouble is not None:
            continue
        if entry.kind == "folder":
            found.append(_made(Difference.CHANGED, one, f"is a file; signed was {_KINDS[entry.kind]}."))
            continue
        if entry.kind == "link":
            found.append(
                _made(Difference.CHANGED, one, f"is a file; signed was a link to {printable(entry.target)}.")
            )
            continue
        if entry.sha256 != one.sha256 and not _is_bytecode(one.path):
            found.append(_made(Difference.CHANGED, one, "has another content than was signed."))
        if entry.mode != one.mode:
            what = f"has the mode {one.mode:04o} (who may run it, special bits); signed was {entry.mode:04o}."
            found.append(_made(Difference.MODE, one, what))
    return tuple(found)
