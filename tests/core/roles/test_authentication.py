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
from trustworks.core.roles.office import rule_of
from trustworks.core.roles.records.tables import challenges as challenges_table
from trustworks.core.roles.rules import access
from trustworks.core.roles.strangers import check_few, network_of

if TYPE_CHECKING:
    from collections.abc import Callable
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
    assert failures(founded, "anna") == [0]
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


def failures(founded: RolesProvider, name: str) -> list[int]:
    """Of the certificate, then of the passkey."""
    held = sorted(founded.operator(name).credentials, key=lambda one: one.kind)
    return [one.failures for one in held]


def try_unverified(founded: RolesProvider, device: Authenticator, code: str = access.UNVERIFIED) -> None:
    """Sign in by a passkey whose user was not verified: what a thief of it can do."""
    auth, thief = founded.roles.authentication, replace(device, user_verified=False)
    challenge = auth.new_challenge(SIGN_IN)
    with pytest.raises((Refused, Rejected)) as caught:
        auth.by_passkey(thief.get(challenge), challenge, address="198.51.100.7")
    device.count = thief.count
    assert rule_of(caught.value) == code


@pytest.mark.req("CENTS419261:IA2.1", "TRUSTWORKS:ROLES-LOCK-OUT")
def test_a_passkey_that_signs_five_times_without_its_user_is_locked_out_and_nothing_else(
    founded: RolesProvider, clock: PlacedClock, caplog: pytest.LogCaptureFixture
) -> None:
    device = enrol_passkey(founded)
    for number in range(5):
        try_unverified(founded, device)
        assert failures(founded, "carl") == [0, number + 1]
    event = founded.events()[-1]
    assert (event["type"], event["actor"]) == ("roles.locked-out", "carl")
    assert "a credential of the operator carl is locked out" in caplog.text
    auth = founded.roles.authentication
    challenge = auth.new_challenge(SIGN_IN)
    with pytest.raises(Refused) as refused:
        auth.by_passkey(device.get(challenge), challenge)  # even with its user verified
    assert refused.value.requirement == "CENTS419261:IA2.1"
    founded.actor("carl", Act.CONFIGURE)  # his other credential, and everybody else's, count on
    founded.actor("ben")
    clock.advance(minutes=30)
    challenge = auth.new_challenge(SIGN_IN)
    assert auth.by_passkey(device.get(challenge), challenge)[0].name == "carl"
    assert [(one.failures, one.locked_until) for one in founded.operator("carl").credentials] == (
        [(0, None)] * 2
    )


@pytest.mark.req("CENTS419261:IA2.1")
def test_a_lock_out_is_released_by_those_who_approve_it(founded: RolesProvider) -> None:
    device, auth = enrol_passkey(founded), founded.roles.authentication
    for _ in range(5):
        try_unverified(founded, device)
    founded.decide(new_change("unlock", "carl"))
    challenge = auth.new_challenge(SIGN_IN)
    assert auth.by_passkey(device.get(challenge), challenge)[0].name == "carl"


def test_a_success_in_between_forgives_failures(founded: RolesProvider) -> None:
    device, auth = enrol_passkey(founded), founded.roles.authentication
    for _ in range(3):
        for _ in range(4):
            try_unverified(founded, device)
        challenge = auth.new_challenge(SIGN_IN)
        auth.by_passkey(device.get(challenge), challenge)
    assert failures(founded, "carl") == [0, 0]


@pytest.mark.req("TRUSTWORKS:ROLES-LOCK-OUT", "TRUSTWORKS:STRANGERS-CONDENSED")
def test_a_stranger_who_knows_a_passkeys_handle_keeps_its_operator_out_in_no_way(
    founded: RolesProvider, clock: PlacedClock
) -> None:
    device, auth = enrol_passkey(founded), founded.roles.authentication
    stranger = Authenticator(handle=device.handle)
    before = len(founded.events())
    codes = []
    for number in range(30):
        challenge = auth.new_challenge(SIGN_IN)
        with pytest.raises(Rejected) as caught:
            auth.by_passkey(stranger.get(challenge), challenge, address=f"198.51.100.{number}")
        codes.append(caught.value.code)
    assert codes == ["roles.signature"] * 20 + ["roles.too-many-failures"] * 10
    assert failures(founded, "carl") == [0, 0]
    challenge = auth.new_challenge(SIGN_IN)
    assert auth.by_passkey(device.get(challenge), challenge, address="198.51.100.7")[0].name == "carl"
    clock.advance(minutes=1)
    auth.strangers.flush()
    told = founded.events("roles.sign-in-refused")
    assert [(one["actor"], one["subject"]["operator"]) for one in told] == [("unknown", "unknown")] * 2
    assert [one["detail"] for one in told] == [
        {"network": "198.51.100.0/24", "times": times, "rules": {"roles.signature": times}}
        for times in (1, 29)
    ]
    assert len(founded.events()) == before + 3  # and the sign-in of carl
    wrong = signer_of(new_key())
    for _ in range(6):  # at the command line, too, a wrong key proves nothing of anna
        with pytest.raises(Rejected, match="is no credential of anna"):
            auth.by_key("anna", wrong, Act.CHANGE_ROLES)
    event = founded.events()[-1]
    assert (event["actor"], event["subject"]["operator"]) == ("unknown", "anna")
    founded.actor("anna")


@pytest.mark.req("TRUSTWORKS:STRANGERS-CONDENSED")
def test_certificates_and_codes_that_nobody_has_are_told_once_a_minute(
    founded: RolesProvider, clock: PlacedClock
) -> None:
    auth = founded.roles.authentication
    der = certificate_of(new_key(), "mallory").public_bytes(Encoding.DER)
    same_key = certificate_of(founded.keys["anna"], "anna").public_bytes(Encoding.DER)
    before = len(founded.events())
    for _ in range(5):
        attempts: list[Callable[[], object]] = [
            lambda: auth.by_client_certificate(der, address="2001:db8::1"),
            lambda: auth.by_client_certificate(same_key, address="2001:db8:0:ffff::2"),
            lambda: auth.by_entry("guessed", address="2001:db8::3"),
            lambda: auth.by_entry("Z3Vlc3NlZA", address="2001:db8::3"),
        ]
        for attempt in attempts:
            with pytest.raises((Refused, Rejected)):
                attempt()
    assert len(founded.events()) == before + 1
    auth.strangers.close()
    assert founded.events()[-1]["detail"] == {
        "network": "2001:db8::/48",
        "times": 19,
        "rules": {"CENTS419261:IA1.1": 4, "roles.challenge": 10, "roles.signature": 5},
    }
    clock.advance(minutes=1)
    with pytest.raises(Rejected):
        auth.by_entry("guessed")
    assert founded.events()[-1]["detail"]["network"] == "unknown"
    for network in range(100):  # whoever has many networks is told of as one
        with pytest.raises(Rejected):
            auth.by_entry("guessed", address=f"10.0.{network}.1")
    auth.strangers.close()
    assert len(founded.events()) - before < 40
    last = founded.events()[-1]["detail"]
    assert (last["network"], last["times"]) == ("others", 68)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.0/24"),
        ("::ffff:198.51.100.7", "198.51.100.0/24"),
        ("2001:db8:1:2::7", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("no address", "unknown"),
        (None, "unknown"),
    ],
)
@pytest.mark.req("TRUSTWORKS:STRANGERS-CONDENSED")
def test_strangers_are_counted_by_their_network(address: str | None, network: str) -> None:
    assert network_of(address) == network
    check_few(20)
    with pytest.raises(Rejected):
        check_few(21)


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
    # The copy's counter stands where the device's stood before.
    for one, code in ((device, "roles.user-verification"), (copy, "roles.passkey-copied")):
        challenge = auth.new_challenge(SIGN_IN)
        with pytest.raises(Rejected) as caught:
            auth.by_passkey(one.get(challenge), challenge)
        assert caught.value.code == code
    assert failures(founded, "carl") == [0, 2]
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
