"""What is no good message is a problem document, and changes nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from acme_testbed import HOST, ORIGIN, OTHER, SECRET, Client, Wire, csr_for, ec_key, public_jwk, sign
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.issuance.enrolment.acme import encoding, jws
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.nonces import Secret
from trustworks.issuance.enrolment.acme.rules import messages as rules
from trustworks.issuance.enrolment.acme.service import acme_server
from trustworks.issuance.records.acme.tables import used_nonces

# What a message may be does not depend on the database; what is kept against replay does.
ONE = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from acme_testbed import Acme

NEW_ORDER = f"{ORIGIN}/acme/new-order"
ORDER = {"identifiers": [{"type": "dns", "value": "www.example.com"}]}


@pytest.mark.req("RFC8555:6.5-NONCE")
def test_a_replayed_message_changes_nothing_in_whatever_process(acme: Acme) -> None:
    client = acme.client()
    message = client.message(NEW_ORDER, ORDER)
    assert client.send(NEW_ORDER, message).status == 201
    before = acme.state()
    for _ in range(2):
        again = client.send(NEW_ORDER, message)
        assert (again.status, again.type) == (400, "badNonce")
        assert again.header("replay-nonce")
        acme.configure()  # another process, or the same after a restart: only the database remembers
        client.wire = acme.wire
    assert acme.state() == before


@ONE
@pytest.mark.req("RFC8555:6.5-NONCE", "RFC8555:6.5-FRESH")
@pytest.mark.parametrize("nonce", [None, "", "bm90IGEgbm9uY2U", "!", "A" * 5000, encoding.encode(b"\0" * 36)])
def test_a_nonce_that_was_not_made_here_is_refused(acme: Acme, nonce: str | None) -> None:
    client = acme.client()
    before = acme.state()
    assert client.post(NEW_ORDER, ORDER, nonce=nonce).type == "badNonce"
    assert acme.state() == before


@ONE
@pytest.mark.req("RFC8555:6.5-FRESH")
def test_a_nonce_is_good_for_an_hour_and_by_any_process_with_the_secret(acme: Acme) -> None:
    client = acme.client()
    message = client.message(NEW_ORDER, ORDER)
    late = client.message(NEW_ORDER, ORDER)
    acme.provider.clock.advance(minutes=59)
    assert client.send(NEW_ORDER, message).status == 201
    acme.provider.clock.advance(minutes=2)
    assert client.send(NEW_ORDER, late).type == "badNonce"
    made = acme.provider.clock.moment
    nonce = Secret(lambda: SECRET).new_nonce(made)
    assert Secret(lambda: SECRET).nonce_ends(nonce, made) is not None
    assert Secret(lambda: SECRET).nonce_ends(nonce, made - timedelta(minutes=2)) is None
    assert Secret(lambda: b"another secret").nonce_ends(nonce, made) is None


def test_used_nonces_are_forgotten_when_their_age_refuses_them(acme: Acme) -> None:
    client = acme.client()
    message = client.message(NEW_ORDER, ORDER)
    client.send(NEW_ORDER, message)
    acme.provider.clock.advance(hours=3)
    acme.queue.sweep()
    with acme.provider.database.read() as connection:
        assert connection.execute(used_nonces.select()).all() == []
    assert client.send(NEW_ORDER, message).type == "badNonce"


@ONE
@pytest.mark.req("RFC8555:6.4-URL")
def test_a_message_for_another_url_changes_nothing(acme: Acme) -> None:
    client = acme.client()
    before = acme.state()
    for signed in (f"{ORIGIN}/acme/new-account", f"{OTHER}/acme/new-order", f"{NEW_ORDER}?x=1"):
        message = client.message(signed, ORDER)
        assert client.send(NEW_ORDER, message).type == "unauthorized"
    assert acme.state() == before


def test_a_signature_by_another_key_changes_nothing(acme: Acme) -> None:
    client, other = acme.client(), acme.client()
    before = acme.state()
    forged = Client(acme.wire, key=other.key, kid=client.kid)
    assert forged.post(NEW_ORDER, ORDER).type == "malformed"
    message = client.message(NEW_ORDER, ORDER)
    message["payload"] = encoding.encode(json.dumps({**ORDER, "profile": "tls-server-dv-short"}).encode())
    assert client.send(NEW_ORDER, message).type == "malformed"
    assert acme.state() == before


@ONE
@pytest.mark.req("RFC8555:6.2-KEY", "RFC7515:4.1.11", "RFC8555:6.2-ALG", "RFC8555:6.2-MAC")
@pytest.mark.parametrize(
    ("header", "type_"),
    [
        ({"jwk": {"kty": "EC"}}, "malformed"),  # beside the kid
        ({"kid": None}, "malformed"),
        ({"kid": f"{ORIGIN}/acme/account/none"}, "accountDoesNotExist"),
        ({"kid": "https://elsewhere.example/acme/account/1"}, "accountDoesNotExist"),
        ({"crit": ["exp"]}, "malformed"),
        ({"b64": True}, "malformed"),
        ({"url": None}, "malformed"),
        ({"url": 7}, "malformed"),
    ],
)
def test_a_header_that_says_something_else_is_refused(acme: Acme, header: dict[str, Any], type_: str) -> None:
    client = acme.client()
    message = client.message(NEW_ORDER, ORDER)
    protected = json.loads(encoding.decode(message["protected"])) | header
    protected = {k: v for k, v in protected.items() if v is not None}
    message["protected"] = encoding.encode(json.dumps(protected).encode())
    before = acme.state()
    assert client.send(NEW_ORDER, message).type == type_
    assert acme.state() == before


@ONE
@pytest.mark.req("RFC8555:6.2-ALG", "RFC8555:6.2-MAC")
@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES256K", "RS1", "PS512", 5])
def test_another_algorithm_is_refused_with_those_that_are_taken(acme: Acme, algorithm: Any) -> None:
    client = acme.client()
    message = client.message(NEW_ORDER, ORDER)
    protected = json.loads(encoding.decode(message["protected"])) | {"alg": algorithm}
    message["protected"] = encoding.encode(json.dumps(protected).encode())
    before = acme.state()
    answer = client.send(NEW_ORDER, message)
    if isinstance(algorithm, int):
        assert answer.type == "malformed"
    else:
        assert answer.type == "badSignatureAlgorithm"
        assert "ES256" in answer.json["algorithms"]
    assert acme.state() == before


@ONE
def test_a_mac_with_the_public_key_as_its_key_is_no_signature(acme: Acme) -> None:
    client = acme.client()
    header = {"alg": "HS256", "nonce": acme.wire.nonce(), "url": NEW_ORDER, "kid": client.kid}
    forged = sign(json.dumps(public_jwk(client.key)).encode(), header, ORDER)
    assert client.send(NEW_ORDER, forged).type == "badSignatureAlgorithm"


@ONE
@pytest.mark.parametrize(
    "change",
    [
        lambda m: {**m, "header": {"kid": "x"}},
        lambda m: {**m, "signatures": []},
        lambda m: {k: v for k, v in m.items() if k != "payload"},
        lambda m: {**m, "payload": 5},
        lambda m: {**m, "payload": m["payload"] + "="},
        lambda m: {**m, "signature": "+/"},
        lambda m: {**m, "protected": encoding.encode(b"[]")},
        lambda m: {**m, "protected": encoding.encode(b'{"alg":"ES256","alg":"ES256"}')},
        lambda m: {**m, "protected": encoding.encode(b"\xff")},
        lambda m: {**m, "protected": encoding.encode(b"[" * 5000)},
        lambda m: [m],
        lambda _: "text",
        lambda m: {**m, "signature": ""},
    ],
)
def test_what_is_no_flattened_jws_is_malformed(acme: Acme, change: Callable[[Any], Any]) -> None:
    client = acme.client()
    message = change(client.message(NEW_ORDER, ORDER))
    before = acme.state()
    assert client.send(NEW_ORDER, message).type == "malformed"
    assert acme.state() == before


@ONE
@pytest.mark.parametrize("body", [b"", b"{", b"null", b"\xff\xfe", b'{"a":1,"a":1}', b"1e999999"])
def test_a_body_that_is_no_json_object_is_malformed(acme: Acme, body: bytes) -> None:
    assert acme.wire.request("POST", NEW_ORDER, body).type == "malformed"


@ONE
@pytest.mark.req("RFC8555:6.1-SIZE", "RFC8555:6.2-TYPE")
def test_oversized_and_mistyped_bodies_are_refused(acme: Acme) -> None:
    client = acme.client()
    before = acme.state()
    large = client.message(NEW_ORDER, {**ORDER, "padding": "x" * rules.MAX_MESSAGE})
    answer = client.send(NEW_ORDER, large)
    assert (answer.status, answer.type) == (413, "malformed")
    message = json.dumps(client.message(NEW_ORDER, ORDER)).encode()
    for given in ("", "application/json", "text/plain"):
        answer = acme.wire.request("POST", NEW_ORDER, message, content_type=given)
        assert (answer.status, answer.type) == (415, "malformed")
    assert acme.state() == before
    given = "application/JOSE+json; charset=utf-8"
    assert acme.wire.request("POST", NEW_ORDER, message, content_type=given).status == 201


@ONE
@pytest.mark.req("RFC8555:6.1-ORIGIN")
def test_urls_begin_with_the_origin_that_was_asked_and_with_no_other(acme: Acme) -> None:
    for origin, host in ((ORIGIN, HOST), (ORIGIN, f"{HOST}:443"), (ORIGIN, HOST.upper()), (OTHER, None)):
        found = acme.wire.request("GET", f"{origin}/acme/directory", host=host)
        assert found.status == 200
        assert found.json["newNonce"] == f"{origin}/acme/new-nonce"
    for host in ("evil.example", f"{HOST}:8443", "", f"{HOST}.evil.example", f"evil.example/{HOST}"):
        found = acme.wire.request("GET", f"{ORIGIN}/acme/directory", host=host or "-")
        assert found.type == "malformed"
        assert "evil" not in found.raw.body.decode()


def test_an_account_works_under_all_of_the_servers_origins(acme: Acme) -> None:
    client = acme.client()
    client.origin = OTHER
    answer = client.order("www.example.com")
    assert answer.status == 201
    assert answer.json["finalize"].startswith(f"{OTHER}/acme/order/")


@ONE
@pytest.mark.req("RFC8555:6.3-GET")
def test_resources_are_read_by_post_as_get_alone(acme: Acme) -> None:
    client = acme.client()
    url = client.order("www.example.com").header("location")
    assert url is not None
    assert client.post(url).status == 200
    assert client.post(url, {}).type == "malformed"
    answer = acme.wire.request("GET", url)
    assert (answer.status, answer.type, answer.header("allow")) == (405, "malformed", "POST")
    assert acme.wire.request("GET", f"{ORIGIN}/acme/nothing").status == 404
    assert client.post(f"{ORIGIN}/acme/nothing").status == 404


@ONE
def test_nonces_come_by_head_and_get(acme: Acme) -> None:
    head = acme.wire.request("HEAD", f"{ORIGIN}/acme/new-nonce")
    get = acme.wire.request("GET", f"{ORIGIN}/acme/new-nonce")
    assert (head.status, get.status) == (200, 204)
    for one in (head, get):
        assert one.header("cache-control") == "no-store"
        assert one.header("replay-nonce")
    assert head.header("replay-nonce") != get.header("replay-nonce")


@ONE
@pytest.mark.req("RFC8555:6.2-STRENGTH", "TRUSTWORKS:ACME-NO-PRIVATE-KEY")
def test_keys_that_cannot_stand_for_an_account_are_refused(acme: Acme) -> None:
    private = {**public_jwk(ec_key()), "d": encoding.encode(b"1" * 32)}
    weak = [
        {"kty": "RSA", "n": encoding.encode(b"\xff" * 128), "e": "AQAB"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": {}, "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": ["EC"], "crv": "P-256", "x": "AA", "y": "AA"},
        private,
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
        {"kty": "RSA", "n": 5, "e": "AQAB"},
        {"kty": "OKP", "crv": "X25519", "x": encoding.encode(b"\x09" + b"\0" * 31)},
        {"kty": "OKP", "crv": "Ed25519", "x": encoding.encode(b"\0" * 32)},
        "text",
        None,
    ]
    for one in weak:
        with pytest.raises(Problem) as refused:
            jws.public_key(one)
        assert refused.value.code == "badPublicKey"
    client = acme.stranger()
    answer = client.post(client.url("new-account"), {"termsOfServiceAgreed": True}, jwk=private)
    assert answer.type == "badPublicKey"
    assert "private key" in answer.json["detail"]


@pytest.mark.req("RFC8555:6.2-STRENGTH")
@pytest.mark.parametrize(
    ("kind", "curve", "bits"),
    [
        ("RSA", None, 2047),
        ("RSA", None, 8193),
        ("EC", "secp256k1", 0),
        ("EC", None, 0),
        ("OKP", "Ed448", 0),
        ("OKP", "P-256", 0),
    ],
)
def test_a_key_is_neither_too_weak_nor_too_large(kind: str, curve: str | None, bits: int) -> None:
    modulus = (2 ** (bits - 1)).to_bytes(bits // 8 + 1) if bits else b""
    with pytest.raises(Problem) as refused:
        rules.check_account_key(kind, curve, modulus)
    assert refused.value.code == "badPublicKey"


@pytest.mark.parametrize(
    "key",
    [ec_key(), ec_key(ec.SECP384R1()), ec_key(ec.SECP521R1()), ed25519.Ed25519PrivateKey.generate()],
    ids=["ES256", "ES384", "ES512", "EdDSA"],
)
@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_every_algorithm_that_is_offered_works(acme: Acme, key: Any) -> None:
    client = Client(acme.wire, key=key).register()
    assert client.order("www.example.com").status == 201


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_rsa_signs_in_both_ways(acme: Acme, algorithm: str) -> None:
    client = Client(acme.wire, key=rsa.generate_private_key(65537, 2048))
    answer = client.post(client.url("new-account"), {"termsOfServiceAgreed": True}, alg=algorithm)
    assert answer.status == 201


@pytest.mark.parametrize("text", ["A", "AB", "A===", "AA==", "A A", "A\n", "Ü"])
def test_base64url_has_one_form(text: str) -> None:
    with pytest.raises(Malformed):
        encoding.decode(text)


@ONE
def test_payloads_of_other_types_are_malformed(acme: Acme) -> None:
    client = acme.client()
    payloads: tuple[Any, ...] = (
        b"[]",
        b'"x"',
        {},
        {"identifiers": "x"},
        {"identifiers": [1]},
        {"identifiers": [{}]},
    )
    for payload in payloads:
        assert client.post(NEW_ORDER, payload).type == "malformed"
    url = client.order("www.example.com").json["finalize"]
    for csr in ({}, {"csr": 5}, {"csr": "+"}):
        assert client.post(url, csr).type in {"malformed", "orderNotReady"}
    assert client.post(client.url("revoke-cert"), {"certificate": encoding.encode(csr_for([]))}).type == (
        "malformed"
    )


@ONE
def test_without_time_everything_is_503_and_nothing_changes(acme: Acme) -> None:
    client = acme.client()
    message = client.message(NEW_ORDER, ORDER)
    before = acme.state()
    acme.provider.clock.refusal = Unavailable("clock.unsynchronised", "secret words")
    answer = client.send(NEW_ORDER, message)
    assert (answer.status, answer.type) == (503, "serverInternal")
    assert answer.header("retry-after")
    assert "secret words" not in answer.raw.body.decode()
    acme.provider.clock.refusal = None
    assert acme.state() == before
    assert client.send(NEW_ORDER, message).status == 201


@ONE
def test_a_server_without_any_secret_is_refused(acme: Acme) -> None:
    settings = acme.settings.model_copy(update={"secret_source": None})
    with pytest.raises(Rejected, match="registration-key"):
        acme_server(acme.authority, settings)


@ONE
def test_without_its_secret_the_server_waits_for_it(acme: Acme, tmp_path: Path) -> None:
    file = tmp_path / "acme.secret"
    settings = acme.settings.model_copy(update={"secret_source": file})
    wire = Wire(acme_server(acme.authority, settings), acme.validate)
    url = f"{ORIGIN}/acme/new-nonce"
    assert wire.request("GET", f"{ORIGIN}/acme/directory").status == 200
    assert wire.request("HEAD", url).status == 503
    file.write_text("too short", encoding="ascii")
    assert wire.request("HEAD", url).status == 503
    file.write_text("x" * 40, encoding="ascii")
    file.chmod(0o644)
    assert wire.request("HEAD", url).status == 503
    file.chmod(0o600)
    assert wire.request("HEAD", url).status == 200


@pytest.mark.req("RFC8555:6.2-ALG")
@pytest.mark.parametrize("algorithm", ["none", "ES256K", "RS384", "", None, 5, "es256"])
def test_what_signs_nothing_or_is_not_offered_is_no_algorithm(algorithm: Any) -> None:
    with pytest.raises(Problem) as refused:
        rules.check_algorithm(algorithm)
    assert refused.value.code == "badSignatureAlgorithm"
    assert refused.value.document()["algorithms"] == list(rules.ALGORITHMS)


@pytest.mark.req("RFC7515:4.1.11")
@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"crit": []}, {"b64": False}])
def test_extensions_that_are_critical_are_refused(header: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="extension"):
        rules.check_critical(header)
    rules.check_critical({"alg": "ES256", "typ": "x"})
