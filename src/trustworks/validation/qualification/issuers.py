"""Whether who signed a token of a trust service is qualified for that service (TS 119 615, 4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.pki.trusted_lists.uris import GRANTED
from trustworks.core.trace import implements
from trustworks.validation.qualification.directive import REGULATION
from trustworks.validation.qualification.listed_services import listed_services
from trustworks.validation.qualification.model import Issuer, IssuerQualification, Status, together
from trustworks.validation.qualification.names import country_code, same_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.validation.qualification.certificate import QualifiedContent
    from trustworks.validation.qualification.model import Listed, Lists, PathMember

STATUS_CONFLICT: Final = "ERROR_INCONSISTENCY_IN_TL_ON_TSTO-CERT_STATUS"
DUPLICATION: Final = "WARNING_DUPLICATION_OF_SERVICE_INFORMATION_IN_TL_REGARDING_TSTO-CERT"
TSP_NAME: Final = "ERROR_TSP_NAME_INCONSISTENCY_BETWEEN_TSTO-CERT_AND_TL"


def issuer_qualification(
    certificate: QualifiedContent,
    path: Sequence[PathMember],
    service_type: str,
    at: datetime,
    *,
    lists: Lists,
) -> IssuerQualification:
    """Whether the list confirms a token's signer as qualified for a type of service at a time (4.6).

    `path` is as for `listed_services`. There were no such services before July 2016.
    """
    if not services_existed(at):
        return IssuerQualification(status=Status.PASSED, results=(Issuer.NOT_QUALIFIED,))
    country = country_code(certificate.subject_countries)
    services = listed_services(path, service_type, at, country, lists=lists)
    results = services.results
    if services.status is Status.FAILED:
        return _failed(country, results, together(services.status.value, services.sub_status))
    if not results:
        return IssuerQualification(status=Status.PASSED, results=(Issuer.NOT_QUALIFIED,), country=country)
    conflict = status_conflict(results)
    if conflict:
        return _failed(country, results, conflict)
    found = together(services.sub_status, several_keys(results))
    if not names_signer(certificate, results):
        return _failed(country, results, together(found, TSP_NAME))
    return IssuerQualification(
        status=Status.PASSED,
        results=(Issuer.QUALIFIED if granted(results) else Issuer.NOT_QUALIFIED,),
        sub_status=found,
        country=country,
        services=results,
    )


def _failed(country: str, results: tuple[Listed, ...], sub_status: tuple[str, ...]) -> IssuerQualification:
    return IssuerQualification(
        status=Status.FAILED,
        results=(Issuer.INDETERMINATE,),
        sub_status=sub_status,
        country=country,
        services=results,
    )


@implements("TS119615:PRO-4.6.4-01", disabled=True)
def services_existed(at: datetime) -> bool:
    """Whether the Regulation, which made these services, applied at that time (PRO-4.6.4-01)."""
    return at >= REGULATION


@implements("TS119615:PRO-4.6.4-06")
def status_conflict(results: Sequence[Listed]) -> tuple[str, ...]:
    """The error of matching services with different statuses (PRO-4.6.4-06)."""
    return (STATUS_CONFLICT,) if len({one.state.status for one in results}) > 1 else ()


@implements("TS119615:PRO-4.6.4-07")
def several_keys(results: Sequence[Listed]) -> tuple[str, ...]:
    """The warning of matching services with different keys (PRO-4.6.4-07)."""
    keys = {frozenset(listed.key for listed in one.service.current.identity.certificates) for one in results}
    return (DUPLICATION,) if len(keys) > 1 else ()


@implements("TS119615:PRO-4.6.4-08", disabled=True)
def names_signer(certificate: QualifiedContent, results: Sequence[Listed]) -> bool:
    """Whether the signer's organization is the provider, by a name or trade name (PRO-4.6.4-08)."""
    return any(
        same_text(organization, text.value)
        for organization in certificate.subject_organizations
        for one in results
        for text in (*one.provider.names, *one.provider.trade_names)
    )


@implements("TS119615:PRO-4.6.4-09", disabled=True)
def granted(results: Sequence[Listed]) -> bool:
    """Whether the services, whose statuses are all the same, are granted (PRO-4.6.4-09)."""
    return all(one.state.status == GRANTED for one in results)
