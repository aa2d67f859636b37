"""What the service offers: policies by name, and whom it trusts, read again when that changes."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.trusted_lists.store import STATE
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.limits import NAMES, Limits
from trustworks.validation.gathering.fetching import Cache, Fetcher, FetchLimits
from trustworks.validation.given import Trusted, trusted_of
from trustworks.validation.policies.policy import shipped
from trustworks.validation.service import Validator, policy_of

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.validation.config import ValidationSettings
    from trustworks.validation.policies.policy import Policy

UNKNOWN: Final = "validation.policy"
_LOOK: Final = 600.0
"""Seconds for which what is trusted is not read again, unless the trusted lists were renewed."""


@dataclass(frozen=True, slots=True)
class _Read:
    trusted: Trusted
    stamp: tuple[object, ...]
    until: float


class Offer:
    """The policies and the trust of a configuration. Threads share it."""

    def __init__(self, settings: ValidationSettings) -> None:
        """Read the policies. Raises `Malformed` for one that is none."""
        self.settings = settings
        self.policies: dict[str, Policy] = {name: shipped(name) for name in settings.policies}
        for file in settings.policy_files:
            if not file.is_file():
                raise Malformed(f"There is no validation policy {file}.")
            self.policies[file.stem] = policy_of(str(file))
        self._fetcher = fetcher_of(settings)
        self._limits = limits_of(settings)
        self._read: _Read | None = None
        self._reading = threading.Lock()

    @implements("TS119441:VPR-8.1-09", disabled=lambda self, _name: next(iter(self.policies.values())))
    def named(self, name: str) -> Policy:
        """The policy of that name or identifier; the default one for an empty name.

        Raises:
            Rejected: ``validation.policy``: it is not offered.
        """
        wanted = name or self.settings.default_policy
        for offered, policy in self.policies.items():
            if wanted in {offered, policy.identifier}:
                return policy
        raise Rejected(
            UNKNOWN,
            f"There is no validation policy {wanted!r} here; offered are {', '.join(self.policies)}.",
        )

    def validator(self, policy: str, at: datetime | None) -> Validator:
        """What validates under a policy, at a time (None: now).

        Raises:
            Rejected: the policy is not offered.
            Malformed: what is trusted cannot be read.
        """
        chosen = self.named(policy)
        trusted = self.trusted() if at is None else self._load(at)
        return Validator(
            policy=chosen,
            trust=trusted.trust,
            lists=trusted.lists,
            at=at,
            limits=self._limits,
            fetcher=self._fetcher,
        )

    def trusted(self) -> Trusted:
        """Whom the service trusts now. Raises `Malformed` for what cannot be read."""
        with self._reading:
            stamp = tuple(_stamp(one) for one in self._places)
            found = self._read
            if found is None or found.stamp != stamp or time.monotonic() > found.until:
                trusted = self._load(datetime.now(UTC))
                found = self._read = _Read(trusted, stamp, time.monotonic() + _LOOK)
            return found.trusted

    @property
    def _places(self) -> tuple[Path, ...]:
        lists = self.settings.lists
        stores = () if lists is None or not (lists.store / STATE).is_file() else (lists.store,)
        return (*self.settings.trust, *stores)

    def _load(self, at: datetime) -> Trusted:
        return trusted_of(self._places, at)


def _stamp(place: Path) -> object:
    """What changes when a place is filled anew."""
    try:
        found = (place / STATE if place.is_dir() and (place / STATE).is_file() else place).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def limits_of(settings: ValidationSettings) -> Limits:
    """The limits of readers, as the configuration says them."""
    return Limits(**{name: getattr(settings.limits, name) for name in NAMES})


def fetcher_of(settings: ValidationSettings) -> Fetcher | None:
    """What fetches evidence; None where nothing is to be fetched."""
    fetch = settings.fetch
    if not fetch.online:
        return None
    cache = None if fetch.cache is None else Cache(fetch.cache, fetch.cache_octets)
    return Fetcher(fetch_limits_of(settings), cache)


def fetch_limits_of(settings: ValidationSettings) -> FetchLimits:
    """The bounds of fetching, as the configuration says them."""
    fetch = settings.fetch
    hosts = (one.partition("=") for one in fetch.hosts)
    return FetchLimits(
        seconds=fetch.seconds,
        octets=fetch.octets,
        answers=fetch.answers,
        # Whoever made the file chose who is waited for. What is at hand then is judged.
        all_seconds=min(fetch.all_seconds, settings.limits.seconds * 0.7),
        all_octets=fetch.all_octets,
        networks=tuple(ip_network(one) for one in fetch.networks),
        closed=tuple(ip_network(one) for one in fetch.closed_networks),
        tells_names=False,
        ports=frozenset(fetch.ports),
        hosts={name.lower(): address for name, _, address in hosts},
    )
