"""Who may speak the API: two factors, once, for a while, for what was given."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from api_testbed import certificate_of, csr_pem, signer_of, wanted
from cryptography.hazmat.primitives.asymmetric import ec
from operators_testbed import credential_of, operator_of
from registration_testbed import ANNA
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.roles import jws
from trustworks.core.roles import records as operators
from trustworks.core.roles.model import Act, Person, Role
from trustworks.issuance import records
from trustworks.issuance.enrolment import clients
from trustworks.issuance.enrolment.clients import SIGN_IN_TYPE, read_sign_in
from trustworks.issuance.http.api.operations import OPERATIONS, SIGN_IN_PATH

if TYPE_CHECKING:
    from collections.abc import Callable

    from api_testbed import Integrator
    from issuance_testbed import Provider

    from trustworks.issuance.http.api import Api


def sign_in(who: Integrator, **changes: Any) -> tuple[int, dict[str, Any]]:
    answer = who.send("POST", "sessions", {"jws": who.jws(**changes)})
    return answer.status, json.loads(answer.body)


@pytest.mark.req("EN319411-1:GEN-6.5.5-04")
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"secret": "guessed"}, "not the secret"),
        ({"time": "2026-11-24T11:58:59Z"}, "set the client's clock"),
        ({"time": "2026-11-24T12:59:00Z"}, None),
        ({"aud": "http://elsewhere.example/api/v1"}, "made for 'http://elsewhere.example/api/v1'"),
        ({"client": "nobody"}, "no such client"),
    ],
)
def test_a_sign_in_shows_two_factors_here_and_now(
    enrol: Callable[..., Integrator], provider: Provider, changes: dict[str, str], why: str | None
) -> None:
    client = enrol()
    if why is None:
        changes = {"time": f"{provider.clock.moment:%Y-%m-%dT%H:%M:%SZ}"}
    status, body = sign_in(client, **changes)
    if why is None:
        assert status == 201
    else:
        assert status == 403
        assert body["type"] == "urn:trustworks:EN319411-1:GEN-6.5.5-04"
        assert why in body["detail"]


@pytest.mark.req("TRUSTWORKS:API-PRIVATE")
def test_outside_a_laboratory_a_sign_in_comes_over_https(enrol: Callable[..., Integrator]) -> None:
    client = enrol()
    client.api.lab = False
    answer = client.send("POST", "sessions", {"jws": client.jws()})
    assert json.loads(answer.body)["type"] == "urn:trustworks:TRUSTWORKS:API-PRIVATE"
    assert client.send("POST", "sessions", {"jws": client.jws()}, secure=True).status == 201


@pytest.mark.req("TRUSTWORKS:API-PRIVATE")
def test_a_token_that_was_sent_in_the_clear_ends(portal: Integrator) -> None:
    portal.api.lab = False
    assert portal.send("GET", "profiles", secure=True).status == 200
    told = portal.done("GET", "profiles", status=403)
    assert told["type"] == "urn:trustworks:TRUSTWORKS:API-PRIVATE"
    assert portal.send("GET", "profiles", secure=True).status == 401


def test_another_key_signs_nobody_in(enrol: Callable[..., Integrator]) -> None:
    client = enrol()
    client.key = ec.generate_private_key(ec.SECP256R1())
    status, body = sign_in(client)
    assert (status, body["type"]) == (422, "urn:trustworks:roles.signature")


def test_a_signature_for_another_purpose_signs_nobody_in(enrol: Callable[..., Integrator]) -> None:
    client = enrol()
    payload = base64.urlsafe_b64decode(client.jws().split(".")[1] + "==")
    other = jws.sign(payload, signer_of(client.key), typ="trustworks-approval+jws")
    answer = client.send("POST", "sessions", {"jws": other})
    assert answer.status == 422


def test_a_sign_in_counts_once(enrol: Callable[..., Integrator], provider: Provider) -> None:
    client = enrol()
    signed = client.jws()
    assert client.send("POST", "sessions", {"jws": signed}).status == 201
    again = client.send("POST", "sessions", {"jws": signed})
    assert again.status == 403
    assert "used before" in json.loads(again.body)["detail"]
    provider.clock.advance(seconds=59)
    assert client.send("POST", "sessions", {"jws": signed}).status == 403


def test_a_token_lasts_its_minutes(portal: Integrator, provider: Provider) -> None:
    portal.done("GET", "profiles")
    provider.clock.advance(minutes=15)
    answer = portal.send("GET", "profiles")
    assert answer.status == 401
    assert dict(answer.headers)["www-authenticate"] == 'Bearer realm="trustworks"'


@pytest.mark.parametrize("token", ["", "x", "ü"])
def test_without_a_token_nothing_is_done(portal: Integrator, token: str) -> None:
    portal.token = token
    assert portal.send("POST", "certificates", wanted()).status == 401
    assert portal.send("GET", "profiles", headers=[("authorization", "Basic eDp5")]).status == 401


def test_who_signs_out_or_is_removed_is_out_at_once(portal: Integrator, api: Api) -> None:
    portal.done("DELETE", "sessions")
    assert portal.send("GET", "profiles").status == 401
    portal.sign_in()
    api.clients.remove("portal", by="officer")
    assert portal.send("GET", "profiles").status == 401
    assert sign_in(portal)[0] == 403
    with pytest.raises(Rejected, match="no client 'portal'"):
        api.clients.remove("portal", by="officer")


@pytest.mark.req("TRUSTWORKS:API-ACTS")
def test_a_client_does_what_it_was_given(enrol: Callable[..., Integrator]) -> None:
    reader = enrol("reader", acts=[Act.READ_RECORDS])
    reader.sign_in()
    assert reader.done("GET", "certificates")["certificates"] == []
    for method, path, body in (
        ("POST", "certificates", wanted()),
        ("POST", "certificates/batch", {"requests": [wanted()]}),
        ("POST", f"certificates/{1:040x}/revoke", {"reason": "superseded"}),
        ("POST", f"certificates/{1:040x}/release", {}),
        ("POST", "applications", {}),
        ("POST", "applications/x/evidence", {}),
        ("POST", "applications/x/approve", {"reason": "Because."}),
        ("POST", "applications/x/reject", {"reason": "Because."}),
        ("POST", "applications/x/withdraw", {"reason": "Because."}),
    ):
        answer = reader.done(method, path, body, status=403)
        assert answer["type"] == "urn:trustworks:TRUSTWORKS:API-ACTS"
    writer = enrol("writer", acts=[Act.ISSUE])
    writer.sign_in()
    for path in ("certificates", f"certificates/{1:040x}", "applications", "applications/x"):
        assert writer.done("GET", path, status=403)["type"] == "urn:trustworks:TRUSTWORKS:API-ACTS"


@pytest.mark.req("TRUSTWORKS:API-PROFILES")
def test_a_client_uses_the_profiles_that_it_was_given(enrol: Callable[..., Integrator]) -> None:
    client = enrol(profiles=["tls-server"])
    client.sign_in()
    answer = client.done("POST", "certificates", wanted(profile="tsu"), status=403)
    assert answer["type"] == "urn:trustworks:TRUSTWORKS:API-PROFILES"
    batch = client.done("POST", "certificates/batch", {"requests": [wanted(profile="tsu"), wanted()]})
    assert [sorted(one) for one in batch["outcomes"]] == [["problem"], ["issued"]]
    assert [one["name"] for one in client.done("GET", "profiles")["profiles"]] == ["tls-server"]


@pytest.mark.req("TRUSTWORKS:API-PROFILES")
def test_what_was_issued_by_another_profile_is_not_there_for_a_client(
    enrol: Callable[..., Integrator], provider: Provider
) -> None:
    owner = enrol("owner", profiles=["natural"])
    owner.sign_in()
    application = {
        "profile": "natural-qcp-n-qscd",
        "kind": "natural",
        "subject": dict(ANNA),
        "csr": csr_pem(),
        "terms": "1",
    }
    applied = owner.done("POST", "applications", application, status=201)["id"]
    issued = provider.issuance.issue(provider.request("natural-qcp-n-qscd")).serial
    authority = provider.issuance.authority("issuing").serial
    stranger = enrol("stranger", profiles=["tls-server"])
    stranger.sign_in()
    for serial in (issued, authority):
        for method, path, body in (
            ("GET", f"certificates/{serial}", None),
            ("GET", f"certificates/{serial}/status", None),
            ("POST", f"certificates/{serial}/revoke", {"reason": "superseded"}),
            ("POST", f"certificates/{serial}/release", {}),
        ):
            assert stranger.done(method, path, body, status=404)["type"].endswith("api.not-found")
    found = provider.issuance.status(authority)
    assert found is not None
    assert found.revocation is None
    for method, path, body in (
        ("GET", f"applications/{applied}", None),
        ("POST", f"applications/{applied}/withdraw", {"reason": "Because."}),
        ("POST", f"applications/{applied}/approve", {"reason": "Because."}),
    ):
        assert stranger.done(method, path, body, status=404)["type"].endswith("registration.unknown")
    assert stranger.done("GET", "certificates")["certificates"] == []
    assert stranger.done("GET", "applications")["applications"] == []
    stranger.done("GET", "certificates", query="profile=natural-qcp-n-qscd", status=403)
    assert [one["serial"] for one in owner.done("GET", "certificates")["certificates"]] == [issued]
    assert [one["id"] for one in owner.done("GET", "applications")["applications"]] == [applied]


@pytest.mark.req("TRUSTWORKS:API-PROFILES")
def test_a_profile_by_its_short_name_is_the_same_profile(enrol: Callable[..., Integrator]) -> None:
    client = enrol(profiles=["natural"])
    client.sign_in()
    natural = {"profile": "natural", "csr": csr_pem(), "subject": dict(ANNA)}
    known = client.done("POST", "certificates", natural, status=403)["type"]  # for it is qualified
    assert known == "urn:trustworks:TRUSTWORKS:ISSUANCE-APPLICANT-DECIDED"
    told = client.done("POST", "certificates", {**natural, "profile": "natural/1"}, status=403)["type"]
    assert told == "urn:trustworks:TRUSTWORKS:API-PROFILES"


@pytest.mark.req("TRUSTWORKS:API-OUT")
def test_a_client_that_another_process_removed_is_out_within_a_second(
    portal: Integrator, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: moment)
    portal.done("GET", "profiles")
    with provider.database.begin() as connection:
        records.remove_client(connection, "portal", at=provider.clock.moment)
    moment += clients.KEPT_SECONDS
    assert portal.send("GET", "profiles").status == 401
    assert clients.KEPT_SECONDS <= 1


def test_a_client_that_is_removed_while_it_signs_in_gets_no_session(
    enrol: Callable[..., Integrator], provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = enrol()
    judge = client.api.clients._judge

    def slowly(*given: Any, **more: Any) -> None:
        judge(*given, **more)
        with provider.database.begin() as connection:
            records.remove_client(connection, "portal", at=provider.clock.moment)

    monkeypatch.setattr(client.api.clients, "_judge", slowly)
    assert sign_in(client)[0] == 403


def test_a_name_and_a_key_are_taken_once(enrol: Callable[..., Integrator], api: Api) -> None:
    first = enrol()
    with pytest.raises(Rejected, match="another name and a new key"):
        enrol()
    with pytest.raises(Rejected, match="another name and a new key"):
        api.clients.create(
            "second",
            certificate_of(first.key),
            acts=["certificate.issue"],
            profiles=["tls-server"],
            by="officer",
        )


def test_an_operators_key_is_no_systems(api: Api, provider: Provider) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    audra = operator_of("audra", Role.AUDITOR, credentials=(credential_of(key, "audra"),))
    with provider.database.begin() as connection:
        operators.add_operator(connection, audra, Person())
    with pytest.raises(Rejected) as caught:
        api.clients.create(
            "portal", certificate_of(key), acts=["certificate.issue"], profiles=["tls-server"], by="officer"
        )
    assert caught.value.code == "api.operators-key"
    assert api.clients.list() == []


@pytest.mark.req("TRUSTWORKS:API-ACTS")
def test_every_operation_that_changes_something_is_an_act_that_clients_are_given() -> None:
    changing = [one for one in OPERATIONS if one.method != "GET" and one.path != SIGN_IN_PATH]
    assert len(changing) > 5
    for one in changing:
        assert one.act in clients.ACTS, one.path
        # A webhook tells a client what it may read anyway, and is its own.
        assert (one.act is Act.READ_RECORDS) == one.path.startswith("webhooks"), one.path


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": "Portal"}, "no name"),
        ({"acts": []}, "A client may do"),
        ({"acts": ["roles.change"]}, "A client may do"),
        ({"profiles": ["no-such"]}, "no-such"),
    ],
)
def test_a_wrong_client_is_not_made(api: Api, changes: dict[str, Any], why: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    given: dict[str, Any] = {"name": "portal", "acts": ["certificate.issue"], "profiles": ["tls-server"]}
    name = {**given, **changes}.pop("name")
    options = {key_: value for key_, value in {**given, **changes}.items() if key_ != "name"}
    with pytest.raises((Rejected, Malformed), match=why):
        api.clients.create(name, certificate_of(key), by="officer", **options)
    assert api.clients.list() == []


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.!.c",
        "a.e30.c",
        "a." + base64.urlsafe_b64encode(b"[" * 3000).decode().rstrip("=") + ".c",
        "a.bnVsbA.c",
        "x" * 5000,
    ],
)
def test_what_is_no_sign_in_is_malformed(token: str) -> None:
    with pytest.raises(Malformed):
        read_sign_in(token)


def test_the_secret_is_nowhere(enrol: Callable[..., Integrator], provider: Provider) -> None:
    client = enrol()
    client.sign_in()
    with provider.database.read() as connection:
        for table in ("api_clients", "api_sessions", "audit_events"):
            for row in connection.execute(text(f"SELECT * FROM {table}")):  # noqa: S608 - names of our own
                assert client.secret not in str(tuple(row))
                assert client.token not in str(tuple(row))


@pytest.mark.parametrize("change", ["DELETE FROM api_clients", "UPDATE api_clients SET acts = 'all'"])
def test_a_client_is_not_rewritten(enrol: Callable[..., Integrator], provider: Provider, change: str) -> None:
    enrol()
    with pytest.raises(DBAPIError, match="append-only"), provider.database.begin() as connection:
        connection.execute(text(change))


def test_every_sign_in_is_in_the_log(enrol: Callable[..., Integrator], provider: Provider) -> None:
    client = enrol()
    client.sign_in()
    sign_in(client, secret="guessed")
    sign_in(client, client="nobody")
    with provider.database.read() as connection:
        rows = connection.execute(
            text("SELECT body FROM audit_events WHERE type LIKE 'api.%' ORDER BY sequence")
        ).all()
    told = [json.loads(bytes(row.body)) for row in rows]
    assert [(one["type"], one["actor"]) for one in told] == [
        ("api.client-added", "officer"),
        ("api.client-signed-in", "portal"),
        ("api.client-refused", "portal"),
        ("api.client-refused", "unknown"),
    ]
    assert SIGN_IN_TYPE not in str(told)
