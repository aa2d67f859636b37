"""Signed properties: what the signer says about the signature, the signer and the data.

Source: EN 319 132-1, 5.2; the same properties of the first version in TS 101 903, 7.2.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.core.values import dataclass
from trustworks.formats.evidence import Attributes, CertificateReference, PolicyReference
from trustworks.formats.xades import values
from trustworks.formats.xades.names import TRANSFORM, is_xades

if TYPE_CHECKING:
    from lxml import etree

    from trustworks.formats.collector import Collector

_PLACE: Final = MappingProxyType(
    {
        "City": "city",
        "StreetAddress": "street",
        "StateOrProvince": "state",
        "PostalCode": "postal-code",
        "CountryName": "country",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataObjectFormat:
    """What the signer says a signed data object is (EN 319 132-1, 5.2.4). `reference` is an Id, None: absent.

    The counts are of the children of each name, for the baseline allows but one of each.
    """

    reference: str | None
    in_document: bool
    mime_type: str | None
    encoding: str | None
    mime_types: int
    encodings: int
    descriptions: int
    identifiers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """A CommitmentTypeIndication (EN 319 132-1, 5.2.3). `references` are Ids; none: all signed data."""

    identifier: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The signed properties of a signature. `counts` has how often each property stands, by local name."""

    attributes: Attributes
    certificates: tuple[CertificateReference, ...]
    formats: tuple[DataObjectFormat, ...]
    commitments: tuple[Commitment, ...]
    time_stamps: tuple[etree._Element, ...]
    counts: MappingProxyType[str, int]
    cert_uri: bool
    """Whether a Cert of SigningCertificateV2 has the attribute URI, which the baseline forbids."""


NONE: Final = Signed(
    attributes=Attributes(),
    certificates=(),
    formats=(),
    commitments=(),
    time_stamps=(),
    counts=MappingProxyType({}),
    cert_uri=False,
)


def read_signed(
    properties: etree._Element | None, store: etree._Element | None, collector: Collector
) -> Signed:
    """The signed properties; `store` is the unsigned SignaturePolicyStore, with the policy's octets."""
    if properties is None:
        return NONE
    counts: dict[str, int] = {}
    found: dict[str, etree._Element] = {}
    every: list[tuple[str, etree._Element]] = []
    for group in ("SignedSignatureProperties", "SignedDataObjectProperties"):
        for namespace, local, element in values.children(values.child(properties, group)):
            if is_xades(namespace):
                counts[local] = counts.get(local, 0) + 1
                found.setdefault(local, element)
            every.append((f"{{{namespace}}}{local}" if not is_xades(namespace) else local, element))

    certificates, cert_uri = [], False
    for name in ("SigningCertificate", "SigningCertificateV2"):
        for cert in values.all_children(found.get(name), "Cert"):
            certificates.append(values.certificate_reference(cert, collector))
            cert_uri = cert_uri or (name == "SigningCertificateV2" and cert.get("URI") is not None)

    formats = tuple(_format(element) for name, element in every if name == "DataObjectFormat")
    commitments = tuple(
        commitment
        for name, element in every
        if name == "CommitmentTypeIndication" and (commitment := _commitment(element)) is not None
    )
    claimed, certified = _roles(found.get("SignerRole"), found.get("SignerRoleV2"))
    place = found.get("SignatureProductionPlaceV2")
    location = _place(found.get("SignatureProductionPlace") if place is None else place)
    return Signed(
        attributes=Attributes(
            signing_time=values.moment(found.get("SigningTime")),
            policy=_policy(found.get("SignaturePolicyIdentifier"), store),
            mime_type=next((one.mime_type for one in formats if one.mime_type), None),
            commitments=tuple(dict.fromkeys(one.identifier for one in commitments)),
            claimed_roles=claimed,
            certified_roles=certified,
            location=location,
            names=frozenset(name for name, _ in every),
        ),
        certificates=tuple(certificates),
        formats=formats,
        commitments=commitments,
        time_stamps=tuple(
            element
            for name, element in every
            if name in {"AllDataObjectsTimeStamp", "IndividualDataObjectsTimeStamp"}
        ),
        counts=MappingProxyType(counts),
        cert_uri=cert_uri,
    )


def _format(element: etree._Element) -> DataObjectFormat:
    named = element.get("ObjectReference") or ""
    mimes, encodings = values.all_children(element, "MimeType"), values.all_children(element, "Encoding")
    return DataObjectFormat(
        reference=named.removeprefix("#") or None,
        in_document=named.startswith("#") and len(named) > 1,
        mime_type=values.text(mimes[0]) if mimes else None,
        encoding=values.text(encodings[0]) if encodings else None,
        mime_types=len(mimes),
        encodings=len(encodings),
        descriptions=len(values.all_children(element, "Description")),
        identifiers=len(values.all_children(element, "ObjectIdentifier")),
    )


def _commitment(element: etree._Element) -> Commitment | None:
    identifier = values.identifier(values.child(element, "CommitmentTypeId"))
    if identifier is None:
        return None
    named = (values.text(one) or "" for one in values.all_children(element, "ObjectReference"))
    return Commitment(identifier=identifier, references=tuple(one.removeprefix("#") for one in named))


def _roles(first: etree._Element | None, second: etree._Element | None) -> tuple[tuple[str, ...], int]:
    claimed: list[str] = []
    certified = 0
    for role in (first, second):
        claimed.extend(
            " ".join(str(one.xpath("string()")).split())
            for one in values.all_children(values.child(role, "ClaimedRoles"), "ClaimedRole")
        )
        certified += len(values.all_children(values.child(role, "CertifiedRoles"), "CertifiedRole"))
        certified += len(values.all_children(values.child(role, "CertifiedRolesV2"), "CertifiedRole"))
        certified += len(values.all_children(values.child(role, "SignedAssertions"), "SignedAssertion"))
    return tuple(claimed), certified


def _place(element: etree._Element | None) -> MappingProxyType[str, str] | None:
    if element is None:
        return None
    return MappingProxyType(
        {
            _PLACE[local]: value
            for _, local, part in values.children(element)
            if local in _PLACE and (value := values.text(part)) is not None
        }
    )


def _policy(element: etree._Element | None, store: etree._Element | None) -> PolicyReference | None:
    """The policy (EN 319 132-1, 5.2.9) with its qualifiers and, if stored, its document (5.2.10)."""
    if element is None:
        return None
    named = values.child(element, "SignaturePolicyId")
    octets = values.octets(values.child(store, "SignaturePolicyDocument"))
    specification = values.identifier(values.child(store, "SPDocSpecification"))
    local_uri = values.text(values.child(store, "SigPolDocLocalURI"))
    if named is None:
        return PolicyReference(
            identifier=None, octets=octets, specification=specification, local_uri=local_uri
        )
    policy = values.child(named, "SigPolicyId")
    algorithm, value = values.digest(values.child(named, "SigPolicyHash"))
    transforms = values.child(named, "Transforms")
    uri = notice = None
    for qualifier in values.all_children(values.child(named, "SigPolicyQualifiers"), "SigPolicyQualifier"):
        for _, local, held in values.children(qualifier):
            match local:
                case "SPURI":
                    uri = uri or values.text(held)
                case "SPUserNotice":
                    notice = notice or values.text(values.child(held, "ExplicitText"))
                case "SPDocSpecification":
                    specification = specification or values.identifier(held)
                case _:
                    continue
    return PolicyReference(
        identifier=values.identifier(policy) or "",
        digest_algorithm=algorithm,
        digest=value,
        uri=uri,
        user_notice=notice,
        description=values.text(values.child(policy, "Description")),
        octets=octets,
        transforms=()
        if transforms is None
        else tuple(one.get("Algorithm") or "" for one in transforms.iterchildren(TRANSFORM)),
        specification=specification,
        local_uri=local_uri,
    )
