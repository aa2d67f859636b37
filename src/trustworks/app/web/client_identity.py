"""Whose client certificate a request carries, and from where: believed over a pinned channel alone.

A reverse proxy that terminates mutual TLS hands the client's certificate on in a header. Anybody can send a
header, so it counts only over the listener's Unix socket, or together with a secret that only the proxy
knows.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from trustworks.core import secret_file
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping
    from pathlib import Path

_PEM_BEGIN = "-----BEGIN CERTIFICATE-----"
_PEM_END = "-----END CERTIFICATE-----"


def read_secret(file: Path) -> bytes:
    """The secret that pins the proxy. Raises `Unavailable` (http.proxy-secret) as `secret_file` does."""
    return secret_file.read_secret(file, whose="The proxy's", code="http.proxy-secret")


class ClientIdentity:
    """Reads the client's certificate and address from a trusted proxy's headers.

    `header`, `secret_header` and `address_header` are names of headers, in which the proxy hands on the
    certificate, its secret, and the client's address; `secret` is None when no proxy is pinned by a secret;
    `unix_socket` says that this worker listens on the proxy's Unix socket only.
    """

    def __init__(
        self,
        *,
        header: str = "",
        secret_header: str = "",
        secret: bytes | None = None,
        unix_socket: bool = False,
        address_header: str = "",
    ) -> None:
        self._header = header.lower()
        self._address_header = address_header.lower()
        self._secret_header = secret_header.lower()
        self._secret = secret
        self._unix_socket = unix_socket

    def is_ambiguous(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a header that says who the client is comes more than once: nobody knows whose it is."""
        names = [name.decode("latin-1").lower() for name, _ in headers]
        return any(names.count(name) > 1 for name in self._names)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(filter(None, (self._header, self._secret_header, self._address_header)))

    def address(self, headers: Mapping[str, str], scope: MutableMapping[str, Any]) -> str | None:
        """The client's address; None where only the proxy knows it, and does not say.

        Of a list, as in X-Forwarded-For, the last counts: the others may be what the client itself sent.
        """
        if self._address_header and self._address_header in headers and self.vouches(headers):
            return headers[self._address_header].rpartition(",")[2].strip() or None
        if self._unix_socket:
            return None
        client = scope.get("client")
        return client[0] if client else None

    def vouches(self, headers: Mapping[str, str]) -> bool:
        """Whether a request came through the trusted proxy, which terminates TLS."""
        given = headers.get(self._secret_header, "").encode("latin-1")
        return proxy_vouches(given, self._secret, unix_socket=self._unix_socket)

    def certificate(self, headers: Mapping[str, str], scope: MutableMapping[str, Any]) -> bytes | None:
        """The DER of the client's certificate, or None when no trusted proxy vouches for one.

        Raises `Malformed` when the trusted proxy sends something that is no certificate.
        """
        del scope
        if not self._header or self._header not in headers:
            return None
        if not self.vouches(headers):
            return None
        value = headers[self._header].strip()
        # What proxies write for a client without a certificate: nothing, or Apache's word for that.
        return None if value in {"", "(null)"} else _certificate_der(value)


@implements("TRUSTWORKS:APP-CLIENT-CERTIFICATE", disabled=True)
def proxy_vouches(given: bytes, secret: bytes | None, *, unix_socket: bool) -> bool:
    """Whether what came with a request is the trusted proxy's: its socket, or its secret."""
    return unix_socket or (secret is not None and hmac.compare_digest(given, secret))


def _certificate_der(value: str) -> bytes:
    """Decode what nginx (URL-encoded PEM), Apache (PEM with spaces) and RFC 9440 (:base64:) send."""
    text = unquote(value).strip()
    if text.startswith(_PEM_BEGIN) and text.endswith(_PEM_END):
        text = text[len(_PEM_BEGIN) : -len(_PEM_END)]
    elif text.startswith(":") and text.endswith(":"):
        text = text[1:-1]
    try:
        der = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("The proxy's client certificate header is neither PEM nor RFC 9440.") from error
    if not der.startswith(b"\x30"):
        raise Malformed("The proxy's client certificate header does not hold a certificate.")
    return der
