"""The `Stamper` that asks a time-stamping authority over HTTP: our own, or another one."""

from __future__ import annotations

import secrets

from trustworks.core.errors import Malformed, Unavailable
from trustworks.timestamping import client, wire


class HttpStamper:
    """Gets time-stamps from the authority at `url`.

    What comes back is held against the request, and its signature against the certificate in it; who vouches
    for that is for `trustworks audit verify` to judge, which knows the anchors that somebody relies on.
    """

    def __init__(self, url: str, *, timeout: float = client.TIMEOUT) -> None:
        self._url = url
        self._timeout = timeout

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        """A DER TimeStampToken over `digest`. Raises `Unavailable`, or `Rejected` with the failure."""
        nonce = secrets.randbits(64)
        request = wire.encode_request(digest, hash_name, nonce=nonce)
        try:
            answer = client.request_token(self._url, request, timeout=self._timeout)
            token = client.granted_token(answer)
            client.check_answer(token, request)
        except Malformed as error:
            place = client.without_secrets(self._url)
            raise Unavailable("timestamping.malformed", f"{place} answers nonsense: {error}") from error
        return token
