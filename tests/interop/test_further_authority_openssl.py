"""An authority that a ceremony made beside a running laboratory; OpenSSL judges what it issues."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest
from ceremony_plans import filled
from laboratory import Lab, openssl, until

if TYPE_CHECKING:
    from pathlib import Path

CONFIRMED = ("--confirmed-how", "called back")


pytestmark = [pytest.mark.interop, pytest.mark.e2e]


def plan_of(lab: Lab) -> str:
    """The template's plan, with the OCSP signer's key of this laboratory and without people."""
    found = json.loads(lab.run("module", "keys", "--token", "services", "--json").stdout)
    keys = {one["label"]: one["spki_sha256"] for one in found["tokens"][0]["keys"]}
    text = filled("sub-ca").replace("0" * 64, keys["ocsp"]).replace("approvals = 2", "approvals = 0")
    head, _, rest = text.partition("[[participants]]")
    steps = rest[rest.index("[[steps]]") :]
    lines = ["by = []" if line.startswith("by = ") else line for line in steps.splitlines()]
    return f"{head}participants = []\nunattended = true\n\n" + "\n".join(lines) + "\n"


def test_a_further_authority_issues_and_its_status_is_served(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    lab.start()
    try:
        plan = tmp_path / "plan.toml"
        plan.write_text(plan_of(lab), encoding="utf-8")
        lab.run("keys", "ceremony", "run", str(plan), "--out", str(tmp_path / "transcript.json"))
        verdict = json.loads(
            lab.run("keys", "ceremony", "verify", str(tmp_path / "transcript.json"), "--json").stdout
        )
        assert verdict["ok"]
        assert verdict["stamped"]  # by the laboratory's own authority
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", tmp_path / "k.pem", "-subj", "/CN=x", "-out", tmp_path / "r.pem")  # fmt: skip
        issued = json.loads(
            lab.run(
                "certificate", "issue", "--profile", "tsu", "--authority", "issuing-2027",
                "--csr", str(tmp_path / "r.pem"), "--subject", "CN=Trustworks TEST TSU 7",
                "--out", str(tmp_path / "c.pem"), "--json",
            ).stdout
        )  # fmt: skip
        end = "-----END CERTIFICATE-----\n"
        chain = httpx.get(f"{lab.url}/certs/issuing-2027.chain.pem").text.split(end)
        own, root = f"{chain[0]}{end}", f"{chain[1]}{end}"
        (tmp_path / "own.pem").write_text(own)
        (tmp_path / "root.pem").write_text(root)
        crl = tmp_path / "own.crl"

        def judged() -> str:
            crl.write_bytes(httpx.get(f"{lab.url}/crl/issuing-2027.crl").content)
            openssl("crl", "-inform", "DER", "-in", crl, "-out", tmp_path / "crl.pem")
            files = {name: tmp_path / f"{name}.pem" for name in ("crl", "root", "own", "c")}
            below = ("-CAfile", files["root"], "-untrusted", files["own"], files["c"])
            return openssl("verify", "-crl_check", "-CRLfile", files["crl"], *below)

        def status() -> str:
            return openssl("ocsp", "-issuer", tmp_path / "own.pem", "-cert", tmp_path / "c.pem", "-url",
                           f"{lab.url}/ocsp", "-CAfile", tmp_path / "root.pem", "-verify_other",
                           tmp_path / "own.pem")  # fmt: skip

        assert "c.pem: OK" in judged()
        said = status()
        assert "Response verify OK" in said
        assert "c.pem: good" in said
        lab.run("certificate", "revoke", issued["serial"], "--reason", "superseded", *CONFIRMED)
        assert "c.pem: revoked" in until(lambda: "revoked" in (found := status()) and found, what="OCSP")
        until(lambda: "certificate revoked" in judged(), seconds=60, what="the list with the revocation")
    finally:
        lab.stop()
