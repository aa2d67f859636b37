"""How operators are let in, and what keeps others out."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from operators_testbed import Authenticator, certificate_of, new_key, signer_of
from sqlalchemy import func, select, text

from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.roles import Act, Factor, Role, challenges, passkeys
from trustworks.core.roles.authentication import SIGN_IN, csrf_token
from trustworks.core.roles.changes import NewCredential, new_change
from trustworks.core.roles.records.tables import challenges as challenges_table

if TYPE_CHECKING:
    from pathlib import Path

    from operators_testbed import PlacedClock, RolesProvider

SO, SA = Role.SECURITY_OFFICER, Role.SYSTEM_ADMINISTRATOR


# By a certificate's key


@pytest.mark.req("CENTS419261:IA1.1")
def test_the_key_of_a_registered_certificate_lets_in_and_the_log_tells_it(founded: RolesProvider) -> None:
    actor = founded.roles.acting("anna", founded.signer("anna"), Act.CHANGE_ROLES)
    assert (actor.name, actor.factors) == ("anna", frozenset(Factor))
    event = founded.events()[-1]
    assert (event["type"], event["outcome"], event["actor"]) == ("roles.signed-in", "success", "anna")
    assert event["detail"]["key"] == actor.key_id


@pytest.mark.req("CENTS419261:SA1.1")
def test_who_is_known_may_still_not_do_everything(founded: RolesProvider) -> None:
    with pytest.raises(Refused) as caught:
        founded.roles.acting("carl", founded.signer("carl"), Act.ISSUE)
    assert caught.value.requirement == "CENTS419261:SA1.1"
    event = founded.events()[-1]
    assert (event["type"], event["actor"], event["detail"]["what"]) == (
        "roles.refused",
        "carl",
        "certificate.issue",
    )


@pytest.mark.req("CENTS419261:IA1.1")
def test_an_unknown_name_is_refused_and_not_written_down(founded: RolesProvider) -> None:
    with pytest.raises(Refused) as caught:
        founded.roles.authentication.by_key("hunter2", founded.signer("anna"), Act.ISSUE)
    assert caught.value.requirement == "CENTS419261:IA1.1"
    event = founded.events()[-1]
    assert (event["type"], event["actor"]) == ("roles.sign-in-refused", "unknown")
    assert "hunter2" not in str(event)


@pytest.mark.req("EN319411-1:GEN-6.5.5-04")
def test_one_factor_lets_nobody_in_who_can_cause_issuance(founded: RolesProvider) -> None:
    one = frozenset({Factor.POSSESSION})
    with pytest.raises(Refused) as caught:
        founded.roles.authentication.by_key("anna", founded.signer("anna", one), Act.CHANGE_ROLES)
    assert caught.value.requirement == "EN319411-1:GEN-6.5.5-04"
    assert founded.operator("anna").failures == 0
    founded.decide(founded.enrolment("dora", Role.AUDITOR))
    founded.roles.authentication.by_key("dora", founded.signer("dora", one), Act.READ_LOG)


@pytest.mark.req("TRUSTWORKS:ROLES-CREDENTIAL-VALID")
def test_a_revoked_or_expired_certificate_lets_nobody_in(founded: RolesProvider, clock: PlacedClock) -> None:
    from cryptography import x509  # noqa: PLC0415

    der = founded.operator("anna").credentials[0].public
    serial = x509.load_der_x509_certificate(der).serial_number
    founded.revoked[serial] = "keyCompromise"
    with pytest.raises(Refused, match="is revoked: keyCompromise") as caught:
        founded.actor("anna")
    assert caught.value.requirement == "TRUSTWORKS:ROLES-CREDENTIAL-VALID"
    founded.revoked.clear()
    clock.advance(days=400)
    with pytest.raises(Refused) as caught:
        founded.actor("anna")
    assert caught.value.requirement == "TRUSTWORKS:ROLES-CREDENTIAL-VALID"


# Lock-out


@pytest.mark.req("CENTS419261:IA2.1")
def test_five_wrong_signatures_lock_out_whoever_comes_then(
    founded: RolesProvider, clock: PlacedClock, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = signer_of(new_key())
    for number in range(5):
        with pytest.raises(Rejected) as caught:
            founded.roles.authentication.by_key("anna", wrong, Act.CHANGE_ROLES)
        assert caught.value.code == "roles.signature"
        assert founded.operator("anna").failures == number + 1
    assert founded.events()[-1]["type"] == "roles.locked-out"
    assert "the operator anna is locked out" in caplog.text
    with pytest.raises(Refused) as refused:
        founded.actor("anna")  # even with the right key
    assert refused.value.requirement == "CENTS419261:IA2.1"
    founded.actor("ben")  # nobody else is touched
    clock.advance(minutes=30)
    founded.actor("anna")
    assert (founded.operator("anna").failures, founded.operator("anna").locked_until) == (0, None)


@pytest.mark.req("CENTS419261:IA2.1")
def test_a_lock_out_is_released_by_those_who_approve_it(founded: RolesProvider) -> None:
    for _ in range(5):
        with pytest.raises(Rejected):
            founded.roles.authentication.by_key("carl", signer_of(new_key()), Act.CONFIGURE)
    founded.decide(new_change("unlock", "carl"))
    founded.actor("carl", Act.CONFIGURE)


def test_a_success_in_between_forgives_failures(founded: RolesProvider) -> None:
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(Rejected):
                founded.roles.authentication.by_key("anna", signer_of(new_key()), Act.CHANGE_ROLES)
        founded.actor("anna")
    assert founded.operator("anna").failures == 0


def test_without_trusted_time_operators_are_let_in_and_the_log_says_so(
    founded: RolesProvider, clock: PlacedClock
) -> None:
    clock.refusal = Unavailable("clock.unsynchronised", "No trusted time.")
    founded.actor("carl", Act.CONFIGURE)
    event = founded.events()[-1]
    assert (event["type"], event["actor"]) == ("roles.signed-in", "carl")
    assert event["detail"]["unproven_time"] == "clock.unsynchronised"


# Passkeys and sessions


def enrol_passkey(founded: RolesProvider, name: str = "carl") -> Authenticator:
    made = Authenticator()
    challenge = founded.roles.authentication.new_challenge("register")
    registered = passkeys.register(
        made.create(challenge), challenge=challenge, rp_id=made.rp_id, origin=made.origin
    )
    new = NewCredential.of_passkey(registered, "key", rp_id=made.rp_id, origin=made.origin)
    founded.decide(new_change("add-credential", name, credentials=(new,)))
    return made


@pytest.mark.req("CENTS419261:IA1.1", "CENTS419261:IA1.2")
def test_a_passkey_opens_a_session_that_ends(founded: RolesProvider, clock: PlacedClock) -> None:
    auth = founded.roles.authentication
    device = enrol_passkey(founded)
    challenge = auth.new_challenge(SIGN_IN)
    actor, token = auth.by_passkey(device.get(challenge), challenge)
    assert (actor.name, actor.factors) == ("carl", frozenset(Factor))
    found = auth.session(token)
    assert found is not None
    assert (found.name, found.operator.roles) == ("carl", frozenset({SA}))
    assert auth.session("another") is None
    with founded.database.read() as connection:
        kept = connection.execute(text("SELECT token_sha256 FROM role_sessions")).scalar_one()
    assert bytes(kept) == hashlib.sha256(token.encode()).digest()
    clock.advance(minutes=14)
    assert auth.session(token) is not None  # it is used, so that the minutes begin anew
    clock.advance(minutes=14)
    assert auth.session(token) is not None
    clock.advance(minutes=15)
    assert auth.session(token) is None


@pytest.mark.req("CENTS419261:IA1.2")
def test_a_session_ends_with_its_hours_a_sign_out_a_lock_and_its_credential(
    founded: RolesProvider, clock: PlacedClock
) -> None:
    auth = founded.roles.authentication
    device = enrol_passkey(founded)

    def sign_in() -> str:
        challenge = auth.new_challenge(SIGN_IN)
        return auth.by_passkey(device.get(challenge), challenge)[1]

    token = sign_in()
    for _ in range(40):
        clock.advance(minutes=12)
        if auth.session(token) is None:
            break
    else:
        pytest.fail("a session that is used lasted for more than eight hours")
    token = sign_in()
    actor = auth.session(token)
    assert actor is not None
    auth.sign_out(token, actor)
    assert auth.session(token) is None
    token = sign_in()
    key = next(one.key_id for one in founded.operator("carl").credentials if one.kind == "passkey")
    founded.roles.administration.lock(founded.actor("anna"), "carl")
    assert auth.session(token) is None
    founded.decide(new_change("unlock", "carl"))
    assert auth.session(token) is None
    token = sign_in()
    founded.roles.administration.remove_credential(founded.actor("anna"), key)
    assert auth.session(token) is None


@pytest.mark.req("CENTS419261:IA1.1")
def test_an_assertion_counts_once_for_its_challenge_and_purpose(
    founded: RolesProvider, clock: PlacedClock
) -> None:
    auth = founded.roles.authentication
    device = enrol_passkey(founded)
    challenge = auth.new_challenge(SIGN_IN)
    assertion = device.get(challenge)
    auth.by_passkey(assertion, challenge)
    for wrong in (challenge, b"x" * 32, auth.new_challenge("register")):
        with pytest.raises(Rejected) as caught:
            auth.by_passkey(assertion, wrong)
        assert caught.value.code == "roles.challenge"
    late = auth.new_challenge(SIGN_IN)
    clock.advance(minutes=5)
    with pytest.raises(Rejected) as caught:
        auth.by_passkey(device.get(late), late)
    assert caught.value.code == "roles.challenge"


@pytest.mark.req("EN319411-1:GEN-6.5.5-04")
def test_a_passkey_that_did_not_verify_its_user_or_was_copied_lets_nobody_in(founded: RolesProvider) -> None:
    auth = founded.roles.authentication
    device = enrol_passkey(founded)
    copy = replace(device)
    challenge = auth.new_challenge(SIGN_IN)
    auth.by_passkey(device.get(challenge), challenge)
    device.user_verified = False
    for one in (device, copy):  # the copy's counter stands where the device's stood before
        challenge = auth.new_challenge(SIGN_IN)
        with pytest.raises(Rejected) as caught:
            auth.by_passkey(one.get(challenge), challenge)
        assert caught.value.code == "roles.signature"
    assert founded.operator("carl").failures == 2
    challenge = auth.new_challenge(SIGN_IN)
    with pytest.raises(Refused) as refused:
        auth.by_passkey(Authenticator().get(challenge), challenge)
    assert refused.value.requirement == "CENTS419261:IA1.1"


def test_an_answer_that_is_no_registration_is_rejected(founded: RolesProvider) -> None:
    made = Authenticator()
    challenge = founded.roles.authentication.new_challenge("register")
    good = made.create(challenge)
    made.user_verified = False
    unverified = made.create(challenge)
    attestation = good["response"]["attestationObject"]
    answers: list[Any] = [
        {},
        [],
        "x",
        unverified,
        good | {"id": "AAAA"},
        good | {"response": {}},
        good | {"response": good["response"] | {"attestationObject": attestation[:-8]}},
        good | {"response": good["response"] | {"attestationObject": "AAAA"}},
    ]
    for answer in answers:
        with pytest.raises(Rejected) as caught:
            passkeys.register(answer, challenge=challenge, rp_id=made.rp_id, origin=made.origin)
        assert caught.value.code == "roles.passkey"
    for place in ({"rp_id": "other.example"}, {"origin": "https://other.example"}, {"challenge": b"x" * 32}):
        given: dict[str, Any] = {"challenge": challenge, "rp_id": made.rp_id, "origin": made.origin} | place
        with pytest.raises(Rejected):
            passkeys.register(good, **given)


def kept(founded: RolesProvider) -> int:
    with founded.database.read() as connection:
        waiting = select(func.count()).where(challenges_table.c.purpose == SIGN_IN)
        return connection.execute(waiting).scalar_one()


@pytest.mark.req("TRUSTWORKS:ROLES-CHALLENGES")
def test_strangers_who_begin_to_sign_in_keep_nobody_out(founded: RolesProvider, clock: PlacedClock) -> None:
    auth, device = founded.roles.authentication, enrol_passkey(founded)
    first = auth.new_challenge(SIGN_IN)
    begun = {auth.new_challenge(SIGN_IN) for _ in range(20_000)}
    assert len(begun) == 20_000
    stranger = Authenticator()
    for challenge in list(begun)[:20]:
        with pytest.raises(Refused):
            auth.by_passkey(stranger.get(challenge), challenge)
    assert kept(founded) == 0
    for challenge in (first, begun.pop()):
        assert auth.by_passkey(device.get(challenge), challenge)[0].name == "carl"
    assert kept(founded) == 2
    code = auth.new_entry(founded.actor("anna"))
    assert auth.by_entry(code)[0].name == "anna"
    clock.advance(minutes=5)
    challenge = auth.new_challenge(SIGN_IN)
    auth.by_passkey(device.get(challenge), challenge)
    assert kept(founded) == 1


@pytest.mark.req("TRUSTWORKS:ROLES-CHALLENGES")
def test_a_challenge_is_good_once_in_all_processes_and_for_its_purpose(tmp_path: Path) -> None:
    file, now = tmp_path / "console.secret", datetime(2026, 1, 1, tzinfo=UTC)
    one, other, strange = challenges.Sealed(file), challenges.Sealed(file), challenges.Sealed(None)
    challenge = one.new(SIGN_IN, now)
    ends = now + challenges.LASTS
    assert other.ends(challenge, SIGN_IN, now) == ends
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    changed = bytes([*challenge[:24], challenge[24] ^ 1, *challenge[25:]])  # a later end
    for sealed, given, purpose, moment in (
        (strange, challenge, SIGN_IN, now),
        (other, changed, SIGN_IN, now),
        (other, challenge[:-1], SIGN_IN, now),
        (other, b"", SIGN_IN, now),
        (other, challenge, "register:carl", now),
        (other, challenge, SIGN_IN, ends),
    ):
        with pytest.raises(Rejected) as caught:
            sealed.ends(given, purpose, moment)
        assert caught.value.code == "roles.challenge"
    with pytest.raises(Rejected):
        challenges.check_open(None, now)


# By a client's certificate


def test_a_client_certificate_is_one_factor_and_must_be_the_registered_one(founded: RolesProvider) -> None:
    auth = founded.roles.authentication
    founded.decide(founded.enrolment("dora", Role.AUDITOR))
    der = founded.operator("dora").credentials[0].public
    actor, token = auth.by_client_certificate(der)
    assert (actor.name, actor.factors) == ("dora", frozenset({Factor.POSSESSION}))
    assert auth.session(token) is not None
    with pytest.raises(Refused) as caught:
        auth.by_client_certificate(founded.operator("anna").credentials[0].public)
    assert caught.value.requirement == "EN319411-1:GEN-6.5.5-04"
    same_key = certificate_of(founded.keys["dora"], "dora").public_bytes(Encoding.DER)
    with pytest.raises(Rejected) as rejected:
        auth.by_client_certificate(same_key)
    assert rejected.value.code == "roles.signature"
    for other in (certificate_of(new_key(), "dora").public_bytes(Encoding.DER), b"0\x00", b""):
        with pytest.raises(Refused) as caught:
            auth.by_client_certificate(other)
        assert caught.value.requirement == "CENTS419261:IA1.1"


@pytest.mark.req("EN319411-1:GEN-6.5.5-04")
def test_a_session_of_one_factor_ends_where_its_operator_gets_a_role_that_needs_two(
    founded: RolesProvider,
) -> None:
    founded.decide(founded.enrolment("dora", Role.AUDITOR))
    auth = founded.roles.authentication
    _, token = auth.by_client_certificate(founded.operator("dora").credentials[0].public)
    founded.roles.administration.withdraw(founded.actor("anna"), "dora", Role.AUDITOR)
    founded.decide(new_change("grant", "dora", roles=frozenset({Role.REGISTRATION_OFFICER})))
    assert auth.session(token) is None


def test_a_forms_token_is_the_sessions_own() -> None:
    assert csrf_token("a") != csrf_token("b")
    assert csrf_token("a") == csrf_token("a")
