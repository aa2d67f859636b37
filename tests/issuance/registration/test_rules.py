"""Each rule of registration, by itself: what it lets pass, and what it objects to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from registration_testbed import received

from trustworks.core.errors import Refused, Rejected
from trustworks.core.roles.model import Person
from trustworks.issuance.model import (
    CertificateRecord,
    NameAttribute,
    Revocation,
    RevocationReason,
)
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.registration import rules
from trustworks.issuance.registration.model import (
    TRANSITIONS,
    About,
    Application,
    Fact,
    IdentityEvidence,
    MethodTerms,
    NewApplication,
    SubjectKind,
    Subscriber,
)

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAY = NOW.date()
ANNA = (
    NameAttribute("countryName", "XX"),
    NameAttribute("givenName", "Anna Maria"),
    NameAttribute("surname", "Muster"),
    NameAttribute("serialNumber", "P-1"),
    NameAttribute("commonName", "Anna Muster TEST"),
)
FACTS = (
    Fact("countryName", "XX"),
    Fact("givenName", "Anna Maria"),
    Fact("surname", "Muster"),
    Fact("dateOfBirth", "1990-01-01"),
)
LTD = (
    NameAttribute("countryName", "XX"),
    NameAttribute("organizationName", "Muster TEST Ltd"),
    NameAttribute("organizationIdentifier", "NTRXX-1"),
    NameAttribute("commonName", "Muster TEST Ltd"),
)
REGISTER = (
    Fact("countryName", "XX"),
    Fact("organizationName", "Muster TEST Ltd"),
    Fact("organizationIdentifier", "NTRXX-1"),
)
PERSON = frozenset({About.SUBJECT, About.REPRESENTATIVE})
METHODS = {
    "presence": MethodTerms(name="presence", about=PERSON, qualified=True, max_age_days=30, uses=2),
    "copy": MethodTerms(name="copy", about=PERSON, qualified=False, max_age_days=30, uses=1),
    "old-way": MethodTerms(
        name="old-way", about=PERSON, qualified=True, max_age_days=30, uses=1, until=DAY - timedelta(days=1)
    ),
}


def piece(about: About = About.SUBJECT, facts: tuple[Fact, ...] = FACTS, **changes: Any) -> IdentityEvidence:
    given: dict[str, Any] = {
        "id": "e1",
        "about": about,
        "method": "presence",
        "source": "passport XX",
        "established_on": DAY,
        "facts": facts,
        "recorded_at": NOW,
        "recorded_by": "ra",
    }
    return IdentityEvidence(**{**given, **changes})


def application(*evidence: IdentityEvidence, **changes: Any) -> Application:
    asked: dict[str, Any] = {
        "profile": "natural-qcp-n-qscd",
        "kind": SubjectKind.NATURAL,
        "subject": ANNA,
        "csr": b"",
        "terms": "1",
    }
    return received(NewApplication(**{**asked, **changes}), at=NOW, evidence=evidence or (piece(),))


def legal(*evidence: IdentityEvidence) -> Application:
    return application(*evidence, kind=SubjectKind.LEGAL, subject=LTD, profile="legal-qcp-l-qscd")


def differences(given: Application, **changes: Any) -> list[str]:
    found = rules.compare(given, **{"assigned": ("serialNumber",), "lab": True, **changes})
    return [one.attribute for one in found if not one.agrees]


def named(name: str, value: str) -> tuple[NameAttribute, ...]:
    return tuple(NameAttribute(name, value) if one.type == name else one for one in ANNA)


@pytest.mark.req("EN319411-1:REG-6.2.2-02AC")
def test_what_is_asked_for_is_what_the_evidence_shows() -> None:
    assert differences(application()) == []
    assert (
        rules.request_equals_evidence(rules.compare(application(), assigned=("serialNumber",), lab=True))
        == ()
    )
    other = application(subject=named("surname", "Mustermann"))
    found = rules.request_equals_evidence(rules.compare(other, assigned=("serialNumber",), lab=True))
    assert {one.requirement for one in found} == {"EN319411-1:REG-6.2.2-02AC"}
    assert "'Mustermann'" in found[0].sentence
    assert "'Muster'" in found[0].sentence
    missing = rules.request_equals_evidence(rules.compare(application(), assigned=(), lab=True))
    assert [one.sentence.partition(";")[0] for one in missing] == [
        "serialNumber is asked for as 'P-1', and no evidence shows it"
    ]


@pytest.mark.parametrize(
    ("name", "agrees"),
    [
        ("Anna Muster TEST", True),
        ("Anna Maria Muster", True),
        ("Maria Muster", True),
        ("Maria Anna Muster", False),
        ("Muster", False),
        ("Anna", False),
        ("Anna Mustermann", False),
        ("Dr. Anna Muster", False),
        ("TEST", False),
        ("anna muster", False),
    ],
)
def test_a_common_name_has_words_of_the_official_name_in_their_order(name: str, agrees: bool) -> None:
    assert (differences(application(subject=named("commonName", name))) == []) is agrees


def test_outside_a_laboratory_test_is_a_word_as_others() -> None:
    assert differences(application(), lab=False) == ["commonName"]


def test_a_pseudonym_is_a_usual_name() -> None:
    subject = (NameAttribute("pseudonym", "Night Owl"), NameAttribute("commonName", "Night Owl TEST"))
    owl = piece(facts=(Fact("pseudonym", "Night Owl"),))
    assert differences(application(owl, subject=subject)) == []


def test_evidence_about_another_shows_nothing_of_the_subject() -> None:
    given = application(piece(About.SUBSCRIBER))
    assert differences(given) == ["countryName", "givenName", "surname", "commonName"]


def test_a_legal_person_is_compared_with_the_evidence_about_it() -> None:
    assert differences(legal(piece(About.ORGANIZATION, REGISTER))) == []
    assert differences(legal(piece(About.REPRESENTATIVE, REGISTER)))[0] == "countryName"


@pytest.mark.req("EN319411-1:REG-6.2.2-06")
def test_a_natural_person_is_known_by_name_and_something_else() -> None:
    assert rules.natural_person_is_known(application()) == ()
    assert rules.natural_person_is_known(legal()) == ()
    namesake = application(piece(facts=FACTS[:3]))
    assert "dateOfBirth" in rules.natural_person_is_known(namesake)[0].sentence
    half = application(piece(facts=FACTS[1:2] + FACTS[3:]))
    assert "the surname" in rules.natural_person_is_known(half)[0].sentence


@pytest.mark.req("EN319411-1:REG-6.2.2-09")
def test_an_organization_beside_a_name_is_shown_and_agrees() -> None:
    subject = (*ANNA, NameAttribute("organizationName", "Muster TEST Ltd"))
    assert rules.association_is_shown(application()) == ()
    alone = rules.association_is_shown(application(piece(), subject=subject))
    assert len(alone) == 2
    register = piece(About.ORGANIZATION, REGISTER)
    letter = piece(About.ASSOCIATION, REGISTER[1:2])
    assert len(rules.association_is_shown(application(piece(), register, subject=subject))) == 1
    assert rules.association_is_shown(application(piece(), register, letter, subject=subject)) == ()
    other = piece(About.ASSOCIATION, (Fact("organizationName", "Other TEST Ltd"),))
    assert len(rules.association_is_shown(application(piece(), register, other, subject=subject))) == 1


@pytest.mark.req("EN319411-1:REG-6.2.2-12")
def test_a_legal_person_is_known_with_who_acts_for_it() -> None:
    register = piece(About.ORGANIZATION, REGISTER)
    director = piece(About.REPRESENTATIVE, (*FACTS, Fact("authority", "director")))
    assert rules.legal_person_is_known(legal(register, director)) == ()
    assert rules.legal_person_is_known(application()) == ()
    assert len(rules.legal_person_is_known(legal(register))) == 3
    assert len(rules.legal_person_is_known(legal(register, piece(About.REPRESENTATIVE)))) == 1
    assert len(rules.legal_person_is_known(legal(director))) == 1


@pytest.mark.req("EN319411-1:REG-6.3.1-00F")
def test_the_subject_agrees_to_its_subscriber() -> None:
    assert rules.subject_agrees(application()) == ()
    assert rules.subject_agrees(application(subscriber=Subscriber(name="HR", authorization="letter 7"))) == ()
    assert len(rules.subject_agrees(application(subscriber=Subscriber(name="HR", authorization=None)))) == 1


@pytest.mark.req("EN319411-1:REG-6.3.4-TERMS")
def test_the_terms_in_force_are_accepted() -> None:
    assert rules.terms_are_accepted(application(), "1") == ()
    assert "'2' is in force" in rules.terms_are_accepted(application(), "2")[0].sentence


@pytest.mark.req("EN319411-1:REG-6.3.1-00C")
@pytest.mark.parametrize(
    ("changes", "qualified", "why"),
    [
        ({}, True, None),
        ({"method": "copy"}, False, None),
        ({"method": "copy"}, True, "does not count for qualified certificates"),
        ({"method": "old-way"}, True, "counted until 2026-11-26"),
        ({"method": "gone"}, True, "does not identify a subject"),
        ({"about": About.ORGANIZATION}, True, "does not identify a organization"),
    ],
)
def test_methods_count_or_not(changes: dict[str, Any], qualified: bool, why: str | None) -> None:
    found = rules.methods_count(application(piece(**changes)), METHODS, DAY, qualified=qualified)
    assert [one.sentence for one in found if why is None or why not in one.sentence] == []
    assert len(found) == (why is not None)


def test_a_method_counts_on_its_last_day() -> None:
    given = application(piece(method="old-way"))
    assert rules.methods_count(given, METHODS, DAY - timedelta(days=1), qualified=True) == ()


@pytest.mark.req("EN319411-1:REG-6.3.1-00D")
@pytest.mark.parametrize(
    ("days", "ends_on", "why"),
    [
        (0, None, None),
        (30, None, None),
        (31, None, "31 days old"),
        (-1, None, "still to come"),
        (0, DAY, None),
        (0, DAY - timedelta(days=1), "ended on 2026-11-26"),
    ],
)
def test_evidence_is_recent(days: int, ends_on: date | None, why: str | None) -> None:
    given = application(piece(established_on=DAY - timedelta(days=days), ends_on=ends_on))
    found = rules.evidence_is_recent(given, METHODS, DAY)
    assert [one.sentence for one in found if why is None or why not in one.sentence] == []
    assert len(found) == (why is not None)


@pytest.mark.req("EN319411-1:REG-6.3.1-00E")
def test_evidence_wears_out() -> None:
    given = application(piece(), piece(id="e2", origin="e0"))
    assert rules.evidence_is_not_worn_out(given, METHODS, {"e1": 1, "e0": 1}) == ()
    found = rules.evidence_is_not_worn_out(given, METHODS, {"e1": 1, "e0": 2})
    assert [one.sentence for one in found] == [
        "Evidence e2 has served 2 certificate(s), and presence serves 2; identify again."
    ]


@pytest.mark.req("EN319411-1:REG-6.2.2-22", "EN319411-1:REG-6.2.2-23")
@pytest.mark.parametrize(
    "fact",
    [
        Fact("religion", "none"),
        Fact("organizationName", "Ltd"),
        Fact("surname", " "),
        Fact("surname", "x" * 256),
        Fact("surname", "Mu\u0308ller"),
        Fact("surname", "a\x00b"),
    ],
)
def test_no_more_is_taken_than_is_needed(fact: Fact) -> None:
    profile = replace(profile_named("natural-qcp-n-qscd"), optional=())
    rules.check_only_what_is_needed(FACTS, profile, about=About.SUBJECT)
    with pytest.raises(Rejected, match=r"not needed|printable|composed"):
        rules.check_only_what_is_needed((*FACTS, fact), profile, about=About.SUBJECT)


def test_a_fact_is_given_once() -> None:
    profile = profile_named("natural-qcp-n-qscd")
    with pytest.raises(Rejected, match="twice"):
        rules.check_only_what_is_needed((*FACTS, FACTS[0]), profile, about=About.SUBJECT)


def old(**changes: Any) -> CertificateRecord:
    given: dict[str, Any] = {
        "serial": "1" * 40,
        "authority": "issuing",
        "profile": "natural-qcp-n-qscd",
        "subject": "",
        "state": "issued",
        "not_before": NOW - timedelta(days=300),
        "not_after": NOW + timedelta(days=30),
        "spki_sha256": bytes(32),
        "requested_at": NOW - timedelta(days=300),
        "requested_by": "ra",
        "issued_at": NOW - timedelta(days=300),
        "der": b"",
        "revocation": None,
    }
    return CertificateRecord(**{**given, **changes})


@pytest.mark.req("EN319411-1:REG-6.3.7-03")
def test_what_is_renewed_is_valid() -> None:
    given = application(renews="1" * 40)
    revoked = Revocation(revoked_at=NOW, reason=RevocationReason.superseded, recorded_at=NOW)
    assert rules.renewed_is_valid(application(), None, NOW) == ()
    assert rules.renewed_is_valid(given, old(), NOW) == ()
    for wrong, why in (
        (None, "not issued here"),
        (old(state="abandoned"), "not issued here"),
        (old(revocation=revoked), "revoked"),
        (old(not_after=NOW - timedelta(seconds=1)), "ended"),
    ):
        assert why in rules.renewed_is_valid(given, wrong, NOW)[0].sentence


@pytest.mark.req("EN319411-1:GEN-6.3.6-10")
def test_a_key_serves_on_while_it_is_fit() -> None:
    given = application(renews="1" * 40)
    assert rules.key_serves_on(given, old(), objection=None) == ()
    assert rules.key_serves_on(given, old(spki_sha256=b"\x01" * 32), objection="It ends.") == ()
    assert "It ends." in rules.key_serves_on(given, old(), objection="It ends.")[0].sentence


@pytest.mark.req("EN319411-1:REG-6.3.7-01B")
def test_what_changed_is_verified_anew() -> None:
    since = DAY - timedelta(days=10)

    def found(given: Application) -> list[str]:
        comparison = rules.compare(given, assigned=("serialNumber",), lab=True)
        return [one.sentence.split()[0] for one in rules.changes_are_verified(given, ANNA, comparison, since)]

    assert found(application()) == []
    married = named("surname", "Beispiel")
    facts = tuple(Fact("surname", "Beispiel") if one.type == "surname" else one for one in FACTS)
    stale = piece(facts=facts, established_on=since - timedelta(days=1))
    assert found(application(stale, subject=married)) == ["surname"]
    assert found(application(piece(facts=facts, established_on=since), subject=married)) == []
    assert rules.changes_are_verified(application(), None, (), None) == ()


@pytest.mark.req("EN319411-1:REG-6.3.2-00B", "EN319411-1:GEN-6.4.5-04", "EN319411-1:GEN-6.4.5-03")
@pytest.mark.parametrize("reason", ["", "  ", "ok", "x" * 1001, "a\x07b c"])
def test_a_decision_has_a_reason(reason: str) -> None:
    rules.check_reason("Seen in person.")
    with pytest.raises(Rejected):
        rules.check_reason(reason)


@pytest.mark.req("EN319411-1:DIS-6.1-01B")
@pytest.mark.parametrize(("consent", "published"), [(True, True), (False, False), (None, False)])
def test_publication_needs_consent(consent: bool | None, published: bool) -> None:
    assert rules.may_publish(application(consent=consent)) is published


@pytest.mark.req("EN319411-1:REG-6.3.4-17")
def test_records_are_kept_for_their_time() -> None:
    assert not rules.may_erase(None, NOW, retention_years=7)
    assert not rules.may_erase(NOW, NOW.replace(year=2033), retention_years=7)
    assert rules.may_erase(NOW, NOW.replace(year=2033) + timedelta(days=7), retention_years=7)


@pytest.mark.parametrize("contact", ["anna", "a@b@c", "a b@c", "<a@b>", "@b", "a@"])
def test_a_contact_is_an_address(contact: str) -> None:
    rules.check_contact(None)
    rules.check_contact("anna@example.com")
    with pytest.raises(Rejected):
        rules.check_contact(contact)


@pytest.mark.req("EN319411-1:REG-6.2.2-02AC")
def test_alternative_names_are_shown_like_all_others() -> None:
    names = ("DNS:Shop.example", "email:anna@tsp.example", "IP:192.0.2.1")
    asked = {"alternative_names": names}
    assert differences(application(**asked)) == ["DNS", "email", "IP"]
    shown = (
        *FACTS,
        Fact("dNSName", "shop.example"),
        Fact("emailAddress", "anna@tsp.example"),
        Fact("iPAddress", "192.0.2.1"),
    )
    assert differences(application(piece(facts=shown), **asked)) == []
    other = (*FACTS, Fact("dNSName", "other.example"))
    assert "DNS" in differences(application(piece(facts=other), **asked))


@pytest.mark.req("EN319411-1:REG-6.3.7-01B")
def test_an_alternative_name_of_the_certificate_that_is_renewed_is_no_change() -> None:
    stale = piece(facts=(*FACTS, Fact("dNSName", "shop.example")), established_on=DAY - timedelta(days=20))
    given = application(stale, alternative_names=("DNS:shop.example",))
    comparison = rules.compare(given, assigned=("serialNumber",), lab=True)
    since = DAY - timedelta(days=10)
    before = (*ANNA, NameAttribute("DNS", "shop.example"))
    assert rules.changes_are_verified(given, before, comparison, since) == ()
    (one,) = rules.changes_are_verified(given, ANNA, comparison, since)
    assert one.sentence.startswith("DNS ")


@pytest.mark.req("EN319411-1:REG-6.2.2-02AC")
def test_a_number_that_others_gave_is_shown_and_not_assigned() -> None:
    passport = named("serialNumber", "PASXX-1234567")
    assert differences(application(subject=passport)) == ["serialNumber"]
    assert differences(application(semantics=True)) == ["serialNumber"]
    shown = piece(facts=(*FACTS, Fact("serialNumber", "PASXX-1234567")))
    assert differences(application(shown, subject=passport, semantics=True)) == []


def test_a_natural_person_is_not_called_by_an_organizations_name() -> None:
    named_so = piece(facts=(*FACTS, Fact("organizationName", "Muster Ltd")))
    assert differences(application(named_so, subject=named("commonName", "Muster Ltd"))) == ["commonName"]


@pytest.mark.req("TRUSTWORKS:REGISTRATION-KIND")
def test_a_profile_certifies_the_kind_that_it_is_for() -> None:
    for name, fits, other in (
        ("natural-qcp-n-qscd", SubjectKind.NATURAL, SubjectKind.LEGAL),
        ("legal-qcp-l-qscd", SubjectKind.LEGAL, SubjectKind.NATURAL),
    ):
        assert rules.kind_fits(fits, profile_named(name)) == ()
        assert name in rules.kind_fits(other, profile_named(name))[0].sentence
    for kind in SubjectKind:
        assert rules.kind_fits(kind, profile_named("smime-mailbox")) == ()


@pytest.mark.req("TRUSTWORKS:REGISTRATION-DUAL-CONTROL")
def test_who_recorded_the_evidence_leaves_the_decision_to_another() -> None:
    rules.check_another_saw_the_evidence(application(), "ben")
    with pytest.raises(Refused) as caught:
        rules.check_another_saw_the_evidence(application(piece(), piece(recorded_by="ben")), "ben")
    assert caught.value.requirement == "TRUSTWORKS:REGISTRATION-DUAL-CONTROL"


@pytest.mark.req("EN319411-1:REG-6.2.2-26")
@pytest.mark.parametrize(
    "asked",
    [
        {"contact": "Anna@tsp.example"},
        {"alternative_names": ("email:anna@tsp.example",)},
        {"subscriber": Subscriber(name="Anna Beispiel", authorization=None)},
    ],
)
def test_who_subscribes_or_is_written_to_is_concerned_too(asked: dict[str, Any]) -> None:
    officer = Person(names=frozenset({"anna beispiel"}), identifiers=frozenset({"anna@tsp.example"}))
    rules.check_not_concerned(officer, application())
    with pytest.raises(Refused):
        rules.check_not_concerned(officer, application(**asked))
    twice = piece(
        facts=(*FACTS, Fact("emailAddress", "anna@tsp.example"), Fact("emailAddress", "x@y.example"))
    )
    with pytest.raises(Refused):
        rules.check_not_concerned(officer, application(twice))


def test_nobody_decides_on_his_own_certificate() -> None:
    stranger = Person(names=frozenset({"otto normal"}))
    rules.check_not_concerned(stranger, application())
    with pytest.raises(Refused):
        rules.check_not_concerned(Person(names=frozenset({"anna maria muster"})), application())
    with pytest.raises(Refused):
        rules.check_not_concerned(Person(key_ids=frozenset({"00" * 32})), application())
    director = piece(About.REPRESENTATIVE, (*FACTS, Fact("authority", "director")))
    with pytest.raises(Refused):
        rules.check_not_concerned(Person(names=frozenset({"anna maria muster"})), legal(director))


@pytest.mark.req("EN319411-1:REG-6.2.2-26")
def test_who_signed_for_the_organization_does_not_decide() -> None:
    letter = piece(About.ASSOCIATION, (*REGISTER[1:2], Fact("givenName", "Otto"), Fact("surname", "Normal")))
    with pytest.raises(Refused):
        rules.check_not_concerned(Person(names=frozenset({"otto normal"})), application(piece(), letter))


@pytest.mark.req("EN319411-1:REG-6.2.2-26")
@pytest.mark.parametrize(
    "officer",
    [Person(names=frozenset({"muster test ltd"})), Person(identifiers=frozenset({"ntrxx-1"}))],
)
def test_who_belongs_to_the_organization_does_not_decide(officer: Person) -> None:
    rules.check_not_concerned(officer, application())
    with pytest.raises(Refused):
        rules.check_not_concerned(officer, legal())
    with pytest.raises(Refused):
        rules.check_not_concerned(officer, application(piece(), piece(About.ASSOCIATION, REGISTER)))


def test_states_follow_the_table() -> None:
    states = {before for before, _ in TRANSITIONS} | set(TRANSITIONS.values())
    acts = {act for _, act in TRANSITIONS}
    for state in states:
        for act in acts:
            if (state, act) in TRANSITIONS:
                assert rules.following(state, act) == TRANSITIONS[state, act]
            else:
                with pytest.raises(Rejected, match=f"The application is {state}"):
                    rules.following(state, act)
