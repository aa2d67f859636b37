"""Which keys are due to be replaced, by the clock: authorities' and services'.

An authority is due long before its certificate ends: what it issues may not outlive it. Source: EN 319 411-1,
GEN-6.5.1-08 and -09.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from trustworks.app import certificates
from trustworks.core.errors import TrustworksError
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from trustworks.app.configuration.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A key with an end: what it is of, when it ends, from when on it is to be replaced, and how."""

    name: str
    end: datetime
    due: datetime
    how: str
    unattended: bool = False

    def is_due(self, now: datetime) -> bool:
        """Whether its time has come."""
        return now >= self.due

    def as_dict(self, now: datetime) -> dict[str, Any]:
        """As JSON values."""
        return {
            "name": self.name,
            "end": self.end.isoformat(),
            "due": self.due.isoformat(),
            "is_due": self.is_due(now),
            "unattended": self.unattended,
            "how": self.how,
        }


def schedule(
    config: Config, connection: Connection | None, *, due_at: datetime | None = None
) -> list[Scheduled]:
    """All keys that have an end, the first due first; `connection` None: those of services alone.

    With `due_at` only the authorities that are due then: there may be thousands.
    """
    days = config.rollover
    found = [*_services(config)]
    if connection is not None and config.issuance is not None:
        from trustworks.issuance import records  # noqa: PLC0415 - where authorities are configured

        before = None if due_at is None else due_at + timedelta(days=days.authority_days)
        found += [
            authority_due(name, end, days.authority_days)
            for name, end in records.authority_ends(connection, before=before)
        ]
    return sorted(found, key=lambda one: (one.due, one.name))


@implements(
    "EN319411-1:GEN-6.5.1-08",
    "EN319411-1:GEN-6.5.1-09",
    disabled=lambda name, end, _days: Scheduled(name=name, end=end, due=end, how=""),
)
def authority_due(name: str, end: datetime, days: int) -> Scheduled:
    """An authority is due so many days before its certificate ends: longer than what it issues lasts."""
    return Scheduled(
        name=f"authority {name}",
        end=end,
        due=end - timedelta(days=days),
        how="make its next generation by a ceremony, under another name (trustworks keys ceremony plan "
        "sub-ca); the old one goes on with its lists and OCSP",
    )


def _services(config: Config) -> Iterable[Scheduled]:
    for one in certificates.named(config):
        try:
            certificate = certificates.read(one.file)
            end = certificates.key_end(certificate, one.key_expires) or certificate.not_valid_after_utc
        except TrustworksError:
            continue  # `/healthz` and `config check` say what is wrong with the file
        alone = one.setting == "issuance.ocsp" and "ocsp" in config.rollover.unattended
        how = (
            "the jobs replace it"
            if alone
            else f"a new key and certificate: keys ceremony plan service-key, then [{one.setting}]"
        )
        name = f"{one.use} {one.label}".strip()
        due = service_due(certificate.not_valid_before_utc, end, config.rollover.service_days)
        yield Scheduled(name=name, end=end, due=due, how=how, unattended=alone)


@implements("TRUSTWORKS:ROLLOVER-DUE", disabled=lambda _began, end, _days: end)
def service_due(began: datetime, end: datetime, days: int) -> datetime:
    """A service's key is due so many days before its end, and never before half of its life is over."""
    return end - min(timedelta(days=days), (end - began) / 2)
