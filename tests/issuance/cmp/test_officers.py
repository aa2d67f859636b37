"""No officer has a certificate by CMP or EST through what he let pass himself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cmp_client import common_name, new_key
from est_testbed import Est, request_of
from operators_testbed import operator_of

from trustworks.core.der.cmp import Body, PkiStatus
from trustworks.core.errors import Refused
from trustworks.core.roles.model import Person, Role
from trustworks.core.roles.records import add_operator, set_person

if TYPE_CHECKING:
    from cmp_testbed import Server

ONE = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
OWN = "EN319411-1:REG-6.2.2-26"
BEN = "Ben Beispiel TEST"


def enrol_ben(server: Server) -> None:
    """The registration officer, who is told from others by his name."""
    with server.provider.database.begin() as connection:
        made = operator_of("ben", Role.REGISTRATION_OFFICER)
        add_operator(connection, made, Person(names=frozenset({BEN.casefold()})))


@pytest.mark.req(OWN, "TRUSTWORKS:ENROLMENT-PATTERN-NOT-OFFICER")
def test_an_officer_creates_no_secret_for_himself(server: Server) -> None:
    enrol_ben(server)
    for subject, rule in (
        (f"CN={BEN}", OWN),
        ("CN=Ben *", "TRUSTWORKS:ENROLMENT-PATTERN-NOT-OFFICER"),
    ):
        with pytest.raises(Refused) as refused:
            server.secret(subject, by="ben")
        assert refused.value.requirement == rule
        assert server.secret(subject, by="another")


@ONE
@pytest.mark.req(OWN)
def test_what_a_secret_lets_pass_is_looked_at_by_the_name_that_is_asked_for(server: Server) -> None:
    enrol_ben(server)
    given = server.secret("CN=*", by="ben")  # a laboratory's default
    reply = server.client(**given).enrol(Body.ir, new_key(), common_name(BEN))
    assert (reply.failure, OWN in reply.text) == ("notAuthorized", True)
    assert server.serials() == set()
    est = Est(server)
    answer = est.enrol(request_of(new_key(), BEN), given)
    assert (answer.status, OWN in answer.body.decode()) == (403, True)
    assert server.serials() == set()
    found = server.credentials.find(given["reference"])
    assert found is not None
    assert found.used == 0
    assert server.client(**given).enrol(Body.ir, new_key(), common_name("pump 1 TEST")).failure is None
    assert est.enrol(request_of(new_key(), "pump 2 TEST"), given).status == 200
    assert len(server.serials()) == 2


@ONE
@pytest.mark.req(OWN)
def test_a_renewal_is_looked_at_as_the_first_certificate_was(server: Server) -> None:
    signed_by = server.enrolled(BEN)
    with server.provider.database.begin() as connection:
        made = operator_of("registration-officer", Role.REGISTRATION_OFFICER)
        add_operator(connection, made, Person(names=frozenset({BEN.casefold()})))
    client = server.client(signed_by=signed_by)
    reply = client.enrol(Body.cr, new_key(), common_name(BEN))
    assert (reply.failure, OWN in reply.text) == ("notAuthorized", True)
    assert len(server.serials()) == 1


@ONE
@pytest.mark.req(OWN)
def test_an_officer_who_approved_a_request_before_he_was_described_gets_nothing_by_it(
    server: Server,
) -> None:
    client = server.client(**server.secret("CN=*", by="another", ask_officer=True))
    key = new_key()
    assert client.enrol(Body.ir, key, common_name(BEN)).status.status == PkiStatus.waiting
    enrol_ben(server)
    with server.provider.database.begin() as connection:
        set_person(connection, "ben", Person())
    (found,) = server.authority.waiting.list(all_states=True, limit=10)
    server.authority.waiting.decide(found.id, approve=True, by="ben", why="seen")
    with server.provider.database.begin() as connection:
        set_person(connection, "ben", Person(names=frozenset({BEN.casefold()})))
    client.again()
    reply = client.enrol(Body.ir, key, common_name(BEN))
    assert (reply.failure, OWN in reply.text) == ("notAuthorized", True)
    assert server.serials() == set()


@ONE
@pytest.mark.req("TRUSTWORKS:ENROLMENT-PATTERN-NARROW")
@pytest.mark.req("TRUSTWORKS:ISSUANCE-SERVER-DOOR")
def test_outside_a_laboratory_no_secret_is_for_servers(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.credentials, "_lab", False)
    with pytest.raises(Refused, match="does not look who controls their names") as refused:
        server.secret("CN=server", profile="tls-server", alternative_names=("DNS:tsp.example.com",))
    assert refused.value.requirement == "TRUSTWORKS:ISSUANCE-SERVER-DOOR"
    with pytest.raises(Refused, match="stands for any characters"):
        server.secret("CN=pump *, O=*")
    assert server.secret("CN=pump *")
