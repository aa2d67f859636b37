"""Data to be signed, between `prepare` and `complete`: what any key, module or card may sign in between.

The three steps are the same in every format. `prepare(what, certificates, claims, options)` gives a
`Prepared`, which `encode` writes down and `decode` reads back, so that nothing is kept in memory in between.
A key signs its `dtbs`. `Prepared.complete(value)` gives what was verified. What holds signatures of other
formats, a PDF or a container, has `covered` in place of `dtbs`, and `complete(signature, what)`.

Source: EN 319 102-1, 4.2.5 to 4.2.8 (data to be signed representation).
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.der.algorithms import SIGNATURES, SIGNER_DIGESTS
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.values import dataclass
from trustworks.formats.data import DigestOnly, Octets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustworks.formats.data import Data

    Sign = Callable[[bytes], bytes]
    Packable = Mapping[str, str | int | bytes | tuple[bytes, ...] | None]

ED25519: Final = "ED25519"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dtbs:
    """What is signed, by which scheme (a name of `core.module`'s), with the key of which certificate.

    `data` are octets, or their digest alone where they are large and are not held (`DigestOnly`).
    """

    data: Data
    scheme: str
    certificate: bytes

    def __post_init__(self) -> None:
        """Raises `Rejected` (signature.scheme) for a scheme that is not written."""
        check_scheme(self.scheme)

    @property
    def octets(self) -> bytes:
        """The octets that are signed. Raises `Rejected` (data.absent) where only their digest is held."""
        return self.data.octets()

    @property
    def hash_name(self) -> str | None:
        """The hash function by which a key signs; None: it signs the octets themselves (Ed25519)."""
        return None if self.scheme == ED25519 else SIGNER_DIGESTS[self.scheme]

    @property
    def digest(self) -> bytes | None:
        """The DTBS/R: the digest that a card or a remote service signs; None as `hash_name`."""
        return None if self.hash_name is None else self.data.digest(self.hash_name)

    @property
    def is_held(self) -> bool:
        """Whether the octets are here; else their digest alone."""
        return not isinstance(self.data, DigestOnly)

    def value_by(self, sign: Sign, sign_digest: Sign | None = None) -> bytes:
        """The value, by a key that signs octets, and by the same key for a digest where that alone is held.

        Raises `Rejected` (``signature.digest``) where it is, and the key signs no digests; and as the key.
        """
        if self.is_held:
            return sign(self.octets)
        if sign_digest is None or self.digest is None:
            raise Rejected(
                "signature.digest",
                "There is so much to be signed that its digest alone is held, and the key signs no digests. "
                "Sign with another key, or the data by its digest (sigD).",
            )
        return sign_digest(self.digest)

    def fields(self) -> Packable:
        """It as fields of `packed`."""
        return {
            "scheme": self.scheme,
            "certificate": self.certificate,
            "octets" if self.is_held else "digest": self.octets if self.is_held else self.digest,
        }

    @classmethod
    def of(cls, found: Fields) -> Dtbs:
        """From what `fields` gave. Raises `Malformed`, and `Rejected` for an unknown scheme."""
        scheme, certificate = found.text("scheme"), found.octets("certificate")
        check_scheme(scheme)
        if found.has("octets") or scheme == ED25519:
            return cls(data=Octets(found.octets("octets")), scheme=scheme, certificate=certificate)
        digest = DigestOnly(((SIGNER_DIGESTS[scheme], found.octets("digest")),))
        return cls(data=digest, scheme=scheme, certificate=certificate)


def check_scheme(scheme: str) -> None:
    """Raises `Rejected` (signature.scheme) for a scheme that signatures are not written with."""
    if scheme not in SIGNATURES:
        raise Rejected(
            "signature.scheme",
            f"Signatures by {scheme[:60]!r} are not written. Use one of {', '.join(sorted(SIGNATURES))}.",
        )


def packed(kind: str, fields: Packable) -> bytes:
    """Fields of what was prepared as JSON, octets in base64; `kind` is that of the format."""
    found: dict[str, Any] = {"prepared": kind}
    for name, value in fields.items():
        if isinstance(value, bytes):
            found[name] = {"base64": base64.b64encode(value).decode()}
        elif isinstance(value, tuple):
            found[name] = [base64.b64encode(one).decode() for one in value]
        else:
            found[name] = value
    return json.dumps(found, separators=(",", ":")).encode()


class Fields:
    """What `packed` wrote, read back; every method raises `Malformed` for what is not of that kind."""

    def __init__(self, kind: str, octets: bytes) -> None:
        try:
            found = json.loads(octets)
        except (ValueError, RecursionError) as error:
            raise Malformed(
                "This is not what a signature was prepared as: it is no JSON. Give the file that the first "
                "step wrote."
            ) from error
        if not isinstance(found, dict) or found.get("prepared") != kind:
            raise Malformed(
                f"This is not what a signature was prepared as: {kind!r} is not what it says to be. Give the "
                "file that the first step wrote."
            )
        self._found = found

    def text(self, name: str) -> str:
        """A field of characters."""
        value = self._found.get(name)
        if not isinstance(value, str):
            raise self._wrong(name)
        return value

    def number(self, name: str) -> int:
        """A field of a number that is not negative."""
        value = self._found.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self._wrong(name)
        return value

    def octets(self, name: str) -> bytes:
        """A field of octets."""
        value = self._found.get(name)
        return self._decoded(name, value.get("base64") if isinstance(value, dict) else None)

    def several(self, name: str) -> tuple[bytes, ...]:
        """A field of several octet strings."""
        value = self._found.get(name)
        if not isinstance(value, list):
            raise self._wrong(name)
        return tuple(self._decoded(name, one) for one in value)

    def has(self, name: str) -> bool:
        """Whether a field is there, and is not None."""
        return self._found.get(name) is not None

    def _decoded(self, name: str, value: object) -> bytes:
        if not isinstance(value, str):
            raise self._wrong(name)
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise self._wrong(name) from error

    def _wrong(self, name: str) -> Malformed:
        return Malformed(f"The prepared signature has no {name} that can be read. Prepare it anew.")
