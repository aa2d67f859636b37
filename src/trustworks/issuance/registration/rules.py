"""What stands against an application: pure functions of the application, its evidence and the day.

Each rule answers its objections; an officer sees all of them at once, and approves when there is none.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused, Rejected
from trustworks.core.roles.rules.separation import check_not_subject, person_of
from trustworks.core.trace import implements
from trustworks.issuance.model import NAME_ORDER
from trustworks.issuance.registration.model import (
    IDENTITY_FACTS,
    TRANSITIONS,
    About,
    Comparison,
    Objection,
    SubjectKind,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from trustworks.core.roles.model import Person
    from trustworks.issuance.model import CertificateRecord, NameAttribute, Profile
    from trustworks.issuance.registration.model import (
        Act,
        Application,
        Fact,
        IdentityEvidence,
        MethodTerms,
        State,
    )

# What tells two people of the same name apart (EN 319 411-1, REG-6.2.2-06).
DISTINGUISHING: Final = ("dateOfBirth", "documentNumber", "serialNumber")
# A name as it is usually written may leave these out or abbreviate nothing else.
_LAB_WORD: Final = "TEST"
_PERSON: Final = (About.SUBJECT,)
_MAX_VALUE: Final = 255


def following(state: State, act: Act) -> State:
    """The state after an act. Raises `Rejected` (registration.state) for what cannot follow."""
    after = TRANSITIONS.get((state, act))
    if after is None:
        possible = sorted({one for before, one in TRANSITIONS if before == state})
        remedy = f"what can be done is: {', '.join(possible)}" if possible else "nothing more is done with it"
        raise Rejected("registration.state", f"The application is {state}; {remedy}.")
    return after


# The name beside the evidence


def compare(
    application: Application, *, assigned: Sequence[str] = (), lab: bool = False
) -> tuple[Comparison, ...]:
    """Every attribute of the name asked for beside what the evidence shows of it.

    What the provider assigns needs no evidence. A common name agrees with the official name, with a
    pseudonym, or with words of the official name in their order; in a laboratory it says TEST beside that.
    """
    natural = application.asked.kind is SubjectKind.NATURAL
    found = []
    for name, asked in application.subject:
        pieces = application.about(*_shows(name, natural=natural))
        values = shown(pieces, name)
        agrees = name in assigned or asked in values
        if not agrees and name == "commonName":
            agrees = _is_usual_name(asked, pieces, lab=lab)
        found.append(Comparison(name, asked, values, agrees))
    return tuple(found)


def _shows(attribute: str, *, natural: bool) -> tuple[About, ...]:
    """Evidence about whom shows an attribute of the subject's name."""
    if not natural:
        return (About.ORGANIZATION,)
    if attribute in {"organizationName", "organizationIdentifier", "organizationalUnitName", "title"}:
        return (About.ASSOCIATION, About.ORGANIZATION)
    return _PERSON


def _is_usual_name(asked: str, evidence: Iterable[IdentityEvidence], *, lab: bool) -> bool:
    def words_of(text: str) -> list[str]:
        return [word for word in text.split() if not (lab and word == _LAB_WORD)]

    words = words_of(asked)
    if not words:
        return False
    pieces = tuple(evidence)
    for one in shown(pieces, "organizationName") + shown(pieces, "pseudonym"):
        if words == words_of(one):
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


# Which evidence there must be


@implements("EN319411-1:REG-6.2.2-06")
def natural_person_is_known(application: Application) -> tuple[Objection, ...]:
    """Of a natural person: full name, and what tells the person from others of that name."""
    if application.asked.kind is not SubjectKind.NATURAL:
        return ()
    return _person("EN319411-1:REG-6.2.2-06", "the subject", application.about(*_PERSON))


def _person(requirement: str, who: str, evidence: Sequence[IdentityEvidence]) -> tuple[Objection, ...]:
    missing = [name for name in ("givenName", "surname") if not shown(evidence, name)]
    found = [f"Evidence must show the {' and the '.join(missing)} of {who}."] if missing else []
    if not any(shown(evidence, name) for name in DISTINGUISHING):
        found.append(
            f"Evidence must show what tells {who} from others of that name: one of "
            f"{', '.join(DISTINGUISHING)}."
        )
    return tuple(Objection(requirement, sentence) for sentence in found)


@implements("EN319411-1:REG-6.2.2-09")
def association_is_shown(application: Application) -> tuple[Objection, ...]:
    """Of a natural person named with an organization: the organization's existence, and that both agree."""
    if application.asked.kind is not SubjectKind.NATURAL:
        return ()
    named = [value for name, value in application.subject if name == "organizationName"]
    if not named:
        return ()
    found = []
    if not any(named[0] in one.shows("organizationName") for one in application.about(About.ORGANIZATION)):
        found.append(f"Evidence about the organization {named[0]!r} is missing.")
    if not any(named[0] in one.shows("organizationName") for one in application.about(About.ASSOCIATION)):
        found.append(
            f"Evidence of the association is missing: that {named[0]!r} agrees to be named with this person, "
            "and the person with it."
        )
    return tuple(Objection("EN319411-1:REG-6.2.2-09", sentence) for sentence in found)


@implements("EN319411-1:REG-6.2.2-12")
def legal_person_is_known(application: Application) -> tuple[Objection, ...]:
    """Of a legal person: its name and number; and who acts for it, by what authority."""
    if application.asked.kind is not SubjectKind.LEGAL:
        return ()
    about = application.about(About.ORGANIZATION)
    representative = application.about(About.REPRESENTATIVE)
    missing = [name for name in ("organizationName", "organizationIdentifier") if not shown(about, name)]
    found = [f"Evidence about the organization must show its {' and its '.join(missing)}."] if missing else []
    if not shown(representative, "authority"):
        found.append("Evidence must show by what authority the representative acts for the organization.")
    return (
        *(Objection("EN319411-1:REG-6.2.2-12", sentence) for sentence in found),
        *_person("EN319411-1:REG-6.2.2-12", "the representative", representative),
    )


@implements("EN319411-1:REG-6.3.1-00F")
def subject_agrees(application: Application) -> tuple[Objection, ...]:
    """Where somebody else subscribes, the subject has agreed to it."""
    subscriber = application.asked.subscriber
    if subscriber is None or subscriber.authorization:
        return ()
    return (
        Objection(
            "EN319411-1:REG-6.3.1-00F",
            f"{subscriber.name!r} applies for another subject: record how the subject agreed to that.",
        ),
    )


@implements("EN319411-1:REG-6.3.4-TERMS")
def terms_are_accepted(application: Application, terms: str) -> tuple[Objection, ...]:
    """The terms and conditions that are in force were accepted."""
    if application.asked.terms == terms:
        return ()
    return (
        Objection(
            "EN319411-1:REG-6.3.4-TERMS",
            f"Version {application.asked.terms!r} of the terms was accepted, and {terms!r} is in force; let "
            "the subscriber accept it.",
        ),
    )


# Whether the evidence counts


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


@implements("EN319411-1:REG-6.2.2-22")
def check_only_what_is_needed(facts: Iterable[Fact], profile: Profile, *, about: About) -> None:
    """`Rejected` (registration.fact) for what is not needed to identify anybody, or is no fact at all."""
    needed = {*profile.attributes, *IDENTITY_FACTS}
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


# A certificate that takes another's place


@implements("EN319411-1:REG-6.3.7-03")
def renewed_is_valid(
    application: Application, old: CertificateRecord | None, now: datetime
) -> tuple[Objection, ...]:
    """What is renewed or re-keyed was issued here, and is valid: neither revoked nor at its end."""
    serial = application.asked.renews
    if serial is None:
        return ()
    if old is None or old.state != "issued":
        why = "was not issued here"
    elif old.revocation is not None:
        why = f"is revoked ({old.revocation.reason.name})"
    elif old.not_after < now:
        why = f"ended on {old.not_after:%Y-%m-%d}"
    else:
        return ()
    return (
        Objection(
            "EN319411-1:REG-6.3.7-03",
            f"The certificate {serial}, in whose place another is asked for, {why}; apply for a new one.",
        ),
    )


@implements("EN319411-1:GEN-6.3.6-10")
def key_serves_on(
    application: Application, old: CertificateRecord | None, *, objection: str | None
) -> tuple[Objection, ...]:
    """A key is certified again only when it is fit for the whole new life (`objection`: why it is not)."""
    if old is None or old.spki_sha256.hex() != application.key_id or objection is None:
        return ()
    return (
        Objection(
            "EN319411-1:GEN-6.3.6-10",
            f"The key of the certificate {old.serial} cannot be certified again: {objection} Make a new key.",
        ),
    )


@implements("EN319411-1:REG-6.3.7-01B")
def changes_are_verified(
    application: Application,
    before: Sequence[NameAttribute] | None,
    comparison: Sequence[Comparison],
    evidence_since: date | None,
) -> tuple[Objection, ...]:
    """What changed in the name since the certificate that is renewed was verified after that one was made.

    `before` is the old certificate's name, `evidence_since` the day it was issued.
    """
    if before is None or evidence_since is None:
        return ()
    old = dict(before)
    natural = application.asked.kind is SubjectKind.NATURAL
    found = []
    for one in comparison:
        if old.get(one.attribute) == one.asked:
            continue
        new = [
            piece
            for piece in application.about(*_shows(one.attribute, natural=natural))
            if piece.established_on >= evidence_since and one.asked in piece.shows(one.attribute)
        ]
        if not new and one.attribute != "commonName":
            found.append(
                Objection(
                    "EN319411-1:REG-6.3.7-01B",
                    f"{one.attribute} is another than in the certificate that is renewed; add evidence of it "
                    "that is newer than that certificate.",
                )
            )
    return tuple(found)


# Who decides, what is published, how long it is kept


@implements("EN319411-1:REG-6.3.2-00B")
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


def check_source(source: str) -> None:
    """`Rejected` (registration.source) for evidence that does not say what was looked at."""
    if not 3 <= len(source.strip()) <= 200 or not source.isprintable():
        raise Rejected(
            "registration.source", "Say what was looked at, in 3 to 200 characters, for example: passport XX."
        )


def check_not_concerned(officer: Person, application: Application) -> None:
    """Refuse an officer who is the subject, or represents it (EN319411-1:REG-6.2.2-26)."""
    concerned = [person_of(dict(application.subject), key_ids=(application.key_id,))]
    concerned += [
        person_of(dict(one.facts)) for one in application.about(About.SUBJECT, About.REPRESENTATIVE)
    ]
    check_not_subject(officer, concerned)


def check_nothing_against(objections: Sequence[Objection]) -> None:
    """`Refused`, under the first objection's requirement and with all sentences."""
    if objections:
        first = objections[0]
        sentences = [
            one.sentence if one.requirement == first.requirement else f"{one.sentence} ({one.requirement})"
            for one in objections
        ]
        raise Refused(first.requirement, " ".join(sentences))
