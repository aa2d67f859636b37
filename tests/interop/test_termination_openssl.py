"""A laboratory whose authorities end by a plan, killed on the way; OpenSSL judges what is left."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from laboratory import PROGRAM, Lab, openssl, until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.interop, pytest.mark.e2e]

PARTIES = ("supervisor", "trusted-list", "subscribers", "public")
DOCUMENTS = (
    "termination-procedures",
    "review-records",
    "audit-reports",
    "third-party-arrangements",
    "terms",
    "practice-statement",
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    found = Lab(tmp_path_factory.mktemp("ends") / "lab")
    found.set_up()
    return found


@pytest.fixture(scope="module")
def plan(lab: Lab) -> Path:
    """Both authorities end; the issuing one's key is with others."""
    text = lab.run("termination", "plan").stdout
    assert 'authorities = ["issuing", "root"]' in text
    text = text.replace("2099-12-31", f"{datetime.now(UTC):%Y-%m-%d}").replace(
        "compromised = []", 'compromised = ["issuing"]'
    )
    (lab.folder / "documents").mkdir()
    for kind in DOCUMENTS:
        (lab.folder / "documents" / f"{kind}.txt").write_text(kind, encoding="utf-8")
        text += f'\n[[documents]]\nkind = "{kind}"\nfile = "documents/{kind}.txt"\n'
    file = lab.folder.parent / "plan.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.req(
    "EU2025-2530:3.7-c",
    "EU2025-2530:3.7-d",
    "EU2025-2530:3.7-e",
    "EN319411-1:OVR-6.4.9-03",
    "EN319411-2:CSS-6.3.10-11",
    "TRUSTWORKS:TERMINATION-EXPORT",
)
def test_authorities_end_by_a_plan_whatever_interrupts_it(lab: Lab, plan: Path) -> None:
    work = lab.folder.parent
    rehearsed = json.loads(
        lab.run("termination", "rehearse", str(plan), "--out", "rehearsal", "--json").stdout
    )
    assert rehearsed["authorities"]["issuing"]["to_revoke"] >= 4
    refused = lab.run("termination", "run", str(plan), "--out", "end", "--confirm", "other", check=False)
    assert refused.returncode == 1
    assert "nothing was done" in refused.stderr
    told = [word for name in PARTIES for word in ("--told", name)]
    command = ["termination", "run", str(plan), "--out", "end", "--confirm", "end-of-service"]
    untold = lab.run(*command, *told[:-2], check=False)
    assert "public is not told" in untold.stderr
    _killed_at("answers:issuing", lab, [*command, *told])
    into = [*command, *told]
    into[into.index("end")] = "rehearsal"
    taken = lab.run(*into, check=False)
    assert taken.returncode != 0
    assert "holds the export of a rehearsal" in taken.stderr
    assert "left: export" in lab.run("termination", "status", str(plan), check=False).stdout
    done = json.loads(lab.run(*command, *told, "--json").stdout)["done"]
    assert [one["step"] for one in done][-1] == "export"
    assert lab.run("termination", "status", str(plan)).stdout.count("left: ") == 0

    certificate = lab.folder / "certs" / "audit.pem"
    verdict = json.loads(
        lab.run("termination", "verify", "end", "--certificate", str(certificate), "--json").stdout
    )
    assert (verdict["ok"], verdict["ended"]) == (True, ["issuing", "root"])
    assert lab.run("audit", "verify").returncode == 0
    end = work / "end"
    signed = ("-verify", end / "signer.pem", "-signature", end / "SHA256SUMS.sig", end / "SHA256SUMS")
    assert "Verified OK" in openssl("dgst", "-sha256", *signed)
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=end, check=True)
    for name in ("issuing", "root"):
        listed = ("crl", "-inform", "DER", "-in", end / "lists" / f"{name}.crl", "-noout", "-nextupdate")
        said = openssl(*listed, "-CAfile", end / "authorities" / f"{name}.pem")
        assert "verify OK" in said
        assert "nextUpdate=Dec 31 23:59:59 9999 GMT" in said
    root = x509.load_der_x509_crl((end / "lists/root.crl").read_bytes())
    (entry,) = list(root)
    reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    assert reason is x509.ReasonFlags.ca_compromise
    keys = json.loads(lab.run("keys", "states", "list", "--json").stdout)["keys"]
    assert {one["label"]: one["state"] for one in keys if one["label"] in {"root", "issuing"}} == {
        "root": "destroyed",
        "issuing": "destroyed",
    }
    _altered(lab, end)


def _killed_at(step: str, lab: Lab, command: list[str]) -> None:
    """kill -9 of the command once it has begun a step."""
    log = lab.folder.parent / "killed.txt"
    with log.open("w", encoding="utf-8") as out:
        running = subprocess.Popen(
            [str(PROGRAM), "--config", str(lab.config), *command],
            stdout=subprocess.DEVNULL,
            stderr=out,
            cwd=lab.folder.parent,
        )
        until(lambda: step in log.read_text(encoding="utf-8"), seconds=60, what=step)
        running.send_signal(signal.SIGKILL)
        running.wait()


def _altered(lab: Lab, end: Path) -> None:
    """Whatever is done to the export shows."""
    other = end.with_name("altered")
    shutil.copytree(end, other)
    (other / "documents" / "terms-terms.txt").write_text("better terms", encoding="utf-8")
    (other / "lists" / "root.crl").unlink()
    (other / "more.txt").write_text("more", encoding="utf-8")
    signature = other / "SHA256SUMS.sig"
    octets = signature.read_bytes()
    signature.write_bytes(octets[:-1] + bytes([octets[-1] ^ 1]))
    found = lab.run("termination", "verify", "altered", check=False)
    assert found.returncode in {1, 2}
    shutil.copy(end / "lists" / "root.crl", other / "lists" / "root.crl")
    told = json.loads(lab.run("termination", "verify", "altered", "--json", check=False).stdout)["findings"]
    assert any("signature" in one for one in told)
    assert any("terms-terms.txt was altered" in one for one in told)
    assert any("more.txt is not in" in one for one in told)
