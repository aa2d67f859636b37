"""Keys that the server makes for who asks by EST (serverkeygen). Source: RFC 7030, 4.4; RFC 8951.

The certification authority has keys in the module alone. So has the subject's key its origin there; it
leaves once, encrypted to the certificate that the client shows, and nothing of it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from trustworks.core.audit import Event
from trustworks.core.der.key_packages import enveloped, signed_key_package
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.module import KeyAlgorithm
from trustworks.core.module.subject_keys import generate_for_subject
from trustworks.core.pki.certificates import load
from trustworks.core.time import any_time
from trustworks.core.trace import implements
from trustworks.issuance.enrolment.cmp.signer import open_signer
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.wire import read_csr

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    from trustworks.issuance.config import EstSettings
    from trustworks.issuance.enrolment.ra import RegistrationAuthority
    from trustworks.issuance.model import Profile
    from trustworks.issuance.wire import Csr

_ASYMMETRIC: Final = x509.ObjectIdentifier("1.2.840.113549.1.9.16.2.54")  # id-aa-asymmDecryptKeyID
_SYMMETRIC: Final = x509.ObjectIdentifier("1.2.840.113549.1.9.16.2.37")  # id-aa-decryptKeyID
_NCP_PLUS: Final = "0.4.0.2042.1.2"
PKCS8: Final = "application/pkcs8"
ENCRYPTED: Final = "application/pkcs7-mime; smime-type=server-generated-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A private key as it goes to the client (DER), with its media type."""

    content: bytes
    media_type: str


class KeyGeneration:
    """Makes keys for subjects, as `[issuance.est]` allows it."""

    def __init__(self, authority: RegistrationAuthority, settings: EstSettings) -> None:
        self._authority = authority
        self._settings = settings
        for name in settings.serverkeygen:
            check_may_generate(name)

    def check(self, profile: str, *, waits: bool) -> None:
        """Refuse it for a profile that it is not allowed for, or for a credential that asks an officer."""
        check_generated_for(profile_named(profile), self._settings.serverkeygen)
        if waits:
            raise Rejected(
                "notAuthorized",
                "An officer decides on each request of this credential, with the key in it: make the key "
                "yourself, and use simpleenroll.",
            )

    def generate(self, csr: Csr, actor: str, shown: bytes | None) -> tuple[Csr, Delivery]:
        """A request by a new key of the module, for the names of `csr`; and the key for the client.

        `shown` is the certificate that the client showed in TLS. The key of `csr` and its signature count for
        nothing (RFC 7030, 4.4.1).
        """
        recipient = recipient_of(csr, shown, plaintext=self._settings.serverkeygen_plaintext)
        if self._authority.service_module is None:
            raise Unavailable("est.no-module", "The token `services`, which makes keys, is not open here.")
        algorithm = KeyAlgorithm(self._settings.serverkeygen_algorithm)
        key = generate_for_subject(self._authority.service_module(), algorithm)
        delivery = self._packed(key, recipient)
        builder = x509.CertificateSigningRequestBuilder().subject_name(csr.request.subject)
        request = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
        self._authority.recorder.record(
            Event(
                type="est.subject-key-generated",
                outcome="success",
                actor=actor,
                subject={"kind": "key", "algorithm": algorithm.value},
                detail={"encrypted": recipient is not None},
                time=any_time(self._authority.clock).utc,
            )
        )
        return read_csr(request), delivery

    def _packed(
        self, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, recipient: x509.Certificate | None
    ) -> Delivery:
        private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        if recipient is None:
            return Delivery(content=private, media_type=PKCS8)
        cmp = self._authority.settings.cmp
        if self._authority.service_key is None or cmp is None or cmp.certificate is None:
            raise Unavailable(
                "est.no-signer",
                "A generated key is signed by the key of [issuance.cmp], which names no certificate: "
                "issue one with the profile cmp-server.",
            )
        own = self._authority.service_key(cmp.key)
        signer = open_signer(own, self._authority.base / cmp.certificate, self._authority.database)
        signed = signed_key_package(private, load(signer.certificate), own.scheme.name, own.sign)
        return Delivery(content=enveloped(signed, recipient), media_type=ENCRYPTED)


def check_may_generate(name: str) -> None:
    """`Rejected` (config.est) for a profile in `serverkeygen` that no server makes keys for."""
    objection = profile_objection(profile_named(name))
    if objection is not None:
        raise Rejected(
            "config.est",
            f"[issuance.est] serverkeygen names {name}, and no server makes keys for it: {objection}. "
            "Take it out.",
        )


@implements("RFC7030:4.4-01")
def check_generated_for(profile: Profile, allowed: tuple[str, ...]) -> None:
    """Refuse to make a key where the configuration does not let the server make keys for the profile."""
    if profile.name not in allowed:
        raise Rejected(
            "notAuthorized",
            f"The server makes no keys for {profile.name}: make one yourself, and use simpleenroll.",
        )


@implements("EN319411-1:SDP-6.3.12-03")
def profile_objection(profile: Profile) -> str | None:
    """Why the server may never make keys for a profile; None where it may.

    Whose signature it is depends on who has the key: no key of a qualified certificate, or of one whose key
    is in a secure device, is made here and sent.
    """
    if profile.qc_type is not None:
        return "its certificates are qualified"
    if _NCP_PLUS in profile.policies:
        return "its keys are made in a secure device"
    return None


@implements("RFC7030:4.4.2-01")
def recipient_of(csr: Csr, shown: bytes | None, *, plaintext: bool) -> x509.Certificate | None:
    """Whose certificate the key is to be encrypted to; None where it goes as it is, within TLS.

    Refuses a request for encryption that cannot be had, and one without where the configuration asks for it.
    """
    attributes = {one.oid: one.value for one in csr.request.attributes}
    if _SYMMETRIC in attributes:
        raise Rejected(
            "notAuthorized",
            "A key is not encrypted under a shared key here: name your certificate by "
            "AsymmetricDecryptKeyIdentifier, and show it in TLS.",
        )
    if _ASYMMETRIC not in attributes:
        if plaintext:
            return None
        raise Refused(
            "RFC7030:4.4.2-01",
            "The key is sent encrypted alone: put AsymmetricDecryptKeyIdentifier with the key identifier of "
            "your certificate into the request, and show the certificate in TLS.",
        )
    if shown is None:
        raise Rejected(
            "notAuthorized", "The key is encrypted to the certificate that you show in TLS; show it."
        )
    certificate = x509.load_der_x509_certificate(shown)
    if attributes[_ASYMMETRIC] != _key_identifier(certificate):
        raise Malformed(
            "AsymmetricDecryptKeyIdentifier is not the key identifier of the certificate that was shown in "
            "TLS."
        )
    return certificate


def _key_identifier(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
