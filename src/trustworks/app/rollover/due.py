"""Which keys are due to be replaced, by the clock: authorities' and services'.

An authority is due long before its certificate ends: what it issues may not outlive it. Source: EN 319 411-1,
GEN-6.5.1-08 and -09.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from trustworks.app import certificates
from trustworks.core.errors import TrustworksError
from trustworks.core.keys import records as key_records
from trustworks.core.module.states import KeyState
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlalchemy import Connection

    from trustworks.app.certificates import NamedCertificate
    from trustworks.app.configuration.config import Config
    from trustworks.app.configuration.settings import RolloverSettings
    from trustworks.core.keys.model import Succession
    from trustworks.issuance.records import AuthorityEnd

# How people replace the key behind a setting; the jobs' part is told in its place where they do it.
_HOW: Final = {
    "timestamping.units": "make a key (keys ceremony plan service-key) and a certificate of the profile tsu, "
    "name both in [[timestamping.units]]",
    "issuance.ocsp": "make a key (keys ceremony plan service-key) and a certificate of the profile "
    "ocsp-signer from every authority, name both in [issuance.ocsp]",
    "issuance.cmp": "make a key (keys ceremony plan service-key) and a certificate of the profile "
    "cmp-server, name both in [issuance.cmp]",
    "issuance.trusted-list": "make a key (keys ceremony plan service-key) and a certificate of the profile "
    "list-signer, name both in [issuance.trusted-list], and let whoever uses the lists configure it",
    "validation.seal": "make a key (keys ceremony plan service-key) and a certificate of the profile "
    "seal-validation-report, name both in [validation.seal]",
    "signing.seals": "make a key (keys ceremony plan service-key) and a certificate for it, name both in "
    "[[signing.seals]]",
    "audit": "make a key (keys ceremony plan service-key) and a certificate of the profile audit-signer, "
    "name both in [audit]; keep the old certificate as long as the log",
    "http.tls-certificate": "make a key in a file (openssl req) and a certificate of the profile tls-server, "
    "name both as [http] tls-key and tls-certificate",
}
_UNATTENDED: Final = {"timestamping.units": "tsu", "issuance.ocsp": "ocsp"}
FOLDER: Final = "rollover"  # below the folder of the state: plans, requests, certificates
_RESTART: Final = ", then restart the services"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A key with an end: what it is of, when it ends, from when on it is to be replaced, and how.

    `unattended`: it is replaced, or followed, without anybody.
    """

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


@implements("TRUSTWORKS:ROLLOVER-TOLD", disabled=None)
def left_to_people(found: Iterable[Scheduled], now: datetime, requests: Iterable[str] = ()) -> str | None:
    """A sentence about the keys that are due and that people replace, for an alarm; None where there is none.

    `requests` are those that wait for another authority's certificate.
    """
    told = [f"{one.name}: {one.how}" for one in found if one.is_due(now) and not one.unattended]
    told += [f"hand {one} to its authority, and bring the certificate" for one in requests]
    return f"Keys are due to be replaced. {'; '.join(told)}." if told else None


def waiting_requests(folder: Path) -> list[str]:
    """The requests in the jobs' folder that have no certificate yet."""
    found = sorted(folder.glob("*.csr"))
    return [str(one) for one in found if not one.with_suffix(".pem").is_file()]


def schedule(
    config: Config, connection: Connection | None, *, due_at: datetime | None = None
) -> list[Scheduled]:
    """All keys that have an end, the first due first; `connection` None: those of services alone.

    With `due_at` only the authorities that are due then: there may be thousands.
    """
    found = [*_services(config)]
    if connection is not None and config.issuance is not None:
        found += _authorities(config, connection, due_at)
    return sorted(found, key=lambda one: (one.due, one.name))


def _authorities(config: Config, connection: Connection, due_at: datetime | None) -> Iterable[Scheduled]:
    from trustworks.issuance import records  # noqa: PLC0415 - where authorities are configured
    from trustworks.issuance.orders import ISSUING, USE_OF_ISSUING  # noqa: PLC0415 - as above

    later = key_records.successions(connection, USE_OF_ISSUING)
    generations = [ISSUING, *(one.name for one in later)]
    followed = dict(zip(generations, later, strict=False))
    before = None if due_at is None else due_at + timedelta(days=config.rollover.authority_days)
    for one in records.authority_ends(connection, before=before):
        due = authority_due(one.name, one.began, one.end, config.rollover.authority_days)
        if one.name in followed:
            yield from _followed(connection, one, due, followed[one.name], config.rollover.service_days)
        elif one.name == generations[-1]:
            yield _next_generation(config.rollover, due, f"{ISSUING}-{len(generations) + 1}")
        elif one.parent is None:
            yield replace(
                due,
                how="make a new root by a ceremony (keys ceremony plan root) and give it to all who trust "
                "this one long before it ends; then authorities below it",
            )
        else:
            yield due
    for name, since in records.ended_without_plan(connection):
        yield from _ended(connection, name, since)


def _ended(connection: Connection, name: str, since: datetime) -> Iterable[Scheduled]:
    """The key of an authority that ended without a plan, until it is destroyed."""
    from trustworks.issuance import records  # noqa: PLC0415 - where authorities are configured
    from trustworks.issuance.termination import has_last_list  # noqa: PLC0415 - as above

    authority = records.authority(connection, name)
    if authority is None:
        return
    if key_records.state(connection, authority.spki_sha256.hex()) is KeyState.DESTROYED:
        return
    certificate = records.certificate(connection, authority.serial)
    whole = has_last_list(connection, name) and not records.unanswered(connection, name, limit=1)
    yield Scheduled(
        name=f"key of authority {name}",
        end=since if certificate is None else certificate.not_after,
        due=since,
        how=f"its last list and last answers are there: destroy the key {authority.key_label} on the token "
        f"{authority.token} and its backups by a ceremony (keys ceremony plan destroy)"
        if whole
        else f"its end was begun: trustworks keys rollover end {name}",
    )


def _next_generation(settings: RolloverSettings, due: Scheduled, name: str) -> Scheduled:
    """What the jobs do for the issuing authority, and what is left to people."""
    if "authority" in settings.unattended:
        return replace(due, how=f"the jobs make {name}, which then issues in its place", unattended=True)
    return replace(
        due,
        how=f"the jobs write the plan state/rollover/{name}.toml then; fill it in, have it approved and hold "
        f"the ceremony: {name} follows by itself {settings.authority_prepare_days} days after it was made",
    )


def _followed(
    connection: Connection, one: AuthorityEnd, due: Scheduled, by: Succession, days: int
) -> Iterable[Scheduled]:
    """An authority that another one follows: until its last certificate has ended, and then its last list."""
    from trustworks.issuance import records  # noqa: PLC0415 - where authorities are configured

    # The responder's own come as long as there is something to answer for.
    ended = records.last_end(connection, one.name, without=["ocsp-signer"]) or by.from_at
    # The list has to be signed before the authority's certificate ends, whatever is valid below it by then.
    latest = one.end - timedelta(days=days)
    yield replace(
        due,
        due=min(max(ended, by.from_at), latest),
        how=f"{by.name} issues in its place from {by.from_at:%Y-%m-%d} on; its lists and OCSP go on until "
        f"its last certificate ends. Then: trustworks keys rollover end {one.name}; what is valid by then is "
        "ended by a termination plan",
    )


@implements(
    "EN319411-1:GEN-6.5.1-08",
    "EN319411-1:GEN-6.5.1-09",
    disabled=lambda name, _began, end, _days: Scheduled(name=name, end=end, due=end, how=""),
)
def authority_due(name: str, began: datetime, end: datetime, days: int) -> Scheduled:
    """An authority is due so many days before its certificate ends: longer than what it issues lasts.

    Never before half of its life: one that lives shorter than that would be replaced without end.
    """
    return Scheduled(
        name=f"authority {name}",
        end=end,
        due=service_due(began, end, days),
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
        due = service_due(certificate.not_valid_before_utc, end, config.rollover.service_days)
        alone = _UNATTENDED.get(one.setting) in config.rollover.unattended
        yield Scheduled(
            name=f"{one.use} {one.label}".strip(),
            end=end,
            due=due,
            how=_by_the_jobs(config.rollover) if alone else _by_people(one),
            unattended=alone,
        )


def _by_the_jobs(settings: RolloverSettings) -> str:
    return (
        f"the jobs make the next key then, use it {settings.prepare_minutes} minutes after it was certified, "
        f"and destroy this one {settings.overlap_hours:g} hours later"
    )


def _by_people(one: NamedCertificate) -> str:
    setting = one.setting.partition(" ")[0]  # without the name of one of several
    return _HOW[setting] + _RESTART


@implements("TRUSTWORKS:ROLLOVER-DUE", disabled=lambda _began, end, _days: end)
def service_due(began: datetime, end: datetime, days: int) -> datetime:
    """A service's key is due so many days before its end, and never before half of its life is over."""
    return end - min(timedelta(days=days), (end - began) / 2)
