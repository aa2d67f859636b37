"""Each lint of the other sources has a certificate that it catches."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from certificate_bench import NOW, Bench, found_by_lints
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Callable

    from certificate_bench import Benches


OCSP = AuthorityInformationAccessOID.OCSP
C, CN, GN = NameOID.COUNTRY_NAME, NameOID.COMMON_NAME, NameOID.GIVEN_NAME


def with_ocsp(url: str) -> Callable[[Bench], Bench]:
    description = x509.AccessDescription(OCSP, x509.UniformResourceIdentifier(url))
    return lambda bench: bench.put(x509.AuthorityInformationAccess([description]))


def extended(*usages: x509.ObjectIdentifier, critical: bool = False) -> Callable[[Bench], Bench]:
    return lambda bench: bench.put(x509.ExtendedKeyUsage(usages), critical=critical)


def policies(*dotted: str) -> Callable[[Bench], Bench]:
    found = [x509.PolicyInformation(x509.ObjectIdentifier(one), None) for one in dotted]
    return lambda bench: bench.put(x509.CertificatePolicies(found))


def valid_for(**time: int) -> Callable[[Bench], Bench]:
    return lambda bench: bench.rebuilt(not_valid_after=(NOW + timedelta(**time)).replace(tzinfo=None))


def valid_before(bench: Bench) -> Bench:
    return bench.rebuilt(not_valid_before=(NOW - timedelta(days=1)).replace(tzinfo=None))


def key_to_the_end(bench: Bench) -> Bench:
    end = bench.builder._not_valid_after
    return bench.put(x509.PrivateKeyUsagePeriod(not_before=None, not_after=end))


def digital_signature(bench: Bench) -> Bench:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return bench.put(usage, critical=True)


MAIL = x509.SubjectAlternativeName([x509.RFC822Name("a@example.com")])

CASES = [
    pytest.param(
        "EN319411-2:GEN-6.6.1-05",
        "natural-qcp-n-qscd",
        policies("1.2.3"),
        marks=pytest.mark.req("EN319411-2:GEN-6.6.1-05"),
        id="EN319411-2:GEN-6.6.1-05",
    ),
    pytest.param(
        "EN319411-1:CSS-6.6.3-01B",
        "ocsp-signer",
        with_ocsp("http://tsp.example.com/ocsp"),
        marks=pytest.mark.req("EN319411-1:CSS-6.6.3-01B"),
        id="EN319411-1:CSS-6.6.3-01B",
    ),
    pytest.param(
        "EN319411-1:GEN-6.3.3-02A",
        "natural-qcp-n-qscd",
        lambda bench: bench.rebuilt(serial_number=4711),
        marks=pytest.mark.req("EN319411-1:GEN-6.3.3-02A"),
        id="EN319411-1:GEN-6.3.3-02A",
    ),
    pytest.param(
        "RFC3161:2.3-PURPOSE",
        "tsu",
        extended(ExtendedKeyUsageOID.TIME_STAMPING),
        marks=pytest.mark.req("RFC3161:2.3-PURPOSE"),
        id="RFC3161:2.3-PURPOSE",
    ),
    pytest.param(
        "RFC3161:2.3-PURPOSE",
        "tsu",
        extended(ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING, critical=True),
        marks=pytest.mark.req("RFC3161:2.3-PURPOSE"),
        id="RFC3161:2.3-PURPOSE",
    ),
    pytest.param(
        "RFC3161:2.3-PURPOSE",
        "tsu",
        lambda bench: bench.without(x509.ExtendedKeyUsage),
        marks=pytest.mark.req("RFC3161:2.3-PURPOSE"),
        id="RFC3161:2.3-PURPOSE",
    ),
    pytest.param(
        "RFC6960:4.2.2.2",
        "ocsp-signer",
        extended(ExtendedKeyUsageOID.SERVER_AUTH),
        marks=pytest.mark.req("RFC6960:4.2.2.2"),
        id="RFC6960:4.2.2.2",
    ),
    pytest.param(
        "RFC6960:4.2.2.2",
        "ocsp-signer",
        lambda bench: bench.without(x509.ExtendedKeyUsage),
        marks=pytest.mark.req("RFC6960:4.2.2.2"),
        id="RFC6960:4.2.2.2",
    ),
    pytest.param(
        "RFC6960:4.2.2.2.1",
        "ocsp-signer",
        lambda bench: bench.without(x509.OCSPNoCheck),
        marks=pytest.mark.req("RFC6960:4.2.2.2.1"),
        id="RFC6960:4.2.2.2.1",
    ),
    pytest.param(
        "RFC6960:4.2.2.2.1",
        "natural-qcp-n-qscd",
        lambda bench: bench.put(x509.OCSPNoCheck()),
        marks=pytest.mark.req("RFC6960:4.2.2.2.1"),
        id="RFC6960:4.2.2.2.1",
    ),
    pytest.param(
        "RFC6960:4.2.2.2.1",
        "ocsp-signer",
        lambda bench: bench.flipped(x509.OCSPNoCheck.oid),
        marks=pytest.mark.req("RFC6960:4.2.2.2.1"),
        id="RFC6960:4.2.2.2.1",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-VALIDITY-NESTED",
        "natural-qcp-n-qscd",
        valid_for(days=40 * 365),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-VALIDITY-NESTED"),
        id="TRUSTWORKS:ISSUANCE-VALIDITY-NESTED",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-VALIDITY-NESTED",
        "natural-qcp-n-qscd",
        valid_before,
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-VALIDITY-NESTED"),
        id="TRUSTWORKS:ISSUANCE-VALIDITY-NESTED",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-VALIDITY-LIMIT",
        "natural-qcp-n-qscd",
        valid_for(days=1095),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-VALIDITY-LIMIT"),
        id="TRUSTWORKS:ISSUANCE-VALIDITY-LIMIT",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-VALIDITY-LIMIT",
        "root",
        valid_for(days=31 * 366),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-VALIDITY-LIMIT"),
        id="TRUSTWORKS:ISSUANCE-VALIDITY-LIMIT",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-LAB-NAMES",
        "natural-qcp-n-qscd",
        lambda bench: bench.named((C, "XX"), (GN, "Anna"), (CN, "Anna")),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-LAB-NAMES"),
        id="TRUSTWORKS:ISSUANCE-LAB-NAMES",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-LAB-NAMES",
        "natural-qcp-n-qscd",
        lambda bench: bench.named((C, "DE"), (GN, "Anna"), (CN, "Anna TEST")),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-LAB-NAMES"),
        id="TRUSTWORKS:ISSUANCE-LAB-NAMES",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-EXTENSIONS",
        "natural-qcp-n-qscd",
        extended(ExtendedKeyUsageOID.CLIENT_AUTH),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-EXTENSIONS"),
        id="TRUSTWORKS:ISSUANCE-EXTENSIONS",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-EXTENSIONS",
        "tls-server",
        lambda bench: bench.without(x509.SubjectAlternativeName),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-EXTENSIONS"),
        id="TRUSTWORKS:ISSUANCE-EXTENSIONS",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-USAGES",
        "natural-qcp-n-qscd",
        digital_signature,
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-USAGES"),
        id="TRUSTWORKS:ISSUANCE-USAGES",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-USAGES",
        "tls-server",
        extended(ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-USAGES"),
        id="TRUSTWORKS:ISSUANCE-USAGES",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-POLICIES",
        "natural-qcp-n-qscd",
        policies("0.4.0.194112.1.2"),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-POLICIES"),
        id="TRUSTWORKS:ISSUANCE-POLICIES",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-LINKS",
        "natural-qcp-n-qscd",
        with_ocsp("http://elsewhere.example.com/ocsp"),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-LINKS"),
        id="TRUSTWORKS:ISSUANCE-LINKS",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-LINKS",
        "natural-qcp-n-qscd",
        with_ocsp("http://tsp.example.com.evil.example/ocsp"),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-LINKS"),
        id="TRUSTWORKS:ISSUANCE-LINKS",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-SUBJECT",
        "natural-qcp-n-qscd",
        lambda bench: bench.named((C, "XX"), (GN, "Anna"), (CN, "Anna TEST")),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-SUBJECT"),
        id="TRUSTWORKS:ISSUANCE-SUBJECT",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-SUBJECT",
        "tsu",
        lambda bench: bench.named((C, "XX"), (GN, "Anna"), (CN, "Anna TEST")),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-SUBJECT"),
        id="TRUSTWORKS:ISSUANCE-SUBJECT",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-TSU-KEY-PERIOD",
        "tsu",
        lambda bench: bench.without(x509.PrivateKeyUsagePeriod),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-TSU-KEY-PERIOD"),
        id="TRUSTWORKS:ISSUANCE-TSU-KEY-PERIOD",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-TSU-KEY-PERIOD",
        "tsu",
        key_to_the_end,
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-TSU-KEY-PERIOD"),
        id="TRUSTWORKS:ISSUANCE-TSU-KEY-PERIOD",
    ),
    pytest.param(
        "CABF-BR:7.1.2.7.12",
        "tls-server",
        lambda bench: bench.put(MAIL),
        marks=pytest.mark.req("CABF-BR:7.1.2.7.12"),
        id="CABF-BR:7.1.2.7.12",
    ),
    pytest.param(
        "CABF-BR:7.1.2.7.12",
        "tls-server",
        lambda bench: bench.without(x509.SubjectAlternativeName),
        marks=pytest.mark.req("CABF-BR:7.1.2.7.12"),
        id="CABF-BR:7.1.2.7.12",
    ),
    pytest.param(
        "CABF-BR:6.3.2",
        "tls-server",
        valid_for(days=200, seconds=1),
        marks=pytest.mark.req("CABF-BR:6.3.2"),
        id="CABF-BR:6.3.2",
    ),
    pytest.param(
        "CABF-BR:7.1.2.7.10",
        "tls-server",
        extended(ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CODE_SIGNING),
        marks=pytest.mark.req("CABF-BR:7.1.2.7.10"),
        id="CABF-BR:7.1.2.7.10",
    ),
    pytest.param(
        "CABF-BR:7.1.2.7.10",
        "tls-server",
        lambda bench: bench.without(x509.ExtendedKeyUsage),
        marks=pytest.mark.req("CABF-BR:7.1.2.7.10"),
        id="CABF-BR:7.1.2.7.10",
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
