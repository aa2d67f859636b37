"""The registration authority's key, which the secrets of enrolment are encrypted with or made from.

It comes of a key in the module where the configuration names one (`[issuance] registration-key`), else of a
file that its owner alone can read.
"""

from __future__ import annotations

import secrets
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trustworks.core.errors import Unavailable
from trustworks.core.secret_file import derived_key, draw_secret, read_secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.module import Key
    from trustworks.issuance.config import IssuanceSettings

_NONCE_OCTETS: Final = 12
_WHOSE: Final = "The registration authority's"
_CODE: Final = "enrolment.secret-key"


class SecretKey:
    """The key that secrets are encrypted with: derived from what `read` gives when it is needed first.

    `make` sees to it that there is something to read. `whence` says in messages what the key comes of.
    """

    def __init__(
        self, read: Callable[[], bytes], *, whence: str, make: Callable[[], None] | None = None
    ) -> None:
        self._read = read
        self._whence = whence
        self._make = make

    @classmethod
    def of_file(cls, file: Path) -> SecretKey:
        """One that comes of a file, which is drawn for the first secret."""
        return cls(
            partial(read_secret, file, whose=_WHOSE, code=_CODE),
            whence=f"the file {file}",
            make=partial(draw_secret, file),
        )

    def make(self) -> None:
        """Make what the key comes of, where that is not somebody's to make."""
        if self._make is not None:
            self._make()

    def seal(self, reference: str, secret: bytes) -> bytes:
        """The secret, encrypted for the place under its reference and no other."""
        nonce = secrets.token_bytes(_NONCE_OCTETS)
        return nonce + AESGCM(self._key).encrypt(nonce, secret, reference.encode())

    def open(self, reference: str, sealed: bytes) -> bytes:
        """The secret. Raises `Unavailable` (enrolment.secret-key) when key and secret do not fit together."""
        try:
            return AESGCM(self._key).decrypt(
                sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:], reference.encode()
            )
        except (InvalidTag, ValueError):
            raise Unavailable(
                _CODE,
                f"The secret {reference} was not encrypted by {self._whence}. Put that back from a backup, "
                "or withdraw the secret and create another.",
            ) from None

    @cached_property
    def _key(self) -> bytes:
        return derived_key(self._read(), b"trustworks enrolment secrets")


def secret_key(
    settings: IssuanceSettings, *, state_dir: Path, service_key: Callable[[str], Key] | None
) -> SecretKey:
    """The key as the configuration says; `service_key` gives the key of a label on the token `services`."""
    read = module_secret(settings, service_key)
    if read is None:
        return SecretKey.of_file(key_file(state_dir))
    return SecretKey(read, whence=f"the key {settings.registration_key} of the token services")


def module_secret(
    settings: IssuanceSettings, service_key: Callable[[str], Key] | None
) -> Callable[[], bytes] | None:
    """What reads the secret of the registration authority's key in the module; None without such a key.

    It raises `Unavailable` (enrolment.secret-key) while there is no token to read it from.
    """
    label = settings.registration_key
    if label is None:
        return None

    def read() -> bytes:
        from trustworks.core.module.derived import secret_of  # noqa: PLC0415 - loads the module's schemes

        if service_key is None:
            raise Unavailable(
                _CODE,
                f"The registration authority's key {label} is on the token `services`, which is not open "
                "here.",
            )
        return secret_of(service_key(label))

    return read


def key_file(state_dir: Path) -> Path:
    """Where the secret is that the key of all secrets is made from, unless that comes of the module."""
    return state_dir / "enrolment.secret"
