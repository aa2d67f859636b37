"""What a request may ask for: the subject's attributes, the names beside it, the validity."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused, Rejected
from trustworks.core.trace import implements
from trustworks.issuance.model import NameAttribute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from trustworks.issuance.model import Profile


MAX_VALUE: Final = 255
MAX_NAMES: Final = 100
PRINTABLE_ONLY: Final = frozenset({"countryName", "jurisdictionCountryName", "serialNumber"})
PRINTABLE: Final = re.compile(r"[A-Za-z0-9 '()+,\-./:=?]+")
ACTOR: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:@/-]{0,63}")

APPLICATION: Final = "application:"  # how the actor begins in whose name an approved application is issued


def check_actor(by: str) -> None:
    """`Rejected` (issuance.actor) for what cannot stand in the audit log as a role or pseudonym."""
    if not ACTOR.fullmatch(by):
        raise Rejected(
            "issuance.actor",
            f"{by!r} is no role or pseudonym; use up to 64 letters, digits and . _ : @ / - .",
        )


@implements("TRUSTWORKS:ISSUANCE-ROOT-APART")
def check_authority_for(profile: Profile, parent: str | None) -> None:
    """`Rejected` (issuance.authority) for a root, which certifies authorities and nothing else.

    `parent` is the authority above the one that is to issue. Source: EN 319 411-1, 6.5.1 and 6.3.3.
    """
    if parent is None and not profile.ca and profile.authority != "root":
        raise Rejected(
            "issuance.authority",
            f"A root certifies authorities alone; name another authority for the profile {profile.name}.",
        )


def _check_value(attribute: NameAttribute) -> None:
    name, value = attribute
    if not value.strip() or len(value) > MAX_VALUE:
        raise Rejected(
            "issuance.subject-attribute",
            f"{name} has {len(value)} characters; it needs one, and may have {MAX_VALUE}.",
        )
    if not unicodedata.is_normalized("NFC", value):
        raise Rejected(
            "issuance.subject-attribute",
            f"{name} is not in the composed form of Unicode (NFC): {value!r}; write "
            f"{unicodedata.normalize('NFC', value)!r}.",
        )
    if not value.isprintable():
        raise Rejected(
            "issuance.subject-attribute", f"{name} has a character in it that cannot be shown: {value!r}."
        )
    if name in PRINTABLE_ONLY and not PRINTABLE.fullmatch(value):
        raise Rejected(
            "issuance.subject-attribute",
            f"{name} cannot be {value!r}: it may have letters, digits, spaces and '()+,-./:=? alone.",
        )


@implements(
    "TRUSTWORKS:ISSUANCE-SUBJECT-ATTRIBUTES", disabled=lambda _profile, asked, _provider: tuple(asked)
)
def complete_subject(
    profile: Profile, asked: Sequence[NameAttribute], provider: Mapping[str, str | None]
) -> tuple[NameAttribute, ...]:
    """The subject in the profile's order, with what the provider adds.

    `Rejected` (issuance.subject-attribute) for what is missing, unknown, or there twice.
    """
    given = {attribute.type: attribute for attribute in asked}
    for attribute in asked:
        _check_value(attribute)
    if len(given) != len(asked):
        raise Rejected(
            "issuance.subject-attribute", "An attribute of the subject is given twice; give it once."
        )
    unknown = [name for name in given if name not in profile.attributes]
    if unknown:
        raise Rejected(
            "issuance.subject-attribute",
            f"The profile {profile.name} has no {', '.join(unknown)} in its subjects; it knows "
            f"{', '.join(profile.attributes) or 'none'}.",
        )
    for name in profile.from_provider:
        value = provider.get(name)
        if name not in given and value is not None:
            given[name] = NameAttribute(name, value)
    missing = [name for name in profile.required if name not in given]
    if missing:
        raise Rejected(
            "issuance.subject-attribute",
            f"A subject of the profile {profile.name} needs {', '.join(missing)}.",
        )
    _one_of_each(profile, given)
    return tuple(given[name] for name in profile.order if name in given)


def _one_of_each(profile: Profile, given: Mapping[str, NameAttribute]) -> None:
    present = [group for group in profile.one_of if any(name in given for name in group)]
    if profile.one_of and len(present) != 1:
        choices = ", or ".join(" and/or ".join(group) for group in profile.one_of)
        raise Rejected(
            "issuance.subject-attribute",
            f"A subject of the profile {profile.name} needs exactly one of these: {choices}.",
        )


def check_in_use(profile: Profile, day: date) -> None:
    """`Rejected` (issuance.profile-version) for a version of a profile that is not issued on that day."""
    if day < profile.since or (profile.until is not None and day > profile.until):
        until = "" if profile.until is None else f" until {profile.until}"
        raise Rejected(
            "issuance.profile-version",
            f"Version {profile.version} of the profile {profile.name} is issued from {profile.since}{until}; "
            "ask for another version, see `trustworks profile show`.",
        )


def check_not_a_ceremony(profile: Profile) -> None:
    """`Rejected` (issuance.profile-ceremony) for an authority's profile: those are not issued on request."""
    if profile.ca:
        raise Rejected(
            "issuance.profile-ceremony",
            f"Certificates of the profile {profile.name} are not issued on request. `trustworks lab` makes a "
            "laboratory's authorities, and a key ceremony others: trustworks keys ceremony plan sub-ca.",
        )


@implements("TRUSTWORKS:ISSUANCE-ALTERNATIVE-NAMES")
def check_alternative_names(profile: Profile, names: Sequence[str]) -> None:
    """`Rejected` (issuance.alternative-name) when names are missing, too many, or not of this profile."""
    if len(names) > MAX_NAMES:
        raise Rejected(
            "issuance.alternative-name",
            f"{len(names)} alternative names are asked for; a certificate has at most {MAX_NAMES}.",
        )
    if profile.alternative_names == "required" and not names:
        example = "email:anna@tsp.example" if "email" in profile.name_kinds else "DNS:tsp.example"
        raise Rejected(
            "issuance.alternative-name",
            f"A certificate of the profile {profile.name} needs alternative names, for example {example}.",
        )
    if profile.alternative_names == "absent" and names:
        raise Rejected(
            "issuance.alternative-name",
            f"A certificate of the profile {profile.name} has no alternative names.",
        )
    foreign = [name for name in names if name.partition(":")[0] not in profile.name_kinds]
    if foreign:
        raise Rejected(
            "issuance.alternative-name",
            f"{foreign[0]!r} cannot stand in a certificate of the profile {profile.name}, whose names are of "
            f"the kind {' or '.join(profile.name_kinds)}.",
        )


@implements(
    "TRUSTWORKS:ISSUANCE-VALIDITY-WITHIN",
    disabled=lambda profile, days, now, _issuer_end: (
        now.replace(microsecond=0),
        now.replace(microsecond=0) + timedelta(days=days or profile.days, seconds=-1),
    ),
)
def validity(
    profile: Profile, days: int | None, now: datetime, issuer_end: datetime | None
) -> tuple[datetime, datetime]:
    """First and last second: from now on, for the days asked for or the profile's, never beyond the issuer's.

    Days asked for that cannot be given are refused; the profile's own days are cut to the issuer's end.
    """
    first = now.replace(microsecond=0)
    if profile.hours is not None:
        return _some_hours(profile, days, first, issuer_end)
    wanted = profile.days if days is None else days
    if not 0 < wanted <= profile.max_days:
        raise Rejected(
            "issuance.validity",
            f"The profile {profile.name} allows 1 to {profile.max_days} days, and {wanted} were asked for.",
        )
    last = first + timedelta(days=wanted, seconds=-1)
    if issuer_end is not None and last > issuer_end:
        # Days of 86400 seconds, the last second of the last one included.
        left = (issuer_end + timedelta(seconds=1) - first) // timedelta(days=1)
        if days is not None or issuer_end <= first:
            remedy = f"ask for {left} days at most" if left >= 1 else "renew it before it issues more"
            raise Refused(
                "TRUSTWORKS:ISSUANCE-VALIDITY-WITHIN",
                f"The authority's own certificate ends on {issuer_end:%Y-%m-%d %H:%M} UTC; {remedy}.",
            )
        last = issuer_end
    return first, last


def _some_hours(
    profile: Profile, days: int | None, first: datetime, issuer_end: datetime | None
) -> tuple[datetime, datetime]:
    hours = profile.hours or 0
    if days is not None:
        raise Rejected(
            "issuance.validity",
            f"Certificates of the profile {profile.name} are valid for {hours} hours; ask for no days.",
        )
    last = first + timedelta(hours=hours, seconds=-1)
    if issuer_end is not None and last > issuer_end:
        raise Refused(
            "TRUSTWORKS:ISSUANCE-VALIDITY-WITHIN",
            f"The authority's own certificate ends on {issuer_end:%Y-%m-%d %H:%M} UTC; renew it before it "
            "issues more.",
        )
    return first, last
