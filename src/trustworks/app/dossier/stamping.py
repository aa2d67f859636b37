"""Time-stamps of this process, by the provider's own units: where a laboratory is served by nobody."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.timestamping import client, wire

if TYPE_CHECKING:
    from trustworks.timestamping.service import TimestampingAuthority


class OwnStamper:
    """The `Stamper` that asks an authority of this process. What it issues is recorded as any other."""

    def __init__(self, authority: TimestampingAuthority) -> None:
        self._authority = authority

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        """A DER TimeStampToken over `digest`. Raises `Unavailable` where no unit issues it."""
        request = wire.encode_request(digest, hash_name, nonce=secrets.randbits(64))
        try:
            token = client.granted_token(self._authority.stamp(request))
            client.check_answer(token, request)
        except (Malformed, Rejected) as error:
            raise Unavailable(
                "dossier.time-stamp", f"The provider's own units give no time-stamp: {error}"
            ) from error
        return token
