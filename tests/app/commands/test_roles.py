"""`trustworks roles`, as operators call it: on a database of its own, with keys in files and on a token."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from operators_testbed import certificate_of, new_key, pem_of
from typer.testing import CliRunner

from trustworks.app.acting import officer
from trustworks.app.commands.roles import app
from trustworks.app.wiring import Wiring
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.roles import Act
from trustworks.core.roles.model import Person
from trustworks.core.roles.rules import founding
from trustworks.core.store import Database

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from typer.testing import Result

    from trustworks.core.module import Pkcs11Uri

SECRET = "a long secret"
CONFIGURATION = """
[provider]
name = "TEST"
lab = true
[time]
mode = "lab"
"""


class Desk:
    """The commands over a folder, with the operators' files in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "trustworks.toml").write_text(CONFIGURATION, encoding="utf-8")
        (folder / "state").mkdir()
        self.wiring = Wiring.lazy(folder / "trustworks.toml")
        with Database.open(self.wiring.config.store) as database:
            database.upgrade()

    def file(self, name: str) -> Path:
        return self.folder / name

    def new(self, name: str, *, passphrase: str | None = SECRET, begin: datetime | None = None) -> None:
        """An operator's key and certificate; valid around today, as the commands have the system's clock."""
        from datetime import UTC, datetime, timedelta  # noqa: PLC0415

        key = new_key()
        self.file(f"{name}.key").write_bytes(pem_of(key, None if passphrase is None else passphrase.encode()))
        certificate = certificate_of(key, name, begin=begin or datetime.now(UTC) - timedelta(hours=1))
        self.file(f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))

    def __call__(self, *arguments: object, typed: str = SECRET) -> Result:
        return CliRunner().invoke(app, [str(one) for one in arguments], obj=self.wiring, input=f"{typed}\n")

    def json(self, *arguments: object, typed: str = SECRET) -> Any:
        done = self(*arguments, "--json", typed=typed)
        assert done.exit_code == 0, (done.output, done.exception)
        return json.loads(done.stdout)

    def who(self, name: str) -> list[object]:
        return ["--as", name, "--key", self.file(f"{name}.key")]

    def bootstrap(self) -> None:
        for name in ("anna", "ben", "carl"):
            self.new(name)
        roles = {
            "anna": "security-officer",
            "ben": "security-officer,registration-officer",
            "carl": "operator",
        }
        given = [f"--operator={name}:{held}:{self.file(f'{name}.pem')}" for name, held in roles.items()]
        assert len(self.json("bootstrap", *given, "--yes")) == 3


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def founded(desk: Desk) -> Desk:
    desk.bootstrap()
    return desk


def test_before_the_bootstrap_there_is_nobody_and_the_command_says_what_that_means(desk: Desk) -> None:
    done = desk("operator", "list")
    assert "whoever may run commands in this laboratory may issue and revoke" in done.stdout
    assert desk.json("operator", "list") == []
    assert officer(desk.wiring, Act.ISSUE, None, None) is None


def test_the_bootstrap_asks_whether_the_keys_are_theirs(desk: Desk) -> None:
    for name in ("anna", "ben"):
        desk.new(name)
    given = [f"--operator={one}:security-officer:{desk.file(f'{one}.pem')}" for one in ("anna", "ben")]
    assert desk("bootstrap", *given, typed="n").exit_code == 1
    assert desk.json("operator", "list") == []
    done = desk("bootstrap", *given, typed="y")
    assert done.exit_code == 0, done.output
    assert "Done: enrol anna as security-officer" in done.stdout


@pytest.mark.req("TRUSTWORKS:ROLES-FIRST-OFFICERS", "TRUSTWORKS:ROLES-REQUIRED")
def test_outside_a_laboratory_the_first_officers_come_two_at_a_time_with_who_they_are(desk: Desk) -> None:
    desk.file("trustworks.toml").write_text('[provider]\nname = "TEST"\n', encoding="utf-8")
    desk.wiring = Wiring.lazy(desk.file("trustworks.toml"))
    assert "before there are any" in desk("operator", "list").stdout
    for name in ("anna", "ben"):
        desk.new(name)
    anna, ben = (f"--operator={one}:security-officer:{desk.file(f'{one}.pem')}" for one in ("anna", "ben"))
    named = ["--name=anna:Anna Muster", "--identifier=ben:ben@tsp.example"]
    for given, kind in (
        ([anna, ben], Refused),
        ([anna, named[0]], Refused),
        ([anna, ben, "--name=anna"], Malformed),
        ([anna, ben, *named, "--name=carl:Carl"], Malformed),
    ):
        done = desk("bootstrap", *given, "--yes")
        assert isinstance(done.exception, kind), done.exception
    assert desk.json("operator", "list") == []
    assert len(desk.json("bootstrap", anna, ben, *named, "--yes")) == 2
    assert desk.json("operator", "lock", "ben", *desk.who("anna"))["state"] == "locked"


@pytest.mark.req("TRUSTWORKS:ROLES-BOOTSTRAP")
def test_only_the_owner_bootstraps(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.new("anna")
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    done = desk("bootstrap", f"--operator=anna:security-officer:{desk.file('anna.pem')}", "--yes")
    assert isinstance(done.exception, Refused)
    assert done.exception.requirement == "TRUSTWORKS:ROLES-BOOTSTRAP"
    with pytest.raises(Refused):
        founding.check_owner(54321, desk.folder.stat().st_uid)


@pytest.mark.parametrize("text", ["anna", "anna:security-officer", "anna:king:{pem}", "Anna:auditor:{pem}"])
def test_a_first_operator_that_cannot_be_read_is_malformed(desk: Desk, text: str) -> None:
    desk.new("anna")
    done = desk("bootstrap", f"--operator={text.format(pem=desk.file('anna.pem'))}", "--yes")
    assert isinstance(done.exception, Malformed)


def test_a_role_is_granted_by_two_and_withdrawn_by_one(founded: Desk) -> None:
    asked = founded.json("role", "grant", "carl", "revocation-officer", *founded.who("anna"))
    assert (asked["state"], asked["quorum"]["missing"]) == ("waiting", ["1 more approval of other operators"])
    digest = asked["sha256"]
    assert founded.json("change", "list")[0]["sha256"] == digest
    own = founded("approve", "roles.change", digest, *founded.who("carl"))
    assert isinstance(own.exception, Refused)
    two = founded("approve", "roles.change", digest, *founded.who("ben"))
    assert isinstance(two.exception, Rejected)
    assert "--role; ben has security-officer, registration-officer" in str(two.exception)
    done = founded.json("approve", "roles.change", digest, *founded.who("ben"), "--role", "security-officer")
    assert (done["applied"], done["quorum"]["met"]) == (True, True)
    assert founded.json("operator", "show", "carl")["roles"] == ["operator", "revocation-officer"]
    assert founded.json("change", "list") == []
    assert [one["state"] for one in founded.json("change", "list", "--all")] == ["applied"]
    assert "Done: make carl revocation-officer." in founded("change", "show", digest).stdout
    founded.json("role", "withdraw", "carl", "revocation-officer", *founded.who("anna"))
    assert founded.json("operator", "show", "carl")["roles"] == ["operator"]
    assert len(founded.json("approvals", "list")["approvals"]) == 2
    told = founded("approvals", "list", "roles.change", digest).stdout
    assert "anna as security-officer: roles.change" in told


def test_an_operator_is_added_described_locked_unlocked_and_retires(founded: Desk) -> None:
    founded.new("dora")
    pem = founded.file("dora.pem")
    asked = founded.json(
        "operator", "add", "dora", "--role", "auditor", "--certificate", pem, *founded.who("anna")
    )
    founded.json("approve", "roles.change", asked["sha256"], *founded.who("carl"))
    founded.json("operator", "describe", "dora", "--name", "Dora Muster", *founded.who("anna"))
    founded.json("operator", "lock", "dora", *founded.who("anna"))
    assert "dora: locked, auditor" in founded("operator", "show", "dora").stdout
    asked = founded.json("operator", "unlock", "dora", *founded.who("anna"))
    founded.json("approve", "roles.change", asked["sha256"], *founded.who("carl"))
    assert founded.json("operator", "show", "dora")["state"] == "active"
    key_id = founded.json("credential", "list", "dora")[0]["key"]
    founded.new("dora2")
    add = ("credential", "add", "dora", "--certificate", founded.file("dora2.pem"), "--label", "new")
    own = founded.json(*add, *founded.who("dora"))  # everybody asks for his own, others approve
    assert own["quorum"]["missing"] == [
        "the approval of a security-officer",
        "1 more approval of other operators",
    ]
    founded.json("change", "drop", own["sha256"], *founded.who("anna"))
    founded.json("credential", "remove", key_id, *founded.who("anna"))
    assert "removed" in founded("credential", "list", "dora").stdout
    founded.json("operator", "retire", "dora", *founded.who("anna"))
    assert founded.json("operator", "show", "dora")["state"] == "retired"
    assert "dora" in founded("operator", "list").stdout
    missing = founded("operator", "show", "nobody")
    assert isinstance(missing.exception, Rejected)


def test_an_approval_is_signed_on_another_machine_taken_in_and_verified_offline(
    founded: Desk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("laptop")
    plan, out = elsewhere / "plan.toml", elsewhere / "approval.json"
    plan.write_text("the plan", encoding="utf-8")
    bare = founded("approve", "ceremony.root", plan, *founded.who("anna"), "--out", out)
    assert isinstance(bare.exception, Malformed)  # which role?
    sign = (
        "approve",
        "ceremony.root",
        plan,
        *founded.who("anna"),
        "--role",
        "security-officer",
        "--out",
        out,
    )
    assert founded(*sign).exit_code == 0
    assert founded.json("approvals", "list")["approvals"] == []
    digest = hashlib.sha256(b"the plan").hexdigest()
    assert (
        founded.json("approvals", "verify", out, "--certificate", founded.file("anna.pem"))["content"][
            "sha256"
        ]
        == digest
    )
    wrong = founded("approvals", "verify", out, "--certificate", founded.file("ben.pem"))
    assert isinstance(wrong.exception, Rejected)
    added = founded("approvals", "add", out)
    assert "Still missing: 1 more approval of other roles." in added.stdout
    again = founded("approvals", "add", out)
    assert isinstance(again.exception, Rejected)
    assert again.exception.code == "roles.approval"
    done = founded("approve", "ceremony.root", plan, *founded.who("carl"))
    assert "The quorum is met." in done.stdout
    both = founded.json("approvals", "list", "ceremony.root", digest)
    assert (len(both["approvals"]), both["quorum"]["met"]) == (2, True)
    out.write_text("{}", encoding="utf-8")
    assert isinstance(founded("approvals", "add", out).exception, Malformed)
    assert isinstance(founded("approvals", "add", elsewhere / "no").exception, Malformed)
    assert isinstance(
        founded("approve", "ceremony.root", elsewhere / "no", *founded.who("carl")).exception, Malformed
    )


@pytest.mark.req("EN319411-1:GEN-6.5.5-04")
def test_a_key_file_without_a_passphrase_is_one_factor(founded: Desk) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    bare = founded.file("bare.key")
    key: Any = load_pem_private_key(founded.file("anna.key").read_bytes(), b"a long secret")
    bare.write_bytes(pem_of(key))
    for arguments in (
        ("operator", "lock", "carl", "--as", "anna", "--key", bare),
        ("approve", "ceremony.root", "1" * 64, "--as", "anna", "--key", bare),
    ):
        done = founded(*arguments)
        assert isinstance(done.exception, Refused), done.output
        assert done.exception.requirement == "EN319411-1:GEN-6.5.5-04"


def test_keys_that_cannot_be_opened(founded: Desk) -> None:
    lock = ("operator", "lock", "carl", "--as", "anna", "--key")
    wrong = founded(*lock, founded.file("anna.key"), typed="another")
    assert isinstance(wrong.exception, Rejected)
    assert wrong.exception.code == "roles.passphrase"
    for file in (founded.file("anna.pem"), founded.file("absent"), founded.folder):
        assert isinstance(founded(*lock, file).exception, Malformed)
    founded.file("brainpool.key").write_bytes(pem_of(new_key("brainpoolP256r1")))
    assert isinstance(founded(*lock, founded.file("brainpool.key")).exception, Rejected)
    with pytest.raises(Malformed):
        officer(founded.wiring, Act.ISSUE, "anna", None)


def test_a_key_on_a_token_signs_by_a_typed_pin(
    founded: Desk, make_token: Callable[..., Pkcs11Uri], softhsm: Path
) -> None:
    uri = make_token()
    assert uri.pin_source is not None
    pin = Path(uri.pin_source.removeprefix("file:")).read_text(encoding="ascii")
    with Module.open(uri, library=softhsm, read_write=True, lab=True) as module:
        key = module.generate_key_pair(label="dora", algorithm=KeyAlgorithm.P256)
        certificate = certificate_of_token_key(key)
    founded.file("dora.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    asked = founded.json(
        "operator",
        "add",
        "dora",
        "--role",
        "operator",
        "--certificate",
        founded.file("dora.pem"),
        *founded.who("anna"),
    )
    founded.json("approve", "roles.change", asked["sha256"], *founded.who("carl"))
    typed = f"pkcs11:token={uri.token};object=dora"
    approve = ("approve", "ceremony.root", "2" * 64, "--as", "dora", "--key")
    assert founded.json(*approve, typed, typed=pin)["quorum"]["met"] is False
    in_a_file = founded(*approve, f"{typed}?pin-source={uri.pin_source}")
    assert isinstance(in_a_file.exception, Refused)
    assert in_a_file.exception.requirement == "EN319411-1:GEN-6.5.5-04"
    wrong = founded(*approve, typed, typed="0000")
    assert isinstance(wrong.exception, Unavailable)


def certificate_of_token_key(key: Any) -> x509.Certificate:
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "dora")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key)
    builder = builder.serial_number(1).not_valid_before(now - timedelta(hours=1))
    return builder.not_valid_after(now + timedelta(days=1)).sign(key.private_key(), hashes.SHA256())


@pytest.mark.req("CENTS419261:IA1.1", "CENTS419261:SA1.1", "EN319411-1:REG-6.2.2-26")
def test_who_issues_is_known_once_there_are_operators(founded: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="add --as NAME --key FILE") as caught:
        officer(founded.wiring, Act.ISSUE, None, None)
    assert caught.value.requirement == "CENTS419261:IA1.1"
    monkeypatch.setattr("trustworks.app.acting.ask", lambda _: "a long secret")
    key = str(founded.file("ben.key"))
    with pytest.raises(Refused) as caught:
        officer(founded.wiring, Act.ISSUE, "ben", key)
    assert caught.value.requirement == "TRUSTWORKS:ROLES-DESCRIBED"
    founded.json("operator", "describe", "ben", "--name", "Ben Muster", *founded.who("anna"))
    assert officer(founded.wiring, Act.ISSUE, "ben", key) == "ben"
    with pytest.raises(Refused) as caught:
        officer(founded.wiring, Act.REVOKE, "ben", key)
    assert caught.value.requirement == "CENTS419261:SA1.1"
    own = Person(key_ids=frozenset({founded.json("operator", "show", "ben")["credentials"][0]["key"]}))
    with pytest.raises(Refused) as caught:
        officer(founded.wiring, Act.ISSUE, "ben", key, concerned=[own])
    assert caught.value.requirement == "EN319411-1:REG-6.2.2-26"


def test_who_may_do_what_can_be_read(desk: Desk) -> None:
    assert desk.json("acts")["auditor"] == ["log.export", "log.read", "records.read"]
    assert "certificate.issue     registration-officer" in desk("acts").stdout


def test_a_code_for_the_console_needs_a_console(founded: Desk) -> None:
    absent = founded("console", *founded.who("anna"))
    assert isinstance(absent.exception, Rejected)
    assert absent.exception.code == "roles.console"
    file = founded.file("trustworks.toml")
    more = '[roles]\nconsole = ["http"]\nconsole-origin = "http://localhost:8080"\n'
    file.write_text(CONFIGURATION + more, encoding="utf-8")
    founded.wiring = Wiring.lazy(file)
    told = founded.json("console", *founded.who("anna"))
    assert told["url"] == "http://localhost:8080/console/login"
    assert len(told["code"]) == 43
