"""The pages of a worker: status page, `/healthz`, `/metrics`, trust anchors, and what answers elsewhere."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from trustworks.app.health.metrics import exposition
from trustworks.app.web.drawing import environment
from trustworks.app.web.error_pages import HTML, ErrorPages, is_browser
from trustworks.app.web.shared import Shared
from trustworks.core.pages import style_sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from starlette.requests import Request

    from trustworks.app.health.findings import Health
    from trustworks.app.web.overview import Overview
    from trustworks.assurance.integrity.identity import ProductIdentity

log = structlog.get_logger(__name__)

KEPT = 1.0  # seconds; whoever asks for a page within them gets the one that was drawn
PATIENCE = 5.0  # seconds after which a page says that it cannot be drawn
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _CONTENT_SECURITY_POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_STATIC = {
    "style.css": "text/css; charset=utf-8",
    "forms.css": "text/css; charset=utf-8",
    "shown.css": "text/css; charset=utf-8",
    "shown.js": "text/javascript; charset=utf-8",
    "report.css": "text/css; charset=utf-8",
    "validation.css": "text/css; charset=utf-8",
    "validation.js": "text/javascript; charset=utf-8",
    "sign.js": "text/javascript; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


class PageSource(Protocol):
    """What the pages show."""

    @property
    def health(self) -> Health:
        """The checks of this process."""

    @property
    def banners(self) -> tuple[tuple[str, str], ...]:
        """What every reader must be told first: (heading, sentence)."""

    @property
    def version(self) -> str:
        """The product's version, build and manifest, as pages tell them."""

    @property
    def product(self) -> ProductIdentity:
        """Which product runs."""

    def overview(self) -> Overview:
        """The status page's values. May block."""

    def trust_file(self, name: str) -> bytes | None:
        """A file of the folder of trust anchors (PEM), or None."""


class _SecurityHeaders:
    """Adds the headers that tell a browser what the pages never do."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers)


def pages(source: PageSource, *, inside: bool) -> Starlette:  # noqa: C901 - a list of small handlers
    """The application that draws `source`.

    With `inside` everything; without it what everybody may see: the trust anchors.
    """
    templates = environment("trustworks.app.web")
    overview = Shared("page", source.overview, kept=KEPT, patience=PATIENCE)
    findings = Shared("findings", source.health.findings, kept=0.0, patience=PATIENCE)
    numbers = Shared("numbers", exposition, kept=0.0, patience=PATIENCE)

    def draw(name: str, status: int = 200, **values: Any) -> Response:
        page = templates.get_template(name).render(
            banners=source.banners, version=source.version, inside=inside, **values
        )
        return Response(page, status, media_type=HTML, headers={"cache-control": "no-store"})

    def failed(
        request: Request, status: int, sentence: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        if not is_browser(request.headers.get("accept", "")):
            return PlainTextResponse(f"{sentence}\n", status, headers)
        drawer = ErrorPages(banners=source.banners, version=source.version, inside=inside)
        page = drawer.page(status, sentence)
        kept = {**(headers or {}), "cache-control": "no-store", "vary": "accept"}
        return Response(page, status, media_type=HTML, headers=kept)

    async def status(request: Request) -> Response:
        del request
        return draw("status.html", view=await overview.get())

    async def healthz(request: Request) -> Response:
        del request
        found = await findings.get()
        ok = all(finding.ok for finding in found)
        document = {
            "ok": ok,
            **source.product.as_dict(),
            "banners": [f"{heading}: {sentence}" for heading, sentence in source.banners],
            "resources": {finding.name: finding.as_dict() for finding in found},
        }
        return Response(
            json.dumps(document, indent=1) + "\n",
            200 if ok else 503,
            media_type="application/json",
            headers={"cache-control": "no-store"},
        )

    async def metrics(request: Request) -> Response:
        del request
        await findings.get()  # so that the resources' gauges are as fresh as the answer
        body, media_type = await numbers.get()
        return Response(body, media_type=media_type)

    async def trust(request: Request) -> Response:
        name = request.path_params["name"]
        body = source.trust_file(name)
        if body is None:
            return await not_found(request)
        return Response(
            body,
            media_type="application/pem-certificate-chain",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _STATIC:
            return await not_found(request)
        return Response(
            _static(name), media_type=_STATIC[name], headers={"cache-control": "public, max-age=300"}
        )

    async def not_found(request: Request, error: Exception | None = None) -> Response:
        del error
        return failed(request, 404, f"There is nothing at {request.url.path}.")

    async def wrong_method(request: Request, error: Exception) -> Response:
        headers = getattr(error, "headers", None)
        return failed(request, 405, "This address does not answer that method.", headers)

    async def slow(request: Request, error: Exception) -> Response:
        del error
        told = "The page could not be drawn in time: something does not answer, /healthz says what."
        return failed(request, 503, told)

    async def bug(request: Request, error: Exception) -> Response:
        log.error("http.bug", path=request.url.path, exc_info=error)
        answer = failed(
            request, 500, "The page could not be drawn; its operator finds the reason in the log."
        )
        # Starlette answers this one outside of what adds them to all others.
        answer.raw_headers += list(_HEADERS)
        return answer

    shown = [Route("/trust/{name}", trust), Route("/static/{name}", static)]
    if inside:
        shown += [Route("/", status), Route("/healthz", healthz), Route("/metrics", metrics)]
    app = Starlette(
        routes=shown,
        middleware=[Middleware(_SecurityHeaders)],
        exception_handlers={404: not_found, 405: wrong_method, TimeoutError: slow, Exception: bug},
    )
    app.router.redirect_slashes = False  # it would send clients to the host that they name themselves
    return app


@lru_cache
def _static(name: str) -> bytes:
    if name == "style.css":
        return style_sheet()
    if name == "report.css":
        from trustworks.validation.report.page.html import own_style_sheet  # noqa: PLC0415 - where files are validated

        return own_style_sheet()
    return resources.files(__package__).joinpath("static", name).read_bytes()
