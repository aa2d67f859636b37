"""Paths of certificates that we rely on ourselves: to the first that holds, or to the reason why none does.

Paths are built by `building`, and the checks of RFC 5280, 6.1 are those of `validation`. Beyond them no hash
and no key is too weak, names are written the same way, and the end entity is for the purpose. A certificate
that restricts what is below it by name constraints, policy constraints or the inhibition of anyPolicy is
refused: nothing that we rely on has such. Revocation is the caller's to check, and so is whether a mechanism
is agreed on that day: keys that were agreed until some day signed what is still to be verified.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.building import (
    BuildingLimits,
    CertificatePool,
    Path,
    TrustAnchor,
    TrustAnchors,
    build_paths,
)
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.certificates import EXTENSIONS, ISSUER, SUBJECT, VALIDITY, named, unreadable
from trustworks.core.pki.extensions import ANY_EXTENDED_KEY_USAGE
from trustworks.core.pki.names import read_distinguished_name
from trustworks.core.pki.path_verdict import Failure, FailureCode, PathSettings
from trustworks.core.pki.public_keys import PublicKey, read_public_key
from trustworks.core.pki.validation import validate_path
from trustworks.core.trace import implements
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

LONGEST: Final = 10
"""Certificates in a path, the trust anchor included."""

MOST_CANDIDATES: Final = 200
"""Paths that are tried before the search is given up, in a heap of cross-certificates."""

MOST_SIGNATURES: Final = 300
"""Signatures that are verified, and issuers of one name that are looked at, before the search is given up."""

_READ: Final = (SUBJECT, ISSUER, VALIDITY, EXTENSIONS)
"""What the search uses of a certificate; of a trust anchor it is the name. Keys are for `_check_key`."""

_MOST_EXPONENT_BITS: Final = 64
"""Of an RSA key's public exponent: a signature costs by its length to verify, and no CA's has more."""

_WEAK: Final = frozenset({"md5", "sha1", "sha224"})

# These restrict what is below them even where a CA forgot to mark them critical.
RESTRICTING: Final = frozenset(
    {
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.INHIBIT_ANY_POLICY,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What the end entity is to be used for.

    `sole` asks that its extended key usage has nothing else, and its key usage nothing but signatures;
    `critical` that its extended key usage is critical. `processed` are the extensions of the end entity that
    the caller processes.
    """

    oid: x509.ObjectIdentifier
    sole: bool = False
    critical: bool = False
    processed: frozenset[x509.ObjectIdentifier] = frozenset()


# RFC 3161, 2.3: a critical extended key usage with nothing else, and a key that is reserved for tokens. The
# period of its use is held against the time of the token, by who verifies that.
TIME_STAMPING: Final = Purpose(
    oid=ExtendedKeyUsageOID.TIME_STAMPING,
    sole=True,
    critical=True,
    processed=frozenset({ExtensionOID.PRIVATE_KEY_USAGE_PERIOD}),
)


def find_path(
    leaf: x509.Certificate,
    *,
    untrusted: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    at: datetime,
    purpose: Purpose | None,
) -> tuple[x509.Certificate, ...]:
    """The first path that is valid at `at`: the leaf, CA certificates, the trust anchor if it is another.

    Without a `purpose` the end entity may be for anything. Of the others those that cannot be read are left
    out: whoever sends a certificate too many does not spoil a path that is there.

    Raises:
        Rejected: ``path.<why>``; of several paths that fail, the failure of the first.
        Malformed: the leaf cannot be read.
    """
    wrong = unreadable(leaf, *_READ)
    if wrong is not None:
        raise Malformed(
            f"The certificate {leaf.serial_number:x} cannot be read: {wrong}. Give another certificate."
        )
    first: Rejected | None = None
    for path in _candidates(leaf, untrusted, anchors, at):
        try:
            check_path(path, at=at, purpose=purpose)
        except Rejected as error:
            first = first or error
        else:
            return path
    raise first or Rejected(
        "path.no-anchor",
        f"No path leads from {named(leaf)} to a trust anchor; give the CA certificates in between.",
    )


def _candidates(
    leaf: x509.Certificate,
    untrusted: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    at: datetime,
) -> Iterator[tuple[x509.Certificate, ...]]:
    """Chains from a certificate to an anchor: by signatures, and where there are none, by names alone."""
    if leaf in anchors:
        yield (leaf,)
    limits = BuildingLimits(
        length=LONGEST,
        issuers=MOST_SIGNATURES,
        steps=20 * MOST_CANDIDATES,
        signatures=MOST_SIGNATURES,
        paths=MOST_CANDIDATES,
    )
    others = dict(_readable(one for one in untrusted if one not in anchors))
    trusted = TrustAnchors(filter(None, map(_anchor, anchors)))
    pool = CertificatePool(others)
    for path in build_paths(_token(leaf), anchors=trusted, pool=pool, at=at, limits=limits):
        top = path.anchor.label
        if isinstance(top, x509.Certificate):
            yield (leaf, *(others[one] for one in path.certificates[1:]), top)


def _readable(
    certificates: Iterable[x509.Certificate],
) -> Iterator[tuple[Certificate, x509.Certificate]]:
    for one in certificates:
        if unreadable(one, *_READ) is None:
            try:
                yield _token(one), one
            except Malformed:
                continue


def _anchor(certificate: x509.Certificate) -> TrustAnchor | None:
    """Its name and key, and itself to be had back; None where these cannot be read. Nothing else is."""
    if unreadable(certificate, SUBJECT) is not None:
        return None
    name = read_distinguished_name(certificate.subject.public_bytes())
    try:
        key = _token(certificate).key  # also one that the library does not know, so that this can be said
    except Malformed:
        try:
            key = _key(certificate)
        except (ValueError, UnsupportedAlgorithm, Malformed):
            return None
    return TrustAnchor(subject=name, key=key, label=certificate)


def check_path(path: Sequence[x509.Certificate], *, at: datetime, purpose: Purpose | None) -> None:
    """Hold every step of a path against RFC 5280, 6.1; the last certificate is the trust anchor.

    Raises `Rejected` (path.*). Of the anchor only name and key are used; its own fields restrict nothing.
    """
    for certificate in path:
        _check_key(certificate)
    leaf, *upward = path
    for issued, issuer in pairwise(path):
        _check_signature(issued, issuer)
    for certificate in path[:-1] or path:
        _check_restricting(certificate)
    # Of an anchor above others no more is read than its name and key.
    read = [_token(one) for one in path[:-1] or path]
    anchor = TrustAnchor.of(read[0])
    if upward:
        name = read_distinguished_name(path[-1].subject.public_bytes())
        anchor = TrustAnchor(subject=name, key=_key(path[-1]))
    processed = frozenset() if purpose is None else frozenset(one.dotted_string for one in purpose.processed)
    verdict = validate_path(Path(tuple(read), anchor), at=at, settings=PathSettings(processed=processed))
    # The end entity's failures last: what is wrong above says more.
    for failure in sorted(verdict.failures, key=lambda one: one.number, reverse=True):
        raise _refusal(failure)
    if purpose is not None:
        for authority in upward[:-1]:
            _check_authority(authority, purpose)
        _check_leaf(leaf, purpose)


def _token(certificate: x509.Certificate) -> Certificate:
    return Certificate.read(certificate.public_bytes(Encoding.DER))


def _key(certificate: x509.Certificate) -> PublicKey:
    key = certificate.public_key()
    return read_public_key(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _refusal(failure: Failure) -> Rejected:
    """The refusal that a failed check is; the codes are the documented ones."""
    sentence = failure.sentence
    refusals = {
        FailureCode.NOT_YET_VALID: Rejected("path.not-yet-valid", f"{sentence}"),
        FailureCode.EXPIRED: Rejected("path.expired", f"{sentence}"),
        FailureCode.NOT_CA: Rejected("path.not-ca", f"{sentence}"),
        FailureCode.PATH_LENGTH: Rejected("path.length", f"{sentence}"),
        FailureCode.KEY_USAGE: Rejected("path.key-usage", f"{sentence}"),
        FailureCode.CRITICAL_EXTENSION: Rejected("path.critical-extension", f"{sentence}"),
        FailureCode.EXTENSION_UNREADABLE: Rejected("path.critical-extension", f"{sentence}"),
        FailureCode.POLICY_MAPPING: Rejected("path.policy", f"{sentence}"),
    }
    return refusals.get(failure.code, Rejected("path.signature", f"{sentence}"))


@implements("ECCG-ACM:PATH-KEYS")
def _check_key(certificate: x509.Certificate) -> None:
    """Every key of the path is of a kind that the agreed mechanisms name, and not shorter than they all.

    One that only costs time is refused as well.
    """
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Rejected("path.algorithm", f"The key of {named(certificate)} cannot be read.") from error
    # Load the module's package, which who builds no path does without.
    from trustworks.core.module.agreed import catalogue, least_bits  # noqa: PLC0415
    from trustworks.core.module.algorithms import CURVES  # noqa: PLC0415

    match key:
        case rsa.RSAPublicKey():
            if key.key_size < least_bits("rsa"):
                raise Rejected(
                    "path.algorithm",
                    f"The key of {named(certificate)} has {key.key_size} bits, fewer than the "
                    f"{least_bits('rsa')} without which it is too weak.",
                )
            if key.public_numbers().e.bit_length() > _MOST_EXPONENT_BITS:
                raise Rejected(
                    "path.algorithm",
                    f"The public exponent of the key of {named(certificate)} has more than "
                    f"{_MOST_EXPONENT_BITS} bits, which no CA's has. Rely on another certificate.",
                )
        case ec.EllipticCurvePublicKey():
            if key.curve.name not in {CURVES[one]().name for one in catalogue().keys if one in CURVES}:
                raise Rejected(
                    "path.algorithm",
                    f"The key of {named(certificate)} is on the curve {key.curve.name}, which is none of the "
                    "agreed mechanisms; rely on another certificate.",
                )
        case ed25519.Ed25519PublicKey():
            pass
        case _:
            raise Rejected(
                "path.algorithm", f"The key of {named(certificate)} is neither RSA, ECDSA nor Ed25519."
            )


@implements("RFC5280:6.1.3-SIGNATURE")
def _check_signature(issued: x509.Certificate, issuer: x509.Certificate) -> None:
    """Signature and name chaining (RFC 5280, 6.1.3 (a)(1) and (a)(4)), by a hash that is not too weak."""
    read = _token(issued)
    algorithm = read.signature_algorithm
    if algorithm is not None and algorithm.hash in _WEAK:
        raise Rejected(
            "path.algorithm", f"{named(issued)} is signed with {algorithm.hash}, which is too weak."
        )
    same_name = issued.issuer.public_bytes() == issuer.subject.public_bytes()
    if not same_name or read.signed.check(_key(issuer)) != "ok":
        raise Rejected(
            "path.signature", f"The signature of {named(issuer)} on {named(issued)} does not verify."
        )


def _check_authority(certificate: x509.Certificate, purpose: Purpose) -> None:
    """A CA that says what it is for is for the purpose."""
    purposes = _token(certificate).extended_key_usage
    if purposes is not None and not {purpose.oid.dotted_string, ANY_EXTENDED_KEY_USAGE} & set(purposes):
        raise Rejected("path.purpose", f"{named(certificate)} is a CA for other purposes.")


@implements("RFC3161:2.3-PURPOSE")
def _check_leaf(leaf: x509.Certificate, purpose: Purpose) -> None:
    """The end entity: its purpose, and that its key is for signatures."""
    extensions = leaf.extensions
    purposes = _purposes(extensions)
    if purposes is None or purpose.oid not in purposes.value:
        raise Rejected("path.purpose", f"{named(leaf)} is not for {purpose.oid._name}.")  # noqa: SLF001 - has no public reader
    if purpose.sole and list(purposes.value) != [purpose.oid]:
        raise Rejected("path.purpose", f"{named(leaf)} is for other purposes too.")
    if purpose.critical and not purposes.critical:
        raise Rejected("path.purpose", f"The extended key usage of {named(leaf)} is not critical.")
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not (usage.digital_signature or usage.content_commitment):
        raise Rejected("path.key-usage", f"The key of {named(leaf)} is not for signatures.")
    if purpose.sole and not is_for_signatures_alone(usage):
        raise Rejected(
            "path.key-usage", f"The key of {named(leaf)} is for more than signatures; rely on another."
        )


def is_for_signatures_alone(usage: x509.KeyUsage) -> bool:
    """Whether a key usage is digitalSignature, nonRepudiation or both, and nothing else.

    These two go with time-stamping (RFC 5280, 4.2.1.12); a key with another use is not reserved for it.
    """
    others = (
        usage.key_encipherment,
        usage.data_encipherment,
        usage.key_agreement,
        usage.key_cert_sign,
        usage.crl_sign,
    )
    return (usage.digital_signature or usage.content_commitment) and not any(others)


@implements("RFC5280:4.2-CRITICAL")
def _check_restricting(certificate: x509.Certificate) -> None:
    """Nothing that would restrict the path, even where a CA forgot to mark it critical."""
    for extension in certificate.extensions:
        if extension.oid in RESTRICTING:
            raise Rejected(
                "path.critical-extension",
                f"{named(certificate)} has the extension {extension.oid.dotted_string}, "
                "which is not processed.",
            )


def _purposes(extensions: x509.Extensions) -> x509.Extension[x509.ExtendedKeyUsage] | None:
    try:
        return extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return None
