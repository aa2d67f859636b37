"""Guessing by CMP and EST is told to the audit log and to the alarms, and fills neither."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cmp_client import common_name, new_key
from cmp_foreign import foreign
from est_testbed import Est, request_of
from sqlalchemy import select

from trustworks.app.health.alarms import Attempts, irregular
from trustworks.core.audit.records import events
from trustworks.core.der.cmp import Body
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.issuance.enrolment.refusals import TYPE, Refusals, by, rule_of_attempt

if TYPE_CHECKING:
    from cmp_testbed import Server

NAME = "pump 1 TEST"
EE = common_name(NAME)
pytestmark = pytest.mark.req("TRUSTWORKS:ENROLMENT-ATTEMPTS-TOLD")


def told(server: Server) -> list[dict[str, Any]]:
    with server.provider.database.read() as connection:
        rows = connection.execute(
            select(events.c.body).where(events.c.type == TYPE).order_by(events.c.sequence)
        ).scalars()
        return [json.loads(body) for body in rows]


def alarm(server: Server, limit: int = 20) -> str | None:
    with server.provider.database.read() as connection:
        found = irregular(Attempts().types(connection, server.provider.clock.moment), limit=limit)
    return None if found is None else found.code


def test_a_guessed_secret_is_told_and_raises_the_alarm(server: Server) -> None:
    given = server.secret()
    for number in range(20):
        assert alarm(server) is None
        wrong = {"reference": given["reference"] if number % 2 else f"pump-{number}", "secret": "guess"}
        assert server.client(**wrong).enrol(Body.ir, new_key(), EE).failure == "badMessageCheck"
    assert alarm(server) == "access.refused"
    one = told(server)[0]
    assert (one["actor"], one["outcome"]) == ("unknown", "refused")
    assert one["subject"] == {"kind": "protocol", "protocol": "cmp"}
    assert one["detail"] == {"rule": "badMessageCheck", "times": 1}
    assert "pump-" not in str(told(server))  # what somebody typed may be anything, and the log is for good


def test_bad_signatures_and_what_one_may_not_have_are_told(server: Server) -> None:
    given, own = server.secret(), server.enrolled()
    stranger = replace(own, key=new_key())
    assert server.client(signed_by=stranger).enrol(Body.kur, new_key(), EE).failure == "badMessageCheck"
    assert server.client(signed_by=foreign()).enrol(Body.ir, new_key(), EE).failure == "signerNotTrusted"
    assert server.client(**given).enrol(Body.ir, new_key(), common_name("no")).failure == "badCertTemplate"
    assert server.client(**given).enrol(Body.kur, new_key(), EE).failure == "notAuthorized"
    assert [(one["actor"], one["detail"]["rule"]) for one in told(server)] == [
        ("unknown", "badMessageCheck"),
        ("unknown", "signerNotTrusted"),
        (f"cmp:{given['reference']}", "TRUSTWORKS:ENROLMENT-EQUALS-EVIDENCE"),
        (f"cmp:{given['reference']}", "notAuthorized"),
    ]


def test_what_is_only_written_wrong_is_no_attempt(server: Server) -> None:
    given = server.secret()
    assert server.exchange.answer(b"nothing")
    assert server.client(**given, time=None, pvno=9).enrol(Body.ir, new_key(), EE).failure is not None
    assert told(server) == []


def test_a_guessed_password_of_est_is_told_and_a_question_is_not(server: Server) -> None:
    est, given, csr = Est(server), server.secret(), request_of(new_key(), NAME)
    assert est.enrol(csr).status == 401  # which is how a client learns what is asked of it
    assert est.enrol(csr, operation="simplereenroll").status == 401
    assert told(server) == []
    for secret in ("guess", "another"):
        assert est.enrol(csr, {"reference": given["reference"], "secret": secret}).status == 401
    assert est.enrol(csr, client_certificate=foreign().certificate).status == 403
    assert est.enrol(request_of(new_key(), "no"), given).status == 400
    assert [(one["subject"]["protocol"], one["detail"]["rule"]) for one in told(server)] == [
        ("est", "unauthenticated"),
        ("est", "unauthenticated"),
        ("est", "notAuthorized"),
        ("est", "TRUSTWORKS:ENROLMENT-EQUALS-EVIDENCE"),
    ]
    assert alarm(server, limit=4) == "access.refused"


def test_a_flood_of_guesses_is_counted_and_fills_no_log(server: Server) -> None:
    provider = server.provider
    refusals = Refusals("est", recorder=provider.recorder, clock=provider.clock)
    for _ in range(5000):
        refusals.tell(Rejected("unauthenticated", "Say who you are."))
    found = told(server)
    assert len(found) == 50 + 19 + 4
    assert sum(one["detail"]["times"] for one in found) == 5000
    assert alarm(server, limit=5000) == "access.refused"
    provider.clock.advance(minutes=10)
    refusals.tell(Rejected("unauthenticated", "Say who you are."))
    assert len(told(server)) == len(found) + 1
    assert (by(50), by(51), by(1001)) == (1, 50, 1000)


def test_which_refusals_are_attempts() -> None:
    assert rule_of_attempt(Refused("RFC9483:1.7-02", "No.")) == "RFC9483:1.7-02"
    assert rule_of_attempt(Rejected("notAuthorized", "No.")) == "notAuthorized"
    assert rule_of_attempt(Rejected("badTime", "No.")) is None
    assert rule_of_attempt(Malformed("No.")) is None
