"""Nobody handles a request of which he is the subject."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Refused
from trustworks.core.roles.model import Person
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_IDENTIFIERS: Final = ("serialNumber", "emailAddress", "organizationIdentifier")


def as_compared(text: str) -> str:
    """A name as names are compared: case, width and spaces do not tell people apart."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def person_of(attributes: Mapping[str, str], *, key_ids: Iterable[str] = ()) -> Person:
    """The person whom the attributes of a certificate's subject name, and whose keys these are.

    An organization that is named counts too: an officer who belongs to it, or acts for it, is described by
    its name or its identifier beside his own, and leaves to others what is about it.
    """
    whole = " ".join(attributes.get(name, "") for name in ("givenName", "surname")).strip()
    called = (whole, *(attributes.get(name, "") for name in ("commonName", "organizationName")))
    names = {as_compared(one) for one in called if one.strip()}
    found = {as_compared(attributes[name]) for name in _IDENTIFIERS if attributes.get(name, "").strip()}
    return Person(names=frozenset(names), identifiers=frozenset(found), key_ids=frozenset(key_ids))


def described(names: Iterable[str], identifiers: Iterable[str]) -> Person:
    """Who somebody is, as it is kept and compared. Raises `Malformed` for too much of it."""
    person = Person(
        names=frozenset(filter(None, map(as_compared, names))),
        identifiers=frozenset(filter(None, map(as_compared, identifiers))),
    )
    if any(len(one) > 200 for one in (*person.names, *person.identifiers)) or (
        len(person.names) > 8 or len(person.identifiers) > 8
    ):
        raise Malformed("Give up to 8 names and 8 identifiers, each of 200 characters at most.")
    return person


@implements("EN319411-1:REG-6.2.2-26")
def check_not_subject(officer: Person, concerned: Iterable[Person]) -> None:
    """Refuse an officer who is one of those whom the request concerns: its subject, a representative.

    The same name is taken for the same person: a namesake's request is another officer's.
    """
    for person in concerned:
        if (
            officer.names & person.names
            or officer.identifiers & person.identifiers
            or officer.key_ids & person.key_ids
        ):
            raise Refused(
                "EN319411-1:REG-6.2.2-26",
                "The officer is the subject of this request, or has the same name, identifier or key. Let "
                "another officer handle it.",
            )


@implements("TRUSTWORKS:ROLES-DESCRIBED")
def check_described(officer: Person, name: str) -> None:
    """Refuse who decides on certificates while nobody wrote who he is: his own request would not show.

    Source: EN 319 411-1, REG-6.2.2-26.
    """
    if not officer.names and not officer.identifiers:
        raise Refused(
            "TRUSTWORKS:ROLES-DESCRIBED",
            f"Nobody has written who {name} is, so a request of his own would not show. Let another security "
            f"officer do it: trustworks roles operator describe {name} --name NAME --identifier IDENTIFIER.",
        )


@implements("TRUSTWORKS:ROLES-DESCRIBED-BY-ANOTHER")
def check_another_describes(actor: str, name: str) -> None:
    """Refuse who writes of himself by what he is told from others."""
    if actor == name:
        raise Refused(
            "TRUSTWORKS:ROLES-DESCRIBED-BY-ANOTHER",
            f"{name} does not write who he is himself: let another security officer do it.",
        )


@implements("TRUSTWORKS:ROLES-DESCRIBED")
def check_stays_described(after: Person, name: str, *, handles_requests: bool) -> None:
    """Refuse to take away by what an officer who handles requests is told from those they are about."""
    if handles_requests and not after.names and not after.identifiers:
        raise Refused(
            "TRUSTWORKS:ROLES-DESCRIBED",
            f"{name} handles the requests of others, and is told from them by this. Give --name or "
            "--identifier; or withdraw the roles registration-officer and revocation-officer first.",
        )
