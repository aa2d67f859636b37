"""`trustworks module`, as an operator calls it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nobody_acts import NobodyActs
from typer.testing import CliRunner

from trustworks.app.commands.module import app
from trustworks.app.configuration.settings import TokensSettings
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.module import (
    KeyAlgorithm,
    Module,
    ModuleSettings,
    Pkcs11Uri,
    Validation,
    token_labels,
)
from trustworks.core.module.constants import Rv
from trustworks.core.module.pkcs11 import Cryptoki, CryptokiError
from trustworks.core.store import Database, StoreSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typer.testing import Result


class Wiring(NobodyActs):
    """As much of the application's wiring as the commands need."""

    def __init__(self, folder: Path, library: Path, **tokens: Pkcs11Uri) -> None:
        super().__init__()
        self.base = folder
        self.state_dir = folder / "state"
        self.given: Path | None = None
        self.tokens = tokens
        self.settings = ModuleSettings.model_validate({"library": library, "approval": "approval.json"})
        self.config = SimpleNamespace(
            module=self.settings,
            tokens=TokensSettings.model_validate({name: str(uri) for name, uri in tokens.items()}),
            issuance=None,
        )
        self.store = StoreSettings.model_validate({"url": f"sqlite:///{folder}/state.sqlite"})
        self.recorded: list[Any] = []
        self.version: str | None = "0005"
        self.unwritable = False

    @contextmanager
    def open_module(
        self, token: str, *, read_write: bool = False, any_state: bool = False
    ) -> Iterator[Module]:
        del any_state
        with Module.open(
            self.tokens[token], settings=self.settings, base=self.base, read_write=read_write, lab=True
        ) as module:
            yield module

    @contextmanager
    def open_database(self, *, check: bool = True) -> Iterator[Any]:
        if check:  # for what the commands read in it; nothing is entered here
            with Database.open(self.store) as database:
                yield database
        else:
            yield SimpleNamespace(version=lambda: self.version, where="the database TEST")

    @contextmanager
    def open_recorder(self, role: str) -> Iterator[Any]:
        assert role == "operator"
        yield SimpleNamespace(record=self.record, transact=self.transact)

    def record(self, event: Any) -> None:
        if self.unwritable:
            raise Unavailable("audit.unwritable", "The audit log cannot be written.")
        self.recorded.append(event)

    def transact(self, event: Any, _: object) -> None:
        """With a register that knows no key."""
        if callable(event):
            raise Unavailable("keys.unknown", "The register has no such key.")
        self.record(event)


@pytest.fixture
def wiring(
    tmp_path: Path, softhsm: Path, make_token: Callable[..., Pkcs11Uri], sqlite_template: Path
) -> Wiring:
    shutil.copy(sqlite_template, tmp_path / "state.sqlite")
    return Wiring(tmp_path, softhsm, root=make_token(), tsu=make_token(), services=make_token())


def call(*arguments: object, obj: object = None) -> Result:
    return CliRunner().invoke(
        app, [str(argument) for argument in arguments], obj=obj or NoConfiguration(None)
    )


def approve(wiring: Wiring) -> None:
    """Nothing signs on a token without a probe key, or that nobody approved."""
    call("health", "--token", "tsu", "--make-probe-key", obj=wiring)
    facts("approve", "--operator", "TEST", obj=wiring)


def facts(*arguments: object, obj: object = None) -> Any:
    done = call(*arguments, "--json", obj=obj)
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


# What must not work


@pytest.mark.parametrize("arguments", [[], ["--token", "tsu", "--uri", "pkcs11:token=a"]])
def test_a_key_is_not_made_on_just_any_token(wiring: Wiring, arguments: list[str]) -> None:
    done = call("generate-key", "--label", "k", *arguments, obj=wiring)
    assert isinstance(done.exception, Malformed)
    assert "--token NAME" in str(done.exception)


def test_options_of_a_lone_token_do_not_go_with_a_configured_one(wiring: Wiring) -> None:
    done = call("keys", "--token", "tsu", "--lab", obj=wiring)
    assert isinstance(done.exception, Malformed)
    assert "go with --uri" in str(done.exception)


def test_a_configuration_without_tokens_says_so(tmp_path: Path, softhsm: Path) -> None:
    done = call("health", obj=Wiring(tmp_path, softhsm))
    assert isinstance(done.exception, Rejected)
    assert "[tokens]" in str(done.exception)


def test_a_uri_with_a_pin_is_refused(softhsm: Path) -> None:
    done = call("keys", "--uri", "pkcs11:token=a?pin-value=12345678", "--library", softhsm)
    assert isinstance(done.exception, Refused)


def test_a_key_outside_the_agreed_mechanisms_is_refused_outside_the_lab(
    softhsm: Path, token: Pkcs11Uri
) -> None:
    done = call(
        *("generate-key", "--uri", token, "--library", softhsm, "--label", "weak", "--algorithm", "RSA-2048")
    )
    assert isinstance(done.exception, Refused)
    assert done.exception.requirement == "ECCG-ACM:KEYS"
    (answer,) = facts("keys", "--uri", token, "--library", softhsm)["tokens"]
    assert answer["keys"] == []


@pytest.mark.req("ECCG-ACM:KEYS")
def test_a_lone_token_of_a_laboratory_takes_weak_algorithms_only_where_that_is_said(
    softhsm: Path, token: Pkcs11Uri
) -> None:
    weak = (
        "generate-key",
        "--uri",
        token,
        "--library",
        softhsm,
        "--label",
        "weak",
        "--algorithm",
        "RSA-2048",
    )
    done = call(*weak, "--lab")
    assert isinstance(done.exception, Refused)
    assert done.exception.requirement == "ECCG-ACM:KEYS"
    done = call(*weak, "--weak-algorithms")
    assert isinstance(done.exception, Malformed)
    (answer,) = facts("keys", "--uri", token, "--library", softhsm)["tokens"]
    assert answer["keys"] == []
    assert facts(*weak, "--lab", "--weak-algorithms")["algorithm"] == "RSA-2048"
    request = ("request", "--uri", token, "--library", softhsm, "--label", "weak", "--lab")
    assert isinstance(call(*request).exception, Refused)
    assert "BEGIN CERTIFICATE REQUEST" in facts(*request, "--weak-algorithms")["request"]


def test_a_key_that_the_log_does_not_take_is_destroyed(wiring: Wiring) -> None:
    wiring.unwritable = True
    done = call("generate-key", "--token", "tsu", "--label", "k", obj=wiring)
    assert isinstance(done.exception, Unavailable)
    assert done.exception.code == "audit.unwritable"
    (answer,) = facts("keys", "--token", "tsu", obj=wiring)["tokens"]
    assert answer["keys"] == []


def test_a_key_is_not_destroyed_without_its_label_twice_and_not_without_the_log(wiring: Wiring) -> None:
    facts("generate-key", "--token", "tsu", "--label", "k", obj=wiring)
    order = ("destroy-key", "--token", "tsu", "--label", "k", "--reason", "TEST")
    for done in (
        call(*order, "--confirm", "K", obj=wiring),
        CliRunner().invoke(app, order, obj=wiring, input="no\n"),
    ):
        assert isinstance(done.exception, Rejected)
        assert "nothing was destroyed" in str(done.exception)
    wiring.unwritable = True
    assert isinstance(call(*order, "--confirm", "k", obj=wiring).exception, Unavailable)
    (answer,) = facts("keys", "--token", "tsu", obj=wiring)["tokens"]
    assert [key["label"] for key in answer["keys"]] == ["k"]


def test_a_request_for_no_key_or_into_no_folder_is_refused_in_a_sentence(
    wiring: Wiring, tmp_path: Path
) -> None:
    order = ("request", "--token", "tsu", "--label", "k")
    done = call(*order, obj=wiring)
    assert isinstance(done.exception, Unavailable)
    assert done.exception.code == "module.key-absent"
    facts("generate-key", "--token", "tsu", "--label", "k", obj=wiring)
    approve(wiring)
    done = call(*order, "--subject", "TEST", obj=wiring)
    assert isinstance(done.exception, Malformed)
    assert "TYPE=VALUE" in str(done.exception)
    done = call(*order, "--out", tmp_path / "absent" / "k.csr", obj=wiring)
    assert isinstance(done.exception, Rejected)
    assert "cannot be written" in str(done.exception)
    done = call(*order, "--out", tmp_path, obj=wiring)
    assert isinstance(done.exception, Rejected)
    assert "Is a directory" in str(done.exception)
    wiring.unwritable = True
    file = tmp_path / "k.csr"
    assert isinstance(call(*order, "--out", file, obj=wiring).exception, Unavailable)
    assert not file.exists()


@pytest.mark.req("TRUSTWORKS:MODULE-TOKEN-KEPT")
def test_a_token_is_not_made_twice_and_no_pin_file_is_written_over(softhsm: Path, tmp_path: Path) -> None:
    files = ("--pin-file", tmp_path / "user.pin", "--so-pin-file", tmp_path / "so.pin")
    facts("init-token", "--library", softhsm, "--label", "made twice", *files)
    before = (tmp_path / "user.pin").read_bytes()
    done = call("init-token", "--library", softhsm, "--label", "another", *files)
    assert isinstance(done.exception, Rejected)
    assert "never written over" in str(done.exception)
    other = ("--pin-file", tmp_path / "user2.pin", "--so-pin-file", tmp_path / "so2.pin")
    done = call("init-token", "--library", softhsm, "--label", "made twice", *other)
    assert isinstance(done.exception, Rejected)
    assert done.exception.code == "module.token-exists"
    assert (tmp_path / "user.pin").read_bytes() == before
    assert not (tmp_path / "user2.pin").exists()
    assert not (tmp_path / "so2.pin").exists()
    done = call(
        "init-token", "--library", softhsm, "--label", "x", "--pin-file", tmp_path / "no" / "p", *files[2:]
    )
    assert isinstance(done.exception, Unavailable)


def test_a_pin_file_that_no_uri_could_name_is_refused_before_there_is_a_token(
    softhsm: Path, tmp_path: Path
) -> None:
    before = token_labels(softhsm)
    files = ("--pin-file", tmp_path / "pin\udcff", "--so-pin-file", tmp_path / "so.pin")
    done = call("init-token", "--library", softhsm, "--label", "unnamed", *files)
    assert isinstance(done.exception, Malformed)
    assert "is no UTF-8, and the token's URI could not name it" in str(done.exception)
    assert not list(tmp_path.iterdir())
    assert token_labels(softhsm) == before


@pytest.mark.parametrize("call_that_fails", ["init_token", "init_pin"])
def test_pins_that_may_be_on_a_token_are_kept_and_named(
    softhsm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call_that_fails: str
) -> None:
    def gone(*_: object) -> None:
        raise CryptokiError("C_Any", Rv.DEVICE_REMOVED)

    monkeypatch.setattr(Cryptoki, call_that_fails, gone)
    pins = [tmp_path / "user.pin", tmp_path / "so.pin"]
    files = ("--pin-file", pins[0], "--so-pin-file", pins[1])
    done = call("init-token", "--library", softhsm, "--label", f"half {call_that_fails}", *files)
    assert isinstance(done.exception, Unavailable)
    assert done.exception.code == "module.token-half-made"
    assert all(str(file) in str(done.exception) for file in pins)
    assert all(len(file.read_text("ascii").strip()) >= 20 for file in pins)


def test_pins_are_kept_where_the_command_is_broken_off_and_the_order_is_in_the_log(
    wiring: Wiring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Cryptoki, "init_pin", interrupted)
    pins = [tmp_path / "user.pin", tmp_path / "so.pin"]
    files = ("--pin-file", pins[0], "--so-pin-file", pins[1])
    assert call("init-token", "--label", "broken off", *files, obj=wiring).exit_code != 0
    assert all(len(file.read_text("ascii").strip()) >= 20 for file in pins)
    assert [(event.type, event.detail["label"]) for event in wiring.recorded] == [
        ("module.token-initialisation-ordered", "broken off")
    ]


def test_a_pin_that_finds_no_room_leaves_no_file(
    softhsm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    files = ("--pin-file", tmp_path / "user.pin", "--so-pin-file", tmp_path / "so.pin")
    done = call("init-token", "--library", softhsm, "--label", "no room", *files)
    assert isinstance(done.exception, Unavailable)
    assert done.exception.code == "module.pin-file"
    assert list(tmp_path.iterdir()) == []


def test_a_module_that_is_not_well_gives_exit_code_1(softhsm: Path, token: Pkcs11Uri) -> None:
    done = call("health", "--uri", token, "--library", softhsm)
    assert done.exit_code == 1
    assert "NOT WELL" in done.stdout
    assert "--make-probe-key" in done.stdout
    done = call("health", "--uri", token, "--library", softhsm, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["ok"] is False


# What must work


def test_a_token_of_one_s_own_without_any_configuration(softhsm: Path, tmp_path: Path) -> None:
    made = facts(
        *("init-token", "--library", softhsm, "--label", "alone"),
        *("--pin-file", tmp_path / "user.pin", "--so-pin-file", tmp_path / "so.pin"),
    )
    for name in ("user.pin", "so.pin"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        assert len((tmp_path / name).read_text("ascii").strip()) >= 20
    here = ("--uri", made["uri"], "--library", softhsm)
    assert facts("health", *here)["ok"]
    key = facts("generate-key", *here, "--label", "unit 1", "--algorithm", "P-384")
    assert key["algorithm"] == "P-384"
    assert Pkcs11Uri.parse(key["uri"]).object == "unit 1"
    (answer,) = facts("keys", *here)["tokens"]
    assert [one["label"] for one in answer["keys"]] == ["trustworks-probe", "unit 1"]
    assert all(one["attributes"]["extractable"] is False for one in answer["keys"])
    file = tmp_path / "approval.json"
    assert facts("approve", *here, "--operator", "TEST", "--file", file)["approvals"][0]["operator"] == "TEST"
    assert file.is_file()
    destroyed = facts("destroy-key", *here, "--label", "unit 1", "--reason", "TEST", "--confirm", "unit 1")
    assert destroyed["reason"] == "TEST"
    assert "trustworks-probe" in call("keys", *here).stdout
    assert "unit 1" not in call("keys", *here).stdout


def test_a_token_is_made_with_the_library_of_the_configuration(wiring: Wiring, tmp_path: Path) -> None:
    folder = tmp_path / "pins of 100 %"
    folder.mkdir()
    files = ("--pin-file", folder / "user.pin", "--so-pin-file", folder / "so.pin")
    made = facts("init-token", "--label", "configured", *files, obj=wiring)
    assert facts("health", "--uri", made["uri"], "--library", wiring.settings.library)["ok"]
    wiring.settings = ModuleSettings.model_validate({"library": tmp_path / "none.so"})
    wiring.config.module = wiring.settings
    other = ("--pin-file", folder / "user2.pin", "--so-pin-file", folder / "so2.pin")
    done = call("init-token", "--label", "absent", *other, obj=wiring)
    assert isinstance(done.exception, Unavailable)
    assert done.exception.code == "module.library-absent"
    assert sorted(file.name for file in folder.iterdir()) == ["so.pin", "user.pin"]


def test_what_is_made_is_in_the_log_of_the_configuration(wiring: Wiring, tmp_path: Path) -> None:
    files = ("--pin-file", tmp_path / "user.pin", "--so-pin-file", tmp_path / "so.pin")
    made = facts("init-token", "--label", "logged", *files, obj=wiring)
    here = ("--uri", made["uri"], "--library", wiring.settings.library)
    facts("generate-key", *here, "--label", "k", obj=wiring)
    facts("destroy-key", *here, "--label", "k", "--reason", "TEST", "--confirm", "k", obj=wiring)
    facts("health", *here, "--make-probe-key", obj=wiring)  # it is there already
    assert [(event.type, event.detail["label"]) for event in wiring.recorded] == [
        ("module.token-initialisation-ordered", "logged"),
        ("module.token-initialised", "logged"),
        ("module.key-generation-ordered", "trustworks-probe"),
        ("module.key-generated", "trustworks-probe"),
        ("module.key-generation-ordered", "k"),
        ("module.key-generated", "k"),
        ("module.key-destruction-ordered", "k"),
        ("module.key-destroyed", "k"),
    ]
    assert all("token=logged" in event.subject["token"] for event in wiring.recorded)
    assert "pin" not in str([event.subject for event in wiring.recorded])


def test_a_probe_key_that_the_log_does_not_take_is_destroyed(wiring: Wiring) -> None:
    wiring.unwritable = True
    done = call("health", "--token", "tsu", "--make-probe-key", obj=wiring)
    assert isinstance(done.exception, Unavailable)
    assert facts("keys", "--token", "tsu", obj=wiring)["tokens"][0]["keys"] == []


def test_a_probe_key_that_is_there_stays_whatever_the_list_and_the_log_say(
    wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("health", "--token", "tsu", "--make-probe-key", obj=wiring)
    wiring.unwritable = True
    with monkeypatch.context() as patched:
        patched.setattr(Module, "keys", lambda _: [])  # a moment in which it is not listed
        call("health", "--token", "tsu", "--make-probe-key", obj=wiring)
    (answer,) = facts("keys", "--token", "tsu", obj=wiring)["tokens"]
    assert [key["label"] for key in answer["keys"]] == ["trustworks-probe"]


def test_what_comes_into_no_log_is_said(wiring: Wiring, tmp_path: Path, token: Pkcs11Uri) -> None:
    order = ("generate-key", "--uri", token, "--library", wiring.settings.library)
    for number, obj in enumerate((None, NoConfiguration(None))):
        done = call(*order, "--label", f"k{number}", obj=obj)
        assert done.exit_code == 0
        assert "NOT IN ANY LOG: " in done.stderr
        assert "onfiguration" in done.stderr
    wiring.version = None
    done = call(*order, "--label", "k2", obj=wiring)
    assert "NOT IN ANY LOG: There are no tables yet in the database TEST." in done.stderr
    assert wiring.recorded == []
    done = call(*order, "--label", "k3", obj=NoConfiguration(tmp_path / "trustworks.toml"))
    assert isinstance(done.exception, Malformed)


class NoConfiguration(NobodyActs):
    """The wiring of a folder without a configuration file."""

    def __init__(self, given: Path | None) -> None:
        super().__init__()
        self.given = given

    @property
    def config(self) -> object:
        raise Malformed("No configuration found.")


def test_a_token_is_made_without_a_configuration_but_not_beside_a_wrong_one(
    softhsm: Path, tmp_path: Path
) -> None:
    files = ("--pin-file", tmp_path / "user.pin", "--so-pin-file", tmp_path / "so.pin", "--no-probe-key")
    done = call("init-token", "--label", "bare", *files, obj=NoConfiguration(tmp_path / "trustworks.toml"))
    assert isinstance(done.exception, Malformed)
    made = facts("init-token", "--label", "bare", *files, obj=NoConfiguration(None))
    assert facts("keys", "--uri", made["uri"], "--library", softhsm)["tokens"][0]["keys"] == []


def test_info_says_what_the_module_is_and_can_do(softhsm: Path, token: Pkcs11Uri) -> None:
    (answer,) = facts("info", "--uri", token, "--library", softhsm)["tokens"]
    assert answer["is_test_module"] is True
    assert answer["token_label"] == token.token
    able = {one["algorithm"]: one["schemes"] for one in answer["capabilities"]}
    assert set(able) == {algorithm.value for algorithm in KeyAlgorithm}
    assert able["P-256"] == ["ECDSA_SHA256", "ECDSA_SHA384", "ECDSA_SHA512"]
    shown = call("info", "--uri", token, "--library", softhsm, "--quick").stdout
    assert "test module" in shown
    assert "P-256" not in shown


def test_info_shows_what_a_module_claims_of_its_certificates(
    softhsm: Path, token: Pkcs11Uri, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = Validation(
        kind="hardware",
        authority="NIST CMVP",
        version="3.0",
        level=3,
        module_id="TEST\x1b[2J module",
        certificate="9999",
        certificate_uri="",
        country="US",
        profile="",
        flag=4,
    )
    told = Module.info
    monkeypatch.setattr(
        Module, "info", lambda self: replace(told(self), validations=(claim,), signs_validated=())
    )
    shown = call("info", "--uri", token, "--library", softhsm, "--quick").stdout
    assert "NIST CMVP 9999, TEST\\x1b[2J module, version 3.0, level 3, US" in shown
    assert "signs within     no validated scope" in shown
    (answer,) = facts("info", "--uri", token, "--library", softhsm, "--quick")["tokens"]
    assert answer["validations"][0]["certificate"] == "9999"
    assert answer["signs_validated"] == []


def test_all_tokens_of_the_configuration_but_the_root_are_gone_through(wiring: Wiring) -> None:
    assert call("health", "--make-probe-key", obj=wiring).exit_code == 1  # nothing is approved yet
    facts("approve", "--operator", "TEST operator", obj=wiring)
    answer = facts("health", obj=wiring)["tokens"]
    assert [one["token"] for one in answer] == ["tsu", "services"]
    assert facts("keys", "--token", "root", obj=wiring)["tokens"][0]["keys"] == []


@pytest.mark.req("TRUSTWORKS:MODULE-APPROVED")
def test_from_approval_to_the_finding_that_something_changed(wiring: Wiring, tmp_path: Path) -> None:
    done = call("health", "--make-probe-key", obj=wiring)
    assert done.exit_code == 1
    assert "module approve" in done.stdout
    answer = facts("approve", "--operator", "TEST operator", obj=wiring)["approvals"]
    assert len(answer) == 2
    kinds = [event.type for event in wiring.recorded]
    made = ["module.key-generation-ordered", "module.key-generated"]
    assert kinds == [*made, *made, "module.approved", "module.approved"]
    assert wiring.recorded[4].detail["operator"] == "TEST operator"
    assert facts("health", obj=wiring)["ok"]
    file = tmp_path / "approval.json"
    entries = json.loads(file.read_text("utf-8"))
    for entry in entries.values():
        entry["mechanisms"].remove("CKM_ECDSA")
    file.write_text(json.dumps(entries), encoding="utf-8")
    done = call("health", obj=wiring)
    assert done.exit_code == 1
    assert "not approved are offered: CKM_ECDSA" in done.stdout


def test_without_a_place_for_approvals_that_is_said(softhsm: Path, token: Pkcs11Uri) -> None:
    done = call("approve", "--uri", token, "--library", softhsm, "--operator", "TEST")
    assert isinstance(done.exception, Rejected)
    assert "--file" in str(done.exception)


@pytest.mark.parametrize("algorithm", ["P-256", "RSA-3072"])
def test_a_request_is_signed_in_the_module_and_logged(wiring: Wiring, tmp_path: Path, algorithm: str) -> None:
    key = facts("generate-key", "--token", "tsu", "--label", "k", "--algorithm", algorithm, obj=wiring)
    approve(wiring)
    order = ("request", "--token", "tsu", "--label", "k")
    file = tmp_path / "k.csr"
    done = call(*order, "--subject", "C=XX, CN=TSU 2 TEST", "--out", file, obj=wiring)
    assert done.exit_code == 0, done.exception
    assert str(file) in done.stdout
    read = x509.load_pem_x509_csr(file.read_bytes())
    assert read.is_signature_valid
    assert read.subject.rfc4514_string() == "CN=TSU 2 TEST,C=XX"
    spki = read.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert hashlib.sha256(spki).hexdigest() == key["spki_sha256"]
    event = wiring.recorded[-1]
    assert (event.type, event.detail["spki_sha256"]) == ("module.request-made", key["spki_sha256"])
    assert x509.load_pem_x509_csr(call(*order, obj=wiring).stdout.encode()).subject == x509.Name([])
    assert x509.load_pem_x509_csr(facts(*order, obj=wiring)["request"].encode()).is_signature_valid


def test_a_request_is_written_over_no_file_unless_that_is_asked(wiring: Wiring, tmp_path: Path) -> None:
    facts("generate-key", "--token", "tsu", "--label", "k", obj=wiring)
    approve(wiring)
    file = tmp_path / "server.key"
    file.write_bytes(b"a private key")
    order = ("request", "--token", "tsu", "--label", "k", "--out", file)
    done = call(*order, obj=wiring)
    assert isinstance(done.exception, Rejected)
    assert done.exception.code == "output.exists"
    assert file.read_bytes() == b"a private key"
    assert wiring.recorded[-1].type == "module.approved"  # nothing was signed
    assert call(*order, "--replace", obj=wiring).exit_code == 0
    assert x509.load_pem_x509_csr(file.read_bytes()).is_signature_valid


def test_a_request_goes_into_a_pipe_which_stays_one(wiring: Wiring, tmp_path: Path) -> None:
    facts("generate-key", "--token", "tsu", "--label", "k", obj=wiring)
    approve(wiring)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert call("request", "--token", "tsu", "--label", "k", "--out", pipe, obj=wiring).exit_code == 0
        assert x509.load_pem_x509_csr(os.read(reader, 65536)).is_signature_valid
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_the_life_of_a_key_is_in_the_audit_log(wiring: Wiring) -> None:
    made = facts("generate-key", "--token", "tsu", "--label", "k", obj=wiring)
    done = CliRunner().invoke(
        app, ["destroy-key", "--token", "tsu", "--label", "k", "--reason", "TEST"], obj=wiring, input="k\n"
    )
    assert done.exit_code == 0
    assert "is destroyed" in done.output
    assert [event.type for event in wiring.recorded] == [
        "module.key-generation-ordered",
        "module.key-generated",
        "module.key-destruction-ordered",
        "module.key-destroyed",
    ]
    assert {event.detail["spki_sha256"] for event in wiring.recorded[1:]} == {made["spki_sha256"]}
    assert wiring.recorded[3].detail["reason"] == "TEST"
    assert "pin" not in json.dumps([event.subject for event in wiring.recorded])
