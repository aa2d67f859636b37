"""Whether the criteria of a qualification identify a certificate (TS 119 612, 5.5.9.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.pki.trusted_lists.model import (
    CriteriaList,
    Criterion,
    ExtendedKeyUsage,
    KeyUsage,
    PolicySet,
    SubjectAttributes,
)
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.validation.qualification.certificate import QualifiedContent


def identifies(criterion: Criterion, certificate: QualifiedContent) -> bool | None:
    """Whether a criterion is met; None where that cannot be said, for it or what it has is not known."""
    if isinstance(criterion, CriteriaList):
        return criteria_met(criterion, certificate)
    if isinstance(criterion, KeyUsage):
        return key_usage_matches(criterion, certificate)
    if isinstance(criterion, PolicySet):
        return policies_match(criterion, certificate)
    if isinstance(criterion, ExtendedKeyUsage):
        return purposes_match(criterion, certificate)
    if isinstance(criterion, SubjectAttributes):
        return attributes_match(criterion, certificate)
    return None


@implements("TS119612:5.5.9.2.2.0", disabled=True)
def criteria_met(criteria: CriteriaList, certificate: QualifiedContent) -> bool | None:
    """Whether all, at least one or none of the criteria are met, as the list asserts (5.5.9.2.2.0).

    None where the assertion or a criterion that matters is not known. A list without criteria identifies
    nothing, whatever it asserts: the standard wants at least one.
    """
    found = [identifies(one, certificate) for one in criteria.criteria]
    if not found:
        return False
    if criteria.assertion == "all":
        return False if False in found else None if None in found else True
    if criteria.assertion == "atLeastOne":
        return True if True in found else None if None in found else False
    if criteria.assertion == "none":
        return False if True in found else None if None in found else True
    return None


@implements("TS119612:5.5.9.2.2.1", disabled=True)
def key_usage_matches(criterion: KeyUsage, certificate: QualifiedContent) -> bool:
    """Whether the certificate has a key usage, with each bit as given (5.5.9.2.2.1)."""
    usage = certificate.key_usage
    return usage is not None and all((name.lower() in usage) is wanted for name, wanted in criterion.bits)


@implements("TS119612:5.5.9.2.2.2", disabled=True)
def policies_match(criterion: PolicySet, certificate: QualifiedContent) -> bool:
    """Whether the certificate names all the policies (5.5.9.2.2.2)."""
    return bool(certificate.policies) and certificate.policies.issuperset(criterion.policies)


@implements("TS119612:5.5.9.2.2.3-1", disabled=True)
def purposes_match(criterion: ExtendedKeyUsage, certificate: QualifiedContent) -> bool:
    """Whether the certificate has an extended key usage with all the purposes (5.5.9.2.2.3)."""
    purposes = certificate.purposes
    return purposes is not None and purposes.issuperset(criterion.purposes)


@implements("TS119612:5.5.9.2.2.3-2", disabled=True)
def attributes_match(criterion: SubjectAttributes, certificate: QualifiedContent) -> bool:
    """Whether the subject's name has all the attributes (5.5.9.2.2.3)."""
    return certificate.subject_attributes.issuperset(criterion.attributes)
