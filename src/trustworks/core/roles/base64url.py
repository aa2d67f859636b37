"""Base64url without padding, as JOSE and WebAuthn write octets. Source: RFC 7515, 2."""

from __future__ import annotations

import base64
import binascii

from trustworks.core.errors import Malformed


def encode(octets: bytes) -> str:
    """The text of the octets."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def decode(text: object, name: str) -> bytes:
    """The octets of the text; `name` is what a complaint calls it. Raises `Malformed`."""
    octets = None
    if isinstance(text, str) and "=" not in text:
        try:
            octets = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            octets = None
    if octets is None or encode(octets) != text:
        raise Malformed(f"{name} is not Base64url without padding (RFC 7515, 2).")
    return octets
