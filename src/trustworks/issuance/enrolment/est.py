"""Enrolment over secure transport: who asks, may they, what is issued. Source: RFC 7030; RFC 8951."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7

from trustworks.core.der.encode import SEQUENCE, SET, oid, tlv
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.pki.certificates import ALL, load
from trustworks.core.time import any_time
from trustworks.core.trace import implements
from trustworks.issuance.enrolment.cmp.general import template_extensions
from trustworks.issuance.enrolment.holders import (
    check_holder,
    check_renewable,
    count_renewal,
    evidence_of_certificate,
    issued_here,
)
from trustworks.issuance.enrolment.key_generation import KeyGeneration
from trustworks.issuance.enrolment.names import attributes_of
from trustworks.issuance.enrolment.officers import check_no_officer, concerned_by
from trustworks.issuance.enrolment.secrets import (
    check_equals_evidence,
    check_usable,
    evidence_of,
    open_credentials,
    use,
)
from trustworks.issuance.enrolment.waiting import finish, waits
from trustworks.issuance.model.requests import Door, Request
from trustworks.issuance.profiles import PROFILES, profile_named
from trustworks.issuance.records.waiting import Conversation
from trustworks.issuance.wire import read_csr, serial_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from sqlalchemy import Connection

    from trustworks.core.roles.model import Person
    from trustworks.issuance.config import EstSettings
    from trustworks.issuance.enrolment.key_generation import Delivery
    from trustworks.issuance.enrolment.ra import RegistrationAuthority
    from trustworks.issuance.enrolment.secrets import Evidence
    from trustworks.issuance.model import CertificateRecord, Profile
    from trustworks.issuance.records.cmp import Credential
    from trustworks.issuance.records.waiting import WaitingRequest
    from trustworks.issuance.wire import Csr

MAX_BODY: Final = 32_768
_EXTENSION_REQUEST: Final = "1.2.840.113549.1.9.14"
_EC_PUBLIC_KEY: Final = "1.2.840.10045.2.1"
_P256: Final = "1.2.840.10045.3.1.7"
_ECDSA_SHA256: Final = "1.2.840.10045.4.3.2"
# The same words whether name or password is wrong: nobody learns which references there are.
_WHO: Final = (
    "Say who you are: by HTTP Basic with a secret's reference and the secret, or by a client certificate."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who asks: by a shared secret (`credential`), or by a certificate that was issued here."""

    actor: str
    credential: Credential | None = None
    certificate: CertificateRecord | None = None

    def evidence(self) -> Evidence:
        """What certificates it may have."""
        if self.credential is not None:
            return evidence_of(self.credential)
        return evidence_of_certificate(self.certificate)


class EstServer:
    """The operations. Threads share it.

    Errors: `Malformed` for a body that is no request, `Rejected` ("unauthenticated", "notAuthorized" and what
    issuance says), `Refused`, `Unavailable`.
    """

    def __init__(self, authority: RegistrationAuthority, settings: EstSettings) -> None:
        self._authority = authority
        self._settings = settings
        self._credentials = open_credentials(authority)
        self._keys = KeyGeneration(authority, settings)
        self.generates = bool(settings.serverkeygen)

    def ca_certificates(self) -> bytes:
        """The certificates of the issuing authority's generations and the root: certs-only CMS in Base64."""
        issuance = self._authority.issuance
        found = [*issuance.generations(), issuance.authority("root")]
        return certs_only(*(one.certificate for one in found))

    def csr_attributes(self, label: str | None) -> bytes | None:
        """What a request for a profile is to have (CsrAttrs, in Base64); None where no profile is meant."""
        name = label or self._settings.profile
        return None if name is None else _base64(attributes_of_profile(profile_named(name)))

    def enrol(
        self, body: bytes, *, label: str | None, authorization: str | None, certificate: bytes | None
    ) -> bytes | None:
        """simpleenroll: a certificate for who has a secret, or a certificate that was issued here.

        None: the request waits for an officer, and is to be made again (RFC 7030, 4.2.3).
        """
        client = self._client(authorization, certificate)
        if client.credential is not None:
            check_usable(client.credential, any_time(self._authority.clock).utc)
        return self._issue(body, label, client)

    def reenrol(self, body: bytes, *, label: str | None, certificate: bytes | None) -> bytes | None:
        """simplereenroll: another certificate of the same names for who has one; renewed or for a new key."""
        check_shown(shown=certificate is not None)
        client = self._holder(certificate)
        assert client is not None  # noqa: S101 - the rule before saw a certificate
        csr = read_csr(read_base64(body))
        evidence = client.evidence()
        check_same_names(
            {(one.type, one.value) for one in attributes_of(csr.request.subject)},
            {(one.type, one.value) for one in evidence.subject},
            asked=set(csr.alternative_names()),
            had=set(evidence.names),
        )
        return self._issue(body, label, client)

    def generate_key(
        self, body: bytes, *, label: str | None, authorization: str | None, certificate: bytes | None
    ) -> tuple[Delivery, bytes]:
        """serverkeygen: a key that the module makes, and its certificate (certs-only CMS, in Base64)."""
        client = self._client(authorization, certificate)
        credential = client.credential
        if credential is not None:
            check_usable(credential, any_time(self._authority.clock).utc)
        self._keys.check(client.evidence().profile, waits=credential is not None and credential.ask_officer)
        asked = read_csr(read_base64(body))
        self._check_asked(asked, label, client)
        # No key is made for who will have no certificate of it.
        self._check_officers([credential], concerned_by(attributes_of(asked.request.subject), ()))
        made, delivery = self._keys.generate(asked, client.actor, certificate)
        issued = self._issue_for(made, client, names=asked.alternative_names())
        assert issued is not None  # noqa: S101 - nobody is asked
        return delivery, issued

    def _issue(self, body: bytes, label: str | None, client: Client) -> bytes | None:
        csr = read_csr(read_base64(body))
        self._check_asked(csr, label, client)
        return self._issue_for(csr, client, names=csr.alternative_names())

    @staticmethod
    def _check_asked(csr: Csr, label: str | None, client: Client) -> None:
        """Refuse a request for another profile or other names than the client's."""
        evidence = client.evidence()
        check_label(label, evidence.profile)
        check_equals_evidence(evidence, attributes_of(csr.request.subject), csr.alternative_names())

    def _issue_for(self, csr: Csr, client: Client, *, names: tuple[str, ...]) -> bytes | None:
        evidence = client.evidence()
        subject = attributes_of(csr.request.subject)
        now = any_time(self._authority.clock).utc
        own = client.certificate
        behind = None if own is None else check_renewable(own, self._authority.database, now)
        request = Request(
            profile=evidence.profile,
            csr=csr,
            subject=subject,
            requested_by=client.actor,
            door=Door.EST,
            alternative_names=names,
        )
        key = csr.request.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        concerned = concerned_by(subject, names, key_ids=[hashlib.sha256(key).hexdigest()])
        self._check_officers([client.credential, behind], concerned)
        place = self._place(client, request, csr)
        if place is not None and waits(place):
            return None
        self._check_officers([place], concerned)

        def also(connection: Connection, certificate: bytes) -> None:
            if client.credential is not None:
                use(connection, client.credential.reference, self._authority.clock.now().utc)
            if behind is not None:
                count_renewal(connection, behind, now)
            if place is not None:
                finish(connection, place, serial_of(certificate))

        issued = self._authority.issuance.issue(request, also=also)
        return certs_only(issued.certificate)

    def _check_officers(
        self, passed: Sequence[Credential | WaitingRequest | None], concerned: Sequence[Person]
    ) -> None:
        with self._authority.database.read() as connection:
            check_no_officer(connection, passed, concerned)

    def _place(self, client: Client, request: Request, csr: Csr) -> WaitingRequest | None:
        """Where the request stands before the officer; None where none is asked."""
        credential = client.credential
        if credential is None or not credential.ask_officer:
            return None
        asked = Conversation(body="est", content=csr.request.public_bytes(Encoding.DER))
        return self._authority.waiting.admit(
            "est", client.actor, credential, request, asked, issuance=self._authority.issuance
        )

    def _client(self, authorization: str | None, certificate: bytes | None) -> Client:
        if authorization is not None:
            return self._by_secret(authorization)
        found = self._registered(certificate) or self._holder(certificate)
        if found is None:
            raise Rejected("unauthenticated", _WHO)
        return found

    def _registered(self, certificate: bytes | None) -> Client | None:
        """Who has a certificate of another authority that was registered; it must stand, too."""
        if certificate is None:
            return None
        reference = hashlib.sha256(certificate).hexdigest()
        found = self._credentials.find(reference)
        if found is None or found.kind != "certificate":
            return None
        check_holder(load(certificate, *ALL), revoked=False, now=any_time(self._authority.clock).utc)
        return Client(actor=f"est:{reference[:32]}", credential=found)

    def _by_secret(self, authorization: str) -> Client:
        reference, given = read_basic(authorization)
        found = self._credentials.find(reference)
        secret = None if found is None else self._credentials.secret(found)
        check_password(given, secret)
        assert found is not None  # noqa: S101 - there was a secret
        return Client(actor=f"est:{reference}", credential=found)

    def _holder(self, certificate: bytes | None) -> Client | None:
        if certificate is None:
            return None
        read = load(certificate, *ALL)
        record = issued_here(certificate, read, self._authority.database)
        if record is None:
            raise Rejected("notAuthorized", "The client's certificate was not issued here.")
        now = any_time(self._authority.clock).utc
        check_holder(read, revoked=record.revocation is not None, now=now)
        return Client(actor=f"est:{record.serial}", certificate=record)


@implements("RFC7030:3.2.3-01")
def check_password(given: bytes, secret: bytes | None) -> None:
    """`Rejected` (unauthenticated) for a password that is not the secret, or where there is no secret."""
    if secret is None or not hmac.compare_digest(given, secret):
        raise Rejected("unauthenticated", _WHO)


@implements("RFC7030:4.2.2-01")
def check_shown(*, shown: bool) -> None:
    """`Rejected` (unauthenticated) for a renewal without the certificate that is renewed."""
    if not shown:
        raise Rejected(
            "unauthenticated",
            "A certificate is renewed by who shows it: make the request with the client certificate in TLS.",
        )


@implements("RFC7030:3.3-01")
def check_secure(*, secure: bool) -> None:
    """`Rejected` (notAuthorized) for a request that did not come over TLS."""
    if not secure:
        raise Rejected(
            "notAuthorized",
            "Enrolment is spoken over HTTPS alone. A secret that was sent now is no secret any more.",
        )


@implements("RFC7030:3.2.2-01")
def check_label(label: str | None, profile: str) -> None:
    """`Rejected` (notAuthorized) for a label (path) of another profile than the client's."""
    if label is not None and label != profile:
        raise Rejected(
            "notAuthorized", f"What the request is authorised by is for the profile {profile}, not {label}."
        )


@implements("RFC7030:4.2.2-02")
def check_same_names(
    subject: AbstractSet[tuple[str, str]],
    old: AbstractSet[tuple[str, str]],
    *,
    asked: AbstractSet[str],
    had: AbstractSet[str],
) -> None:
    """Refuse a renewal under other names than the certificate's, or without some of them."""
    if subject != old or asked != had:
        raise Refused(
            "RFC7030:4.2.2-02",
            "A certificate is renewed with the subject and the alternative names that it has, all of them; "
            f"it has {', '.join(sorted(had)) or 'no alternative names'}.",
        )


def read_basic(authorization: str) -> tuple[str, bytes]:
    """User and password of HTTP Basic (RFC 7617). `Rejected` (unauthenticated) for anything else."""
    scheme, _, value = authorization.partition(" ")
    try:
        user, colon, password = base64.b64decode(value.strip(), validate=True).partition(b":")
        if scheme.lower() == "basic" and colon:
            return user.decode("ascii"), password
    except (binascii.Error, ValueError):
        pass
    raise Rejected("unauthenticated", _WHO)


def read_base64(body: bytes) -> bytes:
    """The octets of a body in Base64, whatever its line breaks (RFC 8951, 3). Raises `Malformed`."""
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(
            "The body is not Base64: send the PKCS#10 in DER, written in Base64, without PEM's lines."
        ) from None


def certs_only(*certificates: bytes) -> bytes:
    """Certificates in a CMS without signature, in Base64 (RFC 5272, 4.1)."""
    read = [x509.load_der_x509_certificate(one) for one in certificates]
    return _base64(pkcs7.serialize_certificates(read, Encoding.DER))


def attributes_of_profile(profile: Profile) -> bytes:
    """CsrAttrs: the extensions that certificates of a profile have, and a key (RFC 7030, 4.5.2)."""
    extensions = tlv(SEQUENCE, *template_extensions(profile))
    return tlv(
        SEQUENCE,
        tlv(SEQUENCE, oid(_EXTENSION_REQUEST), tlv(SET, extensions)),
        tlv(SEQUENCE, oid(_EC_PUBLIC_KEY), tlv(SET, oid(_P256))),
        oid(_ECDSA_SHA256),
    )


def is_profile(name: str) -> bool:
    """Whether a label in a path names a profile."""
    return name in PROFILES


def _base64(octets: bytes) -> bytes:
    return base64.encodebytes(octets)
