"""The edges: OCSP by GET in all its spellings, what caches are told, lists and certificates."""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.x509 import ocsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from status_provider import DAY, der, request, several

from trustworks.core.errors import Unavailable
from trustworks.core.http import RawRequest, RawResponse, Route
from trustworks.issuance.http.status import routes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from status_provider import Provider

    from trustworks.core.module import Key

# The databases differ for lists (test_publisher.py); here one is enough.
pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)

GOOD = ocsp.OCSPCertStatus.GOOD


class Client:
    """Calls the routes as the HTTP application does."""

    def __init__(self, provider: Provider, *, count: Callable[[str], None] | None = None) -> None:
        self.routes = routes(provider.services(), count=count)

    def call(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> RawResponse:
        route = self._route(method, path)
        asked = RawRequest(method=method, path=path, raw_path=path.encode(), headers=headers or {}, body=body)

        async def answer() -> RawResponse:
            return await route.handler(asked)

        return asyncio.run(answer())

    def _route(self, method: str, path: str) -> Route:
        exact = [r for r in self.routes if r.method == method and r.path == path]
        prefix = [
            r for r in self.routes if r.method == method and r.path[-1] == "/" and path.startswith(r.path)
        ]
        return (exact or prefix)[0]


@pytest.fixture
def client(provider: Provider) -> Client:
    return Client(provider)


def headers_of(response: RawResponse) -> dict[str, str]:
    return dict(response.headers)


# OCSP by GET


@pytest.mark.req("RFC5019:6.2-02", "RFC5019:6.2-01")
def test_an_answer_by_get_says_how_long_it_may_be_kept(client: Client, provider: Provider) -> None:
    asked = request(provider.issue(), provider.certificates["issuing"])
    path = "/ocsp/" + quote(base64.b64encode(asked).decode(), safe="")
    answer = client.call("GET", path)
    assert (answer.status, answer.content_type) == (200, "application/ocsp-response")
    assert ocsp.load_der_ocsp_response(answer.body).certificate_status is GOOD
    headers = headers_of(answer)
    assert headers["cache-control"] == "max-age=60, public, no-transform, must-revalidate"
    assert parsedate_to_datetime(headers["last-modified"]) == provider.clock.utc
    again = client.call("GET", path, headers={"if-none-match": f'"other", {headers["etag"]}'})
    assert (again.status, again.body) == (304, b"")
    assert headers_of(again)["etag"] == headers["etag"]
    assert client.call("GET", path, headers={"if-none-match": '"other"'}).status == 200


@pytest.mark.req("RFC5019:6.2-02")
def test_answers_with_a_nonce_and_failures_are_not_kept(client: Client, provider: Provider) -> None:
    with_nonce = request(provider.issue(), provider.certificates["issuing"], nonce=b"n" * 16)
    for body in (with_nonce, b"nonsense"):
        path = "/ocsp/" + quote(base64.b64encode(body).decode(), safe="")
        answer = client.call("GET", path)
        assert answer.status == 200
        assert headers_of(answer) == {"cache-control": "no-store"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(
    path=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80), body=st.binary(max_size=80)
)
def test_whatever_comes_an_ocsp_response_goes_back(client: Client, path: str, body: bytes) -> None:
    for answer in (client.call("GET", "/ocsp/" + path), client.call("POST", "/ocsp", body)):
        assert answer.status == 200
        assert ocsp.load_der_ocsp_response(answer.body).response_status is not (
            ocsp.OCSPResponseStatus.INTERNAL_ERROR
        )


def test_a_post_is_answered_and_not_kept(client: Client, provider: Provider) -> None:
    answer = client.call("POST", "/ocsp", request(provider.issue(), provider.certificates["issuing"]))
    assert ocsp.load_der_ocsp_response(answer.body).certificate_status is GOOD
    assert headers_of(answer) == {"cache-control": "no-store"}


def test_every_answer_is_counted_by_what_it_tells(provider: Provider) -> None:
    counted: list[str] = []
    client = Client(provider, count=counted.append)
    issuing, good, revoked = provider.certificates["issuing"], provider.issue(), provider.issue()
    provider.revoke(revoked)
    asked = [
        *(request(one, issuing) for one in (good, good, revoked)),
        several(request(good, issuing), request(revoked, issuing)),
        request(issuing, provider.certificates["root"]),
    ]
    for body in asked:
        client.call("POST", "/ocsp", body)
    assert counted == ["good", "good", "revoked", "several", "unauthorized"]
    counted.clear()
    foreign = several(request(good, issuing), request(issuing, provider.certificates["root"]))
    for body in (asked[0], foreign, b"nonsense"):
        client.call("GET", "/ocsp/" + quote(base64.b64encode(body).decode(), safe=""))
    client.call("GET", "/ocsp/***")
    provider.clock.refusal = Unavailable("clock.no-lease", "There is no lease.")
    client.call("POST", "/ocsp", asked[0])
    assert counted == ["good", "several", "malformedRequest", "malformedRequest", "tryLater"]


def test_what_is_unknown_is_counted_as_unknown(provider: Provider) -> None:
    never = request(provider.unrecorded(), provider.certificates["issuing"])
    for setting, word in (("revoked", "revoked"), ("unknown", "unknown")):
        assert provider.responder(never_issued=setting).answer(never).result == word


def test_a_slow_module_is_waited_for_in_a_thread(
    client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    sign = type(provider.keys["ocsp"]).sign

    def slow_sign(key: Key, data: bytes) -> bytes:
        threads.append(threading.current_thread().name)
        time.sleep(0.005)  # what makes it slow
        return sign(key, data)

    asked = request(provider.issue(), provider.certificates["issuing"], nonce=b"n" * 16)
    monkeypatch.setattr(type(provider.keys["ocsp"]), "sign", slow_sign)
    for _ in range(2):
        answer = client.call("POST", "/ocsp", asked)
        assert ocsp.load_der_ocsp_response(answer.body).certificate_status is GOOD
    assert threads[0] == "MainThread"
    assert threads[1].startswith("ocsp")


# Lists and certificates


@pytest.mark.parametrize(
    "path",
    [
        "/crl/issuing.crl",
        "/crl/other.crl",
        "/crl/issuing",
        "/crl/",
        "/crl/../issuing.crl",
        "/certs/other.cer",
        "/certs/issuing.key",
        "/certs/",
    ],
)
def test_what_is_not_there_is_not_found(client: Client, path: str) -> None:
    answer = client.call("GET", path)
    assert answer.status == 404
    assert headers_of(answer)["cache-control"] == "no-store"


def test_the_newest_list_is_served_and_may_be_kept_for_minutes(client: Client, provider: Provider) -> None:
    publisher = provider.publisher()
    first = publisher.publish("issuing", actor="test")
    answer = client.call("GET", "/crl/issuing.crl")
    assert (answer.status, answer.content_type, answer.body) == (200, "application/pkix-crl", first.der)
    headers = headers_of(answer)
    assert headers["cache-control"].startswith("max-age=300, public")
    since = {"if-modified-since": headers["last-modified"]}
    assert client.call("GET", "/crl/issuing.crl", headers=since).status == 304
    provider.clock.utc += timedelta(minutes=1)
    second = publisher.publish("issuing", actor="test")
    assert client.call("GET", "/crl/issuing.crl", headers=since).body == second.der
    old = {"if-modified-since": "yesterday"}
    assert client.call("GET", "/crl/issuing.crl", headers=old).body == second.der


def test_a_list_at_its_end_or_without_a_clock_is_served_and_not_kept(
    client: Client, provider: Provider
) -> None:
    provider.publisher().publish("issuing", actor="test")
    provider.clock.utc += DAY - timedelta(seconds=20)
    assert headers_of(client.call("GET", "/crl/issuing.crl"))["cache-control"].startswith("max-age=20,")
    provider.clock.refusal = Unavailable("clock.no-lease", "no lease")
    answer = client.call("GET", "/crl/issuing.crl")
    assert answer.status == 200
    assert headers_of(answer)["cache-control"].startswith("max-age=0,")


def test_a_list_that_was_seen_is_served_while_the_database_is_stopped(
    client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = provider.publisher().publish("issuing", actor="test")
    assert client.call("GET", "/crl/issuing.crl").body == record.der

    def stopped() -> None:
        raise Unavailable("store.stopped", "the database is stopped")

    monkeypatch.setattr(provider.database, "read", stopped)
    assert client.call("GET", "/crl/issuing.crl").body == record.der
    with pytest.raises(Unavailable):
        client.call("GET", "/crl/root.crl")


def test_authorities_certificates_are_served_alone_and_in_chains(client: Client, provider: Provider) -> None:
    issuing, root = provider.certificates["issuing"], provider.certificates["root"]
    answer = client.call("GET", "/certs/issuing.cer")
    assert (answer.content_type, answer.body) == ("application/pkix-cert", der(issuing))
    alone = client.call("GET", "/certs/issuing.pem")
    assert x509.load_pem_x509_certificates(alone.body) == [issuing]
    chain = client.call("GET", "/certs/issuing.chain.pem")
    assert x509.load_pem_x509_certificates(chain.body) == [issuing, root]
    assert headers_of(chain)["last-modified"] == format_datetime(provider.clock.utc - 10 * DAY, usegmt=True)
