"""Whether a certificate is for a web site."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.errors import Malformed
from trustworks.core.pki.certificate import Certificate
from trustworks.validation.qualification.site_names import read_site, site_match

KEY = ec.generate_private_key(ec.SECP256R1())


def named(*names: str, common_name: str = "common.example") -> Certificate:
    """A certificate with these alternative names."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    found = [
        x509.IPAddress(ip_address(one)) if one[0].isdigit() or ":" in one else x509.DNSName(one)
        for one in names
    ]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2025, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
    )
    if found:
        builder = builder.add_extension(x509.SubjectAlternativeName(found), critical=False)
    return Certificate.read(builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER))


def match(asked: str, *names: str) -> str | None:
    return site_match(named(*names), read_site(asked)).matching


@pytest.mark.req("RFC9525:6.3")
def test_a_domain_is_that_of_the_certificate_whatever_its_case() -> None:
    assert match("WWW.Example.org.", "other.example", "www.eXample.org") == "www.eXample.org"
    for asked in ("example.org", "a.www.example.org", "www.example.com", "common.example"):
        assert match(asked, "www.example.org") is None
    assert match("common.example") is None  # the subject's common name is no name of a server
    assert site_match(named("a.example", "192.0.2.1"), read_site("b.example")).names == (
        "a.example",
        "192.0.2.1",
    )


@pytest.mark.req("RFC9525:6.3-WILDCARD")
def test_a_star_is_one_whole_label_and_the_first() -> None:
    assert match("www.example.org", "*.example.org") == "*.example.org"
    for asked, presented in (
        ("example.org", "*.example.org"),
        ("a.b.example.org", "*.example.org"),
        ("www.example.org", "w*.example.org"),
        ("www.example.org", "www.*.org"),
        ("www.example.org", "*.*.org"),
        ("example.org", "*.org"),
        ("org", "*"),
    ):
        assert match(asked, presented) is None, presented


@pytest.mark.req("RFC9525:6.4")
def test_an_address_is_compared_by_its_octets() -> None:
    assert match("192.0.2.1", "192.0.2.1") == "192.0.2.1"
    assert match("2001:DB8:0::1", "2001:db8::1") == "2001:db8::1"
    for asked, presented in (("192.0.2.2", "192.0.2.1"), ("192.0.2.1", "a.example"), ("a.example", "::1")):
        assert match(asked, presented) is None


def test_letters_whose_small_form_is_another_are_others() -> None:
    octets = named("abc.example").der.replace(b"abc.example", "\u212a.example".encode())
    found = site_match(Certificate.read(octets), read_site("k.example"))
    assert (found.names, found.matching) == (("\u212a.example",), None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "https://a.example",
        "a..example",
        "a.example:443",
        "\u212a.example",
        "*.example.org",
        "x" * 300,
    ],
)
def test_what_is_no_name_of_a_site_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="no name of a web site"):
        read_site(text)
