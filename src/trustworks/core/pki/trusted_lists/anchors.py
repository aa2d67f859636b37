"""Services of trusted lists as trust anchors: from when, and until when, each may be one.

A service that was withdrawn at some time is an anchor for what was signed before that time alone: its sunset.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed
from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.trusted_lists.uris import APPROVED
from trustworks.core.trace import implements
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from trustworks.core.pki.names import DistinguishedName
    from trustworks.core.pki.trusted_lists.model import ListedCertificate, Service, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From a time on, until another (which is no longer part of it); None for one that has no end yet."""

    since: datetime
    until: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether a time is in the period."""
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAnchor:
    """A certificate of a service as a trust anchor for one period: its subject and its key are what counts.

    `type` is the service's, `label` names territory, provider and service; `place` is the number of the
    provider on its list, and of the service among the provider's; `name_digest` is the same for all names
    that are the same (RFC 5280, 7.1).
    """

    certificate: ListedCertificate
    type: str
    territory: str
    provider: str
    service: str
    period: Period
    place: tuple[int, int]
    name_digest: bytes

    @property
    def label(self) -> str:
        """For people: whose service it is."""
        return f"{self.territory}: {self.provider}: {self.service}"

    def trust_anchor(self) -> TrustAnchor:
        """For the path engine, with this as its label; without the certificate where that cannot be read.

        Raises `Malformed` where not even its name can be.
        """
        since, sunset = self.period.since, self.period.until
        try:
            certificate = Certificate.read(self.certificate.der)
        except Malformed:
            subject, key = self.certificate.subject, self.certificate.key
            return TrustAnchor.named(subject, key, label=self, since=since, sunset=sunset)
        return TrustAnchor.of(certificate, label=self, since=since, sunset=sunset)


class ListedTrustAnchors(TrustAnchors):
    """The anchors of a store, each read when a path leads to its name: of thousands few are ever asked for.

    The label of each is its `ListedAnchor`. One whose name or key cannot be read leads nowhere.
    """

    def __init__(self, listed: Iterable[ListedAnchor]) -> None:
        # Not the base's own: it would read every certificate there is.
        self._listed: dict[bytes, list[ListedAnchor]] = {}
        self._read: dict[bytes, tuple[TrustAnchor, ...]] = {}
        for one in listed:
            self._listed.setdefault(one.name_digest, []).append(one)

    @cached_property
    def anchors(self) -> tuple[TrustAnchor, ...]:  # type: ignore[override]  # an attribute that is made late
        """All anchors that can be read, which takes a while."""
        found = (_readable(one) for several in self._listed.values() for one in several)
        return tuple(one for one in found if one is not None)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._listed)

    def named(self, subject: DistinguishedName) -> Sequence[TrustAnchor]:
        """The anchors of that name."""
        digest = name_digest(subject)
        if digest not in self._read:
            found = (_readable(one) for one in self._listed.get(digest, ()))
            self._read[digest] = tuple(one for one in found if one is not None)
        return self._read[digest]

    def being(self, certificate: Certificate) -> Sequence[TrustAnchor]:
        """The anchors that the certificate itself is: by its octets, or by its name and key."""
        return tuple(
            one
            for one in self.named(certificate.subject)
            if (one.certificate == certificate if one.certificate is not None else one.key == certificate.key)
        )


def _readable(one: ListedAnchor) -> TrustAnchor | None:
    try:
        return one.trust_anchor()
    except Malformed:
        return None


def name_digest(name: DistinguishedName) -> bytes:
    """A short hash of what is compared of a name (RFC 5280, 7.1)."""
    return hashlib.sha256(repr(name.rdns).encode()).digest()[:16]


def _always(service: Service, statuses: Collection[str] = APPROVED) -> tuple[Period, ...]:
    del statuses
    return (Period(since=min(state.since for state in service.states), until=None),)


@implements("TS119612:5.5.4", disabled=_always)
def approved_periods(service: Service, statuses: Collection[str] = APPROVED) -> tuple[Period, ...]:
    """The times in which a service was approved, latest first; states that follow one another make one.

    `statuses` are those that count as approval.

    The states of the past are ordered here by their times: a list that has them in disorder is still not
    trusted longer than it says.
    """
    states = sorted(service.states, key=lambda state: state.since)
    ends = [*(state.since for state in states[1:]), None]
    found: list[Period] = []
    for state, until in zip(states, ends, strict=True):
        if state.status not in statuses or state.since == until:
            continue
        if found and found[-1].until == state.since:
            found[-1] = Period(since=found[-1].since, until=until)
        else:
            found.append(Period(since=state.since, until=until))
    return tuple(reversed(found))


def english(texts: Sequence[Text]) -> str:
    """The first text in English, else the first; empty where there is none."""
    found = [one.value for one in texts if one.language.lower().startswith("en")] or [
        one.value for one in texts
    ]
    return found[0] if found else ""
