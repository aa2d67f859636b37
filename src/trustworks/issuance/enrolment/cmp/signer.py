"""The key that signs CMP answers: on the token `services`, with a certificate of an authority of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.der.x509 import public_key_info
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.pki.certificates import load, load_pem_file
from trustworks.core.trace import implements
from trustworks.issuance.enrolment.holders import issued_here

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.issuance.model import CertificateRecord

CMC_CA: Final = "1.3.6.1.5.5.7.3.27"


@dataclass(frozen=True, slots=True, kw_only=True)
class CmpSigner:
    """The key, its certificate, and what answers say of it."""

    key: Key
    certificate: bytes
    subject: bytes
    key_identifier: bytes
    since: datetime
    until: datetime


def open_signer(key: Key, file: Path, database: Database) -> CmpSigner:
    """The signer with the certificate in `file` (PEM).

    Raises `Unavailable` (cmp.no-signer), `Rejected` (cmp.signer), `Refused`.
    """
    try:
        der = load_pem_file(file)[0].public_bytes(Encoding.DER)
        read = load(der)
    except Malformed as error:
        raise Unavailable(
            "cmp.no-signer", f"{error} Issue one with the profile cmp-server and name it in [issuance.cmp]."
        ) from None
    if public_key_info(der) != key.spki:
        raise Rejected(
            "cmp.signer",
            f"The certificate in {file} is not for the key {key.label!r}; set [issuance.cmp] key and "
            "certificate to what belongs together.",
        )
    check_purpose(read)
    check_standing(issued_here(der, read, database))
    identifier = read.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    return CmpSigner(
        key=key,
        certificate=der,
        subject=read.subject.public_bytes(),
        key_identifier=identifier,
        since=read.not_valid_before_utc,
        until=read.not_valid_after_utc,
    )


@implements("RFC9483:1.7-01")
def check_purpose(certificate: x509.Certificate) -> None:
    """`Refused` for a certificate that is not one for the CMP messages of a certification authority."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        usages = {usage.dotted_string for usage in found}
    except x509.ExtensionNotFound:
        usages = set()
    if CMC_CA not in usages:
        raise Refused(
            "RFC9483:1.7-01",
            "The certificate is not for CMP answers: extendedKeyUsage has no id-kp-cmcCA. Issue one with the "
            "profile cmp-server.",
        )


@implements("TRUSTWORKS:CMP-SIGNER-VALID")
def check_standing(found: CertificateRecord | None) -> None:
    """`Unavailable` (cmp.signer-revoked) for a certificate that was not issued here, or is revoked."""
    if found is None or found.revocation is not None:
        raise Unavailable(
            "cmp.signer-revoked",
            "The certificate of the CMP key is revoked, or no authority of this provider issued it; no "
            "answer is signed. Issue another with the profile cmp-server and name it in [issuance.cmp].",
        )


@implements("TRUSTWORKS:CMP-SIGNER-VALID")
def check_within(now: datetime, since: datetime, until: datetime) -> None:
    """`Unavailable` (cmp.signer-expired) before and after the certificate of the CMP key is valid."""
    if not since <= now <= until:
        raise Unavailable(
            "cmp.signer-expired",
            f"The certificate of the CMP key is valid from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} "
            "UTC; issue another with the profile cmp-server.",
        )
