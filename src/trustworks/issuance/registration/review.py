"""The application beside its evidence: all rules together, with what they need to know from the records."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509

from trustworks.core.der.qc_statements import read_qc_statements
from trustworks.core.module.agreed import check_key_algorithm
from trustworks.core.module.algorithms import algorithm_of
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import PaymentServices
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.profiles.tbs import NAME_OIDS
from trustworks.issuance.registration import rules
from trustworks.issuance.registration.model import About, MethodTerms, Review
from trustworks.issuance.release import objection_of
from trustworks.issuance.rules.keys import key_of_known_kind
from trustworks.issuance.wire import alternative_names_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from trustworks.issuance.config.registration import RegistrationSettings
    from trustworks.issuance.model import CertificateRecord
    from trustworks.issuance.registration.model import (
        Application,
        DeviceProduct,
        DomainValidation,
        MailboxValidation,
    )


_QC_STATEMENTS: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")


class Reviewer:
    """Reviews applications by the settings; `lab` says whether names carry TEST."""

    def __init__(self, settings: RegistrationSettings, *, lab: bool) -> None:
        self.methods: dict[str, MethodTerms] = {
            one.name: MethodTerms(
                name=one.name,
                about=frozenset(map(About, one.about)),
                qualified=one.qualified,
                max_age_days=one.max_age_days,
                uses=one.uses,
                until=one.until,
                stated_as=one.stated_as,
            )
            for one in settings.methods
        }
        self._settings = settings
        self._lab = lab

    def review(
        self,
        application: Application,
        *,
        now: datetime,
        old: CertificateRecord | None,
        served: Mapping[str, int],
        domains: Sequence[DomainValidation] = (),
        mailboxes: Sequence[MailboxValidation] = (),
        products: Mapping[str, DeviceProduct],
    ) -> Review:
        """The comparison and every objection.

        `old` is the certificate that is renewed; `served` how many certificates the evidence has served;
        `domains` what was seen of the names that are asked for, `mailboxes` what came back from those;
        `products` the devices that count.
        """
        profile = profile_named(application.asked.profile)
        comparison = rules.compare(application, assigned=self._settings.assigned, lab=self._lab)
        day = now.date()
        objections = (
            *rules.kind_fits(application.asked.kind, profile),
            *rules.terms_are_accepted(application, self._settings.terms),
            *rules.natural_person_is_known(application),
            *rules.legal_person_is_known(application),
            *rules.association_is_shown(application),
            *rules.request_equals_evidence(comparison),
            *rules.subject_agrees(application),
            *rules.methods_count(application, self.methods, day, qualified=profile.qc_type is not None),
            *rules.evidence_is_recent(application, self.methods, day),
            *rules.evidence_is_not_worn_out(application, self.methods, served),
            *rules.domains_are_validated(application, profile, domains, now),
            *rules.mailboxes_are_validated(application, mailboxes, domains, now),
            *rules.key_is_in_a_device(application, profile, products, day),
            *rules.renewed_is_valid(application, old, now),
            *rules.key_serves_on(application, old, objection=self._key_objection(application, old, now)),
            *rules.changes_are_verified(
                application,
                None if old is None else _name_of(old),
                comparison,
                None if old is None or old.issued_at is None else old.issued_at.date(),
            ),
        )
        return Review(
            application=application,
            comparison=comparison,
            objections=objections,
            declarations=rules.stated(application, self.methods, qualified=profile.qc_type is not None),
        )

    def _key_objection(
        self, application: Application, old: CertificateRecord | None, now: datetime
    ) -> str | None:
        """Why the key of the certificate that is renewed is not fit for all of another life."""
        if old is None or old.der is None:
            return None
        days = application.asked.days or profile_named(application.asked.profile).days
        last = (now + timedelta(days=days)).date()
        key = key_of_known_kind(x509.load_der_x509_certificate(old.der).public_key())
        return objection_of(lambda: check_key_algorithm(algorithm_of(key), last, lab=self._lab))


def _name_of(record: CertificateRecord) -> tuple[NameAttribute, ...]:
    """What an issued certificate says of its subject: attributes, other names by kinds, payment services."""
    if record.der is None:
        return ()
    known = {oid: name for name, oid in NAME_OIDS.items()}
    certificate = x509.load_der_x509_certificate(record.der)
    subject = tuple(
        NameAttribute(known[one.oid], str(one.value)) for one in certificate.subject if one.oid in known
    )
    alternative = (one.partition(":") for one in alternative_names_of(certificate))
    return (
        *subject,
        *(NameAttribute(kind, value) for kind, _, value in alternative),
        *_payment_services(certificate, subject),
    )


def _payment_services(
    certificate: x509.Certificate, subject: tuple[NameAttribute, ...]
) -> Iterator[NameAttribute]:
    """What a certificate states of a payment service provider, as evidence calls it."""
    try:
        extension = certificate.extensions.get_extension_for_oid(_QC_STATEMENTS)
    except x509.ExtensionNotFound:
        return
    value = extension.value
    if not isinstance(value, x509.UnrecognizedExtension):
        return
    for roles, name, identifier in read_qc_statements(value.value).psd2:
        services = PaymentServices(
            roles=tuple(role for _, role in roles), authority_name=name, authority=identifier
        )
        yield from rules.payment_attributes(subject, services)
