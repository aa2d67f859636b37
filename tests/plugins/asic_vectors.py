"""Containers as a writer makes them, right and wrong, member by member; keys are in memory."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from foreign_tokens import SHA256, tst_info
from jades_vectors import Signer

from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, tlv

if TYPE_CHECKING:
    from collections.abc import Mapping

ASIC_S = "application/vnd.etsi.asic-s+zip"
ASIC_E = "application/vnd.etsi.asic-e+zip"
_DS = "http://www.w3.org/2000/09/xmldsig#"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


def sha256(octets: bytes) -> str:
    """The digest in base64."""
    return base64.b64encode(hashlib.sha256(octets).digest()).decode()


def container(
    members: Mapping[str, bytes],
    media_type: str | None = ASIC_E,
    *,
    comment: bytes = b"",
    packed: bool = True,
) -> bytes:
    """A ZIP file with these members after its mimetype."""
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        archive.comment = comment
        if media_type is not None:
            archive.writestr("mimetype", media_type, zipfile.ZIP_STORED)
        for name, content in members.items():
            archive.writestr(name, content)
    return octets.getvalue()


def manifest(signature: str, members: Mapping[str, bytes], *, more: str = "", root: str = "") -> bytes:
    """An ASiCManifest by which what is in `signature` is over `members`."""
    objects = "".join(
        f'<asic:DataObjectReference URI="{name}"{_root(name, root)}><ds:DigestMethod Algorithm="{_SHA256}"/>'
        f"<ds:DigestValue>{sha256(content)}</ds:DigestValue></asic:DataObjectReference>"
        for name, content in members.items()
    )
    return (
        f'<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="{_DS}">'
        f'<asic:SigReference URI="{signature}"/>{objects}{more}</asic:ASiCManifest>'
    ).encode()


def _root(name: str, root: str) -> str:
    return ' Rootfile="true"' if name == root else ""


def file_list(*names: str) -> bytes:
    """META-INF/manifest.xml."""
    space = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    entries = "".join(
        f'<m:file-entry m:full-path="{name}" m:media-type="text/plain"/>' for name in ("/", *names)
    )
    return f'<m:manifest xmlns:m="{space}">{entries}</m:manifest>'.encode()


@dataclass
class Maker:
    """Makes what stands in META-INF."""

    signer: Signer = field(default_factory=Signer)

    def cades(self, content: bytes, function: type[hashes.SHA256 | hashes.SHA512] = hashes.SHA256) -> bytes:
        """CMS over content that it does not hold."""
        certificate = x509.load_der_x509_certificate(self.signer.certificate)
        builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
        return builder.add_signer(certificate, self.signer.key, function()).sign(
            Encoding.DER,
            [
                pkcs7.PKCS7Options.DetachedSignature,
                pkcs7.PKCS7Options.Binary,
                pkcs7.PKCS7Options.NoCapabilities,
            ],
        )

    def token(self, content: bytes) -> bytes:
        """A time-stamp over content."""
        imprint = tlv(SEQUENCE, SHA256, tlv(OCTET_STRING, hashlib.sha256(content).digest()))
        return self.signer.authority.token(tst_info(imprint=imprint))

    def xml(
        self, members: Mapping[str, bytes], root: str = "asic:XAdESSignatures", transforms: str = ""
    ) -> bytes:
        """An XML signature with a reference to each of these members; `transforms` stand in each."""
        return self._signed(members, root, transforms)

    def enveloping(self, content: bytes) -> bytes:
        """An XML signature over content that it holds itself."""
        # As it is digested: with the namespaces that are declared around it.
        opened = f'<ds:Object xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="{_DS}" Id="own">'
        held = f"{base64.b64encode(content).decode()}</ds:Object>"
        return self._signed(
            {"#own": f"{opened}{held}".encode()}, "asic:XAdESSignatures", "", f'<ds:Object Id="own">{held}'
        )

    def _signed(self, members: Mapping[str, bytes], root: str, transforms: str, held: str = "") -> bytes:
        references = "".join(
            f'<ds:Reference URI="{name}">{transforms}'
            f'<ds:DigestMethod Algorithm="{_SHA256}"></ds:DigestMethod>'
            f"<ds:DigestValue>{sha256(content)}</ds:DigestValue></ds:Reference>"
            for name, content in members.items()
        )
        exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
        method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
        # Written in its canonical form, and so signed as it is.
        info = (
            f'<ds:SignedInfo xmlns:ds="{_DS}">'
            f'<ds:CanonicalizationMethod Algorithm="{exclusive}"></ds:CanonicalizationMethod>'
            f'<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod>{references}</ds:SignedInfo>'
        )
        value = base64.b64encode(self.signer.value(info.encode())).decode()
        certificate = base64.b64encode(self.signer.certificate).decode()
        return (
            f'<{root} xmlns:asic="http://uri.etsi.org/02918/v1.2.1#"><ds:Signature xmlns:ds="{_DS}">{info}'
            f"<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>"
            f"{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>{held}</ds:Signature></{root}>"
        ).encode()
