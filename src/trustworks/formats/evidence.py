"""The evidence graph: what a signed file holds, the same for every format, and nothing about its worth.

Readers of formats fill it (`collector`); validation judges it and never looks at the file again. Objects
refer to each other by ids, which are a letter and a SHA-256: ``C-`` certificate, ``R-`` revocation list,
``O-`` OCSP answer, ``S-`` signature, ``T-`` time-stamp, ``E-`` evidence record, ``D-`` data object. The same
octets have the same id wherever they stand, so that a proof of existence for one is one for all.

Source: EN 319 102-1, 5.1 (inputs of validation); TS 119 102-2, 4.4 (validation objects).
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from trustworks.core.values import dataclass
from trustworks.formats.findings import FINDINGS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from trustworks.formats.data import Data


class Format(StrEnum):
    """The format of one signature; what it is in, is `Container`."""

    XADES = "XAdES"
    CADES = "CAdES"
    PADES = "PAdES"
    JADES = "JAdES"


class Container(StrEnum):
    """What holds signatures and signed data together."""

    NONE = "none"
    ASIC_S = "ASiC-S"
    ASIC_E = "ASiC-E"
    OPEN_DOCUMENT = "OpenDocument"


class Where(StrEnum):
    """The place in which a token was found."""

    KEY_INFO = "key-info"
    """Beside the signature value: ds:KeyInfo, certificates of CMS, x5c."""
    CERTIFICATE_VALUES = "certificate-values"
    REVOCATION_VALUES = "revocation-values"
    ATTRIBUTE_CERTIFICATES = "attribute-certificates"
    TIME_STAMP_VALIDATION_DATA = "time-stamp-validation-data"
    ANY_VALIDATION_DATA = "any-validation-data"
    CMS_SIGNED_DATA = "cms-signed-data"
    """In the CMS of the signature, or in an unsigned attribute of it, without belonging to the list above."""
    DSS_DICTIONARY = "dss-dictionary"
    VRI_DICTIONARY = "vri-dictionary"
    ADBE_REVOCATION_INFO = "adbe-revocation-info"
    OCSP_ANSWER = "ocsp-answer"
    EVIDENCE_RECORD = "evidence-record"
    OUTSIDE = "outside"
    """Given by who asks, fetched, or out of a trusted list."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a token was found, and the id of the object that it was found in (None: in the file itself)."""

    where: Where
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A certificate, revocation list or OCSP answer (the BasicOCSPResponse or the whole), as it was found.

    `der` are the octets of the file, also where they are BER or cannot be read: that is for who uses them.
    """

    id: str
    der: bytes
    origins: tuple[Origin, ...]


class Weight(StrEnum):
    """What a finding about the structure means to a verdict."""

    FATAL = "fatal"
    """The structure is not what the format asks for: FORMAT_FAILURE."""
    SUSPICIOUS = "suspicious"
    """The cryptography holds, and what is shown may not be what was signed: a policy decides."""
    NOTE = "note"
    """Worth telling, and no reason to doubt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about the structure. `code` is one of `FINDINGS`, and stable; `text` is a sentence."""

    code: str
    text: str
    weight: Weight
    requirement: str | None = None

    def __post_init__(self) -> None:
        """A code that no register has could be named by no policy."""
        if self.code not in FINDINGS:
            raise ValueError(f"The finding {self.code} is not in the register, formats/findings.py.")


class ReferenceKind(StrEnum):
    """What one digest that is signed (or time-stamped) is the digest of."""

    CONTENT = "content"
    """The data: message-digest of CMS, a ds:Reference to data, a byte range, a JWS payload, a sigD entry."""
    SIGNED_PROPERTIES = "signed-properties"
    KEY_INFO = "key-info"
    OBJECT = "object"
    MANIFEST = "manifest"
    MANIFEST_ENTRY = "manifest-entry"
    COUNTER_SIGNED = "counter-signed"
    """The value of the signature that is countersigned."""
    IMPRINT = "imprint"
    """The message imprint of a time-stamp."""
    ARCHIVE_OBJECT = "archive-object"
    """A data object of an evidence record or of an archive time-stamp's index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A digest that is signed, and what it was found to be the digest of.

    `found`: what it names is at hand. `intact`: found, and `actual` is `expected`. A reference whose hash
    function cannot be computed is found and not intact, with `actual` None and a sentence in `why`. A JWS has
    no digest of its payload: `expected` is None, and it is intact where the value verifies over it. `covers`
    are ids of the objects (data, signatures, ...) whose octets the digest protects. `mandatory` is False for
    what may be absent without harm, as may be entries of a ds:Manifest, and what a time-stamp was over.
    """

    kind: ReferenceKind
    name: str | None
    digest_algorithm: str | None
    expected: bytes | None
    actual: bytes | None
    found: bool
    intact: bool
    mandatory: bool = True
    id: str | None = None
    type: str | None = None
    transforms: tuple[str, ...] = ()
    covers: frozenset[str] = frozenset()
    why: str | None = None


class ScopeKind(StrEnum):
    """How much of a data object a signature covers."""

    FULL = "full"
    PARTIAL = "partial"
    DIGEST = "digest"
    """Only the digest of the data was at hand."""
    MANIFEST = "manifest"
    MANIFEST_ENTRY = "manifest-entry"
    COUNTER_SIGNATURE = "counter-signature"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a signature or a time-stamp covers, for people: a file, a part of one, another signature.

    `data` gives the octets that were digested where they can be extracted. `id` is that of the data object.
    """

    kind: ScopeKind
    name: str
    text: str
    transforms: tuple[str, ...] = ()
    data: Data | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """How a value was made.

    `scheme`: ``rsa-pkcs1`` ``rsa-pss`` ``ecdsa`` ``eddsa`` ``mldsa`` ``dsa``, or what it calls itself. `name`
    is the identifier in the file (OID, URI, JOSE name). `digest` is a name of `data.HASHES`, None where the
    scheme has its own; `mask_digest` and `salt` (octets) are of PSS. `plain` says that an ECDSA or DSA value
    is r and s side by side, and not DER.
    """

    name: str
    scheme: str
    digest: str | None
    mask_digest: str | None = None
    salt: int | None = None
    plain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateReference:
    """The digest of a certificate in a signed attribute or in references to validation data.

    `issuer` is the DER of the issuer's Name, `serial` its number, where the reference has them.
    """

    digest_algorithm: str | None
    digest: bytes | None
    issuer: bytes | None = None
    serial: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationReference:
    """The digest of a revocation list (``crl``) or OCSP answer (``ocsp``), in references to such data."""

    kind: str
    digest_algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerIdentifier:
    """Who signed, as the unprotected part says: issuer and serial, key identifier, or a bare key (SPKI)."""

    issuer: bytes | None = None
    serial: int | None = None
    key_identifier: bytes | None = None
    public_key: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReference:
    """The signature policy that a signature names. `identifier` None: the implied policy.

    `octets` is the policy document where the signature stores it, `local_uri` where it says to find it.
    `zero` says that its hash is the agreed zero value, which stands for no hash. `transforms` are what the
    document goes through before it is digested, `specification` says how else its digest is made.
    """

    identifier: str | None
    digest_algorithm: str | None = None
    digest: bytes | None = None
    zero: bool = False
    uri: str | None = None
    user_notice: str | None = None
    description: str | None = None
    octets: bytes | None = None
    transforms: tuple[str, ...] = ()
    specification: str | None = None
    local_uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """Signed attributes in the words of EN 319 102-1, 5.2.8 that all formats share; None: not there."""

    signing_time: datetime | None = None
    policy: PolicyReference | None = None
    content_type: str | None = None
    mime_type: str | None = None
    commitments: tuple[str, ...] = ()
    claimed_roles: tuple[str, ...] = ()
    certified_roles: int = 0
    location: Mapping[str, str] | None = None
    content_hints: str | None = None
    content_identifier: bytes | None = None
    content_reference: bytes | None = None
    reason: str | None = None
    signer_name: str | None = None
    names: frozenset[str] = frozenset()
    """Of every signed attribute, known or not, as the format calls it (OID, element, header)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """Of a PDF signature: its field, the octets that it covers, and what was changed after it.

    `byte_range` are the four numbers. `later` are findings about changes in later revisions, each judged
    against what the document permits (ISO 32000-2, 12.8.2.2).
    """

    field: str
    byte_range: tuple[int, int, int, int]
    number: int
    covers_all_of_it: bool
    permissions: int | None = None
    later: tuple[Finding, ...] = ()
    filter: str | None = None
    sub_filter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature, counter-signature, or the signature of a time-stamp token.

    `signed` is what the value was computed over: canonical SignedInfo, DER of the signed attributes (as SET
    OF) or the content itself, JWS signing input; a `Data`, for content may be large. `level` is named as
    ``XAdES-BASELINE-B``, ``CAdES-A``, ``XML-NOT-ETSI``. `parent` is the signature that this one countersigns.
    `key_info` are ids of certificates that came beside the value, in order. `certificates` and `revocation`
    are ids of all tokens that came with this signature, `key_info` and those of its time-stamps included.
    """

    id: str
    format: Format
    level: str
    algorithm: Algorithm
    value: bytes
    signed: Data
    references: tuple[Reference, ...]
    attributes: Attributes
    scopes: tuple[Scope, ...] = ()
    signing_certificate: tuple[CertificateReference, ...] = ()
    identifier: SignerIdentifier | None = None
    key_info: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    revocation: tuple[str, ...] = ()
    certificate_references: tuple[CertificateReference, ...] = ()
    revocation_references: tuple[RevocationReference, ...] = ()
    time_stamps: tuple[str, ...] = ()
    counter_signatures: tuple[str, ...] = ()
    evidence_records: tuple[str, ...] = ()
    parent: str | None = None
    file: str | None = None
    revision: Revision | None = None
    name: str | None = None
    """What the file itself calls it: an XML Id, a field's name."""
    findings: tuple[Finding, ...] = ()


class TimeStampKind(StrEnum):
    """What a time-stamp is for."""

    CONTENT = "content"
    SIGNATURE = "signature"
    REFERENCES = "references"
    SIGNATURE_AND_REFERENCES = "signature-and-references"
    ARCHIVE = "archive"
    DOCUMENT = "document"
    CONTAINER = "container"
    EVIDENCE_RECORD = "evidence-record"
    DETACHED = "detached"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStamp:
    """A time-stamp token: its TSTInfo, its own signature, what it is over.

    `references`: first the message imprint (kind IMPRINT; `found` when what it covers could be brought
    together, `intact` when the digests are equal), then further ones that must hold (entries of a manifest,
    of an archive index). `covers` are the ids of all objects for which it proves existence at `time`, whether
    it is intact or not: certificates, revocation data, signatures, earlier time-stamps, evidence records,
    data. `form` tells kinds of one purpose apart, such as ``archive-time-stamp-v3``.
    """

    id: str
    kind: TimeStampKind
    der: bytes
    time: datetime
    imprint_algorithm: str
    references: tuple[Reference, ...]
    signature: Signature
    covers: frozenset[str]
    owner: str | None = None
    form: str | None = None
    policy: str | None = None
    serial: int | None = None
    accuracy: float | None = None
    """Seconds."""
    ordering: bool = False
    scopes: tuple[Scope, ...] = ()
    file: str | None = None
    revision: Revision | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRecord:
    """An evidence record (RFC 4998, RFC 6283): chains of archive time-stamps over hash trees.

    `time_stamps` are ids in order of time. `references` are its data objects and the links from one archive
    time-stamp to the next: what must be intact for the record to prove that `covers` existed at the first.
    `octets` are those of the record as it was found.
    """

    id: str
    form: str
    references: tuple[Reference, ...]
    time_stamps: tuple[str, ...]
    covers: frozenset[str]
    owner: str | None = None
    file: str | None = None
    scopes: tuple[Scope, ...] = ()
    findings: tuple[Finding, ...] = ()
    octets: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All of it: one signed file (with the detached data that was given), as found.

    `signatures` holds signatures and their counter-signatures, in the order of the file; `time_stamps` those
    inside signatures too. `findings` are about the file as a whole.
    """

    container: Container
    media_type: str | None
    data: Mapping[str, Data]
    signatures: tuple[Signature, ...]
    time_stamps: tuple[TimeStamp, ...]
    evidence_records: tuple[EvidenceRecord, ...]
    certificates: Mapping[str, Token]
    revocation: Mapping[str, Token]
    findings: tuple[Finding, ...] = ()
