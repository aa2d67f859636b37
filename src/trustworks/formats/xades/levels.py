"""The level of a signature: the highest whose properties are all there.

Baseline levels ask for more than the extended ones of EN 319 132-2 (which took the place of BES to A), so a
signature that misses a requirement of the baseline may still be XAdES-BES or above. Where the standards leave
the order of levels open, it is that of EU DSS. Whether the properties hold what they should is validation's.

Sources: EN 319 132-1, 6.3; EN 319 132-2, 5; TS 119 132-3 for evidence records.
"""

from __future__ import annotations

from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trustworks.formats.xades.signed import DataObjectFormat, Signed

NOT_ETSI: Final = "XML-NOT-ETSI"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedReference:
    """A ds:Reference as the requirements on formats of data look at it.

    `is_data`: it is not to a part of the signature. `object_mime_type` and `object_encoding` are attributes
    of the ds:Object that it refers to, if any.
    `entries` are those of the manifest that it refers to.
    """

    id: str | None
    is_data: bool
    object_mime_type: str | None = None
    object_encoding: str | None = None
    entries: tuple[SignedReference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What levels are told apart by.

    `unsigned` counts unsigned properties by local name. `tokens` are the numbers of time-stamp tokens in
    each SignatureTimeStamp.
    """

    signed: Signed
    references: tuple[SignedReference, ...]
    key_infos: int
    canonicalizations: int
    transforms_repeated: bool
    signer_in_key_info: bool
    signer_signed_in_key_info: bool
    unsigned: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    tokens: tuple[int, ...] = ()
    stamped_in_time: bool = True
    validation_data: bool = False
    only_self_signed: bool = False
    archived: bool = False
    evidence_records: bool = False

    def count(self, *names: str) -> int:
        """How often unsigned properties of these names stand, together."""
        return sum(self.unsigned.get(name, 0) for name in names)

    def signed_count(self, *names: str) -> int:
        """How often signed properties of these names stand, together."""
        return sum(self.signed.counts.get(name, 0) for name in names)


def level_of(facts: Facts) -> str:  # noqa: PLR0911 - a level each
    """The name of the level, such as ``XAdES-BASELINE-LTA``, ``XAdES-C``, ``XML-NOT-ETSI``."""
    if not is_bes(facts):
        return NOT_ETSI
    baseline = is_baseline_b(facts)
    if not is_t(facts):
        if baseline:
            return "XAdES-BASELINE-B"
        return "XAdES-EPES" if is_epes(facts) else "XAdES-BES"
    baseline = baseline and is_baseline_t(facts)
    if baseline and is_lt(facts) and is_baseline_lt(facts):
        return _sealed(facts, archived="XAdES-BASELINE-LTA", otherwise="XAdES-BASELINE-LT")
    if is_c(facts):
        return _with_references(facts)
    if is_lt(facts):
        return _sealed(facts, archived="XAdES-A", otherwise="XAdES-LT")
    return "XAdES-BASELINE-T" if baseline else "XAdES-T"


def _sealed(facts: Facts, *, archived: str, otherwise: str) -> str:
    if facts.evidence_records:
        return "XAdES-ERS"
    return archived if facts.archived else otherwise


def _with_references(facts: Facts) -> str:
    stamped = facts.count(
        "RefsOnlyTimeStamp", "RefsOnlyTimeStampV2", "SigAndRefsTimeStamp", "SigAndRefsTimeStampV2"
    )
    if is_lt(facts):
        if facts.evidence_records:
            return "XAdES-ERS"
        if facts.archived:
            return "XAdES-A"
        if stamped:
            return "XAdES-XL"
    return "XAdES-X" if stamped else "XAdES-C"


@implements("EN319132-2:5.1", disabled=lambda _facts: True)
def is_bes(facts: Facts) -> bool:
    """Signed properties of XAdES: each at most once, and one of them names the signing certificate."""
    named = facts.signed_count("SigningCertificate", "SigningCertificateV2")
    return (
        facts.signed_count("SigningTime") <= 1
        and named <= 1
        and all(fits(found, one) for found, one in _formats(facts))
        and _one_place_and_role(facts)
        and (named == 1 or facts.signer_signed_in_key_info)
    )


def _one_place_and_role(facts: Facts) -> bool:
    return (
        facts.signed_count("SignatureProductionPlace", "SignatureProductionPlaceV2") <= 1
        and facts.signed_count("SignerRole", "SignerRoleV2") <= 1
    )


def _formats(facts: Facts) -> Iterator[tuple[SignedReference | None, DataObjectFormat]]:
    """Each DataObjectFormat with the reference, of SignedInfo or a signed manifest, that it is about."""
    by_id: dict[str, SignedReference] = {}
    for reference in facts.references:
        for one in (reference, *reference.entries):
            if one.id is not None:
                by_id.setdefault(one.id, one)
    for about in facts.signed.formats:
        yield by_id.get(about.reference or "") if about.in_document else None, about


@implements("EN319132-1:5.2.4", disabled=lambda _found, _one: True)
def fits(found: SignedReference | None, one: DataObjectFormat) -> bool:
    """A DataObjectFormat says something of signed data, and nothing else than the ds:Object says itself.

    `found` is the reference to the data, None where it names none.
    """
    if not (one.descriptions == 1 or one.identifiers == 1 or one.mime_types == 1):
        return False
    return (
        found is not None
        and (one.mime_type is None or found.object_mime_type in {None, one.mime_type})
        and (one.encoding is None or found.object_encoding in {None, one.encoding})
    )


@implements("EN319132-2:5.2", disabled=lambda _facts: True)
def is_epes(facts: Facts) -> bool:
    """A signature policy is named; its document is stored only beside its digest."""
    policy = facts.signed.attributes.policy
    stored = facts.count("SignaturePolicyStore")
    return (
        facts.signed_count("SignaturePolicyIdentifier") == 1
        and stored <= 1
        and (stored == 0 or (policy is not None and policy.digest_algorithm is not None))
    )


@implements("EN319132-1:6.3-B", disabled=lambda _facts: True)
def is_baseline_b(facts: Facts) -> bool:
    """The properties of baseline B, each as often as table 2 allows."""
    return (
        facts.key_infos == 1
        and facts.canonicalizations == 1
        and len(facts.references) > 1
        and not facts.transforms_repeated
        and facts.signed_count("SigningTime") == 1
        and facts.signed_count("SigningCertificate", "SigningCertificateV2") == 1
        and all(_is_baseline_format(found, one) for found, one in _formats(facts))
        and _one_place_and_role(facts)
        and facts.signed_count("SignaturePolicyIdentifier") <= 1
        and facts.count("SignaturePolicyStore") <= 1
        and facts.signer_in_key_info
        and not facts.signed.cert_uri
        and has_formats(facts)
    )


def _is_baseline_format(found: SignedReference | None, one: DataObjectFormat) -> bool:
    return (
        fits(found, one)
        and one.mime_types == 1
        and one.encodings <= 1
        and one.descriptions <= 1
        and one.identifiers <= 1
    )


@implements("EN319132-1:6.3-k", disabled=lambda _facts: True)
def has_formats(facts: Facts) -> bool:
    """Every signed data object whose reference has an Id has a DataObjectFormat."""
    named = {one.reference for one in facts.signed.formats}
    return all(one.id in named for one in facts.references if one.is_data and one.id)


@implements("EN319132-2:5.3", disabled=lambda _facts: True)
def is_t(facts: Facts) -> bool:
    """A time-stamp over the signature value, from before the signing certificate's end."""
    return sum(facts.tokens) > 0 and all(facts.tokens) and facts.stamped_in_time


@implements("EN319132-1:6.3-n", disabled=lambda _facts: True)
def is_baseline_t(facts: Facts) -> bool:
    """Each SignatureTimeStamp has one token."""
    return all(number == 1 for number in facts.tokens)


@implements("EN319132-2:5.4", disabled=lambda _facts: True)
def is_c(facts: Facts) -> bool:
    """References to all certificates and to all revocation data, once each."""
    certificates = facts.count("CompleteCertificateRefs", "CompleteCertificateRefsV2")
    revocation = facts.count("CompleteRevocationRefs")
    needed = 0 if facts.only_self_signed else 1
    return needed <= certificates <= 1 and needed <= revocation <= 1


@implements("EN319132-1:6.3-LT", disabled=lambda _facts: True)
def is_lt(facts: Facts) -> bool:
    """What validation needs of certificates and revocation data is in the signature."""
    if facts.only_self_signed:
        return facts.count("CertificateValues", "AttrAuthoritiesCertValues", *_VALIDATION_DATA) > 0
    return facts.validation_data


_VALIDATION_DATA: Final = ("TimeStampValidationData", "AnyValidationData")
_ONCE: Final = (
    "CertificateValues",
    "RevocationValues",
    "AttrAuthoritiesCertValues",
    "AttributeRevocationValues",
)


@implements("EN319132-1:6.3-LT-references", disabled=lambda _facts: True)
def is_baseline_lt(facts: Facts) -> bool:
    """Values stand once, and references to them not at all."""
    return all(facts.count(name) <= 1 for name in _ONCE) and not facts.count(
        "CompleteCertificateRefs",
        "CompleteCertificateRefsV2",
        "CompleteRevocationRefs",
        "SigAndRefsTimeStamp",
        "SigAndRefsTimeStampV2",
        "RefsOnlyTimeStamp",
        "RefsOnlyTimeStampV2",
    )
