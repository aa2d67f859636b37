from __future__ import annotations

import asyncio
import base64
import html
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from trustworks.app.web.client_identity import ClientIdentity, read_secret
from trustworks.app.web.error_pages import ErrorPages
from trustworks.app.web.http import Patience, Shell
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.http import RawRequest, RawResponse, Route

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CERTIFICATE = b"\x30\x03\x02\x01\x05"
SECRET = "s" * 32


class Counted:
    def __init__(self) -> None:
        self.counts: list[tuple[str, int]] = []

    def count(self, route: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.counts.append((route, status))


class Answer:
    """What came back from one request."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        assert [message["type"] for message in messages] == ["http.response.start", "http.response.body"]
        self.status: int = messages[0]["status"]
        self.headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        self.body: bytes = messages[1]["body"]


async def _echo(request: RawRequest) -> RawResponse:
    return RawResponse(200, "application/octet-stream", request.client_certificate or request.body)


def ask(
    handler: Callable[[RawRequest], Any] = _echo,
    *,
    method: str = "POST",
    path: str = "/tsa",
    route: str = "/tsa",
    headers: dict[str, str] | None = None,
    body: list[bytes | None] | None = None,
    identity: ClientIdentity | None = None,
    body_timeout: float = 5.0,
    traffic: Counted | None = None,
    times: int = 1,
    errors: ErrorPages | None = None,
) -> Answer:
    """A request to a shell with one route, once or more; a None in `body` is a client that has gone."""
    parts = [b"x"] if body is None else body
    messages: list[dict[str, Any]] = []
    queue: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if queue:
            return queue.pop(0)
        await asyncio.sleep(3600)
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    async def pages(scope: dict[str, Any], receive: Any, send: Any) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"page"})

    given = {"content-type": "application/timestamp-query"} if headers is None else headers
    shell = Shell(
        [
            Route(
                method="GET" if method == "HEAD" else "POST",
                path=route,
                handler=handler,
                content_types=("application/timestamp-query",) if method == "POST" else (),
                max_body=10,
            )
        ],
        pages=pages,
        traffic=traffic or Counted(),  # type: ignore[arg-type]
        identity=identity or ClientIdentity(),
        body_timeout=body_timeout,
        errors=errors,
    )
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
    }
    for _ in range(times):
        messages.clear()
        queue[:] = [
            {"type": "http.disconnect"}
            if part is None
            else {"type": "http.request", "body": part, "more_body": number + 1 < len(parts)}
            for number, part in enumerate(parts)
        ]
        asyncio.run(shell(scope, receive, send))
    return Answer(messages)


def raiser(error: Exception) -> Callable[[RawRequest], Any]:
    async def handler(request: RawRequest) -> RawResponse:
        del request
        raise error

    return handler


def test_a_wrong_media_type_is_told_the_right_one() -> None:
    answer = ask(headers={"content-type": "text/plain"})
    assert answer.status == 415
    assert b"application/timestamp-query" in answer.body
    assert ask(headers={}).status == 415


def test_parameters_and_case_of_the_media_type_do_not_matter() -> None:
    assert ask(headers={"content-type": "Application/Timestamp-Query; charset=x"}).status == 200


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-length": "11"}, [b"0123456789a"]),
        ({"content-length": "999999999999999999999"}, [b""]),
        ({}, [b"0123456789a"]),
        ({}, [b"01234", b"56789", b"a"]),
    ],
)
def test_a_body_that_is_too_long_is_refused(headers: dict[str, str], body: list[bytes | None]) -> None:
    answer = ask(headers={"content-type": "application/timestamp-query", **headers}, body=body)
    assert answer.status == 413
    assert b"10 bytes" in answer.body
    assert answer.headers["connection"] == "close"


def test_a_body_in_parts_arrives_whole() -> None:
    assert ask(body=[b"01", b"23", b"", b"4"]).body == b"01234"


def test_a_slow_body_is_given_up() -> None:
    answer = ask_slow()
    assert answer.status == 408
    assert answer.headers["connection"] == "close"


def ask_slow() -> Answer:
    """A client that announces more and never sends it."""
    messages: list[dict[str, Any]] = []
    first = [{"type": "http.request", "body": b"0", "more_body": True}]

    async def receive() -> dict[str, Any]:
        if first:
            return first.pop()
        await asyncio.sleep(3600)
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    shell = Shell(
        [Route(method="POST", path="/tsa", handler=_echo, max_body=10)],
        pages=None,
        traffic=Counted(),  # type: ignore[arg-type]
        identity=ClientIdentity(),
        body_timeout=0.05,
    )
    scope = {"type": "http", "method": "POST", "path": "/tsa", "headers": []}
    asyncio.run(shell(scope, receive, send))
    return Answer(messages)


def test_whoever_is_late_is_interrupted_and_nobody_else() -> None:
    async def waits(patience: Patience, seconds: float) -> str:
        try:
            with patience:
                await asyncio.sleep(seconds)
        except TimeoutError:
            return "late"
        await asyncio.sleep(0)  # what was interrupted once is not interrupted again
        return "in time"

    async def everybody() -> list[str]:
        patience = Patience(0.2)
        first = await asyncio.gather(waits(patience, 30), waits(patience, 0), waits(patience, 30))
        second = await asyncio.gather(waits(patience, 0), waits(patience, 30))
        return [*first, *second]

    assert asyncio.run(everybody()) == ["late", "in time", "late", "in time", "late"]


def test_a_task_that_is_cancelled_from_outside_is_not_taken_for_late() -> None:
    async def cancelled() -> bool:
        async def waits() -> None:
            with Patience(30):
                await asyncio.sleep(30)

        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        return task.cancelled()

    assert asyncio.run(cancelled())


def test_a_client_that_goes_away_in_the_middle_does_no_harm() -> None:
    assert ask(body=[b"0", None]).status == 400


def test_other_methods_are_told_which_ones_answer() -> None:
    answer = ask(method="DELETE")
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"


def test_head_answers_without_a_body_and_with_its_length() -> None:
    async def three(request: RawRequest) -> RawResponse:
        del request
        return RawResponse(200, "text/plain", b"abc")

    answer = ask(three, method="HEAD", headers={}, body=[b""])
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "3")


@pytest.mark.req("TRUSTWORKS:APP-INSIDE-STAYS-INSIDE")
@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (Malformed("Not DER."), 400, b"Not DER."),
        (Rejected("badAlg", "No such algorithm."), 403, b"No such algorithm."),
        (Refused("X:1", "A requirement stops it."), 403, b"A requirement stops it."),
        (Unavailable("module.token-absent", "The PIN file is /secret"), 503, b"cannot answer now"),
        (RuntimeError("password 123"), 500, b"the reason in the log"),
    ],
)
def test_errors_become_answers_and_the_inside_stays_inside(
    error: Exception, status: int, words: bytes
) -> None:
    answer = ask(raiser(error))
    assert answer.status == status
    assert words in answer.body
    assert b"Traceback" not in answer.body
    assert b"secret" not in answer.body
    assert b"password" not in answer.body


@pytest.mark.parametrize(
    ("status", "asked"),
    [
        (403, {"handler": raiser(Rejected("x.y", "It is <b>refused</b>."))}),
        (405, {"method": "DELETE"}),
        (413, {"body": [b"x" * 11]}),
        (415, {"headers": {"content-type": "text/css"}}),
        (500, {"handler": raiser(RuntimeError("password 123"))}),
        (503, {"handler": raiser(Unavailable("module.token-absent", "The PIN file is /secret"))}),
    ],
)
def test_browsers_get_a_page_and_programs_what_they_got(status: int, asked: dict[str, Any]) -> None:
    errors = ErrorPages(banners=[("Lab", "Do not rely on it")], version="1", inside=False)
    given = asked.get("headers", {"content-type": "application/timestamp-query"})
    plain = ask(**asked)
    for accept in ("", "*/*", "application/timestamp-reply"):
        same = ask(**{**asked, "headers": {**given, "accept": accept}}, errors=errors)
        assert (same.status, same.headers, same.body) == (status, plain.headers, plain.body)
    page = ask(**{**asked, "headers": {**given, "accept": "text/html,*/*;q=0.8"}}, errors=errors)
    assert (page.status, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert {name: page.headers.get(name) for name in ("allow", "connection", "retry-after")} == {
        name: plain.headers.get(name) for name in ("allow", "connection", "retry-after")
    }
    text = page.body.decode()
    assert html.escape(plain.body.decode().strip(), quote=True).replace("&#x27;", "&#39;") in text
    assert "Do not rely on it" in text
    assert "<b>refused" not in text
    assert "secret" not in text
    assert "password" not in text


def test_a_protocols_own_refusal_is_no_page() -> None:
    async def own(request: RawRequest) -> RawResponse:
        del request
        return RawResponse(403, "application/problem+json", b"{}")

    errors = ErrorPages(banners=(), version="1", inside=True)
    accept = {"content-type": "application/timestamp-query", "accept": "text/html"}
    answer = ask(own, headers=accept, errors=errors)
    assert (answer.status, answer.body) == (403, b"{}")


def test_a_resource_that_stays_out_is_told_once_whoever_asks() -> None:
    codes = ["store.full", "store.full", "store.stopped", "", ""]

    async def handler(request: RawRequest) -> RawResponse:
        if code := codes.pop(0):
            raise Unavailable(code, "It is out.")
        return await _echo(request)

    with structlog.testing.capture_logs() as told:
        assert ask(handler, times=5).status == 200
    assert [(one["event"], one.get("code"), one.get("failures")) for one in told] == [
        ("http.unavailable", "store.full", None),
        ("http.unavailable", "store.stopped", None),
        ("http.available-again", None, 3),
    ]


def test_a_path_that_no_service_has_goes_to_the_pages() -> None:
    assert ask(path="/other").body == b"page"
    assert ask(path="/tsa/x").body == b"page"
    assert ask(path="/tsa/x", route="/tsa/").status == 200


def test_traffic_is_counted_by_route_and_never_by_what_the_client_wrote() -> None:
    traffic = Counted()
    ask(path="/crl/anything", route="/crl/", method="DELETE", traffic=traffic)
    ask(path="/crl/anything", route="/crl/", traffic=traffic)
    assert traffic.counts == [("/crl/", 405), ("/crl/", 200)]


# The client's certificate


def with_certificate(headers: dict[str, str], identity: ClientIdentity) -> Answer:
    return ask(headers={"content-type": "application/timestamp-query", **headers}, identity=identity)


PINNED = ClientIdentity(header="Client-Cert", secret_header="X-Proxy", secret=SECRET.encode())
RFC9440 = f":{base64.b64encode(CERTIFICATE).decode()}:"
PEM = f"-----BEGIN CERTIFICATE-----%0A{base64.b64encode(CERTIFICATE).decode()}%0A-----END CERTIFICATE-----%0A"


@pytest.mark.parametrize("value", [RFC9440, PEM, PEM.replace("%0A", " ")])
def test_the_pinned_proxy_hands_on_the_clients_certificate(value: str) -> None:
    assert with_certificate({"client-cert": value, "x-proxy": SECRET}, PINNED).body == CERTIFICATE


@pytest.mark.req("TRUSTWORKS:APP-CLIENT-CERTIFICATE")
@pytest.mark.parametrize(
    "headers",
    [{}, {"x-proxy": "wrong"}, {"x-proxy": ""}, {"x-proxy": SECRET[:-1]}, {"x-proxy": SECRET + "\xe9"}],
)
def test_nobody_else_can_claim_a_certificate(headers: dict[str, str]) -> None:
    assert with_certificate({"client-cert": RFC9440, **headers}, PINNED).body == b"x"


@pytest.mark.req("TRUSTWORKS:APP-CLIENT-CERTIFICATE")
def test_without_a_pinned_secret_only_the_unix_socket_counts() -> None:
    headers = {"client-cert": RFC9440, "x-proxy": ""}
    assert (
        with_certificate(headers, ClientIdentity(header="client-cert", secret_header="x-proxy")).body == b"x"
    )
    on_socket = ClientIdentity(header="client-cert", secret_header="x-proxy", unix_socket=True)
    assert with_certificate(headers, on_socket).body == CERTIFICATE


@pytest.mark.parametrize("value", ["", " ", "(null)"])
def test_a_client_without_a_certificate_is_nobody_s(value: str) -> None:
    assert with_certificate({"client-cert": value, "x-proxy": SECRET}, PINNED).body == b"x"


@pytest.mark.parametrize("value", ["::", ":AAA:", "no", ":AQID:", "-----BEGIN CERTIFICATE-----"])
def test_nonsense_from_the_proxy_is_malformed_and_no_crash(value: str) -> None:
    assert with_certificate({"client-cert": value, "x-proxy": SECRET}, PINNED).status == 400


def test_an_identity_that_is_claimed_twice_is_nobodys() -> None:
    twice = with_certificate({"client-cert": RFC9440, "Client-Cert": RFC9440, "x-proxy": SECRET}, PINNED)
    assert twice.status == 400
    assert with_certificate({"x-proxy": SECRET, "X-Proxy": "wrong"}, PINNED).status == 400
    assert with_certificate({"accept": "a", "Accept": "b"}, PINNED).status == 200


@pytest.mark.req("TRUSTWORKS:APP-PROXY-SECRET")
def test_the_proxys_secret_is_read_only_from_a_file_that_is_its_owners(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    with pytest.raises(Unavailable, match="cannot be read"):
        read_secret(file)
    file.write_text(f"{SECRET}\n", encoding="ascii")
    file.chmod(0o644)
    with pytest.raises(Unavailable, match="chmod 600"):
        read_secret(file)
    file.chmod(0o600)
    assert read_secret(file) == SECRET.encode()
    file.write_text("short", encoding="ascii")
    with pytest.raises(Unavailable, match="at least 32"):
        read_secret(file)
