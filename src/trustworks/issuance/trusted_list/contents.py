"""The next list, made of what runs now and of the list before: pure.

A service that is new is granted from the moment of the list that tells it first; one that runs no more is
withdrawn from then on. What was told before stays in its history, for good.
Source: TS 119 612 V2.4.1, 5.3 to 5.6.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.trusted_lists.identities import listed_certificate
from trustworks.core.pki.trusted_lists.model import (
    Address,
    DigitalIdentity,
    Pointer,
    PostalAddress,
    Provider,
    Scheme,
    Service,
    ServiceState,
    Text,
)
from trustworks.core.pki.trusted_lists.uris import (
    DEPRECATED_NATIONALLY,
    GRANTED,
    RECOGNISED_NATIONALLY,
    TSA,
    WITHDRAWN,
    XML_LIST,
)
from trustworks.core.trace import implements
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from trustworks.core.pki.trusted_lists.model import TrustedList
    from trustworks.issuance.config import IssuanceSettings, TrustedListSettings
    from trustworks.issuance.trusted_list.running import Running

VERSION: Final = 6
FOR_EVER: Final = 65535
ORGANIZATION: Final = "2.5.4.10"
PREFIX: Final = "/tl/"

_ROOT: Final = "http://uri.etsi.org/TrstSvc/TrustedList/"
_LANGUAGE: Final = "en"
_QUALIFIED: Final = (GRANTED, WITHDRAWN)
_NOT_QUALIFIED: Final = (RECOGNISED_NATIONALLY, DEPRECATED_NATIONALLY)
_NOTICE: Final = (
    "TEST. This list is made by a laboratory for tests of software. Nothing on it is supervised, qualified "
    "or approved by anybody, and nobody may rely on it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the lists of a territory are published."""

    base: str
    territory: str

    @property
    def page(self) -> str:
        """The page for people."""
        return f"{self.base}{PREFIX}"

    @property
    def list(self) -> str:
        """The trusted list."""
        return f"{self.base}{PREFIX}{self.territory}.xml"

    @property
    def list_of_lists(self) -> str:
        """The list of lists."""
        return f"{self.base}{PREFIX}lotl.xml"


@implements("TS119612:5.3.3", disabled=lambda *_, **__: _ROOT + "TSLType/EUgeneric")
def list_type(territory: str, *, of_lists: bool) -> str:
    """The type of a list that is not of a member state of the EU: by its territory (5.3.3, D.6)."""
    return f"{_ROOT}TSLType/{territory}{'listofthelists' if of_lists else 'list'}"


@implements("TS119612:5.3.6", disabled=lambda _territory, name: name)
def scheme_name(territory: str, name: str) -> str:
    """The name of a scheme, with its territory before it (5.3.6)."""
    return f"{territory}:{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """One issue of a list: its number, its moment (in whole seconds), by when the next is due, who signs."""

    number: int
    issued: datetime
    next_update: datetime
    signer: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The scheme operator, who is the provider too: its configuration, and where its lists are."""

    settings: IssuanceSettings
    own: TrustedListSettings
    places: Places


def list_scheme(operator: Operator, making: Making) -> Scheme:
    """What the trusted list says of itself; it points to the list of lists."""
    return _scheme(operator, making, of_lists=False)


def lists_scheme(operator: Operator, making: Making) -> Scheme:
    """What the list of lists says of itself; it points to itself and to the trusted list."""
    return _scheme(operator, making, of_lists=True)


def _scheme(operator: Operator, making: Making, *, of_lists: bool) -> Scheme:
    own, places = operator.own, operator.places
    territory = places.territory
    operators = (_english(operator.settings.organization),)
    rules = (_english(f"{_ROOT}schemerules/{territory}"),)

    def pointer(location: str, *, to_lists: bool) -> Pointer:
        return Pointer(
            location=location,
            identities=(DigitalIdentity(certificates=(listed_certificate(making.signer),)),),
            type=list_type(territory, of_lists=to_lists),
            operators=operators,
            community_rules=rules,
            territory=territory,
            mime_type=XML_LIST,
        )

    pointers = [pointer(places.list_of_lists, to_lists=True)]
    if of_lists:
        pointers.append(pointer(places.list, to_lists=False))
    return Scheme(
        version=VERSION,
        sequence_number=making.number,
        type=list_type(territory, of_lists=of_lists),
        operators=operators,
        address=address(operator),
        names=(_english(scheme_name(territory, own.lists_name if of_lists else own.name)),),
        information_uris=(_english(places.page),),
        status_determination=f"{_ROOT}StatusDetn/{territory}determination",
        community_rules=rules,
        territory=territory,
        policies=(),
        legal_notices=(_english(_NOTICE),),
        historical_period=FOR_EVER,
        pointers=tuple(pointers),
        issued=making.issued,
        next_update=making.next_update,
        distribution_points=(places.list_of_lists if of_lists else places.list,),
        extensions=(),
    )


def address(operator: Operator) -> Address:
    """Where scheme operator and provider are reached; they are the same here (5.3.5, 5.4.3)."""
    own = operator.own
    postal = PostalAddress(
        language=_LANGUAGE,
        street=own.street,
        locality=own.locality,
        state="",
        postal_code=own.postal_code,
        country=operator.settings.country,
    )
    return Address(
        postal=(postal,), electronic=(_english(f"mailto:{own.email}"), _english(operator.places.page))
    )


def providers(
    operator: Operator, running: Sequence[Running], before: TrustedList | None, issued: datetime
) -> tuple[Provider, ...]:
    """The one provider with its services; nobody where there never was a service."""
    settings, places = operator.settings, operator.places
    known = () if before is None else tuple(one for each in before.providers for one in each.services)
    services = next_services(running, known, issued)
    if not services:
        return ()
    names = {settings.organization: None, **dict.fromkeys(_organizations(services))}
    registered = settings.organization_identifier or f"NTR{settings.country}-TEST"
    services = tuple(_told_of_another_name(one, settings.organization, places) for one in services)
    return (
        Provider(
            names=(_english(settings.organization),),
            trade_names=tuple(map(_english, (registered, *list(names)[1:]))),
            address=address(operator),
            information_uris=(_english(settings.cps_url or places.page),),
            extensions=(),
            services=services,
        ),
    )


def next_services(
    running: Iterable[Running], before: Sequence[Service], issued: datetime
) -> tuple[Service, ...]:
    """All services that ever were on the list, in their order, and those that are new, at its end."""
    now = {service_key(one.type, one.certificate): one for one in running}
    found = []
    for service in before:
        key = (service.current.type, service.current.identity.certificates[0].key)
        found.append(_gone_on(service, now.pop(key, None), issued))
    return (*found, *(Service(current=_granted(one, issued)) for one in now.values()))


def service_key(kind: str, certificate: bytes) -> tuple[str, bytes]:
    """What tells services apart: their type, and their public key (5.5.3)."""
    return kind, listed_certificate(certificate).key


def _gone_on(service: Service, one: Running | None, issued: datetime) -> Service:
    current = service.current
    if one is None:
        told = replace(current, status=_statuses(current.type)[1], since=issued, supply_points=())
        same = current.status == told.status
    else:
        told = _granted(one, issued)
        same = (current.status, current.names, current.extensions) == (
            told.status,
            told.names,
            told.extensions,
        )
    if not same:
        return Service(current=told, history=(past(current), *service.history))
    if one is None:
        return service
    # The same status goes on, be it with a newer certificate of the same key.
    return replace(service, current=replace(told, since=current.since))


@implements(
    "TS119612:5.5.5",
    disabled=lambda one, _issued: _granted_at(one, Certificate.read(one.certificate).not_before),
)
def _granted(one: Running, issued: datetime) -> ServiceState:
    """A service that runs: granted, and not from before the list says so (5.5.4, 5.5.5)."""
    return _granted_at(one, issued)


def _granted_at(one: Running, since: datetime) -> ServiceState:
    return ServiceState(
        type=one.type,
        names=(_english(one.name),),
        identity=identity(one.certificate),
        status=_statuses(one.type)[0],
        since=since,
        extensions=one.extensions,
        supply_points=one.supply_points,
    )


def _statuses(kind: str) -> tuple[str, str]:
    """The statuses of a type of service while it runs, and after (5.5.4)."""
    return _NOT_QUALIFIED if kind == TSA else _QUALIFIED


def identity(certificate: bytes) -> DigitalIdentity:
    """What identifies a service: certificate, name and key identifier of one public key (5.5.3)."""
    read = Certificate.read(certificate)
    return DigitalIdentity(
        certificates=(listed_certificate(certificate),),
        subject_names=(read.subject.text,),
        key_identifiers=(key_identifier(certificate),),
    )


def key_identifier(certificate: bytes) -> bytes:
    """The identifier in a certificate, else the digest of its key (RFC 5280, 4.2.1.2)."""
    read = Certificate.read(certificate)
    if read.subject_key_identifier is not None:
        return read.subject_key_identifier
    from trustworks.core.der.x509 import public_key_info  # noqa: PLC0415 - foreign certificates alone

    return hashlib.sha1(public_key_info(certificate), usedforsecurity=False).digest()


def _as_it_was(state: ServiceState) -> ServiceState:
    return state


@implements("TS119612:5.6.3", disabled=_as_it_was)
def past(state: ServiceState) -> ServiceState:
    """A state as the history keeps it: by name and key identifier, without a certificate (5.6.3)."""
    return replace(
        state,
        identity=replace(state.identity, certificates=()),
        scheme_definition_uris=(),
        supply_points=(),
        provider_definition_uris=(),
    )


def _organizations(services: Iterable[Service]) -> Iterable[str]:
    for one in services:
        for certificate in one.current.identity.certificates:
            yield from Certificate.read(certificate.der).subject.values(ORGANIZATION)


@implements("TS119612:5.5.3-2", disabled=lambda service, _organization, _places: service)
def _told_of_another_name(service: Service, organization: str, places: Places) -> Service:
    """A service whose certificate names another organisation is explained on the scheme's page (5.5.3)."""
    others = set(_organizations([service])) - {organization}
    told = (_english(places.page),) if others else ()
    return replace(service, current=replace(service.current, scheme_definition_uris=told))


def _english(text: str) -> Text:
    return Text(_LANGUAGE, text)
