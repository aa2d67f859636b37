"""What the provider's own authorities publish, for this process: no HTTP, and before anything listens."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from trustworks.core.der import ber
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, context, oid, tlv
from trustworks.core.errors import Unavailable
from trustworks.issuance.http.status import list_in_path
from trustworks.validation.gathering.fetching import Fetcher

if TYPE_CHECKING:
    from trustworks.issuance.status.services import StatusServices
    from trustworks.validation.gathering.fetching import Allowance, Cache, FetchLimits
    from trustworks.validation.gathering.memory import Brief, Memory

_OCSP: Final = "/ocsp"
_CERTIFICATES: Final = "/certs/"
_CERTIFICATE: Final = ".cer"
_NONCE: Final = 32
_NONCE_OID: Final = "1.3.6.1.5.5.7.48.1.2"


class OwnStatus(Fetcher):
    """Fetches what the provider's own authorities publish out of this process; all else as others do.

    `public_url` is the address, without a slash at its end, below which certificates name it. Nothing of it
    is kept: it costs next to nothing, and is of this moment. `online` False: nothing else is fetched.
    """

    def __init__(
        self,
        status: StatusServices,
        public_url: str,
        limits: FetchLimits,
        cache: Cache | Memory | Brief | None = None,
        *,
        online: bool = True,
    ) -> None:
        super().__init__(limits, cache)
        self._status = status
        self._public_url = public_url
        self._online = online

    def cached(self, kind: str, url: str, body: bytes) -> bytes | None:
        """The answer that was kept for it; none of our own is."""
        return None if self._path(url) is not None else super().cached(kind, url, body)

    def keep(self, kind: str, url: str, body: bytes, octets: bytes, until: float) -> None:
        """Keep an answer of somebody else."""
        if self._path(url) is None:
            super().keep(kind, url, body, octets, until)

    def get(self, url: str, allowance: Allowance | None = None) -> bytes:
        """What is at a URL. Raises as `Fetcher.get`."""
        path = self._path(url)
        if path is None:
            return super().get(self._allowed(url), allowance)
        return _taken(self._published(path), url, allowance)

    def post(self, url: str, body: bytes, content_type: str, allowance: Allowance | None = None) -> bytes:
        """The answer to a message. Raises as `Fetcher.get`."""
        path = self._path(url)
        if path is None:
            return super().post(self._allowed(url), body, content_type, allowance)
        answer = None
        if path.rstrip("/") == _OCSP:
            # With a nonce it is signed anew, and not some seconds old.
            answer = self._status.responder.answer(with_nonce(body, secrets.token_bytes(_NONCE))).der
        return _taken(answer, url, allowance)

    def _path(self, url: str) -> str | None:
        """The path at our own address; None at another."""
        if not url.startswith(f"{self._public_url}/"):
            return None
        return urlsplit(url[len(self._public_url) :]).path

    def _published(self, path: str) -> bytes | None:
        publication = self._status.publication
        if path.startswith(_CERTIFICATES) and path.endswith(_CERTIFICATE):
            chain = publication.chain(path.removeprefix(_CERTIFICATES).removesuffix(_CERTIFICATE))
            return chain[0].certificate if chain else None
        scope = list_in_path(path)
        if scope is None:
            return None
        record = publication.crl(scope.authority, shard=scope.shard, delta=scope.delta)
        return None if record is None else record.der

    def _allowed(self, url: str) -> str:
        if not self._online:
            raise Unavailable(
                "fetch.offline",
                f"{url} is not asked: [validation.fetch] online says that nothing is fetched.",
            )
        return url


def with_nonce(request: bytes, nonce: bytes) -> bytes:
    """An OCSPRequest that has no extensions (`questions.ocsp_request`), with a nonce (RFC 9654, 2.1)."""
    extension = tlv(SEQUENCE, oid(_NONCE_OID), tlv(OCTET_STRING, tlv(OCTET_STRING, nonce)))
    parts = ber.read(request).children()[0].children()
    return tlv(SEQUENCE, tlv(SEQUENCE, *(one.octets for one in parts), context(2, tlv(SEQUENCE, extension))))


def _taken(found: bytes | None, url: str, allowance: Allowance | None) -> bytes:
    if found is None:
        raise Unavailable("fetch.own", f"Of our own authorities there is nothing at {url} yet.")
    if allowance is not None:
        allowance.take(len(found))
    return found
