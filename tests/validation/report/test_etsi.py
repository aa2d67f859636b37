"""The report of TS 119 102-2: what it says beside the verdict; the schema is asked in tests/interop."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from evidence_graphs import DAY, Graph, at_hand, proven, signed
from evidence_graphs import NOW as GRAPH_NOW
from lxml import etree
from qualified_reports import CA, COMPLIANCE, DEVICE, FOR_ESIGN, KEYS, NOW, report
from signed_pdfs import token as time_stamp

from trustworks.formats.data import DigestOnly, Octets
from trustworks.formats.evidence import Scope, ScopeKind
from trustworks.formats.uncovered import UNCOVERED
from trustworks.validation import Trust, validate
from trustworks.validation.policies.policy import shipped
from trustworks.validation.report.etsi.associated import checks_of
from trustworks.validation.report.etsi.document import Stated
from trustworks.validation.report.etsi.document import report as write
from trustworks.validation.report.etsi.elements import DS, VR, base64
from trustworks.validation.report.judged import Judged
from trustworks.validation.rules.inputs import NOTHING, Extra, token

if TYPE_CHECKING:
    from trustworks.validation.service import Report

NAMES = {"v": VR, "ds": DS, "t": "http://uri.etsi.org/02231/v2#"}


def found(one: Report | bytes, path: str) -> list[str]:
    """The texts of elements, or the values of attributes."""
    octets = one if isinstance(one, bytes) else one.etsi()
    return [
        str(each) if isinstance(each, str) else (each.text or "")
        for each in etree.fromstring(octets).xpath(path, namespaces=NAMES)
    ]


def qualified() -> Report:
    return report(COMPLIANCE, FOR_ESIGN, DEVICE)


def test_what_the_trusted_lists_say_is_in_it() -> None:
    one = qualified()
    assert found(one, "//v:SignatureQuality/v:SignatureQualityInformation") == [
        "urn:trustworks:validation:signature-quality:qesig"
    ]
    told = dict(zip(found(one, "//v:ReportData/v:Type"), found(one, "//v:ReportData/v:Value"), strict=True))
    prefix = "urn:trustworks:validation:qualification"
    assert told[f"{prefix}:certificate"] == "QC_For_eSig"
    assert told[f"{prefix}:certificate-status"] == "PROCESS_PASSED"
    assert told[f"{prefix}:device"] == "QSCD_YES"
    assert told[f"{prefix}:trusted-list"] == "EL"


@pytest.mark.req("TS119441:SVR-8.4-05")
@pytest.mark.req("TS119441:SVR-8.4-07")
def test_every_check_is_in_it_once_and_every_constraint_that_is_not_asked() -> None:
    one = qualified()
    (outcome,) = one.outcome.signatures
    asked = {
        id(check): check.id
        for part in (outcome.basic, outcome.with_time, outcome.archival)
        for check in checks_of(part)
    }
    path = "//v:SignatureValidationReport/v:ValidationConstraintsEvaluationReport/v:ValidationConstraint"
    listed = found(one, f"{path}[v:ConstraintStatus/v:Status='urn:etsi:019102:constraintStatus:applied']"
                        "/v:ValidationConstraintIdentifier")  # fmt: skip
    assert sorted(listed) == sorted(f"urn:trustworks:validation:check:{name}" for name in asked.values())
    unasked = found(one, f"{path}[not(v:ValidationStatus)]/v:ValidationConstraintIdentifier")
    assert "urn:trustworks:validation:constraint:signature:signing-certificate:freshness" in unasked


def test_the_trust_anchor_ends_the_chain_and_algorithms_are_told() -> None:
    one = qualified()
    (outcome,) = one.outcome.signatures
    data = "//v:SignatureValidationReport/v:SignatureValidationStatus/v:AssociatedValidationReportData"
    assert found(one, f"{data}/v:TrustAnchor/@VOReference") == [outcome.chain[-1]]
    assert found(one, f"{data}/v:CryptoInformation/v:SecureAlgorithm") == ["true"]
    assert found(one, f"{data}/v:RevocationStatusInformation") == []


def test_what_revoked_a_certificate_is_told() -> None:
    since = NOW - timedelta(days=2)
    entry = x509.RevokedCertificateBuilder().serial_number(77).revocation_date(since).build()
    built = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(CA.subject)
        .last_update(NOW - timedelta(minutes=5))
        .next_update(NOW + timedelta(days=1))
        .add_revoked_certificate(entry)
        .sign(KEYS["CA"], hashes.SHA256())
    )
    listed = token("R", built.public_bytes(Encoding.DER))
    one = report(COMPLIANCE, FOR_ESIGN, DEVICE, extra=Extra(revocation=(listed,)))
    told = "//v:RevocationStatusInformation"
    assert found(one, f"{told}/v:RevocationTime") == [f"{since:%Y-%m-%dT%H:%M:%SZ}"]
    assert found(one, f"{told}/v:RevocationObject/@VOReference") == [listed.id]
    assert found(one, f"{told}/v:ValidationObjectId/@VOReference") == [
        one.outcome.signatures[0].signing_certificate
    ]


@pytest.mark.req("TS119441:SVP-8.2-03")
@pytest.mark.req("TS119441:SVR-8.4-08")
def test_what_the_service_states_of_itself_is_in_it() -> None:
    certificate = CA.public_bytes(Encoding.DER)
    stated = qualified().etsi(
        service_policy="urn:oid:1.2.3", practice_statement="https://example.test/cps", certificate=certificate
    )
    assert found(stated, "//v:SignatureValidationServicePolicy") == ["urn:oid:1.2.3"]
    assert found(stated, "//v:SignatureValidationPracticeStatement") == ["https://example.test/cps"]
    assert len(found(stated, "/v:ValidationReport/v:SignatureValidator/v:DigitalId/t:X509Certificate")) == 1


@pytest.mark.req("TS119441:SVR-8.4-02")
@pytest.mark.req("TS119441:SVR-B-06")
@pytest.mark.req("TS119441:VPR-B-15")
def test_a_time_stamp_alone_has_a_report_of_its_own() -> None:
    one = validate(Octets(time_stamp(b"data"), "a.tst"), detached=[Octets(b"data", "data")], offline=True)
    assert one.outcome.signatures == ()
    assert len(found(one, "/v:ValidationReport/v:SignatureValidationReport")) == 1
    assert found(one, "//v:SignatureValidationReport/v:SignatureValidationStatus/v:MainIndication")[0] == (
        "urn:etsi:019102:mainindication:indeterminate"
    )
    (stamp,) = one.evidence.time_stamps
    assert stamp.id in found(one, "//v:ValidationObject/@id")


def test_of_data_that_is_not_here_the_digest_that_was_given_is_told() -> None:
    known = DigestOnly((("sha256", b"\1" * 32),), "data")
    one = validate(Octets(time_stamp(b"data"), "a.tst"), detached=[known], offline=True)
    told = "//v:ValidationObject[v:ObjectType='urn:etsi:019102:validationObject:signedData']//ds:DigestValue"
    assert found(one, told) == [base64(b"\1" * 32)]


SIGNED_DATA = "//v:ValidationObject[v:ObjectType='urn:etsi:019102:validationObject:signedData']"
OTHER_DATA = "//v:ValidationObject[v:ObjectType='urn:etsi:019102:validationObject:other']"


def digest_of(octets: bytes) -> str:
    return base64(hashlib.sha256(octets).digest())


@pytest.mark.req("TRUSTWORKS:VALIDATION-REPORT-OBJECTS")
def test_data_that_nothing_signs_is_no_object_of_the_report() -> None:
    one = report(detached=[Octets(b"another contract", "another.pdf")])
    assert [finding.code for finding in one.evidence.findings] == [UNCOVERED]
    assert found(one, f"{SIGNED_DATA}//ds:DigestValue") == [digest_of(b"contract")]
    assert digest_of(b"another contract").encode() not in one.etsi()
    listed = set(found(one, "//v:ValidationObject/@id"))
    referred = {named for each in found(one, "//@VOReference") for named in each.split()}
    assert referred <= listed


@pytest.mark.req("TRUSTWORKS:VALIDATION-REPORT-OBJECTS")
def test_what_a_time_stamp_alone_is_over_is_other_data() -> None:
    graph, of, signature = signed()
    name = graph.collector.data(Octets(b"beside"))
    graph.stamp(signature, GRAPH_NOW - DAY, of.tsa, covers=(name,))
    one = graph_report(graph, of.trust)
    assert found(one, f"{OTHER_DATA}/@id") == [name]
    assert name not in found(one, f"{SIGNED_DATA}/@id")


@pytest.mark.req("TRUSTWORKS:VALIDATION-REPORT-FINDINGS")
def test_what_was_found_about_the_file_stands_beside_the_verdict() -> None:
    path = (
        "//v:SignatureValidationReport//v:ReportData[v:Type='urn:trustworks:validation:finding:{}']/v:Value"
    )
    one = report(detached=[Octets(b"another contract", "another.pdf")])
    (told,) = found(one, path.format(UNCOVERED))
    assert "another.pdf" in told
    assert found(report(), path.format(UNCOVERED)) == []


@pytest.mark.req("TS119441:SVR-8.4-06")
@pytest.mark.req("TS119441:SVR-8.4-10")
@pytest.mark.req("TS119441:SVR-8.4-11")
@pytest.mark.req("TS119441:SVR-8.4-12")
def test_policy_signer_attributes_and_process_are_told() -> None:
    one = qualified()
    (outcome,) = one.outcome.signatures
    about = "//v:SignatureValidationReport"
    assert found(one, f"{about}//v:SignatureValidationPolicy//*[local-name()='Identifier']") == [
        one.policy.identifier
    ]
    assert found(one, f"{about}/v:SignerInformation/v:SignerCertificate/@VOReference") == [
        outcome.signing_certificate
    ]
    assert found(one, f"{about}/v:SignerInformation/v:Signer") == ["signer"]
    assert found(one, f"{about}/v:SignatureAttributes/v:SigningTime/v:Time")
    assert found(one, f"{about}/v:SignatureValidationProcess/v:SignatureValidationProcessID") == [
        "urn:etsi:019102:validationprocess:LTA"
    ]


@pytest.mark.req("TS119441:SVR-8.4-14")
@pytest.mark.parametrize(("kind", "told"), [(ScopeKind.FULL, "false"), (ScopeKind.DIGEST, "true")])
def test_that_a_digest_was_given_is_told(kind: ScopeKind, told: str) -> None:
    graph, of, _ = signed(scopes=(Scope(kind=kind, name="data", text="Data.", id="D-1"),))
    assert found(graph_report(graph, of.trust), "//v:DocHashOnly") == [told]


@pytest.mark.req("TS119441:SVR-8.4-15")
def test_of_every_proof_of_existence_it_is_told_where_it_comes_from() -> None:
    """Time-stamps of its own are referred to, what a client told is provided, the rest is the service's."""
    graph, of, signature = signed()
    at_hand(graph, of)
    best = "//v:ValidationTimeInfo/v:BestSignatureTime"
    one = graph_report(graph, of.trust)
    assert found(one, f"{best}/v:TypeOfProof") == ["urn:etsi:019102:poetype:validation"]
    assert found(one, f"{best}/v:POEObject/@VOReference") == []
    stamp = graph.stamp(signature, GRAPH_NOW - DAY, of.tsa)
    one = graph_report(graph, of.trust, proven(of.signer.id, at=GRAPH_NOW - 2 * DAY))
    assert found(one, f"{best}/v:TypeOfProof") == ["urn:etsi:019102:poetype:validation"]
    assert found(one, f"{best}/v:POEObject/@VOReference") == [stamp.id]
    told = f"//v:ValidationObject[@id='{of.signer.id}']/v:POE/v:TypeOfProof"
    assert found(one, told) == ["urn:etsi:019102:poetype:provided"]


def graph_report(graph: Graph, trust: Trust, extra: Extra = NOTHING) -> bytes:
    judged = Judged(
        evidence=graph.evidence, outcome=graph.run(trust, extra=extra), policy=shipped(), extra=extra
    )
    return etree.tostring(write(judged, Stated(policy_digest=b"\0" * 32)))
