"""What a revocation list must be before it is released, and when one is due: pure functions.

Rules whose name ends in `objections` say what is wrong, as sentences; nothing wrong is an empty tuple. The
publisher asks them about the signed octets, parsed by `cryptography` and not by the writer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from trustworks.core.der.crl import EXPIRED_CERTS_ON_CRL, issuer_octets, tbs_octets
from trustworks.core.trace import implements
from trustworks.issuance.model import NEVER, SERIAL_OCTETS, RevocationReason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.issuance.model import CertificateStatus, CrlHead

OVERDUE_AFTER: Final = timedelta(minutes=10)
LATE_AFTER: Final = timedelta(minutes=1)
_DAY: Final = timedelta(hours=24)
_YEAR: Final = timedelta(days=366)
_CRL_NUMBER_OCTETS: Final = 20


# The list itself


@implements("RFC5280:5.1.2.3-01", disabled=())
def issuer_objections(der: bytes, subject: bytes) -> tuple[str, ...]:
    """What is wrong with the issuer: it is the authority's subject name, octet for octet.

    Clients compare names in their own ways; equal octets are equal for all of them.
    """
    same = issuer_octets(der) == subject
    return () if same else ("the issuer's octets are not the authority's name",)


@implements("EN319411-1:CSS-6.3.9-08", "CENTS419261:STATUS-SIGNED", "EN319411-1:CSS-6.3.10-03", disabled=())
def signature_objections(
    crl: x509.CertificateRevocationList, der: bytes, authority: x509.Certificate
) -> tuple[str, ...]:
    """What is wrong with the signature: it verifies with the key of the authority's certificate.

    It is verified over the octets of `der`: the library's own check would write the whole list anew.
    """
    key = authority.public_key()
    how = crl.signature_algorithm_parameters
    signed = memoryview(der)[tbs_octets(der)]  # a large list is not copied
    digest = crl.signature_hash_algorithm
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(how, ec.ECDSA):
            key.verify(crl.signature, signed, how)
        elif isinstance(key, rsa.RSAPublicKey) and isinstance(how, padding.AsymmetricPadding) and digest:
            key.verify(crl.signature, bytes(signed), how, digest)
        elif isinstance(key, ed25519.Ed25519PublicKey) and how is None:
            key.verify(crl.signature, signed)
        else:
            return ("the authority's key is of another kind than the signature",)
    except InvalidSignature:
        return ("the authority's key does not verify the signature",)
    return ()


@implements("RFC5280:4.2.1.3-crl", disabled=())
def key_usage_objections(authority: x509.Certificate) -> tuple[str, ...]:
    """What keeps the authority from signing lists: its certificate says keyUsage without cRLSign."""
    try:
        usage = authority.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    return () if usage.crl_sign else ("the authority's certificate is not for signing revocation lists",)


@implements("RFC5280:5.2.1-01", disabled=())
def key_identifier_objections(
    crl: x509.CertificateRevocationList, authority: x509.Certificate
) -> tuple[str, ...]:
    """What is wrong with the authority key identifier: it is the subject key identifier of the authority."""
    try:
        given = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        expected = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound as error:
        return (f"an identifier of the authority's key is missing: {error}",)
    return () if given == expected else ("the authority key identifier is not the authority's",)


@implements("RFC5280:5.2.3-01", disabled=())
def number_objections(
    crl: x509.CertificateRevocationList, number: int, last_number: int | None
) -> tuple[str, ...]:
    """What is wrong with the number: there, not critical, above all before, at most 20 octets long."""
    try:
        extension = crl.extensions.get_extension_for_class(x509.CRLNumber)
    except x509.ExtensionNotFound:
        return ("the list has no number",)
    given = extension.value.crl_number
    found = []
    if extension.critical:
        found.append("the number is critical")
    if given != number:
        found.append(f"the number is {given}, not {number}")
    if last_number is not None and given <= last_number:
        found.append(f"the number {given} does not follow {last_number}")
    if given.bit_length() >= 8 * _CRL_NUMBER_OCTETS:
        found.append("the number is longer than 20 octets")
    return tuple(found)


@implements("EN319411-1:CSS-6.3.9-06", disabled=())
def next_update_objections(crl: x509.CertificateRevocationList, *, last: bool) -> tuple[str, ...]:
    """What is wrong with nextUpdate: always there; in the last list, and only there, the end of all times."""
    given = crl.next_update_utc
    if given is None:
        return ("the list does not say when the next one comes",)
    if (given == NEVER) != last:
        return (f"the next update {given} is wrong for a list that is{'' if last else ' not'} the last",)
    return ()


@implements("RFC5280:5.1.2.5-01", disabled=())
def time_objections(crl: x509.CertificateRevocationList, now: datetime) -> tuple[str, ...]:
    """What is wrong with the times: issued by now, and the next list comes later."""
    found = []
    if crl.last_update_utc > now:
        found.append(f"issued at {crl.last_update_utc}, which is later than now")
    if crl.next_update_utc is not None and crl.next_update_utc <= max(crl.last_update_utc, now):
        found.append(f"the next update {crl.next_update_utc} is not later than this one")
    return tuple(found)


@implements("EN319411-1:CSS-6.3.9-12", disabled=())
def authority_list_objections(
    crl: x509.CertificateRevocationList, *, of_authorities: bool, last: bool
) -> tuple[str, ...]:
    """What is wrong with the life of a list of authorities' certificates: it is at most one year."""
    end = crl.next_update_utc
    if of_authorities and not last and end is not None and end - crl.last_update_utc > _YEAR:
        return ("a list of authorities' certificates lives longer than a year",)
    return ()


@implements("RFC5280:5.1.2.6-01", "EN319411-1:OVR-6.6.2-01", disabled=())
def entries_objections(crl: x509.CertificateRevocationList, serials: bytes | bytearray) -> tuple[str, ...]:
    """What is wrong with the entries: exactly the revoked certificates of the scope, each once.

    `serials` has `SERIAL_OCTETS` octets for each, in the order of the list: a million objects need ten times
    the room.
    """
    listed = bytearray()
    for entry in crl:
        listed += entry.serial_number.to_bytes(SERIAL_OCTETS, "big")
    if listed == serials:
        return ()
    missing, strange = _each(serials) - _each(listed), _each(listed) - _each(serials)
    return (f"{len(missing)} revoked serials are missing, {len(strange)} are strange, or one stands twice",)


def _each(serials: bytes | bytearray) -> set[bytes]:
    return {bytes(serials[at : at + SERIAL_OCTETS]) for at in range(0, len(serials), SERIAL_OCTETS)}


@implements("RFC5280:5.2.5-01", disabled=())
def distribution_point_objections(
    crl: x509.CertificateRevocationList, url: str | None, *, only_user_certificates: bool
) -> tuple[str, ...]:
    """What is wrong with the issuing distribution point: critical, and names what the certificates name.

    `url` is where the shard's list is, as its certificates say (other places may stand beside it); None for a
    list of all certificates, which has no such extension.
    """
    try:
        extension = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    except x509.ExtensionNotFound:
        return () if url is None else ("the list of a shard does not say which shard it is",)
    if url is None:
        return ("a list of all certificates says that it is about a part of them",)
    value = extension.value
    found = []
    if not extension.critical:
        found.append("the issuing distribution point is not critical")
    if url not in {name.value for name in value.full_name or ()}:
        found.append(f"the issuing distribution point does not name {url}")
    if value.only_contains_user_certs != only_user_certificates:
        found.append("the issuing distribution point is wrong about the kind of certificates")
    if value.only_contains_ca_certs or value.only_contains_attribute_certs or value.indirect_crl:
        found.append("the issuing distribution point leaves certificates of the shard out")
    return tuple(found)


@implements("RFC5280:5.2.4-01", disabled=())
def delta_objections(crl: x509.CertificateRevocationList, base: int | None) -> tuple[str, ...]:
    """What is wrong with the delta indicator: critical, the number of the list before; None: absent."""
    try:
        extension = crl.extensions.get_extension_for_class(x509.DeltaCRLIndicator)
    except x509.ExtensionNotFound:
        return () if base is None else ("a delta list does not say which list it goes on from",)
    if base is None:
        return ("a complete list says that it is a delta list",)
    found = [] if extension.critical else ["the delta indicator is not critical"]
    if extension.value.crl_number != base:
        found.append(f"the delta list goes on from {extension.value.crl_number}, not {base}")
    return tuple(found)


@implements("EN319411-2:CSS-6.3.10-05", "EN319411-2:CSS-6.3.10-06", disabled=())
def expired_certs_objections(crl: x509.CertificateRevocationList, since: datetime | None) -> tuple[str, ...]:
    """What is wrong with expiredCertsOnCRL: there if and only if expired certificates stay on the list.

    `since` is the moment after which none was dropped; None when they are dropped.
    """
    values = [e.value for e in crl.extensions if e.oid.dotted_string == EXPIRED_CERTS_ON_CRL]
    if since is None:
        return ("expiredCertsOnCRL is there, and expired certificates are dropped",) if values else ()
    expected = b"\x18\x0f" + since.strftime("%Y%m%d%H%M%SZ").encode()
    if [v.value for v in values if isinstance(v, x509.UnrecognizedExtension)] == [expected]:
        return ()
    return ("expiredCertsOnCRL does not say since when expired certificates are kept",)


# When a list is due


@implements("EN319411-2:CSS-6.3.10-03", "EN319411-2:CSS-6.3.10-04", disabled=True)
def is_listed(state: str, revoked_at: object | None) -> bool:
    """Whether a certificate belongs on the list: revoked. Whether it has expired since is not even asked."""
    return state == "issued" and revoked_at is not None


@implements("TRUSTWORKS:STATUS-CHANGE-LISTED", disabled=False)
def lacks_a_change(last: CrlHead, changes: int) -> bool:
    """Whether the newest list was made from other changes of status than there are: `changes` counts them.

    No moment of theirs is asked, so that the clock which dated one counts for nothing.
    """
    return changes != last.changes


@implements("EN319411-1:CSS-6.3.9-05", disabled=False)
def is_due(last: CrlHead | None, now: datetime, every: timedelta, *, changes: int) -> bool:
    """Whether a list is due: by the clock, at the latest after 24 hours; or because a status changed.

    `changes` counts the changes of status in the scope. The clock alone decides when there was none: a list
    that is only renewed with a revocation runs out in quiet times. After the last list nothing is due.
    """
    if last is None:
        return True
    if last.next_update == NEVER:
        return False
    if now - last.this_update >= every or now >= last.next_update:
        return True
    return lacks_a_change(last, changes)


@implements("EN319411-1:CSS-6.3.9-13", disabled=False)
def is_overdue(
    last: CrlHead | None,
    now: datetime,
    every: timedelta,
    *,
    changes: int,
    since: datetime | None,
    patience: timedelta = OVERDUE_AFTER,
) -> bool:
    """Whether a list was due ten minutes (`patience`) ago already, so that whoever publishes it must be told.

    The services publish within seconds. The root's list waits for people, who learn of it by this. `since` is
    when the oldest change that the list lacks was recorded; None if that is not known, of a list from before
    they were counted. One that is dated ahead may be of any age, and is told at once.
    """
    before = now - patience
    late = since is not None and not before < since <= now
    return last is not None and is_due(last, before, every, changes=changes if late else last.changes)


@implements("EN319411-2:CSS-6.3.10-07", "EN319411-2:CSS-6.3.10-09", disabled=())
def last_list_objections(scope: Iterable[CertificateStatus], now: datetime) -> tuple[str, ...]:
    """What keeps a list from being the last: a certificate that is neither expired nor revoked for good."""
    alive = held = 0
    for one in scope:
        if one.not_after < now:
            continue
        hold = one.revocation is not None and one.revocation.reason is RevocationReason.certificateHold
        held += hold
        alive += hold or one.revocation is None
    if not alive:
        return ()
    also = f"; release or revoke the held ones ({held})" if held else ""
    return (f"{alive} certificates are neither expired nor revoked{also}",)


@implements("EN319411-1:CSS-6.3.9-05", disabled=True)
def is_fresh(last: CrlHead | None, now: datetime) -> bool:
    """Whether relying parties may still use the newest list: there is one, and its next update lies ahead."""
    return last is not None and now < last.next_update
