"""What strangers send, damaged in some thousand ways: each gets the protocol's own answer, and soon.

The damage is the same in every run. A longer search by hand: TRUSTWORKS_DAMAGED=100000 sets how many messages
each protocol gets, TRUSTWORKS_SEED where they begin.
"""

from __future__ import annotations

import base64
import json
import os
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from acme_testbed import Acme, csr_for, public_jwk
from cmp_client import cert_request, common_name, new_key, revocation_request
from cmp_testbed import open_server
from counted_work import calls_at_most
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from est_testbed import Est, request_of
from issuance_testbed import make_csr
from mutations import damaged, damaged_json, replaced
from status_provider import Provider as StatusProvider
from status_provider import TestClock

from trustworks.core.audit import Recorder
from trustworks.core.der import cmp as der
from trustworks.core.der.cmp import Body
from trustworks.core.der.encode import INTEGER, integer, tlv
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.rules.keys import check_possession, key_of_known_kind
from trustworks.issuance.wire import read_csr, read_lost_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from issuance_testbed import Provider

    from trustworks.core.module import Key, Pkcs11Uri
    from trustworks.core.store import Database

# What `cryptography` says of a name that is longer than X.520 allows; it is read all the same.
pytestmark = pytest.mark.filterwarnings("ignore:Attribute's length must be:UserWarning")
ONE_DATABASE = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)

COUNT = int(os.environ.get("TRUSTWORKS_DAMAGED", "120"))
SEED = int(os.environ.get("TRUSTWORKS_SEED", "1"))
MOST = 100_000  # calls of functions for one message


def randomness() -> Random:
    return Random(SEED)  # noqa: S311 - the same in every run


@contextmanager
def answered_soon(octets: object) -> Iterator[None]:
    try:
        with calls_at_most(MOST):
            yield
    except Exception as error:
        raise AssertionError(f"{octets!r} is not answered") from error


@pytest.fixture(scope="module")
def cmp_key(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[Key]:
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        yield module.generate_key_pair(label="cmp", algorithm=KeyAlgorithm.P256)


def test_requests_for_certificates() -> None:
    seed = make_csr(None, None, x509.SubjectAlternativeName([x509.DNSName("pump.example")]))
    for octets in damaged(seed, randomness(), 4 * COUNT):
        with answered_soon(octets):
            try:
                csr = read_csr(octets)
                key_of_known_kind(csr.public_key())
                check_possession(csr)
                csr.alternative_names()
            except (Malformed, Refused, Rejected):
                continue


def test_what_shows_a_lost_key() -> None:
    seed = x509.load_der_x509_csr(make_csr()).public_bytes(Encoding.DER)
    for octets in damaged(seed, randomness(), COUNT):
        pem = b"-----BEGIN CERTIFICATE REQUEST-----\n%b-----END CERTIFICATE REQUEST-----\n"
        with answered_soon(octets):
            try:
                read_lost_key(pem % base64.encodebytes(octets))
            except (Malformed, Refused):
                continue


@ONE_DATABASE
def test_questions_about_status(module: Module, database: Database) -> None:
    with Recorder.open(database, "status") as recorder:
        provider = StatusProvider(
            module=module,
            database=database,
            recorder=recorder,
            clock=TestClock(),
            settings=IssuanceSettings.model_validate({}),
        ).set_up()
        asked = ocsp.OCSPRequestBuilder().add_certificate(
            provider.issue(), provider.certificates["issuing"], hashes.SHA256()
        )
        seed = asked.add_extension(x509.OCSPNonce(b"n" * 32), critical=False).build()
        responder = provider.responder()
        statuses = set()
        for octets in damaged(seed.public_bytes(Encoding.DER), randomness(), COUNT):
            with answered_soon(octets):
                answer = ocsp.load_der_ocsp_response(responder.answer(octets).der)
            statuses.add(answer.response_status)
    assert statuses <= {
        ocsp.OCSPResponseStatus.SUCCESSFUL,
        ocsp.OCSPResponseStatus.MALFORMED_REQUEST,
        ocsp.OCSPResponseStatus.UNAUTHORIZED,
    }
    assert ocsp.OCSPResponseStatus.MALFORMED_REQUEST in statuses


@ONE_DATABASE
def test_messages_of_cmp(provider: Provider, cmp_key: Key, tmp_path: Path) -> None:
    server = open_server(provider, cmp_key, tmp_path)
    random, key = randomness(), new_key()
    given = server.secret(uses=1_000_000)
    name = common_name("pump 1 TEST")
    certificate = x509.load_der_x509_certificate(provider.issuance.authority("issuing").certificate)
    contents = {
        Body.ir: cert_request(key, name),
        Body.p10cr: request_of(key, "pump 1 TEST"),
        Body.kur: cert_request(key, name),
        Body.rr: revocation_request(certificate.subject.public_bytes(), 1, 1),
        Body.certConf: bytes.fromhex("300a300804024142020100"),
        Body.genm: bytes.fromhex("300c300a06082b06010505070402"),
        Body.pollReq: bytes.fromhex("30053003020100"),
    }

    def judge(octets: bytes) -> None:
        with answered_soon(octets):
            answer = server.exchange.answer(octets)
            message = der.read_message(answer)
            assert b"The service failed to answer" not in answer
            assert message.body in set(Body)

    for body, content in contents.items():
        # Damaged inside, with a protection that is right; and as a whole.
        for changed in damaged(content, random, COUNT // 4):
            client = server.client(**given)
            judge(client.message(body, changed))
        whole = server.client(**given).message(body, content)
        for octets in damaged(whole, random, COUNT // 4):
            judge(octets)
    # Numbers that Python does not write out in digits, in the header that anybody may send.
    judge(server.client(**given, pvno=1 << 40_000).message(Body.ir, contents[Body.ir]))
    whole = server.client(**given).message(Body.ir, contents[Body.ir])
    assert replaced(whole, b"", b"") == whole
    iterations = integer(500)
    judge(replaced(whole, iterations, tlv(INTEGER, b"A" * 5000)))


@ONE_DATABASE
def test_requests_of_est(provider: Provider, cmp_key: Key, tmp_path: Path) -> None:
    est = Est(open_server(provider, cmp_key, tmp_path))
    given = est.server.secret(uses=1_000_000)
    seed = request_of(new_key(), "pump 1 TEST", "pump.example")
    statuses = set()
    for octets in damaged(seed, randomness(), COUNT):
        with answered_soon(octets):
            statuses.add(est.enrol(octets, given).status)
    pair = f"{given['reference']}:{given['secret']}"
    for text in damaged(base64.b64encode(seed), randomness(), COUNT // 4):
        header = {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        with answered_soon(text):
            statuses.add(est.ask("POST", "simpleenroll", text, headers=header).status)
    for text in damaged(base64.b64encode(pair.encode()), randomness(), COUNT // 4):
        header = {"authorization": f"Basic {text.decode('latin-1')}"}
        with answered_soon(text):
            statuses.add(est.ask("POST", "simpleenroll", base64.b64encode(seed), headers=header).status)
    assert statuses <= {200, 202, 400, 401, 403, 413}
    assert {400, 401} <= statuses


@ONE_DATABASE
def test_messages_of_acme(provider: Provider) -> None:
    acme = Acme(provider)
    random, client = randomness(), acme.client()
    _, order = client.ready("a.example")
    payloads: list[tuple[str, Any]] = [
        (client.url("new-order"), {"identifiers": [{"type": "dns", "value": "a.example"}], "profile": "tls"}),
        (client.url("new-account"), {"termsOfServiceAgreed": True, "contact": ["mailto:a@example.com"]}),
        (order["finalize"], {"csr": csr_text(csr_for(["a.example"]))}),
        (client.url("revoke-cert"), {"certificate": csr_text(csr_for(["a.example"])), "reason": 1}),
        (client.url("key-change"), {"protected": "e30", "payload": "e30", "signature": "AA"}),
    ]

    def judge(target: str, body: bytes) -> None:
        with answered_soon(body):
            answer = acme.wire.request("POST", target, body)
            assert answer.status < 500, answer.raw

    for target, payload in payloads:
        for changed in damaged_json(payload, random, COUNT // 4):
            judge(target, json.dumps(client.message(target, changed)).encode())
    for octets in damaged(csr_for(["a.example"]), random, COUNT // 2):
        judge(
            order["finalize"],
            json.dumps(client.message(order["finalize"], {"csr": csr_text(octets)})).encode(),
        )
    # Whole messages, their headers (signed as they are), their octets.
    target = client.url("new-account")
    stranger = acme.stranger()
    for _ in range(COUNT // 2):
        header = {
            "alg": "ES256",
            "nonce": acme.wire.nonce(),
            "url": target,
            "jwk": public_jwk(stranger.key),
        }
        (changed,) = damaged_json(header, random, 1)
        message = {"payload": "e30", "signature": "AA", "protected": csr_text(json.dumps(changed).encode())}
        judge(target, json.dumps(message).encode())
        (message,) = damaged_json(stranger.message(target, {}), random, 1)
        judge(target, json.dumps(message).encode())
        (body,) = damaged(json.dumps(stranger.message(target, {})).encode(), random, 1)
        judge(target, body)


def csr_text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
