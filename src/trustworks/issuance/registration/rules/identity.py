"""Which evidence there must be of a person, of an organization, of who acts for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.issuance.registration.model import About, Objection, SubjectKind, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.issuance.model import Profile
    from trustworks.issuance.registration.model import Application, IdentityEvidence

# What tells two people of the same name apart (EN 319 411-1, REG-6.2.2-06).
DISTINGUISHING: Final = ("dateOfBirth", "documentNumber", "serialNumber")


@implements("TRUSTWORKS:REGISTRATION-KIND")
def kind_fits(kind: SubjectKind, profile: Profile) -> tuple[Objection, ...]:
    """A profile for natural or legal persons certifies no others: the kind says what must be shown."""
    if profile.kind not in {"natural", "legal"} or profile.kind == kind.value:
        return ()
    return (
        Objection(
            "TRUSTWORKS:REGISTRATION-KIND",
            f"{profile.name} is for {profile.kind} persons, and the application is for a {kind.value} one; "
            "correct the kind, or ask for another profile.",
        ),
    )


@implements("EN319411-1:REG-6.2.2-06")
def natural_person_is_known(application: Application) -> tuple[Objection, ...]:
    """Of a natural person: full name, and what tells the person from others of that name."""
    if application.asked.kind is not SubjectKind.NATURAL:
        return ()
    return _person("EN319411-1:REG-6.2.2-06", "the subject", application.about(About.SUBJECT))


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
