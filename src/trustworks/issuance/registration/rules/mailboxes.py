"""Control over mailboxes: how it may be shown, how long it counts, when a value that was mailed is good.

Source: CA/Browser Forum S/MIME Baseline Requirements, 3.2.2 and 4.2.1.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.issuance.registration.model import Objection
from trustworks.issuance.registration.rules.domains import uncovered, web_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from trustworks.issuance.model import Profile
    from trustworks.issuance.registration.model import Application, DomainValidation, MailboxValidation

LIFE: Final = timedelta(hours=24)
"""How long a value that was mailed may come back."""

DAYS: Final = 30
"""How many days an answer by mail counts for certificates."""

MOST_WRONG: Final = 10
"""How often a wrong value may be given for one that was mailed."""

MOST_MAILS: Final = 5
"""How many mails a mailbox gets from us within `LIFE`."""


def mailboxes(application: Application) -> tuple[str, ...]:
    """The mailboxes that the certificate would name, each once, their domains in small letters."""
    named = (one[6:] for one in application.asked.alternative_names if one.startswith("email:"))
    in_subject = (one.value for one in application.subject if one.type == "emailAddress")
    return tuple(dict.fromkeys(map(normal, (*named, *in_subject))))


def normal(address: str) -> str:
    """An address as it is compared: domains are the same in capitals, what stands before them is not."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"


def domain_of(address: str) -> str:
    """The domain that mail for an address goes to."""
    return address.rpartition("@")[2].lower()


def names_to_control(application: Application, profile: Profile) -> tuple[str, ...]:
    """The names over which control may be seen: those of a web site, and the domains of all mailboxes.

    Of the latter it is one way of two (S/MIME Baseline Requirements, 3.2.2.1).
    """
    mail = map(domain_of, mailboxes(application))
    return tuple(dict.fromkeys((*web_names(application, profile), *mail)))


def digest_of(secret: str) -> str:
    """What is kept of a value that was mailed: nobody who reads the records can answer in its place."""
    return hashlib.sha256(secret.encode()).hexdigest()


@implements("CABF-SMIME:3.2.2.2-24H", disabled=lambda drawn, _: drawn.validated_at is None)
def _is_in_time(drawn: MailboxValidation, now: datetime) -> bool:
    return drawn.drawn_at <= now < drawn.drawn_at + LIFE


@implements("TRUSTWORKS:MAILBOX-GUESSES", disabled=True)
def _may_be_guessed(drawn: MailboxValidation) -> bool:
    return drawn.wrong < MOST_WRONG


@implements("TRUSTWORKS:MAILBOX-ONCE", disabled=True)
def _is_unused(drawn: MailboxValidation) -> bool:
    return drawn.validated_at is None


def is_answerable(drawn: MailboxValidation, now: datetime) -> bool:
    """Whether a value that was mailed may still come back: unused, not too old, and not guessed at."""
    return _is_in_time(drawn, now) and _may_be_guessed(drawn) and _is_unused(drawn)


@implements("CABF-SMIME:3.2.2.2", disabled=True)
def is_the_value(drawn: MailboxValidation, secret: str) -> bool:
    """Whether a value is the one that was mailed; how long the comparison takes tells nothing of it."""
    return hmac.compare_digest(drawn.digest, digest_of(secret))


@implements("TRUSTWORKS:MAILBOX-MAILS-LIMITED")
def check_mails(recent: int, address: str) -> None:
    """`Rejected` (registration.mailbox-mails): nobody is to fill a stranger's mailbox through us."""
    if recent >= MOST_MAILS:
        raise Rejected(
            "registration.mailbox-mails",
            f"{recent} mails went to {address} within 24 hours; wait until the first of them is a day old.",
        )


@implements("CABF-SMIME:4.2.1-AGE", disabled=lambda seen, _: seen.validated_at is not None)
def _counts(seen: MailboxValidation, now: datetime) -> bool:
    at = seen.validated_at
    return at is not None and at <= now <= at + timedelta(days=DAYS)


@implements("CABF-SMIME:3.2.2.1", disabled=lambda address, _domains, _now: bool(address))
def _is_shown_by_domain(address: str, domains: Sequence[DomainValidation], now: datetime) -> bool:
    """Whether who applies controls the domain of a mailbox, and so may speak for its holder."""
    return not uncovered([domain_of(address)], domains, now)


def unconfirmed(
    addresses: Iterable[str],
    answers: Sequence[MailboxValidation],
    domains: Sequence[DomainValidation],
    now: datetime,
) -> list[str]:
    """Of these mailboxes those over which no control was shown that counts today."""
    answered = {one.address for one in answers if _counts(one, now)}
    return [one for one in addresses if one not in answered and not _is_shown_by_domain(one, domains, now)]


@implements("CABF-SMIME:3.2.2")
def mailboxes_are_validated(
    application: Application,
    answers: Sequence[MailboxValidation],
    domains: Sequence[DomainValidation],
    now: datetime,
) -> tuple[Objection, ...]:
    """Control over each mailbox that a certificate names, of whatever profile, was shown not too long ago."""
    missing = unconfirmed(mailboxes(application), answers, domains, now)
    return tuple(
        Objection(
            "CABF-SMIME:3.2.2",
            f"No control over the mailbox {one} was shown: `trustworks registration mailbox challenge "
            f"{application.id}` mails its holder a value that comes back within 24 hours and counts for "
            f"{DAYS} days; or show control over {domain_of(one)} (`trustworks registration domain challenge "
            f"{application.id}`).",
        )
        for one in missing
    )
