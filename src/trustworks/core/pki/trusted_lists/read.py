"""Reads trusted lists: from octets to `TrustedList`, versions 5 and 6 of the format (TS 119 612, 5).

What makes the list useless is `Malformed`; what spoils a part of it is a finding, and that part is left out.
Nothing is believed here: `authenticate` says whether a list is what it claims to be.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.pki.trusted_lists.extensions import Extensions
from trustworks.core.pki.trusted_lists.identities import Identities
from trustworks.core.pki.trusted_lists.markup import (
    DEFAULT_LIMITS,
    TSL,
    TSLX,
    Findings,
    Limits,
    content,
    elements,
    local_name,
    moment,
    number,
    text_at,
    texts,
    values,
)
from trustworks.core.pki.trusted_lists.model import (
    Address,
    Pointer,
    PostalAddress,
    Provider,
    Scheme,
    Service,
    ServiceState,
    SupplyPoint,
    TrustedList,
)
from trustworks.core.xml.parse import Limits as XmlLimits
from trustworks.core.xml.parse import parse as parse_xml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Element

_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_ANEW: Final = "get the list from its official location again"

VERSIONS: Final = (5, 6)
"""Of the format: TS 119 612 V1.1.1 to V2.2.1, and V2.3.1 to V2.4.1."""


def read_trusted_list(octets: bytes, limits: Limits = DEFAULT_LIMITS) -> TrustedList:
    """A trusted list, or a list of trusted lists, from its XML. Raises `Malformed`."""
    return trusted_list_of(parse(octets, limits), octets, limits)


def parse(octets: bytes, limits: Limits = DEFAULT_LIMITS) -> Element:
    """The root element of XML, within limits and without anything fetched. Raises `Malformed`."""
    return parse_xml(octets, XmlLimits(octets=limits.octets, elements=limits.elements))


def trusted_list_of(root: Element, octets: bytes, limits: Limits = DEFAULT_LIMITS) -> TrustedList:
    """The trusted list under a root element, whose octets are given for their hash. Raises `Malformed`."""
    if root.tag != TSL + "TrustServiceStatusList":
        raise Malformed(f"The root element is {local_name(root)}: this is no trusted list; {_ANEW}.")
    findings = Findings(limits.findings)
    reader = _Reader(findings, limits)
    scheme = reader.scheme(root)
    providers = tuple(reader.providers(root))
    return TrustedList(
        id=root.get("Id", ""),
        tag=root.get("TSLTag", ""),
        scheme=scheme,
        providers=providers,
        findings=tuple(findings.found),
        sha256=hashlib.sha256(octets).digest(),
        size=len(octets),
    )


class _Reader:
    def __init__(self, findings: Findings, limits: Limits) -> None:
        self._findings = findings
        self._limits = limits
        self._identities = Identities(findings)
        self._extensions = Extensions(findings, limits)
        self._services = 0
        self._states = 0

    def scheme(self, root: Element) -> Scheme:
        information = root.find(TSL + "SchemeInformation")
        if information is None:
            raise Malformed(f"The list has no SchemeInformation; {_ANEW}.")
        version = number(text_at(information, TSL + "TSLVersionIdentifier"))
        sequence = number(text_at(information, TSL + "TSLSequenceNumber"))
        issued = moment(text_at(information, TSL + "ListIssueDateTime"))
        if version is None or sequence is None or issued is None:
            raise Malformed(
                f"The list does not say its version, its sequence number and when it was issued; {_ANEW}."
            )
        if version not in VERSIONS:
            self._findings.add("version-unknown", information, f"Version {version} of the format is unknown.")
        update = information.find(TSL + "NextUpdate")
        written = content(update)
        next_update = moment(written)
        if update is None or (written and next_update is None):
            # Null means that the list is closed for good (5.3.15), which must not come of a slip.
            raise Malformed(f"The list does not say when its next update is due; {_ANEW}.")
        notices = information.find(TSL + "PolicyOrLegalNotice")
        return Scheme(
            version=version,
            sequence_number=sequence,
            type=text_at(information, TSL + "TSLType"),
            operators=texts(information.find(TSL + "SchemeOperatorName")),
            address=_address(information.find(TSL + "SchemeOperatorAddress")),
            names=texts(information.find(TSL + "SchemeName")),
            information_uris=texts(information.find(TSL + "SchemeInformationURI")),
            status_determination=text_at(information, TSL + "StatusDeterminationApproach"),
            community_rules=texts(information.find(TSL + "SchemeTypeCommunityRules")),
            territory=text_at(information, TSL + "SchemeTerritory"),
            policies=tuple(
                text
                for text, one in zip(texts(notices), elements(notices), strict=True)
                if one.tag == TSL + "TSLPolicy"
            ),
            legal_notices=tuple(
                text
                for text, one in zip(texts(notices), elements(notices), strict=True)
                if one.tag == TSL + "TSLLegalNotice"
            ),
            historical_period=number(text_at(information, TSL + "HistoricalInformationPeriod")) or 0,
            pointers=tuple(self._pointers(information.find(TSL + "PointersToOtherTSL"))),
            issued=issued,
            next_update=next_update,
            distribution_points=values(information.find(TSL + "DistributionPoints"), TSL + "URI"),
            extensions=self._extensions.unknown(information.find(TSL + "SchemeExtensions")),
        )

    def _pointers(self, parent: Element | None) -> Iterator[Pointer]:
        for place, one in enumerate(elements(parent)):
            if place >= self._limits.pointers:
                raise Malformed(f"The list has more than {self._limits.pointers} pointers; {_ANEW}.")
            about = {
                part.tag: part
                for other in elements(one.find(TSL + "AdditionalInformation"))
                if other.tag == TSL + "OtherInformation"
                for part in elements(other)
            }
            location = text_at(one, TSL + "TSLLocation")
            if not location:
                self._findings.add("pointer-no-location", one, "A pointer does not say where the list is.")
                continue
            yield Pointer(
                location=location,
                identities=tuple(
                    self._identities.read(identity)
                    for identity in elements(one.find(TSL + "ServiceDigitalIdentities"))
                ),
                type=content(about.get(TSL + "TSLType")),
                operators=texts(about.get(TSL + "SchemeOperatorName")),
                community_rules=texts(about.get(TSL + "SchemeTypeCommunityRules")),
                territory=content(about.get(TSL + "SchemeTerritory")),
                mime_type=content(about.get(TSLX + "MimeType")),
                other=tuple(str(tag) for tag in about if tag not in _POINTER_QUALIFIERS),
            )

    def providers(self, root: Element) -> Iterator[Provider]:
        for one in elements(root.find(TSL + "TrustServiceProviderList")):
            about = one.find(TSL + "TSPInformation")
            if about is None:
                self._findings.add("provider-unnamed", one, "A provider has no TSPInformation.")
                continue
            yield Provider(
                names=texts(about.find(TSL + "TSPName")),
                trade_names=texts(about.find(TSL + "TSPTradeName")),
                address=_address(about.find(TSL + "TSPAddress")),
                information_uris=texts(about.find(TSL + "TSPInformationURI")),
                extensions=self._extensions.unknown(about.find(TSL + "TSPInformationExtensions")),
                services=tuple(self._services_of(one.find(TSL + "TSPServices"))),
            )

    def _services_of(self, parent: Element | None) -> Iterator[Service]:
        for one in elements(parent):
            self._services += 1
            if self._services > self._limits.services:
                raise Malformed(f"The list has more than {self._limits.services} services; {_ANEW}.")
            information = one.find(TSL + "ServiceInformation")
            current = None if information is None else self._state(information)
            if current is None:
                continue
            history = (self._state(past) for past in elements(one.find(TSL + "ServiceHistory")))
            yield Service(current=current, history=tuple(past for past in history if past is not None))

    def _state(self, element: Element) -> ServiceState | None:
        self._states += 1
        if self._states > self._limits.states:
            raise Malformed(f"The list has more than {self._limits.states} states of services; {_ANEW}.")
        kind = text_at(element, TSL + "ServiceTypeIdentifier")
        status = text_at(element, TSL + "ServiceStatus")
        since = moment(text_at(element, TSL + "StatusStartingTime"))
        if not kind or not status or since is None:
            self._findings.add(
                "state-incomplete",
                element,
                "A service has no type, no status or no time from which it holds.",
            )
            return None
        points = element.find(TSL + "ServiceSupplyPoints")
        return ServiceState(
            type=kind,
            names=texts(element.find(TSL + "ServiceName")),
            identity=self._identities.read(element.find(TSL + "ServiceDigitalIdentity")),
            status=status,
            since=since,
            extensions=self._extensions.read(element.find(TSL + "ServiceInformationExtensions")),
            scheme_definition_uris=texts(element.find(TSL + "SchemeServiceDefinitionURI")),
            supply_points=tuple(
                SupplyPoint(uri=content(point), kind=point.get("type", "")) for point in elements(points)
            ),
            provider_definition_uris=texts(element.find(TSL + "TSPServiceDefinitionURI")),
        )


_POINTER_QUALIFIERS: Final = frozenset(
    {
        TSL + "TSLType",
        TSL + "SchemeOperatorName",
        TSL + "SchemeTypeCommunityRules",
        TSL + "SchemeTerritory",
        TSLX + "MimeType",
    }
)


def _address(element: Element | None) -> Address:
    if element is None:
        return Address()
    return Address(
        postal=tuple(
            PostalAddress(
                language=one.get(_LANGUAGE, ""),
                street=text_at(one, TSL + "StreetAddress"),
                locality=text_at(one, TSL + "Locality"),
                state=text_at(one, TSL + "StateOrProvince"),
                postal_code=text_at(one, TSL + "PostalCode"),
                country=text_at(one, TSL + "CountryName"),
            )
            for one in elements(element.find(TSL + "PostalAddresses"))
        ),
        electronic=texts(element.find(TSL + "ElectronicAddress")),
    )
