"""A key signs what a signature is over, and nothing else that a process could make of documents."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from cryptography import x509
from signing_forms import FORMS, asked
from signing_house import house

from trustworks.core.der import cms
from trustworks.core.der.encode import SEQUENCE, SET, oid, tlv
from trustworks.formats.jades.base64url import encode
from trustworks.signing.create.prepared import prepare
from trustworks.signing.model import Format
from trustworks.signing.rules.dtbs import fault_of

pytestmark = pytest.mark.req("TRUSTWORKS:SIGNING-SEAL-FORM")
ME = house().person()
DS = "http://www.w3.org/2000/09/xmldsig#"
OF_FORMAT = {
    Format.XADES: "xades-enveloped",
    Format.CADES: "cades-detached",
    Format.PADES: "pades",
    Format.JADES: "jades-flattened",
}


def octets_of(form: str) -> bytes:
    return prepare(asked(form), ME.signer).dtbs.octets


@pytest.mark.parametrize("form", FORMS)
def test_every_form_passes(form: str) -> None:
    assert fault_of(octets_of(form), format=asked(form).format, certificate=ME.certificate) is None


@pytest.mark.parametrize("hash_name", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("format_", Format)
def test_every_hash_function_passes(format_: Format, hash_name: str) -> None:
    request = asked(OF_FORMAT[format_], hash_name=hash_name)
    octets = prepare(request, ME.signer).dtbs.octets
    assert fault_of(octets, format=format_, certificate=ME.certificate) is None


OTHERS = {
    "nothing": b"",
    "a certificate": x509.load_der_x509_certificate(ME.certificate).tbs_certificate_bytes,
    "text": b"I owe you a thousand euros.",
    "deep XML": b"<a>" * 10_000,
    "a header alone": b"e30.",
    "an empty set": b"\x31\x00",
    "an endless set": b"\x31\x80",
}


@pytest.mark.parametrize("format_", Format)
@pytest.mark.parametrize("name", OTHERS)
def test_anything_else_is_at_fault(format_: Format, name: str) -> None:
    assert fault_of(OTHERS[name], format=format_, certificate=ME.certificate)


@pytest.mark.parametrize("format_", Format)
@pytest.mark.parametrize("other", Format)
def test_a_signature_of_another_format_is_at_fault(format_: Format, other: Format) -> None:
    same = {format_, other} <= {Format.CADES, Format.PADES} or format_ is other
    found = fault_of(octets_of(OF_FORMAT[other]), format=format_, certificate=ME.certificate)
    assert (found is None) is same


@pytest.mark.parametrize("format_", [Format.CADES, Format.PADES, Format.JADES])
def test_another_certificate_is_at_fault(format_: Format) -> None:
    other = house().person("P-384").certificate
    found = fault_of(octets_of(OF_FORMAT[format_]), format=format_, certificate=other)
    assert found is not None
    assert "of another certificate" in found


def attributes(*without: str, **instead: bytes) -> bytes:
    kept = {one.type.dotted_string: one for one in cms.attributes_in(octets_of("cades-detached"))}
    from cryptography.hazmat import asn1  # noqa: PLC0415 - here alone

    found = {name: asn1.encode_der(one) for name, one in kept.items() if name not in without} | instead
    return tlv(SET, *sorted(found.values()))


def test_attributes_lack_nothing() -> None:
    def fault(octets: bytes) -> str | None:
        return fault_of(octets, format=Format.CADES, certificate=ME.certificate)

    assert fault(attributes()) is None
    assert fault(attributes(cms.CONTENT_TYPE)) is None  # a counter-signature
    assert fault(attributes(cms.MESSAGE_DIGEST)) == "it has no message digest"
    assert fault(attributes(cms.SIGNING_CERTIFICATE_V2)) == "it has no signing-certificate-v2"
    token = tlv(SEQUENCE, oid(cms.CONTENT_TYPE), tlv(SET, oid("1.2.840.113549.1.9.16.1.4")))
    assert fault(attributes(cms.CONTENT_TYPE, token=token)) == "its content type is another than data"
    empty = tlv(SEQUENCE, oid(cms.MESSAGE_DIGEST), tlv(SET))
    assert fault(attributes(twice=empty)) == "an attribute is in it twice"
    none = tlv(SEQUENCE, oid(cms.SIGNING_CERTIFICATE_V2), tlv(SET, tlv(SEQUENCE, tlv(SEQUENCE))))
    assert fault(attributes(cms.SIGNING_CERTIFICATE_V2, none=none)) == "it has no signing-certificate-v2"
    assert fault(octets_of("cades-detached") + b"\x00") == "it is no SET of attributes in DER"


def test_a_signed_info_is_canonical_and_has_its_parts() -> None:
    octets = octets_of("xades-enveloped")

    def fault(changed: bytes) -> str | None:
        assert changed != octets
        return fault_of(changed, format=Format.XADES, certificate=ME.certificate)

    assert fault(b" " + octets) is not None
    assert fault(octets.replace(b"><", b" ><", 1)) == "it is no ds:SignedInfo in canonical form"
    assert (
        fault(octets.replace(b"#SignedProperties", b"#Other")) == "it has no reference to signed properties"
    )
    bare = f'<ds:SignedInfo xmlns:ds="{DS}"></ds:SignedInfo>'.encode()
    assert fault(bare) == "it has not the parts of a ds:SignedInfo"
    more = octets.replace(b"</ds:SignedInfo>", b"<ds:Object></ds:Object></ds:SignedInfo>")
    assert fault(more) == "it has other parts than a ds:SignedInfo"
    assert fault(octets.replace(b"SignedInfo", b"Manifest")) == "it is no ds:SignedInfo in canonical form"


def test_a_header_names_this_certificate_and_no_other() -> None:
    digest = hashlib.sha256(ME.certificate).digest()
    mine = {"x5t#S256": encode(digest).decode()}
    chain = {"x5c": [base64.b64encode(ME.certificate).decode()]}
    wrong = {"x5c": [base64.b64encode(house().root.der).decode()]}
    old = hashlib.new("sha1", ME.certificate, usedforsecurity=False).digest()
    weak = {"x5t#o": {"digAlg": "S1", "digVal": encode(old).decode()}}

    def fault(header: object) -> str | None:
        octets = encode(json.dumps(header).encode()) + b".payload"
        return fault_of(octets, format=Format.JADES, certificate=ME.certificate)

    assert [fault(one) for one in (mine, chain, mine | chain)] == [None] * 3
    odd: list[object] = [{}, {"x5t#S256": 1}, {"x5t#o": 1}, {"x5c": {}}, {"x5t#S256": "?"}]
    for other in (wrong, mine | wrong, weak, *odd):
        assert fault(other) == "its header is of another certificate"
    assert fault([]) == "its header is none of a signature"
    padded = encode(json.dumps(mine).encode()) + b"=.payload"
    assert fault_of(padded, format=Format.JADES, certificate=ME.certificate) is not None
