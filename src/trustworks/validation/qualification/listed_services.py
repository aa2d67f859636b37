"""Services on a trusted list that match a certificate at a time (TS 119 615, 4.3)."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.trusted_lists.model import AdditionalServiceInformation
from trustworks.core.pki.trusted_lists.territories import is_nobodys
from trustworks.core.pki.trusted_lists.uris import FOR_SEALS, FOR_SIGNATURES, FOR_WEB
from trustworks.core.trace import implements
from trustworks.validation.qualification.model import Listed, ListedServices, Status, together
from trustworks.validation.qualification.names import same_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.core.pki.trusted_lists.model import DigitalIdentity, Service, ServiceState, TrustedList
    from trustworks.validation.qualification.model import Lists, PathMember

MEMBER_STATES: Final = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "EL",
        "ES",
        "FI",
        "FR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
LISTED_TERRITORIES: Final = MEMBER_STATES | {"UK", "IS", "LI", "NO"}
"""The member states, the United Kingdom until it left, and the states of the EEA Agreement.

TS 119 615 names the first two. Regulation (EU) No 910/2014 holds in the EEA, and the list of lists points to
the lists of its three other states.
"""

NOT_A_MEMBER_STATE: Final = "Provided_country_code_not_representing_an_EU_MS"
HISTORY_DISORDERED: Final = "ERROR_SERVICE_HISTORY_NOT_IN_ORDER"
HISTORY_AMBIGUOUS: Final = "ERROR_SERVICE_HISTORY_SAME_STARTING_TIME"
TSP_CONFLICT: Final = "ERROR_TSP_CONFLICT"

DUPLICATIONS: Final = {1: FOR_SIGNATURES, 2: FOR_SEALS, 3: FOR_WEB}


def listed_services(
    path: Sequence[PathMember], service_type: str, at: datetime, country: str, *, lists: Lists
) -> ListedServices:
    """The services of a type that match the certificate at the beginning of a path, at a time (4.3).

    `path` begins with the certificate and goes up to and including a trust anchor; each is to have signed
    the one before it, which is for the path engine to have checked. A service that had no state yet at that
    time does not match.
    """
    # A laboratory's list of a territory that is nobody's is asked where the list of lists leads to one.
    of_a_laboratory = is_nobodys(country) and lists.authenticated(country).list is not None
    if not of_a_laboratory and not is_listed_territory(country):
        return ListedServices(status=Status.FAILED, sub_status=(NOT_A_MEMBER_STATE,))
    authenticated = lists.authenticated(country)
    if authenticated.list is None:
        return ListedServices(
            status=Status.FAILED, sub_status=together(authenticated.status, authenticated.sub_status)
        )
    results = matching(authenticated.list, path, service_type, at)
    disordered = history_order(results)
    if disordered:
        return ListedServices(status=Status.FAILED, sub_status=disordered, results=results)
    found = together(authenticated.sub_status, *(duplications(results, kind) for kind in DUPLICATIONS))
    conflict = provider_conflict(results)
    return ListedServices(
        status=Status.FAILED if conflict else Status.PASSED,
        sub_status=together(found, conflict),
        results=results,
    )


@implements("TS119615:PRO-4.3.4-01", disabled=True)
def is_listed_territory(country: str) -> bool:
    """Whether there is a trusted list of that country (PRO-4.3.4-01)."""
    return country in LISTED_TERRITORIES


def matching(
    trusted_list: TrustedList, path: Sequence[PathMember], service_type: str, at: datetime
) -> tuple[Listed, ...]:
    """SI-Results: the services that match, each with its state then and its provider (PRO-4.3.4-03)."""
    return tuple(
        Listed(service=service, state=state, provider=provider)
        for provider in trusted_list.providers
        for service in provider.services
        if is_of_type(service, service_type)
        and leads_to(path, service.current.identity, at)
        and (state := state_at(service, at)) is not None
    )


@implements("TS119615:PRO-4.3.4-03", disabled=True)
def is_of_type(service: Service, service_type: str) -> bool:
    """Whether the service is of that type now (PRO-4.3.4-03, i)."""
    return service.current.type == service_type


@implements("TS119615:PRO-4.3.4-03-ii", disabled=True)
def leads_to(path: Sequence[PathMember], identity: DigitalIdentity, at: datetime) -> bool:
    """Whether a path goes through a service's key and name, and all below it was valid then (4.3.4-03, ii).

    Key and name are all that a trust anchor is: its own period does not count. The certificate itself may be
    the service's, whenever.
    """
    for place, member in enumerate(path):
        if any(
            one.key and one.key == member.key and same_name(one.subject, member.subject)
            for one in identity.certificates
        ):
            return all(_valid(below, at) for below in path[:place])
    return False


def _valid(member: PathMember, at: datetime) -> bool:
    return (member.not_before is None or member.not_before <= at) and (
        member.not_after is None or at <= member.not_after
    )


def _state_now(service: Service, at: datetime) -> ServiceState:
    del at
    return service.current


@implements("TS119615:PRO-4.3.4-03-b", disabled=_state_now)
def state_at(service: Service, at: datetime) -> ServiceState | None:
    """The state of a service at a time, or None before it had any (PRO-4.3.4-03, b)."""
    return next((state for state in service.states if state.since <= at), None)


@implements("TS119615:PRO-4.3.4-03A")
def history_order(results: Sequence[Listed]) -> tuple[str, ...]:
    """What is wrong with the order of the states of the past, which begins with the latest (4.3.4-03A)."""
    steps = [
        (later.since, earlier.since) for one in results for later, earlier in pairwise(one.service.history)
    ]
    return together(
        *(HISTORY_AMBIGUOUS for later, earlier in steps if later == earlier),
        *(HISTORY_DISORDERED for later, earlier in steps if later < earlier),
    )


@implements(
    "TS119615:PRO-4.3.4-05",
    "TS119615:PRO-4.3.4-06",
    "TS119615:PRO-4.3.4-07",
    "TS119615:PRO-4.3.4-08",
    "TS119615:PRO-4.3.4-09",
    "TS119615:PRO-4.3.4-10",
)
def duplications(results: Sequence[Listed], kind: int) -> tuple[str, ...]:
    """Several matching services for signatures (1), seals (2) or web sites (3): a warning where their
    statuses are the same, an error where they differ (PRO-4.3.4-05 to -10).
    """  # noqa: D205 - one sentence
    statuses = [one.state.status for one in results if is_for(one.state, DUPLICATIONS[kind])]
    pairs = [one == other for one, other in combinations(statuses, 2)]
    return together(
        *([f"WARNING_T{kind}_DUPLICATION"] if True in pairs else []),
        *([f"ERROR_T{kind}_DUPLICATION"] if False in pairs else []),
    )


@implements("TS119615:PRO-4.3.4-11")
def provider_conflict(results: Sequence[Listed]) -> tuple[str, ...]:
    """The error of services of different providers (PRO-4.3.4-11)."""
    return (TSP_CONFLICT,) if len({one.provider.names for one in results}) > 1 else ()


def is_for(state: ServiceState, uri: str) -> bool:
    """Whether a state of a service has that additional service information (TS 119 612, 5.5.9.4)."""
    return any(
        isinstance(extension, AdditionalServiceInformation) and extension.uri == uri
        for extension in state.extensions
    )
