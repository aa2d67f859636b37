"""The levels of a signature, one on the other: a time-stamp, validation data, a time-stamp over all of it.

Tokens come from a `Stamper`, validation data from an `EvidenceSource`; where there is none, or what it has is
not enough, the level is refused, and never a lower one given in its place.
Source: EN 319 102-1, 4.3; EN 319 122-1, EN 319 132-1, EN 319 142-1 and TS 119 182-1, each 6.3.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.ports import NOTHING, ValidationData
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.augmenting import Kind
from trustworks.formats.time_stamp import parse_token
from trustworks.formats.verification import candidates
from trustworks.signing.model import Level
from trustworks.signing.rules.level import OVER_VALUE, archives, check_not_too_late, holds, rank_of
from trustworks.signing.rules.stamps import check as check_stamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from trustworks.core.pki.building import TrustAnchors
    from trustworks.core.ports import EvidenceSource, Stamper
    from trustworks.formats.augmenting import Target
    from trustworks.formats.evidence import Evidence, Signature, TimeStamp

_CLOSED: Final = frozenset({"asic.covered", "adding.broken"})
TOLERANCE: Final = timedelta(minutes=5)
"""How far the time of a new time-stamp may be from the clock."""


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
        """A time-stamp token over a digest, which was looked at.

        Raises `Rejected` (``signing.no-stamper``), `Unavailable` (``signing.time-stamp``), and as `Stamper`.
        """
        if self.stamper is None:
            raise Rejected(
                "signing.no-stamper",
                "A time-stamp is needed, and no time-stamping authority is named. Name one (--tsa; of the "
                "service, time-stamp-url in [signing]), or ask for level B-B without content time-stamps.",
            )
        token = self.stamper.stamp(digest, self.hash_name)
        check_time(token, self.clock())
        check_stamp(token, self.anchors)
        return token


@implements("TRUSTWORKS:SIGNING-LEVEL-REACHABLE")
def check_reachable(level: Level, means: Means) -> None:
    """Who is needed for a level is named: else the key, which may be a card's, would sign in vain.

    Raises `Rejected` (``signing.no-stamper``, ``signing.no-evidence``).
    """
    if level.rank >= Level.T.rank and means.stamper is None:
        raise Rejected(
            "signing.no-stamper",
            f"For level {level.value} a time-stamp is needed, and no time-stamping authority is named. Name "
            "one (--tsa; of the service, time-stamp-url in [signing]), or ask for level B-B.",
        )
    if level.rank >= Level.LT.rank and means.evidence is None:
        raise _no_evidence(level)


def _no_evidence(level: Level) -> Rejected:
    return Rejected(
        "signing.no-evidence",
        f"Level {level.value} needs the status of certificates, and nobody is named who finds it. Name trust "
        "anchors, up to which it is looked for (--trust, or [validation] in the configuration), or ask for "
        "level B-T.",
    )


@implements("TRUSTWORKS:SIGNING-STAMP-TIME")
def check_time(token: bytes, now: datetime) -> None:
    """A new time-stamp says that it is now; else `Unavailable` (``signing.time-stamp``) is raised."""
    time = parse_token(token).info.time
    if abs(time - now) > TOLERANCE:
        raise Unavailable(
            "signing.time-stamp",
            f"The time-stamping authority says that it is {time:%Y-%m-%d %H:%M:%S} UTC, and the clock here "
            f"{now:%Y-%m-%d %H:%M:%S} UTC. Look at both clocks, or ask another authority.",
        )


def _as_it_was(target: Target, *_: object, **__: object) -> Target:
    """Nothing is added."""
    return target


@implements("TS119101:SAP-6", disabled=_as_it_was)
def raised(target: Target, level: Level, means: Means, *, renew: bool = False) -> Target:
    """The signature with all that it lacks of a level; with `renew` one archive time-stamp more.

    Raises:
        Rejected: ``signing.no-stamper``, ``signing.no-evidence``; what the signature cannot be given; a
            certificate that does not stand (``evidence.…``).
        Unavailable: time-stamps or validation data are not to be had now; the sentence says when.
    """
    stamps = _holding(target)
    if level.rank >= Level.T.rank and not any(map(_of_level_t, stamps)):
        check_not_too_late(target.evidence, target.signature, means.clock())
        target = target.with_time_stamp(means.stamp(target.digest(Kind.SIGNATURE, means.hash_name)))
    if level.rank < Level.LT.rank:
        return target
    rank = rank_of(target.level, extended=True)
    is_archived = rank >= Level.LTA.rank and any(map(archives, _holding(target)))
    archive = level is Level.LTA and (renew or not is_archived)
    # What has the level is complete but for the last archive, over which nothing came yet; before another one
    # comes over it, the data is looked at again, for what is newer.
    if rank < Level.LT.rank or archive:
        try:
            target = _with_data(target, means, last=archive or not is_archived)
        except Rejected as error:
            # What is complete, and closed by what is over it, is archived as it is.
            if rank < Level.LT.rank or is_archived or error.code not in _CLOSED:
                raise
    if archive:
        target = target.with_archive_time_stamp(means.stamp(target.digest(Kind.ARCHIVE, means.hash_name)))
    return target


def _of_level_t(stamp: TimeStamp) -> bool:
    """Whether a time-stamp makes level T: one that the VRI of a PDF has makes none (EN 319 142-1, 6.3)."""
    return stamp.kind in OVER_VALUE and stamp.form != "vri-time-stamp"


def _holding(target: Target) -> list[TimeStamp]:
    """The time-stamps of a signature that are over what they have to be over: others show nothing."""
    return [one for one in target.time_stamps if holds(one, target.evidence)]


def _with_data(target: Target, means: Means, *, last: bool) -> Target:
    """With what shows that signer and time-stamping units stood; without `last` not for the last archive."""
    if means.evidence is None:
        raise _no_evidence(Level.LT)
    evidence, now = target.evidence, means.clock()
    stamps = sorted(_holding(target), key=lambda one: one.time)
    over = [one.time for one in stamps if one.kind in OVER_VALUE]
    signed_by = min(over, default=now)
    at_hand = _held(evidence)
    found = _evidence_of(target.signature, signed_by, signed_by, at_hand, evidence, means)
    of_stamps = NOTHING
    if not last and stamps and archives(stamps[-1]):
        stamps.pop()
    for number, one in enumerate(stamps):
        # A time-stamp stands as of the one that was made over it, the newest as of now.
        later = [other.time for other in stamps[number + 1 :] if archives(other)]
        at = min(later, default=now)
        of_stamps |= _evidence_of(one.signature, at, one.time, at_hand, evidence, means, unit=True)
    return target.with_values(found, of_stamps)


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
