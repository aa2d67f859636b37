"""Prepare a certificate, lint it, sign exactly that once: the authority's key sees nothing unlinted.

The to-be-signed octets are made once. A throw-away key of the authority's kind signs them, so that the lints
see a whole certificate; that signature is thrown away. Then the authority's key signs the same octets, and
the result is linted and verified again. The pattern is letsencrypt/boulder's (`issuance`, `linter`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.der.encode import SEQUENCE, tlv
from trustworks.core.der.x509 import assemble_certificate, read_certificate
from trustworks.core.errors import Refused, Unavailable
from trustworks.core.module.algorithms import CURVES, KeyAlgorithm, SignatureScheme
from trustworks.core.trace import implements
from trustworks.issuance.lints import Finding, Surroundings, lint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@cache
def throw_away_key(
    algorithm: KeyAlgorithm,
) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey:
    """A key of that kind in this process's memory, which signs nothing that anybody will see."""
    match algorithm.family:
        case "ec":
            return ec.generate_private_key(CURVES[algorithm]())
        case "rsa":
            return rsa.generate_private_key(65537, algorithm.bits)
        case _:
            return ed25519.Ed25519PrivateKey.generate()


def _twin(
    builder: x509.CertificateBuilder, algorithm: KeyAlgorithm, scheme: SignatureScheme
) -> x509.Certificate:
    """The certificate, signed by the throw-away key with the scheme that the authority's key will use."""
    key = throw_away_key(algorithm)
    if scheme.hash is None:
        return builder.sign(key, None)
    hashed: Any = scheme.hash.algorithm
    if scheme.padding == "rsa-pss":
        salt = padding.PSS(padding.MGF1(hashed), hashed.digest_size)
        return builder.sign(key, hashed, rsa_padding=salt)
    return builder.sign(key, hashed)


@implements("TRUSTWORKS:ISSUANCE-LINTED")
def check_findings(findings: Sequence[Finding]) -> None:
    """Refuse a certificate that a lint objects to, under the first lint's id and with all sentences."""
    if findings:
        first = findings[0].lint.id
        sentences = [
            one.sentence if one.lint.id == first else f"{one.sentence} ({one.lint.id})" for one in findings
        ]
        raise Refused(first, " ".join(sentences))


@implements("TRUSTWORKS:ISSUANCE-SAME-OCTETS")
def check_same(prepared: bytes, signed: bytes) -> None:
    """Refuse a certificate whose signed octets are not those that were prepared and linted."""
    if prepared != signed:
        raise Refused(
            "TRUSTWORKS:ISSUANCE-SAME-OCTETS",
            "The certificate does not carry the octets that were checked; it was thrown away. Report this "
            "fault.",
        )


class Prepared:
    """A linted certificate that waits for its signature: a token that is redeemed once.

    `tbs` are the octets to be signed.
    """

    def __init__(self, *, tbs: bytes, algorithm: bytes, around: Surroundings) -> None:
        self.tbs = tbs
        self._algorithm = algorithm
        self._around = around
        self._redeemed = False

    def redeem(self, sign: Callable[[bytes], bytes]) -> bytes:
        """Sign, and answer the certificate after it passed all checks again.

        Raises `Refused` for a finding, `Unavailable` (issuance.bad-signature) when the signature does not
        verify, what `sign` raises; RuntimeError the second time.
        """
        if self._redeemed:
            raise RuntimeError("a prepared certificate is signed once")
        self._redeemed = True
        der = assemble_certificate(self.tbs, self._algorithm, sign(self.tbs))
        certificate = x509.load_der_x509_certificate(der)
        check_same(self.tbs, certificate.tbs_certificate_bytes)
        try:
            certificate.verify_directly_issued_by(self._around.issuer or certificate)
        except (InvalidSignature, ValueError, TypeError):
            raise Unavailable(
                "issuance.bad-signature",
                "The certificate's signature does not verify with the authority's certificate; it was thrown "
                "away. "
                "See whether the key on the token is the authority's: `trustworks module keys`.",
            ) from None
        check_findings(lint(der, self._around))
        return der


def prepare(
    builder: x509.CertificateBuilder,
    algorithm: KeyAlgorithm,
    scheme: SignatureScheme,
    around: Surroundings,
) -> Prepared:
    """Make the octets to be signed, and lint them. Raises `Refused` for the first finding."""
    der = _twin(builder, algorithm, scheme).public_bytes(Encoding.DER)
    fields = read_certificate(der)
    prepared = Prepared(
        tbs=x509.load_der_x509_certificate(der).tbs_certificate_bytes,
        algorithm=tlv(SEQUENCE, bytes(fields.signature_algorithm.data)),
        around=around,
    )
    check_findings(lint(der, around))
    return prepared
