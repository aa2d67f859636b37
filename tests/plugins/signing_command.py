"""What `trustworks sign` needs of the application, without a module: a key of the house that counts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from signing_house import house

from trustworks.core.der.x509 import public_key_info
from trustworks.core.module.algorithms import SignatureScheme
from trustworks.signing.create.process import Creation

if TYPE_CHECKING:
    from collections.abc import Iterator


class Counted:
    """A key that counts what it signs."""

    scheme = SignatureScheme.ECDSA_SHA256
    spki_sha256 = b"\0" * 32

    def __init__(self) -> None:
        self.used = 0

    @property
    def spki(self) -> bytes:
        return public_key_info(house().person().certificate)

    def sign(self, octets: bytes, *, scheme: SignatureScheme) -> bytes:
        del scheme
        self.used += 1
        return house().person().sign(octets)


class Wired:
    """What the command needs of the application: the house, and a key that counts."""

    def __init__(self) -> None:
        self.key, self.means = Counted(), house().means

    @contextmanager
    def open_signing_key(self, named: str) -> Iterator[Any]:
        del named
        yield self.key, lambda _: None

    def creation(self, sources: object) -> Creation:
        del sources
        return Creation(means=self.means)


__all__ = ["Counted", "Wired"]
