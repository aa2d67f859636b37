"""Every indication and sub-indication, from a graph that calls for it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from evidence_graphs import (
    CONTENT,
    DAY,
    FRESH,
    NOW,
    YEAR,
    Graph,
    at_hand,
    crl,
    entity,
    house,
    ocsp_answer,
    signed,
    suspended,
    verdict,
)

from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.tokens import Certificate
from trustworks.formats.evidence import (
    Algorithm,
    CertificateReference,
    Finding,
    PolicyReference,
    Reference,
    ReferenceKind,
    SignerIdentifier,
    TimeStampKind,
    Weight,
    Where,
)
from trustworks.formats.verification import public_key_info
from trustworks.validation import Indication, SubIndication, Trust
from trustworks.validation.model import indeterminate
from trustworks.validation.policies.policy import shipped
from trustworks.validation.rules.inputs import Extra

if TYPE_CHECKING:
    from evidence_graphs import Entity

    from trustworks.formats.evidence import Signature


def test_a_signature_that_holds_is_total_passed() -> None:
    graph, of, signature = signed()
    at_hand(graph, of)
    outcome = graph.run(of.trust)
    (found,) = outcome.signatures
    assert found.indication is Indication.TOTAL_PASSED
    assert found.sub_indication is None
    assert (found.value_intact, found.data_found, found.data_intact) == (True, True, True)
    assert found.signing_certificate == of.signer.id
    assert found.chain == (of.signer.id, of.ca.id, of.root.id)
    assert found.best_signature_time == NOW
    assert outcome.needs == ()
    assert signature.id == found.id


def test_nothing_is_trusted_without_anchors() -> None:
    graph, of, _ = signed()
    at_hand(graph, of)
    (found,) = graph.run(Trust()).signatures
    assert found.indication is Indication.INDETERMINATE
    assert found.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert found.value_intact


@pytest.mark.req("EN319102-1:5.2.2.4-STRUCTURE")
@pytest.mark.parametrize(
    ("weight", "policy", "expected"),
    [
        (Weight.FATAL, "", "FORMAT_FAILURE"),
        (Weight.SUSPICIOUS, "", "TOTAL-PASSED"),
        (Weight.SUSPICIOUS, '[signature]\nstructure = "fail"', "FORMAT_FAILURE"),
        (Weight.NOTE, "", "TOTAL-PASSED"),
        (Weight.FATAL, '[findings]\n"xades.target" = "warn"', "TOTAL-PASSED"),
        (Weight.NOTE, '[findings]\n"xades.target" = "fail"', "FORMAT_FAILURE"),
    ],
)
def test_what_is_wrong_with_the_structure_weighs_as_the_policy_says(
    weight: Weight, policy: str, expected: str
) -> None:
    finding = Finding(code="xades.target", text="Something is wrong.", weight=weight)
    graph, of, _ = signed(findings=(finding,))
    at_hand(graph, of)
    assert verdict(graph.run(of.trust, policy=policy)) == expected


def test_a_finding_about_the_file_weighs_on_each_signature() -> None:
    graph, of, _ = signed()
    graph.collector.finding(Finding(code="xades.target", text="Something is wrong.", weight=Weight.FATAL))
    assert verdict(graph.run(of.trust)) == "FORMAT_FAILURE"


@pytest.mark.req("EN319102-1:5.2.2.4-FORMAT")
def test_a_format_that_the_policy_does_not_accept_fails() -> None:
    graph, of, _ = signed()
    policy = '[signature]\nacceptable-formats = { level = "fail", values = ["XAdES", "PAdES-BASELINE-T"] }'
    assert verdict(graph.run(of.trust, policy=policy)) == "FORMAT_FAILURE"


@pytest.mark.req("EN319102-1:5.2.2.4-CONTAINER")
def test_a_container_that_the_policy_does_not_accept_fails() -> None:
    graph, of, _ = signed()
    policy = '[container]\nacceptable-types = { level = "fail", values = ["ASiC-E"] }'
    assert verdict(graph.run(of.trust, policy=policy)) == "FORMAT_FAILURE"


@pytest.mark.req("EN319102-1:5.2.3.4-FOUND")
def test_without_a_certificate_nobody_signed() -> None:
    graph, of = Graph(), house()
    signature = graph.sign(of.signer, take=False)
    other = Graph()
    other.collector.signature(replace(signature, key_info=(), signing_certificate=()))
    outcome = other.run(of.trust)
    assert verdict(outcome) == "NO_SIGNING_CERTIFICATE_FOUND"
    assert outcome.signatures[0].indication is Indication.INDETERMINATE
    assert [one.id for one in outcome.signatures[0].archival.reasons()] == ["isc.found"]


def unreadable(of: Entity) -> bytes:
    """The certificate with its validity in another type of string: its key can be had, and no more."""
    der = bytearray(of.der)
    der[der.index(b"\x17\x0d")] = 0x16
    return bytes(der)


@pytest.mark.req("EN319102-1:5.2.3.4-READABLE")
@pytest.mark.parametrize("policy", ["ades", "qualified"])
def test_a_certificate_that_cannot_be_read_is_nobodys(policy: str) -> None:
    graph, of = Graph(), house()
    der = unreadable(of.signer)
    named = graph.collector.certificate(der, Where.CERTIFICATE_VALUES)
    reference = CertificateReference(digest_algorithm="sha256", digest=hashlib.sha256(der).digest())
    signature = graph.sign(of.signer, take=False)
    graph.collector.signature(replace(signature, signing_certificate=(reference,), key_info=(named,)))
    at_hand(graph, of)
    outcome = graph.run(of.trust, policy=shipped(policy))
    assert verdict(outcome) == "NO_SIGNING_CERTIFICATE_FOUND"
    assert outcome.signatures[0].archival.reasons()[0].id == "isc.readable"
    assert outcome.signatures[0].value_intact


@pytest.mark.req("EN319102-1:5.2.3.4-READABLE")
def test_a_time_stamp_by_a_certificate_that_cannot_be_read_proves_nothing() -> None:
    graph, of, signature = signed()
    at_hand(graph, of, revoked=(of.signer,), when=-DAY)
    der = unreadable(of.tsa)
    named = graph.collector.certificate(der, Where.CERTIFICATE_VALUES)
    reference = CertificateReference(digest_algorithm="sha256", digest=hashlib.sha256(der).digest())
    own = replace(
        graph.sign(of.tsa, take=False, name="stamp"), signing_certificate=(reference,), key_info=(named,)
    )
    stamp = graph.stamp(signature, NOW - 10 * DAY, of.tsa)
    graph.collector.time_stamp(replace(stamp, signature=own))
    outcome = graph.run(of.trust)
    assert verdict(outcome) == "REVOKED_NO_POE"
    assert str(outcome.time_stamps[0].verdict.sub_indication) == "NO_SIGNING_CERTIFICATE_FOUND"
    graph.stamp(signature, NOW - 10 * DAY, of.tsa, kind=TimeStampKind.SIGNATURE_AND_REFERENCES)
    assert verdict(graph.run(of.trust)) == "TOTAL-PASSED"


def test_an_anchor_for_time_stamps_alone_is_none_for_signers() -> None:
    graph, of, signature = signed()
    stamp = graph.stamp(signature, NOW, of.tsa)
    trust = Trust(of.trust.anchors, for_signers=TrustAnchors())
    outcome = graph.run(trust)
    assert verdict(outcome) == "NO_CERTIFICATE_CHAIN_FOUND"
    (found,) = (one for one in outcome.time_stamps if one.id == stamp.id)
    assert found.verdict.sub_indication is not SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert found.chain


def test_a_bare_key_says_whether_the_value_is_its_own_and_not_whose_it_is() -> None:
    of = house()
    signature = replace(Graph().sign(of.signer, take=False), key_info=(), signing_certificate=())
    for holder, intact in ((of.signer, True), (of.ca, False)):
        graph = Graph()
        bare = SignerIdentifier(public_key=public_key_info(holder.der))
        graph.collector.signature(replace(signature, identifier=bare))
        outcome = graph.run(of.trust)
        assert verdict(outcome) == "NO_SIGNING_CERTIFICATE_FOUND"
        assert outcome.signatures[0].value_intact is intact


@pytest.mark.req("EN319102-1:5.2.3.4-DIGEST-MATCH")
def test_the_signed_digest_must_be_the_certificates() -> None:
    other = CertificateReference(digest_algorithm="sha256", digest=hashlib.sha256(b"other").digest())
    graph, of, _ = signed(signing_certificate=(other,))
    assert verdict(graph.run(of.trust)) == "NO_SIGNING_CERTIFICATE_FOUND"


@pytest.mark.req("EN319102-1:5.2.3.4-DIGEST-PRESENT")
def test_the_signed_reference_must_have_a_digest() -> None:
    bare = CertificateReference(digest_algorithm=None, digest=None, serial=1)
    graph, of, _ = signed(signing_certificate=(bare,))
    policy = '[signature.signed-attributes]\ncertificate-digest-match = "ignore"'
    outcome = graph.run(of.trust, policy=policy)
    assert verdict(outcome) == "NO_SIGNING_CERTIFICATE_FOUND"
    assert outcome.signatures[0].archival.reasons()[0].id == "isc.digest-present"


@pytest.mark.req("EN319102-1:5.2.3.4-ISSUER-SERIAL")
def test_the_signed_serial_number_must_be_the_certificates_where_the_policy_says() -> None:
    of = house()
    wrong = CertificateReference(
        digest_algorithm="sha256", digest=hashlib.sha256(of.signer.der).digest(), serial=1
    )
    graph, of, _ = signed(signing_certificate=(wrong,))
    at_hand(graph, of)
    assert verdict(graph.run(of.trust)) == "TOTAL-PASSED"
    policy = '[signature.signed-attributes]\nissuer-serial-match = "fail"'
    assert verdict(graph.run(of.trust, policy=policy)) == "NO_SIGNING_CERTIFICATE_FOUND"


ACCEPT_ONE = '[signature]\nacceptable-policies = { level = "fail", values = ["1.2.3"] }'


@pytest.mark.req("EN319102-1:5.2.4.4-ACCEPTABLE")
@pytest.mark.parametrize("identifier", ["1.2.4", None, "no policy at all"])
def test_another_signature_policy_is_a_processing_error(identifier: str | None) -> None:
    graph, of, signature = signed()
    if identifier != "no policy at all":
        named = replace(signature.attributes, policy=PolicyReference(identifier=identifier))
        graph.collector.signature(replace(signature, attributes=named))
    assert verdict(graph.run(of.trust, policy=ACCEPT_ONE)) == "POLICY_PROCESSING_ERROR"


def named_policy(graph: Graph, signature: Signature, document: bytes, **changes: object) -> None:
    named = PolicyReference(
        identifier="1.2.3",
        digest_algorithm="sha256",
        digest=hashlib.sha256(document).digest(),
        uri="http://policies.example/1",
        **changes,  # type: ignore[arg-type]
    )
    attributes = replace(signature.attributes, policy=named)
    graph.collector.signature(replace(signature, attributes=attributes))


@pytest.mark.req("EN319102-1:5.2.4.4-AVAILABLE")
def test_a_signature_policy_that_cannot_be_had_is_asked_for() -> None:
    graph, of, signature = signed()
    at_hand(graph, of)
    named_policy(graph, signature, b"the policy")
    strict = '[signature]\npolicy-available = "fail"\npolicy-hash-match = "fail"'
    outcome = graph.run(of.trust, policy=strict)
    assert verdict(outcome) == "SIGNATURE_POLICY_NOT_AVAILABLE"
    assert [(one.about, one.urls) for one in outcome.needs] == [("1.2.3", ("http://policies.example/1",))]
    there = graph.run(of.trust, policy=strict, extra=Extra(policies={"1.2.3": b"the policy"}))
    assert verdict(there) == "TOTAL-PASSED"
    assert there.needs == ()


@pytest.mark.req("EN319102-1:5.2.4.4-HASH")
def test_a_signature_policy_with_another_digest_is_a_processing_error() -> None:
    graph, of, signature = signed()
    at_hand(graph, of)
    named_policy(graph, signature, b"the policy", octets=b"another policy")
    strict = '[signature]\npolicy-hash-match = "fail"'
    assert verdict(graph.run(of.trust, policy=strict)) == "POLICY_PROCESSING_ERROR"
    named_policy(graph, signature, b"the policy", octets=b"another policy", zero=True)
    assert verdict(graph.run(of.trust, policy=strict)) == "TOTAL-PASSED"


def reference(**changes: object) -> Reference:
    named = hashlib.sha256(CONTENT).digest()
    whole = Reference(
        kind=ReferenceKind.CONTENT,
        name="file.txt",
        digest_algorithm="sha256",
        expected=named,
        actual=named,
        found=True,
        intact=True,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


@pytest.mark.req("EN319102-1:5.2.7.4-1")
def test_data_that_is_not_there_is_not_found() -> None:
    graph, of, _ = signed(references=(reference(found=False, intact=False, actual=None),))
    outcome = graph.run(of.trust)
    assert verdict(outcome) == "SIGNED_DATA_NOT_FOUND"
    assert outcome.signatures[0].indication is Indication.INDETERMINATE
    assert not outcome.signatures[0].data_found


@pytest.mark.req("EN319102-1:5.2.7.4-2")
def test_data_that_changed_is_a_hash_failure() -> None:
    graph, of, _ = signed(references=(reference(intact=False, actual=b"other"),))
    outcome = graph.run(of.trust)
    assert verdict(outcome) == "HASH_FAILURE"
    assert outcome.signatures[0].indication is Indication.TOTAL_FAILED
    assert (outcome.signatures[0].data_found, outcome.signatures[0].data_intact) == (True, False)


@pytest.mark.req("EN319102-1:5.2.7.4-MANIFEST")
def test_of_a_manifest_something_must_be_there_where_the_policy_says() -> None:
    entry = reference(
        kind=ReferenceKind.MANIFEST_ENTRY, mandatory=False, found=False, intact=False, actual=None
    )
    graph, of, _ = signed(references=(reference(), entry))
    at_hand(graph, of)
    assert verdict(graph.run(of.trust)) == "TOTAL-PASSED"
    policy = '[signature]\nmanifest-entry-existence = "fail"'
    assert verdict(graph.run(of.trust, policy=policy)) == "SIGNED_DATA_NOT_FOUND"


@pytest.mark.req("EN319102-1:5.2.7.4-3")
def test_a_value_of_another_key_is_a_crypto_failure_even_where_nothing_is_trusted() -> None:
    graph, of, signature = signed()
    graph.collector.signature(replace(signature, value=signature.value[:-1] + b"\0"))
    outcome = graph.run(Trust())
    assert verdict(outcome) == "SIG_CRYPTO_FAILURE"
    assert outcome.signatures[0].indication is Indication.TOTAL_FAILED
    assert not outcome.signatures[0].value_intact
    assert of.signer.id == outcome.signatures[0].signing_certificate


@pytest.mark.req("EN319102-1:5.2.6.4-2")
def test_a_path_to_nobody_who_is_trusted_asks_for_issuers() -> None:
    graph, of, _ = signed()
    stranger = entity("stranger", ca=True)
    outcome = graph.run(Trust.of([stranger.der]))
    assert verdict(outcome) == "NO_CERTIFICATE_CHAIN_FOUND"
    assert [(str(one.kind), one.about) for one in outcome.needs] == [("issuer", of.signer.id)]


@pytest.mark.req("EN319102-1:5.2.6.4-3")
def test_an_anchor_past_its_sunset_is_no_anchor_now() -> None:
    graph, of, _ = signed()
    at_hand(graph, of)
    anchor = TrustAnchor.of(Certificate.read(of.root.der), sunset=NOW - DAY)
    assert verdict(graph.run(Trust(TrustAnchors([anchor])))) == "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"


@pytest.mark.req("EN319102-1:5.2.6.4-4")
def test_a_path_that_breaks_rfc5280_is_a_general_failure() -> None:
    of, graph = house(), Graph()
    no_ca = entity("no-ca", of.root)
    graph.sign(entity("below", no_ca))
    graph.certificates(no_ca)
    outcome = graph.run(of.trust)
    assert verdict(outcome) == "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    assert outcome.signatures[0].archival.reasons()[0].id == "xcv.path"


@pytest.mark.req("EN319102-1:5.2.6.4-4-REVOCATION")
def test_without_revocation_data_it_is_asked_for() -> None:
    graph, of, _ = signed()
    graph.certificates(of.ca)
    outcome = graph.run(of.trust)
    assert verdict(outcome) == "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    assert [(str(one.kind), one.about, one.issuer) for one in outcome.needs] == [
        ("revocation", of.signer.id, of.ca.id),
        ("revocation", of.ca.id, of.root.id),
    ]
    policy = "\n".join(
        f'[signature.{one}]\nrevocation-data-available = "warn"'
        for one in ("signing-certificate", "ca-certificate")
    )
    assert verdict(graph.run(of.trust, policy=policy)) == "TOTAL-PASSED"


@pytest.mark.req("EN319102-1:5.2.6.4-4-ACCEPTABLE")
@pytest.mark.req("EN319102-1:5.2.6.4-RAC-AFTER")
def test_revocation_data_older_than_the_certificate_is_not_acceptable() -> None:
    graph, of, _ = signed()
    graph.certificates(of.ca)
    graph.lists(crl(of.ca, NOW - 3 * YEAR), crl(of.root))
    outcome = graph.run(of.trust)
    assert verdict(outcome) == "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    assert outcome.signatures[0].archival.reasons()[0].id == "xcv.revocation-acceptable"
    assert [one.about for one in outcome.needs] == [of.signer.id]


@pytest.mark.req("EN319102-1:5.2.6.4-4-REVOKED")
def test_a_revoked_signer_and_a_revoked_authority_are_told_apart() -> None:
    graph, of, _ = signed()
    at_hand(graph, of, revoked=(of.signer,))
    assert verdict(graph.run(of.trust)) == "REVOKED_NO_POE"
    graph, of, _ = signed()
    at_hand(graph, of, revoked=(of.ca,))
    assert verdict(graph.run(of.trust)) == "REVOKED_CA_NO_POE"


@pytest.mark.req("EN319102-1:5.2.6.4-4-SUSPENDED")
def test_a_suspended_signer_is_for_later() -> None:
    graph, of, _ = signed()
    suspended(graph, of, -10 * DAY)
    outcome = graph.run(of.trust)
    assert verdict(outcome) == "TRY_LATER"
    assert outcome.signatures[0].basic.reasons()[0].id == "xcv.not-suspended"


@pytest.mark.req("EN319102-1:5.2.5.4-2")
def test_data_that_is_too_old_for_the_policy_is_for_later() -> None:
    graph, of, _ = signed()
    graph.certificates(of.ca)
    old = crl(of.ca, NOW - 2 * DAY, lasts=5 * DAY)
    graph.lists(old, crl(of.root))
    assert verdict(graph.run(of.trust)) == "TOTAL-PASSED"
    outcome = graph.run(of.trust, policy=FRESH)
    assert verdict(outcome) == "TRY_LATER"
    assert [(one.about, one.fresher_than) for one in outcome.needs] == [(of.signer.id, NOW - 2 * DAY)]
    graph.lists(crl(of.ca, NOW - DAY / 2))
    assert verdict(graph.run(of.trust, policy=FRESH)) == "TOTAL-PASSED"


@pytest.mark.req("EN319102-1:5.2.5.4-1")
def test_without_a_limit_data_is_fresh_until_the_next_is_due() -> None:
    strict = '[signature.signing-certificate]\nfreshness-by-next-update = "fail"'
    graph, of, _ = signed()
    graph.certificates(of.ca)
    graph.lists(crl(of.ca, NOW - 3 * DAY, lasts=2 * DAY), crl(of.root))
    assert verdict(graph.run(of.trust, policy=strict)) == "TRY_LATER"
    graph, of, _ = signed()
    graph.certificates(of.ca)
    graph.lists(crl(of.root))
    graph.answers(ocsp_answer(of.signer, of.responder, lasts=None))
    outcome = graph.run(of.trust, policy=strict)
    assert verdict(outcome) == "TRY_LATER"
    (reason,) = outcome.signatures[0].archival.reasons()
    assert reason.id == "rfc.next-update"
    assert verdict(graph.run(of.trust)) == "TOTAL-PASSED"


@pytest.mark.req("EN319102-1:5.2.7.4-COMPUTED")
@pytest.mark.parametrize(
    "algorithm",
    [
        Algorithm(name="1.3.9999.3.6", scheme="1.3.9999.3.6", digest=None),
        Algorithm(name="ecdsa-with-whirlpool", scheme="ecdsa", digest="whirlpool"),
    ],
)
def test_a_value_that_cannot_be_computed_is_not_said_to_be_wrong(algorithm: Algorithm) -> None:
    graph, of, signature = signed()
    graph.collector.signature(replace(signature, algorithm=algorithm))
    at_hand(graph, of)
    outcome = graph.run(of.trust)
    assert verdict(outcome) == "CRYPTO_CONSTRAINTS_FAILURE"
    (found,) = outcome.signatures
    assert found.indication is Indication.INDETERMINATE
    assert not found.value_intact
    (reason,) = found.basic.reasons()
    assert reason.id == "cv.computed"
    assert "computed here" in reason.text
    # Nothing was verified, so that nothing that is proven about the past helps.
    stamp = graph.stamp(signature, NOW - YEAR, of.tsa)
    graph.stamp(signature, NOW - DAY, of.tsa, kind=TimeStampKind.ARCHIVE, covers=(stamp.id,))
    assert verdict(graph.run(of.trust)) == "CRYPTO_CONSTRAINTS_FAILURE"


@pytest.mark.req("EN319102-1:5.2.7.4-COMPUTED")
def test_a_time_stamp_that_cannot_be_computed_is_not_said_to_be_wrong() -> None:
    graph, of, signature = signed()
    at_hand(graph, of)
    stamp = graph.stamp(signature, NOW - DAY, of.tsa)
    unknown = Algorithm(name="1.2.3", scheme="1.2.3", digest=None)
    graph.collector.time_stamp(replace(stamp, signature=replace(stamp.signature, algorithm=unknown)))
    (found,) = [one for one in graph.run(of.trust).time_stamps if one.id == stamp.id]
    assert found.verdict == indeterminate(SubIndication.CRYPTO_CONSTRAINTS_FAILURE)
    assert found.basic.reasons()[0].id == "cv.computed"


def test_an_algorithm_of_another_kind_than_the_key_is_a_crypto_failure() -> None:
    graph, of, signature = signed()
    other = Algorithm(name="rsa", scheme="rsa-pkcs1", digest="sha256")
    graph.collector.signature(replace(signature, algorithm=other))
    at_hand(graph, of)
    assert verdict(graph.run(of.trust)) == "SIG_CRYPTO_FAILURE"
