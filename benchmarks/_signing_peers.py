"""Others that sign the same data: pyHanko and signxml with the same key, EU DSS with one of its own."""

from __future__ import annotations

import asyncio
import io
import secrets
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from lxml import etree
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore
from signxml.algorithms import CanonicalizationMethod
from signxml.xades.xades import XAdESDataObjectFormat, XAdESSigner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from _signed_files import House  # type: ignore[import-not-found] # the module beside this one
    from cryptography import x509

    from trustworks.core.module import Key

_ROOT: Final = Path(__file__).resolve().parent.parent
_JARS: Final = _ROOT / ".venv" / "dss" / "jars"
_PROGRAM: Final = Path(__file__).with_name("Signer.java")
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


@dataclass(frozen=True, kw_only=True)
class EuDss:
    """EU DSS in a Java process of its own: it signs all files of a folder in a format, level B-B.

    Its key (P-256) is in a PKCS#12 file, in the same process, which spares it the module. What the virtual
    machine compiles and collects meanwhile counts.
    """

    process: subprocess.Popen[str]
    format: str
    folder: Path

    def seconds(self) -> float:
        """Have all files signed: the processor time of the Java process for it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(self.format, self.folder, file=self.process.stdin, flush=True)
        nanoseconds, _ = self.process.stdout.readline().split()
        return int(nanoseconds) / 1e9

    def first(self, _: bytes) -> bytes:
        """What it made of the first file."""
        return Path(f"{self.folder}.{self.format}").read_bytes()


@contextmanager
def eu_dss(house: House, place: Path, given: dict[str, Sequence[bytes]]) -> Iterator[dict[str, EuDss]]:
    """EU DSS for each of some formats with their files; nothing where Java or EU DSS is not there."""
    java, javac = shutil.which("java"), shutil.which("javac")
    if not given:
        yield {}
        return
    if java is None or javac is None or not _JARS.is_dir():
        print("  EU DSS is not measured: it needs java, javac, and its jars in .venv/dss")
        yield {}
        return
    password = secrets.token_urlsafe(18)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = house.certificate("Signer in Java TEST", key.public_key())
    store = place / "signer.p12"
    store.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"signer", key, certificate, None, BestAvailableEncryption(password.encode())
        )
    )
    subprocess.run([javac, "-cp", f"{_JARS}/*", "-d", str(place), str(_PROGRAM)], check=True)
    for format_, files in given.items():
        folder = place / f"{format_}-files"
        folder.mkdir()
        for number, octets in enumerate(files):
            (folder / f"{number:04}").write_bytes(octets)
    command = [java, "-Xmx1g", "-cp", f"{place}:{_JARS}/*", "Signer", str(store), password]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield {one: EuDss(process=process, format=one, folder=place / f"{one}-files") for one in given}
        assert process.stdin is not None
        process.stdin.close()
