"""No officer lets himself have a certificate: neither by a credential or key that he made, nor by a decision.

What he lets pass is looked at when he says so, as far as it is known then, and again with the name that is
really asked for. Source: EN 319 411-1, REG-6.2.2-26.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused
from trustworks.core.roles import records as roles
from trustworks.core.roles.model import Person
from trustworks.core.roles.rules.separation import as_compared, check_not_subject, person_of
from trustworks.core.trace import implements
from trustworks.issuance.enrolment.patterns import matches
from trustworks.issuance.records.waiting import WaitingRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from trustworks.issuance.model import NameAttribute, Profile
    from trustworks.issuance.records.acme import ExternalKey
    from trustworks.issuance.records.cmp import Credential

# Attributes that name a person or an organisation; a device's others name the device.
_OF_PERSONS: Final = frozenset(
    {"givenName", "surname", "pseudonym", "organizationName", "organizationIdentifier"}
)
_EMAIL: Final = "email:"


def concerned_by(
    subject: Sequence[NameAttribute], names: Iterable[str], *, key_ids: Iterable[str] = ()
) -> list[Person]:
    """The persons whom a request names, with the key that it brings (SHA-256 of its public key)."""
    found = [person_of({one.type: one.value for one in subject}, key_ids=key_ids)]
    found += [
        person_of({"emailAddress": one.removeprefix(_EMAIL)}) for one in names if one.startswith(_EMAIL)
    ]
    return found


def person_behind(connection: Connection, name: str) -> Person:
    """What is known of an operator as a person; of who is none nothing is."""
    return roles.person(connection, name) if roles.operator(connection, name) is not None else Person()


def check_no_officer(
    connection: Connection,
    passed: Iterable[Credential | WaitingRequest | ExternalKey | None],
    concerned: Sequence[Person],
) -> None:
    """Refuse what concerns the officer who made a credential or key, or who decided on a request.

    (EN319411-1:REG-6.2.2-26)
    """
    for one in passed:
        name = one.decided_by if isinstance(one, WaitingRequest) else None if one is None else one.created_by
        if name is not None:
            check_not_subject(person_behind(connection, name), concerned)


@implements("TRUSTWORKS:ENROLMENT-PATTERN-NOT-OFFICER")
def check_spares_officer(
    officer: Person, subject: Sequence[NameAttribute], names: Sequence[str], *, lab: bool
) -> None:
    """Refuse a pattern that would let the officer's own name or identifier pass.

    A laboratory's default lets everything pass (``*``): there the name that is asked for alone tells.
    """
    given = {one.type: one.value for one in subject}
    whole = " ".join(given.get(name, "") for name in ("givenName", "surname")).strip()
    patterns = [(officer.names, one) for one in (whole, given.get("commonName", ""))]
    patterns += [(officer.identifiers, given.get(name, "")) for name in ("serialNumber", "emailAddress")]
    patterns += [(officer.identifiers, one.removeprefix(_EMAIL)) for one in names if one.startswith(_EMAIL)]
    for own, pattern in patterns:
        if "*" not in pattern or (lab and not pattern.strip("* ")):
            continue
        if any(matches(as_compared(pattern), one) for one in own):
            raise Refused(
                "TRUSTWORKS:ENROLMENT-PATTERN-NOT-OFFICER",
                f"{pattern!r} lets requests in the officer's own name pass. Narrow it, or let another "
                "officer create it.",
            )


@implements("TRUSTWORKS:ENROLMENT-PATTERN-NARROW")
def check_pattern_is_narrow(
    profile: Profile, subject: Sequence[NameAttribute], names: Sequence[str], *, lab: bool
) -> None:
    """Refuse, outside a laboratory, ``*`` in what names a person, and for all but devices."""
    if lab:
        return
    wide = [name for name, value in subject if "*" in value]
    if profile.kind == "device":
        wide = [name for name in wide if name in _OF_PERSONS]
    else:
        wide += [name for name in names if "*" in name]
    if wide:
        raise Refused(
            "TRUSTWORKS:ENROLMENT-PATTERN-NARROW",
            f"* stands for any characters, and whoever is named in {', '.join(wide)} was not looked at. "
            "Write the whole name; * is for the names of devices (profile device), as in CN=pump *.",
        )
