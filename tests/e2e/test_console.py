"""Trusted roles as operators meet them: OpenSSL's keys, a laboratory that runs, a real browser's passkeys."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from chromium import Chromium, find_browser
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from forked_program import run
from laboratory import Lab, openssl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIRMED = ("--confirmed-how", "called back")


pytestmark = pytest.mark.e2e

SECRET = "long and secret"
ROLES = {
    "anna": "security-officer",
    "ben": "security-officer,registration-officer",
    "rita": "revocation-officer",
}


class Staffed:
    """A laboratory with operators, whose keys OpenSSL made."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.folder = lab.folder.parent

    def file(self, name: str) -> Path:
        return self.folder / name

    def new(self, name: str) -> None:
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-passout", f"pass:{SECRET}")
        out = ("-keyout", self.file(f"{name}.key"), "-out", self.file(f"{name}.pem"))
        openssl("req", "-x509", *key, *out, "-days", "365", "-subj", f"/CN={name}")

    def run(self, *arguments: object, who: str | None = None, check: bool = True) -> Any:
        own = [] if who is None else ["--as", who, "--key", str(self.file(f"{who}.key"))]
        done = run("--config", self.lab.config, *arguments, *own, "--json", given=f"{SECRET}\n")
        if not check:
            return done
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    lab = Lab(tmp_path_factory.mktemp("staffed") / "lab")
    lab.start()
    try:
        made = Staffed(lab)
        for name in ROLES:
            made.new(name)
        given = [f"--operator={name}:{roles}:{made.file(f'{name}.pem')}" for name, roles in ROLES.items()]
        made.run("roles", "bootstrap", *given, "--yes")
        yield made
    finally:
        lab.kill_everything()


@pytest.mark.interop
@pytest.mark.req("TRUSTWORKS:ROLES-QUORUM")
def test_openssl_verifies_an_approval_without_this_program(staffed: Staffed) -> None:
    plan, out = staffed.file("plan.toml"), staffed.file("approval.json")
    plan.write_text("a plan", encoding="utf-8")
    staffed.run(
        "roles", "approve", "ceremony.root", plan, "--role=security-officer", "--out", out, who="anna"
    )
    header, payload, signature = json.loads(out.read_bytes())["jws"].split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    staffed.file("signature").write_bytes(der)
    staffed.file("signed").write_text(f"{header}.{payload}", encoding="ascii")
    public = openssl("x509", "-in", staffed.file("anna.pem"), "-pubkey", "-noout")
    staffed.file("anna.pub").write_text(public, encoding="ascii")
    told = openssl(
        "dgst", "-sha256", "-verify", staffed.file("anna.pub"), "-signature", staffed.file("signature"),
        staffed.file("signed"),
    )  # fmt: skip
    assert "Verified OK" in told
    said = json.loads(base64.urlsafe_b64decode(payload + "=="))
    digest = openssl("dgst", "-sha256", "-r", plan).split()[0]
    assert (said["sha256"], said["operator"], said["what"]) == (digest, "anna", "ceremony.root")
    assert staffed.run("roles", "approvals", "add", out)["quorum"]["met"] is False


@pytest.mark.req("CENTS419261:SA1.1", "CENTS419261:IA1.1")
def test_officers_issue_and_revoke_and_others_are_refused(staffed: Staffed) -> None:
    csr, out = staffed.file("x.csr"), staffed.file("x.pem")
    openssl(
        "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
        staffed.file("x.key"), "-subj", "/", "-out", csr,
    )  # fmt: skip
    subject = "C=XX, GN=Xenia, SN=Muster, serialNumber=TEST-X, CN=Xenia Muster TEST"
    issue = ("certificate", "issue", "--profile", "natural", "--csr", csr, "--subject", subject, "--out", out)
    nobody = staffed.run(*issue, check=False)
    assert "Refused by CENTS419261:IA1.1" in nobody.stderr
    for who in ("anna", "rita"):
        assert "Refused by CENTS419261:SA1.1" in staffed.run(*issue, who=who, check=False).stderr
    assert not out.exists()
    staffed.run("roles", "operator", "describe", "ben", "--name", "Xenia Muster", who="anna")
    assert "Refused by EN319411-1:REG-6.2.2-26" in staffed.run(*issue, who="ben", check=False).stderr
    staffed.run("roles", "operator", "describe", "ben", "--name", "Ben Beispiel", who="anna")
    alone = staffed.run(*issue, who="ben", check=False).stderr  # qualified, and without an application
    assert "Refused by TRUSTWORKS:ROLES-QUORUM" in alone
    assert "trustworks roles approve certificate.qualified" in alone
    assert not out.exists()
    advanced = ["natural-ncp" if word == "natural" else word for word in issue]
    serial = staffed.run(*advanced, who="ben")["serial"]
    assert staffed.run("certificate", "show", serial)["requested_by"] == "ben"
    revoke = ("certificate", "revoke", serial, "--reason", "superseded", *CONFIRMED)
    assert "Refused by CENTS419261:SA1.1" in staffed.run(*revoke, who="ben", check=False).stderr
    assert staffed.run("certificate", "show", serial)["status"] == "good"
    staffed.run(*revoke, who="rita")
    assert staffed.run("certificate", "show", serial)["status"] == "revoked"


@pytest.mark.req("CENTS419261:IA1.1", "TRUSTWORKS:ROLES-CHANGES-APPROVED")
def test_a_passkey_is_made_approved_and_signs_in_and_approves_in_a_real_browser(
    staffed: Staffed, tmp_path: Path
) -> None:
    program = find_browser()
    if program is None:
        pytest.skip("NOT TESTED, no Chromium: apt-get install chromium")
    url = f"http://localhost:{staffed.lab.port}/console"
    with Chromium(program, tmp_path) as browser:
        browser.add_authenticator()
        browser.go(url)
        assert "Sign in by passkey" in browser.run("document.body.innerText")
        # The first time by a code of the command line.
        code = staffed.run("roles", "console", who="anna")["code"]
        browser.run(f"document.getElementById('code').value = {json.dumps(code)}")
        browser.run("document.getElementById('code').form.requestSubmit()")
        browser.until("document.querySelector('h1').innerText === 'Queue'")
        browser.go(f"{url}/credentials")
        browser.run("document.getElementById('label').value = 'phone'")
        browser.run("document.getElementById('register').requestSubmit()")
        told = browser.until("document.getElementById('answer').textContent")
        assert "waits for approvals" in told, told
        (waiting,) = staffed.run("roles", "change", "list")
        approve = ("roles", "approve", "roles.change", waiting["sha256"])
        staffed.run(*approve, "--role=security-officer", who="ben")
        assert staffed.run(*approve, who="rita")["applied"] is True
        browser.run("document.querySelector('header form').requestSubmit()")
        browser.until("!!document.getElementById('sign-in')")
        browser.run("document.getElementById('sign-in').click()")
        browser.until("document.querySelector('h1').innerText === 'Queue'")
        browser.go(f"{url}/approvals")
        fill = "const f = [...document.querySelectorAll('form.approve')].at(-1); "
        browser.run(
            f"{fill} f.what.value = 'ceremony.root'; f.sha256.value = '{'2' * 64}'; f.requestSubmit()"
        )
        told = browser.until("document.getElementById('answer').textContent")
        assert told == "Approved. Still missing: 1 more approval of other roles.", told
    found = staffed.run("roles", "approvals", "list", "ceremony.root", "2" * 64)
    assert [one["content"]["operator"] for one in found["approvals"]] == ["anna"]
    assert "webauthn" in found["approvals"][0]
    assert len(found["quorum"]["counted"]) == 1
    done = staffed.run("audit", "verify", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
