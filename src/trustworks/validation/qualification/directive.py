"""Qualified certificates under Directive 1999/93/EC, until June 2016 (TS 119 615, PRO-4.4.4-33)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.trusted_lists.uris import (
    ACCREDITATION_CEASED,
    ACCREDITATION_REVOKED,
    FOR_SIGNATURES,
    NOT_QUALIFIED,
    QC_FOR_ESEAL,
    QC_FOR_WSA,
    QC_STATEMENT,
    SUPERVISION_CEASED,
    SUPERVISION_REVOKED,
    WITHDRAWN,
)
from trustworks.core.trace import implements
from trustworks.validation.qualification.certificate import QCP_PUBLIC, QCP_PUBLIC_WITH_SSCD
from trustworks.validation.qualification.listed_services import is_for
from trustworks.validation.qualification.model import Indication, Status, together
from trustworks.validation.qualification.qualifiers import applying, qualifiers_of
from trustworks.validation.qualification.tables import under_directive

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from trustworks.validation.qualification.certificate import QualifiedContent
    from trustworks.validation.qualification.model import CertificateQualification, Listed

REGULATION: Final = datetime(2016, 6, 30, 22, tzinfo=UTC)
"""When Regulation (EU) No 910/2014 began to apply."""

DUPLICATION: Final = "WARNING_TL-SERVICE-ENTRY-SDI_DUPLICATION"
STATUS_CONFLICT: Final = "ERROR_TL-SERVICE-ENTRY-SDI_DUPLICATION_STATUS_CONFLICT"
INCONSISTENT: Final = "ERROR_T1_TL_Inconsistency_in_applying_qualifiers"

_ENDED: Final = frozenset(
    {SUPERVISION_CEASED, SUPERVISION_REVOKED, ACCREDITATION_CEASED, ACCREDITATION_REVOKED}
)
_OTHERS: Final = (Indication.NOT_FOR_ESEAL, Indication.NOT_QWAC)  # the Directive knew neither


def directive_pass(
    certificate: QualifiedContent, at: datetime, base: CertificateQualification
) -> tuple[CertificateQualification, bool]:
    """PRO-4.4.4-33 upon what matches, and whether it was gone through to its end.

    Where the service had ended, the standard stops without setting QC-Results; the three checks, which all
    say that the certificate is not qualified, are the results here.
    """
    entries = entry_duplications(base.services)
    base = replace(base, sub_status=together(base.sub_status, entries))
    if STATUS_CONFLICT in entries:
        return replace(base, status=Status.FAILED), False
    if ended(base.services, at):
        return replace(base, results=frozenset({Indication.NOT_FOR_ESIG, *_OTHERS})), False
    elements, warnings = applying((one.state for one in base.services), certificate)
    qualifiers = qualifiers_of(elements)
    base = replace(base, for_esig=elements, sub_status=together(base.sub_status, warnings))
    if contradictory(qualifiers):
        return replace(
            base,
            status=Status.FAILED,
            results=frozenset({Indication.INDETERMINATE_FOR_ESIG}),
            sub_status=together(base.sub_status, INCONSISTENT),
        ), False
    check = under_directive(
        marked=certificate.compliance or bool(certificate.policies & {QCP_PUBLIC, QCP_PUBLIC_WITH_SSCD}),
        not_qualified=NOT_QUALIFIED in qualifiers,
        statement=QC_STATEMENT in qualifiers,
    )
    return replace(base, results=frozenset({check, *_OTHERS})), True


@implements("TS119615:PRO-4.4.4-33-c", "TS119615:PRO-4.4.4-33-d")
def entry_duplications(services: Sequence[Listed]) -> tuple[str, ...]:
    """Several matching services: a warning where their statuses are the same, an error where they differ."""
    pairs = [one.state.status == other.state.status for one, other in combinations(services, 2)]
    return together(*([DUPLICATION] if True in pairs else []), *([STATUS_CONFLICT] if False in pairs else []))


@implements("TS119615:PRO-4.4.4-33-f", disabled=False)
def ended(services: Sequence[Listed], at: datetime) -> bool:
    """Whether the service was over then: by a status of the Directive, or of the Regulation after it."""
    if at < REGULATION:
        return any(one.state.status in _ENDED for one in services)
    for_signatures = [one for one in services if is_for(one.state, FOR_SIGNATURES)]
    return not for_signatures or any(one.state.status == WITHDRAWN for one in for_signatures)


@implements("TS119615:PRO-4.4.4-33-h", disabled=False)
def contradictory(qualifiers: AbstractSet[str]) -> bool:
    """Whether qualifiers contradict each other, or are for what the Directive did not know."""
    return bool(qualifiers & {QC_FOR_ESEAL, QC_FOR_WSA}) or {NOT_QUALIFIED, QC_STATEMENT} <= qualifiers
