"""Each lint of RFC 5280 has a certificate that it catches."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from certificate_bench import NOW, Bench, content_of, elements, found_by_lints, name, spoil_tbs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from trustworks.core.der.encode import tlv

if TYPE_CHECKING:
    from collections.abc import Callable

    from certificate_bench import Benches


NO_DNS_NAMES = [
    *("a\0b.test", "a\nb.test", "a.test\n", "a..b", ".test", "a.test.", "a b.test", "URI:x"),
    *("*", "*.test", "*.*.test", "foo.*.test", "f*.foo.test", "**.foo.test"),
    *("-bad.test", "bad-.test", "a_b.test", "999.1.1.1", "1.2.3.4", "4"),
    # No A-labels: a control character, none at all, an overflow, a capital, a sign.
    *(
        "xn--a.test",
        "xn--.test",
        "XN--a.test",
        "xn---.test",
        "xn--99999999.test",
        "xn--abc-.test",
        "xn--i-7iq.test",
    ),
    *("a" * 64 + ".test", ".".join(["a" * 49] * 5 + ["test"])),
]


def with_dns_name(dns_name: str, bench: Bench) -> Bench:
    return bench.put(x509.SubjectAlternativeName([x509.DNSName(dns_name)]))


def version_one(bench: Bench) -> bytes:
    return spoil_tbs(bench.sign(), lambda parts: parts.__delitem__(0))


def long_serial(bench: Bench) -> bytes:
    def change(parts: list[bytes]) -> None:
        parts[1] = tlv(0x02, b"\0" + b"\xff" * 20)

    return spoil_tbs(bench.sign(), change)


def other_outer_algorithm(bench: Bench) -> bytes:
    outer = elements(content_of(bench.sign()))
    sha384 = bench.builder.sign(bench.key, hashes.SHA384())
    outer[1] = elements(content_of(sha384.public_bytes(Encoding.DER)))[1]
    return tlv(0x30, *outer)


def early_generalized_time(bench: Bench) -> bytes:
    def change(parts: list[bytes]) -> None:
        parts[4] = tlv(0x30, tlv(0x18, b"20261124120000Z"), tlv(0x17, b"281124120000Z"))

    return spoil_tbs(bench.sign(), change)


def late_utc_time(bench: Bench) -> bytes:
    """UTCTime of a year that it cannot say: 1951, before the certificate begins."""

    def change(parts: list[bytes]) -> None:
        parts[4] = tlv(0x30, tlv(0x17, b"261124120000Z"), tlv(0x17, b"511124120000Z"))

    return spoil_tbs(bench.sign(), change)


def blank_attribute(bench: Bench) -> Bench:
    return bench.named((NameOID.COUNTRY_NAME, "XX"), (NameOID.COMMON_NAME, "  "))


def long_title(bench: Bench) -> Bench:
    return bench.named((NameOID.COUNTRY_NAME, "XX"), (NameOID.TITLE, "p" * 129))


def country_in_utf8(bench: Bench) -> bytes:
    return spoil_tbs(bench.sign(), lambda parts: _replace(parts, 5, b"\x13\x02XX", b"\x0c\x02XX"))


def name_in_teletex(bench: Bench) -> bytes:
    return spoil_tbs(bench.sign(), lambda parts: _replace(parts, 5, b"\x0c\x04Anna", b"\x14\x04Anna"))


def _replace(parts: list[bytes], number: int, old: bytes, new: bytes) -> None:
    assert old in parts[number]
    parts[number] = parts[number].replace(old, new)


def with_unique_identifier(bench: Bench) -> bytes:
    return spoil_tbs(bench.sign(), lambda parts: parts.insert(7, tlv(0x81, b"\0\x01")))


def key_usage_twice(bench: Bench) -> bytes:
    def change(parts: list[bytes]) -> None:
        extensions = elements(content_of(content_of(parts[7])))
        parts[7] = tlv(0xA3, tlv(0x30, *extensions, extensions[-1]))

    return spoil_tbs(bench.sign(), change)


def other_key_identifier(bench: Bench) -> Bench:
    return bench.put(x509.AuthorityKeyIdentifier(b"other", None, None))


def below_a_closed_authority(bench: Bench) -> Bench:
    """The sub-CA profile, judged as if issued by itself, whose path length is 0."""
    itself = x509.load_der_x509_certificate(bench.sign())
    return bench.surrounded(issuer=itself)


def usage(*names: str) -> x509.KeyUsage:
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
    return x509.KeyUsage(**{one: one in names for one in known})


def same_policy_twice(bench: Bench) -> Bench:
    policy = x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), None)
    return bench.put(x509.CertificatePolicies([policy, policy]))


def distribution_point_without_a_place(bench: Bench) -> Bench:
    other = x509.DirectoryName(name([(NameOID.COMMON_NAME, "Other issuer")]))
    point = x509.DistributionPoint(full_name=None, relative_name=None, reasons=None, crl_issuer=[other])
    return bench.put(x509.CRLDistributionPoints([point]))


def access_by_directory_name(bench: Bench) -> Bench:
    location = x509.DirectoryName(name([(NameOID.COMMON_NAME, "directory")]))
    method = AuthorityInformationAccessOID.OCSP
    return bench.put(x509.AuthorityInformationAccess([x509.AccessDescription(method, location)]))


def key_period_beyond(bench: Bench) -> Bench:
    end = bench.builder._not_valid_after
    assert end is not None
    return bench.put(x509.PrivateKeyUsagePeriod(not_before=None, not_after=end + timedelta(days=1)))


def key_period_before(bench: Bench) -> Bench:
    return bench.put(x509.PrivateKeyUsagePeriod(not_before=EARLY, not_after=None))


EARLY = (NOW - timedelta(days=1)).replace(tzinfo=None)
NO_NAMES = x509.SubjectAlternativeName([x509.DNSName("with space")])

CASES = [
    pytest.param(
        "RFC5280:4.1.2.1",
        "natural-qcp-n-qscd",
        version_one,
        marks=pytest.mark.req("RFC5280:4.1.2.1"),
        id="RFC5280:4.1.2.1",
    ),
    pytest.param(
        "RFC5280:4.1.2.2",
        "natural-qcp-n-qscd",
        long_serial,
        marks=pytest.mark.req("RFC5280:4.1.2.2"),
        id="RFC5280:4.1.2.2",
    ),
    pytest.param(
        "RFC5280:4.1.1.2",
        "natural-qcp-n-qscd",
        other_outer_algorithm,
        marks=pytest.mark.req("RFC5280:4.1.1.2"),
        id="RFC5280:4.1.1.2",
    ),
    pytest.param(
        "RFC5280:4.1.2.4",
        "natural-qcp-n-qscd",
        lambda bench: bench.rebuilt(issuer_name=name([(NameOID.COMMON_NAME, "Other TEST")])),
        marks=pytest.mark.req("RFC5280:4.1.2.4"),
        id="RFC5280:4.1.2.4",
    ),
    pytest.param(
        "RFC5280:4.1.2.4",
        "natural-qcp-n-qscd",
        lambda bench: bench.rebuilt(issuer_name=x509.Name([])),
        marks=pytest.mark.req("RFC5280:4.1.2.4"),
        id="RFC5280:4.1.2.4",
    ),
    pytest.param(
        "RFC5280:4.1.2.5",
        "natural-qcp-n-qscd",
        early_generalized_time,
        marks=pytest.mark.req("RFC5280:4.1.2.5"),
        id="RFC5280:4.1.2.5",
    ),
    pytest.param(
        "RFC5280:4.1.2.5",
        "natural-qcp-n-qscd",
        late_utc_time,
        marks=pytest.mark.req("RFC5280:4.1.2.5"),
        id="RFC5280:4.1.2.5",
    ),
    pytest.param(
        "RFC5280:4.1.2.6",
        "natural-qcp-n-qscd",
        lambda bench: bench.named(),
        marks=pytest.mark.req("RFC5280:4.1.2.6"),
        id="RFC5280:4.1.2.6",
    ),
    pytest.param(
        "RFC5280:4.1.2.6",
        "sub-ca",
        lambda bench: bench.named(),
        marks=pytest.mark.req("RFC5280:4.1.2.6"),
        id="RFC5280:4.1.2.6",
    ),
    pytest.param(
        "RFC5280:A.1",
        "natural-qcp-n-qscd",
        blank_attribute,
        marks=pytest.mark.req("RFC5280:A.1"),
        id="RFC5280:A.1",
    ),
    pytest.param(
        "RFC5280:A.1",
        "natural-qcp-n-qscd",
        long_title,
        marks=pytest.mark.req("RFC5280:A.1"),
        id="RFC5280:A.1",
    ),
    pytest.param(
        "RFC5280:4.1.2.4-STRINGS",
        "natural-qcp-n-qscd",
        country_in_utf8,
        marks=pytest.mark.req("RFC5280:4.1.2.4-STRINGS"),
        id="RFC5280:4.1.2.4-STRINGS",
    ),
    pytest.param(
        "RFC5280:4.1.2.4-STRINGS",
        "natural-qcp-n-qscd",
        name_in_teletex,
        marks=pytest.mark.req("RFC5280:4.1.2.4-STRINGS"),
        id="RFC5280:4.1.2.4-STRINGS",
    ),
    pytest.param(
        "RFC5280:4.1.2.8",
        "natural-qcp-n-qscd",
        with_unique_identifier,
        marks=pytest.mark.req("RFC5280:4.1.2.8"),
        id="RFC5280:4.1.2.8",
    ),
    pytest.param(
        "RFC5280:4.2",
        "natural-qcp-n-qscd",
        key_usage_twice,
        marks=pytest.mark.req("RFC5280:4.2"),
        id="RFC5280:4.2",
    ),
    pytest.param(
        "RFC5280:4.2.1.1",
        "natural-qcp-n-qscd",
        other_key_identifier,
        marks=pytest.mark.req("RFC5280:4.2.1.1"),
        id="RFC5280:4.2.1.1",
    ),
    pytest.param(
        "RFC5280:4.2.1.1",
        "sub-ca",
        lambda bench: bench.without(x509.AuthorityKeyIdentifier),
        marks=pytest.mark.req("RFC5280:4.2.1.1"),
        id="RFC5280:4.2.1.1",
    ),
    pytest.param(
        "RFC5280:4.2.1.1",
        "natural-qcp-n-qscd",
        lambda bench: bench.flipped(x509.AuthorityKeyIdentifier.oid),
        marks=pytest.mark.req("RFC5280:4.2.1.1"),
        id="RFC5280:4.2.1.1",
    ),
    pytest.param(
        "RFC5280:4.2.1.2",
        "root",
        lambda bench: bench.without(x509.SubjectKeyIdentifier),
        marks=pytest.mark.req("RFC5280:4.2.1.2"),
        id="RFC5280:4.2.1.2",
    ),
    pytest.param(
        "RFC5280:4.2.1.2",
        "natural-qcp-n-qscd",
        lambda bench: bench.flipped(x509.SubjectKeyIdentifier.oid),
        marks=pytest.mark.req("RFC5280:4.2.1.2"),
        id="RFC5280:4.2.1.2",
    ),
    pytest.param(
        "RFC5280:4.2.1.3",
        "natural-qcp-n-qscd",
        lambda bench: bench.without(x509.KeyUsage),
        marks=pytest.mark.req("RFC5280:4.2.1.3"),
        id="RFC5280:4.2.1.3",
    ),
    pytest.param(
        "RFC5280:4.2.1.3",
        "natural-qcp-n-qscd",
        lambda bench: bench.flipped(x509.KeyUsage.oid),
        marks=pytest.mark.req("RFC5280:4.2.1.3"),
        id="RFC5280:4.2.1.3",
    ),
    pytest.param(
        "RFC5280:4.2.1.3",
        "natural-qcp-n-qscd",
        lambda bench: bench.put(usage("key_cert_sign"), critical=True),
        marks=pytest.mark.req("RFC5280:4.2.1.3"),
        id="RFC5280:4.2.1.3",
    ),
    pytest.param(
        "RFC5280:4.2.1.3",
        "root",
        lambda bench: bench.put(usage("crl_sign"), critical=True),
        marks=pytest.mark.req("RFC5280:4.2.1.3"),
        id="RFC5280:4.2.1.3",
    ),
    pytest.param(
        "RFC5280:4.2.1.4",
        "natural-qcp-n-qscd",
        same_policy_twice,
        marks=pytest.mark.req("RFC5280:4.2.1.4"),
        id="RFC5280:4.2.1.4",
    ),
    pytest.param(
        "RFC5280:4.2.1.6",
        "tls-server",
        lambda bench: bench.put(NO_NAMES),
        marks=pytest.mark.req("RFC5280:4.2.1.6"),
        id="RFC5280:4.2.1.6",
    ),
    pytest.param(
        "RFC5280:4.2.1.6",
        "tls-server",
        lambda bench: bench.put(x509.SubjectAlternativeName([])),
        marks=pytest.mark.req("RFC5280:4.2.1.6"),
        id="RFC5280:4.2.1.6",
    ),
    *(
        pytest.param(
            "RFC5280:4.2.1.6-DNS",
            "tls-server",
            partial(with_dns_name, dns_name),
            marks=pytest.mark.req("RFC5280:4.2.1.6-DNS"),
            id=f"RFC5280:4.2.1.6-DNS {dns_name[:20]!r}",
        )
        for dns_name in NO_DNS_NAMES
    ),
    pytest.param(
        "RFC5280:4.2.1.9",
        "root",
        lambda bench: bench.flipped(x509.BasicConstraints.oid),
        marks=pytest.mark.req("RFC5280:4.2.1.9"),
        id="RFC5280:4.2.1.9",
    ),
    pytest.param(
        "RFC5280:4.2.1.9",
        "root",
        lambda bench: bench.without(x509.BasicConstraints),
        marks=pytest.mark.req("RFC5280:4.2.1.9"),
        id="RFC5280:4.2.1.9",
    ),
    pytest.param(
        "RFC5280:4.2.1.9",
        "natural-qcp-n-qscd",
        lambda bench: bench.put(x509.BasicConstraints(ca=True, path_length=None), critical=True),
        marks=pytest.mark.req("RFC5280:4.2.1.9"),
        id="RFC5280:4.2.1.9",
    ),
    pytest.param(
        "RFC5280:6.1.4",
        "sub-ca",
        below_a_closed_authority,
        marks=pytest.mark.req("RFC5280:6.1.4"),
        id="RFC5280:6.1.4",
    ),
    pytest.param(
        "RFC5280:4.2.1.12",
        "tls-server",
        lambda bench: bench.put(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])),
        marks=pytest.mark.req("RFC5280:4.2.1.12"),
        id="RFC5280:4.2.1.12",
    ),
    pytest.param(
        "RFC5280:4.2.1.12",
        "tls-server",
        lambda bench: bench.put(usage("key_agreement"), critical=True),
        marks=pytest.mark.req("RFC5280:4.2.1.12"),
        id="RFC5280:4.2.1.12",
    ),
    pytest.param(
        "RFC5280:4.2.1.13",
        "natural-qcp-n-qscd",
        distribution_point_without_a_place,
        marks=pytest.mark.req("RFC5280:4.2.1.13"),
        id="RFC5280:4.2.1.13",
    ),
    pytest.param(
        "RFC5280:4.2.1.13",
        "natural-qcp-n-qscd",
        lambda bench: bench.flipped(x509.CRLDistributionPoints.oid),
        marks=pytest.mark.req("RFC5280:4.2.1.13"),
        id="RFC5280:4.2.1.13",
    ),
    pytest.param(
        "RFC5280:4.2.2.1",
        "natural-qcp-n-qscd",
        access_by_directory_name,
        marks=pytest.mark.req("RFC5280:4.2.2.1"),
        id="RFC5280:4.2.2.1",
    ),
    pytest.param(
        "RFC5280:4.2.2.1",
        "natural-qcp-n-qscd",
        lambda bench: bench.flipped(x509.AuthorityInformationAccess.oid),
        marks=pytest.mark.req("RFC5280:4.2.2.1"),
        id="RFC5280:4.2.2.1",
    ),
    pytest.param(
        "RFC3280:4.2.1.4",
        "tsu",
        key_period_beyond,
        marks=pytest.mark.req("RFC3280:4.2.1.4"),
        id="RFC3280:4.2.1.4",
    ),
    pytest.param(
        "RFC3280:4.2.1.4",
        "tsu",
        key_period_before,
        marks=pytest.mark.req("RFC3280:4.2.1.4"),
        id="RFC3280:4.2.1.4",
    ),
    pytest.param(
        "RFC3280:4.2.1.4",
        "tsu",
        lambda bench: bench.flipped(x509.PrivateKeyUsagePeriod.oid),
        marks=pytest.mark.req("RFC3280:4.2.1.4"),
        id="RFC3280:4.2.1.4",
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


@pytest.mark.parametrize(
    "dns_name",
    ["a.test", "tsp", "*.foo.test", "A-1.test", "xn--bcher-kva.example", "a" * 63 + ".test", "4.a4"],
)
def test_dns_names_that_are_some(benches: Benches, dns_name: str) -> None:
    assert found_by_lints(with_dns_name(dns_name, benches["tls-server"])) == set()


@pytest.mark.req("RFC5280:4.1.2.6")
@pytest.mark.parametrize(("critical", "wrong"), [(True, False), (False, True)])
def test_critical_alternative_names_stand_for_a_subject_without_a_name(
    benches: Benches, *, critical: bool, wrong: bool
) -> None:
    names = x509.SubjectAlternativeName([x509.DNSName("a.test")])
    nameless = benches["tls-server"].named().put(names, critical=critical)
    assert ("RFC5280:4.1.2.6" in found_by_lints(nameless)) == wrong


@pytest.mark.req("RFC5280:4.1.2.5")
@pytest.mark.parametrize(
    ("first", "last", "wrong"),
    [
        (tlv(0x17, b"261124120000Z"), tlv(0x17, b"271124120000Z"), False),
        (tlv(0x17, b"261124120000Z"), tlv(0x17, b"261124115959Z"), True),
    ],
)
def test_a_validity_does_not_end_before_it_begins(
    benches: Benches, first: bytes, last: bytes, *, wrong: bool
) -> None:
    bench = benches["natural-qcp-n-qscd"]
    spoiled = spoil_tbs(bench.sign(), lambda parts: parts.__setitem__(4, tlv(0x30, first, last)))
    assert ("RFC5280:4.1.2.5" in found_by_lints(bench, spoiled)) == wrong
