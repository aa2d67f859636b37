"""Own output, looked at by our own reader before it is given out: value, references, structure, level.

Source: EN 319 102-1, 4.2.10 (the signer's own verification); the readers are those of validation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.formats.adding import State, check_unbroken
from trustworks.formats.evidence import Weight
from trustworks.formats.verification import is_of_any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trustworks.formats.augmenting import Opened, Target
    from trustworks.formats.dtbs import Dtbs
    from trustworks.formats.evidence import Evidence, Finding

_DIGEST = "sha256"
_WITH_ANOTHER = 2


def made_in(opened: Opened, dtbs: Dtbs) -> Target:
    """The signature in a file that is over what was prepared.

    Raises `Rejected` (``signature.own``) where there is none, or it does not hold.
    """
    hash_name = dtbs.hash_name or _DIGEST
    wanted = dtbs.data.digest(hash_name)
    evidence = opened.evidence
    for one in reversed(evidence.signatures):
        if one.signed.digest(hash_name) == wanted:
            target = opened.target(one.id)
            check_own(target)
            return target
    raise Rejected(
        "signature.own",
        "The signature is not found again in the file that was made, which is not given out. Please report "
        "it.",
    )


@implements("TRUSTWORKS:SIGNING-OWN-VERIFIED")
def check_own(target: Target) -> None:
    """A signature holds by our own reader. Raises `Rejected` (``signature.own``) where it does not."""
    one = target.signature
    if any(ref.mandatory and not ref.found for ref in one.references):
        raise Rejected(
            "signature.data",
            "The data that the signature is over is not at hand. Give it beside the file (detached).",
        )
    # What need not be there, an entry of a manifest, has to be right where it is.
    broken = [ref for ref in one.references if ref.found and not ref.intact]
    if broken or not one.references or not is_of_any(one, target.evidence.certificates):
        raise Rejected(
            "signature.own",
            "The signature does not hold by our own reader: a reference or its value is wrong. It is not "
            "given out: look at the key, and whether a document was changed meanwhile.",
        )


@implements("TRUSTWORKS:SIGNING-OTHERS-KEPT")
def check_kept(after: Evidence, before: Callable[[], Evidence | None]) -> None:
    """Other signatures and time-stamps of the file still hold, as far as they did.

    `before` answers what was in the file, if it was one that was signed. Raises `Rejected`
    (``signing.breaks``) where one of them would not.
    """
    if len(after.signatures) < _WITH_ANOTHER and not after.time_stamps and not after.evidence_records:
        return
    was = before()
    if was is None:
        return
    try:
        check_unbroken(State.of_evidence(was), State.of_evidence(after))
    except Rejected as error:
        raise Rejected(
            "signing.breaks",
            "Another signature of the file, or a time-stamp, is over the place into which this one would go, "
            "and would not hold any more: it was not made with room for others beside it. Sign in a file of "
            "its own (detached), or put the file into an ASiC-E and sign that.",
        ) from error


@implements("TRUSTWORKS:SIGNING-OWN-SOUND")
def check_sound(after: Evidence, before: Callable[[], Evidence | None], named: str) -> None:
    """The new signature, and the file, have no fault of structure that was not there before.

    One for which the whole file is refused by who validates must not be there at all. `before` answers what
    was in the file, if it was one that was signed. Raises `Rejected` (``signature.own``).
    """
    own = next(one.findings for one in after.signatures if one.id == named)
    found = [one for one in (*after.findings, *own) if one.weight is not Weight.NOTE]
    if not found:
        return
    broken = next((one for one in after.findings if one.weight is Weight.FATAL), None)
    if broken is not None:
        raise Rejected(
            "signature.own",
            f"The signature is not given out, for no file with this in it is taken for a signed one: "
            f"{broken.text} Take that out, or sign the document in a file of its own (detached).",
        )
    was = before()
    known = set() if was is None else {_told(one) for one in _findings(was)}
    for one in found:
        if _told(one) not in known:
            raise Rejected("signature.own", f"The signature is not given out. {one.text}")


def _findings(evidence: Evidence) -> Iterable[Finding]:
    yield from evidence.findings
    for one in evidence.signatures:
        yield from one.findings


def _told(one: Finding) -> tuple[str, str]:
    return one.code, one.text
