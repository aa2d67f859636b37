"""Every constraint that a validation policy can set, as one table: its name, its kind, what DSS calls it.

A constraint that nothing enforces is not in the table, so that a policy cannot promise it.

Source: TS 119 172-1, annex A (constraints of a signature validation policy); EN 319 102-1, 5.2.4 to 5.2.9.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from trustworks.core.values import dataclass
from trustworks.validation.model import Level


class Kind(StrEnum):
    """What a constraint has besides its level."""

    PLAIN = "plain"
    VALUES = "values"
    """A list; ``*`` stands for any value."""
    DURATION = "duration"


class Context(StrEnum):
    """What a constraint is about: the tables of a policy."""

    SIGNATURE = "signature"
    COUNTER_SIGNATURE = "counter-signature"
    TIME_STAMP = "time-stamp"
    REVOCATION = "revocation"
    EVIDENCE_RECORD = "evidence-record"
    CONTAINER = "container"


HAVE_PATHS: Final = (Context.SIGNATURE, Context.COUNTER_SIGNATURE, Context.TIME_STAMP)
"""Contexts in which a policy says what the validation of paths begins with (`path_inputs`)."""


class Section(StrEnum):
    """The tables within a context; OWN is the context's table itself."""

    OWN = ""
    SIGNING_CERTIFICATE = "signing-certificate"
    CA_CERTIFICATE = "ca-certificate"
    SIGNED_ATTRIBUTES = "signed-attributes"
    UNSIGNED_ATTRIBUTES = "unsigned-attributes"


@dataclass(frozen=True, slots=True)
class Known:
    """One constraint of the table. `default` holds where a policy is silent."""

    name: str
    dss: str
    kind: Kind = Kind.PLAIN
    default: Level = Level.IGNORE


UNSWITCHABLE: Final = frozenset(
    {
        "prospective-certificate-chain",
        "reference-data-existence",
        "reference-data-intact",
        "signature-intact",
        "data-object-intact",
    }
)
"""Names of constraints that fail whatever a policy says: without them nothing is validated at all."""

_FAIL: Final = Level.FAIL
_OF_SIGNATURES: Final = (
    Known("structure", "StructuralValidation", default=Level.WARN),
    Known("acceptable-formats", "AcceptableFormats", Kind.VALUES),
    Known("acceptable-policies", "AcceptablePolicies", Kind.VALUES),
    Known("policy-available", "PolicyAvailable", default=_FAIL),
    Known("policy-hash-match", "PolicyHashMatch", default=_FAIL),
)
_OF_TOKENS: Final = (
    Known("reference-data-existence", "ReferenceDataExistence", default=_FAIL),
    Known("reference-data-intact", "ReferenceDataIntact", default=_FAIL),
    Known("manifest-entry-existence", "ManifestEntryObjectExistence", default=Level.WARN),
    Known("signature-intact", "SignatureIntact", default=_FAIL),
    Known("prospective-certificate-chain", "ProspectiveCertificateChain", default=_FAIL),
    Known("algorithms", "Cryptographic", default=_FAIL),
)
_OF_TIME_STAMPS: Final = (
    Known("structure", "StructuralValidation", default=Level.WARN),
    Known("valid", "TimestampValid", default=Level.WARN),
    Known("delay", "TimestampDelay", Kind.DURATION),
    Known("revocation-after-best-signature-time", "RevocationTimeAgainstBestSignatureTime", default=_FAIL),
    Known(
        "best-signature-time-before-expiration",
        "BestSignatureTimeBeforeExpirationDateOfSigningCertificate",
        default=_FAIL,
    ),
    Known("order", "Coherence", default=Level.WARN),
)
_OF_CERTIFICATES: Final = (
    Known("not-expired", "NotExpired", default=_FAIL),
    Known("authority-info-access-present", "AuthorityInfoAccessPresent"),
    Known("revocation-info-access-present", "RevocationInfoAccessPresent"),
    Known("revocation-data-available", "RevocationDataAvailable", default=_FAIL),
    Known("acceptable-revocation-data-found", "AcceptableRevocationDataFound", default=_FAIL),
    Known("revocation-data-skip", "RevocationDataSkip", Kind.VALUES, _FAIL),
    Known("next-update-present", "CRLNextUpdatePresent"),
    Known("freshness", "RevocationFreshness", Kind.DURATION),
    Known("freshness-by-next-update", "RevocationFreshnessNextUpdate", default=_FAIL),
    Known("not-revoked", "NotRevoked", default=_FAIL),
    Known("not-on-hold", "NotOnHold", default=_FAIL),
    Known("revocation-issuer-not-expired", "RevocationIssuerNotExpired", default=_FAIL),
    Known("self-signed", "SelfSigned"),
    Known("not-self-signed", "NotSelfSigned"),
    Known("key-usage", "KeyUsage", Kind.VALUES),
    Known("extended-key-usage", "ExtendedKeyUsage", Kind.VALUES),
    Known("policy-identifiers", "PolicyIds", Kind.VALUES),
    Known("forbidden-extensions", "ForbiddenExtensions", Kind.VALUES),
    Known("authority-key-identifier-present", "AuthorityKeyIdentifierPresent"),
    Known("subject-key-identifier-present", "SubjectKeyIdentifierPresent"),
    Known("qualified", "QcCompliance"),
    Known("qscd", "QcSSCD"),
    Known("qualified-type", "QcType", Kind.VALUES),
    Known("country", "Country", Kind.VALUES),
    Known("common-name", "CommonName", Kind.VALUES),
    Known("organization-name", "OrganizationName", Kind.VALUES),
    Known("serial-number-present", "SerialNumberPresent"),
    Known("algorithms", "Cryptographic", default=_FAIL),
)
_OF_SIGNED_ATTRIBUTES: Final = (
    Known("signing-certificate-present", "SigningCertificatePresent"),
    Known("signing-certificate-unique", "UnicitySigningCertificate"),
    Known("certificate-digest-present", "CertDigestPresent"),
    Known("certificate-digest-match", "CertDigestMatch"),
    Known("issuer-serial-match", "IssuerSerialMatch"),
    Known("references-all-path", "ReferencesToAllCertificateChainPresent"),
    Known("references-path-only", "SigningCertificateRefersCertificateChain"),
    Known("certificate-digest-algorithm", "SigningCertificateDigestAlgorithm", default=Level.WARN),
    Known("signing-time", "SigningTime"),
    Known("signing-time-in-validity", "SigningTimeInCertRange"),
    Known("content-type", "ContentType", Kind.VALUES),
    Known("content-hints", "ContentHints", Kind.VALUES),
    Known("message-digest-or-signed-properties", "MessageDigestOrSignedPropertiesPresent"),
    Known("commitment-type", "CommitmentTypeIndication", Kind.VALUES),
    Known("signer-location", "SignerLocation"),
    Known("claimed-roles", "ClaimedRoles", Kind.VALUES),
    Known("certified-roles", "CertifiedRoles", Kind.VALUES),
    Known("content-time-stamp", "ContentTimeStamp"),
)
_OF_UNSIGNED_ATTRIBUTES: Final = (
    Known("counter-signature", "CounterSignature"),
    Known("signature-time-stamp", "SignatureTimeStamp"),
    Known("archive-time-stamp", "ArchiveTimeStamp"),
    Known("t-level-time-stamp", "TLevelTimeStamp"),
    Known("lta-level-time-stamp", "LTALevelTimeStamp"),
)
_OF_EVIDENCE_RECORDS: Final = (
    Known("data-object-existence", "DataObjectExistence", default=_FAIL),
    Known("data-object-intact", "DataObjectIntact", default=_FAIL),
    Known("data-object-found", "DataObjectFound", default=_FAIL),
    Known("valid", "EvidenceRecordValid", default=Level.WARN),
    Known("algorithms", "Cryptographic", default=_FAIL),
)
_OF_CONTAINERS: Final = (Known("acceptable-types", "AcceptableContainerTypes", Kind.VALUES),)
_OF_REVOCATION: Final = (Known("responder-authorised", "ResponderAuthorised", default=_FAIL),)

_Sections = dict[Section, tuple[Known, ...]]
_CERTIFICATES: Final[_Sections] = {
    Section.SIGNING_CERTIFICATE: _OF_CERTIFICATES,
    Section.CA_CERTIFICATE: _OF_CERTIFICATES,
}
_SIGNATURE: Final[_Sections] = {
    Section.OWN: _OF_SIGNATURES + _OF_TOKENS,
    **_CERTIFICATES,
    Section.SIGNED_ATTRIBUTES: _OF_SIGNED_ATTRIBUTES,
    Section.UNSIGNED_ATTRIBUTES: _OF_UNSIGNED_ATTRIBUTES,
}

_ALL: Final[dict[Context, _Sections]] = {
    Context.SIGNATURE: _SIGNATURE,
    Context.COUNTER_SIGNATURE: _SIGNATURE,
    Context.TIME_STAMP: {
        Section.OWN: _OF_TIME_STAMPS + _OF_TOKENS,
        **_CERTIFICATES,
        Section.SIGNED_ATTRIBUTES: _OF_SIGNED_ATTRIBUTES,
    },
    Context.REVOCATION: {Section.OWN: _OF_REVOCATION + _OF_TOKENS, **_CERTIFICATES},
    Context.EVIDENCE_RECORD: {Section.OWN: _OF_EVIDENCE_RECORDS},
    Context.CONTAINER: {Section.OWN: _OF_CONTAINERS},
}
TABLE: Final[dict[Context, dict[Section, dict[str, Known]]]] = {
    context: {section: {known.name: known for known in entries} for section, entries in sections.items()}
    for context, sections in _ALL.items()
}
"""By context and section: the constraints that may stand there."""
