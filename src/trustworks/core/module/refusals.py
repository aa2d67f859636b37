"""Remembers across processes which PIN a token refused: each further try brings the token nearer to its lock.

One file for each token, mode 0600, with a salted hash of the PIN; read and written under the start-up lock.
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
class RefusedPin:
    """The memory of one token, in `file`."""

    file: Path

    @classmethod
    def of(cls, folder: Path, *identity: str) -> RefusedPin:
        """The memory in `folder` of the token with this manufacturer, model and serial number."""
        name = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:16]
        return cls(folder / f"pin-refused-{name}")

    def check(self, pin: bytes, uri: Pkcs11Uri) -> None:
        """Refuse the PIN that the token refused before. Raises `Unavailable` (module.pin-wrong)."""
        try:
            salt, digest = map(bytes.fromhex, self.file.read_text("ascii").split())
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "its content is damaged"
            raise Unavailable(
                "module.pin-wrong",
                f"Whether the token of {uri} refused this PIN before cannot be read from {self.file} "
                f"({reason}), and the PIN was not tried. Check that the PIN is right, then remove that file.",
            ) from error
        if compare_digest(digest, _digest(salt, pin)):
            raise Unavailable(
                "module.pin-wrong",
                f"The token of {uri} refused this PIN before; it was not tried again: tokens lock after a "
                "few wrong PINs. Put the right PIN into the pin-source. If this one is right by now, because "
                f"it was set on the token since, remove {self.file}.",
            )

    def remember(self, pin: bytes) -> None:
        """Keep the PIN's hash. Raises OSError."""
        salt = secrets.token_bytes(_SALT)
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        put(self.file, f"{salt.hex()} {_digest(salt, pin).hex()}\n", mode=0o600)

    def forget(self) -> None:
        """The token took a PIN."""
        self.file.unlink(missing_ok=True)


def _digest(salt: bytes, pin: bytes) -> bytes:
    return hashlib.sha256(salt + pin).digest()
