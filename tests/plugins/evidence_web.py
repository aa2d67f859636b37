"""A web of a few addresses for what fetches evidence, and certificates that name them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from trustworks.core.errors import Unavailable
from trustworks.validation.gathering.fetching import Allowance, Cache, Fetcher, FetchLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.validation.gathering.memory import Memory


class Web(Fetcher):
    """Answers from a table in place of the web, and notes what it was asked."""

    def __init__(
        self,
        answers: dict[str, bytes],
        cache: Cache | Memory | None = None,
        clock: Callable[[], float] = time.monotonic,
        limits: FetchLimits | None = None,
    ) -> None:
        super().__init__(limits or FetchLimits(), cache, clock=clock)
        self.answers = answers
        self.asked: list[str] = []
        self.answered: Callable[[], None] = lambda: None

    def get(self, url: str, allowance: Allowance | None = None) -> bytes:
        assert allowance is not None
        self.asked.append(url)
        if url not in self.answers:
            raise Unavailable("fetch.status", f"{url} answered 404.")
        self.answered()
        return self.answers[url]

    def post(self, url: str, body: bytes, content_type: str, allowance: Allowance | None = None) -> bytes:
        assert content_type == "application/ocsp-request"
        assert ocsp.load_der_ocsp_request(body).serial_number
        return self.get(url, allowance)


def at(url: str, method: x509.ObjectIdentifier) -> x509.AccessDescription:
    return x509.AccessDescription(method, x509.UniformResourceIdentifier(url))


def access(*, ocsp: str | None = None, issuer: str | None = None) -> x509.AuthorityInformationAccess:
    """Where a certificate says that its status is told, and where its issuer's certificate is."""
    named = ((ocsp, AuthorityInformationAccessOID.OCSP), (issuer, AuthorityInformationAccessOID.CA_ISSUERS))
    return x509.AuthorityInformationAccess([at(url, method) for url, method in named if url is not None])


def listed(url: str, *reasons: x509.ReasonFlags) -> x509.CRLDistributionPoints:
    """Where a certificate says that its revocation list is."""
    point = x509.DistributionPoint(
        [x509.UniformResourceIdentifier(url)], None, frozenset(reasons) or None, None
    )
    return x509.CRLDistributionPoints([point])
