"""The checks behind `/healthz` of what has a term: certificates, keys, and acts of operators."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from trustworks.app import certificates
from trustworks.app.health.findings import Well
from trustworks.core.errors import Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.app.configuration.config import Config
    from trustworks.app.web.services import Services
    from trustworks.core.roles.model import OpenHold

EXPIRY_WARNING = timedelta(days=30)
TOLD_FOR: Final = timedelta(hours=24)  # that operators were named again
HELD_FOR: Final = timedelta(hours=1)  # approvals, for an act whose process has surely ended since


def standing(services: Services) -> Well:
    """Whether every certificate that the configuration names is valid, and none is revoked.

    Also one that its file held when this worker began: the processes have it until they are started again.
    """
    config = services.wiring.config
    well = expiries(config)
    if config.issuance is not None:
        database = services.log.get().database
        revoked = certificates.revocation_objections(
            (*services.certificates, *certificates.in_use(config)),
            lambda serial: services.wiring.revoked(database, serial),
        )
        if revoked:
            raise Unavailable(
                "certificate.revoked",
                f"{' '.join(revoked)} The services use what is new once they are started again.",
            )
    return well


def expiries(config: Config) -> Well:
    """Whether every certificate that the configuration names may be used, and which no longer soon."""
    now = datetime.now(UTC)
    soon: list[str] = []
    ended: list[str] = []
    ends: dict[str, dict[str, str]] = {}
    for one in certificates.named(config):
        certificate = certificates.read(one.file)
        key_end = certificates.key_end(certificate, one.key_expires)
        end = key_end or certificate.not_valid_after_utc
        what = f"the key of {one.file}" if key_end else str(one.file)
        ends[f"{one.setting} {one.label}".strip()] = {
            "until": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "end_of": "key" if key_end else "certificate",
        }
        if end <= now:
            ended.append(f"{what} ended on {end:%Y-%m-%d}")
        elif end - now < EXPIRY_WARNING:
            soon.append(f"{what} ends on {end:%Y-%m-%d}")
    if ended:
        raise Unavailable("certificate.expired", f"No longer to be used: {'; '.join(ended)}. Issue new ones.")
    if soon:
        return Well(sentence=f"Renew soon: {'; '.join(soon)}.", detail=ends)
    return Well(sentence=f"{len(ends)} certificates, none ends within 30 days.", detail=ends)


def keys_due(services: Services) -> Well:
    """Which keys are due to be replaced: that stops nothing yet, as an end does (`standing`)."""
    from trustworks.app.rollover.due import schedule  # noqa: PLC0415 - loads the services

    now = datetime.now(UTC)
    with services.log.get().database.read() as connection:
        found = schedule(services.wiring.config, connection, due_at=now)
    due = [f"{one.name}, which ends on {one.end:%Y-%m-%d} ({one.how})" for one in found if one.is_due(now)]
    detail = {one.name: f"{one.due:%Y-%m-%dT%H:%M:%SZ}" for one in found[:50]}
    if due:
        more = f" and {len(due) - 10} more" if len(due) > 10 else ""
        return Well(sentence=f"Due to be replaced: {'; '.join(due[:10])}{more}.", detail=detail)
    return Well(sentence="No key is due to be replaced.", detail=detail)


def roles(services: Services) -> Well:
    """Whether no act of operators stands half done, and nobody named operators again of late."""
    from trustworks.core.roles import records  # noqa: PLC0415 - as the service's own start does

    now = datetime.now(UTC)
    with services.log.get().database.read() as connection:
        left = [one for one in records.open_holds(connection) if now - one.held_at > HELD_FOR]
        again = records.named_again(connection, since=now - TOLD_FOR)
    check_not_bootstrapped(again)
    check_not_left(left)
    return Well(sentence="No approvals are held for an act that did not end.")


@implements("TRUSTWORKS:ROLES-BOOTSTRAP-AGAIN")
def check_not_bootstrapped(again: datetime | None) -> None:
    """Object for a day when the installation's owner named operators again (roles.bootstrapped-again)."""
    if again is not None:
        raise Unavailable(
            "roles.bootstrapped-again",
            f"On {again:%Y-%m-%d at %H:%M} UTC the owner of the installation named operators again, since "
            "none could approve any more. Everybody concerned must know why: trustworks audit list --type "
            "roles.bootstrapped-again. This is told for a day.",
        )


@implements("TRUSTWORKS:ROLES-HOLD-TOLD")
def check_not_left(left: Sequence[OpenHold]) -> None:
    """Object to approvals that are held for long (roles.held-long): what was done must be looked at."""
    if left:
        told = "; ".join(
            f"{one.what} {one.sha256} by {one.held_by} since {one.held_at:%Y-%m-%d %H:%M} UTC"
            for one in left[:5]
        )
        raise Unavailable(
            "roles.held-long",
            f"{len(left)} act(s) did not end for which approvals are held: {told}. Run the same command "
            "again: it looks what was done, and ends it. See trustworks roles approvals list.",
        )
