"""A private key on its way to its subject: a key package, signed, then encrypted to a certificate.

Written for RFC 7030, 4.4.2 (and RFC 9483, 4.1.6, alike): an AsymmetricKeyPackage (RFC 5958) in SignedData of
who generated the key, in EnvelopedData for the recipient (RFC 5652), by AES-256 in CBC mode. The content key
travels by RSAES-OAEP with SHA-256 (RFC 3560) to an RSA key, and by ephemeral-static ECDH with the X9.63 KDF
over SHA-256 and AES-256 key wrap (RFC 5753, 3.1) to a key on a curve.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.core.der.algorithms import SIGNATURES, SIGNER_DIGESTS, algorithm_identifier, hash_identifier
from trustworks.core.der.encode import (
    BIT_STRING,
    NULL,
    OCTET_STRING,
    SEQUENCE,
    SET,
    context,
    integer,
    oid,
    tlv,
)
from trustworks.core.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
ENVELOPED_DATA: Final = "1.2.840.113549.1.7.3"
KEY_PACKAGE: Final = "2.16.840.1.101.2.1.2.78.5"
_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_AES_256_CBC: Final = "2.16.840.1.101.3.4.1.42"
_AES_256_WRAP: Final = "2.16.840.1.101.3.4.1.45"
_RSAES_OAEP: Final = "1.2.840.113549.1.1.7"
_MGF1: Final = "1.2.840.113549.1.1.8"
_SHA_256: Final = "2.16.840.1.101.3.4.2.1"
_ECDH_SHA_256: Final = "1.3.132.1.11.1"
_EC_PUBLIC_KEY: Final = "1.2.840.10045.2.1"
_KEY_OCTETS: Final = 32


def signed_key_package(
    private: bytes, certificate: x509.Certificate, scheme: str, sign: Callable[[bytes], bytes]
) -> bytes:
    """SignedData over the key (PKCS#8, DER) by the key of `certificate`; `scheme` is `SIGNATURES`' name."""
    content = tlv(SEQUENCE, private)
    digest = SIGNER_DIGESTS[scheme]
    attributes = [
        tlv(SEQUENCE, oid(_CONTENT_TYPE), tlv(SET, oid(KEY_PACKAGE))),
        tlv(
            SEQUENCE,
            oid(_MESSAGE_DIGEST),
            tlv(SET, tlv(OCTET_STRING, hashlib.new(digest, content).digest())),
        ),
    ]
    signature = sign(tlv(SET, *sorted(attributes)))
    signer = tlv(
        SEQUENCE,
        integer(1),
        _issuer_and_serial(certificate),
        hash_identifier(digest),
        context(0, *sorted(attributes)),
        SIGNATURES[scheme],
        tlv(OCTET_STRING, signature),
    )
    return tlv(
        SEQUENCE,
        integer(3),  # the content is not id-data (RFC 5652, 5.1)
        tlv(SET, hash_identifier(digest)),
        tlv(SEQUENCE, oid(KEY_PACKAGE), context(0, tlv(OCTET_STRING, content))),
        context(0, certificate.public_bytes(Encoding.DER)),
        tlv(SET, signer),
    )


def enveloped(signed: bytes, recipient: x509.Certificate) -> bytes:
    """EnvelopedData (in a ContentInfo, DER) around SignedData, for the holder of a certificate.

    Raises `Rejected` (notAuthorized) for a certificate whose key nothing is encrypted to.
    """
    key, vector = secrets.token_bytes(_KEY_OCTETS), secrets.token_bytes(16)
    padder = padding.PKCS7(128).padder()
    padded = padder.update(signed) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    encrypted = encryptor.update(padded) + encryptor.finalize()
    public = recipient.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        version, info = 0, _to_rsa(key, public, recipient)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        version, info = 2, _to_curve(key, public, recipient)
    else:
        raise Rejected(
            "notAuthorized", "A key is encrypted to an RSA key or one on a curve; show another certificate."
        )
    return content_info(
        ENVELOPED_DATA,
        tlv(
            SEQUENCE,
            integer(version),
            tlv(SET, info),
            tlv(
                SEQUENCE,
                oid(SIGNED_DATA),
                algorithm_identifier(_AES_256_CBC, tlv(OCTET_STRING, vector)),
                context(0, encrypted, constructed=False),
            ),
        ),
    )


def _to_rsa(key: bytes, public: rsa.RSAPublicKey, recipient: x509.Certificate) -> bytes:
    hashed = algorithm_identifier(_SHA_256, tlv(NULL))
    parameters = tlv(SEQUENCE, context(0, hashed), context(1, algorithm_identifier(_MGF1, hashed)))
    carried = public.encrypt(key, OAEP(mgf=MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None))
    return tlv(
        SEQUENCE,
        integer(0),
        _issuer_and_serial(recipient),
        algorithm_identifier(_RSAES_OAEP, parameters),
        tlv(OCTET_STRING, carried),
    )


def _to_curve(key: bytes, public: ec.EllipticCurvePublicKey, recipient: x509.Certificate) -> bytes:
    ephemeral = ec.generate_private_key(public.curve)
    wrap = algorithm_identifier(_AES_256_WRAP)
    length = (8 * _KEY_OCTETS).to_bytes(4)
    shared_info = tlv(SEQUENCE, wrap, context(2, tlv(OCTET_STRING, length)))
    secret = ephemeral.exchange(ec.ECDH(), public)
    kek = X963KDF(algorithm=hashes.SHA256(), length=_KEY_OCTETS, sharedinfo=shared_info).derive(secret)
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    originator = context(1, algorithm_identifier(_EC_PUBLIC_KEY), tlv(BIT_STRING, b"\x00", point))
    return context(
        1,
        integer(3),
        context(0, originator),
        algorithm_identifier(_ECDH_SHA_256, wrap),
        tlv(
            SEQUENCE,
            tlv(SEQUENCE, _issuer_and_serial(recipient), tlv(OCTET_STRING, aes_key_wrap(kek, key))),
        ),
    )


def _issuer_and_serial(certificate: x509.Certificate) -> bytes:
    return tlv(SEQUENCE, certificate.issuer.public_bytes(), integer(certificate.serial_number))


def content_info(content_type: str, content: bytes) -> bytes:
    """A ContentInfo around a content of this type (RFC 5652, 3)."""
    return tlv(SEQUENCE, oid(content_type), context(0, content))
