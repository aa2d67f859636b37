"""Subjects' certificates over HTTP: ``GET /repository/AUTHORITY/SERIAL.cer`` (RFC 5280, 4.2.2.1: DER)."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from trustworks.core.http import RawRequest, RawResponse, Route

if TYPE_CHECKING:
    from trustworks.issuance.registration.repository import Repository

ROOT: Final = "/repository/"
_PATH: Final = re.compile(r"/repository/(?P<authority>[^/.]{1,64})/(?P<serial>[0-9a-f]{40})\.cer")
# The consent may end before the certificate does: nobody on the way keeps it for long.
_KEPT: Final = (("cache-control", "max-age=3600, public, no-transform"),)
_NOT_FOUND: Final = RawResponse(
    404,
    "text/plain; charset=utf-8",
    b"There is no certificate here that its subject agreed to have published.\n",
    (("cache-control", "no-store"),),
)


def routes(repository: Repository) -> list[Route]:
    """The route, for anybody."""

    async def answer(request: RawRequest) -> RawResponse:
        found = _PATH.fullmatch(request.path)
        if found is None:
            return _NOT_FOUND
        der = await asyncio.to_thread(repository.certificate, found["authority"], found["serial"])
        return _NOT_FOUND if der is None else RawResponse(200, "application/pkix-cert", der, _KEPT)

    return [Route(method="GET", path=ROOT, handler=answer)]
