"""The signature's attributes as the validation report of TS 119 102-2 lists them (annex A)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.trace import implements
from trustworks.core.xml.algorithms import DIGEST_URIS
from trustworks.formats.evidence import TimeStampKind, Where
from trustworks.validation.report.etsi.elements import VR, child, method_and_value, refer, uri
from trustworks.validation.report.words import moment

if TYPE_CHECKING:
    from trustworks.formats.evidence import Evidence, Signature

_STAMPS: Final = {
    TimeStampKind.CONTENT: "AllDataObjectsTimeStamp",
    TimeStampKind.SIGNATURE: "SignatureTimeStamp",
    TimeStampKind.REFERENCES: "RefsOnlyTimeStamp",
    TimeStampKind.SIGNATURE_AND_REFERENCES: "SigAndRefsTimeStamp",
    TimeStampKind.ARCHIVE: "ArchiveTimeStamp",
    TimeStampKind.DOCUMENT: "DocTimeStamp",
}


@implements("TS119441:SVR-8.4-11")
def signature_attributes(signature: Signature, evidence: Evidence) -> etree._Element | None:
    """SignatureAttributes; None where there is nothing to list. `evidence` has what they refer to."""
    listed = etree.Element(f"{{{VR}}}SignatureAttributes")
    _signing(listed, signature)
    _declared(listed, signature)
    _of_pdf(listed, signature)
    _unsigned(listed, signature, evidence)
    return listed if len(listed) else None


def _signing(listed: etree._Element, signature: Signature) -> None:
    """When and with which certificate, as the signer says."""
    if signature.attributes.signing_time is not None:
        child(_signed(listed, "SigningTime"), "Time", moment(signature.attributes.signing_time))
    if signature.signing_certificate:
        certificates = _signed(listed, "SigningCertificate")
        for one in signature.signing_certificate:
            method = DIGEST_URIS.get(one.digest_algorithm or "")
            if one.digest is not None and method is not None:
                method_and_value(child(certificates, "CertID"), method, one.digest)


def _declared(listed: etree._Element, signature: Signature) -> None:
    """What else the signer says of data, purpose, place and role."""
    found = signature.attributes
    if found.mime_type:
        child(_signed(listed, "DataObjectFormat"), "MimeType", found.mime_type)
    for commitment in found.commitments:
        child(_signed(listed, "CommitmentTypeIndication"), "CommitmentTypeIdentifier", uri(commitment))
    if found.policy is not None and found.policy.identifier:
        child(_signed(listed, "SigPolicyIdentifier"), "SigPolicyId", uri(found.policy.identifier))
    if found.location:
        place = _signed(listed, "SignatureProductionPlace")
        for value in found.location.values():
            child(place, "AddressString", value)
    if found.claimed_roles:
        roles = _signed(listed, "SignerRole")
        for role in found.claimed_roles:
            details = child(roles, "RoleDetails")
            child(details, "Role", role)
            child(details, "EndorsementType", "claimed")


def _of_pdf(listed: etree._Element, signature: Signature) -> None:
    """What the signature dictionary of a PDF says."""
    revision, found = signature.revision, signature.attributes
    if revision is None:
        return
    if found.reason:
        child(_signed(listed, "Reason"), "ReasonElement", found.reason)
    if found.signer_name:
        child(_signed(listed, "Name"), "NameElement", found.signer_name)
    if revision.sub_filter:
        child(_signed(listed, "SubFilter"), "SubFilterElement", revision.sub_filter)
    child(listed, "ByteRange", " ".join(map(str, revision.byte_range)))
    if revision.filter:
        child(child(listed, "Filter"), "Filter", revision.filter)


def _unsigned(listed: etree._Element, signature: Signature, evidence: Evidence) -> None:
    """Time-stamps of the signature, and validation data in it, by references to validation objects."""
    stamps = {one.id: one for one in evidence.time_stamps}
    for named in dict.fromkeys(signature.time_stamps):
        stamp = stamps.get(named)
        if stamp is not None and stamp.kind in _STAMPS:
            signed = stamp.kind is TimeStampKind.CONTENT
            attribute = child(listed, _STAMPS[stamp.kind], Signed="true" if signed else "false")
            refer(attribute, "AttributeObject", named)
            child(attribute, "TimeStampValue", moment(stamp.time))
    for name, where, tokens, used in (
        ("CertificateValues", Where.CERTIFICATE_VALUES, evidence.certificates, signature.certificates),
        ("RevocationValues", Where.REVOCATION_VALUES, evidence.revocation, signature.revocation),
    ):
        held = [
            one
            for one in dict.fromkeys(used)
            if one in tokens and any(origin.where is where for origin in tokens[one].origins)
        ]
        if held:
            refer(child(listed, name, Signed="false"), "AttributeObject", *held)


def _signed(listed: etree._Element, name: str) -> etree._Element:
    return child(listed, name, Signed="true")
