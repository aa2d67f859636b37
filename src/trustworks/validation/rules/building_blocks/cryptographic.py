"""Cryptographic verification (CV): the data is there, its digests are those signed, the value is the key's.

Source: EN 319 102-1, 5.2.7.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.formats import verification
from trustworks.formats.evidence import ReferenceKind
from trustworks.formats.verification import is_value_of
from trustworks.validation.model import SubIndication, failed, indeterminate
from trustworks.validation.rules.checks import Checks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.evidence import Reference, Signature
    from trustworks.formats.verification import Candidate
    from trustworks.validation.model import Conclusion
    from trustworks.validation.policies.constraints import Context
    from trustworks.validation.policies.policy import Policy

_NO_DATA: Final = indeterminate(SubIndication.SIGNED_DATA_NOT_FOUND)
_HASH: Final = failed(SubIndication.HASH_FAILURE)
_VALUE: Final = failed(SubIndication.SIG_CRYPTO_FAILURE)
# Not that which lacks a proof of existence: no time-stamp helps where nothing was verified.
_NOT_COMPUTED: Final = indeterminate(SubIndication.CRYPTO_CONSTRAINTS_FAILURE)


@implements("EN319102-1:5.2.7.4-1")
def data_found(reference: Reference) -> str | None:
    """What is signed is at hand."""
    if reference.found:
        return None
    return reference.why or f"{_shown(reference)} is signed, but not there. Give it beside the signed file."


@implements("EN319102-1:5.2.7.4-2")
def data_intact(reference: Reference) -> str | None:
    """The digest of what is at hand is the signed one."""
    if reference.intact or not reference.found:
        return None
    return reference.why or f"{_shown(reference)} is not what was signed: its digest is another."


@implements("EN319102-1:5.2.7.4-MANIFEST")
def entries_found(references: Sequence[Reference]) -> str | None:
    """Of the entries of a signed manifest, at least one is at hand."""
    entries = [one for one in references if one.kind is ReferenceKind.MANIFEST_ENTRY]
    if entries and not any(one.found for one in entries):
        return "A manifest is signed, but nothing that it lists is there."
    return None


@implements("EN319102-1:5.2.7.4-3")
def value_verifies(verifies: bool) -> str | None:  # noqa: FBT001 - a fact
    """The signature value was made by the key of the signing certificate over what is signed."""
    return (
        None if verifies else "The signature value does not verify with the key of the signing certificate."
    )


@implements("EN319102-1:5.2.7.4-COMPUTED")
def value_computed(why_not: str | None) -> str | None:
    """The value can be verified here: of an algorithm that is not known nobody can say that it is wrong."""
    return why_not


def why_not_computed(signature: Signature, candidate: Candidate | None, der: bytes | None) -> str | None:
    """Why the value is not verified, although there is a certificate; None where it is."""
    if candidate is None or der is None:
        return None
    return verification.why_not_computed(signature.algorithm, signature.signed, der)


def is_intact(signature: Signature, candidate: Candidate | None, der: bytes | None) -> bool:
    """Whether the value verifies; what identification found out already is not done again.

    Without a certificate the bare key is tried that came with the signature: whose it is, nobody knows then.
    """
    if candidate is None or der is None:
        key = signature.identifier.public_key if signature.identifier else None
        return key is not None and is_value_of(signature, key)
    if candidate.verifies is not None:
        return candidate.verifies
    return is_value_of(signature, der)


def verify(
    subject: str,
    references: Sequence[Reference],
    *,
    verifies: bool,
    policy: Policy,
    context: Context,
    why_not: str | None = None,
) -> Conclusion:
    """Verify references, in their order, and the value (`verifies`: what is known of it).

    `why_not` says why it was not computed.
    """
    checks = Checks("CV", subject)
    existence = policy.level(context, "reference-data-existence")
    intact = policy.level(context, "reference-data-intact")
    entry = policy.level(context, "manifest-entry-existence")
    for reference in references:
        details = (
            ("kind", reference.kind.value),
            ("name", reference.name or ""),
            ("digest", reference.digest_algorithm or ""),
        )
        if reference.mandatory:
            checks.ask(
                "cv.data-found", partial(data_found, reference), _NO_DATA, level=existence, details=details
            )
        if reference.found:
            checks.ask(
                "cv.data-intact", partial(data_intact, reference), _HASH, level=intact, details=details
            )
    if any(one.kind is ReferenceKind.MANIFEST_ENTRY for one in references):
        checks.ask("cv.manifest-entries", partial(entries_found, references), _NO_DATA, level=entry)
    if why_not is not None:
        checks.ask("cv.computed", partial(value_computed, why_not), _NOT_COMPUTED)
    checks.ask(
        "cv.value",
        partial(value_verifies, verifies),
        _VALUE,
        level=policy.level(context, "signature-intact"),
    )
    return checks.conclude()


def _shown(reference: Reference) -> str:
    return f"{reference.name!r}" if reference.name else f"The {reference.kind.value.replace('-', ' ')}"
