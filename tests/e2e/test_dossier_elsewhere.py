"""A dossier of an installation that is no laboratory, by the steps of docs/dossier.md.

The laboratory plays somebody else: the authority that certifies the seal, and the one that time-stamps.
"""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import forked_program
import pytest
from laboratory import openssl

from trustworks.assurance.dossier.verify import verify

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

    from laboratory import Lab

pytestmark = pytest.mark.e2e
SECRET = "long and secret"
ROLES = {
    "anna": "security-officer",
    "ben": "security-officer",
    "carl": "system-administrator",
    "dora": "auditor",
}
NAMES = "C=XX,O=Example Trust Services TEST,organizationIdentifier=NTRXX-TEST-0002"
CONFIGURATION = """
[provider]
name = "Example Trust Services"
[module]
softhsm2-conf = "softhsm2.conf"
approval = "state/module-approval.json"
unattended-start = true
[tokens]
services = "pkcs11:token=services?pin-source=file:secrets/services.pin"
[time]
mode = "lab"
[signing]
time-stamp-url = "{url}/tsa"
[[signing.seals]]
name = "main"
key = "seal"
certificate = "certs/seal.pem"
[validation]
trust = ["trust/root.pem"]
[validation.fetch]
hosts = ["tsp.example.com=127.0.0.1"]
"""


class Installation:
    """A configuration that was written by hand, and its officers."""

    def __init__(self, folder: Path, lab: Lab) -> None:
        self.folder = folder
        for name in ("secrets", "so", "state", "certs", "trust", "tokens"):
            (folder / name).mkdir(mode=0o700)
        text = f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
        (folder / "softhsm2.conf").write_text(text, encoding="utf-8")
        (folder / "trustworks.toml").write_text(CONFIGURATION.format(url=lab.url), encoding="utf-8")
        shutil.copy(lab.folder / "trust" / "root.pem", folder / "trust" / "root.pem")

    def call(self, *words: str, who: str | None = None) -> CompletedProcess[str]:
        own = () if who is None else ("--as", who, "--key", f"{who}.key")
        return forked_program.run(*words, *own, given=f"{SECRET}\n", cwd=self.folder)

    def run(self, *words: str, who: str | None = None) -> str:
        done = self.call(*words, who=who)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def together(self, *words: str) -> None:
        """What takes a quorum: it is refused, two others approve it, then it is done."""
        refused = self.call(*words, who="anna")
        kind, digest = re.findall(r"roles approve ([a-z.-]+) ([0-9a-f]{64})", refused.stderr)[0]
        self.run("roles", "approve", kind, digest, "--role", "security-officer", who="ben")
        self.run("roles", "approve", kind, digest, "--role", "system-administrator", who="carl")
        self.run(*words, who="anna")

    def enrol(self) -> None:
        words = []
        for name, role in ROLES.items():
            openssl(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "365",
                "-keyout", self.folder / f"{name}.key", "-out", self.folder / f"{name}.pem",
                "-subj", f"/CN={name}", "-passout", f"pass:{SECRET}",
            )  # fmt: skip
            words += ["--operator", f"{name}:{role}:{name}.pem", "--name", f"{name}:{name.title()} Beispiel"]
        self.run("roles", "bootstrap", *words, "--yes")


def test_officers_make_a_seal_and_an_auditor_a_dossier_that_anybody_verifies(
    lab: Lab, tmp_path: Path
) -> None:
    house = Installation(tmp_path, lab)
    house.run("store", "upgrade")
    house.enrol()
    files = ("--pin-file", "secrets/services.pin", "--so-pin-file", "so/services.pin")
    house.together("module", "init-token", "--label", "services", *files)
    (tmp_path / "so" / "services.pin").unlink()  # taken off the machine
    house.together("module", "generate-key", "--token", "services", "--label", "seal", "--algorithm", "P-256")
    house.run("module", "approve", "--operator", "anna", who="anna")
    of = ("--token", "services", "--label", "seal")
    house.run("module", "request", *of, "--subject", NAMES, "--out", "seal.csr", who="anna")

    early = house.call("assurance", "dossier", "--out", "early.asice", who="dora")
    assert "certs/seal.pem cannot be read" in early.stderr
    subject = f"{NAMES},CN=Example seal TEST,serialNumber=TEST-9"
    issue = ("certificate", "issue", "--profile", "legal-ncp", "--csr", str(tmp_path / "seal.csr"))
    lab.run(*issue, "--subject", subject, "--chain", "--out", str(tmp_path / "certs" / "seal.pem"))

    house.run("assurance", "dossier", "--out", "dossier", who="dora")
    found = verify(tmp_path / "dossier", trust=[tmp_path / "trust" / "root.pem"])
    assert found.findings == []
    assert {(one.over, one.level, one.trusted) for one in found.seals} == {
        ("manifest.json", "CAdES-BASELINE-LTA", True),
        ("dossier.pdf", "PAdES-BASELINE-LTA", True),
    }
    about = json.loads((tmp_path / "dossier" / "about.json").read_bytes())
    assert about["laboratory"] is False
    assert about["banners"][0] == "insufficient: test module (services)"
    roles = (tmp_path / "dossier" / "annex-iii" / "13-h-trusted-roles.json").read_text(encoding="utf-8")
    assert not any(name in roles for name in ROLES)  # numbers alone
    assert json.loads(roles)["roles"] == {"auditor": 1, "security-officer": 2, "system-administrator": 1}

    refused = house.call("assurance", "dossier", "--out", "again", "--seal", "other", who="dora")
    assert "there are: main" in refused.stderr
