"""Base64url as JOSE writes it, and data in that encoding without holding it (RFC 7515, 2 and appendix C)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import field
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.values import dataclass
from trustworks.formats.data import PORTION, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.formats.data import Data

_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_PORTION: Final = PORTION // 4 * 3
"""Octets that are encoded at once: a multiple of 3, so that there is no padding but at the end."""


def decode(text: str, what: str) -> bytes:
    """The octets behind base64url or base64, with padding or without.

    Values of JAdES are base64 in places and base64url in others, and writers mix them up: the two alphabets
    never contradict each other. Raises `Malformed` for other characters; `what` names it in the sentence.
    """
    try:
        plain = text.encode("ascii").translate(_URL_SAFE).rstrip(b"=")
        return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4), strict_mode=True)
    except ValueError as error:  # UnicodeEncodeError and binascii.Error are both
        raise Malformed(f"{what} is not base64url: {_reason(error)}.") from error


def _reason(error: ValueError) -> str:
    return "it has characters beyond ASCII" if isinstance(error, UnicodeError) else str(error)


def encode(octets: bytes) -> bytes:
    """Base64url without padding, as ASCII octets."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


@dataclass(frozen=True, slots=True)
class Encoded:
    """Data as it goes into a signing input: its base64url, made in portions from the data behind."""

    inner: Data
    name: str | None = None
    _digests: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Octets of the encoding."""
        return (self.inner.size * 4 + 2) // 3

    def portions(self) -> Iterator[bytes]:
        """The encoding in portions. Raises what the data raises where it is not here."""
        rest = b""
        for portion in self.inner.portions():
            whole = rest + portion
            end = len(whole) // 3 * 3
            for begin in range(0, end, _PORTION):
                yield base64.urlsafe_b64encode(whole[begin : min(begin + _PORTION, end)])
            rest = whole[end:]
        if rest:
            yield encode(rest)

    def octets(self) -> bytes:
        """The encoding, all in memory."""
        return encode(self.inner.octets())

    def digest(self, hash_name: str) -> bytes:
        """See `Data.digest`."""
        if hash_name not in self._digests:
            self._digests[hash_name] = digest_of(self, hash_name)
        return self._digests[hash_name]
