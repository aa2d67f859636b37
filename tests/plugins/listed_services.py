"""Services of trusted lists in the model, and certificates as qualification sees them, for tests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trusted_list_bench import list_xml

from trustworks.core.pki.trusted_lists.authenticate import EUTL_FAILED, EUTL_PASSED, Authenticated
from trustworks.core.pki.trusted_lists.model import (
    AdditionalServiceInformation,
    Address,
    CriteriaList,
    DigitalIdentity,
    ListedCertificate,
    PolicySet,
    Provider,
    QualificationElement,
    Qualifications,
    Service,
    ServiceState,
    Text,
)
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.core.pki.trusted_lists.uris import CA_QC, FOR_SIGNATURES, GRANTED
from trustworks.validation.qualification.certificate import QualifiedContent
from trustworks.validation.qualification.model import PathMember

if TYPE_CHECKING:
    from trustworks.core.pki.trusted_lists.model import Criterion, Extension

REGULATED = datetime(2017, 1, 1, tzinfo=UTC)
DIRECTIVE = datetime(2010, 1, 1, tzinfo=UTC)
AT = datetime(2025, 1, 1, tzinfo=UTC)
POLICY = PolicySet(("1.2.3",))

CA = PathMember(
    subject=b"CA",
    key=b"key of CA",
    not_before=datetime(2005, 1, 1, tzinfo=UTC),
    not_after=datetime(2035, 1, 1, tzinfo=UTC),
)
CERTIFICATE = QualifiedContent(
    subject=b"signer",
    key=b"key of signer",
    not_before=datetime(2024, 1, 1, tzinfo=UTC),
    not_after=datetime(2026, 1, 1, tzinfo=UTC),
    issuer=b"CA",
    issuer_countries=("gr",),
    issuer_organizations=("Provider",),
    issuer_common_names=("Provider CA",),
    subject_countries=("GR",),
    subject_organizations=("Provider",),
    compliance=True,
    policies=frozenset({"1.2.3"}),
)
PATH = (CERTIFICATE.member, CA)


def listed(member: PathMember = CA) -> ListedCertificate:
    """A certificate on a list with a member's name and key."""
    der = member.subject + member.key
    return ListedCertificate(
        der=der, sha256=hashlib.sha256(der).digest(), subject=member.subject, key=member.key
    )


def purpose(*uris: str) -> tuple[AdditionalServiceInformation, ...]:
    """What a service is for."""
    return tuple(AdditionalServiceInformation(critical=True, uri=uri) for uri in uris)


def qualifiers(*uris: str, criterion: Criterion = POLICY, critical: bool = True) -> Qualifications:
    """Qualifiers for the certificates that a criterion identifies."""
    element = QualificationElement(uris, CriteriaList("all", (criterion,)))
    return Qualifications(critical=critical, elements=(element,))


def a_state(
    *extensions: Extension,
    status: str = GRANTED,
    since: datetime = REGULATED,
    service_type: str = CA_QC,
    member: PathMember = CA,
) -> ServiceState:
    """A state of a service."""
    return ServiceState(
        type=service_type,
        names=(Text("en", "Service"),),
        identity=DigitalIdentity(certificates=(listed(member),)),
        status=status,
        since=since,
        extensions=extensions or purpose(FOR_SIGNATURES),
    )


def a_service(*states: ServiceState) -> Service:
    """A service with its states, the present one first."""
    return Service(current=states[0], history=states[1:])


def a_provider(*services: Service, name: str = "Provider", trade_name: str = "Trading") -> Provider:
    """A provider."""
    return Provider(
        names=(Text("en", name),),
        trade_names=(Text("en", trade_name),),
        address=Address(),
        information_uris=(),
        extensions=(),
        services=services,
    )


@dataclass
class GreekList:
    """One authenticated list, that of Greece."""

    providers: tuple[Provider, ...]
    sub_status: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    def authenticated(self, country: str) -> Authenticated:
        """The list, or that there is none."""
        self.asked.append(country)
        if country != "EL":
            return Authenticated(status=EUTL_FAILED, sub_status=("LIST_NOT_AVAILABLE",))
        empty = read_trusted_list(list_xml().encode())
        return Authenticated(
            status=EUTL_PASSED, sub_status=self.sub_status, list=replace(empty, providers=self.providers)
        )


def lists(*services: Service, name: str = "Provider") -> GreekList:
    """The Greek list with services of one provider."""
    return GreekList((a_provider(*services, name=name),))
