"""What OCSP may answer, and who may sign it: pure functions over decoded values.

Rules whose name ends in `objections` say what is wrong, as sentences; nothing wrong is an empty tuple. The
responder asks them about its own signed octets before it lets them out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from trustworks.core.der.encode import oid
from trustworks.core.der.ocsp import ARCHIVE_CUTOFF, CERT_HASH, EXTENDED_REVOKE, NONCE
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustworks.core.der.ocsp import BasicResponse, CertId, SingleResponse
    from trustworks.issuance.model import CertificateStatus

NEVER_ISSUED_SINCE: Final = datetime(1970, 1, 1, tzinfo=UTC)  # RFC 6960, 2.2
NEVER_ISSUED_REASON: Final = 6  # certificateHold, RFC 6960, 2.2
MAX_CERTIFICATES: Final = 20
REQUEST_OCTETS: Final = 300  # with SHA-512 it has some 190
_NONCE_OCTETS: Final = range(1, 129)
_CERT_HASH: Final = oid(CERT_HASH)
_OCSP_SIGNING: Final = ExtendedKeyUsageOID.OCSP_SIGNING
_OCSP_ACCESS: Final = AuthorityInformationAccessOID.OCSP


# The request


@implements("RFC9654:2.1-01")
def check_nonce(nonce: bytes | None) -> None:
    """`Malformed` for a nonce that is empty or longer than 128 octets."""
    if nonce is not None and len(nonce) not in _NONCE_OCTETS:
        raise Malformed(f"A nonce has 1 to 128 octets, this one {len(nonce)} (RFC 9654, 2.1).")


@implements("RFC6960:4.1.2-01")
def check_critical(critical: Iterable[str]) -> None:
    """`Malformed` for a critical extension that the responder does not understand; others are ignored."""
    strange = [dotted for dotted in critical if dotted != NONCE]
    if strange:
        raise Malformed(f"The request has critical extensions that are not understood: {', '.join(strange)}.")


@implements("TRUSTWORKS:STATUS-OCSP-BOUNDED")
def check_size(certificates: int) -> None:
    """`Malformed` for a request about more certificates than one answer is made for."""
    if certificates > MAX_CERTIFICATES:
        raise Malformed(
            f"A request may ask about {MAX_CERTIFICATES} certificates, this one asks about {certificates}."
        )


# The answer


@implements("TRUSTWORKS:STATUS-OCSP-BOUNDED", disabled=True)
def may_be_kept(found: Sequence[CertificateStatus | None], request: bytes) -> bool:
    """Whether an answer may be kept to be used again: about one certificate, which was issued.

    Anybody can ask about any serial, in any combination, and put long parameters beside it that the answer
    must repeat; of issued certificates there are only so many.
    """
    one = found[0] if len(found) == 1 and len(request) <= REQUEST_OCTETS else None
    return one is not None and one.state == "issued"


@implements("EN319411-1:OVR-6.6.3-02", disabled=True)
def may_be_good(found: CertificateStatus | None, authority: str) -> bool:
    """Whether the status may be ``good``: the serial was issued by this very authority, and is not revoked.

    An intent that was never finished (``issuing``, ``abandoned``) is no certificate, even if the key signed.
    """
    return (
        found is not None
        and found.authority == authority
        and found.state == "issued"
        and found.revocation is None
    )


@implements("RFC6960:2.2-01", disabled=())
def never_issued_objections(
    singles: Iterable[SingleResponse], issued: Iterable[bool], extension_oids: Iterable[str]
) -> tuple[str, ...]:
    """What is wrong with `revoked` for serials that were never issued: it must be recognisable as such.

    Reason certificateHold, revoked on 1 January 1970, no further extensions about the revocation, and the
    response carries id-pkix-ocsp-extended-revoke.
    """
    revoked = [s for s, was in zip(singles, issued, strict=True) if not was and s.status == "revoked"]
    found = [
        f"revoked since {s.revoked_at} for reason {s.reason} of a serial never issued"
        for s in revoked
        if (s.revoked_at, s.reason, s.extensions) != (NEVER_ISSUED_SINCE, NEVER_ISSUED_REASON, ())
    ]
    if revoked and EXTENDED_REVOKE not in extension_oids:
        found.append("revoked for a serial never issued, without the extended-revoke extension")
    return tuple(found)


@implements("RFC6960:4.2.1-01", "EN319411-1:OVR-6.6.3-01", disabled=())
def coverage_objections(response: BasicResponse, cert_ids: Sequence[CertId]) -> tuple[str, ...]:
    """What is wrong with the list of certificates: each one asked about is answered, and no other."""
    asked = [cert_id.der for cert_id in cert_ids]
    answered = [single.cert_id for single in response.data.responses]
    return (
        () if asked == answered else (f"{len(answered)} answers for {len(asked)} certificates asked about",)
    )


@implements("RFC9654:2.1-02", disabled=())
def nonce_objections(response: BasicResponse, nonce: bytes | None) -> tuple[str, ...]:
    """What is wrong with the nonce: the request's own, or none when it has none."""
    return () if response.nonce == nonce else ("the nonce is not the request's",)


@implements("RFC6960:4.2.2.1-01", disabled=())
def time_objections(response: BasicResponse, now: datetime, signer_until: datetime) -> tuple[str, ...]:
    """What is wrong with the times: the status is known by now, and newer information comes later.

    An answer also ends with the certificate that signed it, because nobody checks that certificate's status.
    """
    found = []
    produced = response.data.produced_at
    if produced > now:
        found.append(f"produced at {produced}, which is later than now")
    for single in response.data.responses:
        if single.this_update > produced:
            found.append(f"known at {single.this_update}, produced at {produced}")
        if single.next_update is None or single.next_update <= max(single.this_update, now):
            found.append(f"next update at {single.next_update}, known at {single.this_update}")
        elif single.next_update > signer_until:
            found.append(f"next update at {single.next_update}, the signer ends at {signer_until}")
    return tuple(found)


@implements("RFC6960:4.2.2.3-01", disabled=())
def responder_objections(
    response: BasicResponse, key_hash: bytes, certificate: bytes | None
) -> tuple[str, ...]:
    """What is wrong with the responder: named by the SHA-1 of its key, and its certificate comes along.

    None: the authority itself signed, and whoever asks about a certificate of it has its own.
    """
    found = []
    if response.data.responder_key_hash != key_hash:
        found.append("the responder is not named by its key")
    if response.certificates != (() if certificate is None else (certificate,)):
        found.append("the responder's certificate does not come along")
    return tuple(found)


@implements("EN319411-2:CSS-6.3.10-10", disabled=())
def archive_cutoff_objections(
    singles: Iterable[SingleResponse], issued: Iterable[bool], expected: bytes
) -> tuple[str, ...]:
    """What is wrong with archiveCutoff: every certificate that was issued has it, since the authority began.

    `expected` is the extension in DER with the authority's notBefore: nothing is forgotten when it expires.
    """
    return tuple(
        f"the status {single.status} lacks {ARCHIVE_CUTOFF}"
        for single, was in zip(singles, issued, strict=True)
        if was and expected not in single.extensions
    )


@implements("TRUSTWORKS:STATUS-OCSP-CERT-HASH", disabled=())
def cert_hash_objections(singles: Iterable[SingleResponse], expected: Iterable[bytes]) -> tuple[str, ...]:
    """What is wrong with CertHash: there for certificates that are on record, and for no other serial.

    `expected` is the extension in DER with the hash of the certificate on record, or nothing.
    """
    return tuple(
        f"the status {single.status} has the wrong CertHash"
        for single, one in zip(singles, expected, strict=True)
        if (one not in single.extensions if one else any(_CERT_HASH in e for e in single.extensions))
    )


# The certificate of the responder


@implements("RFC6960:4.2.2.2", disabled=())
def delegation_objections(certificate: x509.Certificate, authority: x509.Certificate) -> tuple[str, ...]:
    """What keeps a certificate from answering for an authority: issued by it directly, for OCSP signing."""
    found = []
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        found.append("it was not issued directly by the authority")
    if _OCSP_SIGNING not in _purposes(certificate):
        found.append("its extended key usage is not id-kp-OCSPSigning")
    return tuple(found)


@implements("RFC6960:4.2.2.2.1", disabled=())
def nocheck_objections(certificate: x509.Certificate) -> tuple[str, ...]:
    """What is wrong when the responder's own status is left open: it must say id-pkix-ocsp-nocheck."""
    if _has(certificate, x509.OCSPNoCheck.oid):
        return ()
    return ("it has no id-pkix-ocsp-nocheck, so clients would ask for its status",)


@implements("EN319411-1:CSS-6.6.3-01B", disabled=())
def self_reference_objections(certificate: x509.Certificate) -> tuple[str, ...]:
    """What is wrong when a responder's certificate names a responder for itself."""
    if _has(certificate, x509.AuthorityInformationAccess.oid):
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        if any(description.access_method == _OCSP_ACCESS for description in access):
            return ("it names an OCSP responder for itself",)
    return ()


def signer_objections(certificate: x509.Certificate, authority: x509.Certificate) -> tuple[str, ...]:
    """Everything that keeps a certificate from signing answers for an authority."""
    return (
        *delegation_objections(certificate, authority),
        *nocheck_objections(certificate),
        *self_reference_objections(certificate),
    )


@implements("TRUSTWORKS:STATUS-OCSP-REVOKED-STOPS", disabled=True)
def signer_stands(revoked: str | None) -> bool:
    """Whether a responder's own certificate is not revoked; `revoked` says why and since when it is.

    It says ocsp-nocheck (RFC 6960, 4.2.2.2.1): nobody but the responder will ever look.
    """
    return revoked is None


def _purposes(certificate: x509.Certificate) -> tuple[x509.ObjectIdentifier, ...]:
    try:
        return tuple(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except (x509.ExtensionNotFound, ValueError):
        return ()


def _has(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> bool:
    return any(extension.oid == oid for extension in certificate.extensions)


# Caches on the way


@implements("RFC5019:6.2-01", disabled=86400)
def max_age(now: datetime, next_update: datetime, limit: int) -> int:
    """Seconds that a cache on the way may keep an answer: never beyond nextUpdate, and at most `limit`."""
    return max(0, min(limit, int((next_update - now).total_seconds())))
