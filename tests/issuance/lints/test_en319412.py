"""Each lint of EN 319 412 has a certificate that it catches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from certificate_bench import SETTINGS, Bench, found_by_lints, name
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from trustworks.core.der import qc_statements as qcs

if TYPE_CHECKING:
    from collections.abc import Callable

    from certificate_bench import Benches


C, ORG, OI, CN = (
    NameOID.COUNTRY_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATION_IDENTIFIER,
    NameOID.COMMON_NAME,
)
GN, SERIAL, PSEUDONYM = NameOID.GIVEN_NAME, NameOID.SERIAL_NUMBER, NameOID.PSEUDONYM
OCSP, CA_ISSUERS = AuthorityInformationAccessOID.OCSP, AuthorityInformationAccessOID.CA_ISSUERS
HTTP = "http://tsp.example.com/x"


def issuer(*attributes: tuple[x509.ObjectIdentifier, str]) -> Callable[[Bench], Bench]:
    return lambda bench: bench.rebuilt(issuer_name=name(attributes))


def subject(*attributes: tuple[x509.ObjectIdentifier, str]) -> Callable[[Bench], Bench]:
    return lambda bench: bench.named(*attributes)


def usage(*names: str) -> Callable[[Bench], Bench]:
    known = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    found = x509.KeyUsage(**{one: one in names for one in known})
    return lambda bench: bench.put(found, critical=True)


def access(*descriptions: tuple[x509.ObjectIdentifier, str]) -> Callable[[Bench], Bench]:
    found = x509.AuthorityInformationAccess(
        [x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for method, url in descriptions]
    )
    return lambda bench: bench.put(found)


def crl_at(url: str) -> Callable[[Bench], Bench]:
    point = x509.DistributionPoint(
        full_name=[x509.UniformResourceIdentifier(url)], relative_name=None, reasons=None, crl_issuer=None
    )
    return lambda bench: bench.put(x509.CRLDistributionPoints([point]))


def policies(*dotted: str) -> Callable[[Bench], Bench]:
    found = [x509.PolicyInformation(x509.ObjectIdentifier(one), None) for one in dotted]
    return lambda bench: bench.put(x509.CertificatePolicies(found))


def statements(*found: qcs.Statement, critical: bool = False) -> Callable[[Bench], Bench]:
    value = x509.UnrecognizedExtension(
        x509.ObjectIdentifier(qcs.QC_STATEMENTS), qcs.write_qc_statements(found)
    )
    return lambda bench: bench.put(value, critical=critical)


def no_links(bench: Bench) -> Bench:
    return bench.without(x509.CRLDistributionPoints).without(x509.AuthorityInformationAccess)


def other_number(bench: Bench) -> Bench:
    settings = SETTINGS.model_copy(update={"organization_identifier": "NTRXX-OTHER"})
    return bench.surrounded(settings=settings)


PDS = qcs.pds([("en", "https://tsp.example.com/pds.pdf")])
ESIGN, ESEAL = qcs.qc_type(qcs.QC_TYPE_ESIGN), qcs.qc_type(qcs.QC_TYPE_ESEAL)
GOOD = (qcs.compliance(), qcs.sscd(), ESIGN, PDS)
LEGISLATION = qcs.CountryStatement(
    statement_id=x509.ObjectIdentifier(qcs.QC_CC_LEGISLATION),
    statement_info=[asn1.PrintableString("CH")],
)
MAPPINGS = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), b"\x30\x00")
INHIBIT = x509.InhibitAnyPolicy(0)
CONSTRAINTS = x509.NameConstraints(permitted_subtrees=[x509.DNSName("example")], excluded_subtrees=None)

CASES = [
    pytest.param(
        "EN319412-2:GEN-4.2.3.1-2",
        "natural-qcp-n-qscd",
        issuer((C, "XX"), (CN, "Issuer TEST")),
        marks=pytest.mark.req("EN319412-2:GEN-4.2.3.1-2"),
        id="EN319412-2:GEN-4.2.3.1-2",
    ),
    pytest.param(
        "EN319412-2:GEN-4.2.3.1-3",
        "natural-qcp-n-qscd",
        other_number,
        marks=pytest.mark.req("EN319412-2:GEN-4.2.3.1-3"),
        id="EN319412-2:GEN-4.2.3.1-3",
    ),
    pytest.param(
        "EN319412-2:GEN-4.2.3.1-3",
        "natural-qcp-n-qscd",
        issuer((C, "XX"), (ORG, "NTRXX-TEST-1"), (OI, "NTRXX-TEST-1"), (CN, "Issuer TEST")),
        marks=pytest.mark.req("EN319412-2:GEN-4.2.3.1-3"),
        id="EN319412-2:GEN-4.2.3.1-3",
    ),
    pytest.param(
        "EN319412-2:GEN-4.2.3.1-5",
        "natural-qcp-n-qscd",
        issuer((C, "XX"), (ORG, "One"), (ORG, "Two"), (OI, "NTRXX-TEST-1"), (CN, "Issuer TEST")),
        marks=pytest.mark.req("EN319412-2:GEN-4.2.3.1-5"),
        id="EN319412-2:GEN-4.2.3.1-5",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.1-1",
        "natural-qcp-n-qscd",
        lambda bench: bench.without(x509.AuthorityKeyIdentifier),
        marks=pytest.mark.req("EN319412-2:GEN-4.3.1-1"),
        id="EN319412-2:GEN-4.3.1-1",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.3-1",
        "natural-qcp-n-qscd",
        lambda bench: bench.flipped(x509.CertificatePolicies.oid),
        marks=pytest.mark.req("EN319412-2:GEN-4.3.3-1"),
        id="EN319412-2:GEN-4.3.3-1",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.3-2",
        "natural-qcp-n-qscd",
        lambda bench: bench.without(x509.CertificatePolicies),
        marks=pytest.mark.req("EN319412-2:GEN-4.3.3-2"),
        id="EN319412-2:GEN-4.3.3-2",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.4-1",
        "natural-qcp-n-qscd",
        lambda bench: bench.put(MAPPINGS),
        marks=pytest.mark.req("EN319412-2:GEN-4.3.4-1"),
        id="EN319412-2:GEN-4.3.4-1",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.8-1",
        "natural-qcp-n-qscd",
        lambda bench: bench.put(CONSTRAINTS),
        marks=pytest.mark.req("EN319412-2:GEN-4.3.8-1"),
        id="EN319412-2:GEN-4.3.8-1",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.9-1",
        "legal-qcp-l-qscd",
        lambda bench: bench.put(x509.PolicyConstraints(0, None)),
        marks=pytest.mark.req("EN319412-2:GEN-4.3.9-1"),
        id="EN319412-2:GEN-4.3.9-1",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.12-1",
        "legal-qcp-l-qscd",
        lambda bench: bench.put(INHIBIT),
        marks=pytest.mark.req("EN319412-2:GEN-4.3.12-1"),
        id="EN319412-2:GEN-4.3.12-1",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.5-1",
        "natural-qcp-n-qscd",
        lambda bench: bench.put(x509.SubjectAlternativeName([x509.DNSName("a")]), critical=True),
        marks=pytest.mark.req("EN319412-2:GEN-4.3.5-1"),
        id="EN319412-2:GEN-4.3.5-1",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.6-1",
        "natural-qcp-n-qscd",
        lambda bench: bench.put(x509.IssuerAlternativeName([x509.DNSName("a")]), critical=True),
        marks=pytest.mark.req("EN319412-2:GEN-4.3.6-1"),
        id="EN319412-2:GEN-4.3.6-1",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.10-1",
        "natural-qcp-n-qscd",
        lambda bench: bench.put(x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.2.3")]), critical=True),
        marks=pytest.mark.req("EN319412-2:GEN-4.3.10-1"),
        id="EN319412-2:GEN-4.3.10-1",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.11-1",
        "natural-qcp-n-qscd",
        lambda bench: bench.without(x509.CRLDistributionPoints),
        marks=pytest.mark.req("EN319412-2:GEN-4.3.11-1"),
        id="EN319412-2:GEN-4.3.11-1",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.11-2",
        "natural-qcp-n-qscd",
        no_links,
        marks=pytest.mark.req("EN319412-2:GEN-4.3.11-2", "EN319411-1:CSS-6.3.10-05"),
        id="EN319412-2:GEN-4.3.11-2",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.11-4",
        "natural-qcp-n-qscd",
        crl_at("https://tsp.example.com/x.crl"),
        marks=pytest.mark.req("EN319412-2:GEN-4.3.11-4"),
        id="EN319412-2:GEN-4.3.11-4",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.11-5",
        "legal-qcp-l-qscd",
        lambda bench: bench.flipped(x509.CRLDistributionPoints.oid),
        marks=pytest.mark.req("EN319412-2:GEN-4.3.11-5"),
        id="EN319412-2:GEN-4.3.11-5",
    ),
    pytest.param(
        "EN319412-2:GEN-4.4.1-2",
        "natural-qcp-n-qscd",
        lambda bench: bench.without(x509.AuthorityInformationAccess),
        marks=pytest.mark.req("EN319412-2:GEN-4.4.1-2"),
        id="EN319412-2:GEN-4.4.1-2",
    ),
    pytest.param(
        "EN319412-2:GEN-4.4.1-3",
        "natural-qcp-n-qscd",
        access((OCSP, HTTP)),
        marks=pytest.mark.req("EN319412-2:GEN-4.4.1-3"),
        id="EN319412-2:GEN-4.4.1-3",
    ),
    pytest.param(
        "EN319412-2:GEN-4.4.1-4",
        "natural-qcp-n-qscd",
        access((OCSP, HTTP), (CA_ISSUERS, "ldap://tsp.example.com/x")),
        marks=pytest.mark.req("EN319412-2:GEN-4.4.1-4"),
        id="EN319412-2:GEN-4.4.1-4",
    ),
    pytest.param(
        "EN319412-2:GEN-4.4.1-5",
        "natural-qcp-n-qscd",
        access((CA_ISSUERS, HTTP)),
        marks=pytest.mark.req("EN319412-2:GEN-4.4.1-5", "EN319411-1:CSS-6.3.10-06"),
        id="EN319412-2:GEN-4.4.1-5",
    ),
    pytest.param(
        "EN319412-2:GEN-4.4.1-6",
        "natural-qcp-n-qscd",
        access((OCSP, "ldap://tsp.example.com/x"), (CA_ISSUERS, HTTP)),
        marks=pytest.mark.req("EN319412-2:GEN-4.4.1-6"),
        id="EN319412-2:GEN-4.4.1-6",
    ),
    pytest.param(
        "EN319412-2:NAT-4.2.4-1",
        "natural-qcp-n-qscd",
        subject((C, "XX"), (SERIAL, "1"), (CN, "Anna TEST")),
        marks=pytest.mark.req("EN319412-2:NAT-4.2.4-1"),
        id="EN319412-2:NAT-4.2.4-1",
    ),
    pytest.param(
        "EN319412-2:NAT-4.2.4-1",
        "natural-qcp-n-qscd",
        subject((GN, "Anna"), (CN, "Anna TEST")),
        marks=pytest.mark.req("EN319412-2:NAT-4.2.4-1"),
        id="EN319412-2:NAT-4.2.4-1",
    ),
    pytest.param(
        "EN319412-2:NAT-4.2.4-3",
        "natural-qcp-n-qscd",
        subject((C, "XX"), (GN, "Anna"), (CN, "Anna TEST"), (CN, "Ann TEST")),
        marks=pytest.mark.req("EN319412-2:NAT-4.2.4-3"),
        id="EN319412-2:NAT-4.2.4-3",
    ),
    pytest.param(
        "EN319412-2:NAT-4.2.4-4",
        "natural-qcp-n-qscd",
        subject((C, "XX"), (GN, "Anna"), (PSEUDONYM, "A TEST"), (CN, "A TEST")),
        marks=pytest.mark.req("EN319412-2:NAT-4.2.4-4"),
        id="EN319412-2:NAT-4.2.4-4",
    ),
    pytest.param(
        "EN319412-2:NAT-4.3.2-1",
        "natural-qcp-n-qscd",
        usage("data_encipherment"),
        marks=pytest.mark.req("EN319412-2:NAT-4.3.2-1"),
        id="EN319412-2:NAT-4.3.2-1",
    ),
    pytest.param(
        "EN319412-2:NAT-4.3.2-1",
        "legal-qcp-l-qscd",
        usage("content_commitment", "key_agreement"),
        marks=pytest.mark.req("EN319412-2:NAT-4.3.2-1"),
        id="EN319412-2:NAT-4.3.2-1",
    ),
    pytest.param(
        "EN319412-2:NAT-4.3.2-2",
        "natural-qcp-n-qscd",
        usage("digital_signature"),
        marks=pytest.mark.req("EN319412-2:NAT-4.3.2-2"),
        id="EN319412-2:NAT-4.3.2-2",
    ),
    pytest.param(
        "EN319412-2:NAT-4.3.2-3",
        "natural-qcp-n-qscd",
        usage("digital_signature", "content_commitment"),
        marks=pytest.mark.req("EN319412-2:NAT-4.3.2-3"),
        id="EN319412-2:NAT-4.3.2-3",
    ),
    pytest.param(
        "EN319412-3:LEG-4.2.1-2",
        "legal-qcp-l-qscd",
        subject((C, "XX"), (ORG, "Muster"), (CN, "Muster TEST")),
        marks=pytest.mark.req("EN319412-3:LEG-4.2.1-2"),
        id="EN319412-3:LEG-4.2.1-2",
    ),
    pytest.param(
        "EN319412-3:LEG-4.2.1-3",
        "legal-qcp-l-qscd",
        subject((C, "XX"), (ORG, "A"), (ORG, "B"), (OI, "NTRXX-1"), (CN, "Muster TEST")),
        marks=pytest.mark.req("EN319412-3:LEG-4.2.1-3"),
        id="EN319412-3:LEG-4.2.1-3",
    ),
    pytest.param(
        "EN319412-3:LEG-4.2.1-6",
        "legal-qcp-l-qscd",
        subject((C, "XX"), (ORG, "NTRXX-1"), (OI, "NTRXX-1"), (CN, "Muster TEST")),
        marks=pytest.mark.req("EN319412-3:LEG-4.2.1-6"),
        id="EN319412-3:LEG-4.2.1-6",
    ),
    pytest.param(
        "EN319412-3:LEG-4.3.1-3",
        "legal-qcp-l-qscd",
        usage("digital_signature"),
        marks=pytest.mark.req("EN319412-3:LEG-4.3.1-3"),
        id="EN319412-3:LEG-4.3.1-3",
    ),
    pytest.param(
        "EN319412-3:LEG-4.3.1-4",
        "legal-qcp-l-qscd",
        usage("digital_signature", "content_commitment"),
        marks=pytest.mark.req("EN319412-3:LEG-4.3.1-4"),
        id="EN319412-3:LEG-4.3.1-4",
    ),
    pytest.param(
        "EN319412-1:NAT-5.1.3-02",
        "natural-qcp-n-qscd",
        subject((C, "XX"), (GN, "Anna"), (SERIAL, "12345"), (CN, "Anna TEST")),
        marks=pytest.mark.req("EN319412-1:NAT-5.1.3-02"),
        id="EN319412-1:NAT-5.1.3-02",
    ),
    pytest.param(
        "EN319412-1:NAT-5.1.3-02",
        "natural-qcp-n-qscd",
        subject((C, "XX"), (GN, "Anna"), (SERIAL, "TAXXX-12345"), (CN, "Anna TEST")),
        marks=pytest.mark.req("EN319412-1:NAT-5.1.3-02"),
        id="EN319412-1:NAT-5.1.3-02",
    ),
    pytest.param(
        "EN319412-1:NAT-5.1.3-02",
        "natural-qcp-n-qscd",
        subject((C, "XX"), (GN, "Anna"), (CN, "Anna TEST")),
        marks=pytest.mark.req("EN319412-1:NAT-5.1.3-02"),
        id="EN319412-1:NAT-5.1.3-02",
    ),
    pytest.param(
        "EN319412-1:LEG-5.1.4-02",
        "legal-qcp-l-qscd",
        subject((C, "XX"), (ORG, "Muster"), (OI, "HRB 1"), (CN, "Muster TEST")),
        marks=pytest.mark.req("EN319412-1:LEG-5.1.4-02"),
        id="EN319412-1:LEG-5.1.4-02",
    ),
    pytest.param(
        "EN319412-5:QCS-4.1-02",
        "natural-qcp-n-qscd",
        statements(*GOOD, critical=True),
        marks=pytest.mark.req("EN319412-5:QCS-4.1-02"),
        id="EN319412-5:QCS-4.1-02",
    ),
    pytest.param(
        "EN319412-5:QCS-4.1-02A",
        "natural-qcp-n-qscd",
        statements(*GOOD, qcs.sscd()),
        marks=pytest.mark.req("EN319412-5:QCS-4.1-02A"),
        id="EN319412-5:QCS-4.1-02A",
    ),
    pytest.param(
        "EN319412-5:QCS-4.2.3-01",
        "natural-qcp-n-qscd",
        statements(qcs.compliance(), qcs.sscd(), ESEAL, PDS),
        marks=pytest.mark.req("EN319412-5:QCS-4.2.3-01"),
        id="EN319412-5:QCS-4.2.3-01",
    ),
    pytest.param(
        "EN319412-5:QCS-4.2.3-01",
        "natural-qcp-n-qscd",
        statements(*GOOD, ESEAL),
        marks=pytest.mark.req("EN319412-5:QCS-4.2.3-01"),
        id="EN319412-5:QCS-4.2.3-01",
    ),
    pytest.param(
        "EN319412-5:QCS-4.2.3-01",
        "legal-qcp-l-qscd",
        statements(qcs.compliance(), qcs.sscd(), PDS),
        marks=pytest.mark.req("EN319412-5:QCS-4.2.3-01"),
        id="EN319412-5:QCS-4.2.3-01",
    ),
    pytest.param(
        "EN319412-5:QCS-5-01",
        "natural-qcp-n-qscd",
        statements(qcs.sscd(), ESIGN, PDS),
        marks=pytest.mark.req("EN319412-5:QCS-5-01"),
        id="EN319412-5:QCS-5-01",
    ),
    pytest.param(
        "EN319412-5:QCS-5-01",
        "natural-qcp-n-qscd",
        statements(qcs.compliance(), ESIGN, PDS),
        marks=pytest.mark.req("EN319412-5:QCS-5-01"),
        id="EN319412-5:QCS-5-01",
    ),
    pytest.param(
        "EN319412-5:QCS-5-01",
        "legal-qcp-l-qscd",
        statements(qcs.compliance(), qcs.sscd(), ESEAL, PDS, LEGISLATION),
        marks=pytest.mark.req("EN319412-5:QCS-5-01"),
        id="EN319412-5:QCS-5-01",
    ),
    pytest.param(
        "EN319412-5:QCS-4.3.4-01",
        "natural-qcp-n-qscd",
        statements(qcs.compliance(), qcs.sscd(), ESIGN),
        marks=pytest.mark.req("EN319412-5:QCS-4.3.4-01"),
        id="EN319412-5:QCS-4.3.4-01",
    ),
    pytest.param(
        "EN319412-5:QCS-4.3.4-01",
        "natural-qcp-n-qscd",
        statements(qcs.compliance(), qcs.sscd(), ESIGN, qcs.pds([("de", "https://tsp.example.com/pds")])),
        marks=pytest.mark.req("EN319412-5:QCS-4.3.4-01"),
        id="EN319412-5:QCS-4.3.4-01",
    ),
    pytest.param(
        "EN319412-5:QCS-4.3.4-01",
        "natural-qcp-n-qscd",
        statements(qcs.compliance(), qcs.sscd(), ESIGN, qcs.pds([("en", "http://tsp.example.com/pds")])),
        marks=pytest.mark.req("EN319412-5:QCS-4.3.4-01"),
        id="EN319412-5:QCS-4.3.4-01",
    ),
    pytest.param(
        "EN319412-5:QCS-5.2-1",
        "natural-qcp-n-qscd",
        policies(qcs.QCP_L_QSCD),
        marks=pytest.mark.req("EN319412-5:QCS-5.2-1"),
        id="EN319412-5:QCS-5.2-1",
    ),
    pytest.param(
        "EN319412-5:QCS-5.2-1",
        "natural-qcp-n-qscd",
        policies(qcs.QCP_N_QSCD, qcs.QCP_N),
        marks=pytest.mark.req("EN319412-5:QCS-5.2-1"),
        id="EN319412-5:QCS-5.2-1",
    ),
]


@pytest.mark.parametrize(("lint_id", "profile", "spoil"), CASES)
def test_a_spoiled_certificate_is_found(
    benches: Benches, lint_id: str, profile: str, spoil: Callable[[Bench], Bench | bytes]
) -> None:
    bench = benches[profile]
    assert lint_id not in found_by_lints(bench)
    spoiled = spoil(bench)
    found = found_by_lints(bench, spoiled) if isinstance(spoiled, bytes) else found_by_lints(spoiled)
    assert lint_id in found


@pytest.mark.req("EN319412-1:NAT-5.1.3-02", "EN319412-1:LEG-5.1.4-02")
@pytest.mark.parametrize(
    ("scheme", "code", "lab", "outside"),
    [
        ("PNO", "XX", True, False),
        ("PNO", "UN", True, True),
        ("PNO", "DE", False, True),
        ("PNO", "ZZ", True, False),
        ("PNO", "EL", False, False),
        ("TIN", "XI", True, False),
        ("XY:", "SE", False, True),
        ("NTR", "XX", True, False),
        ("NTR", "FR", False, True),
        ("NTR", "EL", False, False),
        ("VAT", "EL", False, True),
        ("VAT", "XI", True, True),
        ("LEI", "XG", True, True),
        ("LEI", "DE", False, False),
        ("PSD", "EU", False, True),
    ],
)
def test_identifiers_are_a_countrys_and_in_a_lab_nobodys(
    benches: Benches, scheme: str, code: str, *, lab: bool, outside: bool
) -> None:
    natural = scheme in {"PNO", "TIN", "XY:"}
    profile, attribute, lint_id = (
        ("natural-qcp-n-qscd", NameOID.SERIAL_NUMBER, "EN319412-1:NAT-5.1.3-02")
        if natural
        else ("legal-qcp-l-qscd", NameOID.ORGANIZATION_IDENTIFIER, "EN319412-1:LEG-5.1.4-02")
    )
    bench = benches[profile]
    spoiled = bench.named((attribute, f"{scheme}{code}-1"))
    assert (lint_id not in found_by_lints(spoiled)) == lab
    assert (lint_id not in found_by_lints(spoiled.surrounded(lab=False))) == outside
