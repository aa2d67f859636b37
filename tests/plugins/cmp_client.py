"""A CMP client that sends what it is told, right or wrong: also what no real client would send."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.core.der import cmp as der
from trustworks.core.der.algorithms import SIGNATURES, algorithm_identifier
from trustworks.core.der.cmp import Body, PkiFailureInfo, PkiMessage
from trustworks.core.der.crmf import elements, encoded
from trustworks.core.der.encode import BIT_STRING, NULL, OCTET_STRING, SEQUENCE, context, integer, tlv
from trustworks.core.der.tsp import PkiStatusInfo
from trustworks.issuance.enrolment.cmp.protection import (
    PASSWORD_BASED_MAC,
    MacAlgorithm,
    MacProtection,
    is_mac_valid,
    is_signature_valid,
    read_mac,
)

ECDSA = SIGNATURES["ECDSA_SHA256"]
HMAC = algorithm_identifier("1.2.840.113549.2.9", tlv(NULL))
PBM = MacAlgorithm(
    name=PASSWORD_BASED_MAC,
    mac="sha256",
    mac_written=HMAC,
    kdf=PASSWORD_BASED_MAC,
    one_way="sha256",
    one_way_written=algorithm_identifier("2.16.840.1.101.3.4.2.1"),
    salt=b"0123456789abcdef",
    iterations=500,
)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def spki_of(key: Any) -> bytes:
    found: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return found


def name(*pairs: tuple[x509.ObjectIdentifier, str]) -> bytes:
    return x509.Name([x509.NameAttribute(*pair) for pair in pairs]).public_bytes()


def common_name(text: str) -> bytes:
    return name((x509.NameOID.COMMON_NAME, text))


@dataclass
class SignedBy:
    """The protection by a key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: bytes
    algorithm: bytes = ECDSA

    def protect(self, data: bytes) -> bytes:
        return self.key.sign(data, ec.ECDSA(hashes.SHA256()))


@dataclass
class Reply:
    """An answer, read."""

    message: PkiMessage
    octets: bytes

    @property
    def body(self) -> Body:
        return self.message.body

    @property
    def status(self) -> PkiStatusInfo:
        """The status in an error, in the one response, or in the one answer to a revocation request."""
        from cryptography.hazmat import asn1  # noqa: PLC0415

        if self.body is Body.error:
            return der.read_error(self.message.content)
        if self.body is Body.rp:
            return asn1.decode_der(PkiStatusInfo, encoded(elements(elements(self.message.content)[0])[0]))
        return asn1.decode_der(PkiStatusInfo, encoded(self._response()[1]))

    def _response(self) -> list[Any]:
        return elements(elements(elements(self.message.content)[-1])[0])

    @property
    def certificate(self) -> bytes | None:
        parts = self._response()
        if len(parts) < 3:
            return None
        return bytes(elements(parts[2])[0].data)

    @property
    def failure(self) -> str | None:
        """The name of the one bit that is set."""
        bits = self.status.fail_info
        if bits is None:
            return None
        octets = bits.as_bytes()
        found = [
            bit.name
            for bit in PkiFailureInfo
            if bit.value // 8 < len(octets) and octets[bit.value // 8] & 0x80 >> bit.value % 8
        ]
        assert len(found) == 1
        return found[0]

    @property
    def text(self) -> str:
        return " ".join(self.status.status_string or ())


@dataclass
class CmpClient:
    """Sends messages to an exchange; each field can be changed to something wrong."""

    exchange: Any
    reference: str = ""
    secret: str = ""
    signed_by: SignedBy | None = None
    mac: MacAlgorithm = PBM
    sender: bytes | None = None
    pvno: int = 2
    time: datetime | None = field(default_factory=lambda: datetime.now(UTC))
    transaction_id: bytes = field(default_factory=lambda: os.urandom(16))
    nonce: bytes = field(default_factory=lambda: os.urandom(16))
    recipient_nonce: bytes | None = None
    infos: tuple[der.InfoTypeAndValue, ...] = ()
    sent: bytes = b""

    def again(self) -> None:
        """Begin another transaction."""
        self.transaction_id, self.nonce, self.recipient_nonce = os.urandom(16), os.urandom(16), None

    def message(self, body: Body, content: bytes, *, protected: bool = True) -> bytes:
        protection: Any = self.signed_by or MacProtection(self.mac, self.secret.encode())
        sender = self.sender
        if sender is None and self.signed_by is not None:
            sender = x509.load_der_x509_certificate(self.signed_by.certificate).subject.public_bytes()
        header = der.write_header(
            der.Header(
                pvno=self.pvno,
                sender=der.EMPTY_NAME if sender is None else context(4, sender),
                recipient=der.EMPTY_NAME,
                message_time=self.time or datetime.now(UTC),
                transaction_id=self.transaction_id,
                sender_nonce=self.nonce,
                recipient_nonce=self.recipient_nonce,
                protection_algorithm=protection.algorithm if protected else b"",
                sender_kid=None if self.signed_by else self.reference.encode(),
                general_info=self.infos,
            )
        )
        written = der.write_body(body, content)
        certificates = [self.signed_by.certificate] if self.signed_by else []
        value = protection.protect(der.protected_part(header, written)) if protected else b""
        return der.write_message(header, written, value, certificates)

    def send(self, body: Body, content: bytes, *, protected: bool = True) -> Reply:
        self.sent = self.message(body, content, protected=protected)
        return self.post(self.sent)

    def post(self, octets: bytes) -> Reply:
        answer = self.exchange.answer(octets)
        reply = Reply(message=der.read_message(answer), octets=answer)
        self.check(reply)
        if reply.body is not Body.error:
            self.recipient_nonce = reply.message.header.sender_nonce
        return reply

    def check(self, reply: Reply) -> None:
        """Every answer is protected, by the CMP key or by the secret."""
        message = reply.message
        assert message.protection_algorithm is not None
        assert message.protection is not None
        algorithm = read_mac(message.protection_algorithm, max_iterations=100_000)
        if algorithm is not None:
            assert is_mac_valid(algorithm, self.secret.encode(), message.protected, message.protection)
        else:
            signer = message.extra_certificates[0]
            assert is_signature_valid(
                message.protection_algorithm, signer, message.protected, message.protection
            )

    def enrol(self, body: Body, key: Any, subject: bytes, **changes: Any) -> Reply:
        return self.send(body, cert_request(key, subject, **changes))

    def confirm(
        self, cert_hash: bytes, *, cert_req_id: int = 0, status: bytes = b"", algorithm: bytes = b""
    ) -> Reply:
        one = tlv(SEQUENCE, tlv(OCTET_STRING, cert_hash), integer(cert_req_id), status, algorithm)
        return self.send(Body.certConf, tlv(SEQUENCE, one))

    def revoke(self, certificate: bytes, reason: int | None = None) -> Reply:
        read = x509.load_der_x509_certificate(certificate)
        return self.send(Body.rr, revocation_request(read.issuer.public_bytes(), read.serial_number, reason))


def cert_request(
    key: Any,
    subject: bytes | None,
    *,
    cert_req_id: int = 0,
    proof: str = "signature",
    proof_key: Any = None,
    template: bytes = b"",
    extensions: bytes = b"",
    controls: bytes = b"",
    times: int = 1,
    before: bytes = b"",
) -> bytes:
    """CertReqMessages; `before` and `template` are fields before the subject and between subject and key."""
    spki = spki_of(key)
    public = b"\xa6" + spki[1:]
    named = b"" if subject is None else context(5, subject)
    fields = tlv(SEQUENCE, before, named, public, template, context(9, extensions) if extensions else b"")
    request = tlv(SEQUENCE, integer(cert_req_id), fields, controls)
    match proof:
        case "signature":
            signature = (proof_key or key).sign(request, ec.ECDSA(hashes.SHA256()))
            popo = context(1, ECDSA, tlv(BIT_STRING, b"\0", signature))
        case "ra-verified":
            popo = context(0, constructed=False)
        case "key-agreement":
            popo = context(3, context(1, integer(0), constructed=True))
        case _:
            popo = b""
    return tlv(SEQUENCE, *(tlv(SEQUENCE, request, popo) for _ in range(times)))


def revocation_request(issuer: bytes, serial: int, reason: int | None = None) -> bytes:
    number = integer(serial)
    template = tlv(SEQUENCE, b"\x81" + number[1:], context(3, issuer))
    entry = b""
    if reason is not None:
        value = tlv(0x0A, bytes((reason,)))
        entry = tlv(SEQUENCE, tlv(SEQUENCE, bytes.fromhex("0603551d15"), tlv(OCTET_STRING, value)))
    return tlv(SEQUENCE, tlv(SEQUENCE, template, entry))
