"""The officers' console over real authorities: who sits there, and their browsers."""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from operators_testbed import ORIGIN, RolesProvider
from registration_testbed import DEVICES

from trustworks.app.web import console
from trustworks.app.web.client_identity import ClientIdentity
from trustworks.app.web.console.desk import Desk
from trustworks.app.web.console.edge import FORM
from trustworks.app.web.http import Shell
from trustworks.core.roles import Role
from trustworks.issuance.config.registration import RegistrationSettings
from trustworks.issuance.enrolment.waiting import WaitingRoom
from trustworks.issuance.registration.service import Registration

if TYPE_CHECKING:
    from issuance_testbed import Provider

    from trustworks.core.http import Route

STAFF = {
    "rita": Role.REVOCATION_OFFICER,
    "dora": Role.AUDITOR,
    "otto": Role.OPERATOR,
}  # beside anna (security officer), ben (and registration officer), carl (system administrator)


class Answer(NamedTuple):
    """What a browser got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The page, its markup taken away and its spaces made one."""
        plain = re.sub(r"<[^>]*>", " ", self.body.decode())
        return " ".join(
            plain.replace("&#39;", "'")
            .replace("&amp;", "&")
            .replace("&quot;", '"')
            .replace("&gt;", ">")
            .split()
        )


def ask(
    shell: Shell, method: str, path: str, body: bytes = b"", *, address: str = "", **headers: str
) -> Answer:
    """One request through the application that a worker runs, from an address or from nowhere."""
    where, _, query = path.partition("?")
    given = {name.replace("_", "-"): value for name, value in headers.items() if value}
    scope = {
        "type": "http",
        "method": method,
        "path": where,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
        "client": (address, 4711) if address else None,
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(shell(scope, receive, send))
    found = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, sent[1]["body"])


def shell_of(routes: list[Route], identity: ClientIdentity | None = None) -> Shell:
    """The application that answers these routes."""

    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    traffic: Any = SimpleNamespace(count=lambda *_: None)
    return Shell(
        routes, pages=nothing, traffic=traffic, identity=identity or ClientIdentity(), body_timeout=5
    )


class Visitor:
    """A browser in which an operator is signed in."""

    def __init__(self, shell: Shell, token: str) -> None:
        self._shell = shell
        self._token = token
        self.origin = ORIGIN

    @property
    def _cookie(self) -> str:
        return f"__Host-trustworks={self._token}"

    def get(self, path: str, status: int = 200) -> Answer:
        """A page."""
        answer = ask(self._shell, "GET", path, cookie=self._cookie)
        assert answer.status == status, answer.text
        return answer

    def fields(self, page: str, action: str) -> dict[str, str]:
        """What a form of a page sends by itself: its hidden fields."""
        body = self.get(page).body.decode()
        forms = [one for one in body.split("<form")[1:] if action in one.partition("</form>")[0]]
        assert forms, f"{page} has no form for {action}"
        return dict(
            re.findall(r'type="hidden" name="([a-z]+)" value="([^"]*)"', forms[0].partition("</form>")[0])
        )

    def send(self, path: str, status: int = 303, /, **fields: str) -> Answer:
        """A form, as the browser sends it; without the session's token unless that is among the fields."""
        answer = ask(
            self._shell,
            "POST",
            path,
            urlencode(fields).encode(),
            cookie=self._cookie,
            origin=self.origin,
            content_type=FORM,
        )
        assert answer.status == status, answer.text
        return answer

    def submit(self, page: str, action: str, status: int = 303, /, **fields: str) -> Answer:
        """Open a page, fill in the form that goes to `action`, and send it."""
        return self.send(action, status, **self.fields(page, action), **fields)


class Office:
    """A provider with officers at their console."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.people = RolesProvider(
            provider.database,
            provider.recorder,
            provider.clock,  # type: ignore[arg-type] # the same clock by another name
            **{"console": ("tls",), "console-origin": ORIGIN},
        )
        self.people.bootstrap()
        for name, role in STAFF.items():
            self.people.decide(self.people.enrolment(name, role))
        self.people.roles.administration.describe(
            self.people.actor("anna"), "ben", names=["Ben Beispiel"], identifiers=[]
        )
        self.registration = Registration(
            RegistrationSettings.model_validate({"devices": DEVICES}),
            issuance=provider.issuance,
            clock=provider.clock,
            recorder=provider.recorder,
            database=provider.database,
        )
        self.waiting = WaitingRoom(
            database=provider.database, recorder=provider.recorder, clock=provider.clock
        )
        desk = Desk(
            registration=self.registration,
            issuance=provider.issuance,
            database=provider.database,
            waiting=self.waiting,
            control=lambda: self.control,
            mailer=lambda: self.mailer,
        )
        self.control: Any = None  # what looks at domains, and what mails: tests that need them set them
        self.mailer: Any = None
        self.shell = shell_of(console.routes(self.people.roles, banners=[], version="1", desk=desk))

    def enter(self, name: str) -> Visitor:
        """Sign an operator in."""
        authentication = self.people.roles.authentication
        _, token = authentication.by_entry(authentication.new_entry(self.people.actor(name)))
        return Visitor(self.shell, token)
