"""A certificate: what it says, its status and history, downloads; revoked, held and released here."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography import x509

from trustworks.app.web.console.edge import Page, nothing_here
from trustworks.app.web.console.history import history
from trustworks.core.errors import Malformed, Refused, TrustworksError
from trustworks.core.http import RawResponse
from trustworks.core.module.algorithms import algorithm_of
from trustworks.core.moments import read_moment
from trustworks.core.roles import records as roles
from trustworks.core.roles.model import Act
from trustworks.core.roles.rules.separation import check_not_subject
from trustworks.issuance.enrolment.names import holder_of
from trustworks.issuance.http.api.bodies import pem
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.profiles import profile_or_none
from trustworks.issuance.profiles.tbs import NAME_OIDS
from trustworks.issuance.revocation import Reception
from trustworks.issuance.rules.keys import key_of_known_kind
from trustworks.issuance.rules.revocation_requests import KINDS

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.app.web.console.desk import Desk
    from trustworks.app.web.console.edge import Edge, Visit
    from trustworks.core.roles.model import Person
    from trustworks.issuance.model import AuthorityRecord, CertificateRecord, Profile

ROOT = "/console/certificates"
_NOT_KEPT = ("cache-control", "no-store")
_OFTEN = (  # what subjects ask for most comes first; a hold is there where the profile allows it
    RevocationReason.superseded,
    RevocationReason.cessationOfOperation,
    RevocationReason.affiliationChanged,
    RevocationReason.keyCompromise,
    RevocationReason.privilegeWithdrawn,
    RevocationReason.unspecified,
)


class Certificates:
    """The handlers. What may be revoked, and how, issuance decides."""

    def __init__(self, edge: Edge, desk: Desk) -> None:
        self._edge = edge
        self._desk = desk

    def pages(self) -> list[Page]:
        """The pages."""
        return [
            Page(path=f"{ROOT}/{{}}", act=Act.READ_RECORDS, answer=self.show),
            Page(path=f"{ROOT}/{{}}/{{}}", act=Act.READ_RECORDS, answer=self.download),
            Page(path=f"{ROOT}/{{}}/revoke", act=Act.REVOKE, answer=self.revoke, method="POST"),
            Page(path=f"{ROOT}/{{}}/release", act=Act.RELEASE, answer=self.release, method="POST"),
        ]

    def _record(self, visit: Visit) -> CertificateRecord:
        found = self._desk.issuance.find(visit.parts[0])
        if found is None:
            raise nothing_here()
        return found

    def show(self, visit: Visit) -> RawResponse:
        """The page of a certificate."""
        found = self._record(visit)
        now = self._edge.roles.office.now().utc
        profile = profile_or_none(found.profile)
        application = self._application_of(found.serial)
        return self._edge.page(
            "certificate.html",
            visit=visit,
            found=found,
            profile=profile,
            word=status_of(found, now),
            application=application,
            facts=None if found.der is None else facts_of(found.der),
            history=history(self._desk, found, application),
            reasons=reasons_for(found, profile),
            kinds=[(name, words) for name, words in KINDS.items() if name != "problem-report"],
            held=_is_held(found),
            concerned=self._concerned(visit, found),
            authority=self._authority(found.serial),
        )

    def _application_of(self, serial: str) -> str | None:
        """The id of the application that the certificate came from, unless its time is over."""
        found = self._desk.registration.application_of(serial)
        return None if found is None or found.erased else found.id

    def _authority(self, serial: str) -> AuthorityRecord | None:
        """The authority that this is the certificate of, if it is one's."""
        return next((one for one in self._desk.issuance.authorities() if one.serial == serial), None)

    def _concerned(self, visit: Visit, found: CertificateRecord) -> str:
        with self._desk.database.read() as connection:
            person = roles.person(connection, visit.actor.name)
        try:
            check_not_subject(person, persons_of(found))
        except Refused as error:
            return str(error)
        return ""

    def download(self, visit: Visit) -> RawResponse:
        """The certificate as a file: PEM, DER, or with the chain above it."""
        found = self._record(visit)
        if found.der is None:
            raise nothing_here()
        name = visit.parts[1]
        match name:
            case "certificate.pem":
                body, kind = pem(found.der).encode(), "application/x-pem-file"
            case "certificate.cer":
                body, kind = found.der, "application/pkix-cert"
            case "chain.pem":
                chain = (found.der, *self._desk.issuance.chain(found.authority))
                body, kind = "".join(map(pem, chain)).encode(), "application/pem-certificate-chain"
            case _:
                raise nothing_here()
        file = f"{found.serial}-chain.pem" if name == "chain.pem" else f"{found.serial}.{name[-3:]}"
        attached = ("content-disposition", f'attachment; filename="{file}"')
        return RawResponse(200, kind, body, (attached, _NOT_KEPT))

    def revoke(self, visit: Visit) -> RawResponse:
        """Revoke the certificate for good, or hold it."""
        found = self._record(visit)
        self._edge.roles.check_not_subject(visit.actor.name, Act.REVOKE, persons_of(found))
        authority = self._authority(found.serial)
        if authority is not None and visit.field("authority") != authority.name:
            raise Malformed(
                f"This is the certificate of the authority {authority.name}: type its name, if you mean "
                "it. All that it issued is trusted no more."
            )
        reason = reason_named(visit.field("reason"))
        invalid = visit.field("invalid")
        asked = Reception(
            kind=visit.field("kind"),
            requester=short(visit, "requester", 200) or visit.actor.name,
            confirmed_how=short(visit, "how", 200),
            note=short(visit, "note", 2000) or None,
        )
        self._desk.issuance.revoke(
            found.serial,
            reason,
            by=visit.actor.name,
            invalidity_date=read_moment(invalid) if invalid else None,
            asked=asked,
        )
        return self._edge.redirect(f"{ROOT}/{found.serial}")

    def release(self, visit: Visit) -> RawResponse:
        """Lift a hold."""
        found = self._record(visit)
        self._edge.roles.check_not_subject(visit.actor.name, Act.RELEASE, persons_of(found))
        self._desk.issuance.release(found.serial, by=visit.actor.name)
        return self._edge.redirect(f"{ROOT}/{found.serial}")


def persons_of(found: CertificateRecord | None) -> list[Person]:
    """Whom a certificate is about."""
    if found is None or found.der is None:
        return []
    return [holder_of(x509.load_der_x509_certificate(found.der))]


def short(visit: Visit, name: str, most: int) -> str:
    """A field of a form that the records have room for. Raises `Malformed`."""
    text = " ".join(visit.field(name).split()) if most < 1000 else visit.field(name)
    if len(text) > most or not all(one.isprintable() or one in "\r\n" for one in text):
        raise Malformed(f"{name}: write at most {most} characters, and no control characters.")
    return text


def reason_named(text: str) -> RevocationReason:
    """The reason that a form chose. Raises `Malformed`."""
    try:
        return RevocationReason[text]
    except KeyError:
        raise Malformed("Choose a reason for the revocation.") from None


def reasons_for(found: CertificateRecord, profile: Profile | None) -> list[RevocationReason]:
    """The reasons that an officer may choose from; issuance judges the one that is chosen."""
    if found.state != "issued":
        return []
    if found.revocation is not None and not _is_held(found):
        lost = (RevocationReason.keyCompromise,)
        return [] if found.revocation.reason is RevocationReason.keyCompromise else list(lost)
    if profile is not None and profile.short_term:
        return [RevocationReason.keyCompromise]
    may_hold = found.revocation is None and (profile is None or profile.suspension)
    return [*_OFTEN, *([RevocationReason.certificateHold] if may_hold else [])]


def _is_held(found: CertificateRecord) -> bool:
    return found.revocation is not None and found.revocation.reason is RevocationReason.certificateHold


def status_of(found: CertificateRecord, now: datetime) -> str:
    """The status in a word, as the pages say it."""
    if found.state != "issued":
        return "not released"
    if found.revocation is not None:
        return "held" if _is_held(found) else "revoked"
    return "expired" if found.not_after < now else "good"


_NAMES = {oid: name for name, oid in NAME_OIDS.items()}


def facts_of(der: bytes) -> list[tuple[str, str, bool]]:
    """What the certificate says: name, value, whether the value is a number to be compared."""
    read = x509.load_der_x509_certificate(der)
    found = [(_NAMES.get(one.oid, one.oid.dotted_string), str(one.value), False) for one in read.subject]
    try:
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found += [("alternative name", str(one.value), False) for one in names]
    except x509.ExtensionNotFound:
        pass
    try:
        kind = algorithm_of(key_of_known_kind(read.public_key())).value
    except TrustworksError:
        kind = "of another kind"
    (key,) = holder_of(read).key_ids
    return [
        *found,
        ("public key", kind, False),
        ("key, SHA-256", key, True),
        ("certificate, SHA-256", hashlib.sha256(der).hexdigest(), True),
    ]
