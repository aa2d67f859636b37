"""General messages (genm): what clients ask of an authority beside certificates. Source: RFC 9483, 4.3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat import asn1

from trustworks.core.der import cmp as der
from trustworks.core.der.cmp import Body, InfoTypeAndValue
from trustworks.core.der.crmf import elements, encoded
from trustworks.core.der.encode import SEQUENCE, SET, context, extension, oid, tlv
from trustworks.core.errors import Malformed, Rejected
from trustworks.issuance import records
from trustworks.issuance.enrolment.cmp.answers import Answer
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.profiles.tbs import NAME_OIDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.der.cmp import PkiMessage
    from trustworks.issuance.enrolment.cmp.requester import Requester
    from trustworks.issuance.enrolment.ra import RegistrationAuthority
    from trustworks.issuance.model import CrlRecord, Profile

_UTF8_STRING: Final = 0x0C
_KEY_USAGE: Final = "2.5.29.15"
_EXTENDED_KEY_USAGE: Final = "2.5.29.37"


def answer(authority: RegistrationAuthority, message: PkiMessage, requester: Requester) -> Answer:
    """The answer to a general message: one piece of information for each that is asked for.

    Raises `Malformed`, and `Rejected` (badRequest) for information that there is not.
    """
    infos = der.read_infos(message.content)
    if not infos:
        raise Rejected("badRequest", "The general message asks for nothing.")
    found = tuple(_answer(authority, one, requester) for one in infos)
    return Answer(body=Body.genp, content=der.write_infos(found))


def _answer(
    authority: RegistrationAuthority, asked: InfoTypeAndValue, requester: Requester
) -> InfoTypeAndValue:
    known = _KNOWN.get(asked.type)
    if known is None:
        raise Rejected(
            "badRequest",
            f"There is no answer to {asked.type}; ask for one of {', '.join(_KNOWN)} (RFC 9483, 4.3).",
        )
    return known(authority, asked, requester)


def _ca_certificates(
    authority: RegistrationAuthority, asked: InfoTypeAndValue, requester: Requester
) -> InfoTypeAndValue:
    """The certificates of the authorities below the root (RFC 9483, 4.3.1)."""
    del asked, requester
    issuing = b"".join(one.certificate for one in authority.issuance.generations())
    return InfoTypeAndValue(type=der.CA_CERTS, value=tlv(SEQUENCE, issuing))


def _root_update(
    authority: RegistrationAuthority, asked: InfoTypeAndValue, requester: Requester
) -> InfoTypeAndValue:
    """The update of the root that the client names: there is none (RFC 9483, 4.3.2), as there is one root.

    Raises `Rejected` (badRequest) for a root that is not this provider's.
    """
    del requester
    root = authority.issuance.authority("root").certificate
    if asked.value and asked.value != root:
        raise Rejected(
            "badRequest", "The root's certificate that the message has is not one of this provider."
        )
    return InfoTypeAndValue(type=der.ROOT_CA_KEY_UPDATE)


def _template(
    authority: RegistrationAuthority, asked: InfoTypeAndValue, requester: Requester
) -> InfoTypeAndValue:
    """What a request by this requester is to have (RFC 9483, 4.3.3): the subject, usages of the key.

    A value that the requester chooses is empty.
    """
    del authority, asked
    evidence = requester.evidence()
    profile = profile_named(evidence.profile)
    rdns = []
    for one in evidence.subject:
        value = "" if evidence.patterns and "*" in one.value else one.value
        attribute = tlv(SEQUENCE, oid(NAME_OIDS[one.type].dotted_string), tlv(_UTF8_STRING, value.encode()))
        rdns.append(tlv(SET, attribute))
    wanted = template_extensions(profile)
    template = tlv(
        SEQUENCE,
        context(5, tlv(SEQUENCE, *rdns)),
        context(9, *wanted) if wanted else b"",
    )
    return InfoTypeAndValue(type=der.CERT_REQ_TEMPLATE, value=tlv(SEQUENCE, template))


def template_extensions(profile: Profile) -> list[bytes]:
    """The usages that certificates of a profile have, as extensions of a template."""
    usages = (
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
    key_usage = x509.KeyUsage(**{name: name in profile.key_usage for name in usages})
    found = [extension(_KEY_USAGE, key_usage.public_bytes(), critical=True)]
    if profile.extended_key_usage:
        purposes = x509.ExtendedKeyUsage([x509.ObjectIdentifier(one) for one in profile.extended_key_usage])
        found.append(extension(_EXTENDED_KEY_USAGE, purposes.public_bytes()))
    return found


@asn1.sequence
class _CrlStatus:
    source: asn1.TLV
    this_update: asn1.UTCTime | asn1.GeneralizedTime | None


def _lists(
    authority: RegistrationAuthority, asked: InfoTypeAndValue, requester: Requester
) -> InfoTypeAndValue:
    """The revocation lists that are newer than the client's (RFC 9483, 4.3.4)."""
    del requester
    try:
        statuses = [asn1.decode_der(_CrlStatus, encoded(one)) for one in elements(asked.value)]
    except ValueError:
        raise Malformed("The status of revocation lists (crlStatusList) cannot be read.") from None
    found = []
    for status in statuses:
        current = _list_of(authority, status.source)
        since = None if status.this_update is None else status.this_update.as_datetime()
        if since is None or since < current.this_update.replace(microsecond=0):
            found.append(current.der)
    return InfoTypeAndValue(type=der.CRLS, value=tlv(SEQUENCE, *found) if found else b"")


def _list_of(authority: RegistrationAuthority, source: asn1.TLV) -> CrlRecord:
    """The newest list of a source: a distribution point of ours, or the issuer's name."""
    octets = encoded(source)
    for one in (*authority.issuance.generations(), authority.issuance.authority("root")):
        name, certificate = one.name, x509.load_der_x509_certificate(one.certificate)
        subject = certificate.subject.public_bytes()
        url = f"{authority.public_url}/crl/{name}.crl".encode()
        names = (context(4, subject), context(6, url, constructed=False))
        if octets in {context(1, names[0]), context(0, context(0, names[1])), context(0, names[1])}:
            with authority.database.read() as connection:
                found = records.last_crl(connection, name)
            if found is not None:
                return found
    raise Rejected("badRequest", "There is no revocation list of that issuer or distribution point here.")


_KNOWN: Final[dict[str, Callable[..., InfoTypeAndValue]]] = {
    der.CA_CERTS: _ca_certificates,
    der.ROOT_CA_CERT: _root_update,
    der.ROOT_CA_KEY_UPDATE: _root_update,
    der.CERT_REQ_TEMPLATE: _template,
    der.CRL_STATUS_LIST: _lists,
}
