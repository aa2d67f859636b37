"""What is written once: the database itself refuses to change, delete or replace it."""

# ruff: noqa: S608 - the names in the statements are our own tables'

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import all_tables  # noqa: F401 - declares them
import pytest
from sqlalchemy import Boolean, LargeBinary, String, UniqueConstraint, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from trustworks.core.store import Database, metadata
from trustworks.core.store.types import UtcDateTime

if TYPE_CHECKING:
    from sqlalchemy import Table

pytestmark = pytest.mark.req("TRUSTWORKS:AUDIT-10")

# What a service changes in a row after it was written; see each table's own tests.
CHANGING = {
    "api_clients": {"removed_at"},
    "applications": {"state", "serial", "changed_at", "asked", "subject", "csr", "salt"},
    "audit_streams": {"logged", "closed"},
    "authorities": {"changes", "pending_since"},
    "ceremonies": {"statement", "signature", "signer", "certificate", "time_stamp"},
    "certificates": {
        "state", "tbs", "der", "issued_at",
        "revoked_at", "revocation_reason", "invalidity_date", "revoked_recorded_at",
        "change_number", "changed_at",
    },
    "cmp_transactions": {"state"},
    "device_evidence": {"content"},
    "dossier_orders": {"state", "told", "changed_at", "manifest", "content"},
    "domain_validations": {"name", "method", "validated_at", "validated_by"},
    "enrolment_credentials": {"used", "withdrawn_at"},
    "enrolment_renewals": {"made"},
    "enrolment_requests": {
        "state", "decided_at", "decided_by", "decided_why", "serial",
        "body", "content", "implicit", "transaction_id", "nonce",
    },
    "identity_evidence": {"content"},
    "key_lists": {"retired_at", "retired_by", "retired_why"},
    "mailbox_validations": {"address", "mailed_at", "wrong", "validated_at", "validated_by"},
    "notices": {"due_at", "tries", "sent_at", "given_up_at", "problem"},
    "registration_contents": {"salt"},
    "registration_decisions": {"reason"},
    "revocation_requests": {
        "state", "decided_at", "decided_by", "decided_why", "confirmed_by", "confirmed_how", "delayed_why",
    },
    "role_approval_holds": {"outcome", "ended_at"},
    "role_changes": {"state", "ended_at"},
    "role_credentials": {"sign_count", "removed_at", "removed_by", "failures", "locked_until"},
    "role_grants": {"withdrawn_at", "withdrawn_by"},
    "role_operators": {"state", "names", "identifiers", "failures", "locked_until"},
    "role_sessions": {"used_at", "closed_at"},
    "signing_agreements": {"agreement", "proof", "value"},
    "signing_seals": {"state", "level"},
    "signing_usage": {"requests", "time_stamps"},
    "webhooks": {"secret", "earlier_secret", "earlier_until", "removed_at"},
}  # fmt: skip
# What goes again when its time is over, or is the state of a conversation: the log tells what came of it.
PASSING = {
    "acme_accounts", "acme_authorizations", "acme_challenges", "acme_external_keys",
    "acme_order_authorizations", "acme_orders", "acme_used_nonces",
    "api_requests", "api_sessions",
    "assurance_catalogue",
    "notice_marks",
    "role_challenges",
}  # fmt: skip
TABLES = sorted(set(metadata.tables) - PASSING)
# What rows of a table must say, beside what is made of a number.
REVOCATION = ("revoked_at", "revocation_reason", "invalidity_date", "revoked_recorded_at")
SAYING: dict[str, dict[str, Any]] = {
    "applications": {"state": "issued"},
    "blocked_keys": {"shown_by": "statement"},
    "certificates": {"state": "issued", **dict.fromkeys(REVOCATION)},
    "cmp_transactions": {"state": "waiting"},
    "crls": {"authority": "1"},  # whose numbers follow on each other
    "enrolment_credentials": {"kind": "secret"},
    "enrolment_requests": {"protocol": "cmp", "state": "issued"},
    "notices": {"recipient": "subject", "due_at": None},
    "key_successions": {"generation": 2},
    "module_key_backups": {"threshold": 2},
    "module_key_history": {"state": "operational"},
    "revocation_requests": {"state": "done"},
    "role_approval_holds": {"outcome": "used"},
    "role_changes": {"state": "applied"},
    "role_credentials": {"kind": "passkey"},
    "role_operators": {"state": "active"},
}


def test_every_table_is_append_only_or_known_to_pass() -> None:
    assert set(metadata.tables) >= PASSING
    assert set(CHANGING) <= set(TABLES)


def values_of(table: Table, number: int) -> dict[str, Any]:
    """A row in which every value is made of the number."""

    def value(column: Any) -> Any:
        if isinstance(column.type, UtcDateTime):
            return datetime.fromtimestamp(1_000_000 + number, tz=UTC)
        if isinstance(column.type, LargeBinary):
            return bytes([number]) * 32
        if isinstance(column.type, Boolean):
            return bool(number & 1)
        return str(number) if isinstance(column.type, String) else number

    return {column.name: value(column) for column in table.columns} | SAYING.get(table.name, {})


def referred(table: Table) -> list[Table]:
    """The tables whose rows those of this one need, each after those that it needs itself."""
    found: list[Table] = []
    for constraint in sorted(table.foreign_key_constraints, key=lambda one: one.referred_table.name):
        found += [one for one in referred(constraint.referred_table) if one not in found]
        if constraint.referred_table not in found:
            found.append(constraint.referred_table)
    return found


def write(database: Database, table: Table, number: int) -> dict[str, Any]:
    values = values_of(table, number)
    with database.begin() as connection:
        for one in referred(table):
            connection.execute(insert(one).values(values_of(one, number)))
        connection.execute(insert(table).values(values))
    return values


def stored(database: Database, table: Table) -> list[Any]:
    key = list(table.primary_key)
    with database.read() as connection:
        return list(connection.execute(select(table).order_by(*key)))


def refused(database: Database, statement: str, **values: Any) -> None:
    with pytest.raises(DBAPIError, match="is append-only"), database.begin() as connection:
        connection.execute(text(statement), values)


def keys_of(table: Table) -> list[list[str]]:
    unique = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
    return [[column.name for column in one.columns] for one in (table.primary_key, *unique)]


def another(table: Table, name: str) -> str:
    """SQL for a value that no row has."""
    return f"{name} || 'x'" if isinstance(table.c[name].type, String | LargeBinary) else f"{name} + 100"


@pytest.fixture(params=TABLES)
def table(request: pytest.FixtureRequest) -> Table:
    return metadata.tables[request.param]


def test_rows_are_not_deleted(database: Database, table: Table) -> None:
    write(database, table, 1)
    before = stored(database, table)
    refused(database, f"DELETE FROM {table.name}")
    if database.dialect == "postgresql":
        refused(database, f"TRUNCATE {table.name} CASCADE")
    assert stored(database, table) == before


def test_rows_are_not_changed(database: Database, table: Table) -> None:
    write(database, table, 1)
    before = stored(database, table)
    other = values_of(table, 2)
    for column in table.columns:
        if column.name in CHANGING.get(table.name, ()) or column.name in SAYING.get(table.name, ()):
            continue
        processor = column.type.dialect_impl(database.engine.dialect).bind_processor(database.engine.dialect)
        value = other[column.name] if processor is None else processor(other[column.name])
        refused(database, f"UPDATE {table.name} SET {column.name} = :value", value=value)
    assert stored(database, table) == before


@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_rows_are_not_replaced(database: Database, table: Table) -> None:
    write(database, table, 1)
    write(database, table, 2)
    before = stored(database, table)
    names = [column.name for column in table.columns]
    key = table.primary_key.columns[0].name
    one = f"FROM {table.name} ORDER BY {key} LIMIT 1"
    for unique in keys_of(table):
        # All but the key is the other row's, which by itself would be no conflict with this one.
        parts = [name if name in unique else another(table, name) for name in names]
        for verb in ("INSERT OR REPLACE", "REPLACE"):
            refused(
                database, f"{verb} INTO {table.name} ({', '.join(names)}) SELECT {', '.join(parts)} {one}"
            )
    if not any(name in {"position", "number"} for name in keys_of(table)[0]):
        parts = ["1", *(another(table, name) for name in names)]
        refused(
            database,
            f"REPLACE INTO {table.name} (rowid, {', '.join(names)}) SELECT {', '.join(parts)} {one}",
        )
    refused(database, f"UPDATE OR REPLACE {table.name} SET rowid = 2 WHERE rowid = 1")
    assert stored(database, table) == before


def test_upserts_are_refused(database: Database, table: Table) -> None:
    values = write(database, table, 1)
    before = stored(database, table)
    names = [column.name for column in table.columns if column.name not in CHANGING.get(table.name, ())]
    target = ", ".join(keys_of(table)[0])
    places = ", ".join(f":{column.name}" for column in table.columns)
    processors = {
        column.name: column.type.dialect_impl(database.engine.dialect).bind_processor(database.engine.dialect)
        for column in table.columns
    }
    bound = {name: value if (p := processors[name]) is None else p(value) for name, value in values.items()}
    with pytest.raises(DBAPIError), database.begin() as connection:
        connection.execute(
            text(
                f"INSERT INTO {table.name} ({', '.join(values)}) VALUES ({places}) "
                f"ON CONFLICT ({target}) DO UPDATE SET {names[0]} = 'other'"
            ),
            bound,
        )
    assert stored(database, table) == before


def test_a_second_row_with_the_same_key_is_the_same_error_as_ever(database: Database, table: Table) -> None:
    values = write(database, table, 1)
    with pytest.raises(IntegrityError), database.begin() as connection:
        connection.execute(insert(table).values(values))
    write(database, table, 2)
    assert len(stored(database, table)) == 2


# ---- certificates


REVOKED = "revoked_at = 1, revocation_reason = {reason}, revoked_recorded_at = 1"
LIFTED = "revoked_at = NULL, revocation_reason = NULL, revoked_recorded_at = NULL"


def change(database: Database, what: str) -> None:
    with database.begin() as connection:
        assert connection.execute(text(f"UPDATE certificates SET {what}")).rowcount == 1


def test_a_certificate_is_not_exchanged(database: Database) -> None:
    write(database, metadata.tables["certificates"], 1)
    refused(database, "UPDATE certificates SET der = :der", der=b"another")
    refused(database, "UPDATE certificates SET state = 'abandoned', der = NULL")
    refused(database, "UPDATE certificates SET state = 'issuing', der = NULL")
    refused(database, "UPDATE certificates SET issued_at = 5")


def test_a_revocation_is_for_good_and_a_hold_is_not(database: Database) -> None:
    write(database, metadata.tables["certificates"], 1)
    change(database, REVOKED.format(reason=6))
    change(database, LIFTED)
    change(database, REVOKED.format(reason=6))
    change(database, REVOKED.format(reason=1))
    refused(database, f"UPDATE certificates SET {LIFTED}")
    refused(database, f"UPDATE certificates SET {REVOKED.format(reason=4)}")
    refused(database, "UPDATE certificates SET revoked_at = 2")
    refused(database, "UPDATE certificates SET invalidity_date = 2")


@pytest.mark.parametrize("first", [0, 4])
@pytest.mark.parametrize("lost", [1, 2])
def test_a_revocation_may_become_that_of_a_lost_key_once(database: Database, first: int, lost: int) -> None:
    write(database, metadata.tables["certificates"], 1)
    change(database, REVOKED.format(reason=first))
    refused(database, f"UPDATE certificates SET {LIFTED}")
    refused(database, f"UPDATE certificates SET {REVOKED.format(reason=6)}")
    refused(database, f"UPDATE certificates SET revocation_reason = {lost}, revoked_at = 2")
    refused(database, f"UPDATE certificates SET revocation_reason = {lost}, revoked_at = NULL")
    change(database, f"revocation_reason = {lost}, invalidity_date = 1, revoked_recorded_at = 2")
    refused(database, f"UPDATE certificates SET revocation_reason = {3 - lost}")
    refused(database, "UPDATE certificates SET revoked_recorded_at = 3")
    refused(database, f"UPDATE certificates SET {LIFTED}")


# ---- authorities


def test_changes_of_status_are_counted_one_by_one(database: Database) -> None:
    write(database, metadata.tables["authorities"], 7)
    for other in (6, 9, 0, 2**63 - 1):
        refused(database, f"UPDATE authorities SET changes = {other}")
    refused(database, "UPDATE authorities SET pending_since = 5")  # without a change
    with database.begin() as connection:
        connection.execute(text("UPDATE authorities SET changes = changes + 1, pending_since = 5"))
    (row,) = stored(database, metadata.tables["authorities"])
    assert row.changes == 8
