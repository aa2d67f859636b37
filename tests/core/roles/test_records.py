"""The records of trusted roles, in both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from operators_testbed import NOW, Authenticator, credential_of, new_key, operator_of, signer_of
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from trustworks.core.roles import Role, approvals_for, list_operators, new_content, records, sign_approval
from trustworks.core.roles.model import Person

if TYPE_CHECKING:
    from trustworks.core.store import Database

DIGEST = "1" * 64


def test_an_operator_comes_back_as_he_was_enrolled(database: Database) -> None:
    key, passkey = new_key(), Authenticator()
    anna = operator_of(
        "anna",
        Role.SECURITY_OFFICER,
        credentials=(
            credential_of(key, "anna"),
            replace(passkey.credential("anna"), added_at=NOW, sign_count=2**32 - 1),
        ),
    )
    anna = replace(anna, granted=((Role.SECURITY_OFFICER, anna.enrolled_at),))
    person = Person(names=frozenset({"anna muster"}), identifiers=frozenset({"anna@tsp.example"}))
    with database.begin() as connection:
        assert records.count_operators(connection) == 0
        records.add_operator(connection, anna, person)
    with database.read() as connection:
        assert list_operators(connection) == [anna]
        assert records.operator(connection, "ben") is None
        assert records.credential(connection, handle=passkey.handle) == anna.credentials[1]
        keys = frozenset(one.key_id for one in anna.credentials)
        assert records.person(connection, "anna") == replace(person, key_ids=keys)


def test_approvals_are_found_by_what_they_are_about(database: Database) -> None:
    key = new_key()
    anna = operator_of("anna", Role.SECURITY_OFFICER, credentials=(credential_of(key, "anna"),))
    content = new_content(
        what="ceremony.root", sha256=DIGEST, operator="anna", role=Role.SECURITY_OFFICER, time=NOW
    )
    approval = sign_approval(content, signer_of(key))
    with database.begin() as connection:
        records.add_operator(connection, anna, Person())
        records.add_approval(connection, approval, at=NOW)
    with database.read() as connection:
        assert approvals_for(connection, "ceremony.root", DIGEST) == [approval]
        assert approvals_for(connection, "ceremony.sub-ca", DIGEST) == []
        assert approvals_for(connection, "ceremony.root", "2" * 64) == []
    with pytest.raises(IntegrityError), database.begin() as connection:
        records.add_approval(connection, approval, at=NOW)


def test_a_key_is_one_operators_for_good(database: Database) -> None:
    key = new_key()
    mine = credential_of(key, "anna")
    with database.begin() as connection:
        records.add_operator(connection, operator_of("anna", Role.OPERATOR, credentials=(mine,)), Person())
        records.remove_credential(connection, mine.key_id, by="anna", at=NOW)
    with pytest.raises((IntegrityError, DBAPIError)), database.begin() as connection:
        records.add_operator(
            connection,
            operator_of("ben", Role.OPERATOR, credentials=(replace(mine, operator="ben"),)),
            Person(),
        )
    with database.read() as connection:
        assert [one.name for one in list_operators(connection)] == ["anna"]


@pytest.mark.req("TRUSTWORKS:AUDIT-10")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE role_operators SET state = 'active' WHERE name = 'gone'",
        "UPDATE role_operators SET enrolled_by = 'x'",
        "UPDATE role_grants SET withdrawn_at = NULL, withdrawn_by = NULL WHERE operator = 'gone'",
        "UPDATE role_grants SET role = 'auditor'",
        "UPDATE role_credentials SET public = 'x'",
        "UPDATE role_credentials SET removed_at = NULL, removed_by = NULL WHERE operator = 'gone'",
        "DELETE FROM role_credentials",
        "DELETE FROM role_approvals",
        "UPDATE role_approvals SET what = 'other'",
        "DELETE FROM role_grants",
        "DELETE FROM role_operators",
    ],
)
def test_what_was_recorded_stays(database: Database, statement: str) -> None:
    key, other = new_key(), new_key()
    content = new_content(
        what="ceremony.root", sha256=DIGEST, operator="anna", role=Role.SECURITY_OFFICER, time=NOW
    )
    with database.begin() as connection:
        for name, own in (("anna", key), ("gone", other)):
            credential = credential_of(own, name)
            records.add_operator(
                connection, operator_of(name, Role.SECURITY_OFFICER, credentials=(credential,)), Person()
            )
        records.add_approval(connection, sign_approval(content, signer_of(key)), at=NOW)
        gone = credential_of(other, "gone")
        records.withdraw_grant(connection, "gone", Role.SECURITY_OFFICER, by="anna", at=NOW)
        records.remove_credential(connection, gone.key_id, by="anna", at=NOW)
        records.set_state(connection, "gone", "retired")
    with pytest.raises(DBAPIError, match="append-only"), database.begin() as connection:
        connection.execute(text(statement))
