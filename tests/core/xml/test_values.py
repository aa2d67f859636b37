from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree
from xml_signatures import ECDSA_SHA256, METHODS, RSA_SHA256, Signer, key, octets_of, signed

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.xml import algorithms
from trustworks.core.xml.algorithms import DS, DS11, ENC, MORE, MORE_2007, SIGNATURES
from trustworks.core.xml.build import Plan, Wanted, sign_within, signature_over
from trustworks.core.xml.document import Document
from trustworks.core.xml.dsig import Signature, read_signature, signatures_in
from trustworks.core.xml.parse import parse
from trustworks.core.xml.references import resolve_all
from trustworks.core.xml.values import verify, verify_value

EVERY = [method for methods in METHODS.values() for method in methods]
PSS_PARAMETERS = (
    f'<p:RSAPSSParams xmlns:p="{MORE_2007}" xmlns:d="{DS}"><d:DigestMethod Algorithm="{ENC}sha512"/>'
    f'<p:MaskGenerationFunction Algorithm="{MORE_2007}MGF1"><d:DigestMethod Algorithm="{MORE}sha384"/>'
    "</p:MaskGenerationFunction><p:SaltLength>20</p:SaltLength><p:TrailerField>1</p:TrailerField>"
    "</p:RSAPSSParams>"
)


def read(octets: bytes) -> Signature:
    document = Document.of(octets)
    return read_signature(next(signatures_in(document.root)), document)


def with_method(uri: str, inner: str = "", value: bytes = b"AAAA") -> Signature:
    return read(
        f'<Signature xmlns="{DS}"><SignedInfo><CanonicalizationMethod Algorithm="{algorithms.C14N}"/>'
        f'<SignatureMethod Algorithm="{uri}">{inner}</SignatureMethod></SignedInfo>'
        f"<SignatureValue>{base64.b64encode(value).decode()}</SignatureValue></Signature>".encode()
    )


@pytest.mark.parametrize(
    ("removed", "message"),
    [
        ("SignedInfo", "no SignedInfo"),
        ("SignatureValue", "no SignatureValue"),
        ("SignedInfo/CanonicalizationMethod", "no CanonicalizationMethod"),
        ("SignedInfo/SignatureMethod", "no SignatureMethod"),
        ("SignedInfo/Reference/DigestMethod", "no DigestMethod"),
        ("SignedInfo/Reference/DigestValue", "no DigestValue"),
    ],
)
def test_a_signature_that_lacks_a_part_is_malformed(removed: str, message: str) -> None:
    root = parse(octets_of(signed(b"<doc/>")))
    path = "//" + "/".join(f"*[local-name() = '{name}']" for name in removed.split("/"))
    found: Any = root.xpath(path)
    found[0].getparent().remove(found[0])
    with pytest.raises(Malformed, match=message):
        read(etree.tostring(root))


def test_what_is_no_signature_is_malformed() -> None:
    with pytest.raises(Malformed, match="no ds:Signature"):
        read_signature(parse(b"<Signature/>"))


@pytest.mark.parametrize("method", EVERY)
@pytest.mark.req("XMLDSIG:3.2.2")
def test_a_value_is_that_of_its_key_and_of_no_other_octets(method: str) -> None:
    signature = read(octets_of(signed(b"<doc>1</doc>", method=method)))
    public_key = Signer(method).public_key
    assert signature.signed_info.method is not None
    assert signature.signed_info.method.uri == method
    assert verify(signature, public_key).valid
    assert signature.value is not None
    wrong = verify_value(signature.signed_info.method, public_key, signature.value, b"other")
    assert (wrong.valid, wrong.problem and wrong.problem.code) == (False, "signature-value.wrong")
    others = [kind for kind, methods in METHODS.items() if method not in methods]
    for kind in others:
        other = verify(signature, key(kind).public_key())
        assert (other.valid, other.problem and other.problem.code) == (False, "signature-method.key")


def test_pss_has_its_parameters_beside_it() -> None:
    unsigned = with_method(algorithms.RSA_PSS, PSS_PARAMETERS)
    assert unsigned.octets is not None
    scheme = padding.PSS(padding.MGF1(hashes.SHA384()), 20)
    value = key("rsa").sign(unsigned.octets, scheme, hashes.SHA512())
    signature = with_method(algorithms.RSA_PSS, PSS_PARAMETERS, value)
    assert verify(signature, key("rsa").public_key()).valid
    bare = with_method(algorithms.RSA_PSS).signed_info.method
    assert bare is not None
    assert (bare.hash, bare.mask, bare.salt) == ("sha256", "sha256", 32)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("#MGF1", "#MGF2"),
        ("xmlenc#sha512", "xmlenc#sha-unknown"),
        ("more#sha384", "more#sha-unknown"),
        ("TrailerField>1<", "TrailerField>2<"),
    ],
)
def test_pss_with_what_is_unknown_is_unknown(good: str, bad: str) -> None:
    signature = with_method(algorithms.RSA_PSS, PSS_PARAMETERS.replace(good, bad))
    problem = verify(signature, key("rsa").public_key()).problem
    assert problem is not None
    assert problem.code == "signature-method.unknown"


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("", "signature-method.unknown"),
        (DS + "hmac-sha1", "signature-method.unknown"),
        (MORE + "rsa-ripemd160", "signature-method.not-computed"),
        (MORE_2007 + "whirlpool-rsa-MGF1", "signature-method.not-computed"),
    ],
)
def test_what_is_not_computed_is_said_to_be_so(method: str, code: str) -> None:
    verified = verify(with_method(method), key("rsa").public_key())
    assert (verified.valid, verified.problem and verified.problem.code) == (False, code)


@pytest.mark.parametrize("value", [b"", b"A", b"AB" * 32, b"\0" * 64, b"\xff" * 500])
def test_a_pair_of_numbers_that_is_none_is_wrong(value: bytes) -> None:
    verified = verify_value(SIGNATURES[ECDSA_SHA256], key("ec").public_key(), value, b"")
    assert (verified.valid, verified.problem and verified.problem.code) == (False, "signature-value.wrong")


def test_a_value_that_is_not_base64_is_told() -> None:
    octets = octets_of(signed(b"<doc/>")).replace(b"SignatureValue>", b"SignatureValue>!", 1)
    signature = read(octets)
    assert signature.value is None
    assert verify(signature, key("ec").public_key()).problem == signature.problems[0]


def test_signed_info_without_canonical_form_is_told() -> None:
    octets = octets_of(signed(b"<doc/>")).replace(algorithms.EXCLUSIVE.encode(), b"urn:none", 1)
    signature = read(octets)
    assert signature.octets is None
    assert [problem.code for problem in signature.problems] == ["signed-info.canonicalisation"]
    assert not verify(signature, key("ec").public_key()).valid


def test_key_info_is_read_in_its_order() -> None:
    numbers = key("rsa").public_key().public_numbers()
    point = key("ec").public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    text = (
        f'<KeyInfo xmlns="{DS}" xmlns:n="{DS11}" Id="k"><KeyName>name</KeyName><KeyValue><RSAKeyValue>'
        f"<Modulus>{number(numbers.n)}</Modulus><Exponent>AQAB</Exponent></RSAKeyValue></KeyValue><KeyValue>"
        f'<n:ECKeyValue><n:NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"/><n:PublicKey>'
        f"{base64.b64encode(point).decode()}"
        f"</n:PublicKey></n:ECKeyValue></KeyValue><KeyValue><RSAKeyValue><Modulus>!</Modulus></RSAKeyValue>"
        f"</KeyValue><X509Data><X509IssuerSerial><X509IssuerName>CN=a</X509IssuerName><X509SerialNumber>7"
        f"</X509SerialNumber></X509IssuerSerial><X509SKI>AAE=</X509SKI><X509SubjectName>CN=b</X509SubjectName>"
        f"<X509Certificate>MAA=\n</X509Certificate><X509Certificate>!</X509Certificate><X509CRL>MAE=</X509CRL>"
        f'<n:X509Digest Algorithm="{ENC}sha256">AAI=</n:X509Digest><other/></X509Data>'
        f'<RetrievalMethod URI="http://127.0.0.1:1/"/><x:y xmlns:x="urn:x"/></KeyInfo></Signature>'
    )
    octets = octets_of(signed(b"<doc/>")).replace(
        b"</ds:Signature>", text[:-12].encode() + b"</ds:Signature>"
    )
    info = read(octets).key_info
    assert info is not None
    assert [(hint.kind, hint.octets, hint.text, hint.serial) for hint in info.hints] == [
        ("key-name", None, "name", None),
        ("key-value", None, None, None),
        ("key-value", None, None, None),
        ("key-value", None, None, None),
        ("issuer-serial", None, "CN=a", 7),
        ("ski", b"\0\1", None, None),
        ("subject", None, "CN=b", None),
        ("certificate", b"0\0", None, None),
        ("certificate", None, None, None),
        ("crl", b"0\1", None, None),
        ("digest", b"\0\2", None, None),
        ("other", None, f"{{{DS}}}other", None),
        ("retrieval", None, "http://127.0.0.1:1/", None),
        ("other", None, "{urn:x}y", None),
    ]
    assert [hint.key for hint in info.hints[1:4]] == [key("rsa").public_key(), key("ec").public_key(), None]
    assert (info.id, info.certificates) == ("k", (b"0\0",))


def number(value: int) -> str:
    return base64.b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).decode()


def test_several_key_infos_are_told() -> None:
    octets = octets_of(signed(b"<doc/>")).replace(
        b"</ds:Signature>", b"<ds:KeyInfo/><ds:KeyInfo/></ds:Signature>"
    )
    assert [problem.code for problem in read(octets).problems] == ["key-info.several"]


def test_an_enveloping_signature_holds_its_objects() -> None:
    content = etree.Element("data")
    content.set("Id", "d")
    plan = Plan(
        references=[Wanted(uri="#d", transforms=(algorithms.C14N11,), type=algorithms.TYPE_OBJECT, id="r")],
        method=RSA_SHA256,
        objects=[content],
        certificates=[b"\x30\x00"],
        id="s",
    )
    built = signature_over(plan, Signer(RSA_SHA256), Signer(RSA_SHA256).public_key)
    again = read(octets_of(built))
    assert again.id == "s"
    assert again.objects[0].element[0].get("Id") == "d"
    assert resolve_all(again.signed_info.references, again.element)[0].intact
    assert again.key_info is not None
    assert again.key_info.certificates == (b"\x30\x00",)


@pytest.mark.parametrize(
    ("wanted", "plan", "code"),
    [
        (Wanted(uri="#none"), {}, "reference.not-found"),
        (Wanted(uri="", transforms=(algorithms.XSLT,)), {}, "transform.refused"),
        (Wanted(uri="", digest="urn:none"), {}, "digest.unknown"),
        (Wanted(uri=""), {"method": "urn:none"}, "signature-method.unknown"),
        (Wanted(uri=""), {"method": algorithms.RSA_PSS}, "signature-method.unknown"),
        # Without the enveloped-signature transform the values that are written last change what was digested.
        (Wanted(uri=""), {}, "signature.own"),
    ],
)
def test_what_does_not_verify_is_not_written(wanted: Wanted, plan: dict[str, Any], code: str) -> None:
    root = parse(b"<doc><a/></doc>")
    method = plan.get("method", RSA_SHA256)
    with pytest.raises(Rejected) as refused:
        sign_within(
            root,
            Plan(references=[wanted], method=method),
            Signer(RSA_SHA256),
            Signer(RSA_SHA256).public_key,
        )
    assert refused.value.code == code
    assert etree.tostring(root) == b"<doc><a/></doc>"


def test_a_signature_by_another_key_is_not_given_out() -> None:
    root = parse(b"<doc/>")
    plan = Plan(references=[Wanted(uri="", transforms=(algorithms.ENVELOPED,))], method=RSA_SHA256)
    with pytest.raises(Rejected, match="does not verify"):
        sign_within(root, plan, lambda _: b"0" * 256, Signer(RSA_SHA256).public_key)
    assert etree.tostring(root) == b"<doc/>"


def test_detached_data_is_signed_by_name() -> None:
    plan = Plan(
        references=[Wanted(uri="a.bin", transforms=()), Wanted(uri="b.xml", transforms=(algorithms.C14N,))],
        method=ECDSA_SHA256,
        detached={"a.bin": b"\0\1", "b.xml": b"<b />"},
    )
    built = signature_over(plan, Signer(ECDSA_SHA256), Signer(ECDSA_SHA256).public_key)
    found = resolve_all(built.signed_info.references, built.element, {"a.bin": b"\0\1", "b.xml": b"<b></b>"})
    assert [one.intact for one in found] == [True, True]
    assert found[1].coverage.root is not None
