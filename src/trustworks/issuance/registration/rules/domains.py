"""Control over the names of web sites: how it may be shown, how long it counts, for whom.

Source: CA/Browser Forum Baseline Requirements 3.2.2.4 (7 and 18), 3.2.2.5 (1) and 4.2.1.
"""

from __future__ import annotations

import ipaddress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.issuance.model import SERVER_AUTH
from trustworks.issuance.registration.model import Objection

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from trustworks.issuance.model import Profile
    from trustworks.issuance.registration.model import Application, DomainMethod, DomainValidation

LIFE: Final = timedelta(days=30)
"""How long what was drawn for a name may be put up and looked for."""

# From which day on how many days what was seen counts; the newest first.
_DAYS: Final = ((date(2029, 3, 15), 10), (date(2027, 3, 15), 100), (date(2026, 3, 15), 200), (date.min, 398))
_WILDCARD: Final = "*."


def counts_for(day: date) -> int:
    """How many days a validation counts for a certificate that is issued on a day."""
    return next(days for since, days in _DAYS if day >= since)


def web_names(application: Application, profile: Profile) -> tuple[str, ...]:
    """The DNS names and addresses that a certificate for web sites is asked for; of other profiles none."""
    if profile.web is None and SERVER_AUTH not in profile.extended_key_usage:
        return ()
    split = (one.partition(":") for one in application.asked.alternative_names)
    return tuple(dict.fromkeys(value.lower() for kind, _, value in split if kind in {"DNS", "IP"}))


def looked_at(name: str) -> str:
    """Where control is looked for: of a wildcard the domain that it stands below."""
    return name.removeprefix(_WILDCARD)


@implements("CABF-BR:3.2.2.4-WILDCARD", disabled=lambda _: ("dns", "http"))
def methods_for(name: str) -> tuple[DomainMethod, ...]:
    """The ways for a name: for a wildcard DNS alone, as a server speaks for one host; HTTP for addresses."""
    if name.startswith(_WILDCARD):
        return ("dns",)
    return ("http",) if _is_address(name) else ("dns", "http")


@implements("CABF-BR:3.2.2.4-RANDOM", disabled=True)
def is_open(drawn: DomainValidation, now: datetime) -> bool:
    """Whether what was drawn may still be looked for: it was not seen yet, and is not older than 30 days."""
    return drawn.validated_at is None and drawn.drawn_at <= now < drawn.drawn_at + LIFE


@implements("TRUSTWORKS:DOMAIN-SAME-APPLICANT", disabled=True)
def same_applicant(one: Application, earlier: Application) -> bool:
    """Whether what an applicant showed before serves this application: an organization of one identifier.

    All of the name but commonName must be the same. Who has no organizationIdentifier shows control anew:
    names alone do not tell applicants apart.
    """
    first, second = (
        {(part.type, part.value) for part in each.subject if part.type != "commonName"}
        for each in (one, earlier)
    )
    known = any(kind == "organizationIdentifier" for kind, _ in first)
    return known and first == second and one.asked.kind is earlier.asked.kind


@implements("CABF-BR:4.2.1-AGE", disabled=lambda seen, _: seen.validated_at is not None)
def _counts(seen: DomainValidation, now: datetime) -> bool:
    """Whether control was seen, and not too long ago."""
    at = seen.validated_at
    return at is not None and at <= now <= at + timedelta(days=counts_for(now.date()))


def uncovered(names: Sequence[str], validations: Iterable[DomainValidation], now: datetime) -> list[str]:
    """Of these names those over which no control was seen that counts today."""
    seen = {(one.name, one.method) for one in validations if _counts(one, now)}
    return [name for name in names if not any((looked_at(name), way) in seen for way in methods_for(name))]


@implements("CABF-BR:3.2.2.4", "TS119411-5:DOMAIN-CONTROL")
def domains_are_validated(
    application: Application, profile: Profile, validations: Sequence[DomainValidation], now: datetime
) -> tuple[Objection, ...]:
    """Control over each name of a web site was seen by the authority itself, and not too long ago."""
    missing = uncovered(web_names(application, profile), validations, now)
    return tuple(
        Objection(
            "CABF-BR:3.2.2.4",
            f"No control over {name} was seen within {counts_for(now.date())} days: let the applicant put up "
            f"what `trustworks registration domain challenge {application.id}` says, then `trustworks "
            f"registration domain check {application.id}`.",
        )
        for name in missing
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
