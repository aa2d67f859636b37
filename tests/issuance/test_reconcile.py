"""The register of certificates and lists beside the log: what somebody did to it by hand is found."""

# ruff: noqa: S608 - the names in the statements are our own columns

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from issuance_testbed import settings
from sqlalchemy import event, text

from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.verify import verify
from trustworks.core.errors import Unavailable
from trustworks.issuance import CertificateRecords, records
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.reconcile import Status, certificate_objection, list_objection, status_objection
from trustworks.issuance.status.crl import CrlPublisher

if TYPE_CHECKING:
    from collections.abc import Mapping

    from issuance_testbed import Provider

    from trustworks.core.module import Key

pytestmark = pytest.mark.req(
    "TRUSTWORKS:ISSUANCE-RECORD-BOUND", "CENTS419261:STATUS-CHANGES", "TRUSTWORKS:AUDIT-14"
)


def found(provider: Provider) -> list[str]:
    with provider.database.read() as connection:
        report = verify(DatabaseSource(connection), checkers=[CertificateRecords(connection)])
    assert all(one.kind == "record" for one in report.findings), report.findings
    return [one.message for one in report.findings]


class Register:
    """Certificates in every state, a list, and an administrator who can change all of it."""

    def __init__(self, provider: Provider, issuing_key: Key) -> None:
        self.provider = provider
        issuance = provider.issuance
        self.good = issuance.issue(provider.request("tls-server")).serial
        self.revoked = issuance.issue(provider.request("natural-qcp-n-qscd")).serial
        self.held = issuance.issue(provider.request("legal-qcp-l-qscd")).serial
        self.released = issuance.issue(provider.request("tls-server")).serial
        lost = provider.request("audit-signer")
        self.lost, self.also = issuance.issue(lost).serial, issuance.issue(lost).serial
        provider.key.error = Unavailable("module.gone", "It is gone.")
        with pytest.raises(Unavailable):
            issuance.issue(provider.request("tsu"))
        provider.key.error = None
        for serial in (self.held, self.released, self.also):
            issuance.revoke(serial, RevocationReason.certificateHold, by="officer")
        provider.clock.advance(seconds=5)
        issuance.release(self.released, by="officer")
        issuance.revoke(self.released, RevocationReason.certificateHold, by="officer")
        issuance.release(self.released, by="officer")
        issuance.revoke(self.revoked, RevocationReason.superseded, by="officer")
        issuance.revoke(self.lost, RevocationReason.keyCompromise, by="officer")
        publisher = CrlPublisher(
            settings(),
            public_url="http://lab.example",
            database=provider.database,
            recorder=provider.recorder,
            clock=provider.clock,
            keys={"issuing": issuing_key},
        )
        publisher.publish("issuing", actor="test")
        provider.clock.advance(seconds=5)
        publisher.publish("issuing", actor="test")

    def give_way(self) -> None:
        """Drop the triggers, as somebody can who administers the database."""
        triggers = {
            "certificates": ("update", "delete", "insert", "second_end", "reinstatement", "other_shard"),
            "authorities": ("update", "delete", "insert"),
            "crls": ("update", "delete", "insert"),
        }
        sqlite = self.provider.database.dialect == "sqlite"
        for table, names in triggers.items():
            for name in names:
                if sqlite or name != "insert":
                    self.change(f"DROP TRIGGER {table}_no_{name}{'' if sqlite else f' ON {table}'}")

    def without_checks(self) -> None:
        """Store what contradicts itself, too."""
        if self.provider.database.dialect == "postgresql":
            for name in ("state_known", "issued_has_der"):
                self.change(f"ALTER TABLE certificates DROP CONSTRAINT {name}")
            return
        connect = self.provider.database.engine
        event.listen(connect, "connect", lambda raw, _: raw.execute("PRAGMA ignore_check_constraints = ON"))
        connect.dispose()

    def change(self, statement: str, **values: Any) -> None:
        with self.provider.database.begin() as connection:
            connection.execute(text(statement), values)

    def row(self, table: str, where: str) -> Mapping[str, Any]:
        with self.provider.database.read() as connection:
            return dict(connection.execute(text(f"SELECT * FROM {table} WHERE {where}")).mappings().one())

    def found_after(self, table: str, where: str, **changes: Any) -> list[str]:
        """What is found after a row was changed, which then is as it was."""
        before = self.row(table, where)
        assignments = ", ".join(f"{name} = :{name}" for name in changes)
        self.change(f"UPDATE {table} SET {assignments} WHERE {where}", **changes)
        messages = found(self.provider)
        values = {name: before[name] for name in changes}
        back = where if where.split(" = ", maxsplit=1)[0] not in changes else f"{next(iter(changes))} = 'x'"
        self.change(f"UPDATE {table} SET {assignments} WHERE {back}", **values)
        return messages


@pytest.fixture
def register(provider: Provider, issuing_key: Key) -> Register:
    return Register(provider, issuing_key)


def test_the_database_refuses_what_an_administrator_would_have_to_do(register: Register) -> None:
    for statement in (
        "DELETE FROM certificates",
        "UPDATE certificates SET der = NULL, state = 'abandoned'",
        f"UPDATE certificates SET serial = 'x' WHERE serial = '{register.good}'",
        "UPDATE certificates SET revoked_at = NULL, revocation_reason = NULL, revoked_recorded_at = NULL",
        "DELETE FROM crls",
        "UPDATE authorities SET certificate = der FROM certificates",
    ):
        with pytest.raises(Exception, match="append-only"):
            register.change(statement)
    assert found(register.provider) == []


def test_every_column_of_a_certificate_is_bound(register: Register) -> None:
    register.give_way()
    assert found(register.provider) == []
    where = f"serial = '{register.good}'"
    changes: dict[str, Any] = {
        "serial": "x", "authority": "x", "profile": "x", "subject": "CN=x", "not_before": 5, "not_after": 5,
        "spki_sha256": b"x", "requested_at": 5, "requested_by": "x", "der": b"x", "issued_at": 5,
    }  # fmt: skip
    for column, value in changes.items():
        messages = register.found_after("certificates", where, **{column: value})
        assert messages, column
        assert any("certificate" in one and register.good in one for one in messages), column
    (message,) = register.found_after("certificates", where, state="abandoned", der=None)
    assert "is not what was logged of it" in message
    assert found(register.provider) == []


@pytest.mark.parametrize("state", ["issuing", "abandoned", "x"])
def test_a_state_that_would_hide_a_revocation_is_found(register: Register, state: str) -> None:
    register.give_way()
    register.without_checks()
    (message,) = register.found_after("certificates", f"serial = '{register.revoked}'", state=state)
    assert "is not what was logged of it" in message
    with register.provider.database.read() as connection:
        closed = connection.execute(
            text("SELECT serial FROM certificates WHERE state = 'abandoned'")
        ).scalar_one()
    for other in {"issuing", "issued", "x"} - {state}:
        (message,) = register.found_after("certificates", f"serial = '{closed}'", state=other)
        assert "is not what was logged of it" in message
    assert found(register.provider) == []


def test_facts_are_told_apart_by_all_their_octets(
    provider_without_authorities: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = bytes(31) + b"\1"
    row = records.BoundCertificate(
        serial="s", state="issuing", intent=bytes(32), issued=None, revocation=None
    )
    monkeypatch.setattr(records, "bound_certificates", lambda _: iter([row]))
    with provider_without_authorities.database.read() as connection:
        checker = CertificateRecords(connection)
        checker.event(
            {
                "type": "certificate.intended",
                "time": "2026-01-01T00:00:00Z",
                "subject": {"serial": "s"},
                "detail": {"row": told.hex()},
            }
        )
        assert list(checker.rest()) == [certificate_objection("s", 1, 0)]


def test_a_revocation_is_bound(register: Register) -> None:
    register.give_way()
    nothing = dict.fromkeys(("revoked_at", "revocation_reason", "revoked_recorded_at"))
    for serial in (register.revoked, register.held, register.lost, register.also):
        where = f"serial = '{serial}'"
        (message,) = register.found_after("certificates", where, **nothing)
        assert "its record says that it is not" in message
        for column in ("revoked_at", "revocation_reason", "revoked_recorded_at", "invalidity_date"):
            (message,) = register.found_after("certificates", where, **{column: 5})
            assert message == f"The revocation of the certificate {serial} is not what was logged of it."
    for serial in (register.good, register.released):
        (message,) = register.found_after("certificates", f"serial = '{serial}'", **dict.fromkeys(nothing, 5))
        assert "that no event tells of" in message
    assert found(register.provider) == []


def test_what_is_gone_or_was_added_is_found(register: Register) -> None:
    register.give_way()
    with register.provider.database.read() as connection:
        abandoned = connection.execute(
            text("SELECT serial FROM certificates WHERE state = 'abandoned'")
        ).scalar_one()
    columns = ", ".join(register.row("certificates", f"serial = '{register.good}'"))
    added = columns.replace("serial", "'added'", 1)
    where = f"serial = '{register.good}'"
    register.change(f"INSERT INTO certificates ({columns}) SELECT {added} FROM certificates WHERE {where}")
    register.change("DELETE FROM certificates WHERE serial = :serial", serial=register.good)
    register.change("DELETE FROM certificates WHERE serial = :serial", serial=abandoned)
    register.change("DELETE FROM crls WHERE number = 1")
    register.change("UPDATE crls SET number = 9")
    register.change("UPDATE authorities SET certificate = :other WHERE name = 'root'", other=b"x")
    assert set(found(register.provider)) == {
        certificate_objection("added", None, 1),
        f"The record of the certificate {register.good} is gone.",
        f"The record of the certificate {abandoned} is gone.",
        "The record of the revocation list 1 of issuing is gone.",
        "The record of the revocation list 2 of issuing is gone.",
        "There is no event of the revocation list 9 of issuing: its record was added by hand, or its event "  # noqa: ISC004
        "removed.",
        "The certificate of the authority root is not the one that was issued to it.",
    }


def test_every_column_of_a_list_is_bound(register: Register) -> None:
    register.give_way()
    changes = {"this_update": 5, "next_update": 5, "entries": 0, "der": b"x", "recorded_at": 5}
    changes |= {"shard": 1, "base": 1}
    for column, value in changes.items():
        (message,) = register.found_after("crls", "number = 1", **{column: value})
        assert message.startswith("The record of the revocation list 1 of issuing was altered"), column


@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_values_of_other_kinds_are_found_and_stop_nothing(register: Register) -> None:
    register.give_way()
    keys = {"serial", "authority", "number", "state", "tbs"}
    keys |= {"changes", "change_number", "changed_at"}  # these say when a list is due, and are not bound
    for table, where in (("certificates", f"serial = '{register.revoked}'"), ("crls", "number = 1")):
        for column in register.row(table, where).keys() - keys:
            for value in (b"\xff", "noon", 1e300):
                assert register.found_after(table, where, **{column: value}), (table, column, value)
    assert found(register.provider) == []


@pytest.mark.parametrize("kind", sorted(CertificateRecords.types))
@pytest.mark.parametrize(
    "changes",
    [
        {"subject": []},
        {"subject": {}},
        {"detail": None, "subject": None},
        {"subject": {"serial": []}, "detail": {"row": 5, "rows": {"x": 1}, "reason": "x", "sha256": "x"}},
        {"time": "noon", "subject": {"serial": "x"}, "detail": {"row": "x", "rows": [], "sha256": "x"}},
    ],
)
@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_an_event_that_names_no_record_stops_nothing(
    provider_without_authorities: Provider, kind: str, changes: dict[str, Any]
) -> None:
    with provider_without_authorities.database.read() as connection:
        checker = CertificateRecords(connection)
        wrong = checker.event({"type": kind, "time": "2026-01-01T00:00:00Z", "detail": {}, **changes})
        assert wrong is None or wrong == "The event does not say what became of which record."
        list(checker.rest())


def test_the_rules_by_themselves() -> None:
    assert certificate_objection("s", 5, 5) is None
    assert "no event" in (certificate_objection("s", None, 5) or "")
    assert "is gone" in (certificate_objection("s", 5, None) or "")
    assert "altered" in (certificate_objection("s", 5, 6) or "")
    assert list_objection("l", b"1", b"1") is None
    assert "no event" in (list_objection("l", None, b"1") or "")
    assert "is gone" in (list_objection("l", b"1", None) or "")
    assert "altered" in (list_objection("l", b"1", b"2") or "")
    for status, revocation, said in (
        (Status(), None, None),
        (Status(), b"r", "no event tells of"),
        (Status(holds=1, held=[b"h"]), b"h", None),
        (Status(holds=1, held=[b"h"]), b"r", "is not what was logged"),
        (Status(holds=1, held=[b"h"]), None, "was held"),
        (Status(holds=2, releases=1, held=[b"g", b"h"]), b"h", None),
        (Status(holds=2, releases=2, held=[b"g", b"h"]), None, None),
        (Status(holds=1, held=[b"h"], revoked=[b"r"]), b"r", None),
        (Status(holds=1, held=[b"h"], revoked=[b"r"]), b"h", "is not what was logged"),
        (Status(revoked=[b"r"]), None, "was revoked"),
        (Status(revoked=[b"r", b"r"]), b"r", "twice"),
        (Status(lost=[b"l"]), b"l", None),
        (Status(lost=[b"l"]), None, "was revoked"),
        (Status(revoked=[b"r"], lost=[b"l"]), b"l", None),
        (Status(revoked=[b"r"], lost=[b"l"]), b"r", "is not what was logged"),
        (Status(holds=1, held=[b"h"], revoked=[b"r"], lost=[b"l"]), b"l", None),
        (Status(lost=[b"l", b"m"]), b"l", "twice"),
    ):
        wrong = status_objection("s", status, revocation)
        assert wrong is None if said is None else said in (wrong or ""), (status, revocation)
