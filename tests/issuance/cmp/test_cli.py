"""`trustworks cmp` by its commands."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cmp_foreign import foreign
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from nobody_acts import NobodyActs
from typer.testing import CliRunner

from trustworks.core.audit import Recorder
from trustworks.core.errors import Refused, Rejected
from trustworks.core.roles.model import Act
from trustworks.core.time import LabClock
from trustworks.issuance.cli.cmp import app
from trustworks.issuance.enrolment.secret_key import SecretKey, key_file
from trustworks.issuance.records import waiting as records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.core.store import Database


class Wiring(NobodyActs):
    """What the commands need, over one database."""

    def __init__(self, database: Database, state_dir: Path, *, lab: bool = True) -> None:
        super().__init__()
        self.database = database
        self.state_dir = state_dir
        self.lab = lab

    def open_clock(self) -> LabClock:
        return LabClock()

    @contextmanager
    def open_database(self) -> Iterator[Database]:
        yield self.database

    @contextmanager
    def open_enrolment_key(self) -> Iterator[SecretKey]:
        yield SecretKey.of_file(key_file(self.state_dir))

    @contextmanager
    def open_recorder(self, role: str, *, database: Database) -> Iterator[Recorder]:
        recorder = Recorder.open(database, role)
        yield recorder
        recorder.close()


@pytest.fixture
def wiring(database: Database, tmp_path: Path) -> Wiring:
    return Wiring(database, tmp_path)


def call(wiring: Any, *words: str) -> str:
    done = CliRunner().invoke(app, list(words), obj=wiring, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_secret_is_created_shown_once_listed_and_withdrawn(wiring: Wiring) -> None:
    made = json.loads(call(wiring, "secret", "create", "--json"))
    assert set(made) == {"reference", "secret"}
    told = call(wiring, "secret", "list", "--json")
    (one,) = json.loads(told)
    assert (one["reference"], one["profile"], one["subject"]) == (made["reference"], "device", "CN=*")
    assert (one["uses"], one["used"], one["withdrawn_at"]) == (1, 0, None)
    assert made["secret"] not in told
    assert "0 of 1 used" in call(wiring, "secret", "list")
    call(wiring, "secret", "withdraw", made["reference"])
    assert "withdrawn" in call(wiring, "secret", "list")


def test_what_a_secret_is_for(wiring: Wiring) -> None:
    said = call(
        wiring,
        *("secret", "create", "--profile", "tls-server", "--subject", "CN=TEST server"),
        *("--alternative-name", "DNS:a.example.com", "--uses", "3", "--days", "1", "--reference", "web-1"),
    )
    assert "web-1" in said
    assert "this once" in said
    (one,) = json.loads(call(wiring, "secret", "list", "--json"))
    assert (one["alternative_names"], one["uses"]) == (["DNS:a.example.com"], 3)


def test_outside_a_laboratory_the_officer_says_what_it_is_for(database: Database, tmp_path: Path) -> None:
    wiring = Wiring(database, tmp_path, lab=False)
    for words in ((), ("--profile", "device"), ("--subject", "CN=a")):
        with pytest.raises(Rejected, match="--profile and --subject"):
            call(wiring, "secret", "create", *words)
    assert json.loads(call(wiring, "secret", "list", "--json")) == []


def test_a_certificate_is_registered(wiring: Wiring, tmp_path: Path) -> None:
    file = tmp_path / "maker.pem"
    der = foreign().certificate
    file.write_bytes(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
    made = json.loads(call(wiring, "certificate", "register", str(file), "--json"))
    (one,) = json.loads(call(wiring, "secret", "list", "--json"))
    assert (one["kind"], one["reference"]) == ("certificate", made["reference"])
    with pytest.raises(Refused, match="id-kp-cmcRA"):
        call(wiring, "certificate", "register", str(file), "--registration-authority")


def test_an_officer_decides_on_requests_that_wait(wiring: Wiring) -> None:
    new = records.WaitingRequest(
        id="a1", protocol="est", client="est:x", credential="x", fingerprint=b"f", profile="device",
        subject="CN=pump 7", alternative_names=("DNS:a.example",), key_sha256="00" * 32,
        asked_at=wiring.open_clock().now().utc, conversation=records.Conversation(body="est", content=b"c"),
    )  # fmt: skip
    with wiring.database.begin() as connection:
        assert records.add(connection, new)
        other = replace(new, id="a2", fingerprint=b"g")
        assert records.add(connection, other)
        assert not records.add(connection, replace(new, id="a3"))  # the same request, open already
    listed = json.loads(call(wiring, "request", "list", "--json"))
    assert [(one["id"], one["subject"], one["state"]) for one in listed] == [
        ("a1", "CN=pump 7", "waiting"),
        ("a2", "CN=pump 7", "waiting"),
    ]
    assert "DNS:a.example" in call(wiring, "request", "list")
    assert call(wiring, "request", "approve", "a1", "--reason", "it is there") == "Approved a1.\n"
    ((act, by, (person,)),) = wiring.concerned  # an officer whose key it is decides nothing
    assert (act, by, person.key_ids) == (Act.DECIDE, "registration-officer", frozenset({"00" * 32}))
    done = json.loads(call(wiring, "request", "refuse", "a2", "--reason", "it is not", "--json"))
    assert (done["state"], done["reason"], done["decided_by"]) == (
        "refused",
        "it is not",
        "registration-officer",
    )
    assert json.loads(call(wiring, "request", "list", "--json")) == []
    assert len(json.loads(call(wiring, "request", "list", "--all", "--json"))) == 2
    for id_, reason in (("a1", "again"), ("a9", "nobody"), ("a2", "")):
        with pytest.raises(Rejected):
            call(wiring, "request", "approve", id_, "--reason", reason)
