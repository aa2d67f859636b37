"""Whether a piece of evidence counts: its method, its age, how often it served, what it may show."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.issuance.model import NAME_ORDER
from trustworks.issuance.registration.model import IDENTITY_FACTS, PAYMENT_FACTS, About, Objection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from trustworks.issuance.model import Profile
    from trustworks.issuance.registration.model import Application, Fact, MethodTerms

_MAX_VALUE: Final = 255


@implements("EN319411-1:REG-6.3.1-00C")
def methods_count(
    application: Application, methods: Mapping[str, MethodTerms], day: date, *, qualified: bool
) -> tuple[Objection, ...]:
    """Every piece of evidence came by a method that counts on this day, for this kind of certificate."""
    found = []
    for one in application.evidence:
        terms = methods.get(one.method)
        if terms is None or one.about not in terms.about:
            why = f"the method {one.method} does not identify a {one.about.value}"
        elif terms.until is not None and day > terms.until:
            why = f"the method {one.method} counted until {terms.until}"
        elif qualified and not terms.qualified:
            why = f"the method {one.method} does not count for qualified certificates"
        else:
            continue
        found.append(
            Objection("EN319411-1:REG-6.3.1-00C", f"Evidence {one.id}: {why}. Identify by another method.")
        )
    return tuple(found)


@implements("EN319411-1:REG-6.3.1-00D")
def evidence_is_recent(
    application: Application, methods: Mapping[str, MethodTerms], day: date
) -> tuple[Objection, ...]:
    """No identification is older than its method allows, none from the future, no document has ended."""
    found = []
    for one in application.evidence:
        terms = methods.get(one.method)
        age = (day - one.established_on).days
        if age < 0:
            why = f"is dated {one.established_on}, which is still to come; correct the date"
        elif one.ends_on is not None and one.ends_on < day:
            why = f"rests on a document that ended on {one.ends_on}; look at a valid one"
        elif terms is not None and age > terms.max_age_days:
            why = f"is {age} days old, and counts for {terms.max_age_days}; identify again"
        else:
            continue
        found.append(Objection("EN319411-1:REG-6.3.1-00D", f"Evidence {one.id} {why}."))
    return tuple(found)


@implements("EN319411-1:REG-6.3.1-00E")
def evidence_is_not_worn_out(
    application: Application, methods: Mapping[str, MethodTerms], served: Mapping[str, int]
) -> tuple[Objection, ...]:
    """No identification serves more certificates than its method allows.

    `served` says how many it has served, by the id of the evidence where it was recorded first.
    """
    found = []
    for one in application.evidence:
        terms = methods.get(one.method)
        count = served.get(one.origin or one.id, 0)
        if terms is not None and count >= terms.uses:
            found.append(
                Objection(
                    "EN319411-1:REG-6.3.1-00E",
                    f"Evidence {one.id} has served {count} certificate(s), and {one.method} serves "
                    f"{terms.uses}; identify again.",
                )
            )
    return tuple(found)


@implements("EN319411-1:REG-6.2.2-22", "EN319411-1:REG-6.2.2-23")
def check_only_what_is_needed(facts: Iterable[Fact], profile: Profile, *, about: About) -> None:
    """`Rejected` (registration.fact) for what is not needed to identify anybody, or is no fact at all."""
    needed = {*profile.attributes, *IDENTITY_FACTS}
    if profile.psd2 and about is About.ORGANIZATION:
        needed |= set(PAYMENT_FACTS)
    if about is not About.SUBJECT:
        needed |= set(NAME_ORDER)
    seen: set[Fact] = set()
    for fact in facts:
        if fact.type not in needed:
            raise Rejected(
                "registration.fact",
                f"{fact.type} is not needed to identify the {about.value}, and is not taken. What is: "
                f"{', '.join(sorted(needed))}.",
            )
        value = fact.value
        if not value.strip() or len(value) > _MAX_VALUE or not value.isprintable():
            raise Rejected("registration.fact", f"{fact.type} needs 1 to {_MAX_VALUE} printable characters.")
        if not unicodedata.is_normalized("NFC", value):
            raise Rejected("registration.fact", f"{fact.type} is not in the composed form of Unicode (NFC).")
        if fact in seen:
            raise Rejected("registration.fact", f"{fact.type} = {value!r} is given twice; give it once.")
        seen.add(fact)


def check_source(source: str) -> None:
    """`Rejected` (registration.source) for evidence that does not say what was looked at."""
    if not 3 <= len(source.strip()) <= 200 or not source.isprintable():
        raise Rejected(
            "registration.source", "Say what was looked at, in 3 to 200 characters, for example: passport XX."
        )
