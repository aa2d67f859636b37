"""Makes documents with XAdES signatures, of throw-away keys, written a second time: no code of the reader.

Namespaces have prefixes everywhere, so that canonical forms by lxml's own routine are right in place.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from foreign_tokens import ForeignAuthority, tst_info
from lxml import etree

from trustworks.core.der.algorithms import hash_identifier
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, tlv

if TYPE_CHECKING:
    from collections.abc import Callable

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
XADES_141: Final = "http://uri.etsi.org/01903/v1.4.1#"
C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
AUTHORITY: Final = ForeignAuthority()
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
_KEY: Final = ec.generate_private_key(ec.SECP256R1())


def _certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Somebody")])
    issuer = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "EE"),
            x509.NameAttribute(NameOID.COMMON_NAME, "An authority, the first"),
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(_KEY.public_key())
        .serial_number(4711)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=900))
        .sign(_KEY, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


CERTIFICATE: Final = _certificate()


def revocation_list() -> bytes:
    """An empty list of the certificate's issuer."""
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(x509.load_der_x509_certificate(CERTIFICATE).issuer)
        .last_update(datetime(2026, 5, 1, tzinfo=UTC))
        .next_update(datetime(2026, 6, 1, tzinfo=UTC))
        .sign(_KEY, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def canonical(element: etree._Element, algorithm: str = EXCLUSIVE) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=algorithm == EXCLUSIVE, with_comments=False)


def find(root: etree._Element, path: str) -> etree._Element:
    """The one element at a path."""
    (found,) = root.findall(path)
    return found


def by_id(root: etree._Element, identifier: str) -> etree._Element:
    (found,) = [one for one in root.getroottree().getroot().iter("*") if one.get("Id") == identifier]
    return found


def sha256(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def token(over: bytes, time: bytes = b"20260504030201Z") -> bytes:
    imprint = tlv(SEQUENCE, hash_identifier("sha256"), tlv(OCTET_STRING, sha256(over)))
    return AUTHORITY.token(tst_info(imprint=imprint, time=time))


@dataclass(frozen=True, kw_only=True)
class Referring:
    """A ds:Reference to be made; `content` is what is digested, None: the element that the URI names."""

    uri: str | None
    id: str = ""
    type: str = ""
    transforms: tuple[str, ...] = (EXCLUSIVE,)
    content: bytes | None = None

    def xml(self) -> str:
        uri = "" if self.uri is None else f' URI="{self.uri}"'
        named = (f' Id="{self.id}"' if self.id else "") + (f' Type="{self.type}"' if self.type else "")
        steps = "".join(f'<ds:Transform Algorithm="{one}"/>' for one in self.transforms)
        transforms = f"<ds:Transforms>{steps}</ds:Transforms>" if steps else ""
        return (
            f"<ds:Reference{named}{uri}>{transforms}"
            f'<ds:DigestMethod Algorithm="{_SHA256}"/><ds:DigestValue/></ds:Reference>'
        )


@dataclass(kw_only=True)
class Making:
    """What a signature is made of; the defaults make a signature of baseline B over a ds:Object."""

    id: str = "S1"
    version: str = XADES
    references: list[Referring] = field(
        default_factory=lambda: [Referring(uri="#O1", id="R1", type=f"{DS}Object")]
    )
    signature_properties: str = ""
    data_properties: str = (
        '<xades:DataObjectFormat ObjectReference="#R1"><xades:MimeType>text/plain</xades:MimeType>'
        "</xades:DataObjectFormat>"
    )
    objects: str = '<ds:Object Id="O1">What is signed.</ds:Object>'
    signing_time: str = "<xades:SigningTime>2026-05-04T03:02:01Z</xades:SigningTime>"
    signing_certificate: str | None = None
    properties_type: str = "http://uri.etsi.org/01903#SignedProperties"
    target: str | None = None
    around: Callable[[str], str] = lambda signature: signature

    def xml(self) -> str:
        named = self.signing_certificate
        if named is None:
            named = signing_certificate_v2() if self.version == XADES else signing_certificate_v1()
        own = Referring(uri=f"#P-{self.id}", type=self.properties_type)
        target = f"#{self.id}" if self.target is None else self.target
        return self.around(
            f'<ds:Signature xmlns:ds="{DS}" Id="{self.id}"><ds:SignedInfo>'
            f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
            '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>'
            f"{''.join(one.xml() for one in [*self.references, own])}</ds:SignedInfo>"
            f'<ds:SignatureValue Id="V-{self.id}"/><ds:KeyInfo Id="K-{self.id}"><ds:X509Data>'
            f"<ds:X509Certificate>{b64(CERTIFICATE)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
            f'{self.objects}<ds:Object><xades:QualifyingProperties xmlns:xades="{self.version}" '
            f'xmlns:xades141="{XADES_141}" Target="{target}">'
            f'<xades:SignedProperties Id="P-{self.id}"><xades:SignedSignatureProperties>{self.signing_time}'
            f"{named}{self.signature_properties}</xades:SignedSignatureProperties>"
            f"<xades:SignedDataObjectProperties>{self.data_properties}</xades:SignedDataObjectProperties>"
            "</xades:SignedProperties></xades:QualifyingProperties></ds:Object></ds:Signature>"
        )


def signing_certificate_v1() -> str:
    return (
        "<xades:SigningCertificate><xades:Cert>"
        f"{_digest()}<xades:IssuerSerial><ds:X509IssuerName>CN=An authority\\, the first, C=EE"
        "</ds:X509IssuerName><ds:X509SerialNumber>4711</ds:X509SerialNumber></xades:IssuerSerial>"
        "</xades:Cert></xades:SigningCertificate>"
    )


def signing_certificate_v2(digest: bytes | None = None, attribute: str = "") -> str:
    return (
        f"<xades:SigningCertificateV2><xades:Cert{attribute}>{_digest(digest)}</xades:Cert>"
        "</xades:SigningCertificateV2>"
    )


def _digest(value: bytes | None = None, name: str = "CertDigest", over: bytes = CERTIFICATE) -> str:
    value = sha256(over) if value is None else value
    return (
        f'<xades:{name}><ds:DigestMethod Algorithm="{_SHA256}"/>'
        f"<ds:DigestValue>{b64(value)}</ds:DigestValue></xades:{name}>"
    )


def sign(making: Making | None = None) -> etree._Element:
    """The root of a document with a signature over what it refers to."""
    making = making or Making()
    root = etree.fromstring(making.xml())
    complete(root, making)
    return root


def complete(root: etree._Element, making: Making) -> None:
    """Fills in the digests and the value of a signature that stands in a document without them."""
    signature = by_id(root, making.id)
    signed_info = signature[0]
    wanted = [*making.references, Referring(uri=f"#P-{making.id}")]
    for element, one in zip(signed_info.findall(f"{{{DS}}}Reference"), wanted, strict=True):
        content = one.content
        if content is None:
            content = canonical(by_id(root, (one.uri or "").removeprefix("#")))
        find(element, f"{{{DS}}}DigestValue").text = b64(sha256(content))
    r, s = decode_dss_signature(_KEY.sign(canonical(signed_info), ec.ECDSA(hashes.SHA256())))
    signature[1].text = b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def enveloped(making: Making | None = None) -> etree._Element:
    """A document with a signature in it over all of it."""
    making = making or Making(objects="")
    making.around = lambda signature: (
        f'<d:doc xmlns:d="urn:example:doc"><d:text>Text</d:text>{signature}</d:doc>'
    )
    without = etree.fromstring('<d:doc xmlns:d="urn:example:doc"><d:text>Text</d:text></d:doc>')
    making.references = [
        Referring(
            uri="", id="R1", transforms=(f"{DS}enveloped-signature", EXCLUSIVE), content=canonical(without)
        )
    ]
    return sign(making)


def add_property(root: etree._Element, xml: str, identifier: str = "S1") -> etree._Element:
    """Adds an unsigned property to a signature; answers it."""
    qualifying = find(by_id(root, identifier), f"{{{DS}}}Object/{{*}}QualifyingProperties")
    version = etree.QName(qualifying).namespace
    unsigned = qualifying.find(f"{{{version}}}UnsignedProperties")
    if unsigned is None:
        unsigned = etree.SubElement(qualifying, f"{{{version}}}UnsignedProperties")
        etree.SubElement(unsigned, f"{{{version}}}UnsignedSignatureProperties")
    wrapped = f'<w xmlns:ds="{DS}" xmlns:xades="{version}" xmlns:xades141="{XADES_141}">{xml}</w>'
    unsigned[0].append(etree.fromstring(wrapped)[0])
    return unsigned[0][-1]


def time_stamp(
    name: str, over: bytes, *, inside: str = "", prefix: str = "xades", time: bytes | None = None
) -> str:
    """A time-stamp property with a token over octets."""
    made = token(over) if time is None else token(over, time)
    return (
        f"<{prefix}:{name}>{inside}<xades:EncapsulatedTimeStamp>{b64(made)}</xades:EncapsulatedTimeStamp>"
        f"</{prefix}:{name}>"
    )


def value_of(root: etree._Element, identifier: str = "S1", algorithm: str = C14N) -> bytes:
    """The canonical SignatureValue."""
    return canonical(by_id(root, f"V-{identifier}"), algorithm)


def certificate_values() -> str:
    return (
        "<xades:CertificateValues><xades:EncapsulatedX509Certificate>"
        f"{b64(CERTIFICATE)}</xades:EncapsulatedX509Certificate></xades:CertificateValues>"
    )


def revocation_values(crl: bytes) -> str:
    return (
        "<xades:RevocationValues><xades:CRLValues><xades:EncapsulatedCRLValue>"
        f"{b64(crl)}</xades:EncapsulatedCRLValue></xades:CRLValues></xades:RevocationValues>"
    )


def complete_references(crl: bytes) -> tuple[str, str]:
    """CompleteCertificateRefs and CompleteRevocationRefs."""
    certificates = f"<xades:CertRefs><xades:Cert>{_digest()}</xades:Cert></xades:CertRefs>"
    lists = f"<xades:CRLRef>{_digest(None, 'DigestAlgAndValue', crl)}</xades:CRLRef>"
    return (
        f"<xades:CompleteCertificateRefs>{certificates}</xades:CompleteCertificateRefs>",
        f"<xades:CompleteRevocationRefs><xades:CRLRefs>{lists}</xades:CRLRefs></xades:CompleteRevocationRefs>",
    )


def archived(root: etree._Element, making: Making, *, objects: bool = True, algorithm: str = C14N) -> bytes:
    """What an ArchiveTimeStamp that is added now is over (EN 319 132-1, 5.5.2.2), references first."""
    signature = by_id(root, making.id)
    parts = [
        canonical(by_id(root, (one.uri or "").removeprefix("#"))) if one.content is None else one.content
        for one in [*making.references, Referring(uri=f"#P-{making.id}")]
    ]
    parts += [canonical(signature[place], algorithm) for place in range(3)]
    unsigned = signature.find(f"{{{DS}}}Object/{{*}}QualifyingProperties/{{*}}UnsignedProperties")
    if unsigned is not None:
        parts += [canonical(one, algorithm) for one in unsigned[0]]
    if objects:
        parts += [
            canonical(one, algorithm)
            for one in signature.findall(f"{{{DS}}}Object")
            if one.find("{*}QualifyingProperties") is None
        ]
    return b"".join(parts)
