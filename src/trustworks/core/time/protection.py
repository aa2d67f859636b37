"""Who may have written the clock's files: the service's account and root, nobody else."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from trustworks.core.account import account_name
from trustworks.core.errors import Unavailable
from trustworks.core.time import rules

if TYPE_CHECKING:
    from pathlib import Path

# No file can be read for now, whatever is in it: too many are open, no memory, a disk or a server that fails.
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE})
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def trusted_owners(folder_owner: int) -> tuple[int, ...]:
    """Whose files are believed: root's and our own; root also believes the one that the folder belongs to."""
    user = os.geteuid()
    return (0, user) if user else (0, folder_owner)


def read_protected(file: Path) -> tuple[str, bytes] | None:
    """What speaks against a file of the state folder (empty: nothing), and its content; None: there is none.

    Raises OSError where it is no file of ours, and `Unavailable` (clock.state-unprotected), where others
    could have removed or replaced it, or (clock.state-unreadable), where the machine reads no file for now.
    """
    check_folder(file.parent)
    try:
        opened = os.open(file, _READ)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise of_file(file, error) from error
    try:
        status = os.fstat(opened)
        owners = trusted_owners(file.parent.stat().st_uid)
        findings = rules.protection_findings(status.st_uid, status.st_mode, owners)
        return " and ".join(findings), _read_all(opened)
    except OSError as error:
        raise of_file(file, error) from error
    finally:
        os.close(opened)


def _read_all(file: int) -> bytes:
    parts = []
    while part := os.read(file, 1 << 16):
        parts.append(part)
    return b"".join(parts)


def of_file(file: Path, error: OSError) -> OSError | Unavailable:
    """What an error of reading means: a fault of the machine that passes; else it is of the file itself."""
    if error.errno not in _PASSING:
        return error
    return Unavailable(
        "clock.state-unreadable",
        f"{file} cannot be read for now ({error.strerror}), and without it the clock gives no time; look at "
        "the machine: its open files, its memory, its disk.",
    )


def check_folder(folder: Path) -> None:
    """Refuse a state folder whose files others could remove or replace: a stop, a release.

    Raises `Unavailable` (clock.state-unprotected). A folder that is not there yet holds no stop.
    """
    try:
        status = folder.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise Unavailable(
            "clock.state-unprotected",
            f"The state folder {folder} cannot be looked into: {error.strerror}. Run this in the account "
            "that it belongs to.",
        ) from error
    findings = rules.protection_findings(status.st_uid, status.st_mode, trusted_owners(status.st_uid))
    if findings:
        raise Unavailable(
            "clock.state-unprotected",
            f"The state folder {folder} is not trusted: {' and '.join(findings)}. Run this in the account "
            f"{account_name(status.st_uid)} if that is the service's; else give the folder to the service's "
            "account, with mode 0700.",
        )


def owner_in(folder: Path) -> tuple[int, int] | None:
    """Whom a new file in the state folder is given to; None where it is its maker's.

    What root makes there belongs to the folder's owner, who must be able to read it. Raises OSError.
    """
    status = folder.stat()
    return (status.st_uid, status.st_gid) if status.st_uid != os.geteuid() == 0 else None


def give_to_owner(file: int, folder: Path) -> None:
    """As `owner_in`, for an open file that may have been there before. Raises OSError."""
    if os.geteuid() == 0:
        status, owner = os.fstat(file), folder.stat()
        if status.st_uid != owner.st_uid:
            os.fchown(file, owner.st_uid, owner.st_gid)
