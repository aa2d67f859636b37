"""Nobody handles a request of which he is the subject."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused
from trustworks.core.roles.model import Person
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_IDENTIFIERS: Final = ("serialNumber", "emailAddress")


def as_compared(text: str) -> str:
    """A name as names are compared: case, width and spaces do not tell people apart."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def person_of(attributes: Mapping[str, str], *, key_ids: Iterable[str] = ()) -> Person:
    """The person whom the attributes of a certificate's subject name, and whose keys these are."""
    whole = " ".join(attributes.get(name, "") for name in ("givenName", "surname")).strip()
    names = {as_compared(one) for one in (whole, attributes.get("commonName", "")) if one.strip()}
    found = {as_compared(attributes[name]) for name in _IDENTIFIERS if attributes.get(name, "").strip()}
    return Person(names=frozenset(names), identifiers=frozenset(found), key_ids=frozenset(key_ids))


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
