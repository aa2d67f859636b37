"""JAdES signatures as a writer makes them, right and wrong, member by member; keys are in memory."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from foreign_tokens import SHA256, ForeignAuthority, tst_info

from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, tlv

PAYLOAD = b'{"title": "Hello"}'


def b64(octets: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def standard(octets: bytes) -> str:
    """Base64 as certificates and tokens are in."""
    return base64.b64encode(octets).decode()


def digest(octets: bytes) -> str:
    """SHA-256 in base64url."""
    return b64(hashlib.sha256(octets).digest())


def named(text: str) -> x509.Name:
    """A name of one common name."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


@dataclass
class Signer:
    """A key with a certificate, self-signed or by the CA of a time-stamping authority (``CA``)."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    authority: ForeignAuthority = field(default_factory=ForeignAuthority)
    issuer: str = "signer"

    def __post_init__(self) -> None:
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        self.certificate = (
            x509.CertificateBuilder(
                named(self.issuer), named("signer"), self.key.public_key(), 7, begin, begin + timedelta(3650)
            )
            .sign(self.authority.ca_key if self.issuer == "CA" else self.key, hashes.SHA256())
            .public_bytes(Encoding.DER)
        )

    def header(self, **others: Any) -> dict[str, Any]:
        """The protected header of a B-B signature; None leaves a header out."""
        header = {
            "alg": "ES256",
            "x5t#S256": digest(self.certificate),
            "x5c": [standard(self.certificate)],
            "iat": 1767312000,
        }
        return {name: value for name, value in (header | others).items() if value is not None}

    def value(self, signing_input: bytes) -> bytes:
        """r and s side by side."""
        r, s = decode_dss_signature(self.key.sign(signing_input, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def parts(self, header: dict[str, Any] | str, payload: bytes) -> tuple[str, str]:
        """The protected header and the value in base64url; `payload` as it stands in the signing input."""
        text = header if isinstance(header, str) else json.dumps(header)
        protected = b64(text.encode())
        return protected, b64(self.value(protected.encode() + b"." + payload))

    def compact(self, header: dict[str, Any] | str | None = None, payload: bytes = PAYLOAD) -> bytes:
        """A compact serialization."""
        encoded = b64(payload)
        protected, value = self.parts(self.header() if header is None else header, encoded.encode())
        return f"{protected}.{encoded}.{value}".encode()

    def flattened(
        self, header: dict[str, Any] | None = None, payload: bytes = PAYLOAD, **members: Any
    ) -> dict[str, Any]:
        """A flattened serialization; `members` takes the place of its members or adds some."""
        protected, value = self.parts(self.header() if header is None else header, b64(payload).encode())
        return {"payload": b64(payload), "protected": protected, "signature": value} | members

    def revocation_list(self, issuer: str) -> bytes:
        """A list by the CA in the name of another, or in its own (``CA``)."""
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        builder = x509.CertificateRevocationListBuilder(named(issuer), begin, begin + timedelta(3650))
        return builder.sign(self.authority.ca_key, hashes.SHA256()).public_bytes(Encoding.DER)

    def token(self, over: bytes) -> dict[str, Any]:
        """A tstContainer with one token over `over`."""
        imprint = tlv(SEQUENCE, SHA256, tlv(OCTET_STRING, hashlib.sha256(over).digest()))
        return {"tstTokens": [{"val": standard(self.authority.token(tst_info(imprint=imprint)))}]}


def component(value: dict[str, Any], *, clear: bool = False) -> Any:
    """A component of etsiU, in clear or in base64url."""
    return value if clear else b64(json.dumps(value).encode())
