"""Trusted lists over HTTP: ``/tl/XX.xml``, ``/tl/lotl.xml``, the digest of each, the signers' certificates.

Source: TS 119 612 V2.4.1, 6.1 and 6.2.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.http import RawRequest, RawResponse, Route
from trustworks.core.pki.trusted_lists.uris import XML_LIST
from trustworks.core.trace import implements
from trustworks.issuance.trusted_list import records
from trustworks.issuance.trusted_list.contents import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.core.store import Database
    from trustworks.issuance.trusted_list.records import Issue

LISTS: Final = "lotl"
SIGNER: Final = "signer.pem"
# A new list is seen by everybody that soon; the standard asks for at most four hours (6.1).
_KEPT: Final = "public, max-age=300"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_SAFE: Final = (("content-security-policy", _POLICY), ("referrer-policy", "no-referrer"))
_NOT_FOUND: Final = RawResponse(
    404,
    "text/plain; charset=utf-8",
    f"There is no such trusted list here. {PREFIX} lists those that there are.\n".encode(),
    (("cache-control", "no-store"),),
)


def routes(database: Database, *, draw: Callable[[Sequence[Issue]], str]) -> list[Route]:
    """The routes of the lists, which everybody may read. `draw` makes the page of those in force."""
    return [Route(method="GET", path=PREFIX, handler=Edge(database, draw).get)]


class Edge:
    """The handler; the database is asked in a thread."""

    def __init__(self, database: Database, draw: Callable[[Sequence[Issue]], str]) -> None:
        self._database = database
        self._draw = draw

    async def get(self, request: RawRequest) -> RawResponse:
        """``GET /tl/...``."""
        name = request.path.removeprefix(PREFIX)
        issues = await asyncio.to_thread(self._newest)
        if not name:
            page = self._draw(issues).encode()
            return RawResponse(
                200, "text/html; charset=utf-8", page, (("cache-control", "public, max-age=60"), *_SAFE)
            )
        if name == SIGNER and issues:
            return _certificates(issues)
        stem, _, ending = name.rpartition(".")
        found = next((one for one in issues if stem == file_of(one)), None)
        if found is None or ending not in {"xml", "sha2"}:
            return _NOT_FOUND
        return published(request, found, digest=ending == "sha2")

    def _newest(self) -> list[Issue]:
        with self._database.read() as connection:
            kinds = (records.LIST, records.LIST_OF_LISTS)
            found = [records.newest(connection, one) for one in kinds]
        return [one for one in found if one is not None]


def file_of(issue: Issue) -> str:
    """The name of a list's file, without its ending."""
    return LISTS if issue.kind == records.LIST_OF_LISTS else issue.territory


def _plain(_request: RawRequest, issue: Issue, *, digest: bool) -> RawResponse:
    del digest
    return RawResponse(200, "application/xml", issue.octets)


@implements("TS119612:6.1", "TS119612:6.2.1.1", disabled=_plain)
def published(request: RawRequest, issue: Issue, *, digest: bool) -> RawResponse:
    """A list with its media type, kept by caches for a while, or its SHA-256 in hexadecimal (6.1, 6.2)."""
    tag = f'"{issue.sha256[:32]}{"-d" if digest else ""}"'
    headers = (("etag", tag), ("cache-control", _KEPT), *_SAFE)
    kind = "text/plain; charset=utf-8" if digest else XML_LIST
    if tag in request.headers.get("if-none-match", ""):
        return RawResponse(304, kind, b"", headers)
    return RawResponse(200, kind, issue.sha256.encode() if digest else issue.octets, headers)


def _certificates(issues: Sequence[Issue]) -> RawResponse:
    """The certificates that the lists in force are signed with (PEM)."""
    signers = dict.fromkeys(one.signer for one in issues)
    body = b"".join(x509.load_der_x509_certificate(one).public_bytes(Encoding.PEM) for one in signers)
    return RawResponse(200, "application/x-pem-file", body, (("cache-control", _KEPT), *_SAFE))
