"""`trustworks audit`, as an auditor calls it."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from sqlalchemy import text
from timestamping_testbed import NOW, Pki, SteeredClock
from typer.testing import CliRunner, Result

from trustworks.app.commands.audit import app
from trustworks.core.audit import Event, Recorder, Sequencer
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.module import KeyAlgorithm
from trustworks.core.time import TimeSettings
from trustworks.timestamping.client import granted_token
from trustworks.timestamping.config import TimestampingSettings
from trustworks.timestamping.service import TimestampingAuthority
from trustworks.timestamping.wire import encode_request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.core.module import Key, Module
    from trustworks.core.store import Database

pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


class Wiring:
    """As much of the application's wiring as the audit log needs."""

    def __init__(self, database: Database, certificate: Path | None) -> None:
        self.config = SimpleNamespace(
            audit=SimpleNamespace(
                certificate=certificate, checkpoint_every=10.0, time_stamp_every=300.0, time_stamp_url=None
            )
        )
        self._database = database

    @contextmanager
    def open_database(self, *, check: bool = True) -> Iterator[Database]:
        assert check
        yield self._database


def certificate_of(key: Key, file: Path) -> Path:
    """A certificate for the key, by itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST Audit Signer")])
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key, 1)
        .not_valid_before(moment)
        .not_valid_after(moment.replace(year=2036))
        .sign(key.private_key(), hashes.SHA256())
    )
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def key(module: Module) -> Key:
    return module.generate_key_pair(label="audit", algorithm=KeyAlgorithm.P256)


@pytest.fixture
def wiring(database: Database, key: Key, tmp_path: Path) -> Wiring:
    """A log of six events, of which the last is after the checkpoint."""
    sequencer = Sequencer(database, key)
    with Recorder.open(database, "test") as recorder:
        for number in range(4):
            recorder.record(
                Event(
                    type="test.done" if number else "test.failed",
                    outcome="success" if number else "failure",
                    actor="A. Tester",
                    subject={"number": number},
                    time=datetime(2026, 11, 24, 12, 0, number, tzinfo=UTC),
                )
            )
        sequencer.run_once(checkpoint=True)
    made = Wiring(database, certificate_of(key, tmp_path / "audit.pem"))
    made.stream = recorder.stream  # type: ignore[attr-defined]
    return made


def run(wiring: Any, *arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], obj=wiring)


# ---- what is wrong with the call


def test_files_that_are_not_what_they_should_be(wiring: Wiring, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    other = tmp_path / "other"
    other.write_text("[]", encoding="ascii")
    for arguments in (
        ("verify", "--export", tmp_path / "none"),
        ("verify", "--export", empty),
        ("verify", "--against", empty),
        ("verify", "--against", other),
        ("verify", "--certificate", empty),
        ("check-proof", tmp_path / "none"),
        ("check-proof", other),
        ("checkpoint", "--since", empty),
        ("list", "--since", "noon"),
    ):
        assert isinstance(run(wiring, *arguments).exception, Malformed), arguments


@pytest.mark.parametrize("option", ["--certificate", "--trust"])
def test_a_certificate_s_file_that_is_absent_is_told_as_that(
    wiring: Wiring, tmp_path: Path, option: str
) -> None:
    absent = tmp_path / "absent.pem"
    told = run(wiring, "verify", option, absent).exception
    assert str(told) == f"{absent} cannot be read: No such file or directory."


def test_no_file_is_written_over(wiring: Wiring, tmp_path: Path) -> None:
    file = tmp_path / "there"
    file.write_text("evidence", encoding="ascii")
    for arguments in (
        ("export", file),
        ("checkpoint", "-o", file),
        ("prove", wiring.stream, 1, "-o", file),  # type: ignore[attr-defined]
    ):
        assert isinstance(run(wiring, *arguments).exception, Rejected), arguments
    assert file.read_text(encoding="ascii") == "evidence"
    refused = run(wiring, "export", tmp_path / "none" / "x").exception
    assert isinstance(refused, Rejected)
    assert refused.code == "output.unwritable"


def test_a_file_that_cannot_be_finished_is_not_there(
    wiring: Wiring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, f"No space left on device ({descriptor})")

    monkeypatch.setattr(os, "fsync", full)
    (tmp_path / "new").mkdir()
    done = run(wiring, "export", tmp_path / "new" / "export")
    assert isinstance(done.exception, Rejected)
    assert done.exception.code == "output.unwritable"
    assert list((tmp_path / "new").iterdir()) == []


def test_an_event_that_cannot_be_read_hides_no_other(wiring: Wiring, database: Database) -> None:
    with database.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO audit_events (stream, sequence, time, type, hash, body) "
                "VALUES ('x', 7, 2000000000000000, 't', x'00', x'00')"
            )
        )
    done = run(wiring, "list", "--json")
    assert done.exit_code == 1
    assert "Event 7 of stream x cannot be read" in done.stderr
    assert len(done.stdout.splitlines()) == 6


def change_event(database: Database, change: str) -> None:
    with database.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_events_no_update"))
        connection.execute(text(f"UPDATE audit_events SET {change} WHERE sequence = 2"))  # noqa: S608


def test_an_event_of_values_of_other_kinds_hides_no_other(wiring: Wiring, database: Database) -> None:
    stream = wiring.stream  # type: ignore[attr-defined]
    change_event(database, "time = 'noon'")
    done = run(wiring, "list")
    assert done.exit_code == 1
    assert f"Event 2 of stream {stream} cannot be read" in done.stderr
    assert len(done.stdout.splitlines()) == 5
    assert f"Event 2 of stream {stream} cannot be read" in str(run(wiring, "show", stream, 2).exception)
    assert isinstance(run(wiring, "prove", stream, 2).exception, Malformed)
    assert f"- altered: event 2 of stream {stream}" in run(wiring, "verify").stdout


@pytest.mark.parametrize(
    ("change", "type_"),
    [
        ("time = 4611686018427387904", "test.done"),
        ("time = -4611686018427387904", "test.done"),
        ("type = CAST(x'74ff' AS TEXT)", "t\\xff"),
    ],
)
def test_columns_that_no_event_has_hide_no_event(
    wiring: Wiring, database: Database, tmp_path: Path, change: str, type_: str
) -> None:
    stream = wiring.stream  # type: ignore[attr-defined]
    change_event(database, change)
    # The event itself is sound, and can be listed, proven and exported.
    for call in (("list",), ("show", stream, 2), ("prove", stream, 2), ("export", tmp_path / "export")):
        assert run(wiring, *call).exit_code == 0, call
    done = run(wiring, "verify")
    assert done.exit_code == 1
    assert f"- altered: event 2 of stream {stream}, position 2, {type_}, " in done.stdout


def test_what_a_terminal_would_obey_is_escaped(wiring: Wiring, database: Database) -> None:
    with Recorder.open(database, "test") as recorder:
        recorder.record(
            Event(
                type="test.done",
                outcome="success",
                actor="\x1b]0;title\x07\u202e",
                subject={"name": "a\nb"},
                time=datetime(2027, 1, 1, tzinfo=UTC),
            )
        )
    with database.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO audit_events (stream, sequence, time, type, hash, body) "
                "VALUES (:stream, 7, 0, 't', x'00', x'00')"
            ),
            {"stream": "x\x1b[2J"},
        )
    listed = run(wiring, "list", "--limit", 100)
    verified = run(wiring, "verify")
    shown = listed.stdout + listed.stderr + verified.stdout
    assert "\\x1b]0;title\\x07\\u202e" in shown
    assert "name=a\\nb" in shown
    assert "x\\x1b[2J" in verified.stdout
    assert "x\\x1b[2J" in listed.stderr
    assert all(character == "\n" or character.isprintable() for character in shown)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59"])
def test_moments_outside_of_the_calendar(wiring: Wiring, moment: str) -> None:
    assert "is no moment" in str(run(wiring, "list", "--since", moment).exception)


@pytest.mark.parametrize("moment", ["9999-12-31", "0001-01-01"])
def test_moments_at_the_ends_of_the_calendar(wiring: Wiring, moment: str) -> None:
    count = 6 if moment.startswith("0001") else 0
    assert len(run(wiring, "list", "--since", moment).stdout.splitlines()) == count
    assert len(run(wiring, "list", "--until", moment).stdout.splitlines()) == 6 - count


@pytest.mark.parametrize("sequence", [2**63, 10**30])
def test_a_number_that_no_event_has(wiring: Wiring, sequence: int) -> None:
    for verb in ("show", "prove"):
        done = run(wiring, verb, wiring.stream, sequence)  # type: ignore[attr-defined]
        assert isinstance(done.exception, Rejected)
        assert done.exception.code == "audit.no-event"


def test_documents_that_nobody_could_read(wiring: Wiring, tmp_path: Path) -> None:
    file = tmp_path / "deep"
    file.write_bytes(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n")
    for arguments in (
        ("verify", "--export", file),
        ("verify", "--against", file),
        ("check-proof", file),
        ("checkpoint", "--since", file),
    ):
        assert isinstance(run(wiring, *arguments).exception, Malformed), arguments


def test_an_event_that_is_not_there(wiring: Wiring) -> None:
    for verb in ("show", "prove"):
        done = run(wiring, verb, "test-none", 0)
        assert isinstance(done.exception, Rejected)
        assert done.exception.code == "audit.no-event"


# ---- verify


def test_verify(wiring: Wiring, key: Key) -> None:
    done = run(wiring, "verify")
    assert done.exit_code == 0, done.output
    assert "6 events in 1 streams (0 without an end)" in done.stdout
    assert f"Signed by the key {key.spki_sha256.hex()}\n" in done.stdout
    assert "The log is sound." in done.stdout
    found = json.loads(run(wiring, "verify", "--json").stdout)
    assert found["ok"]
    assert found["keys_compared"]
    assert (found["events"], found["size"], found["waiting"]) == (6, 5, 1)


@pytest.mark.req("TRUSTWORKS:AUDIT-01")
def test_verify_names_the_altered_event(wiring: Wiring, database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_events_no_update"))
        connection.execute(
            text(
                "UPDATE audit_events SET body = CAST(replace(body, 'A. Tester', 'B. Tester') AS BLOB) "
                "WHERE sequence = 2"
            )
        )
    done = run(wiring, "verify")
    assert done.exit_code == 1
    stream = wiring.stream  # type: ignore[attr-defined]
    assert f"- altered: event 2 of stream {stream}, position 2, test.done, 2026-11-24T12:00:01" in done.stdout
    assert "THE LOG IS NOT SOUND" in done.stdout
    assert json.loads(run(wiring, "verify", "--json").stdout)["findings"][0]["sequence"] == 2


def test_a_certificate_of_somebody_else(wiring: Wiring, module: Module, tmp_path: Path) -> None:
    other = module.generate_key_pair(label="other", algorithm=KeyAlgorithm.P256)
    pem = certificate_of(other, tmp_path / "other.pem")
    done = run(wiring, "verify", "--certificate", pem)
    assert done.exit_code == 1
    assert "- signer: The signer of checkpoint 0" in done.stdout


@pytest.mark.req("TRUSTWORKS:AUDIT-09")
def test_a_kept_checkpoint_shows_that_the_log_was_cut(
    wiring: Wiring, database: Database, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.json"
    assert run(wiring, "checkpoint", "--output", kept).exit_code == 0
    assert run(wiring, "verify", "--against", kept).exit_code == 0
    with database.begin() as connection:
        for statement in (
            "DROP TRIGGER audit_events_no_delete",
            "DROP TRIGGER audit_log_no_delete",
            "DROP TRIGGER audit_checkpoints_no_delete",
            "DELETE FROM audit_checkpoints",
            "DELETE FROM audit_log WHERE position > 2",
            "DELETE FROM audit_events WHERE sequence > 2",
            "UPDATE audit_streams SET logged = 3, closed = 0",
        ):
            connection.execute(text(statement))
    found = json.loads(run(wiring, "verify", "--json").stdout)["findings"]
    assert [one["kind"] for one in found] == ["no-checkpoint"]
    done = run(wiring, "verify", "--against", kept)
    assert done.exit_code == 1
    assert "- truncated: The log has 3 events and had 5" in done.stdout


class Authority:
    """Time-stamps by our own authority, without HTTP."""

    def __init__(self, module: Module, pki: Pki, database: Database, recorder: Recorder) -> None:
        key = module.generate_key_pair(label="tsu", algorithm=KeyAlgorithm.P256)
        unit = {"name": "tsu", "certificate": str(pki.certify(key)), "chain": str(pki.chain_file)}
        self._authority = TimestampingAuthority(
            TimestampingSettings.model_validate({"policies": ["2.999.3161.7"], "units": [unit]}),
            keys=module.key,
            clock=SteeredClock(mode="lab"),
            time_settings=TimeSettings.model_validate({"mode": "lab"}),
            recorder=recorder,
            database=database,
            lab=True,
        )

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        return granted_token(self._authority.stamp(encode_request(digest, hash_name, cert_req=True)))


@pytest.mark.req("TRUSTWORKS:AUDIT-11")
def test_time_stamps_are_verified_up_to_their_anchor(
    wiring: Wiring, database: Database, module: Module, key: Key, tmp_path: Path
) -> None:
    pki = Pki(tmp_path)
    with Recorder.open(database, "tsa") as recorder:
        stamper = Authority(module, pki, database, recorder)
        sequencer = Sequencer(database, key, None, stamper, now=lambda: NOW)
        assert sequencer.run_once(checkpoint=True).stamped
    for options in ((), ("--trust", pki.root_file)):
        found = json.loads(run(wiring, "verify", *options, "--json").stdout)
        assert found["findings"] == []
        assert found["time_stamps"] == 1
    (tmp_path / "other").mkdir()
    done = run(wiring, "verify", "--trust", Pki(tmp_path / "other").root_file)
    assert done.exit_code == 1
    assert "- time-stamp: The time-stamp of checkpoint 1 is not valid" in done.stdout


@pytest.mark.req("TRUSTWORKS:AUDIT-16")
def test_time_stamps_that_do_not_come_although_they_are_configured_are_noticed(
    wiring: Wiring, database: Database, key: Key
) -> None:
    sequencer = Sequencer(database, key)
    for _ in range(40):
        sequencer.run_once(checkpoint=True)
    wiring.config.audit.time_stamp_every = 1e-6
    assert "no-time-stamp" not in run(wiring, "verify").stdout
    wiring.config.audit.time_stamp_url = "http://tsa.example/"
    done = run(wiring, "verify")
    assert done.exit_code == 0
    assert "- notice, no-time-stamp: " in done.stdout
    assert "The log is sound." in done.stdout
    found = json.loads(run(wiring, "verify", "--json").stdout)
    assert (found["ok"], found["findings"]) == (True, [])
    assert [one["kind"] for one in found["notices"]] == ["no-time-stamp"]


def kept_whatever_it_is(database: Database, key: Key, stamper: Any) -> Sequencer:
    """A sequencer that does not hold tokens against the checkpoint: who changes a log would not."""
    return Sequencer(database, key, None, stamper, check_token=lambda *_: datetime.now(UTC))


@pytest.mark.req("TRUSTWORKS:AUDIT-11")
def test_a_time_stamp_of_something_else(
    wiring: Wiring, database: Database, module: Module, key: Key, tmp_path: Path
) -> None:
    pki = Pki(tmp_path)
    with Recorder.open(database, "tsa") as recorder:
        authority = Authority(module, pki, database, recorder)
        stamper = SimpleNamespace(stamp=lambda _digest: authority.stamp(bytes(32)))
        refused = Sequencer(database, key, None, stamper).run_once(checkpoint=True)
        assert (refused.stamped, refused.problem) == (False, "The time-stamp token is about something else.")
        assert run(wiring, "verify").exit_code == 0
        assert kept_whatever_it_is(database, key, stamper).run_once(checkpoint=True).stamped
    for options in ((), ("--trust", pki.root_file)):
        done = run(wiring, "verify", *options)
        assert done.exit_code == 1
        assert "- time-stamp: The time-stamp of checkpoint 2 is not valid" in done.stdout


@pytest.mark.req("TRUSTWORKS:AUDIT-11")
@pytest.mark.parametrize("answer", [b"none", b"0\x00"])
def test_what_is_no_time_stamp(wiring: Wiring, database: Database, key: Key, answer: bytes) -> None:
    stamper = SimpleNamespace(stamp=lambda _digest: answer)
    refused = Sequencer(database, key, None, stamper).run_once(checkpoint=True)
    assert not refused.stamped
    assert "cannot be decoded" in (refused.problem or "")
    assert kept_whatever_it_is(database, key, stamper).run_once(checkpoint=True).stamped
    assert "cannot be decoded" in run(wiring, "verify").stdout


# ---- export, checkpoint, prove


def test_an_export_is_verified_without_a_configuration(wiring: Wiring, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    done = run(wiring, "export", file)
    assert done.exit_code == 0
    assert "6 events" in done.stdout
    assert json.loads(run(wiring, "export", tmp_path / "2", "--json").stdout)["events"] == 6
    done = run(None, "verify", "--export", file)
    assert done.exit_code == 0, done.output
    assert "give --certificate" in done.stdout
    done = run(None, "verify", "--export", file, "--certificate", wiring.config.audit.certificate)
    assert "give --certificate" not in done.stdout
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for other in (pipe, tmp_path):
        assert "write it to a file first" in str(run(None, "verify", "--export", other).exception)
    file.write_bytes(file.read_bytes().replace(b'"number":2', b'"number":7'))
    done = run(None, "verify", "--export", file)
    assert done.exit_code == 1
    assert "- altered: event 3 of stream" in done.stdout


@pytest.mark.req("TRUSTWORKS:AUDIT-06")
@pytest.mark.req("TRUSTWORKS:AUDIT-15")
def test_an_export_that_was_cut_is_not_sound(wiring: Wiring, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    assert run(wiring, "export", file).exit_code == 0
    lines = file.read_bytes().splitlines(keepends=True)
    for kept in (lines[:-1], lines[:3], lines[:1], [*lines, b"more\n"]):
        file.write_bytes(b"".join(kept))
        done = run(wiring, "verify", "--export", file)
        assert done.exit_code == 1
        assert "- export: " in done.stdout
        assert "THE LOG IS NOT SOUND" in done.stdout


def test_one_event_is_proven(wiring: Wiring, tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    assert run(wiring, "prove", wiring.stream, 2, "-o", file).exit_code == 0  # type: ignore[attr-defined]
    done = run(None, "check-proof", file)
    assert done.exit_code == 0
    assert "The event is in the log" in done.stdout
    assert '"number": 1' in done.stdout
    pem = wiring.config.audit.certificate
    found = json.loads(run(None, "check-proof", file, "--certificate", pem, "--json").stdout)
    assert found["key_compared"]
    assert found["event"]["subject"] == {"number": 1}
    file.write_text(file.read_text().replace('"position": 2', '"position": 3'))
    assert isinstance(run(None, "check-proof", file).exception, Rejected)


def test_a_proof_signed_by_somebody_else(wiring: Wiring, module: Module, tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    file.write_text(run(wiring, "prove", wiring.stream, 2).stdout, encoding="utf-8")  # type: ignore[attr-defined]
    other = module.generate_key_pair(label="other", algorithm=KeyAlgorithm.P256)
    pem = certificate_of(other, tmp_path / "other.pem")
    done = run(None, "check-proof", file, "--certificate", pem)
    assert isinstance(done.exception, Rejected)
    assert done.exception.code == "audit.signer"


@pytest.mark.req("TRUSTWORKS:AUDIT-07")
def test_a_later_checkpoint_continues_a_kept_one(
    wiring: Wiring, database: Database, key: Key, tmp_path: Path
) -> None:
    kept, later = tmp_path / "kept.json", tmp_path / "later.json"
    kept.write_text(run(wiring, "checkpoint").stdout, encoding="utf-8")
    Sequencer(database, key).run_once(checkpoint=True)
    assert run(wiring, "checkpoint", "--since", kept, "-o", later).exit_code == 0
    done = run(None, "check-proof", later)
    assert done.exit_code == 0
    assert "The checkpoint continues the older one: 6 events" in done.stdout


# ---- list and show


def test_events_are_listed_and_shown(wiring: Wiring) -> None:
    done = run(wiring, "list", "--type", "test.", "--limit", 2)
    assert len(done.stdout.splitlines()) == 2
    assert "2026-11-24T12:00:03.000000Z  success  test.done" in done.stdout.splitlines()[0]
    assert "number=3" in done.stdout
    failed = run(wiring, "list", "--outcome", "failure", "--json").stdout.splitlines()
    assert [json.loads(line)["type"] for line in failed] == ["test.failed"]
    some = run(
        wiring, "list", "--actor", "A. Tester", "--since", "2026-11-24T12:00:01",
        "--until", "2026-11-24T12:00:03Z", "--json",
    )  # fmt: skip
    assert [json.loads(line)["subject"]["number"] for line in some.stdout.splitlines()] == [2, 1]
    shown = json.loads(run(wiring, "show", wiring.stream, 2).stdout)  # type: ignore[attr-defined]
    assert shown["subject"] == {"number": 1}
    assert shown["position"] == 2
    assert run(wiring, "list", "--stream", "none").stdout == ""
