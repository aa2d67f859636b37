"""What a policy asks of attributes and algorithms of a signature, and of the certificates of its path."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import NOW, YEAR, Graph, at_hand, crl, entity, house, signed, verdict

from trustworks.core.errors import Malformed
from trustworks.formats.evidence import Attributes, CertificateReference
from trustworks.validation.policies.suites import SHIPPED, Use, shipped, weakness, weaknesses

NAMES = frozenset({"1.2.840.113549.1.9.4"})


def attributes(policy: str, **found: Any) -> str:
    """What comes of a signature with some attributes, by a policy about signed attributes."""
    settings = {"signing_time": NOW, "names": NAMES, **found}
    graph, of, _ = signed(attributes=Attributes(**settings))
    at_hand(graph, of)
    return verdict(graph.run(of.trust, policy=f"[signature.signed-attributes]\n{policy}"))


@pytest.mark.req("EN319102-1:5.2.8.4-PRESENT")
@pytest.mark.parametrize(
    ("policy", "found", "expected"),
    [
        ("", {"signing_time": None}, "SIG_CONSTRAINTS_FAILURE"),
        ('signing-time = "warn"', {"signing_time": None}, "TOTAL-PASSED"),
        ("", {"names": frozenset({"1.2.3"})}, "SIG_CONSTRAINTS_FAILURE"),
        ('signing-time-in-validity = "ignore"', {"signing_time": NOW - 9 * YEAR}, "TOTAL-PASSED"),
        ('signer-location = "fail"', {}, "SIG_CONSTRAINTS_FAILURE"),
        ('signer-location = "fail"', {"location": {"country": "AT"}}, "TOTAL-PASSED"),
        ('content-time-stamp = "fail"', {}, "SIG_CONSTRAINTS_FAILURE"),
    ],
)
def test_attributes_that_the_policy_asks_for_are_there(
    policy: str, found: dict[str, Any], expected: str
) -> None:
    assert attributes(policy, **found) == expected


@pytest.mark.req("EN319102-1:5.2.8.4-TIME")
def test_a_signing_time_outside_of_the_certificates_validity_is_no_signing_time() -> None:
    assert attributes("", signing_time=NOW - 9 * YEAR) == "SIG_CONSTRAINTS_FAILURE"


@pytest.mark.req("EN319102-1:5.2.8.4-VALUE")
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("content-type", {"content_type": "right"}),
        ("content-hints", {"content_hints": "right"}),
        ("commitment-type", {"commitments": ("other", "right")}),
        ("claimed-roles", {"claimed_roles": ("right",)}),
    ],
)
def test_values_that_the_policy_accepts(name: str, found: dict[str, Any]) -> None:
    accept = '{name} = {{ level = "fail", values = ["{value}"] }}'
    assert attributes(accept.format(name=name, value="right"), **found) == "TOTAL-PASSED"
    assert attributes(accept.format(name=name, value="*"), **found) == "TOTAL-PASSED"
    assert attributes(accept.format(name=name, value="wrong"), **found) == "SIG_CONSTRAINTS_FAILURE"
    assert attributes(accept.format(name=name, value="*")) == "SIG_CONSTRAINTS_FAILURE"


def refers(*ders: bytes) -> tuple[CertificateReference, ...]:
    return tuple(
        CertificateReference(digest_algorithm="sha256", digest=hashlib.sha256(der).digest()) for der in ders
    )


@pytest.mark.req("EN319102-1:5.2.8.4.2.1-UNIQUE")
@pytest.mark.req("EN319102-1:5.2.8.4.2.1-PATH")
@pytest.mark.req("EN319102-1:5.2.8.4.2.1-ALL")
@pytest.mark.parametrize(
    ("name", "references", "expected"),
    [
        ("signing-certificate-unique", "signer", "TOTAL-PASSED"),
        ("signing-certificate-unique", "signer ca", "SIG_CONSTRAINTS_FAILURE"),
        ("references-path-only", "signer ca", "TOTAL-PASSED"),
        ("references-path-only", "signer tsa", "SIG_CONSTRAINTS_FAILURE"),
        ("references-all-path", "signer ca root", "TOTAL-PASSED"),
        ("references-all-path", "signer ca", "SIG_CONSTRAINTS_FAILURE"),
    ],
)
def test_what_the_signed_references_are_to(name: str, references: str, expected: str) -> None:
    of = house()
    named = refers(*(getattr(of, one).der for one in references.split()))
    graph, _, _ = signed(of, signing_certificate=named)
    at_hand(graph, of)
    policy = f'[signature.signed-attributes]\n{name} = "fail"'
    assert verdict(graph.run(of.trust, policy=policy)) == expected


@pytest.mark.req("EN319102-1:5.2.8.4-PRESENT")
def test_without_a_signed_reference_the_policy_decides() -> None:
    graph, of, _ = signed(signing_certificate=())
    at_hand(graph, of)
    assert verdict(graph.run(of.trust)) == "TOTAL-PASSED"
    policy = '[signature.signed-attributes]\nsigning-certificate-present = "fail"'
    assert verdict(graph.run(of.trust, policy=policy)) == "SIG_CONSTRAINTS_FAILURE"


@pytest.mark.req("EN319102-1:5.2.9.4-2")
def test_a_weak_algorithm_is_told_with_its_end() -> None:
    graph, of, _ = signed(digest="sha1")
    at_hand(graph, of)
    outcome = graph.run(of.trust)
    assert verdict(outcome) == "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    (reason,) = outcome.signatures[0].basic.reasons()
    assert reason.id == "sav.algorithms"
    assert ("algorithm", "SHA-1") in reason.details
    assert ("until", "2012-08-01") in reason.details
    assert verdict(graph.run(of.trust, policy='[signature]\nalgorithms = "warn"')) == "TOTAL-PASSED"


RSA = {"scheme": "rsa-pkcs1", "digest": "sha256"}


@pytest.mark.req("EN319102-1:5.2.9.4-1")
@pytest.mark.req("TS119312:SUITES")
@pytest.mark.parametrize(
    ("suite", "use", "day", "until"),
    [
        ("ts119312", {"digest": "md5"}, "2004-07-31", None),
        ("ts119312", {"digest": "md5"}, "2004-08-01", "2004-08-01"),
        ("ts119312", {"digest": "sha1"}, "2026-01-01", "2012-08-01"),
        ("ts119312", {"digest": "sha256"}, "2099-01-01", None),
        ("ts119312", {**RSA, "bits": 1024}, "2019-09-30", None),
        ("ts119312", {**RSA, "bits": 1024}, "2019-10-01", "2019-10-01"),
        ("ts119312", {**RSA, "bits": 512}, "2001-01-01", "never"),
        ("ts119312", {**RSA, "bits": 2048}, "2028-12-31", None),
        ("ts119312", {**RSA, "bits": 2048}, "2029-01-01", "2029-01-01"),
        ("ts119312", {"scheme": "rsa-pss", "digest": "sha256", "bits": 3072}, "2099-01-01", None),
        ("ts119312", {"scheme": "ecdsa", "digest": "sha384", "bits": 224}, "2021-10-01", "2021-10-01"),
        ("ts119312", {"scheme": "eddsa", "digest": None, "bits": 256}, "2026-01-01", "never"),
        ("ts119312", {"digest": "whatever"}, "2026-01-01", "never"),
        ("ts119312", {"scheme": "ecdsa", "digest": "sha256", "bits": None}, "2001-01-01", "never"),
        ("ts119312-2.1.1", {**RSA, "bits": 2048}, "2026-04-01", "2026-04-01"),
        (
            "ts119312-2.1.1",
            {"scheme": "rsa-pkcs1", "digest": "sha224", "bits": 4096},
            "2029-01-01",
            "2029-01-01",
        ),
        ("ts119312-2.1.1", {"scheme": "eddsa", "digest": None, "bits": 256}, "2026-05-01", None),
        ("eccg", {**RSA, "bits": 2048}, "2025-12-31", None),
        ("eccg", {**RSA, "bits": 2048}, "2026-01-01", "2026-01-01"),
        ("eccg", {**RSA, "bits": 3000}, "2026-01-01", None),
        ("eccg", {"scheme": "ecdsa", "digest": "sha256", "bits": 256}, "2026-01-01", None),
        ("eccg", {"digest": "sha1"}, "2001-01-01", "never"),
    ],
)
def test_an_algorithm_is_reliable_until_its_end(
    suite: str, use: dict[str, Any], day: str, until: str | None
) -> None:
    found = weakness(
        shipped(suite),
        Use(subject="S-1", what="the test", **{"digest": None, **use}),
        datetime.fromisoformat(day).replace(tzinfo=UTC),
    )
    if until is None:
        assert found is None
    else:
        assert found is not None
        assert (f"{found.until:%Y-%m-%d}" if found.until else "never") == until
        assert found.text.endswith(".")


def test_of_several_uses_those_are_told_that_were_weak() -> None:
    uses = [Use(subject="S-1", what=name, digest=name) for name in ("sha256", "sha1", "md5")]
    assert [one.use.what for one in weaknesses(shipped("ts119312"), uses, NOW)] == ["sha1", "md5"]


def test_a_suite_that_is_not_there_is_said_so() -> None:
    with pytest.raises(Malformed, match="There is no cryptographic suite sogis; there are ts119312"):
        shipped("sogis")
    assert [shipped(name).name for name in SHIPPED]


def constrained(policy: str, **changes: Any) -> str:
    """What comes of a signer whose certificate has some fields, by a policy about signing certificates."""
    of, graph = house(), Graph()
    graph.sign(entity("constrained", of.ca, **changes))
    graph.certificates(of.ca)
    graph.lists(crl(of.ca), crl(of.root))
    return verdict(graph.run(of.trust, policy=f"[signature.signing-certificate]\n{policy}"))


@pytest.mark.req("EN319102-1:5.2.6.4-CONSTRAINTS")
@pytest.mark.parametrize(
    "name", ["authority-info-access-present", "revocation-info-access-present", "serial-number-present",
             "self-signed", "qualified", "qscd", "authority-key-identifier-present",
             "subject-key-identifier-present"]
)  # fmt: skip
def test_what_a_certificate_must_have(name: str) -> None:
    assert constrained(f'{name} = "fail"') == "CHAIN_CONSTRAINTS_FAILURE"
    assert constrained(f'{name} = "warn"') == "TOTAL-PASSED"
    assert constrained('not-self-signed = "fail"') == "TOTAL-PASSED"


QUALIFIED = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3"),
    bytes.fromhex("30293008060604008e4601013008060604008e460104")
    + bytes.fromhex("3013060604008e4601063009060704008e46010601"),
)


@pytest.mark.req("EN319102-1:5.2.6.4-CONSTRAINT-VALUES")
@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("key-usage", "nonRepudiation", "keyCertSign"),
        ("extended-key-usage", "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.8"),
        ("policy-identifiers", "1.2.3", "1.2.4"),
        ("common-name", "constrained", "other"),
        ("qualified-type", "0.4.0.1862.1.6.1", "0.4.0.1862.1.6.2"),
    ],
)
def test_values_of_certificates_that_the_policy_accepts(name: str, right: str, wrong: str) -> None:
    policies = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), None)])
    settings: dict[str, Any] = {
        "purposes": (ExtendedKeyUsageOID.EMAIL_PROTECTION,),
        "extensions": (policies, QUALIFIED),
    }
    accept = '{name} = {{ level = "fail", values = ["{value}"] }}'
    assert constrained(accept.format(name=name, value=right), **settings) == "TOTAL-PASSED"
    assert constrained(accept.format(name=name, value=wrong), **settings) == "CHAIN_CONSTRAINTS_FAILURE"
    assert constrained('qualified = "fail"\nqscd = "fail"', **settings) == "TOTAL-PASSED"


@pytest.mark.req("EN319102-1:5.2.6.4-CONSTRAINT-EXTENSIONS")
def test_a_signer_whose_certificate_is_for_a_responder_is_not_accepted() -> None:
    assert constrained("", extensions=(x509.OCSPNoCheck(),)) == "CHAIN_CONSTRAINTS_FAILURE"
    forbid = 'forbidden-extensions = { level = "warn", values = ["1.3.6.1.5.5.7.48.1.5"] }'
    assert constrained(forbid, extensions=(x509.OCSPNoCheck(),)) == "TOTAL-PASSED"


def test_a_time_stamp_must_be_by_a_unit_for_that() -> None:
    graph, of, signature = signed()
    at_hand(graph, of)
    graph.stamp(signature, NOW, of.signer)
    outcome = graph.run(of.trust)
    assert str(outcome.time_stamps[0].verdict.sub_indication) == "CHAIN_CONSTRAINTS_FAILURE"


def test_counter_signatures_are_judged_as_signatures_unless_the_policy_says_otherwise() -> None:
    graph, of, signature = signed()
    at_hand(graph, of)
    counter = graph.sign(of.tsa, name="counter", parent=signature.id)
    policy = '[signature.signing-certificate]\nkey-usage = { level = "fail", values = ["nonRepudiation"] }'
    found = {one.id: str(one.sub_indication) for one in graph.run(of.trust, policy=policy).signatures}
    assert found == {signature.id: "None", counter.id: "CHAIN_CONSTRAINTS_FAILURE"}
    lenient = f'{policy}\n[counter-signature.signing-certificate]\nkey-usage = "ignore"'
    again = {one.id: str(one.sub_indication) for one in graph.run(of.trust, policy=lenient).signatures}
    assert again == {signature.id: "None", counter.id: "None"}
    assert replace(counter, parent=None) != counter
