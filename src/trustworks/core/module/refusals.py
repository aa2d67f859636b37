"""Remembers across processes which PINs a token refused: each further try brings it nearer to its lock.

One file for each token, mode 0600, with a line for each PIN: a salt, and the salted hash. It is read and
written under the start-up lock.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from hmac import compare_digest
from typing import TYPE_CHECKING

from trustworks.core.durable import put
from trustworks.core.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.module.uri import Pkcs11Uri

_SALT = 16


@dataclass(frozen=True, slots=True)
class RefusedPins:
    """The memory of one token, in `file`."""

    file: Path

    @classmethod
    def of(cls, folder: Path, *identity: str) -> RefusedPins:
        """The memory in `folder` of the token with this manufacturer, model and serial number."""
        name = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:16]
        return cls(folder / f"pin-refused-{name}")

    def check(self, pin: bytes, uri: Pkcs11Uri) -> None:
        """Refuse a PIN that the token refused before. Raises `Unavailable` (module.pin-wrong)."""
        try:
            known = self._read()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "its content is damaged"
            raise Unavailable(
                "module.pin-wrong",
                f"Whether the token of {uri} refused this PIN before cannot be read from {self.file} "
                f"({reason}), and the PIN was not tried. Check that the PIN is right, then remove that file.",
            ) from error
        if any(compare_digest(digest, _digest(salt, pin)) for salt, digest in known):
            raise Unavailable(
                "module.pin-wrong",
                f"The token of {uri} refused this PIN before; it was not tried again: tokens lock after a "
                "few wrong PINs. Put the right PIN into the pin-source. If this one is right by now, because "
                f"it was set on the token since, remove {self.file}.",
            )

    def remember(self, pin: bytes) -> None:
        """Keep the PIN's hash beside those of other PINs. Raises OSError."""
        salt = secrets.token_bytes(_SALT)
        lines = [*self._read(), (salt, _digest(salt, pin))]
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        put(self.file, "".join(f"{one.hex()} {digest.hex()}\n" for one, digest in lines), mode=0o600)

    def forget(self) -> None:
        """The token took a PIN, and counts from anew. Raises `Unavailable` (module.pin-memory)."""
        try:
            # Where nothing was refused, a state folder on a file system for reading only is no obstacle.
            if self.file.exists():
                self.file.unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(
                "module.pin-memory",
                f"The token took the PIN, and {self.file}, which remembers that it refused another, cannot "
                f"be removed ({error.strerror}). Make its folder writable, or remove that file.",
            ) from error

    def _read(self) -> list[tuple[bytes, bytes]]:
        """Salt and hash of each refused PIN. Raises OSError, and ValueError where the content is damaged."""
        try:
            text = self.file.read_text("ascii")
        except FileNotFoundError:
            return []
        found = []
        for line in text.splitlines():
            salt, digest = map(bytes.fromhex, line.split())
            found.append((salt, digest))
        if not found:
            raise ValueError("no PIN is in the file, and one was written to it")
        return found


def _digest(salt: bytes, pin: bytes) -> bytes:
    return hashlib.sha256(salt + pin).digest()
