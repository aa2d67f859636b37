"""A ceremony of people: two of three approve, the plan is run, officer and witness sign, anybody verifies."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from ceremony_house import ROLES, House
from ceremony_plans import filled, template
from forked_program import run, run_script
from laboratory import openssl

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("ceremonies")
# What a termination plan does for one authority.
ENDED = """
import sys
from contextlib import ExitStack
from pathlib import Path
from trustworks.app.wiring import Wiring
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.termination import Ending

wiring, name = Wiring.lazy(Path(sys.argv[1])), sys.argv[2]
with ExitStack() as stack:
    database = stack.enter_context(wiring.open_database())
    recorder = stack.enter_context(wiring.open_recorder("operator", database=database))
    token, label = wiring.authority_place(database, name)
    module = stack.enter_context(wiring.open_module(token))
    clock = wiring.open_clock()
    ending = Ending(name, plan="ab" * 32, by="anna", database=database, recorder=recorder, clock=clock)
    ending.close()
    ending.revoke(RevocationReason.cessationOfOperation)
    ending.answer(module.key(label=label), cert_hash=False)
    publisher = wiring.crl_publisher(
        database=database, recorder=recorder, clock=clock, tokens=lambda _: module
    )
    publisher.publish_all(name, actor="anna", final=True)
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("house"))


@pytest.mark.req(
    "TRUSTWORKS:CEREMONY-FILLED-IN",
    "TRUSTWORKS:CEREMONY-APPROVED",
    "EN319411-1:GEN-6.5.1-04",
    "EN319411-1:GEN-6.5.1-14",
)
def test_two_of_three_approve_and_officer_and_witness_sign(house: House, tmp_path: Path) -> None:
    plan = tmp_path / "root.toml"
    plan.write_text(filled("root"), encoding="utf-8")

    def refused(found: subprocess.CompletedProcess[str], *said: str) -> None:
        assert found.returncode == 1, found.stdout
        assert [one for one in said if one not in found.stderr] == []

    # What the template leaves open is to be filled in before anybody approves it.
    untouched = tmp_path / "untouched.toml"
    untouched.write_text(template("root"), encoding="utf-8")
    refused(house.by("anna", "approve", str(untouched)), "TRUSTWORKS:CEREMONY-FILLED-IN", "place is 'THE")
    refused(house.run(untouched), "TRUSTWORKS:CEREMONY-FILLED-IN")
    # One alone, an auditor, somebody with another's key: refused.
    assert "Still missing" in house.by("anna", "approve", str(plan)).stdout
    refused(house.run(plan), "is not approved", "1 of 2 approvals are there (by anna)")
    refused(house.by("wanda", "approve", str(plan)), "TRUSTWORKS:CEREMONY-APPROVED", "wanda")
    refused(house.by("boris", "approve", str(plan), key="anna"), "is no credential of boris")
    refused(house.by("mallory", "approve", str(plan), key="anna"), "mallory is no participant")
    refused(house.run(plan), "is not approved")
    # Another plan than the approved one: its digest is another.
    other = tmp_path / "other.toml"
    other.write_text(filled("root").replace("years = 20", "years = 30"), encoding="utf-8")
    assert house.by("boris", "approve", str(plan)).returncode == 0
    refused(house.run(other), "is not approved", "0 of 2 approvals")
    # People who say no stop it, and it goes on when they say yes.
    refused(house.run(plan, typed="yes\nno\n"), "It was not confirmed: The seal")
    done = house.run(plan, typed="yes\n" * 3)
    assert done.returncode == 0, done.stderr
    refused(house.run(plan), "ceremony.over")
    # Officer and witness sign, nobody else.
    refused(house.by("boris", "sign", "root-2027"), "does not have boris sign")
    assert "no independent witness has signed" in house.by("anna", "sign", "root-2027").stdout
    assert "All who have to have signed" in house.by("wanda", "sign", "root-2027").stdout
    # Offline, by files alone, without this laboratory.
    out, audit = tmp_path / "transcript.json", house.lab.folder / "certs" / "audit.pem"
    house.lab.run("keys", "ceremony", "show", "root-2027", "--out", str(out))
    judged = run("keys", "ceremony", "verify", out, "--signer", audit, "--json", cwd=tmp_path)
    verdict: dict[str, Any] = json.loads(judged.stdout)
    assert (verdict["ok"], verdict["findings"]) == (True, [])
    assert (verdict["approved_by"], verdict["signed_by"]) == (["anna", "boris"], ["anna", "wanda"])
    # The root that came out of it, by OpenSSL.
    document = json.loads(out.read_text(encoding="utf-8"))
    made = next(one["facts"] for one in document["entries"] if "certificate" in one["facts"])
    root = tmp_path / "root.pem"
    root.write_text(
        f"-----BEGIN CERTIFICATE-----\n{made['certificate']}\n-----END CERTIFICATE-----\n", encoding="ascii"
    )
    text = openssl("x509", "-in", root, "-noout", "-text", "-fingerprint", "-sha256")
    assert "CA:TRUE" in text
    assert "CN = Trustworks TEST Root CA 2027" in text
    assert "root.pem: OK" in openssl("verify", "-check_ss_sig", "-CAfile", root, root)
    crl = tmp_path / "root.crl"
    house.lab.run("crl", "show", "--authority", "root-2027", "--out", str(crl))
    assert "verify OK" in openssl("crl", "-in", crl, "-inform", "DER", "-CAfile", root, "-noout")


class Story:
    """The life of one authority's key, by plans that two of three approve, one after another."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.folder = folder
        for name in ("issuing-2027", "issuing-2028"):
            self._token(name)
        self.name_tokens("issuing-2027", "issuing-2028")
        (house.lab.folder / "custodians").mkdir()
        self.cards = {name: self._custodian(name) for name in ("clara", "dora", "emil")}

    def _token(self, name: str) -> None:
        """A token, by who has both PINs then: no operator makes one alone."""
        files = ("--pin-file", self.house.lab.folder / "secrets" / f"{name}.pin", "--so-pin-file")
        make = ("module", "init-token", "--label", name, *map(str, (*files, self.folder / f"{name}.so-pin")))
        refused = self.house.acting("boris", *make)
        assert refused.returncode == 1, refused.stdout
        found = re.search(r"key\.init-token ([0-9a-f]{64})", refused.stderr)
        assert found is not None, refused.stderr
        for who in ("anna", "clara"):
            approve = ("roles", "approve", "key.init-token", found[1], "--role", ROLES[who])
            done = self.house.acting(who, *approve)
            assert done.returncode == 0, done.stderr
        made = self.house.acting("boris", *make)
        assert made.returncode == 0, made.stderr

    def name_tokens(self, first: str, second: str) -> None:
        """Which tokens the configuration has under the names issuing-2027 and issuing-2028."""
        text = self.house.lab.config.read_text(encoding="utf-8").partition("[tokens.further]")[0]
        named = zip(("issuing-2027", "issuing-2028"), (first, second), strict=True)
        lines = [f'{name} = "pkcs11:token={one}?pin-source=file:secrets/{one}.pin"' for name, one in named]
        self.house.lab.config.write_text(
            "\n".join([f"{text.rstrip()}\n", "[tokens.further]", *lines, ""]), encoding="utf-8"
        )

    def _custodian(self, name: str) -> str:
        place = self.folder / name
        made = self.house.call(
            *("keys", "custodian", "make", name, "--folder", str(place), "--bits", "3072", "--json")
        )
        assert made.returncode == 0, made.stderr
        shutil.copy(place / "custodian.json", self.house.lab.folder / "custodians" / f"{name}.json")
        return str(json.loads(made.stdout)["fingerprint"])

    def plan(self, kind: str, *changes: tuple[str, str], name: str | None = None) -> Path:
        file = self.folder / f"{name or kind}.toml"
        text = filled(kind).replace('token = "issuing" ', 'token = "issuing-2027" ')
        text = text.replace('token = "issuing"\n', 'token = "issuing-2027"\n')
        for before, after in changes:
            assert before in text, before
            text = text.replace(before, after)
        file.write_text(text, encoding="utf-8")
        return file

    def approved(self, plan: Path) -> None:
        for name in ("anna", "boris"):
            done = self.house.by(name, "approve", str(plan))
            assert done.returncode == 0, done.stderr

    def run(self, plan: Path, *custodians: str) -> dict[int, dict[str, Any]]:
        """Run an approved plan with these custodians at hand; the facts of its steps."""
        out = self.folder / f"{plan.stem}.json"
        places = [part for one in custodians for part in ("--custodian", str(self.folder / one))]
        done = self.house.run(plan, *places, "--out", str(out), typed="yes\n" * 3)
        assert done.returncode == 0, done.stderr
        entries = json.loads(out.read_text(encoding="utf-8"))["entries"]
        return {one["step"]: one["facts"] for one in entries if one["event"] == "done"}

    def carried_out(self, plan: Path, *custodians: str) -> dict[int, dict[str, Any]]:
        self.approved(plan)
        return self.run(plan, *custodians)

    def issues(self, name: str) -> subprocess.CompletedProcess[str]:
        request, key = self.folder / f"{name}.req", self.folder / f"{name}.key"
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", key, "-subj", "/CN=x", "-out", request)  # fmt: skip
        return self.house.acting(
            "rita", "certificate", "issue", "--profile", "tsu", "--authority", "issuing-2027",
            "--csr", str(request), "--subject", f"CN=Trustworks TEST {name}",
            "--out", str(self.folder / f"{name}.pem"),
        )  # fmt: skip

    def judged(self, name: str, authority: str) -> str:
        """What OpenSSL says of a certificate, below the authority and the laboratory's root."""
        issued = self.issues(name)
        assert issued.returncode == 0, issued.stderr
        own, root = self.folder / "own.pem", self.house.lab.folder / "trust" / "root.pem"
        own.write_text(
            f"-----BEGIN CERTIFICATE-----\n{authority}\n-----END CERTIFICATE-----\n", encoding="ascii"
        )
        return openssl("verify", "-CAfile", root, "-untrusted", own, self.folder / f"{name}.pem")

    def state(self) -> dict[str, Any]:
        listed = json.loads(self.house.call("keys", "states", "list", "--json").stdout)["keys"]
        (found,) = [one for one in listed if one["label"] == "issuing-2027"]
        return {name: found[name] for name in ("state", "tokens", "backups")}


@pytest.mark.e2e
@pytest.mark.req("EN319411-1:GEN-6.5.2-06", "EN319411-1:GEN-6.5.1-04", "EN319411-1:GEN-6.5.1-13B")
def test_an_authoritys_key_is_backed_up_destroyed_restored_and_moved_by_plans(
    house: House, tmp_path: Path
) -> None:
    story = Story(house, tmp_path)
    found = json.loads(house.call("module", "keys", "--token", "services", "--json").stdout)
    ocsp = next(one["spki_sha256"] for one in found["tokens"][0]["keys"] if one["label"] == "ocsp")
    house.lab.start()
    try:
        _life_of_a_key(house, story, tmp_path, ocsp)
    finally:
        house.lab.stop()


def _life_of_a_key(  # noqa: PLR0915 - one story
    house: House, story: Story, folder: Path, ocsp: str
) -> None:
    def refused(done: subprocess.CompletedProcess[str], *said: str) -> None:
        assert done.returncode == 1, done.stdout
        assert [one for one in said if one not in done.stderr] == [], done.stderr

    # The key is made with its backup; the backup is shown to bring it back.
    cards = [(f"{number:064x}", story.cards[one]) for number, one in enumerate(("clara", "dora", "emil"), 1)]
    fast = ('custodians = ["clara", "dora"]', 'custodians = ["clara", "dora"]\ntransport-bits = 3072')
    backup = story.plan("backup", *cards, fast)
    refused(house.by("wanda", "approve", str(backup)), "wanda is no participant")
    assert house.by("anna", "approve", str(backup)).returncode == 0
    refused(house.run(backup), "is not approved", "1 of 2 approvals are there (by anna)")
    assert house.by("boris", "approve", str(backup)).returncode == 0
    swapped = house.lab.folder / "custodians" / "emil.json"
    right = swapped.read_bytes()
    swapped.write_bytes((house.lab.folder / "custodians" / "dora.json").read_bytes())
    refused(house.run(backup), "Refused by EN319411-1:GEN-6.5.2-06", "The card is of dora")
    swapped.write_bytes(right)
    done = story.run(backup, "clara", "dora")
    spki, digest = done[2]["spki_sha256"], done[2]["backup"]
    assert (done[2]["custodians"], done[3]["custodians"]) == (["clara", "dora", "emil"], ["clara", "dora"])
    file = house.lab.folder / done[2]["backup_file"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert story.state() == {"state": "operational", "tokens": ["issuing-2027"], "backups": 1}

    # The authority, over the key that was made before.
    key = 'kind = "generate-key"\nphase = "Generation"'
    check = f'kind = "check-key"\nspki-sha256 = "{spki}"\nphase = "Generation"'
    made_before = (key, check), ("0" * 64, ocsp)
    text = re.sub(r'algorithm = "P-256".*\n', "", story.plan("sub-ca", *made_before).read_text())
    authority = folder / "sub-ca.toml"
    authority.write_text(text, encoding="utf-8")
    rehearsed = house.ceremony("rehearse", str(authority), "--yes", "--json")
    assert json.loads(rehearsed.stdout)["mode"] == "rehearsal", rehearsed.stderr
    made = next(one for one in story.carried_out(authority).values() if "certificate" in one)["certificate"]
    assert house.by("anna", "sign", "issuing-2027").returncode == 0
    assert "first.pem: OK" in story.judged("first", made)

    # What came of it holds by its folder alone, and whatever is changed in it is told.
    kept = folder / "kept"
    root = house.lab.folder / "trust" / "root.pem"
    exported = house.ceremony("export", "issuing-2027", "--out", str(kept), "--trust", str(root))
    assert exported.returncode == 0, exported.stderr
    taken = folder / "elsewhere" / "issuing-2027"
    shutil.copytree(kept, taken)
    verdict = _judged(taken)
    assert (verdict["ok"], verdict["findings"]) == (True, [])
    assert (verdict["approved_by"], verdict["signed_by"]) == (["anna", "boris"], ["anna"])
    assert verdict["stamped"]
    _nothing_is_changed_unseen(taken)

    # Destroyed by plan: what is left of it is told, and nothing signs.
    spkis = ("0" * 64, spki)
    labels = ('label = "tsu-1"', 'label = "issuing-2027"'), ('token = "tsu"', 'token = "issuing-2027"')
    gone = story.carried_out(story.plan("destroy", spkis, *labels))
    assert gone[1]["remaining"] == {"tokens": [], "backups": [digest]}
    assert story.state() == {"state": "suspended", "tokens": [], "backups": 1}
    refused(story.issues("without"), "No private key with the label 'issuing-2027'")

    # Restored by two custodians; one of them alone brings nothing back.
    known = (f'backup = "{"0" * 64}"', f'backup = "{digest}"'), spkis, fast
    one = story.plan(
        "restore", *known, ('custodians = ["clara", "dora"]', 'custodians = ["clara"]'), name="one"
    )
    assert "tuple should have at least 2 items" in house.ceremony("check", str(one)).stderr
    back = story.plan("restore", *known)
    story.approved(back)
    alone = house.run(back, "--custodian", str(folder / "clara"), typed=f"{folder / 'clara'}\n")
    refused(alone, "is not the token of dora")
    assert story.state()["tokens"] == []
    returned = story.run(back, "dora", "clara")
    assert (returned[2]["spki_sha256"], returned[2]["state"]) == (spki, "operational")
    protection = returned[2]["protection"]
    assert (protection["extractable"], protection["sensitive"], protection["private"]) == (False, True, True)
    assert "second.pem: OK" in story.judged("second", made)

    # Moved to a second token; the first one's copy is destroyed, and the second signs.
    serial = json.loads(house.call("module", "info", "--token", "issuing-2028", "--json").stdout)
    serial_number = serial["tokens"][0]["token_serial"]
    target = ('token = "services"', 'token = "issuing-2028"')
    move = story.plan("transfer", *known, target, ("THE SERIAL NUMBER OF THE TARGET", serial_number))
    moved = story.carried_out(move, "clara", "dora")
    assert (moved[2]["token_serial"], moved[2]["on_tokens"]) == (
        serial_number,
        ["issuing-2027", "issuing-2028"],
    )
    again = ('name = "end-of-tsu-2026"', 'name = "end-on-the-first-token"')
    left = story.carried_out(story.plan("destroy", spkis, *labels, again, name="moved"))
    assert left[1]["remaining"] == {"tokens": ["issuing-2028"], "backups": [digest]}
    story.name_tokens("issuing-2028", "issuing-2027")  # the authority's token is the other one now
    assert "third.pem: OK" in story.judged("third", made)

    # The end: the last token, then the last backup, and it does not come back.
    ending = f"""
[[steps]]
kind = "destroy-backup"
phase = "Destruction"
by = ["anna", "boris"]
label = "issuing-2027"
spki-sha256 = "{spki}"
backup = "{digest}"
file = "{file.relative_to(house.lab.folder)}"
reason = "The authority has come to its end."
"""
    last = ('name = "end-of-tsu-2026"', 'name = "end-of-the-key"')
    end = story.plan("destroy", spkis, *labels, last, name="end")
    end.write_text(end.read_text(encoding="utf-8") + ending, encoding="utf-8")
    run_script(ENDED, house.lab.config, "issuing-2027", check=True)
    ended = story.carried_out(end)
    assert (ended[3]["state"], ended[3]["remaining"]) == ("destroyed", {"tokens": [], "backups": []})
    assert not file.exists()
    assert story.state() == {"state": "destroyed", "tokens": [], "backups": 0}
    _no_pin_is_in(house.lab.folder / "state", folder)


def _no_pin_is_in(*places: Path) -> None:
    """No PIN of a token is in a database, a transcript, a plan, a page or a log."""
    files = [file for place in places for file in place.rglob("*") if file.is_file()]
    secret = {file for file in files if file.name.endswith((".pin", ".so-pin"))}
    pins = {file.read_bytes().strip() for file in (*secret, *places[0].parent.glob("secrets/*pin"))}
    assert len(pins) > 15
    read = {file: file.read_bytes() for file in files if file not in secret and file.suffix != ".sock"}
    assert len(read) > 20
    assert [(file.name, pin) for file, octets in read.items() for pin in pins if pin in octets] == []


def _judged(place: Path) -> dict[str, Any]:
    """The verdict on a ceremony's folder, from elsewhere and without this laboratory."""
    done = run("keys", "ceremony", "verify", place, "--json", cwd=place.parent)
    verdict: dict[str, Any] = (
        json.loads(done.stdout) if done.stdout else {"ok": False, "findings": [done.stderr]}
    )
    return verdict


def _nothing_is_changed_unseen(place: Path) -> None:
    plan, transcript = place / "plan.json", place / "transcript.json"
    whole = plan.read_bytes(), transcript.read_text(encoding="utf-8")

    def told(change: Callable[[Any], None]) -> str:
        document = json.loads(whole[1])
        change(document)
        transcript.write_text(json.dumps(document), encoding="utf-8")
        verdict = _judged(place)
        assert not verdict["ok"]
        return " ".join(verdict["findings"])

    def other(octets: str) -> str:
        at = len(octets) // 2
        return octets[:at] + ("A" if octets[at] != "A" else "B") + octets[at + 1 :]

    def in_the_plan(document: Any) -> None:
        document["plan"]["purpose"] += "."

    def in_an_entry(document: Any) -> None:
        document["entries"][3]["facts"]["token_serial"] = "0"

    def in_an_approval(document: Any) -> None:
        approval = document["entries"][0]["facts"]["approvals"][0]
        approval["jws"] = other(approval["jws"])

    def in_a_signature(document: Any) -> None:
        document["signatures"][0]["jws"] = other(document["signatures"][0]["jws"])

    def in_the_time_stamp(document: Any) -> None:
        document["seal"]["time_stamp"] = other(document["seal"]["time_stamp"])

    def in_the_seal(document: Any) -> None:
        document["seal"]["statement"]["outcome"] = "abandoned"

    assert "Entry 0 does not follow" in told(in_the_plan)
    assert "Entry 4 does not follow" in told(in_an_entry)
    assert "signature" in told(in_an_approval)
    assert "signature" in told(in_a_signature)
    assert "The time-stamp does not hold" in told(in_the_time_stamp)
    assert "The seal says of another outcome" in told(in_the_seal)
    transcript.write_text(whole[1], encoding="utf-8")
    plan.write_bytes(whole[0].replace(b"seals", b"seald"))
    assert "The plan beside it is another" in " ".join(_judged(place)["findings"])
    plan.write_bytes(whole[0])
    assert _judged(place)["ok"]
