"""Statements over HTTP: ``/statements/``, ``/statements/pds-en.pdf``, ``/statements/DIGEST/pds-en.pdf``.

The first lists all versions; the second is the version in force, under an address that certificates name; the
third is one version for good.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from trustworks.app.statements import records
from trustworks.app.statements.model import PREFIX, Document
from trustworks.core.http import RawRequest, RawResponse, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.app.statements.model import Version
    from trustworks.core.store import Database

_NAME: Final = re.compile(r"(?:([0-9a-f]{16})/)?(cps|pds|tsa|terms)-([a-z]{2})\.(pdf|md)")
_TYPES: Final = {"pdf": "application/pdf", "md": "text/markdown; charset=utf-8"}
_IN_FORCE: Final = "public, max-age=300"  # a new version is seen by everybody that soon
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_SAFE: Final = (
    ("content-security-policy", _POLICY),
    ("referrer-policy", "no-referrer"),
)
_NOT_FOUND: Final = RawResponse(
    404,
    "text/plain; charset=utf-8",
    f"There is no such statement here. {PREFIX} lists those that there are.\n".encode(),
    (("cache-control", "no-store"),),
)


def routes(database: Database, *, draw: Callable[[Sequence[Version]], str]) -> list[Route]:
    """The routes of the statements, which everybody may read. `draw` makes the page that lists versions."""
    edge = Edge(database, draw)
    return [Route(method="GET", path=PREFIX, handler=edge.get)]


class Edge:
    """The handler; the database is asked in a thread."""

    def __init__(self, database: Database, draw: Callable[[Sequence[Version]], str]) -> None:
        self._database = database
        self._draw = draw

    async def get(self, request: RawRequest) -> RawResponse:
        """``GET /statements/...``."""
        name = request.path.removeprefix(PREFIX)
        if not name:
            return await asyncio.to_thread(self._list)
        found = _NAME.fullmatch(name)
        if found is None:
            return _NOT_FOUND
        digits, document, language, form = found.groups()
        version = await asyncio.to_thread(self._version, Document(document), language, digits)
        if version is None:
            return _NOT_FOUND
        return _answer(request, version, form, for_good=digits is not None)

    def _version(self, document: Document, language: str, digits: str | None) -> Version | None:
        with self._database.read() as connection:
            if digits is None:
                return records.newest(connection, document, language)
            return records.by_digest(connection, document, language, digits)

    def _list(self) -> RawResponse:
        with self._database.read() as connection:
            found = records.listed(connection)
        page = self._draw(found)
        return RawResponse(
            200, "text/html; charset=utf-8", page.encode(), (("cache-control", "public, max-age=60"), *_SAFE)
        )


def _answer(request: RawRequest, version: Version, form: str, *, for_good: bool) -> RawResponse:
    tag = f'"{version.sha256[:32]}-{version.number}-{form}"'
    headers = (
        ("etag", tag),
        ("cache-control", _FOR_GOOD if for_good else _IN_FORCE),
        ("content-language", version.language),
        *_SAFE,
    )
    if tag in request.headers.get("if-none-match", ""):
        return RawResponse(304, _TYPES[form], b"", headers)
    body = version.pdf if form == "pdf" else version.markdown.encode()
    return RawResponse(200, _TYPES[form], body, headers)
