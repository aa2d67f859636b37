"""The tables on both databases: constraints that hold whatever the code does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from trustworks.issuance import records
from trustworks.issuance.model import AuthorityRecord, Revocation, RevocationReason

if TYPE_CHECKING:
    from trustworks.core.store import Database

NOW = datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=UTC)


def row(serial: int, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "serial": f"{serial:040x}",
        "authority": "issuing",
        "profile": "tsu",
        "subject": f"CN=TEST {serial}%_",
        "state": "issuing",
        "not_before": NOW,
        "not_after": NOW + timedelta(days=1),
        "spki_sha256": bytes([serial % 256]) * 32,
        "requested_at": NOW + timedelta(seconds=serial),
        "requested_by": "operator",
    }
    return {**values, **changes}


def add(database: Database, *rows: dict[str, Any]) -> None:
    with database.begin() as connection:
        for one in rows:
            connection.execute(insert(records.certificates).values(**one))


def test_a_serial_is_unique_over_all_authorities(database: Database) -> None:
    add(database, row(1))
    with pytest.raises(IntegrityError):
        add(database, row(1, authority="root"))


@pytest.mark.parametrize(
    "change",
    [
        {"state": "lost"},
        {"state": "issued", "der": None},
        {"state": "issuing", "der": b"early"},
        {"revoked_at": NOW},
        {"revocation_reason": 1},
        {"revoked_at": NOW, "revocation_reason": 1},
        {"spki_sha256": None},
    ],
)
def test_a_row_that_contradicts_itself_is_not_stored(database: Database, change: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        add(database, row(1, **change))


def test_an_intent_becomes_a_certificate_or_is_closed_and_never_both(database: Database) -> None:
    add(database, row(1, tbs=b"tbs"), row(2, tbs=b"tbs"))
    first, second, third = (f"{number:040x}" for number in (1, 2, 3))
    with database.begin() as connection:
        assert records.lock_open(connection, [first, second, third]) == {first, second}
        records.mark_issued(connection, [(first, b"der")], NOW)
        records.mark_abandoned(connection, [second])
        assert records.lock_open(connection, [first, second, third]) == set()
        records.mark_abandoned(connection, [first])
        records.mark_issued(connection, [(second, b"other"), (third, b"other")], NOW)
    with database.read() as connection:
        found = records.certificate(connection, f"{1:040x}")
        assert found is not None
        assert (found.state, found.der, found.issued_at) == ("issued", b"der", NOW)
        assert records.counts(connection) == {"issued": 1, "abandoned": 1, "revoked": 0}


def test_times_come_back_to_the_microsecond_and_in_utc(database: Database) -> None:
    add(database, row(1, state="issued", der=b"der"))
    with database.begin() as connection:
        done = Revocation(
            revoked_at=NOW,
            reason=RevocationReason.keyCompromise,
            recorded_at=NOW + timedelta(microseconds=1),
            invalidity_date=NOW - timedelta(days=1),
        )
        assert records.set_revocation(connection, f"{1:040x}", done, at=NOW)
    with database.read() as connection:
        status = records.status(connection, f"{1:040x}")
        assert status is not None
        assert status.revocation == done
        assert [one.serial for one in records.revoked(connection, "issuing")] == [f"{1:040x}"]
        assert list(records.revoked(connection, "root")) == []


def test_what_is_not_issued_is_not_revoked(database: Database) -> None:
    add(database, row(1))
    done = Revocation(revoked_at=NOW, reason=RevocationReason.superseded, recorded_at=NOW)
    with database.begin() as connection:
        assert not records.set_revocation(connection, f"{1:040x}", done, at=NOW)


def test_each_change_of_status_is_counted_for_its_authority_alone(database: Database) -> None:
    add(database, row(1), row(2, state="issued", der=b"der"))
    held = Revocation(revoked_at=NOW, reason=RevocationReason.certificateHold, recorded_at=NOW)
    with database.begin() as connection:
        for name in ("issuing", "root"):
            records.add_authority(connection, an_authority(name))
        assert records.changes(connection, "issuing") == 0
        for number, change in enumerate(
            (held, None, held, replace(held, reason=RevocationReason.superseded)), 1
        ):
            assert records.set_revocation(connection, f"{2:040x}", change, at=NOW + timedelta(minutes=number))
            assert records.changes(connection, "issuing") == number
        assert not records.set_revocation(connection, f"{1:040x}", held, at=NOW)
        assert not records.set_revocation(connection, f"{3:040x}", held, at=NOW)
        assert records.changes(connection, "issuing") == 4
        assert records.pending_since(connection, "issuing") == NOW + timedelta(minutes=1)
        assert records.changes(connection, "root") == 0
        assert records.pending_since(connection, "root") is None
        assert records.lock_authority(connection, name="root") == an_authority("root")


def an_authority(name: str) -> AuthorityRecord:
    return AuthorityRecord(
        name=name,
        certificate=b"",
        serial=f"{9:040x}",
        spki_sha256=name.encode(),
        token=name,
        key_label=name,
        parent=None,
        created_at=NOW,
    )


def test_certificates_are_listed_newest_first_and_by_what_is_asked(database: Database) -> None:
    add(database, *(row(number) for number in range(1, 6)), row(6, state="issued", der=b"d", profile="seal"))
    with database.read() as connection:
        newest = [int(one.serial, 16) for one in records.list_certificates(connection)]
        assert newest == [6, 5, 4, 3, 2, 1]
        assert len(records.list_certificates(connection, limit=2)) == 2
        assert [one.profile for one in records.list_certificates(connection, state="issued")] == ["seal"]
        assert len(records.list_certificates(connection, profile="tsu")) == 5
        assert records.list_certificates(connection, revoked=True) == []
        assert len(records.list_certificates(connection, subject="TEST 3%")) == 1
        assert records.list_certificates(connection, subject="TEST%3") == []
        assert records.open_intents(connection, NOW + timedelta(seconds=3)) == [f"{1:040x}", f"{2:040x}"]


def test_a_lost_key_is_found_by_its_hash(database: Database) -> None:
    add(database, row(1, state="issued", der=b"der"))
    key = bytes([1]) * 32
    with database.begin() as connection:
        assert records.compromised_keys(connection, [key]) == {}
        assert records.serials_of_key(connection, key) == [f"{1:040x}"]
        lost = Revocation(revoked_at=NOW, reason=RevocationReason.keyCompromise, recorded_at=NOW)
        records.set_revocation(connection, f"{1:040x}", lost, at=NOW)
        assert records.compromised_keys(connection, [key, b"other"]) == {key: f"{1:040x}"}
