"""The service over HTTP: clients, seals, quotas, records and events, and what goes wrong."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from signing_desk import OTHER, TOKEN, Here, encoded, opened, post, seal_of, settings
from signing_house import TEXT, house, pdf
from sqlalchemy import select, text

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.http import Headers, RawRequest
from trustworks.formats.data import Octets
from trustworks.formats.read import read
from trustworks.signing import records
from trustworks.signing.bounded.pool import Question, Reply
from trustworks.signing.bounded.work import raised
from trustworks.signing.create.process import Creation, Terms
from trustworks.signing.desk import Desk, check_certificate_of_key
from trustworks.signing.http import PATHS, document, routes
from trustworks.signing.rules.clients import client_of

if TYPE_CHECKING:
    from trustworks.core.audit import Recorder
    from trustworks.core.http import RawResponse
    from trustworks.core.store import Database


class Counting:
    """A seal that says what its key signed."""

    def __init__(self) -> None:
        self.signed: list[bytes] = []
        person = house().person()

        def sign(octets: bytes) -> bytes:
            self.signed.append(octets)
            return person.sign(octets)

        self.seal = replace(seal_of(person), sign=sign)


def rows(database: Database) -> list[str]:
    with database.read() as connection:
        return sorted(row.state for row in connection.execute(select(records.seals)))


def events_of(database: Database) -> list[tuple[str, str, Any]]:
    query = text("SELECT body FROM audit_events WHERE type = 'signing.sealed' ORDER BY sequence")
    with database.read() as connection:
        found = [json.loads(bytes(one)) for one in connection.execute(query).scalars()]
    return [(one["type"], one["outcome"], one["detail"]) for one in found]


def seal_body(**changes: Any) -> dict[str, Any]:
    document = {"content": encoded(pdf().octets()), "name": "a.pdf"}
    return {"seal": "main", "format": "pades", "documents": [document], **changes}


def test_a_document_is_sealed(desk: Desk, database: Database) -> None:
    status, told = post(desk, "/seals", seal_body(level="B-T"))
    assert (status, told["level"]) == (200, "PAdES-BASELINE-T")
    (one,) = read(Octets(base64.b64decode(told["content"]))).signatures
    assert one.level == "PAdES-BASELINE-T"
    with database.read() as connection:
        (row,) = connection.execute(select(records.seals))
    assert (row.client, row.seal, row.state, row.level) == ("shop", "main", "given", "PAdES-BASELINE-T")


def test_the_process_that_reads_documents_is_told_no_key(desk: Desk) -> None:
    post(desk, "/seals", seal_body())
    here: Any = desk._pool
    assert [one["do"] for one in here.asked] == ["seal", "sealed"]
    assert set(here.asked[0]) == {"do", "stamps", "certificates", "scheme", "key", "qualified", "device"}


@pytest.mark.req("TRUSTWORKS:SIGNING-CLIENT")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1]])
def test_nobody_knows_the_client(desk: Desk, path: str, token: str | None) -> None:
    status, told = post(desk, path, b"never read", token)
    assert status == 401
    assert told["type"].endswith("SIGNING-CLIENT")
    assert client_of((), TOKEN) is None


@pytest.mark.req("TRUSTWORKS:SIGNING-SEAL-ALLOWED")
def test_a_client_gets_its_own_seals_alone(desk: Desk) -> None:
    status, told = post(desk, "/seals", seal_body(), OTHER)
    assert status == 403
    assert "it has by none" in told["detail"]
    status, told = post(desk, "/seals", seal_body(seal="other"))
    assert status == 403
    assert "it has by main" in told["detail"]


@pytest.mark.req("TRUSTWORKS:SIGNING-SEAL-QUOTA")
def test_a_client_gets_so_many_seals_on_a_day(desk: Desk) -> None:
    assert [post(desk, "/seals", seal_body())[0] for _ in range(2)] == [200, 200]
    status, told = post(desk, "/seals", seal_body())
    assert status == 429
    assert "may have 2 seals on a day" in told["detail"]


def test_what_failed_is_not_counted(desk: Desk, database: Database) -> None:
    bad = {"content": encoded(b"no PDF"), "name": "a.pdf"}
    assert [post(desk, "/seals", seal_body(documents=[bad]))[0] for _ in range(3)] == [400, 400, 400]
    assert post(desk, "/seals", seal_body())[0] == 200
    with database.read() as connection:
        states = sorted(row.state for row in connection.execute(select(records.seals)))
    assert states == ["failed", "failed", "failed", "given"]


@pytest.mark.req("TRUSTWORKS:SIGNING-SEAL-STANDS")
def test_a_revoked_seal_seals_nothing(database: Database, recorder: Recorder) -> None:
    revoked = {"main": seal_of(house().person(), "keyCompromise since 2026-01-01")}
    with opened(database, recorder, seals=revoked) as made:
        status, told = post(made, "/seals", seal_body())
    assert (status, told["type"]) == (422, "urn:trustworks:signing:signing.seal-revoked")
    assert "is revoked (keyCompromise" in told["detail"]


class Down:
    """A time-stamping authority that is not there."""

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        del digest, hash_name
        raise Unavailable("timestamping.unreachable", "The time-stamping authority is down.")


def test_what_the_key_signed_stays_counted_and_is_told(database: Database, recorder: Recorder) -> None:
    here, counting = Here(), Counting()
    here.creation = Creation(means=replace(house().means, stamper=Down()), terms=Terms(lab=True))
    with opened(database, recorder, pool=here, seals={"main": counting.seal}) as made:
        statuses = [post(made, "/seals", seal_body(level="B-T"))[0] for _ in range(3)]
    assert statuses == [503, 503, 429]
    assert len(counting.signed) == 2
    assert rows(database) == ["signed", "signed"]
    expected = {
        "through": "http",
        "format": "pades",
        "container": None,
        "level": "B-T",
        "documents": 1,
        "why": "timestamping.unreachable",
    }
    assert events_of(database) == [("signing.sealed", "failure", expected)] * 2


@pytest.mark.parametrize(
    ("level", "without", "code"),
    [("B-T", "stamper", "signing.no-stamper"), ("B-LT", "evidence", "signing.no-evidence")],
)
def test_nothing_is_signed_whose_level_cannot_be_reached(
    database: Database, recorder: Recorder, level: str, without: str, code: str
) -> None:
    here, counting = Here(), Counting()
    means = replace(house().means, **{without: None})  # type: ignore[arg-type] # both may be None
    here.creation = Creation(means=means, terms=Terms(lab=True))
    with opened(database, recorder, pool=here, seals={"main": counting.seal}) as made:
        status, told = post(made, "/seals", seal_body(level=level))
    assert (status, told["type"]) == (422, f"urn:trustworks:signing:{code}")
    assert counting.signed == []
    assert rows(database) == ["failed"]


class Untrue(Here):
    """A process whose word is not true."""

    def __init__(self, octets: bytes) -> None:
        super().__init__()
        self.octets = octets

    def ask(self, question: Question) -> Reply:
        del question
        return Reply(words={"prepared": "", "levels": ["PAdES-BASELINE-B"]}, octets=self.octets)


@pytest.mark.req("TRUSTWORKS:SIGNING-SEAL-FORM")
def test_a_key_signs_no_certificate_whatever_a_process_says(database: Database, recorder: Recorder) -> None:
    counting = Counting()
    certificate = house().person().certificate
    tbs = x509.load_der_x509_certificate(certificate).tbs_certificate_bytes
    with opened(database, recorder, pool=Untrue(tbs), seals={"main": counting.seal}) as made:
        status, told = post(made, "/seals", seal_body())
    assert (status, told["type"]) == (503, "urn:trustworks:signing:signing.process")
    assert counting.signed == []
    assert rows(database) == ["failed"]
    assert events_of(database) == []


@pytest.mark.req("TRUSTWORKS:SIGNING-PRIVATE")
@pytest.mark.parametrize("path", PATHS)
def test_a_token_that_came_unencrypted_is_refused(desk: Desk, path: str) -> None:
    for token in (TOKEN, None):
        status, told = post(desk, path, b"never read", token, secure=False)
        assert status == 403
        assert "Speak HTTPS" in told["detail"]


def test_a_laboratory_has_tokens_that_protect_nothing(database: Database, recorder: Recorder) -> None:
    with opened(database, recorder, lab=True) as made:
        assert post(made, "/seals", seal_body(), secure=False)[0] == 200


@pytest.mark.req("TRUSTWORKS:SIGNING-SEAL-QUOTA")
def test_of_several_at_once_so_many_are_sealed_as_are_left(database: Database, recorder: Recorder) -> None:
    client = {"name": "shop", "token-sha256": hashlib.sha256(TOKEN.encode()).hexdigest(), "seals": ["main"]}
    limits = {"at-once": 4}
    chosen = settings(clients=[client | {"per-day": 1}], limits=limits)
    together = threading.Barrier(4, timeout=60)
    first = threading.Semaphore(4)

    class Together(Here):
        def ask(self, question: Question) -> Reply:
            assert question.client == "shop"
            return super().ask(question)

    def clock() -> datetime:
        if first.acquire(blocking=False):  # later it is asked by some of them, and not by all
            together.wait()
        return datetime.now(UTC)

    with opened(database, recorder, pool=Together(), settings=chosen, clock=clock) as made:
        with ThreadPoolExecutor(4) as threads:
            found = [threads.submit(post, made, "/seals", seal_body()) for _ in range(4)]
        assert sorted(one.result()[0] for one in found) == [200, 429, 429, 429]


def is_described(answer: object, name: str) -> bool:
    """Whether an answer is what the OpenAPI document says of it."""
    described = json.loads(json.dumps(document()))
    schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
    return list(Draft202012Validator(schema).iter_errors(answer)) == []


def test_who_asks_is_told_what_may_be_asked_for(desk: Desk) -> None:
    route = next(one for one in routes(desk) if one.method == "GET")
    request = RawRequest(
        method="GET", path=route.path, raw_path=route.path.encode(), headers=Headers([]), body=b""
    )

    async def go() -> RawResponse:
        return await route.handler(request)

    answer = asyncio.run(go())
    assert (answer.status, set(json.loads(answer.body)["paths"])) == (200, set(PATHS))
    _, told = post(desk, "/seals", {})
    assert is_described(told, "Problem")
    assert not is_described(told, "SignedAnswer")


def test_three_steps_with_a_key_elsewhere(desk: Desk) -> None:
    person = house().person("P-384")
    document = {"content": encoded(TEXT), "name": "a.txt"}
    body = {
        "format": "cades",
        "packaging": "detached",
        "level": "B-T",
        "documents": [document],
        "certificates": [encoded(one) for one in person.signer.certificates],
        "claims": {"roles": ["director"], "place": {"city": "Lisboa"}},
    }
    status, told = post(desk, "/signing/prepare", body, OTHER)
    assert (status, told["scheme"], told["hash"]) == (200, "ECDSA_SHA384", "sha384")
    assert is_described(told, "PreparedAnswer")
    octets = base64.b64decode(told["data_to_be_signed"])
    assert base64.b64decode(told["digest"]) == hashlib.sha384(octets).digest()
    complete = {"prepared": told["prepared"], "value": encoded(person.sign(octets)), "documents": [document]}
    status, told = post(desk, "/signing/complete", complete, OTHER)
    assert (status, told["level"]) == (200, "CAdES-BASELINE-T")
    assert is_described(told, "SignedAnswer")
    file = {"content": told["content"], "name": "a.p7s"}
    wanted = {"file": file, "detached": [document], "level": "B-LTA"}
    status, told = post(desk, "/augmentation", wanted, OTHER)
    assert status == 200
    assert [one["level"] for one in told["signatures"]] == ["CAdES-BASELINE-LTA"]
    assert is_described(told, "AugmentedAnswer")
    status, told = post(desk, "/signing/complete", complete | {"value": encoded(b"no value")}, OTHER)
    assert (status, told["type"].rsplit(":", 1)[-1]) == (422, "signature.own")


def test_a_document_beside_a_jws_is_sealed_whatever_its_size(database: Database, recorder: Recorder) -> None:
    """The worker sees all that its key signs, of which the process keeps a digest alone."""
    seal = Counting()
    document = {"content": encoded(TEXT * 10_000), "name": "a.txt"}
    body = seal_body(format="jades", packaging="detached", jades={"mechanism": "none"}, documents=[document])
    with opened(database, recorder, seals={"main": seal.seal}) as made:
        status, told = post(made, "/seals", body)
    assert (status, told["level"]) == (200, "JAdES-BASELINE-B")
    (octets,) = seal.signed
    assert octets.endswith(base64.urlsafe_b64encode(TEXT * 10_000).rstrip(b"="))


def test_of_much_to_be_signed_the_digest_alone_is_told(desk: Desk) -> None:
    person = house().person()
    body = {
        "format": "jades",
        "packaging": "detached",
        "jades": {"mechanism": "none"},
        "documents": [{"content": encoded(TEXT * 10_000), "name": "a.txt"}],
        "certificates": [encoded(one) for one in person.signer.certificates],
    }
    status, told = post(desk, "/signing/prepare", body, OTHER)
    assert (status, told["data_to_be_signed"], told["hash"]) == (200, None, "sha256")
    assert len(base64.b64decode(told["digest"])) == 32


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no JSON"),
        (b"{}", "documents: it is not there"),
        (seal_body(nonsense=1), "nonsense: there is no such member"),
        (seal_body(format="docx"), "format"),
        (seal_body(documents=[]), "documents"),
        (seal_body(documents=[{"content": "?"}]), "documents.0.content: this is no base64"),
        (b"[" * 100_000, "no JSON"),
    ],
)
def test_a_message_that_cannot_be_read_says_where(desk: Desk, body: object, words: str) -> None:
    status, told = post(desk, "/seals", body)
    assert status == 400
    assert words in told["detail"]


def test_what_cannot_be_signed_so_is_told(desk: Desk) -> None:
    status, told = post(desk, "/seals", seal_body(packaging="detached"))
    assert status == 422
    assert told["type"] == "urn:trustworks:signing:signing.packaging"


@pytest.mark.parametrize(
    ("media_type", "role", "code"),
    [
        ("text/plain\r\nX: y", "CEO", "signing.media-type"),
        ("text/plain", "CEO\x1b[2J", "signing.text"),
    ],
)
def test_no_header_and_no_control_is_sealed(desk: Desk, media_type: str, role: str, code: str) -> None:
    document = {"content": encoded(b"a"), "name": "a.txt", "media_type": media_type}
    body = seal_body(documents=[document], format="cades", claims={"roles": [role]})
    status, told = post(desk, "/seals", body)
    assert (status, told["type"]) == (422, f"urn:trustworks:signing:{code}")


@pytest.mark.req("TRUSTWORKS:SIGNING-LIMITS")
def test_a_full_service_says_so(desk: Desk) -> None:
    assert all(
        0 < one.max_body <= desk.settings.limits.message for one in routes(desk) if one.method == "POST"
    )
    desk._begun = desk.settings.limits.at_once + desk.settings.limits.waiting
    status, told = post(desk, "/seals", seal_body())
    assert status == 503
    assert "Try again in a minute" in told["detail"]


def test_a_certificate_of_another_key_is_no_seal() -> None:
    check_certificate_of_key("main", b"same", b"same")
    with pytest.raises(Rejected, match="is not for its key"):
        check_certificate_of_key("main", b"one", b"other")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seals": []}, "which is none"),
        ({"seals": [{"name": "main", "key": "a", "certificate": "a"}] * 2}, "two of the seals"),
        ({"clients": [{"name": "a", "token-sha256": "0" * 64}] * 2}, "two of the clients"),
        ({"clients": [{"name": one, "token-sha256": "0" * 64} for one in "ab"]}, "the same token"),
        ({"time-stamp-url": "ftp://x"}, "https://"),
        ({"clients": [{"name": "A b", "token-sha256": "0" * 64}]}, "small letters"),
    ],
)
def test_a_wrong_configuration_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        settings(**changes)


@pytest.mark.parametrize(
    ("words", "family"),
    [
        ({"memory": True}, Rejected),
        ({"malformed": "x"}, Malformed),
        ({"unavailable": "a.b", "sentence": "x"}, Unavailable),
    ],
)
def test_errors_come_back_as_they_were(words: dict[str, Any], family: type[Exception]) -> None:
    with pytest.raises(family):
        raised(words)
