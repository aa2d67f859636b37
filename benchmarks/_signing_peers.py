"""Others that sign the same data with the same key of the module: pyHanko and signxml."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore
from signxml.algorithms import CanonicalizationMethod
from signxml.xades.xades import XAdESDataObjectFormat, XAdESSigner

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

    from trustworks.core.module import Key

_LOOP: Final = asyncio.new_event_loop()
_ROOM: Final = 8_192


class _InModule(signers.Signer):
    """pyHanko's signer with a key of the module."""

    def __init__(self, key: Key, certificate: x509.Certificate) -> None:
        store: Any = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        super().__init__(
            signing_cert=asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER)),
            cert_registry=store,
        )
        self._key = key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: FBT001, FBT002 - the parent's
        del digest_algorithm
        return bytes(72) if dry_run else self._key.sign(data)


def pyhanko_cms(key: Key, certificate: x509.Certificate) -> Callable[[bytes], bytes]:
    """CAdES B-B with its data inside, not verified by it."""
    signer = _InModule(key, certificate)

    def sign(content: bytes) -> bytes:
        made = signer.async_sign_general_data(content, "sha256", detached=False, use_cades=True)
        return bytes(_LOOP.run_until_complete(made).dump())

    return sign


def pyhanko_pdf(key: Key, certificate: x509.Certificate) -> Callable[[bytes], bytes]:
    """PAdES B-B, not verified by it; the room for the signature is given, so that it is not signed twice."""
    signer = _InModule(key, certificate)

    def sign(document: bytes) -> bytes:
        metadata = signers.PdfSignatureMetadata(
            field_name="Signature1", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
        )
        made = signers.PdfSigner(metadata, signer).sign_pdf(
            IncrementalPdfFileWriter(io.BytesIO(document)), bytes_reserved=_ROOM
        )
        return bytes(made.getvalue())

    return sign


def signxml_xades(key: Key, certificate: x509.Certificate) -> Callable[[bytes], bytes]:
    """XAdES B-B, enveloped, not verified by it.

    By inclusive canonical form: what signxml makes by the exclusive one, its own reader refuses.
    """
    private: Any = key.private_key()

    def sign(document: bytes) -> bytes:
        signer = XAdESSigner(
            data_object_format=XAdESDataObjectFormat(MimeType="text/xml"),
            signature_algorithm="ecdsa-sha256",
            digest_algorithm="sha256",
            c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_1,
        )
        made = signer.sign(etree.fromstring(document), key=private, cert=[certificate])
        return bytes(etree.tostring(made))

    return sign
