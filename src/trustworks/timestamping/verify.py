"""Whether a token is one over given data, signed by a unit that a trust anchor vouches for.

Steps, as in RFC 3161, 2.2 and 2.3, and RFC 5816:

1. the token is CMS signed data of one signer over a TSTInfo, whose digest is signed;
2. the imprint is that of the data;
3. the signer's certificate is found, and the signed reference names it;
4. the signature verifies with its key;
5. a path leads from it to a trust anchor, at the token's time or another, for time-stamping only, and through
   no other CA certificates than those that the token refers to, where it does.

Not looked at: revocation. Whoever depends on the token asks the CA, or a validation service.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.der import cms
from trustworks.core.der.algorithms import HASHES, read_hash, read_signature
from trustworks.core.der.x509 import read_certificate
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.pki.certificates import load, readable
from trustworks.core.pki.path import TIME_STAMPING, find_path
from trustworks.core.pki.signatures import is_signed_by
from trustworks.core.trace import implements
from trustworks.timestamping import wire
from trustworks.timestamping.model import Identity
from trustworks.timestamping.rules import tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from trustworks.timestamping.model import TokenView


SKEW: Final = timedelta(minutes=1)
"""By how much the clock of a relying party may be behind that of an authority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A token that was verified, and the path from its signer to the anchor."""

    token: TokenView
    path: tuple[x509.Certificate, ...]

    @property
    def gen_time(self) -> datetime:
        """The time of the token."""
        return self.token.tst_info.gen_time.as_datetime()


def verify(
    token: bytes,
    digest_of: Callable[[str], bytes],
    *,
    anchors: Sequence[x509.Certificate],
    untrusted: Sequence[x509.Certificate] = (),
    at: datetime | None = None,
    now: datetime | None = None,
) -> Verified:
    """Verify a token over the data whose digest by a hash function (hashlib's name) is `digest_of` its name.

    `at`: when the certificates must be valid; None: at the token's time. `now`: None: by the system's clock.

    Raises:
        Malformed: the token cannot be decoded.
        Refused: with the requirement that the token breaks.
        Rejected: with the step that failed: ``timestamp.*``, ``path.*``, ``algorithm.*``, ``signature.*``.
    """
    view = wire.read_token(token)
    check_imprint(view, digest_of)
    signer = check_signer(view, untrusted, now=now)
    gen_time = view.tst_info.gen_time.as_datetime()
    known, _ = _at_hand(view, untrusted)
    allowed = known
    if tokens.has_further_references(view):
        allowed = [one for one, identity in _identified(known) if tokens.may_be_in_path(view, identity)]
    try:
        path = find_path(signer, untrusted=allowed, anchors=anchors, at=at or gen_time, purpose=TIME_STAMPING)
    except Rejected as error:
        if error.code != "path.no-anchor" or len(allowed) == len(known):
            raise
        raise Rejected(
            "timestamp.path-reference",
            "The token refers to the CA certificates that its path is to have, and no path through those "
            "alone leads to a trust anchor; give them with --untrusted.",
        ) from error
    return Verified(token=view, path=path)


def check_signer(
    view: TokenView, untrusted: Sequence[x509.Certificate] = (), *, now: datetime | None = None
) -> x509.Certificate:
    """The certificate of the token's signer, when all holds but a path from it: steps 1, 3 and 4.

    Raises `Malformed`, `Refused` and `Rejected` as `verify` does.
    """
    broken = tokens.reading_objection(view.tst_info)
    if broken is not None:
        raise Refused(*broken)
    check_timeliness(view, now or datetime.now(UTC))
    check_reference(view)
    read_hash(asn1.encode_der(view.signer.digest_algorithm))
    broken = tokens.structure_objection(view)
    if broken is not None:
        raise Refused(*broken)
    signer = _signer(view, *_at_hand(view, untrusted))
    check_signature(view, signer)
    check_key_period(signer, view.tst_info.gen_time.as_datetime())
    return signer


@implements("RFC3161:2.2-TIME")
def check_timeliness(view: TokenView, now: datetime) -> None:
    """Refuse a token from the future, but for what the clocks of two machines differ."""
    gen_time = view.tst_info.gen_time.as_datetime()
    if gen_time > now + SKEW:
        raise Rejected(
            "timestamp.future",
            f"The token is from the future: its time is {gen_time}, and here it is {now}. Look at the clock "
            "of this machine; if it is right, do not rely on the token.",
        )


def check_reference(view: TokenView) -> None:
    """Refuse a token whose signed reference cannot name any certificate, or names more than can be."""
    if not tokens.has_a_reference(view):
        raise Rejected(
            "timestamp.no-reference",
            "The token has no signed reference to its signer's certificate (SigningCertificateV2), or one "
            "that cannot be read; ask its authority for a token that has one.",
        )
    if not tokens.has_few_references(view):
        raise Rejected(
            "timestamp.references",
            f"The token refers to more than {tokens.MOST_REFERENCES} certificates, and no path has as many. "
            "Do not rely on it; ask its authority for another.",
        )
    unknown = tokens.unknown_reference_hash(view)
    if unknown is not None:
        raise Rejected(
            "timestamp.reference-hash",
            f"The token refers to its signer's certificate by the hash algorithm {unknown}, which is not "
            f"accepted; accepted are {', '.join(HASHES)}.",
        )


@implements("RFC3161:2.4.2-IMPRINT")
def check_imprint(view: TokenView, digest_of: Callable[[str], bytes]) -> None:
    """Refuse a token over other data."""
    imprint = view.tst_info.message_imprint
    function = read_hash(asn1.encode_der(imprint.hash_algorithm))
    if imprint.hashed_message != digest_of(function.name):
        raise Rejected("timestamp.other-data", "The token is over other data.")


@implements("RFC3161:2.2-SIGNATURE")
def check_signature(view: TokenView, signer: x509.Certificate) -> None:
    """Refuse a token whose signature is not that of the certificate's key over the signed attributes."""
    algorithm = read_signature(asn1.encode_der(view.signer.signature_algorithm))
    digest = None if algorithm.padding == "eddsa" or view.digest is None else view.digest.name
    signed = cms.signed_bytes(view.signer)
    if not is_signed_by(signer.public_key(), view.signer.signature, signed, algorithm, digest=digest):
        raise Rejected(
            "timestamp.signature", "The token's signature does not verify: it was changed, or forged."
        )


@implements("EN319421:7.6.7-KEY-EXPIRY")
def check_key_period(signer: x509.Certificate, gen_time: datetime) -> None:
    """Refuse a token from before or after the use of its signer's private key, where that is stated."""
    try:
        period = signer.extensions.get_extension_for_class(x509.PrivateKeyUsagePeriod).value
    except x509.ExtensionNotFound:
        return
    begins, ends = (  # the library gives them without their zone, which is UTC
        None if one is None else one.replace(tzinfo=UTC) for one in (period.not_before, period.not_after)
    )
    if (begins is not None and gen_time < begins) or (ends is not None and gen_time > ends):
        raise Rejected(
            "timestamp.key-period",
            f"The token is of {gen_time}, when its signer's key was not in use by its certificate (from "
            f"{begins or 'the certificate on'} to {ends or 'its end'}); do not rely on it.",
        )


def identity(certificate: x509.Certificate) -> Identity:
    """A certificate whose extensions can be read, as tokens refer to it. Raises `Malformed`."""
    der = certificate.public_bytes(Encoding.DER)
    try:
        key_id = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        key_id = None
    issuer = asn1.encode_der(read_certificate(der).tbs_certificate.issuer)
    return Identity(der, issuer, certificate.serial_number, key_id)


def _identified(certificates: Iterable[x509.Certificate]) -> Iterator[tuple[x509.Certificate, Identity]]:
    """Certificates with their identities, without those that have none that can be read."""
    for one in certificates:
        try:
            found = identity(one)
        except Malformed:
            continue
        yield one, found


def _at_hand(
    view: TokenView, untrusted: Sequence[x509.Certificate]
) -> tuple[list[x509.Certificate], list[Malformed]]:
    """The certificates that came with the token or were given, each once, and why others cannot be read."""
    found: dict[x509.Certificate, None] = {}
    unread = []
    sent = (partial(load, asn1.encode_der(one)) for one in view.info.content.certificates or ())
    for read in (*sent, *(partial(readable, one) for one in untrusted)):
        try:
            found[read()] = None
        except Malformed as error:
            unread.append(error)
    return list(found), unread


def _signer(
    view: TokenView, certificates: Sequence[x509.Certificate], unread: Sequence[Malformed]
) -> x509.Certificate:
    for one, identity in _identified(certificates):
        if tokens.refers_to(view, identity):
            return one
    why = f" Of the others at hand {len(unread)} cannot be read. {unread[0]}" if unread else ""
    raise Rejected(
        "timestamp.no-certificate",
        "The certificate of the token's signer is not at hand, or is not the one that the token refers to; "
        f"give it with --untrusted.{why}",
    )


def digests_of(data: bytes) -> Callable[[str], bytes]:
    """For `verify`: the digests of data that is in memory."""
    return lambda name: hashlib.new(name, data).digest()
