"""A ceremony of people: two of three approve, the plan is run, officer and witness sign, anybody verifies."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from ceremony_plans import template
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from forked_program import run
from laboratory import Lab, openssl

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("ceremonies")
ROLES = {
    "anna": "security-officer",
    "boris": "system-administrator",
    "clara": "operator",
    "wanda": "auditor",
}


class House:
    """A laboratory, and the people of the template with keys of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lab = Lab(folder / "lab")
        self.lab.set_up()
        for name in ROLES:
            self._make(name)
        named = [f"{name}:{role}:{folder / name}.pem" for name, role in ROLES.items()]
        self.lab.run("roles", "bootstrap", "--yes", *(part for one in named for part in ("--operator", one)))

    def _make(self, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{name} TEST")])
        now = datetime.now(UTC)
        certificate = x509.CertificateBuilder(
            issuer_name=subject,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(hours=1),
            not_valid_after=now + timedelta(days=30),
        ).sign(key, hashes.SHA256())
        secret = BestAvailableEncryption(f"the secret of {name}".encode())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret)
        (self.folder / f"{name}.key").write_bytes(pem)
        (self.folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))

    def ceremony(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return run("--config", self.lab.config, "keys", "ceremony", *arguments, given=typed)

    def by(self, name: str, *arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
        """A command of somebody, who types the passphrase of a key: his own, unless another's is taken."""
        own = key or name
        who = ("--as", name, "--key", str(self.folder / f"{own}.key"))
        return self.ceremony(*arguments, *who, typed=f"the secret of {own}\n")


@pytest.mark.req("TRUSTWORKS:CEREMONY-APPROVED", "EN319411-1:GEN-6.5.1-04", "EN319411-1:GEN-6.5.1-14")
def test_two_of_three_approve_and_officer_and_witness_sign(tmp_path: Path) -> None:
    house = House(tmp_path)
    plan = tmp_path / "root.toml"
    plan.write_text(template("root"), encoding="utf-8")

    def refused(found: subprocess.CompletedProcess[str], *said: str) -> None:
        assert found.returncode == 1, found.stdout
        assert [one for one in said if one not in found.stderr] == []

    # One alone, an auditor, somebody with another's key: refused.
    assert "Still missing" in house.by("anna", "approve", str(plan)).stdout
    refused(house.ceremony("run", str(plan)), "is not approved", "1 of 2 approvals are there (by anna)")
    refused(house.by("wanda", "approve", str(plan)), "TRUSTWORKS:CEREMONY-APPROVED", "wanda")
    refused(house.by("boris", "approve", str(plan), key="anna"), "is no credential of boris")
    refused(house.by("mallory", "approve", str(plan), key="anna"), "mallory is no participant")
    refused(house.ceremony("run", str(plan)), "is not approved")
    # Another plan than the approved one: its digest is another.
    other = tmp_path / "other.toml"
    other.write_text(template("root").replace("years = 20", "years = 30"), encoding="utf-8")
    assert house.by("boris", "approve", str(plan)).returncode == 0
    refused(house.ceremony("run", str(other)), "is not approved", "0 of 2 approvals")
    # People who say no stop it, and it goes on when they say yes.
    refused(house.ceremony("run", str(plan), typed="yes\nno\n"), "It was not confirmed: The seal")
    done = house.ceremony("run", str(plan), typed="yes\n" * 3)
    assert done.returncode == 0, done.stderr
    refused(house.ceremony("run", str(plan)), "ceremony.over")
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
