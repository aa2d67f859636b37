"""A trusted list as XML, before it is signed: the way back of `core.pki.trusted_lists.read`.

Elements come in the order of the schema. Times are in seconds of UTC (5.1.3), the encoding is UTF-8 (B.0).
Source: TS 119 612 V2.4.1, 5.2 to 5.6, and its schemas (annex C).
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.errors import Rejected
from trustworks.core.pki.trusted_lists.markup import SIE, TSL, TSLX, XADES
from trustworks.core.pki.trusted_lists.model import (
    AdditionalServiceInformation,
    CriteriaList,
    ExpiredCertificatesRevocation,
    ExtendedKeyUsage,
    KeyUsage,
    PolicySet,
    Qualifications,
    SubjectAttributes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from trustworks.core.pki.trusted_lists.model import (
        Address,
        Criterion,
        DigitalIdentity,
        Extension,
        Pointer,
        Provider,
        Scheme,
        ServiceState,
        Text,
    )

Element = etree._Element

TAG: Final = "http://uri.etsi.org/19612/TSLTag"
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_PREFIXES: Final[dict[str | None, str]] = {
    None: TSL.strip("{}"),
    "tslx": TSLX.strip("{}"),
    "sie": SIE.strip("{}"),
    "xades": XADES.strip("{}"),
}


def written(scheme: Scheme, providers: Sequence[Provider]) -> bytes:
    """The octets of a list without its signature.

    Raises `Rejected` (trusted-list.text) for a text that XML cannot hold, and (trusted-list.extension) for an
    extension or a criterion that is not known well enough to be written.
    """
    # No Id: the signature refers to the whole document by an empty URI (B.1.0).
    root = etree.Element(TSL + "TrustServiceStatusList", {"TSLTag": TAG}, nsmap=_PREFIXES)
    _scheme(_add(root, "SchemeInformation"), scheme)
    if providers:
        listed = _add(root, "TrustServiceProviderList")
        for one in providers:
            _provider(_add(listed, "TrustServiceProvider"), one)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _scheme(holder: Element, scheme: Scheme) -> None:
    _add(holder, "TSLVersionIdentifier", str(scheme.version))
    _add(holder, "TSLSequenceNumber", str(scheme.sequence_number))
    _add(holder, "TSLType", scheme.type)
    _names(_add(holder, "SchemeOperatorName"), scheme.operators)
    _address(_add(holder, "SchemeOperatorAddress"), scheme.address)
    _names(_add(holder, "SchemeName"), scheme.names)
    _uris(_add(holder, "SchemeInformationURI"), scheme.information_uris)
    _add(holder, "StatusDeterminationApproach", scheme.status_determination)
    _some_uris(holder, "SchemeTypeCommunityRules", scheme.community_rules)
    _add(holder, "SchemeTerritory", scheme.territory)
    notices = _add(holder, "PolicyOrLegalNotice")
    for name, texts in (("TSLPolicy", scheme.policies), ("TSLLegalNotice", scheme.legal_notices)):
        for one in texts:
            _text(notices, name, one)
    _add(holder, "HistoricalInformationPeriod", str(scheme.historical_period))
    if scheme.pointers:
        pointers = _add(holder, "PointersToOtherTSL")
        for pointer in scheme.pointers:
            _pointer(_add(pointers, "OtherTSLPointer"), pointer)
    _add(holder, "ListIssueDateTime", _time(scheme.issued))
    update = _add(holder, "NextUpdate")
    if scheme.next_update is not None:
        _add(update, "dateTime", _time(scheme.next_update))
    if scheme.distribution_points:
        points = _add(holder, "DistributionPoints")
        for place in scheme.distribution_points:
            _add(points, "URI", place)


def _pointer(holder: Element, pointer: Pointer) -> None:
    identities = _add(holder, "ServiceDigitalIdentities")
    for one in pointer.identities:
        _identity(_add(identities, "ServiceDigitalIdentity"), one)
    _add(holder, "TSLLocation", pointer.location)
    about = _add(holder, "AdditionalInformation")

    def more() -> Element:
        return _add(about, "OtherInformation")

    _add(more(), "TSLType", pointer.type)
    _names(_add(more(), "SchemeOperatorName"), pointer.operators)
    _some_uris(more(), "SchemeTypeCommunityRules", pointer.community_rules)
    _add(more(), "SchemeTerritory", pointer.territory)
    _add(more(), "MimeType", pointer.mime_type, space=TSLX)


def _provider(holder: Element, provider: Provider) -> None:
    about = _add(holder, "TSPInformation")
    _names(_add(about, "TSPName"), provider.names)
    if provider.trade_names:
        _names(_add(about, "TSPTradeName"), provider.trade_names)
    _address(_add(about, "TSPAddress"), provider.address)
    _uris(_add(about, "TSPInformationURI"), provider.information_uris)
    services = _add(holder, "TSPServices")
    for one in provider.services:
        service = _add(services, "TSPService")
        _state(_add(service, "ServiceInformation"), one.current)
        if one.history:
            history = _add(service, "ServiceHistory")
            for past in one.history:
                _state(_add(history, "ServiceHistoryInstance"), past)


def _state(holder: Element, state: ServiceState) -> None:
    _add(holder, "ServiceTypeIdentifier", state.type)
    _names(_add(holder, "ServiceName"), state.names)
    _identity(_add(holder, "ServiceDigitalIdentity"), state.identity)
    _add(holder, "ServiceStatus", state.status)
    _add(holder, "StatusStartingTime", _time(state.since))
    _some_uris(holder, "SchemeServiceDefinitionURI", state.scheme_definition_uris)
    if state.supply_points:
        points = _add(holder, "ServiceSupplyPoints")
        for one in state.supply_points:
            point = _add(points, "ServiceSupplyPoint", one.uri)
            if one.kind:
                point.set("type", one.kind)
    _some_uris(holder, "TSPServiceDefinitionURI", state.provider_definition_uris)
    if state.extensions:
        extensions = _add(holder, "ServiceInformationExtensions")
        for extension in state.extensions:
            _extension(_add(extensions, "Extension"), extension)


def _identity(holder: Element, identity: DigitalIdentity) -> None:
    for one in identity.certificates:
        _add(_add(holder, "DigitalId"), "X509Certificate", _base64(one.der))
    for name in identity.subject_names:
        _add(_add(holder, "DigitalId"), "X509SubjectName", name)
    for identifier in identity.key_identifiers:
        _add(_add(holder, "DigitalId"), "X509SKI", _base64(identifier))


def _extension(holder: Element, extension: Extension) -> None:
    holder.set("Critical", "true" if extension.critical else "false")
    if isinstance(extension, AdditionalServiceInformation):
        inner = _add(holder, "AdditionalServiceInformation")
        _add(inner, "URI", extension.uri).set(_LANGUAGE, "en")
        if extension.information:
            _add(inner, "InformationValue", extension.information)
    elif isinstance(extension, ExpiredCertificatesRevocation):
        _add(holder, "ExpiredCertsRevocationInfo", _time(extension.since))
    elif isinstance(extension, Qualifications):
        inner = _add(holder, "Qualifications", space=SIE)
        for one in extension.elements:
            element = _add(inner, "QualificationElement", space=SIE)
            qualifiers = _add(element, "Qualifiers", space=SIE)
            for uri in one.qualifiers:
                _add(qualifiers, "Qualifier", space=SIE).set("uri", uri)
            _criteria(element, one.criteria)
    else:
        raise Rejected(
            "trusted-list.extension", f"An extension of the kind {type(extension).__name__} is not written."
        )


def _criteria(holder: Element, listed: CriteriaList) -> None:
    """A list of criteria: key usage, policies, lists, a description, others, in this order of the schema."""
    inner = _add(holder, "CriteriaList", space=SIE)
    inner.set("assert", listed.assertion)
    for usage in (one for one in listed.criteria if isinstance(one, KeyUsage)):
        bits = _add(inner, "KeyUsage", space=SIE)
        for name, value in usage.bits:
            _add(bits, "KeyUsageBit", "true" if value else "false", space=SIE).set("name", name)
    for policies in (one for one in listed.criteria if isinstance(one, PolicySet)):
        _identifiers(_add(inner, "PolicySet", space=SIE), SIE + "PolicyIdentifier", policies.policies)
    for nested in (one for one in listed.criteria if isinstance(one, CriteriaList)):
        _criteria(inner, nested)
    if listed.description:
        _add(inner, "Description", listed.description, space=SIE)
    later = [one for one in listed.criteria if not isinstance(one, KeyUsage | PolicySet | CriteriaList)]
    if later:
        others = _add(inner, "otherCriteriaList", space=SIE)
        for one in later:
            _other_criterion(others, one)


def _other_criterion(holder: Element, one: Criterion) -> None:
    if isinstance(one, ExtendedKeyUsage):
        _identifiers(_add(holder, "ExtendedKeyUsage", space=TSLX), TSLX + "KeyPurposeId", one.purposes)
    elif isinstance(one, SubjectAttributes):
        _identifiers(
            _add(holder, "CertSubjectDNAttribute", space=TSLX), TSLX + "AttributeOID", one.attributes
        )
    else:
        raise Rejected("trusted-list.extension", "A criterion of a kind that is not known is not written.")


def _identifiers(holder: Element, name: str, dotted: Iterable[str]) -> None:
    for one in dotted:
        identifier = etree.SubElement(etree.SubElement(holder, name), XADES + "Identifier")
        identifier.set("Qualifier", "OIDAsURN")
        identifier.text = f"urn:oid:{one}"


def _address(holder: Element, address: Address) -> None:
    postal = _add(holder, "PostalAddresses")
    for one in address.postal:
        inner = _add(postal, "PostalAddress")
        inner.set(_LANGUAGE, one.language)
        parts = {
            "StreetAddress": one.street,
            "Locality": one.locality,
            "StateOrProvince": one.state,
            "PostalCode": one.postal_code,
            "CountryName": one.country,
        }
        for name, value in parts.items():
            if value:
                _add(inner, name, value)
    _uris(_add(holder, "ElectronicAddress"), address.electronic)


def _names(holder: Element, texts: Iterable[Text]) -> None:
    for one in texts:
        _text(holder, "Name", one)


def _uris(holder: Element, texts: Iterable[Text]) -> None:
    for one in texts:
        _text(holder, "URI", one)


def _some_uris(holder: Element, name: str, texts: Sequence[Text]) -> None:
    if texts:
        _uris(_add(holder, name), texts)


def _text(holder: Element, name: str, text: Text) -> None:
    _add(holder, name, text.value).set(_LANGUAGE, text.language)


def _add(holder: Element, name: str, text: str | None = None, *, space: str = TSL) -> Element:
    element = etree.SubElement(holder, space + name)
    if text is not None:
        try:
            element.text = text
        except ValueError as error:
            raise Rejected(
                "trusted-list.text", f"{name} has characters that XML cannot hold. Leave them out."
            ) from error
    return element


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
