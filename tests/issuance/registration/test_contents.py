"""What was registered cannot be exchanged beside the log without `audit verify` finding it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from issuance_testbed import make_csr
from registration_testbed import ask, seen
from sqlalchemy import text

from trustworks.app.commands.audit import all_bound_tables
from trustworks.core.audit.bound import BoundRecords
from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.verify import verify
from trustworks.issuance.registration.contents import RegisteredContents, content_objection, digest_of

if TYPE_CHECKING:
    from issuance_testbed import Provider

    from trustworks.issuance.registration.service import Registration

pytestmark = pytest.mark.req("TRUSTWORKS:REGISTRATION-CONTENT-BOUND")


def findings(provider: Provider) -> list[str]:
    with provider.database.inspect() as connection:
        checkers = BoundRecords(connection, all_bound_tables()), RegisteredContents(connection)
        return [one.message for one in verify(DatabaseSource(connection), checkers=checkers).findings]


def change(provider: Provider, statement: str, **values: object) -> None:
    """As an administrator of the database could, who takes the triggers away first."""
    table = statement.split()[1]
    on = "" if provider.database.engine.dialect.name == "sqlite" else f" ON {table}"
    with provider.database.begin() as connection:
        connection.execute(text(f"DROP TRIGGER {table}_no_rewriting{on}"))
        connection.execute(text(statement), values)


def decided(desk: Registration) -> str:
    identifier = desk.submit(ask(), by="ra-desk").id
    seen(desk, identifier)
    desk.reject(identifier, by="olga", reason="Not seen.")
    return identifier


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("UPDATE identity_evidence SET content = replace(content, 'passport XX', 'passport YY')", "evidence"),
        ("UPDATE applications SET asked = replace(asked, 'Muster', 'Master')", "application"),
        ("UPDATE applications SET csr = :csr", "application"),
        ("UPDATE registration_decisions SET reason = 'Seen.'", "decision"),
        ("UPDATE identity_evidence SET content = NULL", "erased in part"),
    ],
)
def test_what_was_exchanged_is_found(
    desk: Registration, provider: Provider, statement: str, word: str
) -> None:
    decided(desk)
    assert findings(provider) == []
    change(provider, statement, **({"csr": make_csr()} if ":csr" in statement else {}))
    found = findings(provider)
    assert len(found) == 1
    assert word in found[0]


def test_what_is_erased_in_its_time_leaves_a_log_that_verifies(
    desk: Registration, provider: Provider
) -> None:
    identifier = decided(desk)
    provider.clock.advance(days=8 * 366)
    assert desk.tidy(by="retention") == ([], [identifier])
    with provider.database.read() as connection:
        salts = connection.execute(text("SELECT salt FROM registration_contents")).scalars().all()
    assert salts == [None] * 3
    assert findings(provider) == []


def test_a_digest_is_of_the_parts_as_they_are_divided() -> None:
    salt = bytes(16)
    assert digest_of(salt, b"ab", b"c") != digest_of(salt, b"a", b"bc")
    assert content_objection("evidence 1", salt, digest_of(salt, b"ab"), (b"ab",)) is None
    assert "altered" in (content_objection("evidence 1", salt, digest_of(salt, b"ab"), (b"ac",)) or "")
    assert content_objection("evidence 1", None, "", None) is None
    assert "in part" in (content_objection("evidence 1", None, "", (b"ab",)) or "")
