"""Policies of EU DSS and suites of TS 119 322: what is taken over, what is told, and what is no such file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trustworks.core.errors import Malformed
from trustworks.formats.evidence import Container
from trustworks.validation.model import Level
from trustworks.validation.policies.constraints import Context, Section
from trustworks.validation.policies.dss_policy import read_dss_policy
from trustworks.validation.policies.policy import Model
from trustworks.validation.policies.suite_files import read_suite

if TYPE_CHECKING:
    from collections.abc import Callable

NAMESPACE: Final = "http://dss.esig.europa.eu/validation/policy"


def dss(inside: str, head: str = 'Name="Own"') -> bytes:
    return f'<ConstraintsParameters {head} xmlns="{NAMESPACE}">{inside}</ConstraintsParameters>'.encode()


WHOLE: Final = """
<Description>Two
  lines.</Description>
<ContainerConstraints><AcceptableContainerTypes Level="FAIL"><Id>ASiC-E</Id></AcceptableContainerTypes>
  <FilenameAdherence Level="WARN"/><AllFilesSigned Level="IGNORE"/></ContainerConstraints>
<SignatureConstraints>
  <!-- as in the default -->
  <AcceptablePolicies Level="FAIL"><Id>ANY_POLICY</Id><Id>NO_POLICY</Id></AcceptablePolicies>
  <AcceptableFormats Level="FAIL"><Id>XAdES_BASELINE_B</Id></AcceptableFormats>
  <BasicSignatureConstraints>
    <ReferenceDataIntact Level="FAIL"/>
    <PdfPageDifference Level="WARN"/>
    <SigningCertificate>
      <Signature Level="FAIL"/>
      <PolicyTree Level="WARN"/>
      <RevocationFreshness Level="FAIL" Unit="HOURS" Value="24"/>
      <RevocationDataSkip Level="INFORM"><CertificateExtensions><Id>1.2.3</Id></CertificateExtensions>
        <CertificatePolicies><Id>1.2.4</Id></CertificatePolicies></RevocationDataSkip>
      <KeyUsage Level="WARN"><Id>nonRepudiation</Id></KeyUsage>
      <Cryptographic Level="WARN"/>
    </SigningCertificate>
    <CACertificate><NotRevoked Level="FAIL"/></CACertificate>
  </BasicSignatureConstraints>
  <SignedAttributes><ContentType Level="FAIL" value="1.2.5"/><ClaimedRoles Level="FAIL"/></SignedAttributes>
</SignatureConstraints>
<Timestamp><TimestampDelay Level="FAIL" Unit="DAYS" Value="2"/><BasicSignatureConstraints><SigningCertificate>
  <ExtendedKeyUsage Level="FAIL"><Id>timeStamping</Id></ExtendedKeyUsage></SigningCertificate>
  </BasicSignatureConstraints></Timestamp>
<Cryptographic Level="FAIL">
  <AcceptableEncryptionAlgo><Algo>RSA</Algo><Algo>ECDSA</Algo><Algo>CRYPTON</Algo></AcceptableEncryptionAlgo>
  <MiniPublicKeySize><Algo Size="1024">RSA</Algo></MiniPublicKeySize>
  <AcceptableDigestAlgo><Algo>SHA1</Algo><Algo>SHA256</Algo></AcceptableDigestAlgo>
  <AlgoExpirationDate Format="yyyy"><Algo Date="2009">SHA1</Algo><Algo Date="2010-08-01" Size="786">RSA</Algo>
    <Algo Date="2019-10-01" Size="1024">RSA</Algo><Algo Size="3000">RSA</Algo></AlgoExpirationDate>
</Cryptographic>
<Model Value="HYBRID"/>
<eIDAS><TLVersion Level="FAIL"><Id>5</Id></TLVersion></eIDAS>
"""


def test_a_policy_of_dss_is_taken_over() -> None:
    policy = read_dss_policy(dss(WHOLE))
    signer = Section.SIGNING_CERTIFICATE
    assert (policy.name, policy.description, policy.model) == ("Own", "Two lines.", Model.HYBRID)
    # DSS asks this of ASiC alone: what is no such container is not refused.
    containers = policy.constraint(Context.CONTAINER, "acceptable-types")
    assert [containers.accepts(one.value) for one in Container] == [
        one is not Container.ASIC_S for one in Container
    ]
    assert policy.constraint(Context.SIGNATURE, "acceptable-policies").values == ("any", "none")
    assert policy.constraint(Context.SIGNATURE, "acceptable-formats").values == ("XAdES-BASELINE-B",)
    freshness = policy.constraint(Context.SIGNATURE, "freshness", signer)
    assert (freshness.level, freshness.limit) == (Level.FAIL, timedelta(hours=24))
    assert policy.constraint(Context.SIGNATURE, "revocation-data-skip", signer).values == ("1.2.3",)
    assert policy.constraint(Context.TIME_STAMP, "extended-key-usage", signer).values == (
        "1.3.6.1.5.5.7.3.8",
    )
    assert policy.constraint(Context.TIME_STAMP, "delay").limit == timedelta(days=2)
    assert policy.constraint(Context.SIGNATURE, "content-type", Section.SIGNED_ATTRIBUTES).values == (
        "1.2.5",
    )
    assert policy.findings == {"pades.page-count": Level.WARN}
    assert policy.level(Context.SIGNATURE, "algorithms") is Level.FAIL
    assert policy.level(Context.SIGNATURE, "algorithms", signer) is Level.WARN
    # What the file does not have is not asked, here as there, but for what no policy may let be.
    assert policy.level(Context.SIGNATURE, "structure") is Level.IGNORE
    assert policy.level(Context.SIGNATURE, "signature-intact") is Level.FAIL
    assert policy.suite.digests == {"sha1": datetime(2009, 1, 1, tzinfo=UTC), "sha256": None}
    assert [one.least for one in policy.suite.signatures["rsa-pkcs1", None]] == [1024, 3000]
    assert [(one.least, one.end) for one in policy.suite.signatures["ecdsa", None]] == [(0, None)]
    signature = "SignatureConstraints/BasicSignatureConstraints/SigningCertificate"
    assert sorted(policy.not_taken) == [
        "ContainerConstraints/FilenameAdherence: it is not asked here.",
        f"{signature}/PolicyTree: what it lets be always fails here.",
        f"{signature}/RevocationDataSkip/CertificatePolicies: it is not asked here.",
        "SignatureConstraints/SignedAttributes/ClaimedRoles: it names no values.",
        "eIDAS: it is not asked here.",
    ]


@pytest.mark.parametrize(
    ("freshness", "level"),
    [
        ("", Level.FAIL),
        ('<RevocationFreshness Level="IGNORE"/>', Level.IGNORE),
        ('<RevocationFreshness Level="FAIL" Unit="DAYS" Value="9"/>', Level.IGNORE),
    ],
)
def test_freshness_by_the_next_update_is_asked_where_no_other_is_there(freshness: str, level: Level) -> None:
    asked = (
        f'<SigningCertificate>{freshness}<RevocationFreshnessNextUpdate Level="FAIL"/></SigningCertificate>'
    )
    basic = f"<BasicSignatureConstraints>{asked}</BasicSignatureConstraints>"
    policy = read_dss_policy(dss(f"<SignatureConstraints>{basic}</SignatureConstraints>"))
    found = policy.level(Context.SIGNATURE, "freshness-by-next-update", Section.SIGNING_CERTIFICATE)
    assert found is level


@pytest.mark.parametrize(("after", "told"), [("FAIL", 0), ("WARN", 1)])
def test_that_an_end_is_an_end_is_told_where_the_file_says_otherwise(after: str, told: int) -> None:
    ends = f'<AlgoExpirationDate UpdateDate="2024-10-13" LevelAfterUpdate="{after}"/>'
    policy = read_dss_policy(dss(f'<Cryptographic Level="FAIL">{ends}</Cryptographic>'))
    assert len([one for one in policy.not_taken if "LevelAfterUpdate" in one]) == told


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        (b"", "XML"),
        (b"<x/>", "The root element is x; a constraint file of DSS begins with ConstraintsParameters"),
        (dss('<Model Value="X"/>'), "The model is X"),
        (
            dss('<SignatureConstraints><PolicyAvailable Level="X"/></SignatureConstraints>'),
            "SignatureConstraints/PolicyAvailable has the level X",
        ),
        (
            dss('<Timestamp><TimestampDelay Level="FAIL" Unit="X" Value="1"/></Timestamp>'),
            "Timestamp/TimestampDelay is of 1 X, which is no duration",
        ),
        (
            dss('<Cryptographic><MiniPublicKeySize><Algo Size="x"/></MiniPublicKeySize></Cryptographic>'),
            "The size 'x' of a key is no number",
        ),
        (
            dss('<Cryptographic><AlgoExpirationDate><Algo Date="x"/></AlgoExpirationDate></Cryptographic>'),
            "has the end 'x', which is no date",
        ),
    ],
)
def test_what_is_no_policy_of_dss_is_said_so(octets: bytes, sentence: str) -> None:
    with pytest.raises(Malformed, match=sentence):
        read_dss_policy(octets)


def evaluated(name: str, oid: str, *evaluations: dict[str, Any]) -> dict[str, Any]:
    return {"AlgorithmIdentifier": {"Name": name, "ObjectIdentifier": oid}, "Evaluation": list(evaluations)}


SUITE: Final = {
    "SecuritySuitabilityPolicy": {
        "PolicyName": {"Name": "Own", "ObjectIdentifier": "1.2.3"},
        "Algorithm": [
            evaluated("SHA224", "2.16.840.1.101.3.4.2.4", {"Validity": {"End": "2029-01-01"}}),
            evaluated("SHA256", "2.16.840.1.101.3.4.2.1", {"Validity": {}}),
            evaluated(
                "sha256WithRSAEncryption",
                "1.2.840.113549.1.1.11",
                {"Validity": {"End": "2026-04-01"}, "Parameter": [{"Min": 1900, "name": "moduluslength"}]},
                {"Validity": {}, "Parameter": [{"Min": 3000, "name": "moduluslength"}]},
            ),
            evaluated("ECDSA with SHA-256", "1.2.840.10045.4.3.2", {"Validity": {}}),
            evaluated("of the future", "1.2.3.4", {"Validity": {}}),
        ],
    }
}
XML: Final = """<d:SecuritySuitabilityPolicy xmlns:d="urn:ietf:params:xml:ns:dssc">
<d:PolicyName><d:Name>Own</d:Name><d:ObjectIdentifier>1.2.3</d:ObjectIdentifier></d:PolicyName>
<d:Algorithm><d:AlgorithmIdentifier><d:Name>SHA224</d:Name>
<d:ObjectIdentifier>1.2.840.10045.4.3.1</d:ObjectIdentifier></d:AlgorithmIdentifier>
<d:Evaluation><d:Validity><d:End>2028-12-31T23:00:00.000+00:00</d:End></d:Validity></d:Evaluation></d:Algorithm>
<d:Algorithm><d:AlgorithmIdentifier><d:Name>rsassa-pss</d:Name>
<d:ObjectIdentifier>1.2.840.113549.1.1.10</d:ObjectIdentifier></d:AlgorithmIdentifier>
<d:Evaluation><d:Parameter name="moduluslength"><d:Min>3000</d:Min></d:Parameter></d:Evaluation></d:Algorithm>
</d:SecuritySuitabilityPolicy>"""


def test_a_suite_is_read_from_json() -> None:
    suite = read_suite(json.dumps(SUITE).encode())
    assert suite.name == "Own 1.2.3"
    assert suite.digests == {"sha224": datetime(2029, 1, 1, tzinfo=UTC), "sha256": None}
    sizes = suite.signatures["rsa-pkcs1", "sha256"]
    assert [(one.least, one.end) for one in sizes] == [(1900, datetime(2026, 4, 1, tzinfo=UTC)), (3000, None)]
    assert [one.least for one in suite.signatures["ecdsa", "sha256"]] == [256]
    assert set(suite.signatures) == {("rsa-pkcs1", "sha256"), ("ecdsa", "sha256")}


def test_a_suite_is_read_from_xml() -> None:
    suite = read_suite(XML.encode())
    assert suite.name == "Own 1.2.3"
    # The first edition in XML gives SHA-224 the identifier of a signature: the name counts.
    assert suite.digests == {"sha224": datetime(2028, 12, 31, 23, tzinfo=UTC)}
    assert [(one.least, one.end) for one in suite.signatures["rsa-pss", None]] == [(3000, None)]


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        (b"", "is neither JSON nor XML"),
        (b"[" * 100_000, "is neither JSON nor XML"),
        (b"{}", "has no SecuritySuitabilityPolicy"),
        (b"<x/>", "The root element is 'x'"),
        (XML.replace("2028-12-31", "2028-13-31").encode(), "which is no date"),
        (b"{" + b" " * 5_000_000 + b"}", "is more than"),
    ],
)
def test_what_is_no_suite_is_said_so(octets: bytes, sentence: str) -> None:
    with pytest.raises(Malformed, match=sentence):
        read_suite(octets)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damaged_files_are_read_or_refused_by_a_sentence(data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from([dss(WHOLE), XML.encode(), json.dumps(SUITE).encode()]))
    begin = data.draw(st.integers(0, len(seed)))
    end = data.draw(st.integers(begin, min(begin + 40, len(seed))))
    odd = st.sampled_from(
        [b"<", b">", b'"', b"&", b"-1", b"9" * 30, b"null", b"[]", b"\xff", b"<a>", b"2" * 5]
    )
    octets = seed[:begin] + data.draw(odd | st.binary(max_size=8)) + seed[end:]
    for reader in (read_dss_policy, read_suite):
        assert outcome(reader, octets).endswith(".")


def outcome(reader: Callable[[bytes], object], octets: bytes) -> str:
    """The sentence of a refusal, or another where something was read."""
    try:
        return f"{type(reader(octets)).__name__} was read."
    except Malformed as error:
        return str(error)
