"""Whether a certificate is a qualified one at a time, and for what (TS 119 615, 4.4)."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.trusted_lists.uris import (
    CA_QC,
    FOR_SEALS,
    FOR_SIGNATURES,
    FOR_WEB,
    GRANTED,
    NOT_QUALIFIED,
    QC_FOR_ESEAL,
    QC_FOR_ESIG,
    QC_FOR_WSA,
    QC_STATEMENT,
    WITHDRAWN,
)
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.validation.qualification.directive import REGULATION, directive_pass
from trustworks.validation.qualification.listed_services import is_for, listed_services
from trustworks.validation.qualification.model import (
    CertificateQualification,
    Indication,
    Status,
    together,
)
from trustworks.validation.qualification.names import country_code, same_name, same_text
from trustworks.validation.qualification.qualifiers import (
    applying,
    inconsistent,
    not_understood,
    qualifiers_of,
)
from trustworks.validation.qualification.tables import ANSWERS, column, pair, purpose_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.core.pki.trusted_lists.model import QualificationElement
    from trustworks.validation.qualification.certificate import QualifiedContent
    from trustworks.validation.qualification.model import Listed, Lists, PathMember

__all__ = ["REGULATION", "certificate_qualification"]

NO_CONFIRMATION: Final = "No_confirmation_found_in_EUMSTL_"
TSP_NAME: Final = "ERROR_TSP_NAME_INCONSISTENCY_BETWEEN_CERT_AND_TL"
SERVICE_STATUS: Final = "ERROR_Service_Status_Non-compliance_with_TS119612"
SEVERAL_TYPES: Final = "WARNING_CERT_Inconsistency_in_QcType_qualifiers_Non-compliance_with_EN319412-5"

_FOR: Final = {1: FOR_SIGNATURES, 2: FOR_SEALS, 3: FOR_WEB}
_QUALIFIER: Final = {1: QC_FOR_ESIG, 2: QC_FOR_ESEAL, 3: QC_FOR_WSA}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """CHECK_1, CHECK_2 or CHECK_3, and CHECK_x_SET-OF_QE."""

    indication: Indication
    sub_status: tuple[str, ...] = ()
    elements: tuple[tuple[QualificationElement, bool], ...] = ()


def certificate_qualification(
    certificate: QualifiedContent, path: Sequence[PathMember], at: datetime, *, lists: Lists
) -> CertificateQualification:
    """Whether the trusted list of its issuer's country confirms a certificate as qualified at a time (4.4).

    `path` is as for `listed_services`. What it was when it was issued must be what it is at that time, or
    nothing is confirmed (PRO-4.4.4-34 to -36).
    """
    first, finished = _pass(certificate, path, at, lists)
    if not finished:
        return first
    issuance, _ = _pass(certificate, path, certificate.not_before, lists)
    return compared(first, issuance)


def _pass(
    certificate: QualifiedContent, path: Sequence[PathMember], at: datetime, lists: Lists
) -> tuple[CertificateQualification, bool]:
    """PRO-4.4.4-01 to -33, and whether -32 or -33 was gone through to its end."""
    country = country_code(certificate.issuer_countries)
    services = listed_services(path, CA_QC, at, country, lists=lists)
    if services.status is Status.FAILED:
        return CertificateQualification(
            status=Status.FAILED,
            sub_status=together(services.status.value, services.sub_status),
            country=country,
            services=services.results,
        ), False
    results = services.results
    if not results:
        return CertificateQualification(
            status=Status.PASSED,
            sub_status=together(services.sub_status, NO_CONFIRMATION + country),
            results=frozenset({Indication.NOT_QUALIFIED}),
            country=country,
        ), False
    base = CertificateQualification(
        status=Status.PASSED, sub_status=services.sub_status, country=country, services=results
    )
    if not names_provider(certificate, results):
        return replace(
            base,
            status=Status.FAILED,
            results=frozenset({Indication.INDETERMINATE}),
            sub_status=together(base.sub_status, TSP_NAME),
        ), False
    unknown = not_understood((one.state for one in results), certificate)
    if unknown:
        return replace(
            base,
            status=Status.FAILED,
            results=frozenset({Indication.INDETERMINATE}),
            sub_status=together(base.sub_status, unknown),
        ), False
    if before_regulation(at, certificate.not_before):
        return directive_pass(certificate, at, base)
    return _regulation_pass(certificate, base)


@implements("TS119615:PRO-4.4.4-07", disabled=False)
def before_regulation(at: datetime, not_before: datetime) -> bool:
    """Whether the Directive's regime decides: asked for, or issued, before July 2016 (PRO-4.4.4-07)."""
    return at < REGULATION or not_before < REGULATION


@implements("TS119615:PRO-4.4.4-06", disabled=True)
def names_provider(certificate: QualifiedContent, results: Sequence[Listed]) -> bool:
    """Whether the certificate's issuer is the provider that the list names (PRO-4.4.4-06).

    By organization where the issuer's name has one; else by its common name, or because its whole name is
    that of the service.
    """
    names = [text.value for one in results for text in (*one.provider.names, *one.provider.trade_names)]
    if certificate.issuer_organizations:
        return any(same_text(one, name) for one in certificate.issuer_organizations for name in names)
    return any(same_text(one, name) for one in certificate.issuer_common_names for name in names) or any(
        same_name(certificate.issuer, listed.subject)
        for one in results
        for listed in one.service.current.identity.certificates
    )


def _regulation_pass(
    certificate: QualifiedContent, base: CertificateQualification
) -> tuple[CertificateQualification, bool]:
    checks = {kind: _check(kind, certificate, base) for kind in _FOR}
    found = together(base.sub_status, *(one.sub_status for one in checks.values()))
    indications = [one.indication for one in checks.values()]
    pairs = [pair(one, other) for one, other in combinations(indications, 2)]
    base = replace(base, for_esig=checks[1].elements, for_eseal=checks[2].elements)
    errors = [one for one in pairs if one.startswith("ERROR")]
    if errors:
        return replace(base, status=Status.FAILED, sub_status=together(found, *errors)), False
    warnings = [one for one in pairs if one]
    return replace(
        base,
        status=Status.PASSED_WITH_WARNING if warnings else Status.PASSED,
        sub_status=together(found, *warnings),
        results=frozenset(indications),
    ), True


def _check(kind: int, certificate: QualifiedContent, base: CertificateQualification) -> _Check:
    """CHECK_1, CHECK_2 and CHECK_3 (PRO-4.4.4-08 to -15, -16 to -23, -24 to -31)."""
    answers = ANSWERS[kind]
    if duplicated(kind, base.sub_status):
        return _Check(indication=answers["I"])
    services = [one for one in base.services if is_for(one.state, _FOR[kind])]
    if not approved(services):
        return _Check(indication=answers["N"])
    wrong = status_compliance(services)
    if wrong:
        return _Check(indication=answers["I"], sub_status=wrong)
    elements, warnings = applying((one.state for one in services), certificate)
    qualifiers = qualifiers_of(elements)
    contradiction = inconsistent(kind, qualifiers)
    if contradiction:
        return _Check(
            indication=answers["I"], sub_status=together(warnings, contradiction), elements=elements
        )
    indication, unsure = purpose_of(
        kind,
        column(
            not_qualified=NOT_QUALIFIED in qualifiers,
            statement=QC_STATEMENT in qualifiers,
            purpose=_QUALIFIER[kind] in qualifiers,
        ),
        compliance=certificate.compliance,
        types=certificate.types,
    )
    return _Check(
        indication=indication,
        sub_status=together(warnings, several_types(certificate), unsure),
        elements=elements,
    )


@implements("TS119615:PRO-4.4.4-09", "TS119615:PRO-4.4.4-17", "TS119615:PRO-4.4.4-25", disabled=False)
def duplicated(kind: int, sub_status: Sequence[str]) -> bool:
    """Whether services contradict each other in their status for that purpose."""
    return f"ERROR_T{kind}_DUPLICATION" in sub_status


@implements("TS119615:PRO-4.4.4-10", "TS119615:PRO-4.4.4-18", "TS119615:PRO-4.4.4-26", disabled=True)
def approved(services: Sequence[Listed]) -> bool:
    """Whether there are services for that purpose, none of them withdrawn."""
    return bool(services) and all(one.state.status != WITHDRAWN for one in services)


@implements("TS119615:PRO-4.4.4-10A", "TS119615:PRO-4.4.4-18A", "TS119615:PRO-4.4.4-26A")
def status_compliance(services: Sequence[Listed]) -> tuple[str, ...]:
    """The error of a status that no qualified service may have since July 2016."""
    return () if all(one.state.status in {GRANTED, WITHDRAWN} for one in services) else (SERVICE_STATUS,)


@implements("TS119615:PRO-4.4.4-14", "TS119615:PRO-4.4.4-22", "TS119615:PRO-4.4.4-30")
def several_types(certificate: QualifiedContent) -> tuple[str, ...]:
    """The warning of a certificate that states to be of several types."""
    return (SEVERAL_TYPES,) if len(certificate.types) > 1 else ()


def _first(first: CertificateQualification, issuance: CertificateQualification) -> CertificateQualification:
    del issuance
    return first


@implements("TS119615:PRO-4.4.4-35", "TS119615:PRO-4.4.4-36", disabled=_first)
def compared(first: CertificateQualification, issuance: CertificateQualification) -> CertificateQualification:
    """The outcome at a time, held against the outcome at issuance (PRO-4.4.4-35, -36)."""
    if issuance.status is Status.FAILED:
        return replace(
            first,
            status=Status.FAILED,
            sub_status=together(first.sub_status, issuance.status.value, issuance.sub_status),
        )
    if first.results != issuance.results:
        differing = sorted(first.results ^ issuance.results)
        return replace(
            first,
            status=Status.FAILED,
            sub_status=together(first.sub_status, *(f"ERROR_At_Issuance_Differs_{one}" for one in differing)),
        )
    if any(one.startswith("WARNING") for one in issuance.sub_status):
        return replace(
            first,
            status=Status.PASSED_WITH_WARNING,
            sub_status=together(first.sub_status, issuance.status.value, issuance.sub_status),
        )
    return first
