"""Signed files for the benchmark of validation, made anew with keys in memory, and what validates them.

A root, an authority under it, a signer and a time-stamping unit; a revocation list of each authority. pyHanko
makes the CMS and the PDF, the XML is put together here. Every file has its own data, value and tokens.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lxml import etree
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

if TYPE_CHECKING:
    from collections.abc import Sequence

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
USAGES: Final = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def usage(*on: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in on for name in USAGES})


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass(frozen=True, kw_only=True)
class Party:
    """A key and its certificate."""

    key: Key
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def asn1(self) -> asn1_x509.Certificate:
        return asn1_x509.Certificate.load(self.der)

    @property
    def private(self) -> keys.PrivateKeyInfo:
        octets = self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return keys.PrivateKeyInfo.load(octets)


class House:
    """The parties, their lists, and the files that they make."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)
        authority = (x509.BasicConstraints(ca=True, path_length=None), True)
        issues = (usage("key_cert_sign", "crl_sign"), True)
        self.root = self._party("Root TEST", None, authority, issues)
        self.authority = self._party("Authority TEST", self.root, authority, issues)
        self.signer = self._party("Signer TEST", self.authority, (usage("content_commitment"), True))
        stamps = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)
        self.unit = self._party(
            "Unit TEST",
            self.authority,
            (usage("digital_signature"), True),
            stamps,
            key=rsa.generate_private_key(65537, 2048),  # pyHanko's stamper has no other
        )
        self.lists = tuple(self._list(one) for one in (self.root, self.authority))
        store: Any = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register(self.authority.asn1)
        store.register(self.root.asn1)
        self._signer = signers.SimpleSigner(self.signer.asn1, self.signer.private, store)
        self._stamper = DummyTimeStamper(self.unit.asn1, self.unit.private, certs_to_embed=store)

    def _party(
        self,
        name: str,
        issuer: Party | None,
        *extensions: tuple[x509.ExtensionType, bool],
        key: Key | None = None,
    ) -> Party:
        key = key or ec.generate_private_key(ec.SECP256R1())
        by = None if issuer is None else (issuer.key, issuer.certificate.subject)
        return Party(
            key=key, certificate=self._certified(name, key.public_key(), by or (key, named(name)), extensions)
        )

    def certificate(
        self, name: str, key: PublicKey, *extensions: tuple[x509.ExtensionType, bool]
    ) -> x509.Certificate:
        """That of a key which is elsewhere, by the authority."""
        return self._certified(
            name, key, (self.authority.key, self.authority.certificate.subject), extensions
        )

    def _certified(
        self,
        name: str,
        key: PublicKey,
        by: tuple[Key, x509.Name],
        extensions: Sequence[tuple[x509.ExtensionType, bool]],
    ) -> x509.Certificate:
        issuer, issuer_name = by
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(issuer_name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - timedelta(days=30))
            .not_valid_after(self.now + timedelta(days=700))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False
            )
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(issuer, hashes.SHA256())

    def _list(self, issuer: Party) -> bytes:
        return (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.certificate.subject)
            .last_update(self.now - timedelta(hours=1))
            .next_update(self.now + timedelta(days=2))
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
            )
            .sign(issuer.key, hashes.SHA256())
            .public_bytes(Encoding.DER)
        )

    def context(self) -> ValidationContext:
        """What pyHanko embeds revocation data from."""
        return ValidationContext(
            trust_roots=[self.root.asn1],
            other_certs=[self.authority.asn1],
            crls=list(self.lists),
            revocation_mode="require",
        )

    def pdf(self, number: int) -> bytes:
        """PAdES B-LT over one page of text."""
        metadata = signers.PdfSignatureMetadata(
            field_name="Signature1",
            md_algorithm="sha256",
            subfilter=fields.SigSeedSubFilter.PADES,
            validation_context=self.context(),
            embed_validation_info=True,
        )
        out = signers.PdfSigner(metadata, self._signer, timestamper=self._stamper).sign_pdf(
            IncrementalPdfFileWriter(io.BytesIO(page(number)))
        )
        return bytes(out.getvalue())

    def cms(self, number: int) -> bytes:
        """CAdES B-T, with its data inside."""
        made = asyncio.run(
            self._signer.async_sign_general_data(
                b"what is signed, number %d\n" % number,
                "sha256",
                detached=False,
                use_cades=True,
                timestamper=self._stamper,
            )
        )
        return bytes(made.dump())

    def detached(self, digest: bytes) -> bytes:
        """CAdES B-B over data of which the SHA-256 is known."""
        settings = PdfCMSSignedAttributes(signing_time=self.now)
        made = asyncio.run(self._signer.async_sign(digest, "sha256", signed_attr_settings=settings))
        return bytes(made.dump())

    def xml(self, number: int, size: int = 10_000) -> bytes:
        """XAdES B-B, enveloped in a document: `size` octets with its signature."""
        return enveloped(self.signer, number, size)


def page(number: int, size: int = 0) -> bytes:
    """A PDF of one page, of `size` octets if that is more than it needs."""
    bare = _page(number, b"")
    if len(bare) >= size:
        return bare
    made = _page(number, b" " * (size - len(bare)))  # some numbers in it have more digits for it
    return made if len(made) == size else _page(number, b" " * (2 * size - len(bare) - len(made)))


def _page(number: int, rest: bytes) -> bytes:
    text = b"BT /F1 12 Tf 20 100 Td (Number %d.) Tj ET%b" % (number, rest)
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text),
    )
    octets, places = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", []
    for place, body in enumerate(objects, 1):
        places.append(len(octets))
        octets += b"%d 0 obj\n%b\nendobj\n" % (place, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    return (
        octets
        + b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (
            count,
            table,
            count,
            len(octets),
        )
    )


def enveloped(signer: Party, number: int, size: int) -> bytes:
    """A document of `size` octets, with an XAdES signature in it over all of it."""
    bare = len(_enveloped(signer, ""))
    rows: list[str] = []
    while True:
        named = f"<d:name>Thing {len(rows)} of {number}</d:name>"
        row = f'<d:item n="{len(rows)}" of="{number}">{named}<d:price>12.50</d:price></d:item>\n'
        if bare + sum(map(len, rows)) + len(row) > size:
            break
        rows.append(row)
    made = _enveloped(signer, "".join(rows).ljust(size - bare))
    assert len(made) == size
    return made


def _enveloped(signer: Party, content: str) -> bytes:
    document = f'<d:doc xmlns:d="urn:example:doc">{content}</d:doc>'
    time = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    signature = (
        f'<ds:Signature xmlns:ds="{DS}" Id="S1"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
        '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>'
        f'<ds:Reference Id="R1" URI=""><ds:Transforms><ds:Transform Algorithm="{DS}enveloped-signature"/>'
        f'<ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms><ds:DigestMethod Algorithm="{SHA256}"/>'
        f"<ds:DigestValue>{b64(sha256(canonical(etree.fromstring(document))))}</ds:DigestValue></ds:Reference>"
        '<ds:Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#P1"><ds:Transforms>'
        f'<ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms><ds:DigestMethod Algorithm="{SHA256}"/>'
        "<ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>"
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{b64(signer.der)}</ds:X509Certificate></ds:X509Data>"
        f'</ds:KeyInfo><ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="#S1">'
        '<xades:SignedProperties Id="P1"><xades:SignedSignatureProperties>'
        f"<xades:SigningTime>{time}</xades:SigningTime><xades:SigningCertificateV2><xades:Cert>"
        f'<xades:CertDigest><ds:DigestMethod Algorithm="{SHA256}"/><ds:DigestValue>{b64(sha256(signer.der))}'
        "</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2>"
        "</xades:SignedSignatureProperties><xades:SignedDataObjectProperties>"
        '<xades:DataObjectFormat ObjectReference="#R1"><xades:MimeType>text/xml</xades:MimeType>'
        "</xades:DataObjectFormat></xades:SignedDataObjectProperties></xades:SignedProperties>"
        "</xades:QualifyingProperties></ds:Object></ds:Signature>"
    )
    root = etree.fromstring(document.replace("</d:doc>", f"{signature}</d:doc>"))
    signed_info, value = root[-1][0], root[-1][1]
    (properties,) = root.iter(f"{{{XADES}}}SignedProperties")
    signed_info[3][2].text = b64(sha256(canonical(properties)))
    assert isinstance(signer.key, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(signer.key.sign(canonical(signed_info), ec.ECDSA(hashes.SHA256())))
    value.text = b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return etree.tostring(root)


def canonical(element: etree._Element) -> bytes:
    """In place: all namespaces have prefixes here, so that lxml's routine is right."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def sha256(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()
