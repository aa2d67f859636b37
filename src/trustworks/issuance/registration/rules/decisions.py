"""Who decides, what follows, what is published, how long it is kept."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused, Rejected
from trustworks.core.roles.rules.separation import check_not_subject, person_of
from trustworks.core.trace import implements
from trustworks.issuance.registration.model import TRANSITIONS, Objection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from trustworks.core.roles.model import Person
    from trustworks.issuance.registration.model import (
        Act,
        Application,
        DeviceEvidence,
        Fact,
        IdentityEvidence,
        NewApplication,
        State,
    )

    Recorded = IdentityEvidence | DeviceEvidence

API: Final = "api:"
"""How the actors begin that are clients of the JSON API."""


def following(state: State, act: Act) -> State:
    """The state after an act. Raises `Rejected` (registration.state) for what cannot follow."""
    after = TRANSITIONS.get((state, act))
    if after is None:
        possible = sorted({one for before, one in TRANSITIONS if before == state})
        remedy = f"what can be done is: {', '.join(possible)}" if possible else "nothing more is done with it"
        raise Rejected("registration.state", f"The application is {state}; {remedy}.")
    return after


@implements("EN319411-1:REG-6.3.2-00B", "EN319411-1:GEN-6.4.5-03", "EN319411-1:GEN-6.4.5-04")
def check_reason(reason: str) -> None:
    """`Rejected` (registration.reason) for a decision without a reason that others can read later."""
    if not 3 <= len(reason.strip()) <= 1000 or not reason.isprintable():
        raise Rejected(
            "registration.reason", "Say why, in 3 to 1000 characters: the decision is kept with its reason."
        )


@implements("EN319411-1:DIS-6.1-01B", disabled=True)
def may_publish(application: Application) -> bool:
    """Whether the certificate may be given to third parties: the subject consented, on record."""
    return application.asked.consent is True


@implements("EN319411-1:REG-6.3.4-17", disabled=True)
def may_erase(ended: datetime | None, now: datetime, *, retention_years: int) -> bool:
    """Whether the time is over for which a record is kept, counted from the certificate's end."""
    return ended is not None and now >= ended + timedelta(
        days=retention_years * 366
    )  # rather a week too long


def check_contact(contact: str | None) -> None:
    """`Rejected` (registration.contact) for a contact that is no e-mail address."""
    if contact is not None and not re.fullmatch(r"[^\s@<>,;:\"]{1,64}@[^\s@<>,;:\"]{1,190}", contact):
        raise Rejected("registration.contact", f"{contact!r} is no e-mail address.")


def check_not_concerned(officer: Person, application: Application) -> None:
    """Refuse an officer whom the application or any of its evidence names (EN319411-1:REG-6.2.2-26).

    That is the subject, who represents it or subscribes, who signed for the organization that it is named
    with, and who belongs to that organization.
    """
    check_not_subject(officer, concerned_by_all(application))


def concerned_by_all(application: Application) -> list[Person]:
    """The persons whom an application with all of its evidence concerns."""
    facts = [one.facts for one in application.evidence]
    return concerned_by(application.asked, application.key_id, *facts)


def concerned_by(asked: NewApplication, key_id: str | None, *facts: Iterable[Fact]) -> list[Person]:
    """The persons whom an application concerns: its subject, who subscribes, and whom evidence shows."""
    emails = [asked.contact or "", *(one[6:] for one in asked.alternative_names if one.startswith("email:"))]
    found = [person_of(dict(asked.subject), key_ids=() if key_id is None else (key_id,))]
    found += [person_of({"emailAddress": one}) for one in emails]
    if asked.subscriber is not None:
        found.append(person_of({"commonName": asked.subscriber.name}))
    # Evidence may show several values of an attribute: each of them is looked at.
    found += [person_of(dict(some)) for some in facts]
    found += [person_of({fact.type: fact.value}) for some in facts for fact in some]
    return found


@implements("TRUSTWORKS:REGISTRATION-DUAL-CONTROL")
def check_another_saw_the_evidence(
    application: Application, by: str, *, added_by: Mapping[str, str] | None = None
) -> None:
    """Refuse an approval by who recorded evidence that it rests on: two persons take part.

    A client of the API is an actor too, and no person: it does not decide on what it handed in itself, and
    two clients are not two persons, for one may own both. `added_by` says which operator added a client (by
    its actor's name); what his system does counts as his.
    """
    owners = added_by or {}
    is_client = by.startswith(API)
    handed_in = [application.received_by] if is_client else []
    pieces: tuple[Recorded, ...] = (*application.evidence, *application.devices)
    own = [one.id for one in pieces if one.recorded_by == by]
    if own:
        raise Refused(
            "TRUSTWORKS:REGISTRATION-DUAL-CONTROL",
            f"{by} recorded the evidence {', '.join(own)}, and does not decide on it. Let another officer "
            "approve the application.",
        )
    recorders = {*handed_in, *(one.recorded_by for one in pieces)}
    if is_client and any(one.startswith(API) for one in recorders):
        raise Refused(
            "TRUSTWORKS:REGISTRATION-DUAL-CONTROL",
            f"{by} is a system, and so is what registered the application or its evidence: two systems may "
            "be one person's. Let an officer approve the application, or record its evidence.",
        )
    if owners.get(by) in recorders or any(owners.get(one) == by for one in recorders):
        raise Refused(
            "TRUSTWORKS:REGISTRATION-DUAL-CONTROL",
            f"{by} and the system that took part in this application belong together: one added the other. "
            "Let another officer approve the application.",
        )


def check_nothing_against(objections: Sequence[Objection]) -> None:
    """`Refused`, under the first objection's requirement and with all sentences."""
    if objections:
        first = objections[0]
        sentences = [
            one.sentence if one.requirement == first.requirement else f"{one.sentence} ({one.requirement})"
            for one in objections
        ]
        raise Refused(first.requirement, " ".join(sentences))


@implements("EN319411-1:REG-6.3.1-00B")
def check_still_right(objections: Sequence[Objection]) -> None:
    """Refuse to issue by an approval whose grounds have ended since: what it certifies holds on the day."""
    if objections:
        sentences = " ".join(f"{one.sentence} ({one.requirement})" for one in objections)
        raise Refused(
            "EN319411-1:REG-6.3.1-00B",
            f"It was approved, and before it could be issued its grounds ended: {sentences} Apply again.",
        )
