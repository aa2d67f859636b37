"""pyHanko makes PDF signatures of every level, and judges what was changed after one; QPDF encrypts."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore
from signed_pdfs import OBJECTS, PAGE, Pdf, document, stream

from trustworks.core.errors import Malformed
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Format, Weight
from trustworks.formats.read import read
from trustworks.formats.verification import signing_certificate

pytestmark = pytest.mark.interop

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
WHEN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
SHOWN = stream(b"BT /F1 12 Tf 20 100 Td (You owe a million.) Tj ET")


class House(NamedTuple):
    """A CA with a signer and a time-stamping unit, as pyHanko takes them."""

    root: asn1_x509.Certificate
    crl: bytes
    signer: signers.SimpleSigner
    stamper: DummyTimeStamper

    def context(self) -> ValidationContext:
        return ValidationContext(trust_roots=[self.root], crls=[self.crl], moment=WHEN + timedelta(hours=1))


@pytest.fixture(scope="module")
def house() -> House:
    ca = ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])

    def certify(name: str, key: Key, *extensions: tuple[Any, bool]) -> Any:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(WHEN - timedelta(days=30))
            .not_valid_after(WHEN + timedelta(days=3000))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        made = builder.sign(ca, hashes.SHA256())
        return asn1_x509.Certificate.load(made.public_bytes(Encoding.DER))

    def usage(**on: bool) -> x509.KeyUsage:
        off = dict.fromkeys(
            (
                *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
                *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
            ),
            False,
        )
        return x509.KeyUsage(**(off | on))

    root = certify(
        "Test CA",
        ca,
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (usage(key_cert_sign=True, crl_sign=True), True),
    )
    signer_key = ec.generate_private_key(ec.SECP256R1())
    unit_key = rsa.generate_private_key(65537, 2048)  # pyHanko's stamper has no other
    signer = certify("Signer", signer_key, (usage(content_commitment=True), True))
    unit = certify(
        "Unit",
        unit_key,
        (usage(digital_signature=True), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True),
    )
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca_name)
        .last_update(WHEN - timedelta(hours=1))
        .next_update(WHEN + timedelta(days=10))
        .sign(ca, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    store: Any = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register(root)
    return House(
        root,
        crl,
        signers.SimpleSigner(signer, _key(signer_key), store),
        DummyTimeStamper(unit, _key(unit_key), certs_to_embed=store, fixed_dt=WHEN),
    )


def _key(key: Key) -> keys.PrivateKeyInfo:
    return keys.PrivateKeyInfo.load(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def signed(house: House, octets: bytes, *, stamped: bool = False, **settings: Any) -> bytes:
    metadata = signers.PdfSignatureMetadata(
        field_name=settings.pop("field_name", "Signature1"),
        md_algorithm="sha256",
        subfilter=settings.pop("subfilter", fields.SigSeedSubFilter.PADES),
        validation_context=house.context(),
        **settings,
    )
    out = signers.PdfSigner(metadata, house.signer, timestamper=house.stamper if stamped else None).sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(octets))
    )
    return bytes(out.getvalue())


@pytest.mark.parametrize(
    ("level", "settings"),
    [
        ("B", {}),
        ("T", {"stamped": True}),
        ("LT", {"stamped": True, "embed_validation_info": True}),
        ("LTA", {"stamped": True, "embed_validation_info": True, "use_pades_lta": True}),
    ],
)
def test_levels_of_pyhanko_are_read(house: House, level: str, settings: dict[str, Any]) -> None:
    found = read(Octets(signed(house, document().octets, **settings), "a.pdf"))
    (signature,) = found.signatures
    assert (signature.format, signature.level) == (Format.PADES, f"PAdES-BASELINE-{level}")
    chosen = signing_certificate(signature, found)
    assert chosen is not None
    assert chosen.verifies
    assert all(one.intact for stamp in found.time_stamps for one in stamp.references)
    assert len(found.time_stamps) == {"B": 0, "T": 1, "LT": 1, "LTA": 2}[level]
    revision = signature.revision
    assert revision is not None
    assert {one.weight for one in (*signature.findings, *revision.later)} <= {Weight.NOTE}
    if level == "LTA":
        (archive,) = (one for one in found.time_stamps if one.kind == "document")
        assert {signature.id, *signature.key_info, *found.revocation} <= archive.covers


CHANGES: dict[str, tuple[dict[int, bytes], bool]] = {
    "nothing": ({}, True),
    "a field filled in": ({6: OBJECTS[6].replace(b"(10)", b"(20)")}, True),
    "other content": ({4: SHOWN}, False),
    "content of a new object": ({3: PAGE.replace(b"4 0 R", b"50 0 R"), 50: SHOWN}, False),
    "a smaller page": ({3: PAGE.replace(b"200 200", b"200 50")}, False),
    "an action": ({1: OBJECTS[1].replace(b">>", b"/OpenAction 50 0 R >>"), 50: b"<< >>"}, False),
    "a field moved": ({6: OBJECTS[6].replace(b"[10 10 50 20]", b"[0 0 200 200]")}, False),
    "a page more": (
        {
            2: b"<< /Type /Pages /Kids [3 0 R 50 0 R] /Count 2 >>",
            50: PAGE.replace(b"/Annots 9 0 R", b""),
        },
        False,
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_pyhanko_judges_later_changes_alike(house: House, what: str) -> None:
    objects, permitted = CHANGES[what]
    octets = signed(house, document().octets)
    if objects:
        start = int(octets[octets.rindex(b"startxref") + 9 :].split()[0])
        octets = Pdf(octets, dict(OBJECTS), start).update(objects).octets
    (signature,) = read(Octets(octets, "a.pdf")).signatures
    assert signature.revision is not None
    objections = [one for one in signature.revision.later if one.weight is not Weight.NOTE]
    embedded = PdfFileReader(io.BytesIO(octets), strict=False).embedded_signatures[0]
    status = validate_pdf_signature(embedded, house.context())
    theirs = status.modification_level is not None and status.modification_level < ModificationLevel.OTHER
    assert (not objections, status.intact and theirs) == (permitted, permitted)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_certifications_of_pyhanko_are_read(house: House, level: int) -> None:
    octets = signed(house, document().octets, certify=True, docmdp_permissions=fields.MDPPerm(level))
    (signature,) = read(Octets(octets, "a.pdf")).signatures
    assert signature.revision is not None
    assert signature.revision.permissions == level


def encrypted(octets: bytes, user: str) -> bytes:
    from pikepdf import Encryption  # noqa: PLC0415 - loaded where it is used
    from pikepdf import Pdf as Qpdf  # noqa: PLC0415

    out = io.BytesIO()
    with Qpdf.open(io.BytesIO(octets)) as pdf:
        pdf.save(out, encryption=Encryption(owner="owner", user=user, R=6))
    return out.getvalue()


def test_an_encrypted_file_that_opens_without_password_is_read(house: House) -> None:
    reader: Any = IncrementalPdfFileWriter(io.BytesIO(encrypted(document().octets, "")))
    reader.encrypt("")
    metadata = signers.PdfSignatureMetadata(
        field_name="Signature1",
        reason="Because",
        subfilter=fields.SigSeedSubFilter.PADES,
        validation_context=house.context(),
        embed_validation_info=True,
        md_algorithm="sha256",
    )
    out = signers.PdfSigner(metadata, house.signer, timestamper=house.stamper).sign_pdf(reader)
    found = read(Octets(out.getvalue(), "a.pdf"))
    (signature,) = found.signatures
    assert (signature.level, signature.name, signature.attributes.reason) == (
        "PAdES-BASELINE-LT",
        "Signature1",
        "Because",
    )
    chosen = signing_certificate(signature, found)
    assert chosen is not None
    assert chosen.verifies
    assert signature.references[0].intact
    assert any(token.der == house.crl for token in found.revocation.values())


def test_an_encrypted_file_that_needs_a_password_is_refused() -> None:
    with pytest.raises(Malformed, match="password"):
        read(Octets(encrypted(document().octets, "user"), "a.pdf"))


def test_files_of_qpdf_are_read_in_all_their_shapes() -> None:
    """Object streams, linearized, and both: what a signer starts from."""
    from pikepdf import ObjectStreamMode  # noqa: PLC0415 - loaded where it is used
    from pikepdf import Pdf as Qpdf  # noqa: PLC0415

    for mode in (ObjectStreamMode.disable, ObjectStreamMode.generate):
        for linearize in (False, True):
            out = io.BytesIO()
            with Qpdf.open(io.BytesIO(document().octets)) as pdf:
                pdf.save(out, object_stream_mode=mode, linearize=linearize)
            found = read(Octets(out.getvalue(), "a.pdf"))
            assert (found.signatures, found.findings) == ((), ())
