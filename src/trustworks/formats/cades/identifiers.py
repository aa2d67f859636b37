"""Object identifiers of unsigned attributes.

Source: EN 319 122-1, 5.3 to 5.5; RFC 5126, 6; RFC 4998, A; RFC 5940, 2.
"""

from __future__ import annotations

from typing import Final

_AA: Final = "1.2.840.113549.1.9.16.2"
CONTENT_TIME_STAMP: Final = f"{_AA}.20"
SIGNATURE_TIME_STAMP: Final = f"{_AA}.14"
COMPLETE_CERTIFICATE_REFERENCES: Final = f"{_AA}.21"
COMPLETE_REVOCATION_REFERENCES: Final = f"{_AA}.22"
CERTIFICATE_VALUES: Final = f"{_AA}.23"
REVOCATION_VALUES: Final = f"{_AA}.24"
ESC_TIME_STAMP: Final = f"{_AA}.25"
CERTS_CRLS_TIME_STAMP: Final = f"{_AA}.26"
ARCHIVE_TIME_STAMP: Final = f"{_AA}.27"
ATTRIBUTE_CERTIFICATE_REFERENCES: Final = f"{_AA}.44"
ATTRIBUTE_REVOCATION_REFERENCES: Final = f"{_AA}.45"
ARCHIVE_TIME_STAMP_V2: Final = f"{_AA}.48"
EVIDENCE_RECORD_INTERNAL: Final = f"{_AA}.49"
EVIDENCE_RECORD_EXTERNAL: Final = f"{_AA}.50"
LONG_TERM_VALIDATION: Final = "0.4.0.1733.2.2"
ARCHIVE_TIME_STAMP_V3: Final = "0.4.0.1733.2.4"
ATS_HASH_INDEX: Final = "0.4.0.1733.2.5"
ATS_HASH_INDEX_V2: Final = "0.4.0.19122.1.4"
ATS_HASH_INDEX_V3: Final = "0.4.0.19122.1.5"
SIGNATURE_POLICY_STORE: Final = "0.4.0.19122.1.3"
COUNTER_SIGNATURE: Final = "1.2.840.113549.1.9.6"
OCSP_RESPONSE: Final = "1.3.6.1.5.5.7.16.2"

ARCHIVE_TIME_STAMPS: Final = frozenset({ARCHIVE_TIME_STAMP, ARCHIVE_TIME_STAMP_V2, ARCHIVE_TIME_STAMP_V3})
HASH_INDEXES: Final = (ATS_HASH_INDEX_V3, ATS_HASH_INDEX_V2, ATS_HASH_INDEX)
FORMS: Final = {
    CONTENT_TIME_STAMP: "content-time-stamp",
    SIGNATURE_TIME_STAMP: "signature-time-stamp",
    ESC_TIME_STAMP: "cades-c-time-stamp",
    CERTS_CRLS_TIME_STAMP: "time-stamped-certs-crls-references",
    ARCHIVE_TIME_STAMP: "archive-time-stamp",
    ARCHIVE_TIME_STAMP_V2: "archive-time-stamp-v2",
    ARCHIVE_TIME_STAMP_V3: "archive-time-stamp-v3",
    LONG_TERM_VALIDATION: "long-term-validation",
    EVIDENCE_RECORD_INTERNAL: "rfc4998-internal",
    EVIDENCE_RECORD_EXTERNAL: "rfc4998-external",
}
"""What the attributes that hold tokens are called in evidence (`TimeStamp.form`, `EvidenceRecord.form`)."""
