"""What the level of a JAdES signature, and the intactness of its payload, depend on beside its headers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustworks.formats.evidence import ReferenceKind
from trustworks.formats.verification import candidates_among, is_value_of
from trustworks.formats.verification.validation_data import certificate_end, has_validation_data

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.formats.collector import Collector
    from trustworks.formats.evidence import CertificateReference, Reference, Signature
    from trustworks.formats.jades.unsigned import Gathered

_BY_VALUE = frozenset({ReferenceKind.CONTENT, ReferenceKind.COUNTER_SIGNED, ReferenceKind.SIGNED_PROPERTIES})


def end_of_certificate(signature: Signature, collector: Collector) -> datetime | None:
    """When the signing certificate ends; None where it is not at hand."""
    named = _first(signature.signing_certificate, collector)
    return None if named is None else certificate_end(collector.token(named) or b"")


def is_complete(signature: Signature, found: Gathered) -> bool:
    """Whether there is status data for the signing certificate.

    What is above it may be trusted as it is: only who validates knows up to where status has to be shown.
    """
    collector = found.collector
    named = _first(signature.signing_certificate, collector)
    return has_validation_data(
        [] if named is None else [collector.token(named) or b""],
        (),
        {token: collector.token(token) or b"" for token in found.revocation},
    )


def _first(references: tuple[CertificateReference, ...], collector: Collector) -> str | None:
    for reference in references[:1]:
        return collector.token_by_digest("C", reference.digest_algorithm, reference.digest)
    return None


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
