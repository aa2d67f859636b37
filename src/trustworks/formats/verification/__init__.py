"""Whether a signature value is one of a key, and which certificate a signature is of."""

from trustworks.formats.verification.candidates import (
    MOST_TRIED,
    Candidate,
    ReferenceMatch,
    candidates,
    candidates_among,
    is_of_any,
    same_name,
    signing_certificate,
)
from trustworks.formats.verification.value import (
    HASH_OIDS,
    HASHES_BY_OID,
    is_value_of,
    plain_value,
    public_key,
    public_key_info,
    verifies,
    why_not_computed,
)

__all__ = [
    "HASHES_BY_OID",
    "HASH_OIDS",
    "MOST_TRIED",
    "Candidate",
    "ReferenceMatch",
    "candidates",
    "candidates_among",
    "is_of_any",
    "is_value_of",
    "plain_value",
    "public_key",
    "public_key_info",
    "same_name",
    "signing_certificate",
    "verifies",
    "why_not_computed",
]
