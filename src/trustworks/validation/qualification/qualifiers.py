"""Which qualifiers of a list apply to a certificate, and whether they go together (TS 119 615, 4.4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.pki.trusted_lists.model import Qualifications, UnknownExtension
from trustworks.core.pki.trusted_lists.uris import (
    NOT_QUALIFIED,
    QC_FOR_ESEAL,
    QC_FOR_ESIG,
    QC_FOR_LEGAL_PERSON,
    QC_FOR_WSA,
    QC_STATEMENT,
)
from trustworks.core.trace import implements
from trustworks.validation.qualification.criteria import criteria_met

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from trustworks.core.pki.trusted_lists.model import QualificationElement, ServiceState
    from trustworks.validation.qualification.certificate import QualifiedContent

CRITERIA_UNKNOWN: Final = "WARNING_Criteria_of_Qualifications_extension_not_understood"
CRITICAL_UNKNOWN: Final = "ERROR_Critical_extension_not_understood"

Applying = tuple[tuple["QualificationElement", bool], ...]
"""Qualification elements that apply, each with whether its extension is critical."""

_OTHER_PURPOSES: Final = {
    1: frozenset({QC_FOR_ESEAL, QC_FOR_WSA, QC_FOR_LEGAL_PERSON}),
    2: frozenset({QC_FOR_ESIG, QC_FOR_WSA}),
    3: frozenset({QC_FOR_ESIG, QC_FOR_ESEAL}),
}


def _all_of(
    states: Iterable[ServiceState], certificate: QualifiedContent
) -> tuple[Applying, tuple[str, ...]]:
    del certificate
    return (
        tuple(
            (element, one.critical)
            for state in states
            for one in state.extensions
            if isinstance(one, Qualifications)
            for element in one.elements
        ),
        (),
    )


@implements("TS119615:PRO-4.4.4-11", "TS119615:PRO-4.4.4-19", "TS119615:PRO-4.4.4-27", disabled=_all_of)
def applying(
    states: Iterable[ServiceState], certificate: QualifiedContent
) -> tuple[Applying, tuple[str, ...]]:
    """The qualification elements of some states whose criteria identify a certificate, and a warning.

    An element whose criteria are not understood is not applied, and the warning says so.
    """
    found, unknown = [], False
    for state in states:
        for extension in state.extensions:
            if isinstance(extension, Qualifications):
                for element in extension.elements:
                    met = criteria_met(element.criteria, certificate)
                    unknown |= met is None
                    if met:
                        found.append((element, extension.critical))
    return tuple(found), (CRITERIA_UNKNOWN,) if unknown else ()


@implements("TS119612:5.5.9.2.0")
def not_understood(states: Iterable[ServiceState], certificate: QualifiedContent) -> tuple[str, ...]:
    """The error of a critical extension that is not known, or whose criteria are not (5.5.9.2)."""
    for state in states:
        for extension in state.extensions:
            if not extension.critical:
                continue
            if isinstance(extension, UnknownExtension):
                return (CRITICAL_UNKNOWN,)
            if isinstance(extension, Qualifications) and any(
                criteria_met(element.criteria, certificate) is None for element in extension.elements
            ):
                return (CRITICAL_UNKNOWN,)
    return ()


def qualifiers_of(elements: Applying) -> frozenset[str]:
    """All qualifiers of some qualification elements."""
    return frozenset(one for element, _ in elements for one in element.qualifiers)


@implements("TS119615:PRO-4.4.4-12", "TS119615:PRO-4.4.4-20", "TS119615:PRO-4.4.4-28")
def inconsistent(kind: int, qualifiers: AbstractSet[str]) -> tuple[str, ...]:
    """The warning of qualifiers that contradict each other, or the service's purpose (4.4.4-12, -20, -28).

    Of a service for signatures nothing may be for seals, web sites or legal persons; and so on.
    """
    if qualifiers & _OTHER_PURPOSES[kind] or {NOT_QUALIFIED, QC_STATEMENT} <= qualifiers:
        return (f"WARNING_T{kind}_TL_Inconsistency_in_applying_qualifiers",)
    return ()
