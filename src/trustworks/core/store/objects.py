"""Objects: whole byte strings under a name, written once."""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trustworks.core.durable import synchronise
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME = re.compile(r"(?=.{1,512}\Z)[a-z0-9][a-z0-9._-]{0,127}(/[a-z0-9][a-z0-9._-]{0,127}){0,7}")
_STAGING = ".staging"


class Objects:
    """Objects in a local folder. What `put` acknowledged is on the disk, whole, under its name.

    Whatever fails in the folder leaves as `Unavailable` (store.objects), a name that is none as `Malformed`.
    """

    def __init__(self, folder: Path) -> None:
        from obstore.store import LocalStore  # noqa: PLC0415 - costs 60 ms, not every process has objects

        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / _STAGING).mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise _failure(folder, error) from error
        self._store = LocalStore(folder)

    @implements("TRUSTWORKS:STORE-03")
    def put(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`, for good; the same bytes may be put again.

        The bytes are written and synchronised under a passing name first: a power cut leaves the whole object
        or none. Raises `Rejected` (store.exists) when other bytes have that name.
        """
        from obstore.exceptions import AlreadyExistsError  # noqa: PLC0415

        check_name(name)
        staged = f"{_STAGING}/{secrets.token_hex(16)}"
        with self._translated():
            self._make_folders(name)
            self._store.put(staged, data)
            synchronise(self._folder / staged)
            try:
                self._store.rename(staged, name, overwrite=False)
            except AlreadyExistsError:
                self._store.delete(staged)
                if self.get(name) != data:
                    raise Rejected("store.exists", f"There is another object named {name}.") from None
            synchronise((self._folder / name).parent)

    def get(self, name: str) -> bytes:
        """The bytes under `name`. Raises `Rejected` (store.no-object)."""
        check_name(name)
        with self._translated():
            try:
                return bytes(self._store.get(name).bytes())
            except FileNotFoundError as error:
                raise Rejected("store.no-object", f"There is no object named {name}.") from error

    def exists(self, name: str) -> bool:
        """Whether there is an object of that name."""
        check_name(name)
        with self._translated():
            try:
                self._store.head(name)
            except FileNotFoundError:
                return False
        return True

    def list(self, prefix: str = "") -> Iterator[str]:
        """The names below the folder `prefix`, in order."""
        if prefix:
            check_name(prefix)
        with self._translated():
            names = [entry["path"] for batch in self._store.list(prefix or None) for entry in batch]
        return iter(sorted(name for name in names if not name.startswith(_STAGING)))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn a failure of the folder into `Unavailable`."""
        from obstore.exceptions import BaseError  # noqa: PLC0415 - as above

        try:
            yield
        except (OSError, BaseError) as error:
            raise _failure(self._folder, error) from error

    def _make_folders(self, name: str) -> None:
        """Make the folders of `name`, each durable in its parent."""
        here = self._folder
        for part in name.split("/")[:-1]:
            parent, here = here, here / part
            if not here.is_dir():
                here.mkdir(exist_ok=True, mode=0o700)
                synchronise(parent)


def check_name(name: str) -> None:
    """Raise `Malformed` unless `name` is a path of lower-case letters, digits, '.', '_' and '-'."""
    if not _NAME.fullmatch(name) or name.startswith(_STAGING):
        raise Malformed(
            f"{name[:80]!r} is no name for an object: use lower-case letters, digits, '.', '_' and '-', "
            "at most eight parts separated by '/', none beginning with a dot."
        )


def _failure(folder: Path, error: Exception) -> Unavailable:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
    return Unavailable("store.objects", f"The objects' folder {folder} failed: {reason}.")
