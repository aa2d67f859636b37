"""The name that is asked for beside what the evidence shows: the same, attribute by attribute."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.issuance.registration.model import (
    PAYMENT_FACTS,
    About,
    Comparison,
    Objection,
    SubjectKind,
    shown,
)
from trustworks.issuance.registration.rules.declarations import payment_services

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustworks.issuance.registration.model import Application, IdentityEvidence

_LAB_WORD: Final = "TEST"
# What evidence shows of each kind of alternative name.
ALTERNATIVE_FACTS: Final = {"email": "emailAddress", "DNS": "dNSName", "IP": "iPAddress"}
# A number that others gave, such as PASXX-1234 or VATXX-1234 (EN 319 412-1, 5.1.3 and 5.1.4).
_SEMANTIC: Final = re.compile(r"([A-Z]{3}[A-Z]{2}|[^:]{2}:[A-Z]{2})-.+")


def compare(
    application: Application, *, assigned: Sequence[str] = (), lab: bool = False
) -> tuple[Comparison, ...]:
    """All that is asked for beside what the evidence shows of it: attributes, declarations, other names.

    What the provider assigns needs no evidence, unless it is a number that somebody else gave. A common name
    agrees with the official name, with a pseudonym, or with words of the official name in their order; in a
    laboratory it says TEST beside that.
    """
    natural = application.asked.kind is SubjectKind.NATURAL
    found = []
    for name, asked in application.subject:
        pieces = application.about(*shows(name, natural=natural))
        values = shown(pieces, name)
        agrees = asked in values or (name in assigned and not _is_given_by_others(application, asked))
        if not agrees and name == "commonName":
            agrees = _is_usual_name(asked, pieces, natural=natural, lab=lab)
        found.append(Comparison(name, asked, values, agrees))
    found += payment_services(application)
    for alternative in application.asked.alternative_names:
        kind, _, asked = alternative.partition(":")
        values = shown(application.evidence, ALTERNATIVE_FACTS.get(kind, kind))
        agrees = asked.casefold() in {one.casefold() for one in values}
        found.append(Comparison(kind, asked, values, agrees))
    return tuple(found)


def _is_given_by_others(application: Application, number: str) -> bool:
    """Whether a number that the provider might assign is said to be one of a passport, a register, ..."""
    return application.asked.semantics or _SEMANTIC.fullmatch(number) is not None


def shows(attribute: str, *, natural: bool) -> tuple[About, ...]:
    """Evidence about whom shows an attribute of the subject's name."""
    if not natural or attribute in PAYMENT_FACTS:
        return (About.ORGANIZATION,)
    if attribute in {"organizationName", "organizationIdentifier", "organizationalUnitName", "title"}:
        return (About.ASSOCIATION, About.ORGANIZATION)
    return (About.SUBJECT,)


def _is_usual_name(asked: str, evidence: Iterable[IdentityEvidence], *, natural: bool, lab: bool) -> bool:
    def words_of(text: str) -> list[str]:
        return [word for word in text.split() if not (lab and word == _LAB_WORD)]

    words = words_of(asked)
    if not words:
        return False
    pieces = tuple(evidence)
    if any(words == words_of(one) for one in shown(pieces, "pseudonym" if natural else "organizationName")):
        return True
    given = [word for one in shown(pieces, "givenName") for word in words_of(one)]
    last = [word for one in shown(pieces, "surname") for word in words_of(one)]
    # Some of the given names in their order, then the whole surname.
    count = len(words) - len(last)
    return bool(last) and count >= 1 and words[count:] == last and _in_order(words[:count], given)


def _in_order(some: Sequence[str], of_these: Sequence[str]) -> bool:
    rest = iter(of_these)
    return all(any(word == other for other in rest) for word in some)


@implements("EN319411-1:REG-6.2.2-02AC")
def request_equals_evidence(comparison: Sequence[Comparison]) -> tuple[Objection, ...]:
    """What is asked for is what the evidence shows, attribute by attribute."""
    return tuple(
        Objection(
            "EN319411-1:REG-6.2.2-02AC",
            f"{one.attribute} is asked for as {one.asked!r}, and "
            + (
                f"the evidence shows {', '.join(map(repr, one.shown))}"
                if one.shown
                else "no evidence shows it"
            )
            + "; correct the application, or add the evidence.",
        )
        for one in comparison
        if not one.agrees
    )
