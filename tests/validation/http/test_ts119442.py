"""The validation protocol in JSON: bad messages first, then what is asked and answered."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from console_testbed import ask, shell_of
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st
from validation_desk import PLAIN, Chosen, desk_of, detached_signature, settings_of

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.validation.bounded.asked import Answered, Kind
from trustworks.validation.desk import Arriving
from trustworks.validation.http import dssx, ts119442

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.validation.desk import Desk

DATA = b"what is signed\n"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


SIGNATURE = {"b64Sig": {"val": b64(b"signature")}}


def post(desk: Any, message: Any, *, status: int = 200, content_type: str = "application/json") -> Any:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    answer = ask(
        shell_of(ts119442.routes(desk)), "POST", "/validation/ts119442", body, content_type=content_type
    )
    assert answer.status == status, answer.text
    found = json.loads(answer.body)
    assert found["profile"] == [dssx.PROFILE]
    assert found["respID"]
    return found


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"\xff",
        b"[" * 5_000,
        {"inDocs": []},
        {"sigObj": {}},
        {"sigObj": {"b64Sig": {"val": 5}}},
        {"reqID": 5},
        {"sigObj": SIGNATURE, "optInp": {"returnSigner": "yes"}},
        {"inDocs": {"docHash": [{"di": []}]}},
    ],
)
def test_what_cannot_be_read_is_the_requesters_error(message: Any) -> None:
    found = post(Chosen(), message, status=400)
    assert found["result"]["maj"] == dssx.REQUESTER_ERROR
    assert found["result"]["msg"]["value"].endswith(".")


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"reqID": "x"},
        {"sigObj": {"b64Sig": {"val": "?"}}},
        {"inDocs": {"doc": [{"b64Data": {"val": "AA="}}]}},
        {"sigObj": SIGNATURE, "inDocs": {"docHash": [{"di": [{"alg": SHA256, "val": "!"}]}]}},
        {"sigObj": SIGNATURE, "optInp": {"useVerificationTime": {"specTime": 10**30}}},
    ],
)
def test_what_is_read_and_holds_nothing_to_validate_is_told(message: Any) -> None:
    desk = Chosen()
    found = post(desk, message)
    assert found["result"]["maj"] == dssx.REQUESTER_ERROR
    assert desk.asked == []


@pytest.mark.req("TS119442:DSS-4.3.5-1")
@pytest.mark.parametrize(
    "more",
    [
        {"other": 1},
        {"profile": ["urn:another"]},
        {"optInp": {"returnAugmented": [{}]}},
        {"optInp": {"processSigs": {}}},
        {"optInp": {"proofsOfExist": {}}},
        {"optInp": {"addKeyInfo": []}},
        {"optInp": {"returnValReport": {"signIt": True}}},
        {"optInp": {"returnValReport": {"asSpecifiedBy": "urn:another"}}},
        {"optInp": {"useSigValPol": {"sigValPolId": "ades", "sigValPolLocs": ["https://a.example"]}}},
        {"inDocs": {"transformed": []}},
        {"inDocs": {"docHash": [{"di": [{"alg": "MD4", "val": "AA=="}]}]}},
        {"inDocs": {"docHash": [{"transforms": {}, "di": [{"alg": SHA256, "val": "AA=="}]}]}},
    ],
)
def test_what_is_not_supported_is_refused_and_never_left_out(more: dict[str, Any]) -> None:
    desk = Chosen()
    found = post(desk, {"sigObj": SIGNATURE, "reqID": "one", **more})
    assert (found["result"]["maj"], found["result"]["min"]) == (dssx.REQUESTER_ERROR, dssx.NOT_SUPPORTED)
    assert found["reqID"] == "one"
    assert desk.asked == []


@pytest.mark.req("TS119442:DSS-4.3.5-1")
@pytest.mark.req("TS119442:5.1-SIGNED-REPORT")
def test_a_signed_report_may_be_asked_for_where_reports_are_sealed() -> None:
    desk = Chosen(Answered(results=(), policy="urn:x", plain=PLAIN, etsi=b"<r/>", sealed=True))
    desk.sealer = object()
    found = post(desk, {"sigObj": SIGNATURE, "optInp": {"returnValReport": {"signIt": True}}})
    assert found["optOutp"]["validationReport"]["isSigned"] is True


NAMES = st.sampled_from(["sigObj", "inDocs", "optInp", "doc", "val", "x"])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
    )
)
def test_any_json_is_answered_in_the_form_of_the_protocol(message: Any) -> None:
    answer = ask(
        shell_of(ts119442.routes(Chosen())),  # type: ignore[arg-type]
        "POST", "/validation/ts119442", json.dumps(message).encode(), content_type="application/json",
    )  # fmt: skip
    assert answer.status in {200, 400}
    assert json.loads(answer.body)["result"]["maj"]


@pytest.mark.parametrize(
    ("error", "status", "major", "minor"),
    [
        (Malformed("No signed file."), 200, dssx.REQUESTER_ERROR, dssx.GENERAL_ERROR),
        (Rejected("validation.policy", "None."), 200, dssx.REQUESTER_ERROR, dssx.NOT_SUPPORTED),
        (Rejected("validation.too-much", "More."), 413, dssx.REQUESTER_ERROR, dssx.GENERAL_ERROR),
        (Unavailable("validation.busy", "Busy."), 503, dssx.RESPONDER_ERROR, dssx.GENERAL_ERROR),
        (Unavailable("audit.closed", "Secret."), 503, dssx.RESPONDER_ERROR, dssx.GENERAL_ERROR),
    ],
)
def test_what_the_desk_refuses_is_told_by_codes(
    error: Exception, status: int, major: str, minor: str
) -> None:
    found = post(Chosen(error), {"sigObj": SIGNATURE}, status=status)
    assert (found["result"]["maj"], found["result"]["min"]) == (major, minor)
    assert "Secret" not in found["result"]["msg"]["value"]


def test_other_media_types_and_long_bodies_are_refused_in_its_own_form() -> None:
    assert post(Chosen(), b"{}", status=415, content_type="text/xml")["result"]["maj"] == dssx.REQUESTER_ERROR
    post(Chosen(limits={"message": 1024}), b" " * 1025, status=413)


@pytest.mark.parametrize(
    "message",
    [
        b'{"sigObj":{"b64Sig":{"val":"MAA="}},"inDocs":{"doc":['
        + b",".join([b'{"b64Data":{"val":""}}'] * 5000)
        + b"]}}",
        b"[" * 100_000,
        b'{"x":[' + b"[]," * 20_000 + b"[]]}",
        b'{"x":' + b'{"x":' * 20_000 + b"0",
    ],
)
def test_a_message_of_very_many_values_is_refused_and_never_parsed(
    message: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dssx, "read_request", lambda _: pytest.fail("It was parsed."))
    found = post(Chosen(), message, status=413)
    assert found["result"]["maj"] == dssx.REQUESTER_ERROR


def test_as_many_documents_come_as_files_in_a_form() -> None:
    desk = Chosen(limits={"files": 3})
    digests = [{"alg": SHA256, "val": b64(bytes(32))}] * 20
    hashed = [{"Id": "x", "refURI": f"a,{number}.txt", "refType": "y", "di": digests} for number in range(3)]
    assert post(desk, {"sigObj": SIGNATURE, "inDocs": {"docHash": hashed[:2]}})
    assert len(desk.asked) == 1
    found = post(desk, {"sigObj": SIGNATURE, "inDocs": {"docHash": hashed}}, status=413)
    assert found["result"]["msg"]["value"].startswith("More than 3 documents came")
    assert len(desk.asked) == 1


def test_as_much_as_a_hundred_documents_need_is_no_message_of_too_many_values() -> None:
    marks = dssx.Marks(100)
    digests = [{"alg": SHA256, "val": b64(bytes(32))}] * 20
    hashed = [{"Id": "x", "refURI": "a, b.txt", "refType": "y", "di": digests}] * 100
    marks.count(json.dumps({"sigObj": SIGNATURE, "inDocs": {"docHash": hashed}}).encode())


def test_a_message_that_finds_no_place_is_the_responders_error_and_not_read() -> None:
    desk = Chosen()
    desk.messages = Arriving(uploads=0, octets=1000)
    assert post(desk, b"?", status=503)["result"]["maj"] == dssx.RESPONDER_ERROR
    desk.messages = Arriving(uploads=1, octets=1000)
    assert post(desk, b"?" * 1001, status=503)["result"]["maj"] == dssx.RESPONDER_ERROR
    assert post(desk, {"sigObj": SIGNATURE})["result"]["maj"], "the places are free again"


def test_the_desk_is_asked_what_the_message_says() -> None:
    desk = Chosen()
    message = {
        "profile": [dssx.PROFILE],
        "sigObj": SIGNATURE,
        "inDocs": {
            "doc": [{"refURI": "a.txt", "b64Data": {"val": b64(b"one")}}],
            "docHash": [{"refURI": "b.txt", "di": [{"alg": SHA256, "val": b64(bytes(32))}]}],
        },
        "optInp": {
            "lang": "en",
            "useVerificationTime": {"specTime": 1_769_860_800_000},
            "useSigValPol": {"sigValPolId": "urn:trustworks:validation-policy:qualified:1"},
            "returnValReport": {"asSpecifiedBy": dssx.REPORT},
        },
    }
    post(desk, message)
    ((asked, through),) = desk.asked
    assert (asked.file.octets, through) == (b"signature", "ts119442")
    assert [(one.name, one.octets, one.digests) for one in asked.detached] == [
        ("a.txt", b"one", ()),
        ("b.txt", b"", (("sha256", bytes(32)),)),
    ]
    assert asked.at is not None
    assert asked.at.isoformat() == "2026-01-31T12:00:00+00:00"
    assert asked.policy.endswith("qualified:1")
    assert asked.kinds == (Kind.PLAIN, Kind.ETSI)


def signature(indication: str, sub: str | None = None) -> dict[str, Any]:
    reasons = [] if sub is None else [{"text": "That is why."}]
    return {
        "indication": indication,
        "sub_indication": sub,
        "reasons": reasons,
        "signer": "A",
        "signing_time": None,
    }


PASSED, FAILED = signature("TOTAL-PASSED"), signature("TOTAL-FAILED", "HASH_FAILURE")
OPEN = signature("INDETERMINATE", "NO_POE")


@pytest.mark.req("TS119442:DSS-4.1.7")
@pytest.mark.parametrize(
    ("signatures", "findings", "major", "minor"),
    [
        ([], [], "RequesterError", "GeneralError"),
        ([PASSED], [], "Success", "valid:signature:OnAllDocuments"),
        ([PASSED], [{"code": "given.uncovered"}], "Success", "valid:signature:NotAllDocumentsReferenced"),
        ([PASSED, PASSED], [], "Success", "ValidMultiSignatures"),
        ([PASSED, FAILED, OPEN], [], "Success", "invalid:IncorrectSignature"),
        ([PASSED, OPEN], [], "InsufficientInformation", None),
    ],
)
def test_of_several_signatures_the_worst_decides(
    signatures: list[Any], findings: list[Any], major: str, minor: str | None
) -> None:
    plain = PLAIN | {"signatures": signatures, "findings": findings}
    found = dssx.result_of(Answered(results=(), policy="urn:x", plain=plain))
    assert found["maj"].rpartition(":")[2] == major
    assert found.get("min") == (None if minor is None else f"urn:oasis:names:tc:dss:1.0:resultminor:{minor}")


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with desk_of(settings_of(limits={"at-once": 1})) as made:
        yield made


SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
CONTRACT = b"a contract that nobody signed"


@pytest.mark.req("TS119442:DSS-4.2.5")
@pytest.mark.parametrize("beside", [None, DATA, CONTRACT])
def test_the_report_tells_the_digest_that_was_compared_and_no_other(desk: Desk, beside: bytes | None) -> None:
    compared = hashlib.sha512(DATA).digest()
    given = [{"alg": SHA512, "val": b64(compared)}]
    if beside is not None:
        given.insert(0, {"alg": SHA256, "val": b64(hashlib.sha256(beside).digest())})
    message = {
        "sigObj": {"b64Sig": {"val": b64(detached_signature(DATA, function=hashes.SHA512))}},
        "inDocs": {"docHash": [{"refURI": "contract.pdf", "di": given}]},
        "optInp": {"returnValReport": {}},
    }
    found = post(desk, message)
    assert found["result"]["maj"] == dssx.INSUFFICIENT  # nobody is trusted
    report = base64.b64decode(found["optOutp"]["validationReport"]["etsiTS11910202XMLReport"]).decode()
    assert report.count(b64(compared)) == 2  # the document of the signer, and among the objects
    for octets in (DATA, CONTRACT):
        assert b64(hashlib.sha256(octets).digest()) not in report


@pytest.mark.req("TS119442:DSS-4.2.5")
@pytest.mark.parametrize("data", [DATA, b"something else"])
def test_a_document_may_be_given_by_its_digest_alone(desk: Desk, data: bytes) -> None:
    digest = hashlib.sha256(data).digest()
    message = {
        "sigObj": {"b64Sig": {"val": b64(detached_signature(DATA))}},
        "inDocs": {"docHash": [{"di": [{"alg": SHA256, "val": b64(digest)}]}]},
        "optInp": {"returnValReport": {}, "returnSigner": True, "returnVerificationTime": True},
    }
    found = post(desk, message)
    (one,) = found["optOutp"]["resForEachSignature"]
    assert one["signerIdentity"] == {"name": "Signer TEST"}
    report = base64.b64decode(found["optOutp"]["validationReport"]["etsiTS11910202XMLReport"])
    assert found["optOutp"]["validationReport"]["isSigned"] is False
    assert found["optOutp"]["verificationTimeInfo"]["verificationTime"] > 1_700_000_000_000
    if data == DATA:
        assert found["result"]["maj"] == dssx.INSUFFICIENT  # nobody is trusted
        assert "NO_CERTIFICATE_CHAIN_FOUND" in one["result"]["msg"]["value"]
        assert b"<DocHashOnly>true</DocHashOnly>" in report
    else:
        assert found["result"]["min"].endswith("IncorrectSignature")
        assert "HASH_FAILURE" in one["result"]["msg"]["value"]
