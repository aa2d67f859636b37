"""What the console's pages load: one script, one style sheet."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Final

from trustworks.core.http import RawRequest, RawResponse, Route

_FILES: Final = {"console.js": "text/javascript; charset=utf-8", "console.css": "text/css; charset=utf-8"}


def routes() -> list[Route]:
    """The routes of these files."""
    return [Route(method="GET", path=f"/console/{name}", handler=_file) for name in _FILES]


async def _file(request: RawRequest) -> RawResponse:
    name = request.path.rpartition("/")[2]
    return RawResponse(200, _FILES[name], _read(name), (("cache-control", "max-age=300"),))


@lru_cache
def _read(name: str) -> bytes:
    return resources.files(__package__).joinpath("static", name).read_bytes()
