"""Lists from a directory of files that were fetched before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from pathlib import Path


class Folder:
    """Gets octets from a directory: files by the last part of an address, or by all of it.

    In the second kind of name every character that is no letter, digit or underscore became an underscore, as
    other programs name what they fetched.
    """

    def __init__(self, directory: Path, *, most: int) -> None:
        self._directory = directory
        self._most = most

    def __call__(self, address: str) -> bytes:
        """The octets that were fetched from an address. Raises `Unavailable`."""
        names = (re.sub(r"[^A-Za-z0-9_]", "_", address), unquote(urlsplit(address).path).rpartition("/")[2])
        for name in names:
            file = self._directory / name
            if name not in {"", ".", ".."} and "/" not in name and file.is_file():
                try:
                    octets = read_at_most(file, self._most)
                except OSError as error:
                    raise _unavailable(address, f"{file} cannot be read: {error.strerror}") from error
                if len(octets) > self._most:
                    raise Malformed(f"{file} has more than {self._most} octets.")
                return octets
        raise _unavailable(address, f"{self._directory} has no file of that name")


def _unavailable(address: str, why: str) -> Unavailable:
    return Unavailable("trust.list", f"{address} cannot be had: {why}.")
