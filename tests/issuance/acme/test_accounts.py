"""Accounts: who gets one, what it may do, how it ends."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from acme_testbed import ORIGIN, Client, ec_key, public_jwk, sign
from operators_testbed import operator_of

from trustworks.core.errors import Rejected
from trustworks.core.roles.model import Person, Role
from trustworks.core.roles.records import add_operator
from trustworks.issuance.enrolment.acme import accounts, encoding
from trustworks.issuance.records import acme as records

if TYPE_CHECKING:
    from acme_testbed import Acme

NEW = f"{ORIGIN}/acme/new-account"
KEY_CHANGE = f"{ORIGIN}/acme/key-change"
ONE = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


def test_a_key_has_one_account_which_is_found_again(acme: Acme) -> None:
    client = acme.stranger()
    wanted = {"termsOfServiceAgreed": True, "contact": ["mailto:ops@example.com"]}
    missing = client.post(NEW, {"onlyReturnExisting": True})
    assert (missing.status, missing.type) == (400, "accountDoesNotExist")
    made = client.post(NEW, wanted)
    again = client.post(NEW, {"onlyReturnExisting": True})
    assert (made.status, again.status) == (201, 200)
    assert made.header("location") == again.header("location")
    assert made.json == again.json
    assert made.json["status"] == "valid"
    assert made.json["contact"] == ["mailto:ops@example.com"]
    assert made.links("index") == [f"{ORIGIN}/acme/directory"]
    assert acme.events().count("acme.account-created") == 1
    kept = {name for name, rows in acme.state().items() if "ops@example.com" in str(rows)}
    assert kept == {"acme_accounts"}


@ONE
@pytest.mark.req("RFC8555:7.3-TERMS")
def test_who_does_not_agree_to_the_terms_gets_no_account(acme: Acme) -> None:
    client = acme.stranger()
    answer = client.post(NEW, {})
    assert (answer.status, answer.type) == (403, "userActionRequired")
    assert answer.links("terms-of-service") == [f"{ORIGIN}/terms"]
    assert acme.state()["acme_accounts"] == []
    acme.configure(terms_of_service=None)
    client.wire = acme.wire
    assert client.post(NEW, {}).status == 201


@ONE
@pytest.mark.req("RFC8555:7.3-CONTACT")
@pytest.mark.parametrize(
    ("contact", "type_"),
    [
        ("tel:+1", "unsupportedContact"),
        ("ops@example.com", "unsupportedContact"),
        ("mailto:a@example.com,b@example.com", "invalidContact"),
        ("mailto:a@example.com?subject=x", "invalidContact"),
        ("mailto:", "invalidContact"),
        ("mailto:a@b", "invalidContact"),
        ("mailto:" + "a" * 300 + "@example.com", "invalidContact"),
    ],
)
def test_contacts_that_nobody_can_write_to_are_refused(acme: Acme, contact: str, type_: str) -> None:
    answer = acme.stranger().post(NEW, {"termsOfServiceAgreed": True, "contact": [contact]})
    assert answer.type == type_
    many = ["mailto:a@example.com"] * 11
    assert acme.stranger().post(NEW, {"termsOfServiceAgreed": True, "contact": many}).type == (
        "invalidContact"
    )
    assert acme.state()["acme_accounts"] == []


@pytest.mark.req("RFC8555:7.1-OWNER")
def test_nobody_reads_or_changes_what_is_another_accounts(acme: Acme) -> None:
    owner, other = acme.client(), acme.client()
    url, order = owner.ready("www.example.com")
    certificate = owner.finalize(order).json["certificate"]
    pending = owner.order("two.example.com").json["authorizations"][0]
    challenge = owner.post(pending).json["challenges"][0]["url"]
    assert owner.kid is not None
    reached = [
        (owner.kid, b""),
        (owner.kid, {"contact": []}),
        (owner.kid, {"status": "deactivated"}),
        (f"{owner.kid}/orders", b""),
        (url, b""),
        (order["finalize"], {"csr": "AA"}),
        (order["authorizations"][0], b""),
        (pending, {"status": "deactivated"}),
        (challenge, {}),
        (certificate, b""),
        (f"{certificate}/1", b""),
    ]
    before = acme.state()
    told = set()
    for target, payload in reached:
        answer = other.post(target, payload)
        assert (answer.status, answer.type) == (404, "unauthorized"), target
        told.add(answer.json["detail"])
    assert acme.state() == before
    told |= {other.post(f"{target[:-4]}0000").json["detail"] for target in (url, pending, certificate)}
    assert len(told) == 1  # what is another's and what is not there are told apart by nobody


@pytest.mark.req("RFC8555:7.3.6-USABLE")
def test_a_closed_account_can_do_nothing_and_its_certificates_stay(acme: Acme) -> None:
    client = acme.client(contact=["mailto:ops@example.com"])
    client.certificate("www.example.com")
    pending = client.order("two.example.com")
    authorization = client.post(pending.json["authorizations"][0]).json
    assert client.kid is not None
    closed = client.post(client.kid, {"status": "deactivated"})
    assert (closed.status, closed.json["status"], closed.json["contact"]) == (200, "deactivated", [])
    before = acme.state()
    for url, payload in (
        (f"{ORIGIN}/acme/new-order", {"identifiers": [{"type": "dns", "value": "www.example.com"}]}),
        (client.kid, b""),
        (authorization["challenges"][0]["url"], {}),
    ):
        answer = client.post(url, payload)
        assert (answer.status, answer.type) == (401, "unauthorized")
    fresh = Client(acme.wire, key=client.key)
    assert fresh.post(NEW, {"termsOfServiceAgreed": True}).type == "unauthorized"
    assert acme.state() == before
    with acme.provider.database.read() as connection:
        orders = records.list_orders(connection)
    assert {one.status for one in orders} == {"valid", "invalid"}
    assert all(one.revocation is None for one in acme.provider.issuance.list())


@ONE
def test_an_account_changes_its_contacts_and_nothing_else(acme: Acme) -> None:
    client = acme.client()
    assert client.kid is not None
    wanted = ["mailto:new@example.com"]
    assert client.post(client.kid, {"contact": wanted}).json["contact"] == wanted
    assert client.post(client.kid, {}).json["contact"] == wanted
    assert client.post(client.kid, {"contact": ["tel:1"]}).type == "unsupportedContact"
    assert client.post(client.kid, {"status": "valid"}).type == "malformed"
    assert client.post(f"{client.kid}/more").status == 404
    assert client.post(client.kid).json["contact"] == wanted


# External account binding


def bound(acme: Acme, client: Client, **changes: Any) -> dict[str, Any]:
    """A newAccount payload with a binding, right but for `changes`."""
    key, octets = accounts.create_external_key(acme.server, comment="", expires_at=None, by="officer")
    given = {"kid": key.kid, "mac": octets, "alg": "HS256", "url": NEW, "jwk": public_jwk(client.key)}
    given |= changes
    header = {"alg": given["alg"], "kid": given["kid"], "url": given["url"]} | changes.get("header", {})
    header = {name: value for name, value in header.items() if value is not None}
    binding = sign(given["mac"], header, given["jwk"])
    return {"termsOfServiceAgreed": True, "externalAccountBinding": binding}


@pytest.mark.req("RFC8555:7.3.4-REQUIRED", "RFC8555:7.3.4-BINDING", "RFC8555:7.3.4-KEY")
@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_an_account_is_bound_once_to_a_key_that_is_stored_nowhere(acme: Acme, algorithm: str) -> None:
    acme.configure(external_account_required=True)
    client = acme.stranger()
    answer = client.post(NEW, {"termsOfServiceAgreed": True})
    assert (answer.status, answer.type) == (403, "externalAccountRequired")
    payload = bound(acme, client, alg=algorithm)
    assert client.post(NEW, payload).status == 201
    second = acme.stranger()
    with acme.provider.database.read() as connection:
        (key,) = records.list_external_keys(connection)
    again = sign(
        acme.server.secret.external_key(key.kid),
        {"alg": "HS256", "kid": key.kid, "url": NEW},
        public_jwk(second.key),
    )
    refused = second.post(NEW, {"termsOfServiceAgreed": True, "externalAccountBinding": again})
    assert (refused.status, refused.type) == (403, "unauthorized")
    assert len(acme.state()["acme_accounts"]) == 1
    octets = acme.server.secret.external_key(key.kid)
    everything = str(acme.state())
    assert encoding.encode(octets) not in everything
    assert octets.hex() not in everything


@ONE
@pytest.mark.req("RFC8555:7.3.4-BINDING")
@pytest.mark.parametrize(
    "changes",
    [
        {"mac": b"another key that is long enough."},
        {"kid": "unknown"},
        {"url": f"{ORIGIN}/acme/new-order"},
        {"jwk": public_jwk(ec_key())},
        {"jwk": "text"},
        {"header": {"nonce": "x"}},
        {"header": {"kid": None}},
    ],
)
def test_a_binding_that_proves_nothing_is_refused(acme: Acme, changes: dict[str, Any]) -> None:
    client = acme.stranger()
    payload = bound(acme, client, **changes)
    before = acme.state()
    assert client.post(NEW, payload).type in {"malformed", "unauthorized"}
    assert acme.state() == before


@ONE
@pytest.mark.req("EN319411-1:REG-6.2.2-26")
def test_an_officer_binds_no_account_of_his_own_to_a_key_that_he_made(acme: Acme) -> None:
    with acme.provider.database.begin() as connection:
        made = operator_of("officer", Role.REGISTRATION_OFFICER)
        add_operator(connection, made, Person(identifiers=frozenset({"ben@example.com"})))
    client = acme.stranger()
    payload = bound(acme, client)
    own, other = {"contact": ["MAILTO:Ben@example.com"]}, {"contact": ["mailto:anna@example.com"]}
    refused = client.post(NEW, {**payload, **own})
    assert (refused.status, refused.type) == (403, "unauthorized")
    assert acme.state()["acme_accounts"] == []
    client.register(**payload, **other)
    assert client.kid is not None
    assert client.post(client.kid, own).type == "unauthorized"
    assert client.post(client.kid).json["contact"] == other["contact"]


@ONE
@pytest.mark.req("RFC8555:7.3.4-BINDING")
def test_a_signature_is_no_binding(acme: Acme) -> None:
    client = acme.stranger()
    key, _ = accounts.create_external_key(acme.server, comment="", expires_at=None, by="officer")
    signed = sign(client.key, {"alg": "ES256", "kid": key.kid, "url": NEW}, public_jwk(client.key))
    answer = client.post(NEW, {"termsOfServiceAgreed": True, "externalAccountBinding": signed})
    assert answer.type == "malformed"


@ONE
@pytest.mark.req("RFC8555:7.3.4-KEY")
def test_keys_that_were_withdrawn_or_expired_bind_nobody(acme: Acme) -> None:
    client = acme.stranger()
    payload = bound(acme, client)
    with acme.provider.database.read() as connection:
        (key,) = records.list_external_keys(connection)
    accounts.revoke_external_key(acme.server, key.kid, by="officer")
    assert client.post(NEW, payload).type == "unauthorized"
    with pytest.raises(Rejected, match="eab list"):
        accounts.revoke_external_key(acme.server, key.kid, by="officer")
    end = acme.provider.clock.moment + timedelta(days=1)
    short, octets = accounts.create_external_key(acme.server, comment="", expires_at=end, by="officer")
    binding = sign(octets, {"alg": "HS256", "kid": short.kid, "url": NEW}, public_jwk(client.key))
    acme.provider.clock.advance(days=1)
    answer = client.post(NEW, {"termsOfServiceAgreed": True, "externalAccountBinding": binding})
    assert answer.type == "unauthorized"
    assert acme.state()["acme_accounts"] == []
    events = acme.events()
    assert events.count("acme.external-key-created") == 2
    assert events.count("acme.external-key-revoked") == 1


# Key change


def change_of_key(client: Client, new: Any, **changes: Any) -> dict[str, str]:
    """The inner message of a key change, right but for `changes`."""
    header = {"alg": "ES256", "jwk": public_jwk(new), "url": KEY_CHANGE, **changes.get("header", {})}
    header = {name: value for name, value in header.items() if value is not None}
    payload = {"account": client.kid, "oldKey": public_jwk(client.key), **changes.get("payload", {})}
    return sign(changes.get("signer", new), header, payload)


@pytest.mark.req("RFC8555:7.3.5-INNER")
def test_an_account_takes_another_key_and_leaves_the_old_one(acme: Acme) -> None:
    client, new = acme.client(), ec_key()
    answer = client.post(KEY_CHANGE, change_of_key(client, new))
    assert answer.status == 200, answer.raw
    old = Client(acme.wire, key=client.key, kid=client.kid)
    assert old.order("www.example.com").type == "malformed"
    client.key = new
    assert client.order("www.example.com").status == 201
    assert Client(acme.wire, key=new).register().kid == client.kid
    assert Client(acme.wire, key=old.key).register().kid != client.kid
    assert "acme.account-key-changed" in acme.events()


@ONE
@pytest.mark.req("RFC8555:7.3.5-INNER")
def test_a_change_of_key_that_proves_nothing_changes_nothing(acme: Acme) -> None:
    client, other, new = acme.client(), acme.client(), ec_key()
    wrong: list[dict[str, Any]] = [
        {"signer": ec_key()},
        {"payload": {"account": other.kid}},
        {"payload": {"oldKey": public_jwk(other.key)}},
        {"payload": {"oldKey": "text"}},
        {"header": {"url": NEW}},
        {"header": {"nonce": "x"}},
        {"header": {"jwk": None, "kid": client.kid}},
    ]
    before = acme.state()
    for one in wrong:
        assert client.post(KEY_CHANGE, change_of_key(client, new, **one)).type == "malformed", one
    taken = client.post(KEY_CHANGE, change_of_key(client, other.key))
    assert (taken.status, taken.header("location")) == (409, other.kid)
    assert client.post(KEY_CHANGE, b"{}").type == "malformed"
    assert client.post(KEY_CHANGE, json.dumps([]).encode()).type == "malformed"
    assert acme.state() == before


@ONE
@pytest.mark.req("TRUSTWORKS:ACME-LIMITS")
def test_new_accounts_are_limited(acme: Acme) -> None:
    acme.configure(new_accounts_per_hour=2)
    acme.client()
    acme.client()
    answer = acme.stranger().post(NEW, {"termsOfServiceAgreed": True})
    assert (answer.status, answer.type) == (429, "rateLimited")
    assert answer.header("retry-after") == "3600"
    acme.provider.clock.advance(hours=1, seconds=1)
    acme.client()


@ONE
def test_the_operator_closes_an_account(acme: Acme) -> None:
    client = acme.client()
    assert client.kid is not None
    id_ = client.kid.rpartition("/")[2]
    accounts.close_account(acme.server, id_, by="officer", now=acme.server.now())
    assert client.order("www.example.com").status == 401
    with pytest.raises(Rejected, match="account list"):
        accounts.close_account(acme.server, id_, by="officer", now=acme.server.now())
