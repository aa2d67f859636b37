"""Certificates, lists and answers of others: what is read of them, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from counted_work import calls_at_most
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from foreign_pki import DAY, NOW, RICH, ROOT, Entity, path_of
from mutations import replaced

from trustworks.core.der.encode import BIT_STRING, BOOLEAN, NULL, OCTET_STRING, SEQUENCE, integer, oid, tlv
from trustworks.core.errors import Malformed
from trustworks.core.pki.building import Path
from trustworks.core.pki.tokens import Certificate, Limits, OcspAnswer, RevocationList
from trustworks.core.pki.validation import validate_path

if TYPE_CHECKING:
    from collections.abc import Callable


def test_everything_that_a_certificate_says_is_read() -> None:
    read = RICH.token
    assert read.sha256 == RICH.x509.fingerprint(hashes.SHA256())
    assert (read.version, read.serial) == (3, RICH.x509.serial_number)
    assert (read.not_before, read.not_after) == (NOW - DAY, NOW + DAY)
    assert read.subject.text == "CN=signer,O=Examples,C=XX"
    assert read.issuer == ROOT.token.subject
    assert (read.key.kind, read.key.bits, read.key.curve) == ("ec", 256, "secp256r1")
    assert read.key.why_not is None
    assert read.signature_algorithm is not None
    assert (read.signature_algorithm.padding, read.signature_algorithm.hash) == ("ecdsa", "sha256")
    assert read.key_usage == frozenset({"digitalSignature", "nonRepudiation"})
    assert not read.is_ca
    assert read.extended_key_usage == ("1.3.6.1.5.5.7.3.4",)
    assert [one.oid for one in read.policies or ()] == ["1.3.9999.1"]
    assert len((read.policies or ())[0].qualifiers) == 1
    assert read.subject_key_identifier == b"own"
    above = read.authority_key_identifier
    assert above is not None
    assert (above.key_identifier, above.serial) == (b"above", 7)
    assert [one.value for one in above.issuer] == [ROOT.token.subject]
    assert [(one.form, one.value) for one in read.subject_alt_names] == [("email", "signer@example.org")]
    (point,) = read.crl_distribution_points
    assert point.name is not None
    assert [one.value for one in point.name.full] == ["http://example.org/1.crl"]
    assert point.reasons == frozenset({1})
    assert read.ocsp_urls == ("http://example.org/ocsp",)
    assert read.ca_issuers_urls == ("http://example.org/ca.cer",)
    assert read.qc_statements == b"\x30\x00"
    assert read.has_ocsp_no_check
    assert not read.has_no_rev_avail
    assert not read.is_validity_assured_short_term
    assert read.private_key_usage_period == (NOW, None)
    assert read.faults == {}
    assert read.has("2.5.29.15")
    assert read.is_critical("2.5.29.15")
    assert not read.is_critical("2.5.29.14")
    assert ROOT.token.is_self_signed
    assert not read.is_self_signed


def test_the_same_octets_are_the_same_certificate() -> None:
    assert Certificate.read(RICH.der) is Certificate.read(bytes(bytearray(RICH.der)))
    other = Certificate.read(RICH.der, Limits(extensions=999))
    assert other == RICH.token
    assert hash(other) == hash(RICH.token)
    assert other != ROOT.token


# Lenience: what real certificates have


def resigned(old: bytes, new: bytes) -> Certificate:
    """The rich certificate with other octets in it, signed again."""
    tbs = replaced(RICH.x509.tbs_certificate_bytes, old, new)
    signature = ROOT.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    algorithm = tlv(SEQUENCE, oid("1.2.840.10045.4.3.2"))
    return Certificate.read(tlv(SEQUENCE, tbs, algorithm, tlv(BIT_STRING, b"\0", signature)))


def test_defaults_that_are_written_out_are_no_fault() -> None:
    plain = tlv(SEQUENCE, oid("2.5.29.14"), tlv(OCTET_STRING, tlv(OCTET_STRING, b"own")))
    written = tlv(
        SEQUENCE, oid("2.5.29.14"), tlv(BOOLEAN, b"\0"), tlv(OCTET_STRING, tlv(OCTET_STRING, b"own"))
    )
    read = resigned(plain, written)
    with pytest.raises(ValueError, match=r"extension|parsing|DER"):
        _ = x509.load_der_x509_certificate(read.der).extensions
    assert read.subject_key_identifier == b"own"
    assert not read.is_critical("2.5.29.14")
    assert validate_path(Path((read,), ROOT.anchor), at=NOW).ok


def test_an_extension_that_cannot_be_read_spoils_no_other() -> None:
    read = resigned(tlv(OCTET_STRING, b"own"), tlv(NULL))
    assert list(read.faults) == ["2.5.29.14"]
    assert read.subject_key_identifier is None
    assert read.key_usage == frozenset({"digitalSignature", "nonRepudiation"})
    assert validate_path(Path((read,), ROOT.anchor), at=NOW).ok


def test_an_extension_that_is_there_twice_is_a_fault() -> None:
    read = resigned(oid("2.5.29.14"), oid("2.5.29.15"))
    assert "twice" in read.faults["2.5.29.15"]
    verdict = validate_path(Path((read,), ROOT.anchor), at=NOW)
    assert [str(one.code) for one in verdict.failures] == ["extension-unreadable"]


def test_algorithms_inside_and_outside_are_the_same() -> None:
    algorithm = tlv(SEQUENCE, oid("1.2.840.10045.4.3.2"))
    read = resigned(algorithm, tlv(SEQUENCE, oid("1.2.840.10045.4.3.3")))
    verdict = validate_path(Path((read,), ROOT.anchor), at=NOW)
    assert [str(one.code) for one in verdict.failures] == ["algorithm"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b"\x17\x0d991231235959Z", datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"\x17\x0b4912312359Z", datetime(2049, 12, 31, 23, 59, tzinfo=UTC)),
        (b"\x17\x0f2601010200+0200", datetime(2026, 1, 1, tzinfo=UTC)),
        (b"\x18\x1220260101000000.5Z\x00", None),
        (b"\x18\x1120260101000000.5Z", datetime(2026, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)),
        (b"\x18\x0f99991231235959Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"\x18\x0f00000101000000Z", None),
        (b"\x17\x0d261301000000Z", None),
        (b"\x17\x00", None),
    ],
)
def test_times_as_they_are_written(written: bytes, expected: datetime | None) -> None:
    old = b"\x17\x0d" + (NOW - DAY).strftime("%y%m%d%H%M%SZ").encode()
    if expected is None:
        with pytest.raises(Malformed):
            resigned(old, written)
    else:
        assert resigned(old, written).not_before == expected


# Lists and answers


def test_a_list_that_is_no_der_is_walked() -> None:
    listed = ROOT.crl([(RICH, {})])
    serial = tlv(0x02, integer(RICH.token.serial)[2:])
    padded = tlv(0x02, b"\0" + integer(RICH.token.serial)[2:])
    lenient = RevocationList.read(replaced(listed.der, serial, padded))
    assert not lenient.is_strict
    assert lenient.find(RICH.token.serial) is not None
    assert listed.is_strict
    assert [one.serial for one in listed.revoked()] == [RICH.token.serial]
    assert listed.find(1) is None


def test_what_merely_looks_like_an_entry_is_none() -> None:
    """The octets of one serial number within an extension of another's entry."""
    inner = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.9999.7"), integer(RICH.token.serial))
    listed = ROOT.crl([(ROOT, {"extensions": [(inner, False)]})])
    assert integer(RICH.token.serial) in listed.der
    assert listed.is_strict
    assert listed.find(RICH.token.serial) is None
    assert listed.find(ROOT.token.serial) is not None
    both = ROOT.crl([(ROOT, {"extensions": [(inner, False)]}), (RICH, {})])
    assert both.find(RICH.token.serial) is not None


def test_an_answer_is_read_with_or_without_its_envelope() -> None:
    answer = ROOT.answer(RICH, ROOT)
    inner = answer.der[answer.der.index(oid("1.3.6.1.5.5.7.48.1.1")) + 11 :]
    basic = OcspAnswer.read(inner[4 if inner[1] == 0x82 else 3 if inner[1] == 0x81 else 2 :])
    assert basic.responses == answer.responses
    assert basic.produced_at == answer.produced_at
    assert basic.signed is not None
    assert basic.signed.check(ROOT.token.key) == "ok"
    assert str(answer).startswith("the OCSP answer of ")
    assert str(ROOT.crl()).startswith("the revocation list of CN=root")


@pytest.mark.parametrize("read", [Certificate.read, RevocationList.read, OcspAnswer.read])
@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x80" * 20_000,
        bytes(1000),
        b"\x30\x03\x02\x01\x00",
        b"\x0a\x01\x00",
        tlv(SEQUENCE, b"\x30\x00" * 3),
        tlv(SEQUENCE, *[tlv(SEQUENCE)] * 50_000),
        RICH.der + b"\0",
        RICH.der[:-1],
    ],
)
def test_what_is_no_token_is_malformed(read: Callable[[bytes], object], octets: bytes) -> None:
    with calls_at_most(300_000), pytest.raises(Malformed) as caught:
        read(octets)
    assert str(caught.value).endswith(".")


def test_what_is_larger_than_the_limits_is_refused() -> None:
    small = Limits(certificate_octets=100, list_octets=100, answer_octets=100)
    for read, octets in (
        (Certificate.read, RICH.der),
        (RevocationList.read, ROOT.crl().der),
        (OcspAnswer.read, ROOT.answer(RICH, ROOT).der),
    ):
        with pytest.raises(Malformed, match="more than the 100 that are read"):
            read(octets, small)
    with pytest.raises(Malformed, match="extensions, more than the 3"):
        Certificate.read(RICH.der, Limits(extensions=3))


def test_names_of_megabytes_and_a_thousand_extensions_cost_little() -> None:
    attributes = b"".join(
        tlv(0x31, tlv(SEQUENCE, oid("2.5.4.3"), tlv(0x0C, ("\u00e4" * 2000).encode()))) for _ in range(150)
    )
    old = RICH.token.subject.der
    large = resigned(old, tlv(SEQUENCE, attributes))
    with calls_at_most(20_000):
        assert validate_path(Path((large,), ROOT.anchor), at=NOW).ok
    many = [
        (x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.3.9999.{number}"), b"\x05\x00"), False)
        for number in range(900)
    ]
    path = path_of(Entity("many", ROOT, ca=False, extensions=many), ROOT)
    with calls_at_most(20_000):
        assert validate_path(path, at=NOW).ok
