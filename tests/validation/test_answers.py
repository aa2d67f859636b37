"""What TS 119 441 and TS 119 172-4 want an answer about a signature to hold, whatever the format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from evidence_graphs import NOW, Graph, at_hand, house, key, signed, verdict

from trustworks.formats.evidence import Scope, ScopeKind
from trustworks.validation import Trust
from trustworks.validation.policies.policy import shipped
from trustworks.validation.qualification.model import Issuer, IssuerQualification, Status
from trustworks.validation.qualifying import Qualifications
from trustworks.validation.report.etsi.document import Stated
from trustworks.validation.report.etsi.document import report as written
from trustworks.validation.report.explain import explained
from trustworks.validation.report.judged import Judged
from trustworks.validation.report.page.drafting import drafted
from trustworks.validation.report.page.html import as_html
from trustworks.validation.report.plain import plain
from trustworks.validation.report.text import line, text
from trustworks.validation.rules.process import validate
from trustworks.validation.trust import NOBODY

if TYPE_CHECKING:
    from pathlib import Path

RUN = """
import json, pathlib, sys
from datetime import UTC, datetime
from trustworks.validation import validate
at = datetime(2026, 1, 1, tzinfo=UTC)
report = validate(pathlib.Path(sys.argv[1]), at=at, offline=True)
print(json.dumps([report.plain(), report.explained(), report.etsi().decode()]))
"""


def judged(graph: Graph, trust: Trust, qualifications: Qualifications | None = None) -> Judged:
    return Judged(
        evidence=graph.evidence,
        outcome=graph.run(trust),
        policy=shipped(),
        qualifications=qualifications,
    )


@pytest.mark.req("TS119441:VPR-B-14")
@pytest.mark.req("TS119172-4:REQ-4.3-04")
def test_whatever_bears_on_the_security_of_a_signature_is_told() -> None:
    graph, of, _ = signed(value=b"no signature")
    at_hand(graph, of)
    (found,) = plain(judged(graph, of.trust))["signatures"]
    assert (found["indication"], found["sub_indication"]) == ("TOTAL-FAILED", "SIG_CRYPTO_FAILURE")
    (reason,) = found["reasons"]
    assert reason["check"] == "cv.value"
    assert reason["requirement"] == "EN319102-1:5.2.7.4-3"
    assert reason["text"]


VERDICTS: dict[str, dict[str, Any]] = {
    "TOTAL-PASSED": {},
    "TOTAL-FAILED (SIG_CRYPTO_FAILURE)": {"value": b"no signature"},
    "INDETERMINATE (NO_CERTIFICATE_CHAIN_FOUND)": {},
}


@pytest.mark.req("TS119441:SVP-8.2-02")
@pytest.mark.parametrize("told", VERDICTS)
def test_every_form_of_the_answer_tells_the_same_verdict(told: str) -> None:
    graph, of, _ = signed(**VERDICTS[told])
    at_hand(graph, of)
    one = judged(graph, NOBODY if "NO_CERTIFICATE_CHAIN" in told else of.trust)
    indication, _, sub = told.removesuffix(")").partition(" (")
    (found,) = plain(one)["signatures"]
    assert (found["indication"], found["sub_indication"] or "") == (indication, sub)
    report = written(one, Stated(policy_digest=b"\0" * 32))
    status = "{*}SignatureValidationReport/{*}SignatureValidationStatus/{*}"
    assert (
        report.findtext(f"{status}MainIndication") == f"urn:etsi:019102:mainindication:{indication.lower()}"
    )
    wanted = f"urn:etsi:019102:subindication:{sub}" if sub else None
    assert report.findtext(f"{status}SubIndication") == wanted
    assert line(one.outcome) == told
    assert f"Signature: {told}" in text(one).splitlines()
    assert told.replace(" (", ", ").removesuffix(")") in explained(one)
    (item,) = drafted(one).signatures
    assert item.indication == told
    assert told in as_html(one).decode()


@pytest.mark.req("TS119172-4:REQ-4.5-01-e")
def test_what_the_signature_covers_is_presented() -> None:
    covered = Scope(kind=ScopeKind.FULL, name="contract.pdf", text="The whole file.", id="D-1")
    graph, of, _ = signed(scopes=(covered,))
    (found,) = plain(judged(graph, of.trust))["signatures"]
    assert found["scopes"] == [
        {"kind": "full", "name": "contract.pdf", "text": "The whole file.", "transforms": [], "data": "D-1"}
    ]


@pytest.mark.req("TS119441:SVR-B-08")
def test_of_a_time_stamp_it_is_told_whether_it_is_qualified() -> None:
    graph, of, signature = signed()
    stamp = graph.stamp(signature, NOW, of.tsa)
    qualified = IssuerQualification(status=Status.PASSED, results=(Issuer.QUALIFIED,))
    for known, told in (({stamp.id: qualified}, ["Qualified"]), ({}, None)):
        said = plain(judged(graph, of.trust, Qualifications(signatures={}, time_stamps=known)))
        assert said["timestamps"][0]["qualification"] == told
        assert said["signatures"][0]["timestamps"] == said["timestamps"]


@pytest.mark.req("TS119172-4:REQ-4.2-03-c-i")
@pytest.mark.req("TS119172-4:REQ-4.2-03-c-iii")
def test_a_signer_who_is_trusted_himself_is_not_asked_about() -> None:
    graph, of, _ = signed()
    alone = Trust.of([of.signer.der])
    policy = (
        'suite = "eccg"\n[signature.signing-certificate]\nfreshness = { level = "fail", at-most = "24h" }'
    )
    assert verdict(graph.run(alone, policy=policy)) == "TOTAL-PASSED"
    assert graph.run(alone, policy=policy).needs == ()
    graph.certificates(of.ca)
    assert verdict(graph.run(of.trust, policy=policy)) == "CERTIFICATE_CHAIN_GENERAL_FAILURE"


@pytest.fixture
def signed_file() -> bytes:
    of = house()
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"contract")
    builder = builder.add_signer(of.signer.certificate, key(of.signer.name), hashes.SHA256())
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])


@pytest.mark.req("TS119441:VPR-8.1-12")
def test_the_same_input_has_the_same_outcome() -> None:
    graph, of, signature = signed()
    graph.stamp(signature, NOW, of.tsa)
    at_hand(graph, of)
    first, second = (validate(graph.evidence, at=NOW, trust=of.trust) for _ in range(2))
    assert first == second
    assert (first.at, first.signatures[0].best_signature_time) == (NOW, NOW)


def test_the_same_input_has_the_same_reports_in_another_process(tmp_path: Path, signed_file: bytes) -> None:
    """Sets have another order in every process; reports have none of it."""
    (tmp_path / "signed.p7m").write_bytes(signed_file)
    told = []
    for seed in "1", "2":
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(tmp_path / "signed.p7m")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        )
        told.append(json.loads(done.stdout))
    assert told[0] == told[1]
    assert told[0][0]["signatures"]
