"""Signers with keys of every kind, a time-stamping unit, and documents: of what tests make signatures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import Entity, crl, entity, key
from signed_pdfs import document
from signed_stories import token

from trustworks.core.ports import NOTHING, ValidationData
from trustworks.formats.data import Octets
from trustworks.signing.create.levels import Means
from trustworks.signing.model import Container, Document, Format, Onto, Packaging, Request, Signer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificateIssuerPrivateKeyTypes as PrivateKey,
    )
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

NOW: Final = datetime.now(UTC).replace(microsecond=0)
XML: Final = b'<a xmlns:x="urn:x"><b Id="b">what is signed</b><c Id="c"/></a>'
JSON: Final = b'{"what":"is signed"}'
TEXT: Final = b"what is signed\n"


@dataclass(frozen=True)
class Kind:
    """A kind of key: how it is made, and the scheme by which it signs."""

    make: str
    scheme: str


KINDS: Final = {
    "P-256": Kind("secp256r1", "ECDSA_SHA256"),
    "P-384": Kind("secp384r1", "ECDSA_SHA384"),
    "P-521": Kind("secp521r1", "ECDSA_SHA512"),
    "brainpoolP256r1": Kind("brainpoolP256r1", "ECDSA_SHA256"),
    "brainpoolP384r1": Kind("brainpoolP384r1", "ECDSA_SHA384"),
    "brainpoolP512r1": Kind("brainpoolP512r1", "ECDSA_SHA512"),
    "RSA-PSS": Kind("rsa", "RSA_PSS_SHA256"),
    "RSA-PKCS1": Kind("rsa", "RSA_PKCS1_SHA512"),
    "Ed25519": Kind("ed25519", "ED25519"),
}
_CURVES: Final = {
    one.name: one
    for one in (
        *(ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()),
        *(ec.BrainpoolP256R1(), ec.BrainpoolP384R1(), ec.BrainpoolP512R1()),
    )
}
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


def key_of(make: str, owner: str = "") -> PrivateKey:
    """A throw-away key: another one for each owner."""
    return _key(make, owner)


@cache
def _key(make: str, owner: str) -> PrivateKey:  # noqa: ARG001 - as above
    if make == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=3072)
    if make == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(_CURVES[make])


def value(make: str, octets: bytes, scheme: str, owner: str = "") -> bytes:
    """What a module's key would sign: ECDSA in DER."""
    found = key_of(make, owner)
    if isinstance(found, ed25519.Ed25519PrivateKey):
        return found.sign(octets)
    digest = _HASHES[scheme.rsplit("_", maxsplit=1)[-1]]
    if isinstance(found, ec.EllipticCurvePrivateKey):
        return found.sign(octets, ec.ECDSA(digest))
    assert isinstance(found, rsa.RSAPrivateKey)
    if "PSS" in scheme:
        return found.sign(octets, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    return found.sign(octets, padding.PKCS1v15(), digest)


@dataclass(frozen=True)
class Person:
    """A signer with his key and certificate."""

    kind: str
    certificate: bytes
    chain: tuple[bytes, ...]
    owner: str = ""

    @property
    def signer(self) -> Signer:
        return Signer(certificates=(self.certificate, *self.chain), scheme=KINDS[self.kind].scheme)

    def sign(self, octets: bytes) -> bytes:
        return value(KINDS[self.kind].make, octets, KINDS[self.kind].scheme, self.owner)


@dataclass(frozen=True)
class House:
    """An authority, its unit, and signers."""

    root: Entity = field(default_factory=lambda: entity("root", ca=True, since=NOW - timedelta(days=400)))

    def person(
        self,
        kind: str = "P-256",
        *,
        since: datetime = NOW - timedelta(days=30),
        until: datetime = NOW + timedelta(days=300),
        usage: tuple[str, ...] = ("content_commitment",),
        purposes: tuple[x509.ObjectIdentifier, ...] = (),
        serial: int | None = None,
        extensions: tuple[x509.ExtensionType, ...] = (),
    ) -> Person:
        made = self.issued(
            key_of(KINDS[kind].make).public_key(),
            name=f"TEST signer {kind}",
            since=since,
            until=until,
            usage=usage,
            purposes=purposes,
            serial=serial,
            extensions=extensions,
        ).public_bytes(Encoding.DER)
        return Person(kind, made, (self.root.der,))

    def issued(
        self,
        public_key: CertificatePublicKeyTypes,
        *,
        name: str = "TEST signer",
        since: datetime = NOW - timedelta(days=30),
        until: datetime = NOW + timedelta(days=300),
        usage: tuple[str, ...] = ("content_commitment",),
        purposes: tuple[x509.ObjectIdentifier, ...] = (),
        serial: int | None = None,
        extensions: tuple[x509.ExtensionType, ...] = (),
    ) -> x509.Certificate:
        """A certificate for a key."""
        named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        known = (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
            "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
        )  # fmt: skip
        builder = (
            x509.CertificateBuilder()
            .subject_name(named)
            .issuer_name(self.root.certificate.subject)
            .public_key(public_key)
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**{one: one in usage for one in known}), critical=True)
        )
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=False)
        for one in extensions:
            builder = builder.add_extension(one, critical=False)
        return builder.sign(key(self.root.name), hashes.SHA256())

    @property
    def unit(self) -> Entity:
        return _unit(self.root)

    def stamp(self, digest: bytes, hash_name: str = "sha256", *, time: datetime | None = None) -> bytes:
        """A time-stamp token of the unit: the house is a `Stamper`."""
        moment = time or datetime.now(UTC)
        return token(self.unit, b"", moment, self.root, hash_name=hash_name, digest=digest)

    def evidence_of(
        self,
        certificate: bytes,
        at: datetime,
        *,
        at_hand: ValidationData = NOTHING,
        since: datetime | None = None,
        time_stamp: bool = False,
    ) -> ValidationData:
        """The path and a list of this second: the house is an `EvidenceSource` for its own certificates."""
        del at, at_hand, since, time_stamp
        made = crl(self.root, datetime.now(UTC).replace(microsecond=0))
        return ValidationData(certificates=(certificate, self.root.der), lists=(made,))

    @property
    def means(self) -> Means:
        return Means(clock=lambda: datetime.now(UTC), stamper=self, evidence=self)


@cache
def house() -> House:
    """The house of a test process."""
    return House()


@cache
def _unit(root: Entity) -> Entity:
    return entity(
        "unit",
        root,
        since=NOW - timedelta(days=100),
        usage=("digital_signature",),
        purposes=(ExtendedKeyUsageOID.TIME_STAMPING,),
    )


def pdf(name: str | None = "a.pdf") -> Octets:
    """A PDF of one page."""
    return Octets(document().octets, name)


def documents(request_format: Format, packaging: Packaging | None = None) -> tuple[Document, ...]:
    """One document of the kind that a format signs."""
    if request_format is Format.PADES:
        return (Document(data=pdf(), media_type="application/pdf"),)
    if request_format is Format.XADES and packaging in {
        None,
        Packaging.ENVELOPED,
        Packaging.INTERNALLY_DETACHED,
    }:
        return (Document(data=Octets(XML, "a.xml"), media_type="text/xml"),)
    return (Document(data=Octets(TEXT, "a.txt"), media_type="text/plain"),)


def imprint(octets: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(octets).digest()


__all__ = [
    "JSON", "KINDS", "NOW", "TEXT", "XML", "Container", "House", "Onto", "Person", "Request",
    "documents", "house", "imprint", "key_of", "pdf", "value",
]  # fmt: skip
