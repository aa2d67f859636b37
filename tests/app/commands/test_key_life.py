"""`trustworks keys`, as operators and custodians call it, over a whole configuration."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from key_commands import call, destroy, facts, keys_on, places, state
from key_custodians import BITS, Custodians
from staff import PASSPHRASE, approve, asked_for, enrol_staff, who

from trustworks.app.commands.key_life import app
from trustworks.app.commands.module import app as module_app
from trustworks.app.wiring import Wiring
from trustworks.core.errors import Refused, Rejected
from trustworks.core.module import documents, token_labels, transfer
from trustworks.core.module.health import PROBE_LABEL
from trustworks.core.module.openings import Opening

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


# Ends the process where the public half is on the token and the private one is not.
KILLED = """\
import os, signal, sys
from trustworks.core.module import transfer
place = transfer.place_private
def dies(*rest, on_token, **more):
    if on_token:
        os.kill(os.getpid(), signal.SIGKILL)
    return place(*rest, on_token=on_token, **more)
transfer.place_private = dies
from trustworks.app.cli import main
main(sys.argv[1:])
"""


# What must not work


def test_the_key_that_only_health_signs_with_is_told_apart(folder: Path) -> None:
    for label in ("ca", PROBE_LABEL):
        facts(
            folder,
            *("generate-key", "--token", "issuing", "--label", label, "--algorithm", "P-256"),
            commands=module_app,
        )
    listed = facts(folder, "states", "list")["keys"]
    assert {one["label"]: one["probe"] for one in listed} == {"ca": False, PROBE_LABEL: True}
    ca, probe = call(folder, "states", "list").stdout.splitlines()
    assert "only health signs with it" in probe
    assert "probe" not in ca


def test_one_custodian_alone_brings_nothing_back(folder: Path, backup: Path, custodians: Custodians) -> None:
    destroy(folder)
    for names in (("anna",), ("anna", "anna")):
        done = call(folder, "restore", backup, "--token", "issuing", *places(custodians, *names))
        assert isinstance(done.exception, Rejected)
        assert done.exception.code == "keys.quorum"
    assert keys_on(folder, "issuing") == []
    assert state(folder)["state"] == "suspended"


def test_one_changed_octet_of_the_file_brings_nothing_back(
    folder: Path, backup: Path, custodians: Custodians
) -> None:
    destroy(folder)
    values = json.loads(backup.read_text(encoding="ascii"))
    wrapped = values["wrapped_key"]
    values["wrapped_key"] = wrapped[:8] + ("A" if wrapped[8] != "A" else "B") + wrapped[9:]
    backup.write_text(json.dumps(values), encoding="ascii")
    done = call(
        folder,
        *("restore", backup, "--token", "issuing", "--bits", BITS),
        *places(custodians, "anna", "boris"),
    )
    assert isinstance(done.exception, Refused)
    assert done.exception.requirement == "TRUSTWORKS:KEYS-MANIFEST"
    assert keys_on(folder, "issuing") == []


def test_a_destruction_that_was_interrupted_is_entered_by_the_same_command(
    folder: Path, backup: Path
) -> None:
    with Wiring.lazy(folder / "trustworks.toml").open_module("issuing", read_write=True) as module:
        module.destroy(module.key("ca"))  # as by a process that ended before it told of it
    assert state(folder)["state"] == "operational"
    destroy(folder)
    assert state(folder) == {"state": "suspended", "tokens": [], "backups": 1}
    again = ("destroy-key", "--token", "issuing", "--label", "ca", "--reason", "test", "--confirm", "ca")
    done = call(folder, *again, commands=module_app)
    assert "No private key with the label 'ca'" in str(done.exception)
    assert backup.is_file()


def test_a_suspended_key_signs_nothing(folder: Path, backup: Path) -> None:
    assert backup.is_file()
    done = call(folder, "states", "set", "ca", "pre-operational", "--reason", "because")
    assert isinstance(done.exception, Rejected)
    assert done.exception.code == "keys.transition"
    facts(folder, "states", "set", "ca", "suspended", "--reason", "incident 14")
    with Wiring.lazy(folder / "trustworks.toml").open_module("issuing") as module:
        key = module.key("ca")
        with pytest.raises(Refused, match="'ca' is suspended"):
            key.sign(b"data")


# What works


@pytest.mark.req("EN319411-1:GEN-6.5.4-01", "TRUSTWORKS:ROLES-QUORUM")
def test_no_operator_alone_changes_a_keys_state_and_an_approval_serves_once(
    folder: Path, backup: Path
) -> None:
    assert backup.exists()
    wiring = Wiring.lazy(folder / "trustworks.toml")
    enrol_staff(wiring)
    reason = ("--reason", "incident 14")

    def change(to: str, name: str | None = "carl") -> Result:
        by = [] if name is None else who(wiring, name)
        return call(folder, "states", "set", "ca", to, *reason, *by, typed=PASSPHRASE)

    def refusal(done: Result) -> Refused:
        assert isinstance(done.exception, Refused), (done.output, done.exception)
        return done.exception

    assert refusal(change("suspended", None)).requirement == "CENTS419261:IA1.1"
    for name in ("audra", "olga", "rita"):
        assert refusal(change("suspended", name)).requirement == "CENTS419261:SA1.1"
    asked = asked_for(refusal(change("suspended")))
    assert asked[0] == "key.suspended"
    approve(wiring, "carl", "system-administrator", *asked)
    refusal(change("suspended"))
    assert state(folder)["state"] == "operational"
    approve(wiring, "rita", "revocation-officer", *asked)
    assert change("suspended").exit_code == 0
    assert state(folder)["state"] == "suspended"
    again = asked_for(refusal(change("operational")))
    for name, role in (("anna", "security-officer"), ("olga", "operator")):
        approve(wiring, name, role, *again)
    assert change("operational").exit_code == 0
    assert asked_for(refusal(change("suspended"))) != asked  # the next entry of the key's history is another


@pytest.mark.req("EN319411-1:GEN-6.5.4-01", "TRUSTWORKS:ROLES-QUORUM")
def test_no_operator_alone_makes_or_destroys_a_key_or_gives_a_pin_to_his_own_cards(
    folder: Path, backup: Path, custodians: Custodians
) -> None:
    wiring = Wiring.lazy(folder / "trustworks.toml")
    before = keys_on(folder, "issuing")
    two_of_them = ("--by", "anna", "--by", "boris")
    begin = ("transfer", "begin", backup, "--token", "services", *two_of_them, "--bits", BITS)
    begun = facts(folder, *begin, "--out", folder / "request.json")
    opening = folder / "opening.json"
    opening.write_bytes(documents.write(Opening(request=begun["fingerprint"])))
    unwrap = ("transfer", "unwrap", folder / "request.json", backup, opening, "--token", "services")
    enrol_staff(wiring)
    card = folder / "card.json"
    card.write_bytes(documents.write(custodians.cards[0]))
    other = folder / "other.json"
    other.write_bytes(documents.write(custodians.cards[1]))
    here, cards, two = ("--token", "issuing"), (card, other), ("--threshold", 2)
    sure = ("--reason", "x", "--confirm", "ca")
    mine = ("backup", "create", *here, "--label", "mine", *both("--card", cards), *two)
    asked: dict[str, tuple[str, Any, tuple[object, ...]]] = {
        "key.generate": ("carl", module_app, ("generate-key", *here, "--label", "mine")),
        "key.destroy": ("carl", module_app, ("destroy-key", *here, "--label", "ca", *sure)),
        "key.init-token": (
            "carl",
            module_app,
            ("init-token", "--label", "his own", "--pin-file", folder / "p", "--so-pin-file", folder / "so"),
        ),
        "key.seal": ("olga", app, ("seal", *here, *both("--operator", cards), *two, "--out", folder / "s")),
        "key.backup": ("carl", app, (*mine, "--out", folder / "b")),
        "key.backup-destroyed": ("carl", app, ("backup", "destroy", backup_digest(folder), *sure)),
        "key.transfer": ("carl", app, (*begin, "--out", folder / "again.json")),
        "key.transfer-finished": ("carl", app, unwrap),
        "key.restore": (
            "carl",
            app,
            ("restore", backup, "--token", "services", *places(custodians, "anna", "boris")),
        ),
    }
    for what, (name, commands, arguments) in asked.items():
        done = call(folder, *arguments, *who(wiring, name), commands=commands, typed=PASSPHRASE)
        assert isinstance(done.exception, Refused), (what, done.output, done.exception)
        assert asked_for(done.exception)[0] == what
    assert keys_on(folder, "issuing") == before
    assert state(folder)["backups"] == 1
    assert "his own" not in token_labels(settings=wiring.config.module, base=wiring.base)
    assert [one for one in ("s", "p", "so") if (folder / one).exists()] == []
    assert not (folder / "b").exists()
    assert not (folder / "again.json").exists()
    assert keys_on(folder, "services") == []
    with wiring.open_module("services", read_write=True) as module:
        assert transfer.remove_transport_keys(module, "transfer") == 1  # begun before
        assert transfer.remove_transport_keys(module, "restore") == 0
    assert backup.exists()


def both(option: str, files: tuple[Path, ...]) -> tuple[object, ...]:
    return tuple(one for file in files for one in (option, file))


def backup_digest(folder: Path) -> str:
    (found,) = facts(folder, "backup", "list")["backups"]
    return str(found["backup"])


@pytest.mark.crash
def test_from_backup_to_a_second_token(folder: Path, backup: Path, custodians: Custodians) -> None:
    (listed,) = facts(folder, "backup", "list")["backups"]
    assert (listed["label"], listed["shown_at"]) == ("ca", None)
    two = places(custodians, "anna", "clara")
    facts(folder, "backup", "drill", backup, "--token", "issuing", "--bits", BITS, *two)
    (listed,) = facts(folder, "backup", "list")["backups"]
    assert listed["shown_by"] == "drilled"

    destroy(folder)
    assert state(folder) == {"state": "suspended", "tokens": [], "backups": 1}
    arguments = ["restore", backup, "--token", "issuing", "--bits", BITS, *two]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, "--config", folder / "trustworks.toml", "keys", *map(str, arguments)],
        env=dict(os.environ),
        cwd=folder,
        timeout=300,
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert keys_on(folder, "issuing") == []
    assert state(folder)["state"] == "suspended"
    found = facts(folder, *arguments)
    assert (found["state"], found["label"]) == ("operational", "ca")
    assert keys_on(folder, "issuing") == ["ca"]
    with Wiring.lazy(folder / "trustworks.toml").open_module("issuing") as module:
        module.key("ca").sign(b"data")
        spki = module.key("ca").spki

    request, first, both = (folder / name for name in ("request.json", "first.json", "both.json"))
    asked = facts(
        folder,
        *("transfer", "begin", backup, "--token", "services", "--by", "boris", "--by", "clara"),
        *("--bits", BITS, "--out", request),
    )
    assert asked["custodians"] == ["boris", "clara"]
    wrap = ("transfer", "wrap", request, backup, "--fingerprint", asked["fingerprint"])
    refused = call(folder, *wrap[:-1], "00" * 32, *places(custodians, "boris"), "--out", first)
    assert isinstance(refused.exception, Refused)
    assert facts(folder, *wrap, *places(custodians, "boris"), "--out", first)["next"] == "clara"
    facts(folder, *wrap, *places(custodians, "clara"), "--opening", first, "--out", both)
    facts(folder, "transfer", "unwrap", request, backup, both, "--token", "services")
    assert len(state(folder)["tokens"]) == 2
    with Wiring.lazy(folder / "trustworks.toml").open_module("services") as module:
        assert module.key("ca").spki == spki
        module.key("ca").sign(b"data")


def test_a_custodian_with_a_folder_of_their_own(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "dora"
    made = facts(folder, "custodian", "make", "dora", "--folder", place, "--bits", BITS)
    assert (place / "user.pin").stat().st_mode & 0o777 == 0o600
    shutil.move(place, tmp_path / "mounted")  # as a medium is, elsewhere
    shown = facts(folder, "custodian", "show", tmp_path / "mounted")
    assert shown["fingerprint"] == made["fingerprint"]
    done = call(folder, "custodian", "make", "dora", "--folder", tmp_path / "mounted")
    assert isinstance(done.exception, Rejected)


def test_a_token_is_activated_by_two(folder: Path, custodians: Custodians) -> None:
    cards = []
    for card in custodians.cards:
        file = folder / f"{card.name}.json"
        file.write_bytes(documents.write(card))
        cards += ["--operator", file]
    sealed = folder / "sealed.json"
    facts(folder, "seal", "--token", "issuing", *cards, "--threshold", 2, "--out", sealed)
    activate = ("activate", sealed, "--token", "issuing")
    one, two = ("--operator", custodians.uris["anna"]), ("--operator", custodians.uris["boris"])
    done = call(folder, *activate, *one)
    assert isinstance(done.exception, Rejected)
    assert done.exception.code == "keys.quorum"
    assert facts(folder, *activate, *one, *two)["opened_by"] == ["anna", "boris"]
    assert keys_on(folder, "issuing") == []
    assert facts(folder, "deactivate", "--token", "issuing")["was_active"]
    done = call(folder, "keys", "--token", "issuing", commands=module_app)
    assert "cannot be read" in str(done.exception)
