"""Who may have written the clock's files: the service's account and root, nobody else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trustworks.core.account import account_name
from trustworks.core.errors import Unavailable
from trustworks.core.time import rules

if TYPE_CHECKING:
    from pathlib import Path


def trusted_owners(folder_owner: int) -> tuple[int, ...]:
    """Whose files are believed: root's and our own; root also believes the one that the folder belongs to."""
    user = os.geteuid()
    return (0, user) if user else (0, folder_owner)


def file_findings(file: int, folder: Path) -> str:
    """What speaks against an open file of the state folder; empty when nothing does."""
    status = os.fstat(file)
    owners = trusted_owners(folder.stat().st_uid)
    return " and ".join(rules.protection_findings(status.st_uid, status.st_mode, owners))


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
