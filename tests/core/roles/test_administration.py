"""Who becomes an operator, and by whose decision."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from operators_testbed import NOW, certificate_of, new_key

from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError
from trustworks.core.roles import Act, Factor, Role, records
from trustworks.core.roles.changes import Change, NewCredential, new_change
from trustworks.core.roles.model import Person, Session
from trustworks.core.roles.rules import founding
from trustworks.core.roles.rules.founding import check_owner
from trustworks.core.roles.rules.separation import described

if TYPE_CHECKING:
    from collections.abc import Callable

    from operators_testbed import PlacedClock, RolesProvider

SO, SA = Role.SECURITY_OFFICER, Role.SYSTEM_ADMINISTRATOR


def refusal(action: Callable[[], object]) -> str:
    """The rule by which it was refused."""
    with pytest.raises((Refused, Rejected)) as caught:
        action()
    error: TrustworksError = caught.value
    return error.requirement if isinstance(error, Refused) else getattr(error, "code", "")


# The first operators


@pytest.mark.req("TRUSTWORKS:ROLES-BOOTSTRAP")
def test_there_is_nobody_before_the_bootstrap_and_it_is_done_once(provider: RolesProvider) -> None:
    assert provider.roles.office.operators() == []
    assert not provider.roles.are_required()
    provider.bootstrap()
    assert provider.roles.are_required()
    names = {one.name: one.roles for one in provider.roles.office.operators()}
    assert names == {"anna": {SO}, "ben": {SO, Role.REGISTRATION_OFFICER}, "carl": {SA}}
    (event,) = provider.events("roles.bootstrapped")
    assert (event["outcome"], event["actor"], event["detail"]["account"]) == ("success", "owner", "root")
    again = [provider.enrolment("mallory", SO), provider.enrolment("mary", SO)]
    assert refusal(lambda: provider.roles.administration.bootstrap(again, by="root")) == (
        "TRUSTWORKS:ROLES-BOOTSTRAP"
    )
    assert len(provider.roles.office.operators()) == 3
    assert provider.events()[-1]["type"] == "roles.refused"


@pytest.mark.req("TRUSTWORKS:ROLES-REQUIRED")
@pytest.mark.parametrize(
    ("lab", "required", "enrolled", "needed"),
    [
        (False, False, False, True),
        (False, True, True, True),
        (True, False, False, False),
        (True, True, False, True),
        (True, False, True, True),
    ],
)
def test_outside_a_laboratory_operators_are_needed_always(
    *, lab: bool, required: bool, enrolled: bool, needed: bool
) -> None:
    assert founding.are_needed(lab=lab, required=required, enrolled=enrolled) == needed


def test_outside_a_laboratory_operators_are_needed_before_there_are_any(provider: RolesProvider) -> None:
    assert provider.service(lab=False).are_required()
    with pytest.raises(Refused) as caught:
        provider.service(lab=False).approving.approved("key.generate", {"label": "k"}, by="root")
    assert caught.value.requirement == "TRUSTWORKS:ROLES-QUORUM"


@pytest.mark.req("TRUSTWORKS:ROLES-FIRST-OFFICERS")
def test_outside_a_laboratory_two_security_officers_come_first_and_all_are_described(
    provider: RolesProvider,
) -> None:
    bootstrap = provider.service(lab=False).administration.bootstrap
    anna, ben, carl = (
        provider.enrolment(name, role) for name, role in (("anna", SO), ("ben", SO), ("carl", SA))
    )
    people = {name: described([f"{name} beispiel"], ()) for name in ("anna", "ben", "carl")}
    two = {name: people[name] for name in ("anna", "carl")}
    rule = "TRUSTWORKS:ROLES-FIRST-OFFICERS"
    assert refusal(lambda: bootstrap([anna, carl], by="root", people=two)) == rule
    assert refusal(lambda: bootstrap([anna, ben, carl], by="root")) == rule
    assert refusal(lambda: bootstrap([anna, ben, carl], by="root", people=two)) == rule
    empty = people | {"ben": Person()}
    assert refusal(lambda: bootstrap([anna, ben, carl], by="root", people=empty)) == rule
    with pytest.raises(Malformed, match="not enrolled here"):
        bootstrap([anna, ben], by="root", people=people)
    assert provider.roles.office.operators() == []
    bootstrap([anna, ben, carl], by="root", people=people)
    (event,) = provider.events("roles.bootstrapped")
    assert event["detail"]["described"] == ["anna", "ben", "carl"]
    assert "beispiel" not in json.dumps(event)
    with provider.database.read() as connection:
        assert records.person(connection, "ben").names == {"ben beispiel"}
    assert refusal(lambda: bootstrap([anna, ben, carl], by="root", people=people)) == (
        "TRUSTWORKS:ROLES-BOOTSTRAP"
    )


@pytest.mark.req("TRUSTWORKS:ROLES-BOOTSTRAP")
@pytest.mark.parametrize(
    "roles", [[{SO}], [{SA}, {Role.OPERATOR}], [{SO}, {Role.AUDITOR}], [{SO, Role.OPERATOR}]]
)
def test_first_operators_who_could_approve_nothing_are_refused(
    provider: RolesProvider, roles: list[set[Role]]
) -> None:
    new = [provider.enrolment(f"operator-{number}", *held) for number, held in enumerate(roles)]
    assert refusal(lambda: provider.roles.administration.bootstrap(new, by="root")) == (
        "TRUSTWORKS:ROLES-BOOTSTRAP"
    )
    assert provider.roles.office.operators() == []


def test_first_operators_in_conflict_or_with_one_key_are_refused(provider: RolesProvider) -> None:
    both = [provider.enrolment("anna", SO, Role.AUDITOR), provider.enrolment("ben", SO)]
    assert refusal(lambda: provider.roles.administration.bootstrap(both, by="root")) == "CENTS419261:M1.5"
    anna = provider.enrolment("anna", SO)
    twin = new_change("enrol", "ben", roles=frozenset({SA}), credentials=anna.credentials)
    assert refusal(lambda: provider.roles.administration.bootstrap([anna, twin], by="root")) == (
        "roles.credential-exists"
    )
    twice = [provider.enrolment("anna", SO), provider.enrolment("anna", SO)]
    assert refusal(lambda: provider.roles.administration.bootstrap(twice, by="root")) == (
        "roles.operator-exists"
    )
    assert provider.roles.office.operators() == []


@pytest.mark.req("TRUSTWORKS:ROLES-BOOTSTRAP")
def test_a_stricter_configuration_makes_no_room_for_a_second_bootstrap(founded: RolesProvider) -> None:
    asked = {"kind": "roles.change", "approvals": 5}
    strict = founded.service(quorum=[asked])
    more = [founded.enrolment(f"more-{number}", SO) for number in range(5)]
    assert refusal(lambda: strict.administration.bootstrap(more, by="root")) == "TRUSTWORKS:ROLES-BOOTSTRAP"
    assert {one.name for one in strict.office.operators()}.isdisjoint({"more-0"})


@pytest.mark.req("TRUSTWORKS:ROLES-BOOTSTRAP", "TRUSTWORKS:ROLES-BOOTSTRAP-AGAIN")
def test_the_owner_helps_where_nobody_is_left_who_could_approve(
    founded: RolesProvider, clock: PlacedClock
) -> None:
    clock.advance(days=400)  # all certificates have expired
    dora = new_change(
        "enrol", "dora", roles=frozenset({SO}), credentials=(founded.new("dora", begin=clock.moment),)
    )
    emil = new_change(
        "enrol", "emil", roles=frozenset({SA}), credentials=(founded.new("emil", begin=clock.moment),)
    )
    bootstrap = partial(founded.roles.administration.bootstrap, [dora, emil], by="root")
    rule = "TRUSTWORKS:ROLES-BOOTSTRAP-AGAIN"
    assert refusal(bootstrap) == rule  # it was not said that nobody is left
    session = Session(
        operator="anna",
        key_id=founded.operator("anna").credentials[0].key_id,
        factors=frozenset(Factor),
        opened_at=clock.moment,
        used_at=clock.moment,
        ends_at=clock.moment + timedelta(hours=8),
    )
    with founded.database.begin() as connection:
        records.add_session(connection, bytes(32), session)
    assert refusal(partial(bootstrap, nobody_left=True)) == rule  # somebody is signed in
    clock.advance(hours=1)  # and has left the session alone
    assert {one.name for one in founded.roles.office.operators()} == {"anna", "ben", "carl"}
    bootstrap(nobody_left=True)
    assert founded.operator("dora").roles == {SO}
    assert len(founded.events("roles.bootstrapped")) == 1
    (event,) = founded.events("roles.bootstrapped-again")
    assert event["detail"]["account"] == "root"
    more = [founded.enrolment("mallory", SO), founded.enrolment("mary", SO)]
    again = partial(founded.roles.administration.bootstrap, more, by="root", nobody_left=True)
    assert refusal(again) == "TRUSTWORKS:ROLES-BOOTSTRAP"  # these can approve


@pytest.mark.req("TRUSTWORKS:ROLES-BOOTSTRAP-AGAIN")
def test_the_first_bootstrap_is_no_second_one(provider: RolesProvider) -> None:
    first = [provider.enrolment("anna", SO), provider.enrolment("ben", SO)]
    bootstrap = partial(provider.roles.administration.bootstrap, first, by="root", nobody_left=True)
    assert refusal(bootstrap) == "TRUSTWORKS:ROLES-BOOTSTRAP-AGAIN"
    assert provider.roles.office.operators() == []


@pytest.mark.req("TRUSTWORKS:ROLES-BOOTSTRAP")
def test_only_the_owner_of_the_installation_bootstraps() -> None:
    with pytest.raises(Refused, match="belongs to the user 1000, and this command runs as 1001"):
        check_owner(1001, 1000)
    check_owner(1000, 1000)
    check_owner(0, 1000)


# What several approve


@pytest.mark.req("TRUSTWORKS:ROLES-CHANGES-APPROVED")
def test_a_role_is_granted_when_two_others_have_approved_and_not_before(founded: RolesProvider) -> None:
    change = new_change("grant", "carl", roles=frozenset({Role.REVOCATION_OFFICER}))
    standing = founded.roles.administration.request(founded.actor("anna"), change)
    assert standing.verdict.missing == (
        "the approval of a security-officer",
        "1 more approval of other operators",
    )
    standing = founded.approve("anna", SO, change.sha256) or standing
    assert (standing.applied, standing.verdict.missing) == (False, ("1 more approval of other operators",))
    assert founded.operator("carl").roles == {SA}
    apply = founded.roles.administration.apply
    assert refusal(lambda: apply(change.sha256, by="x")) == "TRUSTWORKS:ROLES-CHANGES-APPROVED"
    # He whom it is about does not approve it.
    assert refusal(lambda: founded.approve("carl", SA, change.sha256)) == "TRUSTWORKS:ROLES-CHANGES-APPROVED"
    standing = founded.approve("ben", SO, change.sha256) or standing
    assert standing.applied
    assert founded.operator("carl").roles == {SA, Role.REVOCATION_OFFICER}
    (event,) = founded.events("roles.changed")
    assert event["detail"]["change"]["roles"] == ["revocation-officer"]
    assert len(event["detail"]["approvals"]) == 2
    assert refusal(lambda: apply(change.sha256, by="x")) == "roles.change"
    assert refusal(lambda: founded.approve("ben", SO, change.sha256)) == "roles.change"


@pytest.mark.req("TRUSTWORKS:ROLES-CHANGES-APPROVED")
def test_approvals_of_one_change_do_not_count_for_the_same_change_asked_for_again(
    founded: RolesProvider,
) -> None:
    first = new_change("grant", "carl", roles=frozenset({Role.OPERATOR}))
    founded.decide(first)
    founded.roles.administration.withdraw(founded.actor("anna"), "carl", Role.OPERATOR)
    again = new_change("grant", "carl", roles=frozenset({Role.OPERATOR}))
    assert again.sha256 != first.sha256
    standing = founded.roles.administration.request(founded.actor("anna"), again)
    assert not standing.verdict.counted
    assert founded.operator("carl").roles == {SA}


def test_an_operator_is_enrolled_gets_another_key_and_retires(founded: RolesProvider) -> None:
    founded.decide(founded.enrolment("dora", Role.AUDITOR))
    assert founded.operator("dora").roles == {Role.AUDITOR}
    founded.actor("dora")
    old = founded.keys["dora"]
    own = new_change("add-credential", "dora", credentials=(founded.new("dora"),))
    second, founded.keys["dora"] = founded.keys["dora"], old
    founded.roles.administration.request(founded.actor("dora"), own)  # everybody may ask for his own
    founded.approve("anna", SO, own.sha256)
    founded.approve("carl", SA, own.sha256)
    founded.keys["dora"] = second
    founded.actor("dora")
    founded.roles.administration.retire(founded.actor("anna"), "dora")
    retired = founded.operator("dora")
    assert (retired.state, retired.roles) == ("retired", frozenset())
    assert not any(one.is_usable for one in retired.credentials)
    assert refusal(lambda: founded.actor("dora")) == "CENTS419261:IA1.1"
    request = founded.roles.administration.request
    for change in (
        new_change("unlock", "dora"),
        new_change("grant", "dora", roles=frozenset({Role.AUDITOR})),
        new_change("add-credential", "dora", credentials=(founded.new("x"),)),
    ):
        assert refusal(partial(request, founded.actor("anna"), change)) == "roles.state"
    again = founded.enrolment("dora", Role.AUDITOR)
    assert refusal(lambda: founded.roles.administration.request(founded.actor("anna"), again)) == (
        "roles.operator-exists"
    )


@pytest.mark.req("CENTS419261:SA1.1", "EN319411-1:GEN-6.5.5-04")
def test_who_is_no_security_officer_or_showed_one_factor_asks_for_nothing(founded: RolesProvider) -> None:
    change = new_change("grant", "anna", roles=frozenset({Role.OPERATOR}))
    request = founded.roles.administration.request
    carl = founded.actor("carl")
    assert refusal(lambda: request(carl, change)) == "CENTS419261:SA1.1"
    anna = replace(founded.actor("anna"), factors=frozenset({Factor.POSSESSION}))
    assert refusal(lambda: request(anna, change)) == "EN319411-1:GEN-6.5.5-04"
    assert refusal(lambda: founded.roles.administration.lock(carl, "ben")) == "CENTS419261:SA1.1"
    # What an actor was when he signed in does not count any more once it was taken away.
    ben = founded.actor("ben")
    founded.roles.administration.withdraw(founded.actor("anna"), "ben", SO)
    assert refusal(lambda: request(ben, change)) == "CENTS419261:SA1.1"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (new_change("grant", "nobody", roles=frozenset({SA})), "roles.operator"),
        (new_change("grant", "carl", roles=frozenset({SA})), "roles.grant"),
        (new_change("grant", "carl", roles=frozenset({Role.AUDITOR})), "CENTS419261:M1.5"),
        (new_change("grant", "carl", roles=frozenset({SO})), "CENTS419261:M1.5"),
        (new_change("unlock", "carl"), "roles.state"),
        (new_change("enrol", "dora", roles=frozenset({SA})), "roles.enrol"),
    ],
)
def test_what_cannot_be_is_not_even_asked_for(founded: RolesProvider, change: Change, rule: str) -> None:
    assert refusal(lambda: founded.roles.administration.request(founded.actor("anna"), change)) == rule
    assert refusal(lambda: founded.roles.administration.standing(change.sha256)) == "roles.change"
    assert founded.events()[-1]["detail"]["rule"] == rule


def test_a_conflict_that_came_meanwhile_stops_a_change_that_was_approved(founded: RolesProvider) -> None:
    founded.decide(founded.enrolment("dora", Role.OPERATOR))
    auditor = new_change("grant", "carl", roles=frozenset({Role.OPERATOR}))
    founded.roles.administration.request(founded.actor("anna"), auditor)
    founded.approve("anna", SO, auditor.sha256)
    founded.roles.administration.retire(founded.actor("anna"), "carl")
    assert refusal(lambda: founded.approve("ben", SO, auditor.sha256)) == "roles.state"
    assert founded.operator("carl").roles == set()
    assert founded.roles.administration.standing(auditor.sha256).state == "waiting"
    founded.roles.administration.drop(founded.actor("anna"), auditor.sha256)
    assert founded.roles.administration.standing(auditor.sha256).state == "dropped"
    assert refusal(lambda: founded.roles.administration.drop(founded.actor("anna"), auditor.sha256)) == (
        "roles.change"
    )


def test_keys_and_certificates_that_cannot_be_credentials(founded: RolesProvider) -> None:
    def ask(credential: NewCredential) -> str:
        change = new_change("add-credential", "carl", credentials=(credential,))
        return refusal(lambda: founded.roles.administration.request(founded.actor("anna"), change))

    key = new_key()
    expired = certificate_of(key, "carl", begin=NOW - timedelta(days=10), days=5)
    assert ask(NewCredential.of_certificate(expired, "old")) == "roles.credential"
    mine = NewCredential.of_certificate(certificate_of(founded.keys["anna"], "carl"), "hers")
    assert ask(mine) == "roles.credential-exists"
    with pytest.raises(Rejected, match="brainpool"):
        NewCredential.of_certificate(certificate_of(new_key("brainpoolP256r1"), "carl"), "x")
    for label in ("", "x" * 65, "a\nb"):
        with pytest.raises(Malformed):
            NewCredential.of_certificate(certificate_of(key, "carl"), label)


def test_a_lock_ends_what_an_account_may_and_several_take_it_away(founded: RolesProvider) -> None:
    founded.roles.administration.lock(founded.actor("anna"), "carl")
    assert founded.operator("carl").state == "locked"
    assert refusal(lambda: founded.actor("carl")) == "CENTS419261:IA1.1"
    assert refusal(lambda: founded.roles.administration.lock(founded.actor("anna"), "carl")) == "roles.state"
    founded.decide(new_change("unlock", "carl"))
    assert founded.operator("carl").state == "active"
    founded.actor("carl")


def test_a_removed_credential_is_told_as_removed_and_lets_nobody_in(founded: RolesProvider) -> None:
    key_id = founded.operator("carl").credentials[0].key_id
    remove = founded.roles.administration.remove_credential
    remove(founded.actor("anna"), key_id)
    assert refusal(lambda: founded.actor("carl")) == "TRUSTWORKS:ROLES-CREDENTIAL-VALID"
    assert refusal(lambda: remove(founded.actor("anna"), key_id)) == "roles.credential"
    assert refusal(lambda: remove(founded.actor("anna"), "0" * 64)) == "roles.credential"


@pytest.mark.req("EN319411-1:REG-6.2.2-26")
def test_an_officer_who_is_described_does_not_handle_his_own_request(founded: RolesProvider) -> None:
    from trustworks.core.roles.rules.separation import person_of  # noqa: PLC0415

    subject = person_of({"givenName": "Ben", "surname": "Muster"})
    describe = founded.roles.administration.describe
    describe(founded.actor("anna"), "ben", names=["Benno"], identifiers=[])
    founded.roles.check_not_subject("ben", Act.ISSUE, [subject])
    describe(founded.actor("anna"), "ben", names=["Ben  MUSTER"], identifiers=["ben@tsp.example"])
    assert refusal(lambda: founded.roles.check_not_subject("ben", Act.ISSUE, [subject])) == (
        "EN319411-1:REG-6.2.2-26"
    )
    event = founded.events()[-1]
    assert (event["type"], event["actor"]) == ("roles.refused", "ben")
    # Who the person is stands nowhere in the log.
    assert "muster" not in str(founded.events()).lower()
    own = person_of({"commonName": "P"}, key_ids=[founded.operator("ben").credentials[0].key_id])
    describe(founded.actor("anna"), "ben", names=["Benno"], identifiers=[])
    founded.roles.check_not_subject("ben", Act.ISSUE, [subject])
    assert refusal(lambda: founded.roles.check_not_subject("ben", Act.ISSUE, [own])) == (
        "EN319411-1:REG-6.2.2-26"
    )
    with pytest.raises(Malformed):
        describe(founded.actor("anna"), "ben", names=["x" * 201], identifiers=[])


@pytest.mark.req("TRUSTWORKS:ROLES-DESCRIBED")
def test_an_officer_who_was_never_described_decides_nothing(founded: RolesProvider) -> None:
    for act in (Act.DECIDE, Act.ISSUE):
        with pytest.raises(Refused) as caught:
            founded.roles.check_not_subject("ben", act, [])
        assert caught.value.requirement == "TRUSTWORKS:ROLES-DESCRIBED"
    assert founded.events()[-1]["type"] == "roles.refused"
    founded.roles.check_not_subject("ben", Act.REVOKE, [])  # takes power away, and gives none
    founded.roles.check_not_subject("nobody", Act.DECIDE, [])


@pytest.mark.req("TRUSTWORKS:ROLES-DESCRIBED")
def test_the_description_of_who_handles_requests_is_not_taken_away(founded: RolesProvider) -> None:
    describe = founded.roles.administration.describe
    describe(founded.actor("anna"), "ben", names=["Ben Muster"], identifiers=[])

    def empty(name: str) -> None:
        describe(founded.actor("anna"), name, names=[" "], identifiers=[])

    assert refusal(lambda: empty("ben")) == "TRUSTWORKS:ROLES-DESCRIBED"
    describe(founded.actor("anna"), "carl", names=["Carl"], identifiers=[])
    empty("carl")
    founded.roles.administration.withdraw(founded.actor("anna"), "ben", Role.REGISTRATION_OFFICER)
    empty("ben")


@pytest.mark.req("TRUSTWORKS:ROLES-DESCRIBED-BY-ANOTHER")
def test_nobody_describes_himself(founded: RolesProvider) -> None:
    describe = founded.roles.administration.describe
    assert refusal(lambda: describe(founded.actor("anna"), "anna", names=["Nobody"], identifiers=[])) == (
        "TRUSTWORKS:ROLES-DESCRIBED-BY-ANOTHER"
    )
    assert founded.events()[-1]["detail"]["rule"] == "TRUSTWORKS:ROLES-DESCRIBED-BY-ANOTHER"


# Changes as octets


def test_a_change_comes_back_from_its_octets_and_a_damaged_one_is_malformed(founded: RolesProvider) -> None:
    change = founded.enrolment("dora", Role.AUDITOR)
    assert Change.from_octets(change.octets()) == change
    for octets in (b"", b"{}", b"[]", change.octets()[:-1], change.octets() + b" ", b'{"change":1}'):
        with pytest.raises(Malformed):
            Change.from_octets(octets)
    with pytest.raises(Malformed):
        new_change("unlock", "Dora X")
