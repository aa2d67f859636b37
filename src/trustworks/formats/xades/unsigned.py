"""Unsigned properties that hold certificates, revocation data and references to them.

Sources: EN 319 132-1, 5.4 and 5.5 and annex A; TS 101 903 V1.4.2, 7.4, 7.6 and 8.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from trustworks.core.values import dataclass
from trustworks.formats.evidence import CertificateReference, RevocationReference, Where
from trustworks.formats.xades import values

if TYPE_CHECKING:
    from lxml import etree

    from trustworks.formats.collector import Collector

_WHERE: Final = {
    "CertificateValues": Where.CERTIFICATE_VALUES,
    "AttrAuthoritiesCertValues": Where.ATTRIBUTE_CERTIFICATES,
    "RevocationValues": Where.REVOCATION_VALUES,
    "AttributeRevocationValues": Where.ATTRIBUTE_CERTIFICATES,
}
VALIDATION_DATA: Final = {
    "TimeStampValidationData": Where.TIME_STAMP_VALIDATION_DATA,
    "AnyValidationData": Where.ANY_VALIDATION_DATA,
}
CERTIFICATE_REFERENCES: Final = frozenset(
    {
        "CompleteCertificateRefs",
        "CompleteCertificateRefsV2",
        "AttributeCertificateRefs",
        "AttributeCertificateRefsV2",
    }
)
REVOCATION_REFERENCES: Final = frozenset({"CompleteRevocationRefs", "AttributeRevocationRefs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one unsigned property holds: ids of tokens, references to tokens."""

    certificates: tuple[str, ...] = ()
    revocation: tuple[str, ...] = ()
    certificate_references: tuple[CertificateReference, ...] = ()
    revocation_references: tuple[RevocationReference, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Names of elements whose content is not in base64."""


@dataclass(slots=True)
class _Taking:
    collector: Collector
    owner: str
    certificates: list[str] = field(default_factory=list)
    revocation: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def certificates_of(self, element: etree._Element | None, where: Where) -> None:
        for _, local, one in values.children(element):
            if local not in {"EncapsulatedX509Certificate", "OtherCertificate"}:
                continue
            der = values.octets(one) if local == "EncapsulatedX509Certificate" else None
            if der is not None:
                self.certificates.append(self.collector.certificate(der, where, self.owner))
            elif local == "EncapsulatedX509Certificate":
                self.unreadable.append(local)

    def revocation_of(self, element: etree._Element | None, where: Where) -> None:
        for group, single, take in (
            ("CRLValues", "EncapsulatedCRLValue", self.collector.revocation_list),
            ("OCSPValues", "EncapsulatedOCSPValue", self.collector.ocsp_answer),
        ):
            for one in values.all_children(values.child(element, group), single):
                der = values.octets(one)
                if der is not None:
                    self.revocation.append(take(der, where, self.owner))
                else:
                    self.unreadable.append(single)


def read_held(local: str, element: etree._Element, collector: Collector, owner: str) -> Held:
    """What a property of that local name holds; nothing for properties that hold no validation data."""
    taking = _Taking(collector, owner)
    if local in VALIDATION_DATA:
        where = VALIDATION_DATA[local]
        taking.certificates_of(values.child(element, "CertificateValues"), where)
        taking.revocation_of(values.child(element, "RevocationValues"), where)
    elif local in {"CertificateValues", "AttrAuthoritiesCertValues"}:
        taking.certificates_of(element, _WHERE[local])
    elif local in {"RevocationValues", "AttributeRevocationValues"}:
        taking.revocation_of(element, _WHERE[local])
    elif local in CERTIFICATE_REFERENCES:
        certs = values.all_children(values.child(element, "CertRefs"), "Cert")
        return Held(
            certificate_references=tuple(values.certificate_reference(cert, collector) for cert in certs)
        )
    elif local in REVOCATION_REFERENCES:
        return Held(revocation_references=_revocation_references(element))
    return Held(
        certificates=tuple(taking.certificates),
        revocation=tuple(taking.revocation),
        unreadable=tuple(dict.fromkeys(taking.unreadable)),
    )


def _revocation_references(element: etree._Element) -> tuple[RevocationReference, ...]:
    found: list[RevocationReference] = []
    for kind, group, single in (("crl", "CRLRefs", "CRLRef"), ("ocsp", "OCSPRefs", "OCSPRef")):
        for one in values.all_children(values.child(element, group), single):
            algorithm, value = values.digest(values.child(one, "DigestAlgAndValue"))
            if algorithm is not None and value is not None:
                found.append(RevocationReference(kind=kind, digest_algorithm=algorithm, digest=value))
    return tuple(found)


def referred_to(held: Held, collector: Collector) -> frozenset[str]:
    """The ids of tokens at hand whose digests the references have."""
    found = set()
    for reference in held.certificate_references:
        named = collector.token_by_digest("C", reference.digest_algorithm, reference.digest)
        if named is not None:
            found.add(named)
    for revocation in held.revocation_references:
        letter = "R" if revocation.kind == "crl" else "O"
        named = collector.token_by_digest(letter, revocation.digest_algorithm, revocation.digest)
        if named is not None:
            found.add(named)
    return frozenset(found)
