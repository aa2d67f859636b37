"""Base64url without padding (RFC 8555, 6.1; RFC 7515, 2)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from trustworks.core.errors import Malformed

BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")


def decode(text: str) -> bytes:
    """The octets; `Malformed` for anything but their one encoding."""
    if not BASE64URL.fullmatch(text):
        raise Malformed("This is no Base64url without padding (RFC 8555, 6.1).")
    try:
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise Malformed("This is no Base64url without padding (RFC 8555, 6.1).") from None
    if encode(found) != text:
        raise Malformed("This Base64url has bits behind its end; encode it as RFC 4648, 3.5 says.")
    return found


def encode(octets: bytes) -> str:
    """The text."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
