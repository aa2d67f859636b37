"""From a template to the octets of its TBSCertificate. No rule is here: the lints judge what comes out.

Source: RFC 5280, 4.1 and 4.2; RFC 3739, 3.2.6; EN 319 412-5, 4.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import fields, replace
from datetime import timedelta
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID, ObjectIdentifier

from trustworks.core.der import qc_statements as qcs
from trustworks.core.der import x509 as der
from trustworks.core.der.elements import enter
from trustworks.core.der.encode import BIT_STRING, SEQUENCE, context, extension, integer, tlv, x509_time
from trustworks.core.errors import Rejected
from trustworks.issuance.model import NEVER, crl_path
from trustworks.issuance.model.requests import Template
from trustworks.issuance.profiles.further import further_extensions
from trustworks.issuance.profiles.statements import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.model import NameAttribute, Profile

NAME_OIDS: Final[dict[str, ObjectIdentifier]] = {
    "countryName": NameOID.COUNTRY_NAME,
    "stateOrProvinceName": NameOID.STATE_OR_PROVINCE_NAME,
    "localityName": NameOID.LOCALITY_NAME,
    "organizationName": NameOID.ORGANIZATION_NAME,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "organizationalUnitName": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "title": NameOID.TITLE,
    "givenName": NameOID.GIVEN_NAME,
    "surname": NameOID.SURNAME,
    "pseudonym": NameOID.PSEUDONYM,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "commonName": NameOID.COMMON_NAME,
    "postalCode": NameOID.POSTAL_CODE,
    "streetAddress": NameOID.STREET_ADDRESS,
    "businessCategory": NameOID.BUSINESS_CATEGORY,
    "jurisdictionCountryName": NameOID.JURISDICTION_COUNTRY_NAME,
    "jurisdictionStateOrProvinceName": NameOID.JURISDICTION_STATE_OR_PROVINCE_NAME,
    "jurisdictionLocalityName": NameOID.JURISDICTION_LOCALITY_NAME,
}
_KEY_USAGES: Final = (
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


@lru_cache(64)
def read_authority(der: bytes) -> x509.Certificate:
    """An authority's certificate, taken apart once."""
    return x509.load_der_x509_certificate(der)


def crl_url(public_url: str, authority: str, shard: int | None = None) -> str:
    """Where an authority's revocation list is: the complete one, or that of a shard."""
    return f"{public_url}{crl_path(authority, shard)}"


def certificate_url(public_url: str, authority: str) -> str:
    """Where an authority's certificate is."""
    return f"{public_url}/certs/{authority}.cer"


def ocsp_url(public_url: str) -> str:
    """Where the OCSP responder is."""
    return f"{public_url}/ocsp"


def distinguished_name(attributes: Sequence[NameAttribute]) -> x509.Name:
    """The name, one attribute to an RDN; `Rejected` (issuance.subject-attribute) for a bad value."""
    return _distinguished_name(tuple(attributes))


@lru_cache(1024)  # the same name is encoded, shown and asked for on the way to one certificate
def _distinguished_name(attributes: tuple[NameAttribute, ...]) -> x509.Name:
    found = []
    for attribute in attributes:
        try:
            found.append(x509.NameAttribute(NAME_OIDS[attribute.type], attribute.value))
        except (KeyError, ValueError) as error:
            raise Rejected(
                "issuance.subject-attribute",
                f"{attribute.type} cannot be {attribute.value!r}: {error}.",
            ) from None
    return x509.Name(found)


def readable_name(attributes: Sequence[NameAttribute]) -> str:
    """The name as people read it (RFC 4514), with the attributes' names in place of numbers."""
    return _readable_name(tuple(attributes))


@lru_cache(1024)
def _readable_name(attributes: tuple[NameAttribute, ...]) -> str:
    return der.name_in_words(_distinguished_name(attributes))


_ATOM: Final = r"[A-Za-z0-9!#$%&*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAILBOX: Final = re.compile(
    rf"(?=.{{1,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*"
)
# The preferred syntax alone (RFC 5280, 4.2.1.6), behind a star or not; the lint says which of them stand.
_DOMAIN: Final = re.compile(rf"(?=.{{1,253}}\Z)(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")


def alternative_names(texts: Sequence[str]) -> list[x509.GeneralName]:
    """The names, each once; DNS names are the same in capitals (RFC 4343). Raises as `alternative_name`."""
    found: dict[object, x509.GeneralName] = {}
    for name in map(alternative_name, texts):
        found.setdefault(name.value.lower() if isinstance(name, x509.DNSName) else name, name)
    return list(found.values())


def alternative_name(text: str) -> x509.GeneralName:
    """``DNS:name``, ``IP:address`` or ``email:address``; or `Rejected` (issuance.alternative-name)."""
    kind, _, value = text.partition(":")
    if kind not in {"DNS", "IP", "email"}:
        raise Rejected(
            "issuance.alternative-name",
            f"{text!r} is no alternative name; write DNS:name, IP:address or email:address.",
        )
    if kind == "email":
        return _mailbox(value)
    if kind == "IP":
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            raise Rejected("issuance.alternative-name", f"{value!r} is not an IP address.") from None
        if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
            raise Rejected(
                "issuance.alternative-name",
                f"{value!r} names an interface of one host, which a certificate cannot; write the address "
                "without %.",
            )
        return x509.IPAddress(address)
    if not _DOMAIN.fullmatch(value):
        raise Rejected(
            "issuance.alternative-name", f"{value!r} is not a DNS name; write it in its ASCII form."
        )
    return x509.DNSName(value)


def _mailbox(value: str) -> x509.GeneralName:
    """An address of electronic mail (RFC 5280, 4.2.1.6); one of other characters would be another kind."""
    # The strict form alone (RFC 5321, 4.1.2: Dot-string and Domain): whatever else a mail program reads as a
    # second address, or a second line of a header, would be a mailbox that nobody looked at.
    if not _MAILBOX.fullmatch(value):
        raise Rejected(
            "issuance.alternative-name",
            f"{value!r} is no address of electronic mail; write name@domain in ASCII, without quotes.",
        )
    return x509.RFC822Name(value)


class Writer:
    """Writes the TBSCertificates of one provider. Threads share it.

    What certificates of one profile and authority have in common is encoded once.
    """

    def __init__(self, settings: IssuanceSettings, public_url: str) -> None:
        self._settings = settings
        self._public_url = public_url
        self._kept: dict[tuple[object, ...], bytes] = {}

    def write(self, template: Template, algorithm: bytes) -> bytes:
        """The TBSCertificate, to be signed by the scheme whose AlgorithmIdentifier is `algorithm`.

        Raises as `distinguished_name` and `alternative_name`. Source: RFC 5280, 4.1.
        """
        subject = distinguished_name(template.subject).public_bytes()
        above = template.issuer_certificate
        own = _encoded(_own_extensions(template, self._settings))
        return tlv(
            SEQUENCE,
            _VERSION_3,
            integer(template.serial),
            algorithm,
            subject if above is None else _subject_of(above),
            tlv(SEQUENCE, x509_time(template.not_before), x509_time(template.not_after)),
            subject,
            template.spki,
            context(3, tlv(SEQUENCE, own, self._common(template))),
        )

    def _common(self, template: Template) -> bytes:
        """The extensions that do not depend on the subject, encoded.

        What they are made of is a template without its own fields, so that a new field is never forgotten.
        """
        key = _COMMON(template)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            bare = replace(template, **_BLANK)
            found = _encoded(_common_extensions(bare, self._settings, self._public_url))
            self._kept[key] = found
        return found


_VERSION_3: Final = context(0, integer(2))
_MOST_KEPT: Final = 8192  # a profile has one for each shard
# What is a certificate's own in a template; extensions that use it are made anew for each.
_BLANK: Final[dict[str, Any]] = {
    "subject": (),
    "alternative_names": (),
    "spki": b"",
    "serial": 0,
    "not_before": NEVER,
    "not_after": NEVER,
}
_COMMON: Final = attrgetter(*(field.name for field in fields(Template) if field.name not in _BLANK))


@lru_cache(64)
def _subject_of(certificate: bytes) -> bytes:
    """The subject of an authority's certificate, octet for octet (RFC 5280, 4.1.2.4)."""
    return tlv(SEQUENCE, bytes(der.read_certificate(certificate).tbs_certificate.subject.data))


def extensions(
    template: Template, settings: IssuanceSettings, public_url: str
) -> Iterator[tuple[x509.ExtensionType, bool]]:
    """All extensions of a certificate, and which are critical, in their order."""
    yield from _own_extensions(template, settings)
    yield from _common_extensions(template, settings, public_url)


def _encoded(found: Iterable[tuple[x509.ExtensionType, bool]]) -> bytes:
    return b"".join(
        [extension(one.oid.dotted_string, one.public_bytes(), critical=critical) for one, critical in found]
    )


def _own_extensions(
    template: Template, settings: IssuanceSettings
) -> Iterator[tuple[x509.ExtensionType, bool]]:
    """The extensions that depend on the subject, its key or the validity."""
    above = template.issuer_certificate
    own = x509.SubjectKeyIdentifier(_key_identifier(template.spki))
    yield (_authority_key_identifier(own) if above is None else _issuer_key_identifier(above)), False
    if template.profile.key_identifier:
        yield own, False
    if template.alternative_names:
        # RFC 5280, 4.2.1.6: they are critical where they stand for a name that the subject has not.
        yield x509.SubjectAlternativeName(alternative_names(template.alternative_names)), not template.subject
    days = template.profile.private_key_days
    if days is not None:
        end = template.not_before + timedelta(days=days, seconds=-1)
        yield (
            x509.PrivateKeyUsagePeriod(
                not_before=template.not_before, not_after=min(end, template.not_after)
            ),
            False,
        )
    if template.semantics:  # what is said of the subject's identifier depends on its form
        yield from _qc_statements(template, settings)
    yield from further_extensions(template)


def _key_identifier(spki: bytes) -> bytes:
    """The SHA-1 hash of a public key's bits (RFC 5280, 4.2.1.2, method 1): a name, no protection."""
    algorithm, _ = enter(spki, 0, SEQUENCE)
    _, bits = enter(spki, algorithm, SEQUENCE)
    first, end = enter(spki, bits, BIT_STRING)
    return hashlib.sha1(spki[first + 1 : end], usedforsecurity=False).digest()


def _authority_key_identifier(identifier: x509.SubjectKeyIdentifier) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


@lru_cache(64)
def _issuer_key_identifier(certificate: bytes) -> x509.AuthorityKeyIdentifier:
    found = read_authority(certificate).extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return _authority_key_identifier(found.value)


def _common_extensions(
    template: Template, settings: IssuanceSettings, public_url: str
) -> Iterator[tuple[x509.ExtensionType, bool]]:
    """The extensions that all certificates have that differ in nothing but the fields in `_BLANK`."""
    profile = template.profile
    yield x509.KeyUsage(**{name: name in profile.key_usage for name in _KEY_USAGES}), True
    if profile.extended_key_usage:
        usages = [ObjectIdentifier(usage) for usage in profile.extended_key_usage]
        yield x509.ExtendedKeyUsage(usages), profile.extended_key_usage_critical
    if profile.ca:
        yield x509.BasicConstraints(ca=True, path_length=template.path_length), True
    elif profile.no_authority:
        yield x509.BasicConstraints(ca=False, path_length=None), True
    policies = policy_identifiers(profile, settings)
    if policies:
        yield x509.CertificatePolicies([_policy(oid, profile, settings) for oid in policies]), False
    yield from _links(template, public_url)
    if not template.semantics:
        yield from _qc_statements(template, settings)
    if profile.no_check:
        yield x509.OCSPNoCheck(), False


def _qc_statements(
    template: Template, settings: IssuanceSettings
) -> Iterator[tuple[x509.ExtensionType, bool]]:
    found = statements(template, settings)
    if found:
        value = qcs.write_qc_statements(found)
        yield x509.UnrecognizedExtension(ObjectIdentifier(qcs.QC_STATEMENTS), value), False


def policy_identifiers(profile: Profile, settings: IssuanceSettings) -> tuple[str, ...]:
    """The certificate policies, in order."""
    return profile.policy_identifiers(settings.policy_arc)


def _policy(oid: str, profile: Profile, settings: IssuanceSettings) -> x509.PolicyInformation:
    own = profile.cps_link and oid.startswith(settings.policy_arc + ".")
    statement = [settings.cps_url] if own and settings.cps_url is not None else None
    return x509.PolicyInformation(ObjectIdentifier(oid), statement)


def _links(template: Template, public_url: str) -> Iterator[tuple[x509.ExtensionType, bool]]:
    """Where the issuer's list, certificate and responder are."""
    profile = template.profile
    if profile.crl_link:
        location = x509.UniformResourceIdentifier(crl_url(public_url, template.authority, template.crl_shard))
        yield (
            x509.CRLDistributionPoints(
                [
                    x509.DistributionPoint(
                        full_name=[location], relative_name=None, reasons=None, crl_issuer=None
                    )
                ]
            ),
            False,
        )
    access = []
    if profile.ocsp_link:
        access.append((AuthorityInformationAccessOID.OCSP, ocsp_url(public_url)))
    if profile.issuer_link:
        access.append(
            (AuthorityInformationAccessOID.CA_ISSUERS, certificate_url(public_url, template.authority))
        )
    if access:
        yield (
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
                    for method, url in access
                ]
            ),
            False,
        )
