"""The levels of a signature, one on the other: a time-stamp, validation data, a time-stamp over all of it.

Tokens come from a `Stamper`, validation data from an `EvidenceSource`; where there is none, or what it has is
not enough, the level is refused, and never a lower one given in its place.
Source: EN 319 102-1, 4.3; EN 319 122-1, EN 319 132-1, EN 319 142-1 and TS 119 182-1, each 6.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.ports import ValidationData
from trustworks.core.values import dataclass
from trustworks.formats.augmenting import Kind
from trustworks.formats.evidence import TimeStampKind
from trustworks.formats.verification import candidates
from trustworks.signing.model import Level
from trustworks.signing.rules.level import rank_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from trustworks.core.pki.building import TrustAnchors
    from trustworks.core.ports import EvidenceSource, Stamper
    from trustworks.formats.augmenting import Target
    from trustworks.formats.evidence import Evidence, Signature, TimeStamp

_OVER_VALUE: Final = frozenset({TimeStampKind.SIGNATURE, TimeStampKind.DOCUMENT})
_COMPLETE: Final = "XAdES-BASELINE-LT"
_ARCHIVES: Final = frozenset({TimeStampKind.ARCHIVE, TimeStampKind.CONTAINER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Where time-stamps and validation data come from. `clock` answers the time in UTC.

    `stamper` or `evidence` None: levels that need them are refused. `anchors` are trusted: the status of
    nobody above them is asked for; None: up to certificates that issued themselves. `hash_name` is the hash
    function of time-stamps. `fresh`: the status of a certificate has to be told after its signature was made;
    else what is as fresh as the policy of `evidence` asks will do.
    """

    clock: Callable[[], datetime]
    stamper: Stamper | None = None
    evidence: EvidenceSource | None = None
    anchors: TrustAnchors | None = None
    hash_name: str = "sha256"
    fresh: bool = True

    def stamp(self, digest: bytes) -> bytes:
        """A time-stamp token over a digest. Raises `Rejected` (``signing.no-stamper``), and as `Stamper`."""
        if self.stamper is None:
            raise Rejected(
                "signing.no-stamper",
                "A time-stamp is needed, and no time-stamping authority is named. Name one, or ask for level "
                "B-B without content time-stamps.",
            )
        return self.stamper.stamp(digest, self.hash_name)


def raised(target: Target, level: Level, means: Means, *, renew: bool = False) -> Target:
    """The signature with all that it lacks of a level; with `renew` one archive time-stamp more.

    Raises:
        Rejected: ``signing.no-stamper``, ``signing.no-evidence``; what the signature cannot be given; a
            certificate that does not stand (``evidence.…``).
        Unavailable: time-stamps or validation data are not to be had now; the sentence says when.
    """
    if level.rank >= Level.T.rank and not any(one.kind in _OVER_VALUE for one in target.time_stamps):
        target = target.with_time_stamp(means.stamp(target.digest(Kind.SIGNATURE, means.hash_name)))
    if level.rank < Level.LT.rank:
        return target
    is_archived = any(map(archives, target.time_stamps))
    archive = level is Level.LTA and (renew or not is_archived)
    # What a file of this level has is complete but for the last archive, over which nothing came yet.
    if rank_of(target.level, extended=True) < rank_of(_COMPLETE) or (archive and is_archived):
        target = _with_data(target, means, last=archive or not is_archived)
    if archive:
        target = target.with_archive_time_stamp(means.stamp(target.digest(Kind.ARCHIVE, means.hash_name)))
    return target


def archives(stamp: TimeStamp) -> bool:
    """Whether a time-stamp is over validation data: of a PDF, a document time-stamp over any."""
    if stamp.kind is TimeStampKind.DOCUMENT:
        return any(token.startswith(("R-", "O-")) for token in stamp.covers)
    return stamp.kind in _ARCHIVES


def _with_data(target: Target, means: Means, *, last: bool) -> Target:
    """With what shows that signer and time-stamping units stood; without `last` not for the last archive."""
    if means.evidence is None:
        raise Rejected(
            "signing.no-evidence",
            "Level B-LT needs the status of certificates, and nobody is named who finds it. Name trust "
            "anchors, up to which it is looked for, or ask for level B-T.",
        )
    evidence, now = target.evidence, means.clock()
    stamps = sorted(target.time_stamps, key=lambda one: one.time)
    over = [one.time for one in stamps if one.kind in _OVER_VALUE]
    signed_by = min(over, default=now)
    at_hand = _held(evidence)
    found = [_evidence_of(target.signature, signed_by, signed_by, at_hand, evidence, means)]
    if not last and stamps and archives(stamps[-1]):
        stamps.pop()
    for number, one in enumerate(stamps):
        # A time-stamp stands as of the one that was made over it, the newest as of now.
        later = [other.time for other in stamps[number + 1 :] if archives(other)]
        at = min(later, default=now)
        found.append(_evidence_of(one.signature, at, one.time, at_hand, evidence, means, unit=True))
    return target.with_values(_together(found))


def _evidence_of(  # noqa: PLR0917 - what is asked for
    signature: Signature,
    at: datetime,
    since: datetime,
    at_hand: ValidationData,
    evidence: Evidence,
    means: Means,
    *,
    unit: bool = False,
) -> ValidationData:
    signer = next((one.id for one in candidates(signature, evidence)), None)
    if signer is None or means.evidence is None:
        whose = "of a time-stamping unit" if unit else "of the signer"
        raise Rejected(
            "signing.no-certificate",
            f"The certificate {whose} is not in the file, so that its status cannot be asked for. Give it.",
        )
    certificate = evidence.certificates[signer].der
    # Status is told in whole seconds.
    since = since.replace(microsecond=0)
    return means.evidence.evidence_of(
        certificate, at, at_hand=at_hand, since=since if means.fresh else None, time_stamp=unit
    )


def _held(evidence: Evidence) -> ValidationData:
    """Certificates and revocation data that are in the file."""
    return ValidationData(
        certificates=tuple(one.der for one in evidence.certificates.values()),
        lists=tuple(one.der for key, one in evidence.revocation.items() if key.startswith("R-")),
        answers=tuple(one.der for key, one in evidence.revocation.items() if key.startswith("O-")),
    )


def _together(found: Iterable[ValidationData]) -> ValidationData:
    """All of it, each once."""
    every = list(found)
    return ValidationData(
        certificates=tuple(dict.fromkeys(one for each in every for one in each.certificates)),
        lists=tuple(dict.fromkeys(one for each in every for one in each.lists)),
        answers=tuple(dict.fromkeys(one for each in every for one in each.answers)),
    )
