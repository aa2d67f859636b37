"""Signatures that a document already has, in their own words: whether they are true, validation says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.certificate import Certificate
from trustworks.core.trace import implements
from trustworks.formats.evidence import TimeStampKind
from trustworks.formats.read import read
from trustworks.formats.verification.candidates import signing_certificate
from trustworks.signing.shown.codes import found
from trustworks.signing.shown.model import Signatures, Signed

if TYPE_CHECKING:
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence, Signature
    from trustworks.signing.shown.bounds import Bounds
    from trustworks.signing.shown.model import Finding, Part

_STANDING: Final = frozenset({TimeStampKind.DOCUMENT, TimeStampKind.CONTAINER})


@implements("TS119101:SCP-17", disabled=((), ()))
def present(data: Data, bounds: Bounds) -> tuple[tuple[Part, ...], tuple[Finding, ...]]:
    """The signatures in a file of a signed format; nothing where there are none."""
    try:
        evidence = read(data, limits=bounds.limits())
    except (Malformed, Rejected) as error:
        return (), (found("signatures-unread", why=str(error)),)
    signed = tuple(_signed(one, evidence) for one in evidence.signatures)
    times = tuple(
        one.time.isoformat(timespec="seconds") for one in evidence.time_stamps if one.kind in _STANDING
    )
    if not signed and not times:
        return (), ()
    part = Signatures(signatures=signed, time_stamps=times)
    return (part,), (found("signed-already", signatures=len(signed), time_stamps=len(times)),)


def _signed(signature: Signature, evidence: Evidence) -> Signed:
    said = signature.attributes
    place = "" if said.location is None else ", ".join(dict.fromkeys(said.location.values()))
    return Signed(
        level=signature.level,
        signer=_signer(signature, evidence) or said.signer_name,
        time=None if said.signing_time is None else said.signing_time.isoformat(timespec="seconds"),
        place=place or None,
        roles=said.claimed_roles,
        reason=said.reason,
    )


def _signer(signature: Signature, evidence: Evidence) -> str | None:
    """The subject of the certificate that the signature names."""
    candidate = signing_certificate(signature, evidence)
    if candidate is None:
        return None
    try:
        return Certificate.read(evidence.certificates[candidate.id].der).subject.text or None
    except Malformed:
        return None
