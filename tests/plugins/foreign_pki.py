"""Authorities of others for tests of validation: certificates, lists and answers, right and wrong."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from trustworks.core.der.algorithms import SIGNATURES, algorithm_identifier
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, context, generalized_time, integer, tlv
from trustworks.core.der.ocsp import SingleResponse, encode_response, encode_single
from trustworks.core.pki.building import Path, TrustAnchor, TrustAnchors
from trustworks.core.pki.tokens import Certificate, OcspAnswer, RevocationList
from trustworks.validation import Trust, validate_certificate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.core.der.ocsp import Status
    from trustworks.validation import CertificateResult, Policy

NOW: Final = datetime(2026, 5, 4, tzinfo=UTC)
DAY: Final = timedelta(days=1)


def named(text: str, *more: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, text)]
    return x509.Name([*(x509.NameAttribute(kind, value) for kind, value in more), *attributes])


def usage(*names: str) -> x509.KeyUsage:
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{one: one in names for one in every})


class Entity:
    """A key with its certificate, and what it issues.

    `given` overrides: name, key, ca, path_length, begins, ends, issuer_name, signed_by, serial, usage (None:
    none), constraints (False: none), extensions as pairs of extension and criticality.
    """

    def __init__(self, subject: str | x509.Name, issuer: Entity | None = None, **given: Any) -> None:
        self.key = given.get("key") or ec.generate_private_key(ec.SECP256R1())
        self.name = named(subject) if isinstance(subject, str) else subject
        signer = issuer or self
        ca = given.get("ca", True)
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(given.get("issuer_name") or signer.name)
            .public_key(self.key.public_key())
            .serial_number(given.get("serial") or x509.random_serial_number())
            .not_valid_before(given.get("begins", NOW - DAY))
            .not_valid_after(given.get("ends", NOW + DAY))
        )
        extensions: list[tuple[x509.ExtensionType, bool]] = list(given.get("extensions", ()))
        if given.get("constraints", True):
            extensions.append((x509.BasicConstraints(ca=ca, path_length=given.get("path_length")), True))
        default = usage("key_cert_sign", "crl_sign") if ca else usage("digital_signature")
        if given.get("usage", default) is not None:
            extensions.append((given.get("usage", default), True))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        self.x509 = builder.sign(given.get("signed_by", signer.key), given.get("hash", hashes.SHA256()))
        self.der = self.x509.public_bytes(Encoding.DER)

    @property
    def token(self) -> Certificate:
        return Certificate.read(self.der)

    @property
    def anchor(self) -> TrustAnchor:
        return TrustAnchor.of(self.token)

    @property
    def bare_anchor(self) -> TrustAnchor:
        """The anchor as name and key alone."""
        key = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return TrustAnchor.named(self.name.public_bytes(), key)

    def crl(
        self,
        revoked: Iterable[tuple[Entity, dict[str, Any]]] = (),
        *,
        extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
        **given: Any,
    ) -> RevocationList:
        """A list; of each revoked one is said at, reason, invalid (a time), extensions."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(given.get("issuer_name", self.name))
            .last_update(given.get("this_update", NOW - timedelta(hours=1)))
            .next_update(given.get("next_update", NOW + timedelta(hours=1)))
        )
        for one, said in revoked:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(one.x509.serial_number)
                .revocation_date(said.get("at", NOW - timedelta(hours=2)))
            )
            if "reason" in said:
                entry = entry.add_extension(x509.CRLReason(said["reason"]), critical=False)
            for extension, critical in said.get("extensions", ()):
                entry = entry.add_extension(extension, critical=critical)
            builder = builder.add_revoked_certificate(entry.build())
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        signed = builder.sign(given.get("key", self.key), hashes.SHA256())
        return RevocationList.read(signed.public_bytes(Encoding.DER))

    def answer(self, subject: Entity, issuer: Entity, status: Status = "good", **given: Any) -> OcspAnswer:
        """An answer of this responder about a certificate of an issuer.

        `given`: this_update, next_update, produced_at, revoked_at, reason, by_name, certificates, key,
        extensions of the answer and single_extensions, each in DER.
        """
        token = issuer.token
        cert_id = tlv(
            SEQUENCE,
            algorithm_identifier("1.3.14.3.2.26"),
            tlv(OCTET_STRING, hashlib.sha1(token.subject.der).digest()),  # noqa: S324 - as clients ask
            tlv(OCTET_STRING, token.key.sha1),
            integer(subject.token.serial),
        )
        single = SingleResponse(
            cert_id=cert_id,
            status=status,
            this_update=given.get("this_update", NOW - timedelta(minutes=5)),
            next_update=given.get("next_update", NOW + timedelta(hours=1)),
            revoked_at=given.get("revoked_at", NOW - timedelta(hours=2)) if status == "revoked" else None,
            reason=given.get("reason"),
            extensions=given.get("single_extensions", ()),
        )
        own = self.token
        responder = (
            context(1, own.subject.der)
            if given.get("by_name")
            else context(2, tlv(OCTET_STRING, own.key.sha1))
        )
        extensions = given.get("extensions", ())
        tbs = tlv(
            SEQUENCE,
            responder,
            generalized_time(given.get("produced_at", NOW - timedelta(minutes=5))),
            tlv(SEQUENCE, encode_single(single)),
            context(1, tlv(SEQUENCE, *extensions)) if extensions else b"",
        )
        signature = given.get("key", self.key).sign(tbs, ec.ECDSA(hashes.SHA256()))
        certificates = given.get("certificates", (self.der,))
        return OcspAnswer.read(encode_response(tbs, SIGNATURES["ECDSA_SHA256"], signature, certificates))


def path_of(*entities: Entity) -> Path:
    """The path of these, the end entity first and the anchor last."""
    *below, anchor = entities
    return Path(tuple(one.token for one in below), anchor.anchor)


def judged(
    leaf: Entity,
    *anchors: Entity,
    pool: Iterable[Entity] = (),
    lists: Iterable[RevocationList] = (),
    answers: Iterable[OcspAnswer] = (),
    at: datetime = NOW,
    policy: Policy | str = "ades",
) -> CertificateResult:
    """What validation says of a certificate by all that is at hand."""
    return validate_certificate(
        leaf.der,
        trust=Trust(TrustAnchors(one.anchor for one in anchors)),
        policy=policy,
        at=at,
        certificates=[one.der for one in pool],
        lists=[one.der for one in lists],
        answers=[one.der for one in answers],
    )


ROOT: Final = Entity("root")
RICH: Final = Entity(
    named("signer", (NameOID.COUNTRY_NAME, "XX"), (NameOID.ORGANIZATION_NAME, "Examples")),
    ROOT,
    ca=False,
    usage=usage("digital_signature", "content_commitment"),
    extensions=[
        (x509.SubjectKeyIdentifier(b"own"), False),
        (x509.AuthorityKeyIdentifier(b"above", [x509.DirectoryName(ROOT.name)], 7), False),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False),
        (
            x509.CertificatePolicies(
                [x509.PolicyInformation(x509.ObjectIdentifier("1.3.9999.1"), ["http://example.org/cps"])]
            ),
            False,
        ),
        (x509.SubjectAlternativeName([x509.RFC822Name("signer@example.org")]), False),
        (
            x509.CRLDistributionPoints(
                [
                    x509.DistributionPoint(
                        [x509.UniformResourceIdentifier("http://example.org/1.crl")],
                        None,
                        frozenset({x509.ReasonFlags.key_compromise}),
                        None,
                    )
                ]
            ),
            False,
        ),
        (
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(
                        AuthorityInformationAccessOID.OCSP,
                        x509.UniformResourceIdentifier("http://example.org/ocsp"),
                    ),
                    x509.AccessDescription(
                        AuthorityInformationAccessOID.CA_ISSUERS,
                        x509.UniformResourceIdentifier("http://example.org/ca.cer"),
                    ),
                ]
            ),
            False,
        ),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3"), b"\x30\x00"), False),
        (x509.PrivateKeyUsagePeriod(NOW.replace(tzinfo=None), None), False),
        (x509.OCSPNoCheck(), False),
    ],
)
"""A certificate of that root with every extension that is read."""
