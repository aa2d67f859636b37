"""Ceremonies on real tokens: rehearsed, carried out, killed in between, and shown."""

from __future__ import annotations

import hashlib
import json
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ceremony_crash_worker
import pytest
from ceremony_plans import UNATTENDED, filled, template
from cryptography import x509
from forked_program import run, run_script
from laboratory import Lab
from typer.testing import CliRunner

from trustworks.app.commands.ceremony import app
from trustworks.app.wiring import Wiring
from trustworks.core.ceremony.model import KINDS
from trustworks.issuance import records

# One laboratory for all of them.
pytestmark = pytest.mark.xdist_group("ceremonies")
WORKER = Path(ceremony_crash_worker.__file__).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    made = Lab(tmp_path_factory.mktemp("ceremonies") / "lab")
    made.set_up()
    return made


def written(lab: Lab, name: str, text: str) -> Path:
    file = lab.folder.parent / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    return file


def events(lab: Lab) -> list[str]:
    with Wiring.lazy(lab.config).open_database() as database, database.read() as connection:
        rows = connection.exec_driver_sql("SELECT type FROM audit_events ORDER BY time").scalars()
        return [str(one) for one in rows]


def authorities(lab: Lab) -> list[str]:
    with Wiring.lazy(lab.config).open_database() as database, database.read() as connection:
        return [one.name for one in records.list_authorities(connection)]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_template_is_rehearsed_as_it_is_handed_out(lab: Lab, kind: str) -> None:
    plan, out = written(lab, kind, template(kind)), lab.folder.parent / f"{kind}.rehearsal.json"
    before = authorities(lab), json.loads(lab.run("module", "keys", "--json").stdout)
    rehearsed = lab.run("keys", "ceremony", "rehearse", str(plan), "--yes", "--out", str(out), "--json")
    told = json.loads(rehearsed.stdout)
    assert (told["mode"], told["out"]) == ("rehearsal", str(out))
    verdict = json.loads(lab.run("keys", "ceremony", "verify", str(out), "--json").stdout)
    assert (verdict["ok"], verdict["mode"], verdict["plan"]) == (True, "rehearsal", told["plan"])
    page = lab.run("keys", "ceremony", "show", str(out), "--html").stdout
    assert KINDS[kind].title in page
    assert "no key on this page is used for anything" in page
    assert (authorities(lab), json.loads(lab.run("module", "keys", "--json").stdout)) == before
    assert "ceremony.rehearsed" in events(lab)
    assert not list(lab.folder.glob("secrets/issuing-2*"))


def test_the_laboratorys_own_authorities_come_of_plans_whose_folders_hold(lab: Lab) -> None:
    for name, kind in (("lab-root", "root"), ("lab-issuing", "sub-ca")):
        folder = lab.folder / "ceremonies" / name
        assert sorted(one.name for one in folder.iterdir()) == [
            *("plan.json", "signer.pem", "transcript.html", "transcript.json"),
        ]
        found = run("keys", "ceremony", "verify", folder, "--json", cwd=lab.folder.parent)
        verdict = json.loads(found.stdout)
        assert (verdict["ok"], verdict["type"], verdict["mode"]) == (True, kind, "unattended")
        assert "Nobody was there" in verdict["notices"][0]
        assert hashlib.sha256((folder / "plan.json").read_bytes()).hexdigest() == verdict["plan"]
        assert "no approval, no witness" in (folder / "transcript.html").read_text(encoding="utf-8")
        made = json.loads((folder / "transcript.json").read_text(encoding="utf-8"))["entries"]
        (certificate,) = [one["facts"]["certificate"] for one in made if "certificate" in one["facts"]]
        served = lab.folder / "trust" / ("root.pem" if kind == "root" else "issuing.pem")
        assert certificate == "".join(served.read_text(encoding="ascii").splitlines()[1:-1])
    listed = json.loads(lab.run("keys", "ceremony", "list", "--json").stdout)
    assert {"lab-root", "lab-issuing"} <= {one["name"] for one in listed}


def test_a_plan_that_nobody_approved_is_not_carried_out(lab: Lab) -> None:
    plan = written(lab, "not-approved", filled("root"))
    before = authorities(lab), events(lab)
    refused = lab.run("keys", "ceremony", "run", str(plan), check=False)
    assert refused.returncode == 1
    assert "Refused by TRUSTWORKS:CEREMONY-APPROVED" in refused.stderr
    assert "0 of 2 approvals are there" in refused.stderr
    assert authorities(lab) == before[0]
    begun = {"ceremony.opened", "ceremony.begun"}
    assert [one for one in events(lab) if one in begun] == [one for one in before[1] if one in begun]
    assert "no ceremony 'root-2027'" in lab.run("keys", "ceremony", "show", "root-2027", check=False).stderr


@pytest.mark.crash
@pytest.mark.req("TRUSTWORKS:CEREMONY-ONCE")
def test_a_run_that_is_killed_between_any_two_steps_goes_on_and_makes_nothing_twice(lab: Lab) -> None:
    plan = written(lab, "unattended", UNATTENDED)

    def killed_at(event: str, step: str) -> None:
        killed = run_script(WORKER, lab.config, plan, event, step)
        assert killed.returncode == -signal.SIGKILL

    killed_at("begun", "2")  # before the key is drawn up
    killed_at("done", "2")  # the key is made
    killed_at("begun", "3")
    killed_at("done", "3")  # the authority is made
    shown = json.loads(lab.run("keys", "ceremony", "show", "further-root").stdout)
    assert shown["seal"] is None
    assert [one["event"] for one in shown["entries"]].count("resumed") == 3
    verdict = lab.run("keys", "ceremony", "verify", str(_file(lab, shown)), check=False)
    assert verdict.returncode == 1
    assert "2 of 4 steps are carried out; step 3 was begun and is not finished" in verdict.stdout
    killed_at("done", "4")  # the list is published
    killed_at("closed", "None")
    killed_at("seal", "None")
    out = lab.folder.parent / "killed.json"
    told = json.loads(lab.run("keys", "ceremony", "run", str(plan), "--out", str(out), "--json").stdout)
    assert (told["mode"], told["steps"]) == ("unattended", 4)
    assert lab.run("keys", "ceremony", "verify", str(out)).returncode == 0
    document = json.loads(out.read_text())
    done = {one["step"]: one["facts"] for one in document["entries"] if one["event"] == "done"}
    assert [number for number, facts in done.items() if facts.get("before_interruption")] == [2, 3]
    keys = json.loads(lab.run("module", "keys", "--token", "root", "--json").stdout)["tokens"][0]["keys"]
    assert [one["spki_sha256"] for one in keys if one["label"] == "second-root"] == [done[2]["spki_sha256"]]
    assert authorities(lab).count("second-root") == 1
    with Wiring.lazy(lab.config).open_database() as database, database.read() as connection:
        made = records.authority(connection, "second-root")
        assert made is not None
        assert records.serials_of_key(connection, made.spki_sha256) == [made.serial]
    certificate = x509.load_der_x509_certificate(made.certificate)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.path_length, made.crl_validity_hours, made.parent) == (2, 720, None)
    again = lab.run("keys", "ceremony", "run", str(plan), check=False)
    assert again.returncode == 1
    assert "Rejected (ceremony.over)" in again.stderr
    page = lab.run("keys", "ceremony", "show", "further-root", "--html").stdout
    assert page.startswith("<!doctype html>")
    assert not [word for word in ("http://", "https://", "<script") if word in page]
    for word in ("Unattended", "second-root", "Inventory of keys", "a test module", "is whole"):
        assert word in page
    other = written(lab, "same-name", UNATTENDED.replace("years = 10", "years = 9"))
    assert "of another plan" in lab.run("keys", "ceremony", "run", str(other), check=False).stderr


def _file(lab: Lab, document: dict[str, Any]) -> Path:
    file = lab.folder.parent / "shown.json"
    file.write_text(json.dumps(document))
    return file


def test_the_check_of_an_untouched_template_names_what_is_to_be_filled_in(tmp_path: Path) -> None:
    plan = tmp_path / "backup.toml"
    plan.write_text(template("backup"), encoding="utf-8")
    checked = CliRunner().invoke(app, ["check", str(plan)], obj=SimpleNamespace(lab=False))
    assert checked.exit_code == 1
    assert "CEREMONY-FILLED-IN: place is 'THE ROOM" in checked.stdout
    assert "custodian 3, fingerprint is a hash of noughts, as in the template" in checked.stdout
    assert "nothing speaks against it" not in checked.stdout


def test_an_unattended_plan_is_for_laboratories_alone(lab: Lab) -> None:
    plan = written(lab, "elsewhere", UNATTENDED.replace("further-root", "elsewhere"))
    text = lab.config.read_text(encoding="utf-8")
    config = lab.folder / "elsewhere.toml"
    text = text.replace("[module]\n", '[module]\napproval = "state/module-approval.json"\n')
    config.write_text(text.replace("lab = true", "lab = false"), encoding="utf-8")
    command = ("--config", config, "keys", "ceremony")
    refused = run(*command, "run", plan)  # nobody is enrolled there, so that it comes not so far
    assert "Refused by CENTS419261:IA1.1" in refused.stderr
    checked = run(*command, "check", plan)
    assert (checked.returncode, "for laboratories" in checked.stdout) == (1, True)


def test_a_ceremony_is_abandoned_for_good(lab: Lab) -> None:
    text = UNATTENDED.replace("further-root", "given-up").replace("second-root", "given-up")
    plan = written(lab, "given-up", text.replace('algorithm = "P-256"', 'algorithm = "P-999"'))
    failed = lab.run("keys", "ceremony", "run", str(plan), check=False)
    assert "There is no kind of key 'P-999'" in failed.stderr
    lab.run("keys", "ceremony", "abandon", "given-up", "--reason", "the plan names no kind of key")
    verdict = json.loads(_verified(lab, "given-up"))
    assert "The ceremony was abandoned." in verdict["notices"]
    assert verdict["digest"]
    assert "is not run again" in lab.run("keys", "ceremony", "run", str(plan), check=False).stderr
    gone = lab.run("keys", "ceremony", "abandon", "given-up", "--reason", "again", check=False)
    assert "is not under way" in gone.stderr
    rows = json.loads(lab.run("keys", "ceremony", "list", "--json").stdout)
    assert [bool(one["sealed"]) for one in rows if one["name"] == "given-up"] == [True]


def _verified(lab: Lab, name: str) -> str:
    file = lab.folder.parent / f"{name}.shown.json"
    lab.run("keys", "ceremony", "show", name, "--out", str(file))
    return lab.run("keys", "ceremony", "verify", str(file), "--json", check=False).stdout
