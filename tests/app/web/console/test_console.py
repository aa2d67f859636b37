"""The console over HTTP: who gets in, what others cannot send, how a passkey comes to count."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from operators_testbed import NOW, ORIGIN, Authenticator, PlacedClock, RolesProvider

from trustworks.app.web import console
from trustworks.app.web.console.edge import FORM, JSON, is_ours
from trustworks.core.audit import Recorder
from trustworks.core.http import RawRequest, RawResponse
from trustworks.core.roles import Role, base64url
from trustworks.core.roles.authentication import csrf_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.store import Database


class Browser:
    """Sends what a browser sends, and keeps its cookie."""

    def __init__(self, provider: RolesProvider) -> None:
        self.provider = provider
        made = console.routes(provider.roles, banners=[("Laboratory", "No effect")], version="1")
        self.routes = {(one.method, one.path): one for one in made}
        self.cookie = ""
        self.csrf = ""
        self.certificate: bytes | None = None
        self.origin: str | None = ORIGIN

    def send(self, method: str, path: str, body: bytes = b"", kind: str = "", **headers: str) -> RawResponse:
        route = self.routes[method, path]
        assert not kind or kind in route.content_types
        given = {"cookie": self.cookie, "content-type": kind, "x-csrf-token": self.csrf} | headers
        if method == "POST" and self.origin is not None:
            given["origin"] = self.origin
        request = RawRequest(
            method=method,
            path=path,
            raw_path=path.encode(),
            headers={name: value for name, value in given.items() if value},
            body=body,
            client_certificate=self.certificate,
        )

        async def call() -> RawResponse:
            return await route.handler(request)

        answer = asyncio.run(call())
        for name, value in answer.headers:
            if name == "set-cookie":
                self.cookie = value.partition(";")[0]
                assert "HttpOnly; SameSite=Strict; Secure" in value
                assert value.startswith("__Host-trustworks=")
        return answer

    def get(self, path: str) -> RawResponse:
        answer = self.send("GET", path)
        found = re.search(rb'data-csrf="([^"]+)"', answer.body)
        self.csrf = found[1].decode() if found else ""
        return answer

    def json(self, path: str, value: Any, status: int = 200) -> Any:
        answer = self.send("POST", path, json.dumps(value).encode(), JSON)
        assert answer.status == status, answer.body
        return json.loads(answer.body)

    def sign_in(self, device: Authenticator) -> None:
        options = self.json("/console/login/options", {})
        assert (options["rpId"], options["userVerification"]) == ("ra.tsp.example", "required")
        assertion = device.get(base64url.decode(options["challenge"], "challenge"))
        told = self.json("/console/login/passkey", {"assertion": assertion.as_dict()})
        assert told == {"location": "/console/credentials"}


@pytest.fixture
def provider(database: Database) -> Iterator[RolesProvider]:
    clock = PlacedClock(NOW)
    with Recorder.open(database, "test", now=lambda: clock.moment) as recorder:
        made = RolesProvider(database, recorder, clock, **{"console": ("tls",), "console-origin": ORIGIN})
        made.bootstrap()
        yield made


@pytest.fixture
def browser(provider: RolesProvider) -> Browser:
    return Browser(provider)


def with_passkey(provider: RolesProvider, name: str) -> Authenticator:
    from trustworks.core.roles.changes import NewCredential, new_change  # noqa: PLC0415
    from trustworks.core.roles.passkeys import Registered  # noqa: PLC0415

    device = Authenticator()
    credential = device.credential(name)
    made = Registered(handle=device.handle, public=device.cose_key(), key_id=credential.key_id, sign_count=0)
    new = NewCredential.of_passkey(made, "key", rp_id=device.rp_id, origin=device.origin)
    provider.decide(new_change("add-credential", name, credentials=(new,)))
    return device


@pytest.mark.req("CENTS419261:IA1.1")
def test_who_is_not_signed_in_sees_the_sign_in_alone(browser: Browser) -> None:
    for path in ("/console/credentials", "/console/approvals"):
        answer = browser.get(path)
        assert (answer.status, dict(answer.headers)["location"]) == (303, "/console/login")
    assert dict(browser.get("/console").headers)["location"] == "/console/login"
    page = browser.get("/console/login")
    assert b"Sign in by passkey" in page.body
    assert b"No operator is enrolled" not in page.body
    assert "frame-ancestors 'none'" in dict(page.headers)["content-security-policy"]
    assert browser.json("/console/credentials/options", {}, 401)["location"] == "/console/login"
    browser.cookie = "__Host-trustworks=guess"
    assert browser.get("/console/credentials").status == 303
    assert browser.get("/console/console.js").body.startswith(b'"use strict"')


def test_a_laboratory_without_operators_says_what_that_means(database: Database) -> None:
    with Recorder.open(database, "test") as recorder:
        made = RolesProvider(
            database, recorder, PlacedClock(NOW), **{"console": ("tls",), "console-origin": ORIGIN}
        )
        assert (
            b"whoever may run commands on this machine may issue" in Browser(made).get("/console/login").body
        )


@pytest.mark.req("CENTS419261:IA1.1", "CENTS419261:IA1.2")
def test_a_passkey_signs_in_and_out(browser: Browser, provider: RolesProvider) -> None:
    device = with_passkey(provider, "carl")
    browser.sign_in(device)
    page = browser.get("/console/credentials")
    assert page.status == 200
    assert b"Credentials of carl" in page.body
    assert dict(browser.get("/console/login").headers)["location"] == "/console/credentials"
    old = browser.cookie
    page = browser.get("/console/credentials")
    answer = browser.send("POST", "/console/logout", f"csrf={browser.csrf}".encode(), FORM)
    assert dict(answer.headers)["location"] == "/console/login"
    browser.cookie = old
    assert browser.get("/console/credentials").status == 303
    assert [one["type"] for one in provider.events()][-2:] == ["roles.signed-in", "roles.signed-out"]


def test_a_sign_in_that_does_not_hold_is_told_and_opens_nothing(
    browser: Browser, provider: RolesProvider
) -> None:
    device = with_passkey(provider, "carl")
    options = browser.json("/console/login/options", {})
    challenge = base64url.decode(options["challenge"], "challenge")
    stranger = browser.json(
        "/console/login/passkey", {"assertion": Authenticator().get(challenge).as_dict()}, 403
    )
    assert stranger["rule"] == "CENTS419261:IA1.1"
    browser.json("/console/login/passkey", {"assertion": device.get(challenge).as_dict()})
    browser.cookie = ""
    replayed = browser.json("/console/login/passkey", {"assertion": device.get(challenge).as_dict()}, 403)
    assert replayed["rule"] == "roles.challenge"
    more = {"assertion": device.get(b"").as_dict(), "x": 1}
    values: list[Any] = [{}, [], {"assertion": {}}, {"assertion": 1}, more]
    for value in values:
        answer = browser.send("POST", "/console/login/passkey", json.dumps(value).encode(), JSON)
        assert answer.status in {400, 403}
    assert browser.send("POST", "/console/login/passkey", b"{", JSON).status == 400
    assert browser.cookie == ""


@pytest.mark.req("TRUSTWORKS:ROLES-CONSOLE-FORGED")
def test_what_another_site_has_a_browser_send_does_nothing(browser: Browser, provider: RolesProvider) -> None:
    assert is_ours(ORIGIN, ORIGIN, csrf_token("t"), "t")
    assert not is_ours(ORIGIN, ORIGIN, "", "t")
    device = with_passkey(provider, "carl")
    browser.sign_in(device)
    browser.get("/console/credentials")
    good = browser.csrf
    for origin, csrf in (
        ("https://evil.example", good),
        (None, good),
        (ORIGIN, ""),
        (ORIGIN, csrf_token("x")),
    ):
        browser.origin, browser.csrf = origin, csrf
        for path, body, kind in (
            ("/console/logout", f"csrf={csrf}".encode(), FORM),
            ("/console/credentials/options", b"{}", JSON),
            ("/console/approvals/options", b"{}", JSON),
        ):
            assert browser.send("POST", path, body, kind).status == 403
    browser.origin, browser.csrf = "https://evil.example", ""
    assert browser.send("POST", "/console/login/options", b"{}", JSON).status == 403
    browser.origin = ORIGIN
    assert browser.get("/console/credentials").status == 200  # still signed in


@pytest.mark.req("TRUSTWORKS:ROLES-CHANGES-APPROVED")
def test_a_new_passkey_counts_when_others_have_approved_it_by_theirs(
    browser: Browser, provider: RolesProvider
) -> None:
    devices = {name: with_passkey(provider, name) for name in ("anna", "carl", "ben")}
    browser.sign_in(devices["carl"])
    browser.get("/console/credentials")
    options = browser.json("/console/credentials/options", {})
    assert options["authenticatorSelection"]["userVerification"] == "required"
    new = Authenticator()
    answer = {"label": "second", "credential": new.create(base64url.decode(options["challenge"], "c"))}
    asked = browser.json("/console/credentials/passkey", answer)
    assert len(asked["missing"]) == 2
    browser.json("/console/credentials/passkey", answer, 400)  # its challenge is used up
    assert b"let carl be known" not in browser.get("/console/approvals").body  # not by himself
    stranger = Browser(provider)
    options = stranger.json("/console/login/options", {})
    early = new.get(base64url.decode(options["challenge"], "challenge")).as_dict()
    stranger.json("/console/login/passkey", {"assertion": early}, 403)

    def approve(name: str, role: Role, sha256: str, what: str = "roles.change") -> Any:
        one = Browser(provider)
        one.sign_in(devices[name])
        page = one.get("/console/approvals")
        assert page.status == 200
        if what == "roles.change":
            assert b"let carl be known by passkey second" in page.body
        wanted = {"what": what, "sha256": sha256, "role": role.value}
        options = one.json("/console/approvals/options", wanted)
        challenge = base64url.decode(options["publicKey"]["challenge"], "challenge")
        signed = devices[name].get(challenge).as_dict()
        approval = {
            "version": 1,
            "content": options["content"],
            "credential": options["keys"][signed["id"]],
            "webauthn": signed,
        }
        told = one.json("/console/approvals", {"approval": approval})
        one.json("/console/approvals", {"approval": approval}, 403)
        browser.get("/console/credentials")
        another = browser.json("/console/approvals", {"approval": approval}, 403)
        assert another["rule"] == "CENTS419261:IA1.1"
        return told

    assert approve("anna", Role.SECURITY_OFFICER, asked["sha256"])["applied"] is False
    assert approve("ben", Role.SECURITY_OFFICER, asked["sha256"])["applied"] is True
    late = Browser(provider)
    late.sign_in(new)
    assert b"Credentials of carl" in late.get("/console/credentials").body
    # Whatever else is approved: a ceremony's plan.
    told = approve("anna", Role.SECURITY_OFFICER, "1" * 64, "ceremony.root")
    assert told["missing"] == ["1 more approval of other roles"]


def test_who_has_no_passkey_approves_elsewhere_and_odd_wishes_are_malformed(
    browser: Browser, provider: RolesProvider
) -> None:
    provider.decide(provider.enrolment("dora", Role.AUDITOR))
    browser.certificate = provider.operator("dora").credentials[0].public
    assert b"Sign in by certificate" in browser.get("/console/login").body
    answer = browser.send("POST", "/console/login/certificate", b"", FORM)
    assert dict(answer.headers)["location"] == "/console/credentials"
    browser.get("/console/approvals")
    wish = {"what": "ceremony.root", "sha256": "1" * 64, "role": "operator"}
    assert browser.json("/console/approvals/options", wish, 403)["rule"] == "roles.passkey"
    for change in ({"what": 1}, {"sha256": "x"}, {"role": "king"}, {"what": "?"}):
        browser.json("/console/approvals/options", wish | change, 400)
    for label in ("", 1, "x" * 65):
        browser.json("/console/credentials/passkey", {"label": label, "credential": {}}, 400)
    damaged: list[Any] = [{}, 1, {"response": {}}, {"response": {"clientDataJSON": "e30"}}]
    for credential in damaged:
        browser.json("/console/credentials/passkey", {"label": "x", "credential": credential}, 400)


@pytest.mark.req("EN319411-1:GEN-6.5.5-04")
def test_a_certificate_alone_lets_no_officer_in_and_none_is_no_certificate(
    browser: Browser, provider: RolesProvider
) -> None:
    browser.certificate = provider.operator("anna").credentials[0].public
    refused = browser.send("POST", "/console/login/certificate", b"", FORM)
    assert refused.status == 403
    assert b"EN319411-1:GEN-6.5.5-04" in refused.body
    browser.certificate = None
    absent = browser.send("POST", "/console/login/certificate", b"", FORM)
    assert (absent.status, b"No client certificate came" in absent.body) == (403, True)
    assert browser.cookie == ""


@pytest.mark.req("CENTS419261:IA1.1")
def test_a_code_of_the_command_line_lets_in_once_and_with_the_factors_that_were_shown(
    browser: Browser, provider: RolesProvider
) -> None:
    from trustworks.core.roles import Act, Factor  # noqa: PLC0415

    authentication = provider.roles.authentication
    code = authentication.new_entry(provider.actor("anna"))
    body = f"code={code}".encode()
    answer = browser.send("POST", "/console/login/code", body, FORM)
    assert dict(answer.headers)["location"] == "/console/credentials"
    assert b"Credentials of anna" in browser.get("/console/credentials").body
    other = Browser(provider)
    sign_in = authentication.new_challenge("sign-in")
    for wrong in (body, b"code=", b"code=x", b"", b"code=" + base64url.encode(sign_in).encode()):
        refused = other.send("POST", "/console/login/code", wrong, FORM)
        assert (refused.status, b"roles.challenge" in refused.body, other.cookie) == (403, True, "")
    late = authentication.new_entry(provider.actor("anna"))
    provider.clock.advance(minutes=5)
    assert other.send("POST", "/console/login/code", f"code={late}".encode(), FORM).status == 403
    provider.decide(provider.enrolment("dora", Role.AUDITOR))
    one = provider.signer("dora", frozenset({Factor.POSSESSION}))
    dora = authentication.by_key("dora", one, Act.READ_LOG)
    actor, _ = authentication.by_entry(authentication.new_entry(dora))
    assert actor.factors == frozenset({Factor.POSSESSION})
    # Whoever was locked meanwhile stays out.
    code = authentication.new_entry(provider.actor("carl"))
    provider.roles.administration.lock(provider.actor("anna"), "carl")
    locked = other.send("POST", "/console/login/code", f"code={code}".encode(), FORM)
    assert b"CENTS419261:IA1.1" in locked.body
