"""Requests and names as they come in: strict, with sentences, and never another error than Malformed."""

from __future__ import annotations

import base64
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from est_testbed import request_of
from hypothesis import given
from hypothesis import strategies as st
from issuance_testbed import make_csr

from trustworks.core.der.encode import BIT_STRING, SEQUENCE, integer, oid, tlv
from trustworks.core.errors import Malformed, Refused
from trustworks.issuance.model import NAME_ORDER, NameAttribute
from trustworks.issuance.profiles.tbs import readable_name
from trustworks.issuance.rules.keys import check_possession
from trustworks.issuance.wire import (
    MAX_CSR,
    SHORT,
    as_stored,
    read_alternative_names,
    read_csr,
    read_limit,
    read_serial,
    read_subject,
)

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = make_csr()
PEM = x509.load_der_x509_csr(GOOD).public_bytes(Encoding.PEM)


def test_der_and_pem_are_read() -> None:
    assert read_csr(GOOD).der == read_csr(PEM).der == GOOD
    assert read_csr(b"\n" + PEM + b"\n\n").der == GOOD
    assert (
        read_csr(PEM.replace(b"BEGIN CERT", b"BEGIN NEW CERT").replace(b"END CERT", b"END NEW CERT")).der
        == GOOD
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"0",
        GOOD[:-1],
        GOOD + b"\0",
        PEM + b"junk",
        b"junk" + PEM,
        PEM + PEM,
        base64.b64encode(GOOD),
        PEM.replace(b"CERTIFICATE REQUEST", b"CERTIFICATE"),
        b"\x30\x80" + GOOD[4:] + b"\0\0",
    ],
)
def test_anything_else_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed, match="openssl req"):
        read_csr(data)


def test_a_flood_is_not_read() -> None:
    with pytest.raises(Malformed, match="65536"):
        read_csr(b"\x30" * (MAX_CSR + 1))


@given(st.binary(max_size=300))
def test_no_octets_raise_anything_else(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_csr(data)


@given(position=st.integers(0, len(GOOD) - 1), value=st.integers(0, 255))
def test_a_changed_octet_is_read_or_malformed(position: int, value: int) -> None:
    data = bytearray(GOOD)
    data[position] = value
    try:
        check_possession(read_csr(bytes(data)))
    except (Malformed, Refused):
        return
    assert bytes(data) == GOOD


def test_a_signature_of_an_unknown_kind_is_malformed() -> None:
    known = oid("1.2.840.10045.4.3.2")  # ecdsa-with-SHA256
    with pytest.raises(Malformed, match="not supported"):
        read_csr(GOOD.replace(known, oid("1.2.840.10045.4.3.9")))


def test_a_name_that_is_no_text_is_malformed() -> None:
    octets = request_of(ec.generate_private_key(ec.SECP256R1()), "pump 1 TEST")
    with pytest.raises(Malformed, match="openssl req"):
        read_csr(octets.replace(b"pump 1", b"pum\x97 1"))


@pytest.mark.req("TRUSTWORKS:ISSUANCE-ALTERNATIVE-NAMES")
def test_names_of_other_kinds_are_malformed_where_they_are_asked_for() -> None:
    mail = x509.SubjectAlternativeName([x509.RFC822Name("a@example.com")])
    found = read_csr(make_csr(None, None, mail))
    with pytest.raises(Malformed, match=r"neither a DNS name nor.*--alternative-name"):
        read_alternative_names(found)


def test_extensions_that_cannot_be_read_are_malformed_where_they_are_asked_for() -> None:
    broken = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"junk")
    found = read_csr(make_csr(None, None, broken))
    with pytest.raises(Malformed, match="--alternative-name"):
        read_alternative_names(found)


def test_what_the_request_asks_for_is_told() -> None:
    found = read_csr(
        make_csr(
            ec.generate_private_key(ec.SECP384R1()),
            None,
            x509.SubjectAlternativeName(
                [x509.DNSName("a.example.com"), x509.IPAddress(ip_address("2001:db8::1"))]
            ),
            x509.BasicConstraints(ca=True, path_length=None),
        )
    )
    assert read_alternative_names(found) == ("DNS:a.example.com", "IP:2001:db8::1")
    assert read_alternative_names(read_csr(GOOD)) == ()


def test_subjects_are_read_by_short_and_long_names_in_any_order() -> None:
    assert read_subject("CN=Anna TEST, c=XX,O = A\\, B Ltd") == (
        NameAttribute("commonName", "Anna TEST"),
        NameAttribute("countryName", "XX"),
        NameAttribute("organizationName", "A, B Ltd"),
    )
    for name in (*NAME_ORDER, *SHORT):
        assert read_subject(f"{name}=x")[0].value == "x"


@pytest.mark.parametrize("text", ["", "CN", "CN=", "=x", "XY=1", "CN=a,,C=b", "CN=a\nb", "CN=\x00", "/CN=a"])
def test_a_subject_that_is_none_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        read_subject(text)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r"A\\", "A\\"),
        (r"A\\\, B", "A\\, B"),
        (r"\"A\" \+ \<B\>\; \=", '"A" + <B>; ='),
        (r"\#1", "#1"),
        ("A #1 = 2", "A #1 = 2"),
        (r" \ A\ \  ", " A  "),
        (r"M\C3\BCller", "M\u00fcller"),
        (r"Lu\C4\8Di\C4\87", "Lu\u010di\u0107"),  # the example of RFC 4514, 4
    ],
)
def test_values_are_escaped_as_rfc_4514_says(written: str, value: str) -> None:
    assert read_subject(f"C=XX,CN={written},O=TEST") == (
        NameAttribute("countryName", "XX"),
        NameAttribute("commonName", value),
        NameAttribute("organizationName", "TEST"),
    )


@pytest.mark.parametrize(
    "value", ["A\\", r"A\x", r"\C3", r"A\00", "A+B", 'A"', "A;B", "<A", "#0403", "\udcff"]
)
def test_what_is_not_escaped_is_malformed(value: str) -> None:
    with pytest.raises(Malformed):
        read_subject(f"CN={value}")


VALUES = st.text(
    st.characters(exclude_categories=["C", "Z"], include_characters=" ") | st.sampled_from('\\"+,;<>=# ab0'),
    min_size=1,
    max_size=20,
)


@given(
    types=st.lists(
        st.sampled_from([one for one in NAME_ORDER if not one.lower().endswith("countryname")]),
        min_size=1,
        unique=True,
    ),
    data=st.data(),
)
def test_a_name_as_it_is_listed_is_read_again(types: list[str], data: st.DataObject) -> None:
    name = tuple(NameAttribute(one, data.draw(VALUES)) for one in types)
    assert read_subject(readable_name(name))[::-1] == name
    for attribute in name:  # and each of its values is found in it; one with a backslash as it is listed
        if "\\" not in attribute.value:
            assert as_stored(attribute.value).strip(" #") in readable_name(name)


def test_what_is_escaped_already_and_whole_names_are_looked_for_as_they_are() -> None:
    assert as_stored("A, B TEST") == r"A\, B TEST"
    assert as_stored(r"A\, B TEST") == r"A\, B TEST"
    assert as_stored("CN=Anna TEST,C=XX") == "CN=Anna TEST,C=XX"
    assert as_stored("a\\b") == r"a\\b"


def test_serials_are_read_as_people_write_them() -> None:
    assert read_serial("0x1A:2b") == "1a2b".rjust(40, "0")
    for text in ("", "xyz", "1" * 41, "-1", "0x"):
        with pytest.raises(Malformed):
            read_serial(text)


@pytest.mark.parametrize(
    ("text", "amount", "exponent"),
    [("EUR 5000", 5, 3), ("EUR 1", 1, 0), ("EUR 0", 0, 0), ("EUR 000", 0, 0), ("EUR 0120", 12, 1)],
)
def test_a_limit_is_written_short(text: str, amount: int, exponent: int) -> None:
    found = read_limit(text)
    assert (found.currency, found.amount, found.exponent) == ("EUR", amount, exponent)


@pytest.mark.parametrize("text", ["", "EUR", "5000 EUR", "eur 5", "EUR -5", "EUR 5.00", "EUR  5", "EUR 5\n"])
def test_what_is_no_limit_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="such as EUR 5000"):
        read_limit(text)


def _with_point(change: Callable[[bytes], bytes]) -> bytes:
    """A request whose key is another point than the one that was made; nothing else is right either."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    algorithm = spki[2:23]
    marked = tlv(SEQUENCE, algorithm, tlv(BIT_STRING, b"\0", change(point)))
    asked = tlv(SEQUENCE, integer(0), tlv(SEQUENCE), marked, tlv(0xA0))
    how = tlv(SEQUENCE, oid("1.2.840.10045.4.3.2"))
    return tlv(SEQUENCE, asked, how, tlv(BIT_STRING, b"\0", key.sign(asked, ec.ECDSA(hashes.SHA256()))))


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-EC-POINT")
@pytest.mark.parametrize(
    "change",
    [
        lambda point: point[:-1] + bytes([point[-1] ^ 1]),
        lambda _: b"\0",
        lambda _: b"\4" + bytes(64),
        lambda point: point[:33],
        lambda point: b"\4" + b"\xff" * 32 + point[33:],
    ],
    ids=["beside-the-curve", "infinity", "zero", "cut", "no-residue"],
)
def test_what_is_no_point_of_the_curve_is_no_key(change: Callable[[bytes], bytes]) -> None:
    assert read_csr(_with_point(lambda point: point)).is_signature_valid
    with pytest.raises(Refused, match="no point of a named elliptic curve"):
        read_csr(_with_point(change))
