"""A delegated OCSP signer: a key of the token `services`, and the certificate that an authority gave it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from trustworks.core.der.algorithms import SIGNATURES
from trustworks.core.der.ocsp import archive_cutoff_extension
from trustworks.core.der.x509 import public_key_info
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.issuance.model import NEVER, serial_hex
from trustworks.issuance.status import ocsp_rules as rules
from trustworks.issuance.status import standing
from trustworks.issuance.status.octets import (
    issuer_octets,
    public_key_bits,
    subject_octets,
)
from trustworks.issuance.status.template import AnswerTemplate, single_extensions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.module import Key
    from trustworks.issuance.model import AuthorityRecord

# How a request may name its authority: by these digests of name and key (RFC 6960, 4.1.1). They identify and
# protect nothing, so SHA-1 is fine; clients of RFC 5019 use no other.
IDENTIFYING: Final = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}


SIGNER_CODES: Final = frozenset({"ocsp.signer-expired", "ocsp.signer-revoked"})
"""What `OcspSigner.check` raises of the signer itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspSigner:
    """Who signs for one authority, with everything that its answers have in common.

    `certificate` goes into the answers; None where the authority itself signs them. `identifiers` are
    (hash algorithm, hash of the issuer's name, of its key) as requests write them, `until` the end of the
    signer's certificate.
    """

    authority: AuthorityRecord
    key: Key
    certificate: bytes | None
    serial: str
    since: datetime
    until: datetime
    key_hash: bytes
    identifiers: frozenset[tuple[str, bytes, bytes]]
    archive_cutoff: bytes
    template: AnswerTemplate

    def single_extensions(self, *more: bytes) -> bytes:
        """The single extensions about a certificate that was issued: archiveCutoff and `more`."""
        return single_extensions(self.archive_cutoff, *more)

    def check(self, connection: Connection, now: datetime) -> None:
        """Raise `Unavailable` unless the signer's certificate is valid now, and not revoked in the database.

        It says ocsp-nocheck, so nobody else looks whether it was revoked. tryLater is the answer then: the
        authority's status is there to be told, by another signer, as soon as the operator has set one up.
        """
        if not self.since <= now < self.until:
            raise Unavailable(
                "ocsp.signer-expired",
                f"The OCSP signer's certificate is valid from {self.since} to {self.until}; issue a new one.",
            )
        revoked = standing.revoked(connection, self.serial)
        if not rules.signer_stands(revoked):
            raise Unavailable(
                "ocsp.signer-revoked",
                f"The OCSP signer's certificate {self.serial} is revoked ({revoked}); no answer is signed. "
                "Make a new key and its certificate (`trustworks module generate-key`, `trustworks module "
                "request`, `trustworks certificate issue --profile ocsp-signer`), name both in "
                "[issuance.ocsp], and restart the services.",
            )


def open_signer(key: Key, certificate: bytes, authorities: Iterable[AuthorityRecord]) -> OcspSigner:
    """A signer, after its certificate was found to be its key's, and good for answering for an authority.

    `certificate` is DER. Raises `Rejected` (ocsp.signer) when key, certificate and authorities do not fit
    together, and `Refused` with the requirement that the certificate breaks.
    """
    try:
        read = x509.load_der_x509_certificate(certificate)
    except ValueError as error:
        raise Rejected("ocsp.signer", f"The OCSP signer's certificate cannot be read: {error}.") from None
    if public_key_info(certificate) != key.spki:
        raise Rejected(
            "ocsp.signer",
            f"The OCSP signer's certificate is not for the key {key.label!r}; set [issuance.ocsp] key and "
            "certificate to what belongs together.",
        )
    issuer = issuer_octets(certificate)
    named = [one for one in authorities if subject_octets(one.certificate) == issuer]
    above = [x509.load_der_x509_certificate(one.certificate) for one in named]
    # The next generation of an authority may have its name: it is the key that tells the two apart.
    order = sorted(range(len(named)), key=lambda place: not _signed_by(read, above[place]))
    for place in order[:1]:
        _check(read, above[place])
        return _signer(key, certificate, read, named[place], above[place].not_valid_before_utc)
    raise Rejected(
        "ocsp.signer",
        f"The OCSP signer's certificate was issued by {read.issuer.rfc4514_string()}, which is no authority "
        "of this provider; issue one with the profile ocsp-signer.",
    )


def authority_signer(key: Key, authority: AuthorityRecord) -> OcspSigner:
    """An authority that signs answers itself, as it does its last ones: they have no end, and no delegate.

    Raises `Rejected` (ocsp.signer) where the key is not the authority's. Source: RFC 6960, 4.2.2.2.
    """
    if key.spki_sha256 != authority.spki_sha256:
        raise Rejected(
            "ocsp.signer",
            f"The key {key.label!r} is not that of {authority.name}'s certificate. Correct [tokens].",
        )
    read = x509.load_der_x509_certificate(authority.certificate)
    made = _signer(key, authority.certificate, read, authority, read.not_valid_before_utc)
    template = AnswerTemplate(key_hash=made.key_hash, algorithm=SIGNATURES[key.scheme.name], certificate=None)
    return replace(made, certificate=None, until=NEVER, template=template)


def _signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether the authority's key signed the certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _check(certificate: x509.Certificate, authority: x509.Certificate) -> None:
    wrong = rules.delegation_objections(certificate, authority)
    if wrong:
        raise Refused("RFC6960:4.2.2.2", _refusal(wrong))
    wrong = rules.nocheck_objections(certificate)
    if wrong:
        raise Refused("RFC6960:4.2.2.2.1", _refusal(wrong))
    wrong = rules.self_reference_objections(certificate)
    if wrong:
        raise Refused("EN319411-1:CSS-6.6.3-01B", _refusal(wrong))


def _refusal(wrong: tuple[str, ...]) -> str:
    said = "; ".join(wrong)
    return f"The certificate cannot sign OCSP answers: {said}. Issue one with the profile ocsp-signer."


def _signer(
    key: Key, certificate: bytes, read: x509.Certificate, authority: AuthorityRecord, began: datetime
) -> OcspSigner:
    key_hash = hashlib.sha1(public_key_bits(certificate), usedforsecurity=False).digest()
    name, bits = subject_octets(authority.certificate), public_key_bits(authority.certificate)
    cutoff = archive_cutoff_extension(began)
    return OcspSigner(
        authority=authority,
        key=key,
        certificate=certificate,
        serial=serial_hex(read.serial_number),
        since=read.not_valid_before_utc,
        until=read.not_valid_after_utc,
        key_hash=key_hash,
        identifiers=frozenset(
            (dotted, hashlib.new(hash_name, name).digest(), hashlib.new(hash_name, bits).digest())
            for dotted, hash_name in IDENTIFYING.items()
        ),
        archive_cutoff=cutoff,
        template=AnswerTemplate(
            key_hash=key_hash, algorithm=SIGNATURES[key.scheme.name], certificate=certificate
        ),
    )
