"""Tokens as other authorities write them, right and wrong, octet by octet; their keys are in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.core.der import cms, tsp
from trustworks.core.der.algorithms import SIGNATURES, hash_identifier
from trustworks.core.der.encode import (
    BIT_STRING,
    GENERALIZED_TIME,
    OCTET_STRING,
    SEQUENCE,
    SET,
    UTC_TIME,
    context,
    extension,
    integer,
    oid,
    tlv,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA: Final = b"a document"
WHEN: Final = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
UTF8_STRING: Final = 0x0C
SERIAL: Final = 4242
SHA256: Final = hash_identifier("sha256")
ECDSA: Final = SIGNATURES["ECDSA_SHA256"]
TIME_STAMPING: Final = extension("2.5.29.37", tlv(SEQUENCE, oid("1.3.6.1.5.5.7.3.8")), critical=True)
KEY_ID: Final = bytes(range(20))


def name(text: bytes, *, tag: int = UTF8_STRING) -> bytes:
    """A name of one common name, as these octets of UTF-8 or not."""
    return tlv(SEQUENCE, tlv(SET, tlv(SEQUENCE, oid("2.5.4.3"), tlv(tag, text))))


def tst_info(
    *,
    version: bytes = integer(1),
    imprint: bytes = tlv(SEQUENCE, SHA256, tlv(OCTET_STRING, hashlib.sha256(DATA).digest())),
    serial: bytes = integer(77),
    time: bytes = b"20260504030201Z",
    accuracy: bytes = b"",
    ordering: bytes = b"",
    nonce: bytes = b"",
    tsa: bytes = b"",
    extensions: bytes = b"",
) -> bytes:
    """A TSTInfo of these fields, each in DER or not; `time` is the content of genTime."""
    return tlv(
        SEQUENCE,
        *(version, oid("2.999.1"), imprint, serial, tlv(GENERALIZED_TIME, time)),
        *(accuracy, ordering, nonce, tsa, extensions),
    )


def reference(*certificates: bytes, hash_name: str = "sha256", algorithm: bytes = b"") -> bytes:
    """The attribute SigningCertificateV2."""
    hashed = (tlv(OCTET_STRING, hashlib.new(hash_name, one).digest()) for one in certificates)
    references = (tlv(SEQUENCE, algorithm, one) for one in hashed)
    return attribute(cms.SIGNING_CERTIFICATE_V2, tlv(SEQUENCE, tlv(SEQUENCE, *references)))


def older_reference(*certificates: bytes) -> bytes:
    """The attribute SigningCertificate, which is by SHA-1."""
    hashed = (hashlib.sha1(one, usedforsecurity=False).digest() for one in certificates)
    references = (tlv(SEQUENCE, tlv(OCTET_STRING, one)) for one in hashed)
    return attribute(cms.SIGNING_CERTIFICATE, tlv(SEQUENCE, tlv(SEQUENCE, *references)))


def attribute(kind: str, *values: bytes) -> bytes:
    return tlv(SEQUENCE, oid(kind), tlv(SET, *values))


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class ForeignAuthority:
    """A CA and a unit below it."""

    ca_key: ec.EllipticCurvePrivateKey = field(default_factory=_new_key)
    key: ec.EllipticCurvePrivateKey = field(default_factory=_new_key)

    def __post_init__(self) -> None:
        self.ca = self.certify_ca(b"CA")
        self.certificate = self.certify()

    @property
    def anchor(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.ca)

    def certify(
        self,
        *,
        subject: bytes = name(b"TSU"),
        issuer: bytes = name(b"CA"),
        spki: bytes | None = None,
        extensions: Sequence[bytes] = (TIME_STAMPING, extension("2.5.29.14", tlv(OCTET_STRING, KEY_ID))),
        serial: int = SERIAL,
        version: bytes = integer(2),
        validity: tuple[bytes, bytes] = (tlv(UTC_TIME, b"260101000000Z"), tlv(UTC_TIME, b"360101000000Z")),
    ) -> bytes:
        """A certificate for the unit's key by the CA, whatever it holds."""
        tbs = tlv(
            SEQUENCE,
            *(context(0, version), integer(serial), ECDSA, issuer),
            tlv(SEQUENCE, *validity),
            *(subject, spki or _spki(self.key)),
            context(3, tlv(SEQUENCE, *extensions)),
        )
        signature = self.ca_key.sign(tbs, ec.ECDSA(hashes.SHA256()))
        return tlv(SEQUENCE, tbs, ECDSA, tlv(BIT_STRING, b"\0", signature))

    def certify_ca(self, subject: bytes, *, serial: int = SERIAL) -> bytes:
        """A certificate by the CA for a CA of that name, which has the same key."""
        constraints = extension("2.5.29.19", tlv(SEQUENCE, b"\x01\x01\xff"), critical=True)
        spki = _spki(self.ca_key)
        return self.certify(subject=name(subject), spki=spki, extensions=[constraints], serial=serial)

    def token(self, tst: bytes | None = None, **given: Any) -> bytes:
        """A token over `DATA`; `given` takes the place of what `signed` and `signer` make."""
        tst = tst_info() if tst is None else tst
        certificate = given.pop("certificate", self.certificate)
        signers = given.pop("signers", None) or [self.signer(tst, certificate, **given.pop("signer", {}))]
        return signed(tst, signers, **({"certificates": [certificate, self.ca]} | given))

    def signer(
        self,
        tst: bytes,
        certificate: bytes | None = None,
        *,
        sid: bytes | None = None,
        digest: str = "sha256",
        digest_algorithm: bytes = SHA256,
        algorithm: bytes = ECDSA,
        reference_: bytes | None = None,
        attributes: Sequence[bytes] | None = None,
    ) -> bytes:
        """A SignerInfo whose signature is over the attributes as they are given, sorted when they are not."""
        certificate = self.certificate if certificate is None else certificate
        if attributes is None:
            attributes = sorted(
                [
                    attribute(cms.CONTENT_TYPE, oid(tsp.TST_INFO)),
                    attribute(cms.MESSAGE_DIGEST, tlv(OCTET_STRING, hashlib.new(digest, tst).digest())),
                    reference(certificate) if reference_ is None else reference_,
                ]
            )
        signature = self.key.sign(tlv(SET, *attributes), ec.ECDSA(hashes.SHA256()))
        return tlv(
            SEQUENCE,
            integer(1),
            tlv(SEQUENCE, name(b"CA"), integer(SERIAL)) if sid is None else sid,
            digest_algorithm,
            context(0, *attributes),
            algorithm,
            tlv(OCTET_STRING, signature),
        )


def signed(
    tst: bytes,
    signers: Sequence[bytes],
    *,
    certificates: Sequence[bytes] = (),
    digests: Sequence[bytes] = (SHA256,),
) -> bytes:
    """Signed data over a TSTInfo."""
    return tlv(
        SEQUENCE,
        oid(cms.SIGNED_DATA),
        context(
            0,
            tlv(
                SEQUENCE,
                integer(3),
                tlv(SET, *digests),
                tlv(SEQUENCE, oid(tsp.TST_INFO), context(0, tlv(OCTET_STRING, tst))),
                context(0, *certificates),
                tlv(SET, *sorted(signers)),
            ),
        ),
    )


def spki_of(algorithm: bytes, point: bytes = b"\4" + b"\1" * 64) -> bytes:
    """A SubjectPublicKeyInfo of an algorithm, with octets for a key."""
    return tlv(SEQUENCE, algorithm, tlv(BIT_STRING, b"\0", point))


def _spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
