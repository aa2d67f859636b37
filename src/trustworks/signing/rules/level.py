"""Whether a signature has the level that was asked for; if not, which data it lacks.

A lower level than the one that was asked for is never given out in its place.
Sources: EN 319 122-1, EN 319 132-1, EN 319 142-1 and TS 119 182-1, 6.3 (what a level holds); EN 319 102-1,
4.3 (classes of signatures).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.certificate import Certificate
from trustworks.core.trace import implements
from trustworks.formats.evidence import Format, TimeStampKind
from trustworks.formats.verification import candidates, is_of_any
from trustworks.formats.verification.validation_data import AtHand, certificate_begin, certificate_end
from trustworks.signing.model import Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from trustworks.core.pki.building import TrustAnchors
    from trustworks.formats.evidence import Evidence, Signature, TimeStamp

_NONE: Final = -1
_BASELINE: Final[Mapping[str, int]] = {one.value.removeprefix("B-"): one.rank for one in Level}
_EXTENDED: Final[Mapping[str, int]] = {
    **dict.fromkeys(("BES", "EPES"), Level.B.rank),
    **dict.fromkeys(("T", "C", "X"), Level.T.rank),
    **dict.fromkeys(("LT", "XL"), Level.LT.rank),
    **dict.fromkeys(("A", "LTV", "ERS"), Level.LTA.rank),
}
OVER_VALUE: Final = frozenset({TimeStampKind.SIGNATURE, TimeStampKind.DOCUMENT})
"""Time-stamps that show when a signature was there already."""
_OVER_ALL: Final = frozenset({TimeStampKind.ARCHIVE, TimeStampKind.DOCUMENT, TimeStampKind.CONTAINER})
_LACKS: Final = {
    "issuer": "the certificate of the issuer of {}",
    "status": "revocation data about {}",
    "responder": "the certificates (or their status) of who answered about {}",
}

_WANTS: Final[Mapping[Level, str]] = {
    Level.B: "the time and the certificate of the signer in what is signed, and that certificate beside the "
    "value",
    Level.T: "time-stamps over the value of one token each, all from before the end of the signer's "
    "certificate",
    Level.LT: "certificates and revocation data themselves in their places, and no references to them",
    Level.LTA: "an archive time-stamp of the baseline over all of it",
}


def rank_of(level: str, *, extended: bool = False) -> int:
    """How much a signature holds, as the rank of a `Level`, by its name in `formats.evidence`; -1: less.

    With `extended` those levels count too that are not of the baseline, by what they hold.
    """
    family, _, name = level.partition("-BASELINE-")
    if name:
        return _BASELINE.get(name, _NONE)
    family, _, name = level.partition("-")
    if not extended:
        return _NONE
    return (_BASELINE if family == "PKCS7" else _EXTENDED).get(name, _NONE)


@implements("ART24-2-E:D-1-e", "EN419111:2-EXPORT")
def check_level(
    evidence: Evidence,
    signature: Signature,
    asked: Level,
    *,
    anchors: TrustAnchors | None = None,
    extended: bool = False,
) -> None:
    """The signature has the level that was asked for, or a higher one.

    `evidence` was read with the same `anchors`, up to whom a path goes. `extended`: see `rank_of`; for who
    adds to signatures that are not of the baseline.

    Raises:
        Rejected: ``signature.level``: it has not, and the sentence says what is missing.
    """
    lacking = (
        ()
        if rank_of(signature.level, extended=extended) >= asked.rank
        else tuple(missing(evidence, signature, asked, anchors))
    )
    is_reached(signature.level, asked, lacking, extended=extended)


@implements(
    "TRUSTWORKS:SIGNING-LEVEL-REACHED",
    "TS119101:SCP-37",
    "TS119101:SCP-82",
    "TS119101:SAP-7",
    "EN419111:2-ATTRIBUTES-RIGHT",
)
def is_reached(reached: str, asked: Level, lacking: Sequence[str], *, extended: bool = False) -> None:
    """The level that was asked for is reached: a lower one is refused, and never given out instead."""
    if rank_of(reached, extended=extended) >= asked.rank:
        return
    if not lacking:
        # What is of no level at all fails by what is signed, and not by what comes with a higher level.
        first = Level.B if rank_of(reached, extended=True) < Level.B.rank else asked
        raise Rejected(
            "signature.level",
            f"The signature would be {reached}, and {asked} was asked for. Nothing is missing that could be "
            f"added: what is there is not as {first} of the baseline wants it, with {_WANTS[first]}. Nothing "
            "is given out: ask for a lower level, or sign the data anew.",
        )
    raise Rejected(
        "signature.level",
        f"The signature would be {reached}, and {asked} was asked for. Missing: {'; '.join(lacking)}. "
        "Nothing is given out: give what is missing, or ask for a lower level.",
    )


def holds(stamp: TimeStamp, evidence: Evidence) -> bool:
    """Whether a time-stamp is over what it has to be over, and its own value verifies.

    Of a token whose certificate is nowhere in the file, the value is not known to be wrong.
    """
    if not all(one.intact for one in stamp.references if one.mandatory or one.found):
        return False
    there = candidates(stamp.signature, evidence)
    return not there or is_of_any(stamp.signature, evidence.certificates)


@implements("TRUSTWORKS:SIGNING-LEVEL-HOLDS")
def check_stamps_hold(evidence: Evidence, signature: Signature, asked: Level) -> None:
    """The time-stamps by which a signature has its level hold, and were made in time.

    A time-stamp of something else is there, and shows nothing. Raises `Rejected` (``signature.level``).
    """
    if asked.rank < Level.T.rank:
        return
    good = [one for one in _stamps_of(evidence, signature) if holds(one, evidence)]
    signer = next((one.id for one in candidates(signature, evidence)), None)
    lacks = list(_of_time(evidence, signer, good))
    if not lacks and asked is Level.LTA and not any(map(archives, good)):
        lacks.append("an archive time-stamp that holds")
    if lacks:
        raise Rejected(
            "signature.level",
            f"The signature would have {asked.value} by its form alone. Missing: {'; '.join(lacks)}. Nothing "
            "is given out: a time-stamp in the file does not hold, or was made at another time.",
        )


@implements("TRUSTWORKS:SIGNING-STAMP-NOT-TOO-LATE")
def check_not_too_late(evidence: Evidence, signature: Signature, now: datetime) -> None:
    """A first time-stamp that comes after the end of the signer's certificate is not asked for.

    It shows no more than that the signature was there when nobody stood for it. Raises `Rejected`
    (``signature.too-late``).
    """
    signer = next((one.id for one in candidates(signature, evidence)), None)
    end = None if signer is None else certificate_end(evidence.certificates[signer].der)
    if end is not None and now >= end:
        raise Rejected(
            "signature.too-late",
            f"The signer's certificate ended at {end:%Y-%m-%d %H:%M} UTC, and the signature has no "
            "time-stamp from before that holds. One from today shows nothing of the time before, and is not "
            "asked for: the signature stays at its level.",
        )


def missing(
    evidence: Evidence, signature: Signature, asked: Level, anchors: TrustAnchors | None = None
) -> Iterator[str]:
    """What a signature lacks of a level, in words, the lowest level first."""
    signer = next((one.id for one in candidates(signature, evidence)), None)
    yield from _of_baseline(signature, signer)
    stamps = _stamps_of(evidence, signature)
    if asked.rank >= Level.T.rank:
        yield from _of_time(evidence, signer, stamps)
    if asked.rank >= Level.LT.rank:
        yield from _of_validation_data(evidence, signature, signer, stamps, anchors)
    if asked.rank >= Level.LTA.rank and not any(map(archives, stamps)):
        over = "a document" if signature.format is Format.PADES else "an archive"
        yield f"{over} time-stamp over the signature and its validation data"


def _of_baseline(signature: Signature, signer: str | None) -> Iterator[str]:
    if rank_of(signature.level) >= Level.B.rank:
        return
    if signature.attributes.signing_time is None:
        yield "a signing time"
    if not signature.signing_certificate:
        yield "a signed reference to the signer's certificate"
    if signer not in signature.key_info:
        yield "the signer's certificate beside the value"


def _stamps_of(evidence: Evidence, signature: Signature) -> list[TimeStamp]:
    """The time-stamps of a signature, and those of the file or the container that are over it."""
    own = set(signature.time_stamps)
    return [
        one
        for one in evidence.time_stamps
        if one.id in own or (one.kind in _OVER_ALL and signature.id in one.covers)
    ]


def _of_time(evidence: Evidence, signer: str | None, stamps: Sequence[TimeStamp]) -> Iterator[str]:
    over = [one for one in stamps if one.kind in OVER_VALUE]
    if not over:
        yield "a time-stamp over the signature"
        return
    end = None if signer is None else certificate_end(evidence.certificates[signer].der)
    begin = None if signer is None else certificate_begin(evidence.certificates[signer].der)
    if begin is not None and all(one.time < begin for one in over):
        yield f"a time-stamp from after {begin:%Y-%m-%d %H:%M} UTC, when the signer's certificate begins"
    if end is not None and all(one.time >= end for one in over):
        yield f"a time-stamp from before the end of the signer's certificate ({end:%Y-%m-%d %H:%M} UTC)"


def _of_validation_data(
    evidence: Evidence,
    signature: Signature,
    signer: str | None,
    stamps: Sequence[TimeStamp],
    anchors: TrustAnchors | None,
) -> Iterator[str]:
    """Certificates and revocation data, of the signer and of time-stamps but the last that archives."""
    provided = [one.signature for one in _without_last(stamps)]
    whose = [signature, *provided]
    named = [signer, *(next((one.id for one in candidates(each, evidence)), None) for each in provided)]
    signers = [evidence.certificates[one].der for one in dict.fromkeys(named) if one is not None]
    if None in named:
        yield "the certificate of a signer or of a time-stamping unit"
    beside = [one for each in whose for one in each.certificates if one in evidence.certificates]
    status = [one for each in whose for one in each.revocation if one in evidence.revocation]
    at_hand = AtHand(
        certificates=[*signers, *(evidence.certificates[one].der for one in beside)],
        lists=[evidence.revocation[one].der for one in status if one.startswith("R")],
        answers=[evidence.revocation[one].der for one in status if one.startswith("O")],
        anchors=anchors,
    )
    for lack in at_hand.lacking(signers):
        yield _LACKS[lack.what].format(lack.of)
    if not status and all(map(_vouches_for_itself, signers)):
        yield "revocation data, without which no file has this level"


def _without_last(stamps: Sequence[TimeStamp]) -> list[TimeStamp]:
    """Without the newest that archives: nothing is there for that one yet."""
    last = max((one for one in stamps if archives(one)), key=lambda one: one.time, default=None)
    return [one for one in stamps if one is not last]


def archives(one: TimeStamp) -> bool:
    """Whether a time-stamp is over validation data too: of a PDF, a document time-stamp over any.

    In a PDF that may be data of another signature.
    """
    if one.kind is TimeStampKind.DOCUMENT:
        return any(token.startswith(("R-", "O-")) for token in one.covers)
    return one.kind in {TimeStampKind.ARCHIVE, TimeStampKind.CONTAINER}


def _vouches_for_itself(der: bytes) -> bool:
    try:
        return Certificate.read(der).is_self_issued
    except Malformed:
        return False
