"""What core asks of a service, where two adapters really exist; `app` wires them."""

from __future__ import annotations

from typing import Protocol


class Stamper(Protocol):
    """Gets time-stamps: from our own time-stamping authority, or from another one over HTTP."""

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        """A DER TimeStampToken over `digest`. Raises `Unavailable`, or `Rejected` with the failure."""
