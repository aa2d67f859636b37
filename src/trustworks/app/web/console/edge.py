"""Who asks the console: sessions in a cookie, forms that only our pages send, pages that nobody frames."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import tempfile
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import structlog

from trustworks.app.web.drawing import environment
from trustworks.core.audit.reading import loads
from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError, Unavailable
from trustworks.core.http import BodyRefusedError, RawResponse, Route
from trustworks.core.roles.authentication import csrf_token
from trustworks.core.roles.model import Act
from trustworks.core.roles.office import rule_of
from trustworks.core.roles.rules.duties import check_factors, may
from trustworks.core.roles.strangers import TOO_MANY
from trustworks.core.trace import implements
from trustworks.issuance.registration import looking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
    from typing import TypeVar

    from trustworks.core.http import Handler, RawRequest
    from trustworks.core.roles.model import Actor
    from trustworks.core.roles.service import Roles

    T = TypeVar("T")

log = structlog.get_logger(__name__)

LOGIN: Final = "/console/login"
HOME: Final = "/console/credentials"
QUEUE: Final = "/console/queue"
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
MAX_BODY: Final = 64 * 1024
_SECONDS_OF_A_FILE: Final = 300.0
_STEP: Final = re.compile(r"[A-Za-z0-9._-]{1,80}")  # what stands for an id, a number, a name in an address
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
    """One request of somebody who is signed in; `parts` are what stands in the places of the page's path."""

    def __init__(self, request: RawRequest, actor: Actor, token: str, parts: tuple[str, ...] = ()) -> None:
        self.request = request
        self.actor = actor
        self.token = token
        self.parts = parts
        self.form: Mapping[str, str] | None = None  # the fields of a form that came with a file
        self.file: tuple[str, bytes] | None = None  # its name, and its octets

    @property
    def query(self) -> dict[str, str]:
        """What follows the question mark, without what is empty. Raises `Malformed`."""
        try:
            found = parse_qs(self.request.query, max_num_fields=50, errors="strict")
        except ValueError:
            raise Malformed("The address of this page cannot be read; begin again at the console.") from None
        return {name: values[-1].strip() for name, values in found.items() if values[-1].strip()}

    def may(self, act: str) -> bool:
        """Whether one of the operator's roles allows this act: what a page offers; the edge decides."""
        return may(self.actor.operator.roles, Act(act))

    def field(self, name: str) -> str:
        """A field of the form that was sent, without the space around it; an empty text where it is none."""
        if self.form is not None:
            return self.form.get(name, "").strip()
        return field(self.request, name).strip()

    @property
    def csrf(self) -> str:
        """What this session's forms carry."""
        return csrf_token(self.token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An address of the console, who may ask for it, and what answers, in a thread of its own.

    `{}` in `path` stands for one step of the address (`Visit.parts`). `looks` is whether it waits for servers
    of others: then it has threads of its own, and nothing else waits with it. `file` is the name of the field
    by which a file comes with the form (`Visit.file`), of at most `largest` octets; such a page has no place
    in its path.
    """

    path: str
    act: Act
    answer: Callable[[Visit], RawResponse]
    method: str = "GET"
    looks: bool = False
    file: str = ""
    largest: int = 0


class Edge:
    """The service behind the pages, and what all of them do alike."""

    def __init__(
        self,
        roles: Roles,
        *,
        banners: Sequence[tuple[str, str]],
        version: str,
        issues: bool = False,
        uploads: Path | None = None,
    ) -> None:
        """`uploads` is where files are put aside while they arrive, without names; None: the system's."""
        self.roles = roles
        self._uploads = uploads or Path(tempfile.gettempdir())
        self.issues = issues
        self.home = QUEUE if issues else HOME
        self._banners = tuple(banners)
        self._version = version
        self.origin = roles.office.settings.console_origin or ""
        self._secure = self.origin.startswith("https:")
        # The prefix makes browsers refuse the cookie from other hosts of the same domain.
        self._cookie = "__Host-trustworks" if self._secure else "trustworks"
        self._templates = environment("trustworks.app.web.console")
        self._looks = looking.threads()

    @property
    def rp_id(self) -> str:
        """The host that passkeys are bound to."""
        return self.origin.partition("://")[2].partition(":")[0]

    # Answers

    def page(self, name: str, status: int = 200, **values: Any) -> RawResponse:
        """A page, drawn."""
        text = self._templates.get_template(name).render(
            banners=self._banners,
            version=self._version,
            issues=self.issues,
            now=self.roles.office.now().utc,
            **({"visit": None} | values),
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

    def routes(self, pages: Iterable[Page]) -> list[Route]:
        """The routes of pages: those with a place in their path share the prefix before it."""
        found, below = [], dict[tuple[str, str], list[Page]]()
        for one in pages:
            prefix, place, _ = one.path.partition("{}")
            if one.file:
                found.append(self._with_file(one))
            elif place:
                below.setdefault((one.method, prefix), []).append(one)
            else:
                found.append(self._route(one.method, one.path, self.signed_in(self._answered(one))))
        for (method, prefix), several in below.items():
            found.append(self._route(method, prefix, self.signed_in(self._chosen(several))))
        return found

    @staticmethod
    def _route(method: str, path: str, handler: Handler) -> Route:
        kinds = (FORM,) if method == "POST" else ()
        return Route(method=method, path=path, handler=handler, content_types=kinds, max_body=MAX_BODY)

    def _with_file(self, page: Page) -> Route:
        """The route of a form with a file: its sender is known before the file is read."""

        async def handle(request: RawRequest, portions: AsyncIterator[bytes]) -> RawResponse:
            visit = await self.visit(request)
            if visit is None:
                return self._not_signed_in(request)
            return await self._told(request, self._taken(page, visit, portions), visit)

        most = page.largest + MAX_BODY
        return Route(
            method="POST", path=page.path, streamed=handle, max_body=most, body_seconds=_SECONDS_OF_A_FILE
        )

    async def _taken(self, page: Page, visit: Visit, portions: AsyncIterator[bytes]) -> RawResponse:
        from trustworks.app.web.arriving import admitted, octets  # noqa: PLC0415 - where files come
        from trustworks.validation.http.form import Form  # noqa: PLC0415 - as above

        def known(given: str) -> None:
            if not is_ours(visit.request.headers.get("origin"), self.origin, given, visit.token):
                raise Refused("TRUSTWORKS:ROLES-CONSOLE-FORGED", self._told_forged.strip())

        await self.call(self.check_may, visit, page.act)
        try:
            with Form(visit.request.headers.get("content-type", ""), folder=self._uploads, most=1) as form:
                await form.read(admitted(form, portions, "csrf", known, within=MAX_BODY))
                visit.form = form.fields
                for one in form.files(page.file):
                    visit.file = (one.name or "file", octets(one))
            return await self.call(page.answer, visit)
        except BodyRefusedError as error:
            told = {"message": error.sentence, "rule": "http.body", "back": "/console"}
            return self.page("refused.html", error.status, visit=visit, code=error.status, **told)

    def _answered(self, page: Page) -> Callable[[Visit], Awaitable[RawResponse]]:
        def answer(visit: Visit) -> RawResponse:
            self.check_may(visit, page.act)
            return page.answer(visit)

        async def in_thread(visit: Visit) -> RawResponse:
            if page.looks:
                return await asyncio.get_running_loop().run_in_executor(self._looks, answer, visit)
            return await self.call(answer, visit)

        return in_thread

    def _chosen(self, pages: Sequence[Page]) -> Callable[[Visit], Awaitable[RawResponse]]:
        answers = [(one.path.split("/"), self._answered(one)) for one in pages]

        async def answer(visit: Visit) -> RawResponse:
            steps = visit.request.path.split("/")
            for template, found in answers:
                if len(template) == len(steps) and all(
                    (there if wanted == "{}" else there == wanted)
                    for wanted, there in zip(template, steps, strict=True)
                ):
                    visit.parts = tuple(
                        there for wanted, there in zip(template, steps, strict=True) if wanted == "{}"
                    )
                    if not all(map(_STEP.fullmatch, visit.parts)):
                        break
                    return await found(visit)
            raise nothing_here()

        return answer

    def check_may(self, visit: Visit, act: Act) -> None:
        """Refuse, and audit, what no role of the operator allows, or what one factor is not enough for.

        Looking needs the sign-in alone, whose factors were judged. A session may be older than a role.
        """
        self.roles.authorise(visit.actor, act)
        if act is not Act.READ_RECORDS:
            check_factors(visit.actor.operator.roles, visit.actor.factors)

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
            return await self._told(request, answer(visit), visit)

        return handle

    def _not_signed_in(self, request: RawRequest) -> RawResponse:
        if _wants_json(request):
            return self.json({"message": "You are not signed in any more.", "location": LOGIN}, 401)
        return self.redirect(LOGIN)

    def _forged(self) -> RawResponse:
        return RawResponse(403, "text/plain; charset=utf-8", self._told_forged.encode(), _HEADERS)

    @property
    def _told_forged(self) -> str:
        return f"This was not sent by a page of the console at {self.origin}. Open it there, and try again.\n"

    async def _told(
        self, request: RawRequest, answer: Awaitable[RawResponse], visit: Visit | None = None
    ) -> RawResponse:
        """The answer; an error in words, as JSON for a script and as a page for a person.

        What cannot be done now is told with its reason to who is signed in alone.
        """
        try:
            return await answer
        except (Malformed, Rejected, Refused, Unavailable) as error:
            if isinstance(error, Unavailable):
                if visit is None:
                    raise
                log.warning("console.unavailable", path=request.path, reason=str(error))
            status = _status_of(error)
            told = {"message": str(error), "rule": rule_of(error)}
            if _wants_json(request):
                return self.json(told, status)
            back = request.path.rpartition("/")[0] if request.method == "POST" and visit else "/console"
            return self.page("refused.html", status, visit=visit, code=status, back=back, **told)


def nothing_here() -> Rejected:
    """What is answered where there is no such page, or nothing of that number."""
    return Rejected("console.nothing", "There is nothing at this address of the console. Search for it.")


_NOT_FOUND: Final = frozenset(
    {"console.nothing", "registration.unknown", "registration.erased", "assurance.product"}
)
_MEANWHILE: Final = frozenset(
    {"registration.state", "revocation.request", "enrolment.request", "console.changed"}
)


def _status_of(error: TrustworksError) -> int:
    match error:
        case Malformed():
            return 400
        case Unavailable():
            return 503
        case Rejected(code=code) if code in _NOT_FOUND:
            return 404
        case Rejected(code=code) if code in _MEANWHILE:
            return 409
        case Rejected(code=code) if code == TOO_MANY:
            return 429
        case _:
            return 403


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
