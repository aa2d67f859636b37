"""What the console's pages load: one script."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from trustworks.core.http import RawRequest, RawResponse, Route


def routes() -> list[Route]:
    """The route of the script."""
    return [Route(method="GET", path="/console/console.js", handler=_script)]


async def _script(request: RawRequest) -> RawResponse:
    del request
    return RawResponse(
        200, "text/javascript; charset=utf-8", _read("console.js"), (("cache-control", "max-age=300"),)
    )


@lru_cache
def _read(name: str) -> bytes:
    return resources.files(__package__).joinpath("static", name).read_bytes()
