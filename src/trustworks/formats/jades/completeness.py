"""What the level of a JAdES signature, and the intactness of its payload, depend on beside its headers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustworks.formats.evidence import ReferenceKind
from trustworks.formats.verification import candidates_among, is_value_of
from trustworks.formats.verification.validation_data import (
    certificate_end,
    is_complete,
    signer_of,
    without_last_archive,
)

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.formats.collector import Collector
    from trustworks.formats.evidence import Reference, Signature
    from trustworks.formats.jades.unsigned import Gathered

_BY_VALUE = frozenset({ReferenceKind.CONTENT, ReferenceKind.COUNTER_SIGNED, ReferenceKind.SIGNED_PROPERTIES})


def end_of_certificate(signature: Signature, collector: Collector) -> datetime | None:
    """When the signing certificate ends; None where it is not at hand."""
    named = signer_of(signature, collector)
    return None if named is None else certificate_end(collector.token(named) or b"")


def has_validation_data(signature: Signature, found: Gathered) -> bool:
    """Whether there is status data for the signer and for time-stamps; see `verification.validation_data`."""
    own = set(found.time_stamps)
    stamps = without_last_archive(one for one in found.collector.time_stamps if one.id in own)
    return is_complete(
        signature,
        (one.signature for one in stamps),
        found.collector,
        certificates=found.certificates,
        revocation=found.revocation,
    )


def by_value(signature: Signature, collector: Collector) -> tuple[Reference, ...]:
    """The references, those without a digest of their own intact where the signature value verifies.

    A JWS holds no digest of its payload: whether that is what was signed, only the value tells, and the
    signer's certificate has to be at hand for it. Without one nothing is said against the payload.
    """
    if not any(_has_no_digest(reference) for reference in signature.references):
        return signature.references
    certificates = collector.certificates()
    found = candidates_among(signature, certificates)
    if not found or any(is_value_of(signature, certificates[one.id].der) for one in found):
        return signature.references
    why = "The signature value does not verify over it, and nothing else tells what it was."
    return tuple(
        replace(reference, intact=False, why=why, covers=frozenset())
        if _has_no_digest(reference)
        else reference
        for reference in signature.references
    )


def _has_no_digest(reference: Reference) -> bool:
    return reference.found and reference.intact and reference.expected is None and reference.kind in _BY_VALUE
