"""Requests for certificates, read: CRMF in ir, cr and kur (RFC 4211), PKCS#10 in p10cr."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from trustworks.core.der import crmf
from trustworks.core.der.algorithms import read_signature
from trustworks.core.der.cmp import Body, read_cert_id, read_identifier
from trustworks.core.der.x509 import read_name
from trustworks.core.errors import Rejected
from trustworks.core.pki.signatures import is_signed_by
from trustworks.issuance.enrolment.cmp import rules
from trustworks.issuance.enrolment.names import attributes_of
from trustworks.issuance.wire import read_csr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

    from trustworks.core.der.algorithms import SignatureAlgorithm
    from trustworks.core.der.x509 import Extension
    from trustworks.issuance.model import NameAttribute
    from trustworks.issuance.model.requests import KeyProof

SUBJECT_ALT_NAME: Final = "2.5.29.17"
P10_ID: Final = -1  # the certReqId of what answers a PKCS#10 (RFC 9480, 2.5)
_DNS: Final = 0x82
_IP: Final = 0x87


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmfProof:
    """A key in a CRMF, and the proof of its possession (`model.KeyProof`).

    Without `algorithm` a registration authority has seen the proof.
    """

    spki: bytes
    key_algorithm: str
    signed: bytes
    signature: bytes
    algorithm: SignatureAlgorithm | None
    names: tuple[str, ...] = field(default=())

    @property
    def signature_hash(self) -> str | None:
        """The hash function of the proof."""
        found = None if self.algorithm is None else self.algorithm.hash
        return None if found is None else found.replace("_", "-")

    @property
    def is_signature_valid(self) -> bool:
        """Whether the proof verifies with the key."""
        if self.algorithm is None:
            return True
        return is_signed_by(self.public_key(), self.signature, self.signed, self.algorithm)

    def public_key(self) -> object:
        """The key."""
        return load_der_public_key(self.spki)

    def alternative_names(self) -> tuple[str, ...]:
        """The names that the template asks for."""
        return self.names


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for, as read. `old` is what oldCertID names: the issuer in DER, and the serial number.

    `wants_more` says that the template has wishes that the profile alone decides on, such as the validity.
    """

    cert_req_id: int
    subject: tuple[NameAttribute, ...]
    proof: KeyProof
    spki: bytes
    names: tuple[str, ...]
    old: tuple[bytes, int] | None = None
    wants_more: bool = False


def read_request(body: Body, content: bytes, *, authority: bool) -> Asked:
    """The one request in a message; `authority` says that a registration authority protects it.

    Raises `Malformed`, and `Rejected` with a bit of PKIFailureInfo.
    """
    return _pkcs10(content) if body is Body.p10cr else _crmf(content, authority=authority)


def _pkcs10(content: bytes) -> Asked:
    csr = read_csr(content)
    return Asked(
        cert_req_id=P10_ID,
        subject=attributes_of(csr.request.subject),
        proof=csr,
        spki=_spki(csr.request),
        names=csr.alternative_names(),
    )


def _spki(request: x509.CertificateSigningRequest) -> bytes:
    return request.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _crmf(content: bytes, *, authority: bool) -> Asked:
    messages = crmf.read_messages(content)
    rules.check_one_request(len(messages))
    message = messages[0]
    template = message.request.template
    rules.check_template(template)
    rules.check_proof_kind(message.proof, authority=authority)
    assert template.subject is not None and template.public_key is not None  # noqa: S101, PT018 - seen above
    spki = crmf.joined(template.public_key)
    if not template.public_key:
        raise Rejected("badCertTemplate", "The template's public key is empty.")
    names = alternative_names(template.extensions or ())
    return Asked(
        cert_req_id=message.request.cert_req_id,
        subject=attributes_of(read_name(crmf.joined(template.subject))),
        proof=CrmfProof(
            spki=_readable(spki),
            key_algorithm=read_identifier(crmf.encoded(template.public_key[0]))[0],
            signed=message.cert_request,
            signature=message.signature,
            algorithm=_proof_algorithm(message),
            names=names,
        ),
        spki=spki,
        names=names,
        wants_more=template.validity is not None,
        old=_old(message.request.controls or ()),
    )


def _proof_algorithm(message: crmf.CertReqMsg) -> SignatureAlgorithm | None:
    if message.proof != "signature":
        return None
    try:
        return read_signature(message.algorithm)
    except Rejected as error:
        raise Rejected("badPOP", str(error)) from None


def _readable(spki: bytes) -> bytes:
    try:
        load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Rejected("badCertTemplate", f"The template's public key cannot be read: {error}.") from None
    return spki


def _old(controls: Sequence[crmf.Control]) -> tuple[bytes, int] | None:
    for control in controls:
        if control.type.dotted_string == crmf.OLD_CERT_ID:
            found = read_cert_id(crmf.encoded(control.value))
            return bytes(found.issuer.data), found.serial_number  # of a directoryName the data is the name
    return None


def alternative_names(extensions: Sequence[Extension]) -> tuple[str, ...]:
    """The names in the extension subjectAltName, as ``DNS:name`` and ``IP:address``. Raises `Rejected`."""
    for extension in extensions:
        if extension.oid.dotted_string != SUBJECT_ALT_NAME:
            continue
        try:
            return tuple(_name(item.tag_bytes, bytes(item.data)) for item in crmf.elements(extension.value))
        except ValueError:
            raise Rejected(
                "badCertTemplate",
                "The names asked for cannot be read; ask for DNS names and IP addresses alone.",
            ) from None
    return ()


def _name(tag: bytes, value: bytes) -> str:
    if tag == bytes((_DNS,)):
        return f"DNS:{value.decode('ascii')}"
    if tag == bytes((_IP,)):
        return f"IP:{ipaddress.ip_address(value)}"
    raise ValueError("neither a DNS name nor an IP address")
