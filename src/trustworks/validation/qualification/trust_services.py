"""Time-stamps and the tokens of other qualified services (TS 119 615, 4.7 to 4.13)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.trusted_lists.uris import (
    ARCHIVING_Q,
    ATTESTATION_Q,
    DELIVERY_Q,
    FOR_SEALS,
    FOR_SIGNATURES,
    LEDGER_Q,
    MAIL_DELIVERY_Q,
    PRESERVATION_Q,
    TSA_QTST,
    VALIDATION_Q,
)
from trustworks.core.trace import implements
from trustworks.validation.qualification.issuers import issuer_qualification
from trustworks.validation.qualification.listed_services import TSP_CONFLICT, is_for
from trustworks.validation.qualification.model import (
    Issuer,
    IssuerQualification,
    Purpose,
    PurposeQualification,
    Status,
    together,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.validation.qualification.certificate import QualifiedContent
    from trustworks.validation.qualification.model import Lists, PathMember

QEAA: Final = "urn:etsi:eaa:eu:qualified"
NO_QEAA: Final = "ERROR_NO_ETSI_QEAA_TYPE_INDICATION_FOUND"


def time_stamp_qualification(
    certificate: QualifiedContent,
    path: Sequence[PathMember],
    at: datetime,
    *,
    made: datetime,
    lists: Lists,
) -> IssuerQualification:
    """Whether a time-stamp, made at `made` by its own word, is a qualified one at a time (4.7).

    `certificate` is that of the time-stamping unit. The time-stamp is to be valid; that is for others to say.
    """
    first = issuer_qualification(certificate, path, TSA_QTST, at, lists=lists)
    return as_when_made(first, issuer_qualification(certificate, path, TSA_QTST, made, lists=lists))


def _at_first(first: IssuerQualification, making: IssuerQualification) -> IssuerQualification:
    del making
    return first


@implements("TS119615:PRO-4.7.4-05", "TS119615:PRO-4.7.4-06", disabled=_at_first)
def as_when_made(first: IssuerQualification, making: IssuerQualification) -> IssuerQualification:
    """The outcome at a time, held against the outcome when the time-stamp was made (PRO-4.7.4-05, -06)."""
    if making.status is Status.FAILED:
        return replace(
            first,
            status=Status.FAILED,
            sub_status=together(first.sub_status, making.status.value, making.sub_status),
        )
    if first.results != making.results:
        return replace(
            first,
            status=Status.FAILED,
            sub_status=together(first.sub_status, f"ERROR_When_Made_{making.results[0]}"),
        )
    return first


def validation_qualification(
    certificate: QualifiedContent, path: Sequence[PathMember], at: datetime, *, lists: Lists
) -> PurposeQualification:
    """Whether who signed a validation report is a qualified validation service, and for what (4.8)."""
    return purposes(issuer_qualification(certificate, path, VALIDATION_Q, at, lists=lists))


def preservation_qualification(
    certificate: QualifiedContent, path: Sequence[PathMember], at: datetime, *, lists: Lists
) -> PurposeQualification:
    """Whether who signed evidence is a qualified preservation service, and for what (4.9)."""
    return purposes(issuer_qualification(certificate, path, PRESERVATION_Q, at, lists=lists))


def _all_purposes(found: IssuerQualification) -> PurposeQualification:
    return PurposeQualification(status=found.status, results=(Purpose.ESIG, Purpose.ESEAL))


@implements(
    "TS119615:PRO-4.8.4-03",
    "TS119615:PRO-4.8.4-04",
    "TS119615:PRO-4.8.4-05",
    "TS119615:PRO-4.9.4-03",
    "TS119615:PRO-4.9.4-04",
    "TS119615:PRO-4.9.4-05",
    disabled=_all_purposes,
)
def purposes(found: IssuerQualification) -> PurposeQualification:
    """What a service of validation or preservation is qualified for, from its additional information."""
    if found.status is Status.FAILED:
        results: tuple[Purpose, ...] = (Purpose.INDETERMINATE,)
    elif found.results != (Issuer.QUALIFIED,):
        results = (Purpose.NOT_ESIG, Purpose.NOT_ESEAL)
    else:
        states = [one.state for one in found.services]
        results = (
            Purpose.ESIG if any(is_for(one, FOR_SIGNATURES) for one in states) else Purpose.NOT_ESIG,
            Purpose.ESEAL if any(is_for(one, FOR_SEALS) for one in states) else Purpose.NOT_ESEAL,
        )
    return PurposeQualification(
        status=found.status,
        results=results,
        sub_status=found.sub_status,
        country=found.country,
        services=found.services,
    )


def delivery_qualification(
    certificate: QualifiedContent, path: Sequence[PathMember], at: datetime, *, lists: Lists
) -> IssuerQualification:
    """Whether who signed evidence is a qualified registered delivery service, mail or other (4.10)."""
    return either(
        issuer_qualification(certificate, path, DELIVERY_Q, at, lists=lists),
        issuer_qualification(certificate, path, MAIL_DELIVERY_Q, at, lists=lists),
    )


def _the_first(one: IssuerQualification, other: IssuerQualification) -> IssuerQualification:
    del other
    return one


@implements(
    "TS119615:PRO-4.10.4-05",
    "TS119615:PRO-4.10.4-06",
    "TS119615:PRO-4.10.4-07",
    "TS119615:PRO-4.10.4-08",
    disabled=_the_first,
)
def either(one: IssuerQualification, other: IssuerQualification) -> IssuerQualification:
    """Both types of delivery services together (PRO-4.10.4-05 to -08)."""
    both = IssuerQualification(
        status=Status.PASSED,
        results=(Issuer.NOT_QUALIFIED,),
        sub_status=together(one.sub_status, other.sub_status),
        country=one.country,
        services=(*one.services, *other.services),
    )
    if Status.FAILED in {one.status, other.status}:
        results = tuple(dict.fromkeys((*one.results, *other.results)))
        return replace(both, status=Status.FAILED, results=results)
    names = [{listed.provider.names for listed in found.services} for found in (one, other)]
    if all(names) and names[0] != names[1]:
        return replace(
            both,
            status=Status.FAILED,
            results=(Issuer.INDETERMINATE,),
            sub_status=together(both.sub_status, TSP_CONFLICT),
        )
    if Issuer.QUALIFIED in {*one.results, *other.results}:
        return replace(both, results=(Issuer.QUALIFIED,))
    return both


def archiving_qualification(
    certificate: QualifiedContent, path: Sequence[PathMember], at: datetime, *, lists: Lists
) -> IssuerQualification:
    """Whether who signed a report is a qualified electronic archiving service (4.11)."""
    return issuer_qualification(certificate, path, ARCHIVING_Q, at, lists=lists)


def attestation_qualification(
    certificate: QualifiedContent,
    path: Sequence[PathMember],
    at: datetime,
    *,
    attestation: bytes,
    lists: Lists,
) -> IssuerQualification:
    """Whether an electronic attestation of attributes, given as its octets, is a qualified one (4.12)."""
    if not claims_qualified(attestation):
        return IssuerQualification(
            status=Status.FAILED, results=(Issuer.INDETERMINATE,), sub_status=(NO_QEAA,)
        )
    return issuer_qualification(certificate, path, ATTESTATION_Q, at, lists=lists)


@implements("TS119615:PRO-4.12.4-03", disabled=True)
def claims_qualified(attestation: bytes) -> bool:
    """Whether an attestation has in its content the name by which qualified ones call themselves."""
    return QEAA.encode() in attestation


def ledger_qualification(
    certificate: QualifiedContent, path: Sequence[PathMember], at: datetime, *, lists: Lists
) -> IssuerQualification:
    """Whether who signed a record is a qualified service of electronic ledgers (4.13)."""
    return issuer_qualification(certificate, path, LEDGER_Q, at, lists=lists)
