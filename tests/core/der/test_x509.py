"""qcStatements and TBSCertificate as data: what is written is what others read, and junk is malformed."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from asn1crypto.core import Any as AnyValue
from asn1crypto.core import ObjectIdentifier as Oid
from asn1crypto.core import Sequence, SequenceOf
from asn1crypto.csr import CertificationRequest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Name, NameAttribute, ObjectIdentifier
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.der import qc_statements as qcs
from trustworks.core.der import x509 as der
from trustworks.core.der.encode import SEQUENCE, tlv
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from pathlib import Path

PDS = (("en", "https://tsp.example.com/en.pdf"), ("de", "https://tsp.example.com/de.pdf"))
ALL = (
    qcs.compliance(),
    qcs.sscd(),
    qcs.qc_type(qcs.QC_TYPE_ESEAL),
    qcs.pds(PDS),
    qcs.semantics(qcs.SEMANTICS_LEGAL),
)


class Statement(Sequence):  # type: ignore[misc]
    _fields = [("id", Oid), ("info", AnyValue, {"optional": True})]  # noqa: RUF012


class Statements(SequenceOf):  # type: ignore[misc]
    _child_spec = Statement


def test_what_is_written_is_read() -> None:
    found = qcs.read_qc_statements(qcs.write_qc_statements(ALL))
    assert found.ids == (
        qcs.QC_COMPLIANCE,
        qcs.QC_SSCD,
        qcs.QC_TYPE,
        qcs.QC_PDS,
        qcs.QC_SYNTAX_V2,
    )
    assert found.types == (qcs.QC_TYPE_ESEAL,)
    assert found.pds == PDS
    assert found.semantics == (qcs.SEMANTICS_LEGAL,)


def test_another_decoder_reads_the_same_statements() -> None:
    octets = qcs.write_qc_statements(ALL)
    other = Statements.load(octets, strict=True)
    assert tuple(one["id"].dotted for one in other) == qcs.read_qc_statements(octets).ids
    assert other[3]["info"].native is not None


def test_limits_and_periods_are_written_as_the_standard_says() -> None:
    limit = qcs.LimitStatement(
        statement_id=ObjectIdentifier(qcs.QC_LIMIT_VALUE),
        statement_info=qcs.MonetaryValue(currency=asn1.PrintableString("EUR"), amount=5, exponent=3),
    )
    period = qcs.NumberStatement(statement_id=ObjectIdentifier(qcs.QC_RETENTION_PERIOD), statement_info=10)
    octets = qcs.write_qc_statements([limit, period])
    assert bytes.fromhex("300b1303455552020105020103") in octets
    assert octets.endswith(bytes.fromhex("02010a"))
    assert qcs.read_qc_statements(octets).ids == (qcs.QC_LIMIT_VALUE, qcs.QC_RETENTION_PERIOD)


def test_a_statement_that_is_there_twice_is_seen_twice() -> None:
    found = qcs.read_qc_statements(qcs.write_qc_statements([qcs.sscd(), qcs.sscd()]))
    assert found.ids == (qcs.QC_SSCD, qcs.QC_SSCD)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x30",
        tlv(SEQUENCE, b"\x05\x00"),
        tlv(SEQUENCE, qcs.write_qc_statements([qcs.sscd()])) + b"\0",
        # QcType with a number where its identifiers belong
        tlv(SEQUENCE, tlv(SEQUENCE, bytes.fromhex("060604008e460106"), b"\x02\x01\x01")),
    ],
)
def test_junk_is_malformed(octets: bytes) -> None:
    with pytest.raises(Malformed):
        qcs.read_qc_statements(octets)


@given(st.binary(max_size=200))
def test_no_octets_raise_anything_else(octets: bytes) -> None:
    for read in (qcs.read_qc_statements, der.read_certificate):
        try:
            read(octets)
        except Malformed:
            continue


def test_names_are_told_in_words() -> None:
    name = Name(
        [
            NameAttribute(NameOID.COUNTRY_NAME, "XX"),
            NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, "NTRXX-TEST-0001"),
        ]
    )
    assert der.name_in_words(name) == "organizationIdentifier=NTRXX-TEST-0001,C=XX"


def test_a_name_moves_no_terminal() -> None:
    name = Name([NameAttribute(NameOID.COMMON_NAME, "A\x1b[2J\x07B\n ok")])
    assert der.name_in_words(name) == r"CN=A\x1b[2J\x07B\n ok"


def test_a_name_is_read_as_it_was_written() -> None:
    name = Name(
        [
            NameAttribute(NameOID.COUNTRY_NAME, "XX"),
            NameAttribute(NameOID.COMMON_NAME, "Größe"),
        ]
    )
    assert der.read_name(name.public_bytes()) == name
    for wrong in (
        b"",
        b"\x30\x02\x05\x00",
        name.public_bytes()[:-1],
        name.public_bytes().replace(b"XX", b"X\xff"),
    ):
        with pytest.raises(Malformed):
            der.read_name(wrong)


TAGS = {"UTF8": 12, "NUMERIC": 18, "PRINTABLE": 19, "T61": 20, "IA5": 22, "UNIV": 28, "BMP": 30}


def openssl(tmp_path: Path, kind: str, value: bytes, attribute: str) -> str:
    """A name of one attribute as OpenSSL prints it, out of a request that it took."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateSigningRequestBuilder().subject_name(Name([])).sign(key, hashes.SHA256())
    request = CertificationRequest.load(made.public_bytes(Encoding.DER))
    info = request["certification_request_info"]
    parts = (info["version"].dump(), directory_name(kind, value, attribute), info["subject_pk_info"].dump())
    octets = tlv(
        SEQUENCE,
        tlv(SEQUENCE, *parts, b"\xa0\0"),
        request["signature_algorithm"].dump(),
        request["signature"].dump(),
    )
    file = tmp_path / "request.der"
    file.write_bytes(octets)
    command = ["openssl", "req", "-inform", "DER", "-in", str(file), "-noout", "-subject"]
    found = subprocess.run([*command, "-nameopt", "RFC2253,-esc_msb,utf8"], capture_output=True, check=True)
    return found.stdout.decode().strip().removeprefix("subject=")


def directory_name(kind: str, value: bytes, attribute: str) -> bytes:
    one = tlv(SEQUENCE, asn1.encode_der(ObjectIdentifier(attribute)), tlv(TAGS[kind], value))
    return tlv(SEQUENCE, tlv(0x31, one))


@pytest.mark.interop
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("UTF8", "Gr\u00fc\u00dfe \u20ac \U0001f600".encode()),
        ("NUMERIC", b"12 3"),
        ("PRINTABLE", b"A plain name"),
        ("PRINTABLE", b""),
        ("PRINTABLE", b"long" * 25),
        ("T61", "Gr\u00fc\u00dfe".encode("latin-1")),
        ("IA5", b"tsa@example.com"),
        ("UNIV", "Gr\u00fc\u00dfe \U0001f600".encode("utf-32-be")),
        ("BMP", "Gr\u00fc\u00dfe \u20ac".encode("utf-16-be")),
    ],
)
@pytest.mark.parametrize("attribute", [NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME])
def test_text_of_every_kind_is_read_as_openssl_reads_it(
    tmp_path: Path, kind: str, value: bytes, attribute: ObjectIdentifier
) -> None:
    read = der.read_name(directory_name(kind, value, attribute.dotted_string))
    assert read.rfc4514_string() == openssl(tmp_path, kind, value, attribute.dotted_string)


@pytest.mark.parametrize(
    ("kind", "value"), [("BMP", b"abc"), ("BMP", b"\xd8\x00"), ("UNIV", b"\0\x11\0\0"), ("UTF8", b"\xff")]
)
def test_text_that_is_none_of_its_kind_is_no_name(kind: str, value: bytes) -> None:
    with pytest.raises(Malformed):
        der.read_name(directory_name(kind, value, "2.5.4.3"))


def test_a_value_that_is_no_text_is_no_name() -> None:
    one = tlv(SEQUENCE, asn1.encode_der(NameOID.COMMON_NAME), tlv(SEQUENCE, b""))
    with pytest.raises(Malformed):
        der.read_name(tlv(SEQUENCE, tlv(0x31, one)))
