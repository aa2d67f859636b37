"""What our own authorities certify, signed with by others' programs, and stamped by our own units.

The certificates, revocation lists, OCSP answers and time-stamps are made by the services, by a placed clock;
OpenSSL, pyHanko and joserfc make the signatures, and a small signer the XML that xmlsec1 verifies.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import crl, keys, tsp
from asn1crypto import x509 as asn1_x509
from certificate_bench import PAYMENT_SERVICES, SUBJECTS, names_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from foreign_tokens import attribute
from issuance_testbed import make_csr
from joserfc import jws
from joserfc.jwk import ECKey
from lxml import etree
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers, timestamps
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator.registry import SimpleCertificateStore
from signed_pdfs import document

from trustworks.core.der import ber
from trustworks.core.der.algorithms import hash_identifier
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, SET, context, integer, tlv
from trustworks.core.pki.tokens import Certificate, RevocationList
from trustworks.core.xml.algorithms import EXCLUSIVE
from trustworks.core.xml.canonical import canonicalise
from trustworks.issuance import records
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Declarations, Door
from trustworks.issuance.profiles import PROFILES, profile_named
from trustworks.validation.gathering.questions import ocsp_request
from trustworks.validation.rules.inputs import Extra, token

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rollover_testbed import Site

    from trustworks.formats.evidence import Token
    from trustworks.timestamping.service import TimestampingAuthority

SIGNERS: Final = tuple(
    name
    for name, one in PROFILES.items()
    if one.kind in {"natural", "legal", "smime"} and not name.startswith(("qncp-", "qwac-"))
)
"""Profiles whose holders sign: persons and seals, and mail; not those of web sites and machines."""
_TRUE: Final = bytes((1, 1, 255))
_XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"


def _b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _b64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Somebody whom our authority certified. `chain` are the authorities above, without the root."""

    key: ec.EllipticCurvePrivateKey
    serial: str
    certificate: bytes
    chain: tuple[bytes, ...]

    @property
    def expires(self) -> Any:
        """The end of the certificate."""
        return x509.load_der_x509_certificate(self.certificate).not_valid_after_utc


class House:
    """Our services at a moment, and what they publish then."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.worker: TimestampingAuthority = site.worker()
        self.folder: Path = site.folder
        self.root = site.issuance.authority("root").certificate

    def certify(self, profile: str = "natural-qcp-n-qscd") -> Holder:
        """A certificate of a profile for a new key on P-256."""
        known = profile_named(profile)
        subject = SUBJECTS.get(profile, {"commonName": f"{profile} TEST"} if known.attributes else {})
        key = ec.generate_private_key(ec.SECP256R1())
        made = self.site.issuance.issue(
            self.site.provider.request(
                profile,
                csr=make_csr(key),
                subject=tuple(NameAttribute(name, value) for name, value in subject.items()),
                alternative_names=names_of(known),
                door=Door.APPLICATION,
                requested_by="application:test",
                declarations=Declarations(
                    payment_services=PAYMENT_SERVICES if known.psd2 else None,
                    identification="eIDAS2-acd" if known.psd2 else None,
                ),
                semantics=known.semantics is not None,
            )
        )
        chain = tuple(one for one in made.chain if one != self.root)
        return Holder(key=key, serial=made.serial, certificate=made.certificate, chain=chain)

    def stamp(self, octets: bytes, hash_name: str = "sha256", *, unit: str | None = None) -> bytes:
        """A time-stamp token over octets, by our unit now."""
        imprint = tlv(
            SEQUENCE,
            hash_identifier(hash_name),
            tlv(OCTET_STRING, hashlib.new(hash_name, octets).digest()),
        )
        answer = self.answer(tlv(SEQUENCE, integer(1), imprint, _TRUE), unit)
        return ber.read(answer).children()[1].octets

    def answer(self, query: bytes, unit: str | None = None) -> bytes:
        """The TimeStampResp to a TimeStampReq."""
        self.worker.ping()
        return self.worker.stamp(query) if unit is None else self.worker.stamp(query, unit)

    def lists(self) -> tuple[Token, ...]:
        """The revocation lists of all our authorities, of now, of every scope."""
        self.site.publish()
        found = []
        with self.site.database.read() as connection:
            for authority in records.list_authorities(connection):
                for shard in (None, *range(self.site.issuing.issuing.crl_shards)):
                    one = records.last_crl(connection, authority.name, shard=shard)
                    if one is not None:
                        found.append(token("R", one.der))
        return tuple(found)

    def is_of_root(self, one: Token) -> bool:
        """Whether it is a revocation list of the root."""
        root = Certificate.read(self.root)
        return one.id.startswith("R-") and RevocationList.read(one.der).issuer == root.subject

    def status(self, *asked: bytes) -> tuple[Token, ...]:
        """OCSP answers of now about certificates of the issuing authority, by its delegated responder."""
        responder = self.site.status().responder
        issuer = Certificate.read(self.site.issuance.authority("issuing").certificate)
        return tuple(
            token("O", responder.answer(ocsp_request(Certificate.read(one), issuer)).der) for one in asked
        )

    def extra(self, *revocation: Token) -> Extra:
        """Our authorities' certificates, and revocation data."""
        authorities = [one.certificate for one in self.site.issuance.generations()]
        return Extra(
            certificates=tuple(token("C", one) for one in dict.fromkeys(authorities)),
            revocation=tuple(dict.fromkeys(revocation)),
        )


# --- signers ---


def cms_of(house: House, holder: Holder, *, stamped: bool, content: bytes = b"contract\n") -> bytes:
    """CAdES by `openssl cms -cades`; with a signature time-stamp in it where `stamped`."""
    folder = house.folder / "openssl"
    folder.mkdir(exist_ok=True)
    pem = holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "content").write_bytes(content)
    (folder / "key.pem").write_bytes(pem)
    (folder / "signer.pem").write_bytes(_pem(holder.certificate))
    (folder / "chain.pem").write_bytes(b"".join(map(_pem, holder.chain)))
    made = subprocess.run(
        [
            *("openssl", "cms", "-sign", "-cades", "-binary", "-nodetach", "-md", "sha256", "-in", "content"),
            *("-signer", "signer.pem", "-inkey", "key.pem", "-certfile", "chain.pem", "-outform", "DER"),
        ],
        cwd=folder, capture_output=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    if not stamped:
        return made
    kind, wrapped = ber.read(made).children()
    (signed_data,) = wrapped.children()
    *before, signer_infos = signed_data.children()
    (signer,) = signer_infos.children()
    stamp = attribute("1.2.840.113549.1.9.16.2.14", house.stamp(signer.children()[-1].value))
    infos = tlv(SET, tlv(SEQUENCE, signer.value, context(1, stamp)))
    whole = tlv(SEQUENCE, *(one.octets for one in before), infos)
    return tlv(SEQUENCE, kind.octets, context(0, whole))


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def json_of(house: House, holder: Holder, *, stamped: bool) -> bytes:
    """JAdES by joserfc, flattened; the time-stamp is over the value in base64url."""
    header: Any = {
        "alg": "ES256",
        "x5t#S256": _b64url(hashlib.sha256(holder.certificate).digest()),
        "x5c": [_b64(one) for one in (holder.certificate, *holder.chain)],
        "iat": int(house.site.clock.moment.timestamp()),
    }
    registry = jws.JWSRegistry(strict_check_header=False, algorithms=["ES256"])
    registry.max_header_length = 100_000
    key = ECKey.import_key(holder.key)
    made: Any = jws.serialize_json({"protected": header}, b"contract", key, registry=registry)
    if stamped:
        stamp = house.stamp(made["signature"].encode())
        component = {"sigTst": {"tstTokens": [{"val": _b64(stamp)}]}}
        made["header"] = {"etsiU": [_b64url(json.dumps(component).encode())]}
    return json.dumps(made).encode()


_OF_PROPERTIES: Final = ' Type="http://uri.etsi.org/01903#SignedProperties"'
_OF_DATA: Final = ' Id="R"'


def _reference(target: str, attributes: str) -> str:
    return (
        f'<ds:Reference URI="#{target}"{attributes}><ds:Transforms><ds:Transform Algorithm="{EXCLUSIVE}"/>'
        f'</ds:Transforms><ds:DigestMethod Algorithm="{_SHA256}"/><ds:DigestValue/></ds:Reference>'
    )


def xml_of(house: House, holder: Holder, *, stamped: bool, content_stamp: bool = False) -> bytes:
    """XAdES with the data in it; `content_stamp` puts a time-stamp over the data under the signature."""
    data = '<ds:Object Id="O">contract</ds:Object>'
    whole = etree.fromstring(f'<w xmlns:ds="{_DS}">{data}</w>')
    stamp = ""
    if content_stamp:
        over = house.stamp(canonicalise(whole[0], EXCLUSIVE))
        stamp = (
            '<xades:AllDataObjectsTimeStamp><ds:CanonicalizationMethod Algorithm="'
            f'{EXCLUSIVE}"/><xades:EncapsulatedTimeStamp>{_b64(over)}</xades:EncapsulatedTimeStamp>'
            "</xades:AllDataObjectsTimeStamp>"
        )
    certificates = "".join(
        f"<ds:X509Certificate>{_b64(one)}</ds:X509Certificate>" for one in (holder.certificate, *holder.chain)
    )
    root = etree.fromstring(
        f'<ds:Signature xmlns:ds="{_DS}" Id="S"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="'
        f'{EXCLUSIVE}"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>'
        f"{_reference('O', _OF_DATA)}{_reference('P', _OF_PROPERTIES)}</ds:SignedInfo>"
        f'<ds:SignatureValue Id="V"/><ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo>{data}'
        f'<ds:Object><xades:QualifyingProperties xmlns:xades="{_XADES}" Target="#S"><xades:SignedProperties '
        f'Id="P"><xades:SignedSignatureProperties><xades:SigningTime>'
        f"{house.site.clock.moment:%Y-%m-%dT%H:%M:%SZ}</xades:SigningTime><xades:SigningCertificateV2>"
        f'<xades:Cert><xades:CertDigest><ds:DigestMethod Algorithm="{_SHA256}"/><ds:DigestValue>'
        f"{_b64(hashlib.sha256(holder.certificate).digest())}</ds:DigestValue></xades:CertDigest></xades:Cert>"
        "</xades:SigningCertificateV2></xades:SignedSignatureProperties><xades:SignedDataObjectProperties>"
        '<xades:DataObjectFormat ObjectReference="#R"><xades:MimeType>text/plain</xades:MimeType>'
        f"</xades:DataObjectFormat>{stamp}</xades:SignedDataObjectProperties></xades:SignedProperties>"
        "</xades:QualifyingProperties></ds:Object></ds:Signature>"
    )
    info, value = root[0], root[1]
    for target, digest in zip(
        (root[3], root.find(f".//{{{_XADES}}}SignedProperties")),
        info.iter(f"{{{_DS}}}DigestValue"),
        strict=True,
    ):
        assert target is not None
        digest.text = _b64(hashlib.sha256(canonicalise(target, EXCLUSIVE)).digest())
    r, s = decode_dss_signature(holder.key.sign(canonicalise(info, EXCLUSIVE), ec.ECDSA(hashes.SHA256())))
    value.text = _b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    if stamped:
        properties = root.find(f".//{{{_XADES}}}QualifyingProperties")
        assert properties is not None
        over = house.stamp(canonicalise(value, EXCLUSIVE))
        properties.append(
            etree.fromstring(
                f'<xades:UnsignedProperties xmlns:xades="{_XADES}" xmlns:ds="{_DS}">'
                "<xades:UnsignedSignatureProperties><xades:SignatureTimeStamp><ds:CanonicalizationMethod "
                f'Algorithm="{EXCLUSIVE}"/><xades:EncapsulatedTimeStamp>{_b64(over)}'
                "</xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp>"
                "</xades:UnsignedSignatureProperties></xades:UnsignedProperties>"
            )
        )
    return bytes(etree.tostring(root))


class _Unit(timestamps.TimeStamper):
    """Our unit, as pyHanko asks one."""

    def __init__(self, house: House) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._house = house

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        return tsp.TimeStampResp.load(self._house.answer(req.dump()))


def pdf_of(house: House, holder: Holder, *, stamped: bool) -> bytes:
    """PAdES by pyHanko."""
    store: Any = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    for one in holder.chain:
        store.register(asn1_x509.Certificate.load(one))
    key = holder.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signer = signers.SimpleSigner(
        asn1_x509.Certificate.load(holder.certificate), keys.PrivateKeyInfo.load(key), store
    )
    metadata = signers.PdfSignatureMetadata(
        field_name="Signature1", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
    )
    made = signers.PdfSigner(metadata, signer, timestamper=_Unit(house) if stamped else None).sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(document().octets))
    )
    return bytes(made.getvalue())


def stamped_again(house: House, octets: bytes) -> bytes:
    """The PDF with revocation lists of now in its security store, and a document time-stamp over all."""
    writer = IncrementalPdfFileWriter(io.BytesIO(octets))
    lists = [crl.CertificateList.load(one.der) for one in house.lists()]
    DocumentSecurityStore.supply_dss_in_writer(writer, None, crls=lists)
    made = signers.PdfTimeStamper(_Unit(house)).timestamp_pdf(writer, "sha256", None)
    return bytes(made.getvalue())


MAKERS: Final[dict[str, Callable[..., bytes]]] = {
    "CAdES": cms_of,
    "XAdES": xml_of,
    "PAdES": pdf_of,
    "JAdES": json_of,
}
"""By format, what signs: ``maker(house, holder, stamped=...)``."""
