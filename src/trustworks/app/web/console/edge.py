"""Who asks the console: sessions in a cookie, forms that only our pages send, pages that nobody frames."""

from __future__ import annotations

import asyncio
import hmac
import json
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

from trustworks.core.audit.reading import loads
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.http import RawResponse
from trustworks.core.roles.authentication import csrf_token
from trustworks.core.roles.office import rule_of
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import TypeVar

    from trustworks.core.http import Handler, RawRequest
    from trustworks.core.roles.model import Actor
    from trustworks.core.roles.service import Roles

    T = TypeVar("T")

LOGIN: Final = "/console/login"
HOME: Final = "/console/credentials"
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
MAX_BODY: Final = 64 * 1024
_HTML: Final = "text/html; charset=utf-8"
_CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Final = (
    ("content-security-policy", _CONTENT_SECURITY_POLICY),
    ("referrer-policy", "same-origin"),  # under no-referrer a browser sends its forms with "origin: null"
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
)


@implements("TRUSTWORKS:ROLES-CONSOLE-FORGED", disabled=True)
def is_ours(origin: str | None, expected: str, given: str, token: str) -> bool:
    """Whether a request that changes something comes from our own pages, in the session's own form.

    `given` is the form's token, `token` the session's; empty ones where there is no session yet.
    """
    if origin != expected:
        return False
    return not token or hmac.compare_digest(given.encode(), csrf_token(token).encode())


class Visit:
    """One request of somebody who is signed in."""

    def __init__(self, request: RawRequest, actor: Actor, token: str) -> None:
        self.request = request
        self.actor = actor
        self.token = token

    @property
    def csrf(self) -> str:
        """What this session's forms carry."""
        return csrf_token(self.token)


class Edge:
    """The service behind the pages, and what all of them do alike."""

    def __init__(self, roles: Roles, *, banners: Sequence[tuple[str, str]], version: str) -> None:
        self.roles = roles
        self._banners = tuple(banners)
        self._version = version
        self.origin = roles.office.settings.console_origin or ""
        self._secure = self.origin.startswith("https:")
        # The prefix makes browsers refuse the cookie from other hosts of the same domain.
        self._cookie = "__Host-trustworks" if self._secure else "trustworks"
        self._templates = Environment(
            loader=ChoiceLoader([PackageLoader("trustworks.app.web.console")]),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    @property
    def rp_id(self) -> str:
        """The host that passkeys are bound to."""
        return self.origin.partition("://")[2].partition(":")[0]

    # Answers

    def page(self, name: str, status: int = 200, **values: Any) -> RawResponse:
        """A page, drawn."""
        text = self._templates.get_template(name).render(
            banners=self._banners, version=self._version, **({"visit": None} | values)
        )
        return RawResponse(status, _HTML, text.encode(), _HEADERS)

    def json(self, value: Any, status: int = 200, *headers: tuple[str, str]) -> RawResponse:
        """A JSON answer."""
        return RawResponse(status, JSON, json.dumps(value).encode(), (*_HEADERS, *headers))

    def redirect(self, path: str, *headers: tuple[str, str]) -> RawResponse:
        """On to another page of the console."""
        return RawResponse(303, "text/plain; charset=utf-8", b"", (*_HEADERS, ("location", path), *headers))

    def cookie(self, token: str) -> tuple[str, str]:
        """The header that gives a browser its session; an empty token takes it away."""
        secure = "; Secure" if self._secure else ""
        age = "" if token else "; Max-Age=0"
        return "set-cookie", f"{self._cookie}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{age}"

    # Requests

    async def call(self, action: Callable[..., T], *arguments: Any) -> T:
        """Do what waits for the database in a thread."""
        return await asyncio.to_thread(action, *arguments)

    async def visit(self, request: RawRequest) -> Visit | None:
        """Who sent the request, if he is signed in."""
        token = self._token(request)
        actor = await self.call(self.roles.authentication.session, token) if token else None
        return None if actor is None else Visit(request, actor, token)

    def _token(self, request: RawRequest) -> str:
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(request.headers.get("cookie", ""))
        except CookieError:
            return ""
        found = cookies.get(self._cookie)
        return "" if found is None else found.value

    def open(self, answer: Callable[[RawRequest], Awaitable[RawResponse]]) -> Handler:
        """A handler for who is not signed in: a POST must come from our own pages."""

        async def handle(request: RawRequest) -> RawResponse:
            if request.method == "POST" and not is_ours(request.headers.get("origin"), self.origin, "", ""):
                return self._forged()
            return await self._told(request, answer(request))

        return handle

    def signed_in(self, answer: Callable[[Visit], Awaitable[RawResponse]]) -> Handler:
        """A handler for who is signed in, and for forms of his own session; others go to the sign-in."""

        async def handle(request: RawRequest) -> RawResponse:
            visit = await self.visit(request)
            if visit is None:
                return self._not_signed_in(request)
            if request.method == "POST":
                given = request.headers.get("x-csrf-token") or field(request, "csrf")
                if not is_ours(request.headers.get("origin"), self.origin, given, visit.token):
                    return self._forged()
            return await self._told(request, answer(visit))

        return handle

    def _not_signed_in(self, request: RawRequest) -> RawResponse:
        if _wants_json(request):
            return self.json({"message": "You are not signed in any more.", "location": LOGIN}, 401)
        return self.redirect(LOGIN)

    def _forged(self) -> RawResponse:
        told = f"This was not sent by a page of the console at {self.origin}. Open it there, and try again.\n"
        return RawResponse(403, "text/plain; charset=utf-8", told.encode(), _HEADERS)

    async def _told(self, request: RawRequest, answer: Awaitable[RawResponse]) -> RawResponse:
        """The answer; an error in words, as JSON for a script and as a page for a person."""
        try:
            return await answer
        except (Malformed, Rejected, Refused) as error:
            status = 400 if isinstance(error, Malformed) else 403
            told = {"message": str(error), "rule": rule_of(error)}
            if _wants_json(request):
                return self.json(told, status)
            return self.page("refused.html", status, **told)


def _wants_json(request: RawRequest) -> bool:
    return request.headers.get("content-type", "").startswith(JSON)


def field(request: RawRequest, name: str) -> str:
    """A field of a form, or an empty text."""
    if not request.headers.get("content-type", "").startswith(FORM):
        return ""
    try:
        found = parse_qs(request.body.decode("ascii"), max_num_fields=50, errors="strict")
    except ValueError:
        return ""
    return found.get(name, [""])[0]


def members(request: RawRequest, *names: str) -> list[Any]:
    """The members of the JSON object that was sent. Raises `Malformed` for any other."""
    value = loads(request.body)
    if not isinstance(value, dict) or set(value) != set(names):
        raise Malformed(f"Send a JSON object with {', '.join(names) or 'nothing in it'}.")
    return [value[name] for name in names]
